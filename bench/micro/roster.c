/* Who hears: core/muc/roster. Sizes are rooms; one operation is one entry. */
#include "bench/micro/micro.h"

#include "core/base/base.h"
#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "core/muc/roster.h"

#include <stdio.h>

static struct address **addresses;
static unsigned addresses_count;

static void make_addresses(unsigned count)
{
    addresses = MEM_NEW_ARRAY(struct address *, count);
    addresses_count = count;
    for (unsigned i = 0; i < count; i++) {
        char jid[40];
        snprintf(jid, sizeof(jid), "u%u@users.localhost/r", i);
        addresses[i] = address_new(str_z(jid));
    }
}

static void add(struct roster **roster, uint32_t session)
{
    struct route route = {0, 1, (uint16_t)(session % 2)};
    roster_add(roster, route, addresses[session], session, session, ROSTER_PARTICIPANT);
}

static struct roster *filled(unsigned size)
{
    struct roster *roster = roster_new();
    for (unsigned i = 0; i < size; i++)
        add(&roster, i);
    return roster;
}

static uint64_t fill(void *self, uint64_t operations)
{
    unsigned size = *(const unsigned *)self;
    uint64_t done = 0;
    for (; done < operations; done += size)
        roster_unref(filled(size));
    return done;
}

/* One leaves and comes back; nobody else holds the roster. */
static uint64_t churn(void *self, uint64_t operations)
{
    unsigned size = *(const unsigned *)self;
    struct roster *roster = filled(size);
    for (uint64_t i = 0; i < operations; i++) {
        uint32_t session = (uint32_t)(i * 7919 % size);
        roster_remove(&roster, session);
        add(&roster, session);
    }
    roster_unref(roster);
    return operations;
}

/* The same while a delivery in flight holds each state: what copy on write costs. */
static uint64_t churn_held(void *self, uint64_t operations)
{
    unsigned size = *(const unsigned *)self;
    struct roster *roster = filled(size);
    for (uint64_t i = 0; i < operations; i++) {
        uint32_t session = (uint32_t)(i * 7919 % size);
        struct roster *held = roster_ref(roster);
        roster_remove(&roster, session);
        add(&roster, session);
        roster_unref(held);
    }
    roster_unref(roster);
    return operations;
}

/* A snapshot is taken and read to its end, as a lane does. */
static uint64_t walk(void *self, uint64_t operations)
{
    unsigned size = *(const unsigned *)self;
    struct roster *roster = filled(size);
    uint64_t done = 0, bytes = 0;
    while (done < operations) {
        struct roster *snapshot = roster_ref(roster);
        for (uint16_t lane = 0; lane < 2; lane++) {
            const struct roster_entry *entries;
            for (uint32_t at = 0, run; (run = roster_run(snapshot, lane, at, &entries)) > 0;) {
                for (uint32_t i = 0; i < run; i++)
                    bytes += audience_has(AUDIENCE_ALL, &entries[i]) ? entries[i].address->size : 0;
                at += run;
            }
        }
        done += size;
        roster_unref(snapshot);
    }
    micro_keep(&bytes);
    roster_unref(roster);
    return done;
}

int main(int argc, char **argv)
{
    static unsigned small = 10, large = 1000, huge = 20000;
    const struct micro_case cases[] = {
        {"add, until 10 are in", fill, &small, false},
        {"add, until 1,000 are in", fill, &large, false},
        {"add, until 20,000 are in", fill, &huge, false},
        {"leave and return, 1,000", churn, &large, false},
        {"leave and return, 1,000, snapshot held", churn_held, &large, false},
        {"leave and return, 20,000, snapshot held", churn_held, &huge, false},
        {"walk of a snapshot, 10", walk, &small, false},
        {"walk of a snapshot, 1,000", walk, &large, false},
        {"walk of a snapshot, 20,000", walk, &huge, false},
    };
    make_addresses(huge);
    int status = micro_main(argc, argv, "roster", cases, ARRAY_LEN(cases));
    for (unsigned i = 0; i < addresses_count; i++)
        address_unref(addresses[i]);
    mem_free(addresses);
    return status;
}
