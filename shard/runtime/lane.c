/*
 * The table is replaced as a whole: whoever changes it makes a new one, publishes it, waits until
 * nobody can hold the old one, and frees that. So a reader always sees numbers and mailboxes that
 * belong together, and a mailbox that was taken out is not posted to after the call.
 */
#include "shard/runtime/lane.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "shard/runtime/rcu.h"

#include <string.h>

struct boxes {
    struct mailbox **at; /* heap, with holes */
    unsigned count;      /* highest number in use, plus one */
};

struct table {
    struct boxes shards;
    struct boxes lanes;
    struct mailbox *scribe;
    struct mailbox *reader, *searcher;
};

struct exchange {
    struct table *table; /* RCU */
};

struct exchange *exchange_new(void)
{
    struct exchange *exchange = MEM_NEW(struct exchange);
    rcu_publish(&exchange->table, MEM_NEW(struct table));
    return exchange;
}

static void table_free(struct table *table)
{
    mem_free(table->shards.at);
    mem_free(table->lanes.at);
    mem_free(table);
}

void exchange_free(struct exchange *exchange)
{
    if (exchange == NULL)
        return;
    struct table *table = exchange->table;
    ensure(table->shards.count == 0 && table->lanes.count == 0 && table->scribe == NULL &&
           table->reader == NULL && table->searcher == NULL);
    table_free(table);
    mem_free(exchange);
}

/* ---- changing: the main thread alone ---- */

static struct boxes boxes_copy(const struct boxes *from)
{
    struct boxes copy = {.at = MEM_NEW_ARRAY(struct mailbox *, from->count), .count = from->count};
    if (from->count > 0)
        memcpy(copy.at, from->at, sizeof(*copy.at) * from->count);
    return copy;
}

static void boxes_set(struct boxes *boxes, unsigned number, struct mailbox *mailbox)
{
    if (number >= boxes->count) {
        boxes->at = mem_grow(boxes->at, sizeof(*boxes->at) * ((size_t)number + 1));
        while (boxes->count <= number)
            boxes->at[boxes->count++] = NULL;
    }
    boxes->at[number] = mailbox;
    while (boxes->count > 0 && boxes->at[boxes->count - 1] == NULL)
        boxes->count--;
}

static struct table *table_copy(const struct table *from)
{
    struct table *copy = MEM_NEW(struct table);
    copy->shards = boxes_copy(&from->shards);
    copy->lanes = boxes_copy(&from->lanes);
    copy->scribe = from->scribe;
    copy->reader = from->reader;
    copy->searcher = from->searcher;
    return copy;
}

static void table_replace(struct exchange *exchange, struct table *table)
{
    struct table *old = exchange->table;
    rcu_publish(&exchange->table, table);
    rcu_wait_for_readers();
    table_free(old);
}

void exchange_set_shard(struct exchange *exchange, unsigned shard, struct mailbox *mailbox)
{
    struct table *table = table_copy(exchange->table);
    boxes_set(&table->shards, shard, mailbox);
    table_replace(exchange, table);
}

void exchange_set_lane(struct exchange *exchange, uint16_t lane, struct mailbox *mailbox)
{
    ensure(lane != LANE_NONE);
    struct table *table = table_copy(exchange->table);
    boxes_set(&table->lanes, lane, mailbox);
    table_replace(exchange, table);
}

void exchange_set_scribe(struct exchange *exchange, struct mailbox *mailbox)
{
    struct table *table = table_copy(exchange->table);
    table->scribe = mailbox;
    table_replace(exchange, table);
}

void exchange_set_reader(struct exchange *exchange, struct mailbox *mailbox)
{
    struct table *table = table_copy(exchange->table);
    table->reader = mailbox;
    table_replace(exchange, table);
}

void exchange_set_searcher(struct exchange *exchange, struct mailbox *mailbox)
{
    struct table *table = table_copy(exchange->table);
    table->searcher = mailbox;
    table_replace(exchange, table);
}

/* ---- looking up: any registered thread ---- */

unsigned exchange_shards(const struct exchange *exchange)
{
    rcu_section_begin();
    unsigned count = rcu_load(&exchange->table)->shards.count;
    rcu_section_end();
    return count;
}

unsigned exchange_lanes(const struct exchange *exchange)
{
    rcu_section_begin();
    unsigned count = rcu_load(&exchange->table)->lanes.count;
    rcu_section_end();
    return count;
}

static struct mailbox *boxes_get(const struct boxes *boxes, unsigned number)
{
    return number < boxes->count ? boxes->at[number] : NULL;
}

/* These are called inside the section in which the mailbox was found. */

static bool put(struct mailbox *mailbox, struct message *message)
{
    if (mailbox == NULL) {
        message_free(message);
        return false;
    }
    mailbox_put(mailbox, &message->mail);
    return true;
}

static void ring(struct mailbox *mailbox)
{
    if (mailbox != NULL)
        mailbox_wake(mailbox);
}

static bool post(struct mailbox *mailbox, struct message *message)
{
    bool taken = put(mailbox, message);
    ring(mailbox);
    return taken;
}

static struct mailbox *shard_box(const struct exchange *exchange, unsigned shard)
{
    return boxes_get(&rcu_load(&exchange->table)->shards, shard);
}

static struct mailbox *lane_box(const struct exchange *exchange, uint16_t lane)
{
    return boxes_get(&rcu_load(&exchange->table)->lanes, lane);
}

bool post_shard(struct exchange *exchange, unsigned shard, struct message *message)
{
    rcu_section_begin();
    bool posted = post(shard_box(exchange, shard), message);
    rcu_section_end();
    return posted;
}

bool post_lane(struct exchange *exchange, uint16_t lane, struct message *message)
{
    rcu_section_begin();
    bool posted = post(lane_box(exchange, lane), message);
    rcu_section_end();
    return posted;
}

bool post_shard_quietly(struct exchange *exchange, unsigned shard, struct message *message)
{
    rcu_section_begin();
    bool posted = put(shard_box(exchange, shard), message);
    rcu_section_end();
    return posted;
}

bool post_lane_quietly(struct exchange *exchange, uint16_t lane, struct message *message)
{
    rcu_section_begin();
    bool posted = put(lane_box(exchange, lane), message);
    rcu_section_end();
    return posted;
}

void exchange_ring_shard(struct exchange *exchange, unsigned shard)
{
    rcu_section_begin();
    ring(shard_box(exchange, shard));
    rcu_section_end();
}

void exchange_ring_lane(struct exchange *exchange, uint16_t lane)
{
    rcu_section_begin();
    ring(lane_box(exchange, lane));
    rcu_section_end();
}

static bool is_search(const struct asked *ask)
{
    return ask->query != NULL && str_present(ask->query->text);
}

bool post_reader(struct exchange *exchange, struct message *message)
{
    rcu_section_begin();
    const struct table *table = rcu_load(&exchange->table);
    bool search = table->searcher != NULL && is_search(message->ask);
    bool posted = post(search ? table->searcher : table->reader, message);
    rcu_section_end();
    return posted;
}

bool post_scribe(struct exchange *exchange, struct message *message)
{
    rcu_section_begin();
    bool posted = post(rcu_load(&exchange->table)->scribe, message);
    rcu_section_end();
    return posted;
}
