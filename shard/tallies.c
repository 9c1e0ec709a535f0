/*
 * A lock-free hash table of counters, as the directory's others. Every account that is in a room
 * has one, so it is small: instead of their texts, service and account are two keyed hashes of 64
 * bits, under keys of their own: nobody can choose two that are the same, and none are by chance.
 *
 * An account that leaves its last room takes its entry out, one that enters its first puts one in;
 * a counter that has come to nothing never counts again, so the two cannot mistake each other.
 */
#include "shard/tallies.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "shard/runtime/rcu.h"

#include <assert.h>
#include <stdatomic.h>
#include <urcu/rculfhash.h>

enum { BUCKETS = 16384 };

struct tally {
    struct cds_lfht_node node; /* it knows the first hash */
    struct rcu_head later;
    uint64_t second;        /* hash */
    _Atomic uint32_t rooms; /* 0: nobody may count on it any more, it is taken out */
};

static_assert(sizeof(struct tally) <= 48, "a size class of jemalloc; the next one is 64");

/* Of a service and an account. */
struct tally_key {
    unsigned long first;
    uint64_t second;
};

struct tallies {
    struct hash_key hash_key;
    struct cds_lfht *table;
    _Atomic uint32_t count;
};

static struct tally_key key_of(const struct tallies *tallies, struct str service,
                               struct str account)
{
    const struct hash_key *key = &tallies->hash_key;
    struct hash_key others = {hash_str(key, service), ~key->k0};
    return (struct tally_key){(unsigned long)hash_str(key, account), hash_str(&others, account)};
}

/* ---- entries ---- */

static struct tally *tally_of(struct cds_lfht_node *node)
{
    if (node == NULL)
        return NULL;
    handover_take(node);
    return container_of(node, struct tally, node);
}

static void tally_release(struct rcu_head *head)
{
    rcu_later_begin(head);
    mem_free(container_of(head, struct tally, later));
}

/* The table compares the first hash itself. */
static int tally_matches(struct cds_lfht_node *node, const void *key)
{
    const struct tally_key *wanted = key;
    return tally_of(node)->second == wanted->second;
}

static void tally_drop(struct cds_lfht_node *node)
{
    rcu_later(&tally_of(node)->later, tally_release);
}

static struct tally *tally_find(struct tallies *tallies, const struct tally_key *key)
{
    struct cds_lfht_iter iter;
    cds_lfht_lookup(tallies->table, key->first, tally_matches, key, &iter);
    return tally_of(cds_lfht_iter_get_node(&iter));
}

/* Whoever is first to take it out. */
static void tally_take_out(struct tallies *tallies, struct tally *tally)
{
    if (cds_lfht_del(tallies->table, &tally->node) != 0)
        return;
    atomic_fetch_sub_explicit(&tallies->count, 1, memory_order_relaxed);
    tally_drop(&tally->node);
}

/* False: there is one already. */
static bool tally_put(struct tallies *tallies, const struct tally_key *key)
{
    struct tally *tally = MEM_NEW(struct tally);
    tally->second = key->second;
    atomic_init(&tally->rooms, 1);
    handover_give(&tally->node);
    if (cds_lfht_add_unique(tallies->table, key->first, tally_matches, key, &tally->node) ==
        &tally->node) {
        atomic_fetch_add_explicit(&tallies->count, 1, memory_order_relaxed);
        return true;
    }
    mem_free(tally);
    return false;
}

/* False: it has come to nothing meanwhile. */
static bool tally_raise(struct tally *tally)
{
    uint32_t rooms = atomic_load_explicit(&tally->rooms, memory_order_relaxed);
    while (rooms > 0) {
        if (atomic_compare_exchange_weak_explicit(&tally->rooms, &rooms, rooms + 1,
                                                  memory_order_relaxed, memory_order_relaxed))
            return true;
    }
    return false;
}

/* One that has come to nothing is taken out by who needs its place, if not yet by who emptied it:
 * nobody waits for anybody. */
static void tally_add(struct tallies *tallies, const struct tally_key *key)
{
    for (;;) {
        struct tally *tally = tally_find(tallies, key);
        if (tally != NULL && tally_raise(tally))
            return;
        if (tally != NULL)
            tally_take_out(tallies, tally);
        else if (tally_put(tallies, key))
            return;
    }
}

/* Who leaves is counted in it, so it is there and more than nothing. */
static void tally_lower(struct tallies *tallies, const struct tally_key *key)
{
    struct tally *tally = tally_find(tallies, key);
    ensure(tally != NULL);
    uint32_t rooms = atomic_fetch_sub_explicit(&tally->rooms, 1, memory_order_relaxed);
    ensure(rooms > 0);
    if (rooms == 1)
        tally_take_out(tallies, tally);
}

void tallies_change(struct tallies *tallies, struct str service, struct str account, bool inside)
{
    struct tally_key key = key_of(tallies, service, account);
    rcu_section_begin();
    if (inside)
        tally_add(tallies, &key);
    else
        tally_lower(tallies, &key);
    rcu_section_end();
}

uint32_t tallies_rooms(struct tallies *tallies, struct str service, struct str account)
{
    struct tally_key key = key_of(tallies, service, account);
    rcu_section_begin();
    const struct tally *tally = tally_find(tallies, &key);
    uint32_t rooms = tally == NULL ? 0 : atomic_load_explicit(&tally->rooms, memory_order_relaxed);
    rcu_section_end();
    return rooms;
}

uint32_t tallies_count(const struct tallies *tallies)
{
    return atomic_load_explicit(&tallies->count, memory_order_relaxed);
}

struct tallies *tallies_new(const struct hash_key *hash_key)
{
    struct tallies *tallies = MEM_NEW(struct tallies);
    tallies->hash_key = *hash_key;
    tallies->table = cds_lfht_new_flavor(BUCKETS, BUCKETS, BUCKETS, 0, &urcu_memb_flavor, NULL);
    ensure(tallies->table != NULL);
    return tallies;
}

void tallies_free(struct tallies *tallies)
{
    struct cds_lfht_iter iter;
    rcu_section_begin();
    cds_lfht_first(tallies->table, &iter);
    for (struct tally *tally = tally_of(cds_lfht_iter_get_node(&iter)); tally != NULL;
         tally = tally_of(cds_lfht_iter_get_node(&iter))) {
        cds_lfht_next(tallies->table, &iter);
        tally_take_out(tallies, tally);
    }
    rcu_section_end();
    rcu_finish_later();
    ensure(cds_lfht_destroy(tallies->table, NULL) == 0);
    mem_free(tallies);
}
