#include "tests/support/record_world.h"

#include <stdio.h>

#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/mem.h"
#include "core/muc/rate.h"
#include "core/muc/restore.h"
#include "core/xmpp/prep.h"

/* ---- rules ---- */

static void mac_of(void *self, struct str key, struct str data, uint8_t out[32])
{
    UNUSED(self);
    struct hash_key start = {1, 2};
    struct hash_key keyed = {hash_str(&start, key), 3};
    for (unsigned i = 0; i < 4; i++, keyed.k1++) {
        uint64_t word = hash_str(&keyed, data);
        memcpy(out + i * sizeof(word), &word, sizeof(word));
    }
}

/* Everybody is reached by the same link. */
static const struct route somewhere = {1, 1, 0};

struct record_world *record_world_new(void)
{
    struct record_world *world = MEM_NEW(struct record_world);
    ensure(prep_init() == ERR_OK);
    world->arena = arena_new(64 * 1024);
    world->env.hash_key = (struct hash_key){11, 12};
    world->env.settings = &world->settings;
    world->env.crypto = &world->crypto;
    world->crypto.hmac_sha256 = mac_of;
    world->settings.domain = STR("rooms.example");
    world->settings.defaults = &world->defaults;
    world->settings.durable = true;
    map_init(&world->settings.admins, &world->env.hash_key);
    map_init(&world->settings.banned, &world->env.hash_key);
    options_preset(&world->defaults);
    world->defaults.persistent = true;
    world->room = record_room(world);
    return world;
}

void record_world_free(struct record_world *world)
{
    room_free(world->room);
    room_options_fini(&world->defaults);
    map_fini(&world->settings.admins);
    map_fini(&world->settings.banned);
    arena_free(world->arena);
    mem_free(world->rows);
    mem_free(world);
}

struct room *record_room(struct record_world *world)
{
    struct jid *jid = jid_parse(NULL, STR(RECORD_ROOM));
    struct room *room = room_new(&world->env, jid, 1);
    jid_free(jid);
    return room;
}

/* ---- rows ---- */

static struct record_row *find(struct record_world *world, enum record_kind kind, struct str key)
{
    for (unsigned i = 0; i < world->row_count; i++) {
        if (world->rows[i].kind == kind && str_eq(world->rows[i].key, key))
            return &world->rows[i];
    }
    return NULL;
}

static void put(struct record_world *world, const struct record_item *item)
{
    struct record_row *row = find(world, item->kind, item->key);
    if (row == NULL) {
        if (world->row_count == world->row_cap) {
            world->row_cap = world->row_cap * 2 + 16;
            world->rows = mem_grow(world->rows, sizeof(*world->rows) * world->row_cap);
        }
        row = &world->rows[world->row_count++];
    }
    row->kind = item->kind;
    row->key = str_in(world->arena, item->key);
    row->value = str_in(world->arena, item->value);
}

static void drop(struct record_world *world, const struct record_item *item, bool all)
{
    unsigned left = 0;
    for (unsigned i = 0; i < world->row_count; i++) {
        const struct record_row *row = &world->rows[i];
        if (row->kind != item->kind || (!all && !str_eq(row->key, item->key)))
            world->rows[left++] = *row;
    }
    world->row_count = left;
}

static void keep_item(struct record_world *world, const struct record_item *item)
{
    switch (item->op) {
    case RECORD_PUT:
        put(world, item);
        return;
    case RECORD_DELETE:
        drop(world, item, false);
        return;
    case RECORD_CLEAR:
        drop(world, item, true);
        return;
    case RECORD_WIPE:
        world->row_count = 0;
        world->show = (struct record_show){0};
        return;
    case RECORD_SHOW:
        world->show = item->show;
        world->show.name = str_in(world->arena, item->show.name);
        return;
    case RECORD_APPEND:
    case RECORD_BURY:
        return;
    }
    never("no such operation");
}

void record_keep(struct record_world *world, struct str batch)
{
    struct record_item item;
    struct str rest = batch;
    int more;
    memset(world->ops, 0, sizeof(world->ops));
    world->batch = str_in(world->arena, batch);
    world->batch_bytes = batch.len;
    while ((more = record_next(&rest, &item)) == 1) {
        world->ops[item.op]++;
        keep_item(world, &item);
    }
    ensure(more == 0);
}

void record_commit(struct record_world *world, const struct change *change)
{
    struct buf batch;
    buf_init(&batch, NULL);
    record_change(&batch, world->arena, world->room, change);
    record_keep(world, buf_str(&batch));
    buf_free(&batch);
    struct step step = {.arena = world->arena, .env = &world->env, .now_us = 1000};
    change_apply(world->room, change);
    rate_watch(world->room, &step); /* as at the end of any step */
    effects_release(&step.effects);
    room_check(world->room);
}

struct room *record_reload_with(struct record_world *world, const struct archived *history,
                                unsigned count)
{
    struct stored_room stored;
    const char *why = NULL;
    int err = record_read(world->arena, world->rows, world->row_count, &stored, &why);
    if (err < 0)
        fprintf(stderr, "a stored room cannot be read: %s\n", why);
    ensure(err == 0);
    stored.history = history;
    stored.history_count = count;
    for (unsigned i = 0; i < stored.session_count; i++)
        stored.sessions[i].route = somewhere;
    struct room *room = record_room(world);
    struct step step = {.arena = world->arena, .env = &world->env, .now_us = 1000};
    room_restore(room, &step, &stored);
    rate_watch(room, &step); /* as at the end of any step */
    effects_release(&step.effects);
    room_check(room);
    return room;
}

struct room *record_reload(struct record_world *world)
{
    return record_reload_with(world, NULL, 0);
}

struct record_row *record_row(struct record_world *world, enum record_kind kind)
{
    for (unsigned i = 0; i < world->row_count; i++) {
        if (world->rows[i].kind == kind)
            return &world->rows[i];
    }
    return NULL;
}

/* ---- what happens to a room ---- */

struct change *record_affiliation(struct record_world *world, const char *jid,
                                  enum affiliation after)
{
    struct change *change = ARENA_NEW(world->arena, struct change);
    const struct affiliate *row = room_affiliate(world->room, str_z(jid));
    change->kind = CHANGE_AFFILIATIONS;
    change->affiliations = ARENA_NEW(world->arena, struct affiliation_change);
    change->affiliation_count = 1;
    change->affiliations[0].jid = str_z(jid);
    change->affiliations[0].before = row == NULL ? AFF_NONE : row->affiliation;
    change->affiliations[0].after = after;
    return change;
}

struct frame *record_frame(struct record_world *world, const char *nick, const char *inside)
{
    struct fb fb;
    struct str from = str_fmt(world->arena, RECORD_ROOM "/%s", nick);
    fb_begin(&fb, world->arena, "message", from, STR("groupchat"), STR("id'1"));
    fb_lang(&fb, STR("en"));
    fb_raw(&fb, str_z(inside));
    return fb_finish(&fb);
}

struct session *record_enter(struct record_world *world, const char *full_jid, const char *nick,
                             enum role role)
{
    struct room *room = world->room;
    struct jid *jid = jid_parse(world->arena, str_z(full_jid));
    struct str key = prep_nick_key(world->arena, str_z(nick));
    struct occupant *occupant = occupant_by_nick(room, key);
    if (occupant == NULL)
        occupant = occupant_seat(room, str_z(nick), key, jid_to_bare(world->arena, jid),
                                 room_affiliation(room, jid), role);
    struct session *session = session_add(room, occupant, jid, somewhere);
    session->heard_us = 1;
    return session;
}

void record_create(struct record_world *world)
{
    struct change *create = record_affiliation(world, "romeo@example.org", AFF_OWNER);
    create->kind = CHANGE_CREATE;
    create->create.at_us = INT64_C(1700000000000000);
    memset(create->create.secret, 0x5a, sizeof(create->create.secret));
    create->create.secret[0] = 0;
    record_commit(world, create);
}
