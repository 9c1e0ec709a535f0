#include "shard/rooms.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "shard/placement.h"

static_assert(sizeof(struct room_entry) <= 192, "a size class of jemalloc; the next one is 224");
static_assert(ROOM_TIMERS < 1 << TIMER_TAG_BITS, "which alarm rings is in its tag");

/* No two rooms that live at a time have the same place, so their ids differ. One that is made anew
 * at the same address may have the id of the one before; what is still said of that one is taken
 * for its own then, and nobody is told less for it (outage_loss()). */
enum { PLACES_FIRST = 16, PLACES_MAX = 1 << (ROOM_ID_SHARD_SHIFT - ROOM_ID_PLACE_SHIFT) };

struct room_place {
    struct room_entry *entry; /* NULL: free */
    uint32_t next_free;
};

void rooms_init(struct rooms *rooms, unsigned shard, int64_t now_us)
{
    ensure(rooms->env_count > 0);
    rooms->shard_bits = (uint64_t)shard << ROOM_ID_SHARD_SHIFT;
    map_init(&rooms->by_jid, &rooms->envs[0].hash_key);
    timers_init(&rooms->timers, now_us);
}

/* ---- places ---- */

static void places_grow(struct rooms *rooms)
{
    uint32_t count = rooms->place_count == 0 ? PLACES_FIRST : rooms->place_count * 2;
    ensure(count <= PLACES_MAX);
    rooms->places = mem_grow(rooms->places, sizeof(*rooms->places) * count);
    for (uint32_t i = rooms->place_count; i < count; i++)
        rooms->places[i] = (struct room_place){NULL, i + 1};
    rooms->place_count = count;
}

static uint32_t place_of(uint64_t id)
{
    return (uint32_t)(id >> ROOM_ID_PLACE_SHIFT & (PLACES_MAX - 1));
}

/* Never 0, which is no room's. */
static uint64_t part_of(const struct rooms *rooms, const struct jid *bare)
{
    uint64_t part = hash_str(&rooms->envs[0].hash_key, jid_bare(bare)) & ROOM_ID_PART_MASK;
    return part != 0 ? part : 1;
}

static uint64_t place_take(struct rooms *rooms, struct room_entry *entry, const struct jid *bare)
{
    if (rooms->free_place == rooms->place_count)
        places_grow(rooms);
    uint32_t place = rooms->free_place;
    rooms->free_place = rooms->places[place].next_free;
    rooms->places[place].entry = entry;
    return rooms->shard_bits | (uint64_t)place << ROOM_ID_PLACE_SHIFT | part_of(rooms, bare);
}

static void place_give_back(struct rooms *rooms, uint64_t id)
{
    rooms->places[place_of(id)] = (struct room_place){NULL, rooms->free_place};
    rooms->free_place = place_of(id);
}

struct room_entry *rooms_by_id(const struct rooms *rooms, uint64_t id)
{
    uint32_t place = place_of(id);
    struct room_entry *entry = place < rooms->place_count ? rooms->places[place].entry : NULL;
    return entry != NULL && room_id(entry->room) == id ? entry : NULL;
}

struct room_entry *rooms_from(const struct rooms *rooms, uint32_t *at)
{
    while (*at < rooms->place_count) {
        struct room_entry *entry = rooms->places[(*at)++].entry;
        if (entry != NULL)
            return entry;
    }
    return NULL;
}

/* ---- tombstones ---- */

static void tombstone_raise(struct rooms *rooms, struct room_entry *entry)
{
    entry->tombstone = true;
    entry->older = rooms->newest_tombstone;
    entry->newer = NULL;
    if (entry->older != NULL)
        entry->older->newer = entry;
    else
        rooms->oldest_tombstone = entry;
    rooms->newest_tombstone = entry;
    rooms->tombstone_count++;
}

static void tombstone_take_away(struct rooms *rooms, struct room_entry *entry)
{
    if (!entry->tombstone)
        return;
    if (entry->older != NULL)
        entry->older->newer = entry->newer;
    else
        rooms->oldest_tombstone = entry->newer;
    if (entry->newer != NULL)
        entry->newer->older = entry->older;
    else
        rooms->newest_tombstone = entry->older;
    entry->older = NULL;
    entry->newer = NULL;
    entry->tombstone = false;
    rooms->tombstone_count--;
}

/* ---- rooms ---- */

void rooms_forget(struct rooms *rooms, struct room_entry *entry)
{
    if (entry->backing != NULL) {
        timer_clear(&rooms->timers, &entry->backing->idle);
        timer_clear(&rooms->timers, &entry->backing->burial);
    }
    for (int i = 0; i < ROOM_TIMER_BURIAL; i++)
        timer_clear(&rooms->timers, &entry->alarms[i]);
    tombstone_take_away(rooms, entry);
    if (entry->listed)
        directory_room(rooms->directory, room_jid(entry->room), false, STR_NONE, 0);
    map_remove(&rooms->by_jid, entry->key);
    place_give_back(rooms, room_id(entry->room));
    window_free(entry->window);
    room_free(entry->room); /* what it may wait for lies in its backing */
    backing_free(entry->backing);
    mem_free(entry);
}

void rooms_fini(struct rooms *rooms)
{
    struct room_entry *entry;
    map_each (&rooms->by_jid, at, entry)
        rooms_forget(rooms, entry);
    map_fini(&rooms->by_jid);
    mem_free(rooms->places);
}

const struct muc_env *rooms_env(const struct rooms *rooms, const struct jid *jid)
{
    for (unsigned i = 0; i < rooms->env_count; i++) {
        if (str_eq(rooms->envs[i].settings->domain, jid_domain(jid)))
            return &rooms->envs[i];
    }
    never("an address of a domain that is not served");
}

struct room_entry *rooms_find(const struct rooms *rooms, const struct jid *jid)
{
    return map_get(&rooms->by_jid, jid_bare(jid));
}

struct room_entry *rooms_find_str(const struct rooms *rooms, struct str bare_jid)
{
    return map_get(&rooms->by_jid, bare_jid);
}

struct room_entry *rooms_need(struct rooms *rooms, const struct jid *jid)
{
    struct room_entry *entry = rooms_find(rooms, jid);
    if (entry != NULL)
        return entry;
    entry = MEM_NEW(struct room_entry);
    struct jid *bare = jid_to_bare(NULL, jid);
    entry->env = rooms_env(rooms, jid);
    entry->room = room_new(entry->env, bare, place_take(rooms, entry, bare));
    jid_free(bare);
    entry->key = jid_bare(room_jid(entry->room));
    for (int i = 0; i < ROOM_TIMER_BURIAL; i++)
        entry->alarms[i].tag = (unsigned)i;
    map_put(&rooms->by_jid, entry->key, entry);
    return entry;
}

struct room_entry *rooms_each(const struct rooms *rooms, uint32_t *at)
{
    return map_next(&rooms->by_jid, at);
}

uint32_t rooms_count(const struct rooms *rooms)
{
    return rooms->by_jid.count;
}

void rooms_set_alarm(struct rooms *rooms, struct room_entry *entry, enum room_timer which,
                     int64_t at_us)
{
    ensure(which < ROOM_TIMERS && (which != ROOM_TIMER_BURIAL || entry->backing != NULL));
    struct timer *timer =
        which == ROOM_TIMER_BURIAL ? &entry->backing->burial : &entry->alarms[which];
    if (at_us == 0)
        timer_clear(&rooms->timers, timer);
    else
        timer_set(&rooms->timers, timer, at_us);
}

void rooms_publish(struct rooms *rooms, struct room_entry *entry, bool listed, struct str name,
                   uint32_t occupants)
{
    entry->listed = listed;
    directory_room(rooms->directory, room_jid(entry->room), listed, name, occupants);
}

#define NAME_OF(entry) (int)(entry)->key.len, (entry)->key.at

/* A room has a tombstone while the alarm is set that ends it. */
static void settle_tombstone(struct rooms *rooms, struct room_entry *entry)
{
    bool stands = timer_is_set(&entry->alarms[ROOM_TIMER_TOMBSTONE]);
    if (stands && !entry->tombstone) {
        tombstone_raise(rooms, entry);
        if (!entry->old_tombstone)
            log_info("room destroyed: %.*s", NAME_OF(entry));
        entry->known = false;
    } else if (!stands) {
        tombstone_take_away(rooms, entry);
        entry->old_tombstone = false;
    }
}

void rooms_settle(struct rooms *rooms, struct room_entry *entry)
{
    settle_tombstone(rooms, entry);
    if (!backing_is_idle(entry->backing))
        return;
    if (room_forgettable(entry->room)) {
        if (entry->known)
            log_info("room gone: %.*s", NAME_OF(entry));
        rooms_forget(rooms, entry);
        return;
    }
    if (!entry->known && !entry->tombstone) {
        entry->known = true;
        log_info("room created: %.*s", NAME_OF(entry));
    }
    /* One that waits for the store, or that the store waits for, goes by itself later. */
    while (rooms->tombstone_count > TOMBSTONES_MAX &&
           backing_is_idle(rooms->oldest_tombstone->backing))
        rooms_forget(rooms, rooms->oldest_tombstone);
}

struct room_entry *rooms_ringing(struct rooms *rooms, int64_t now_us, enum room_timer *which)
{
    struct timer *timer = timers_next(&rooms->timers, now_us);
    if (timer == NULL)
        return NULL;
    *which = (enum room_timer)timer->tag;
    if (timer->tag == ROOM_TIMERS)
        return container_of(timer, struct backing, idle)->entry;
    if (timer->tag == ROOM_TIMER_BURIAL)
        return container_of(timer, struct backing, burial)->entry;
    return container_of(timer - timer->tag, struct room_entry, alarms[0]);
}

int rooms_timeout_ms(const struct rooms *rooms, int64_t now_us)
{
    return timers_timeout_ms(&rooms->timers, now_us);
}
