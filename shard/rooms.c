#include "shard/rooms.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/base/mem.h"

enum { SHARD_SHIFT = 48 };

void rooms_init(struct rooms *rooms, unsigned shard, int64_t now_us)
{
    ensure(rooms->env_count > 0);
    rooms->last_id = (uint64_t)shard << SHARD_SHIFT;
    map_init(&rooms->by_jid, &rooms->envs[0].hash_key);
    timers_init(&rooms->timers, now_us);
}

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

static void forget(struct rooms *rooms, struct room_entry *entry)
{
    for (int i = 0; i < ROOM_TIMERS; i++)
        timer_clear(&rooms->timers, &entry->alarms[i].timer);
    tombstone_take_away(rooms, entry);
    if (entry->listed)
        directory_room(rooms->directory, room_jid(entry->room), false, STR_NONE, 0);
    map_remove(&rooms->by_jid, entry->key);
    window_free(entry->window);
    room_free(entry->room);
    mem_free(entry);
}

void rooms_fini(struct rooms *rooms)
{
    struct room_entry *entry;
    map_each (&rooms->by_jid, at, entry)
        forget(rooms, entry);
    map_fini(&rooms->by_jid);
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

struct room_entry *rooms_need(struct rooms *rooms, const struct jid *jid)
{
    struct room_entry *entry = rooms_find(rooms, jid);
    if (entry != NULL)
        return entry;
    entry = MEM_NEW(struct room_entry);
    struct jid *bare = jid_to_bare(NULL, jid);
    entry->env = rooms_env(rooms, jid);
    entry->room = room_new(entry->env, bare, ++rooms->last_id);
    jid_free(bare);
    entry->key = jid_bare(room_jid(entry->room));
    for (int i = 0; i < ROOM_TIMERS; i++) {
        entry->alarms[i].entry = entry;
        entry->alarms[i].which = (enum room_timer)i;
    }
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
    ensure(which < ROOM_TIMERS);
    struct timer *timer = &entry->alarms[which].timer;
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
    bool stands = timer_is_set(&entry->alarms[ROOM_TIMER_TOMBSTONE].timer);
    if (stands && !entry->tombstone) {
        tombstone_raise(rooms, entry);
        entry->known = false;
        log_info("room destroyed: %.*s", NAME_OF(entry));
    } else if (!stands) {
        tombstone_take_away(rooms, entry);
    }
}

void rooms_settle(struct rooms *rooms, struct room_entry *entry)
{
    settle_tombstone(rooms, entry);
    if (room_forgettable(entry->room)) {
        if (entry->known)
            log_info("room gone: %.*s", NAME_OF(entry));
        forget(rooms, entry);
        return;
    }
    if (!entry->known && !entry->tombstone) {
        entry->known = true;
        log_info("room created: %.*s", NAME_OF(entry));
    }
    while (rooms->tombstone_count > TOMBSTONES_MAX)
        forget(rooms, rooms->oldest_tombstone);
}

struct room_entry *rooms_ringing(struct rooms *rooms, int64_t now_us, enum room_timer *which)
{
    struct timer *timer = timers_next(&rooms->timers, now_us);
    if (timer == NULL)
        return NULL;
    const struct room_alarm *alarm = container_of(timer, struct room_alarm, timer);
    *which = alarm->which;
    return alarm->entry;
}

int rooms_timeout_ms(const struct rooms *rooms, int64_t now_us)
{
    return timers_timeout_ms(&rooms->timers, now_us);
}
