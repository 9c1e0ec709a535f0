#include "tests/support/lanes.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "core/muc/option.h"
#include "tools/stentord/digest.h"

/* ---- lanes ---- */

void fake_lane_open(struct fake_lane *lane, struct exchange *exchange, uint16_t number)
{
    int err = 0;
    *lane = (struct fake_lane){.exchange = exchange, .number = number};
    lane->mailbox = mailbox_new(&err);
    ensure(lane->mailbox != NULL);
    exchange_set_lane(exchange, number, lane->mailbox);
}

static void keep(void *self, struct mail *mail)
{
    struct fake_lane *lane = self;
    ensure(lane->count < LANE_KEPT_MAX);
    lane->kept[lane->count++] = container_of(mail, struct message, mail);
}

unsigned fake_lane_drain(struct fake_lane *lane)
{
    unsigned count = 0;
    bool more = true;
    while (more)
        count += mailbox_drain(lane->mailbox, keep, lane, LANE_KEPT_MAX, &more);
    return count;
}

struct message *fake_lane_next(struct fake_lane *lane)
{
    if (lane->next == lane->count) {
        lane->next = 0;
        lane->count = 0;
        return NULL;
    }
    return lane->kept[lane->next++];
}

void fake_lane_close(struct fake_lane *lane)
{
    struct message *message;
    exchange_set_lane(lane->exchange, lane->number, NULL);
    fake_lane_drain(lane);
    while ((message = fake_lane_next(lane)) != NULL)
        message_free(message);
    mailbox_free(lane->mailbox);
}

/* ---- reading ---- */

struct reading {
    struct buf text;
    fake_hear *hear;
    void *self;
};

static void read_one(struct reading *reading, struct route route, const struct frame *frame,
                     const struct address *address, struct str tail)
{
    reading->text.len = 0;
    frame_write(frame, str_of(address->bytes, address->size), tail, &reading->text);
    reading->hear(reading->self, route, buf_str(&reading->text).at);
}

static void read_broadcast(struct reading *reading, const struct delivery *delivery, uint16_t lane)
{
    const struct roster_entry *entries;
    uint32_t at = 0;
    for (;;) {
        uint32_t run = roster_run(delivery->roster, lane, at, &entries);
        if (run == 0)
            return;
        for (uint32_t i = 0; i < run; i++) {
            struct route route = {entries[i].slot, entries[i].generation, lane};
            if (audience_has(delivery->audience, &entries[i]))
                read_one(reading, route, delivery->frame, entries[i].address, STR_NONE);
        }
        at += run;
    }
}

void delivery_expand(const struct delivery *delivery, uint16_t lane, fake_hear *hear, void *self)
{
    struct reading reading = {.hear = hear, .self = self};
    buf_init(&reading.text, NULL);
    switch (delivery->kind) {
    case DELIVER_ONE:
        read_one(&reading, delivery->route, delivery->frame, delivery->address, STR_NONE);
        break;
    case DELIVER_LIST:
        for (uint32_t i = 0; i < delivery->item_count; i++) {
            struct delivery_item item;
            if (delivery_item_at(delivery, i, &item))
                read_one(&reading, delivery->route, item.frame, delivery->address, item.tail);
        }
        break;
    case DELIVER_BROADCAST:
        read_broadcast(&reading, delivery, lane);
        break;
    case DELIVER_LOSS_HEARD:
        break;
    }
    buf_free(&reading.text);
}

static void add_line(void *self, struct route route, const char *text)
{
    buf_addf(self, "%u %s\n", route.slot, text);
}

char *fake_lane_read(struct fake_lane *lane, uint32_t *cost)
{
    struct buf lines;
    unsigned left = 0;
    buf_init(&lines, NULL);
    buf_reserve(&lines, 1);
    *cost = 0;
    fake_lane_drain(lane);
    for (unsigned i = lane->next; i < lane->count; i++) {
        struct message *message = lane->kept[i];
        if (message->kind != MSG_DELIVERIES) {
            lane->kept[left++] = message;
            continue;
        }
        for (uint32_t k = 0; k < message->deliveries.count; k++) {
            delivery_expand(&message->deliveries.at[k], lane->number, add_line, &lines);
            *cost += message->deliveries.at[k].cost;
        }
        message_free(message);
    }
    lane->next = 0;
    lane->count = left;
    return (char *)(uintptr_t)buf_str(&lines).at;
}

/* ---- the environment of the rules ---- */

static void mac_of(void *self, struct str key, struct str data, uint8_t out[32])
{
    UNUSED(self);
    struct hash_key of_key = {1, 2};
    for (unsigned i = 0; i < 4; i++) {
        struct hash_key part = {hash_str(&of_key, key), i};
        uint64_t word = hash_str(&part, data);
        memcpy(out + 8 * i, &word, sizeof(word));
    }
}

static struct str seal(void *self, struct arena *arena, struct str plain)
{
    UNUSED(self);
    struct buf text;
    buf_init(&text, arena);
    buf_addc(&text, 'S');
    for (size_t i = 0; i < plain.len; i++)
        buf_addf(&text, "%02x", (uint8_t)plain.at[i]);
    return buf_str(&text);
}

static uint8_t hex(char digit)
{
    return (uint8_t)(digit <= '9' ? digit - '0' : digit - 'a' + 10);
}

static struct str unseal(void *self, struct arena *arena, struct str sealed)
{
    UNUSED(self);
    if (sealed.len % 2 == 0 || sealed.at[0] != 'S')
        return STR_NONE;
    size_t len = sealed.len / 2;
    char *plain = arena_alloc(arena, len + 1);
    for (size_t i = 0; i < len; i++)
        plain[i] = (char)(hex(sealed.at[1 + 2 * i]) << 4 | hex(sealed.at[2 + 2 * i]));
    return str_of(plain, len);
}

static struct room_options defaults;
static struct muc_settings settings, lounge;
static struct muc_crypto crypto = {.hmac_sha256 = mac_of, .seal = seal, .open = unseal};
static struct muc_env envs[2];

const struct muc_env *lanes_env(void)
{
    if (envs[0].settings != NULL)
        return envs;
    options_preset(&defaults);
    static const struct hash_key key = {11, 12};
    settings.domain = STR(LANES_SERVICE);
    settings.defaults = &defaults;
    settings.version = STR("test");
    settings.tombstone_days = TOMBSTONE_DAYS;
    settings.lineup_from = LINEUP_FROM;
    map_init(&settings.admins, &key);
    map_put(&settings.admins, STR(LANES_ADMIN), &settings);
    lounge = settings;
    lounge.domain = STR(LANES_LOUNGE);
    lounge.locked = true;
    lounge.rooms_per_user = LANES_LOUNGE_ROOMS;
    digest_init(&crypto);
    envs[0] = (struct muc_env){&settings, &crypto, key};
    envs[1] = (struct muc_env){&lounge, &crypto, key};
    return envs;
}

void lanes_env_free(void)
{
    map_fini(&settings.admins);
    room_options_fini(&defaults);
    envs[0] = (struct muc_env){0};
}

void lanes_random(void *bytes, size_t size)
{
    static _Thread_local uint64_t calls;
    const struct hash_key key = {21, ++calls};
    for (size_t i = 0; i < size; i++) {
        uint64_t place = i;
        struct str text = str_of((const char *)&place, sizeof(place));
        ((uint8_t *)bytes)[i] = (uint8_t)hash_str(&key, text);
    }
}
