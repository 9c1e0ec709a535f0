/*
 * The store against what was committed, and, when nothing moves, the rooms against the store.
 */
#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/muc/durable.h"
#include "core/muc/restore.h"
#include "tests/sim/sim.h"
#include "tests/support/room_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the archive ---- */

static void check_row(struct checkers *checkers, int room, unsigned seq, const struct archived *row)
{
    const struct room_of *of = &checkers->rooms[room];
    if (seq > of->seq)
        sim_fail(checkers->sim, "%s: the archive has more than was committed", cast_rooms[room]);
    const struct heard *heard = &checkers->heard[of->archive[seq - 1]];
    if (!str_eqz(row->id, heard->id))
        sim_fail(checkers->sim, "%s: number %u of the archive is %.*s and not %s", cast_rooms[room],
                 seq, (int)row->id.len, row->id.at, heard->id);
    if (row->retracted != heard->buried)
        sim_fail(checkers->sim, "%s: message %s %s", cast_rooms[room], heard->id,
                 heard->buried ? "was taken back, and is there again" : "was taken back by nobody");
    char text[40];
    snprintf(text, sizeof(text), ">t%u<", heard->sent);
    bool there = memmem(row->xml.at, row->xml.len, text, strlen(text)) != NULL;
    if (heard->sent != 0 && there == heard->buried)
        sim_fail(checkers->sim, "%s: message %s has another text", cast_rooms[room], heard->id);
}

static void check_archive(struct checkers *checkers, struct arena *arena,
                          struct store_reader *reader, int room)
{
    struct archive_query query = {
        .start_us = INT64_MIN, .end_us = INT64_MAX, .max = STORE_PAGE_MAX};
    struct archive_page page = {0};
    unsigned seq = 0;
    while (!page.complete) {
        reader->query(reader, arena, str_z(cast_rooms[room]), &query, &page);
        ensure(page.err == 0);
        for (unsigned i = 0; i < page.count; i++)
            check_row(checkers, room, ++seq, &page.rows[i]);
        if (page.count > 0)
            query.after = page.rows[page.count - 1].id;
    }
    if (seq != checkers->rooms[room].seq)
        sim_fail(checkers->sim, "%s: %u messages were committed, %u are in the archive",
                 cast_rooms[room], checkers->rooms[room].seq, seq);
    checkers->compared += seq;
}

/* ---- the room ---- */

/* NULL: nothing is stored. In the arena. */
static struct stored_room *stored_of(struct checkers *checkers, struct arena *arena, int room)
{
    struct store *store = checkers->sim->world.store.behind;
    struct store_room rows;
    const char *why = NULL;
    int err = store->load(store, arena, str_z(cast_rooms[room]), &rows);
    if (err == ERR_NOT_FOUND)
        return NULL;
    ensure(err == 0);
    struct stored_room *stored = ARENA_NEW(arena, struct stored_room);
    if (record_read(arena, rows.rows, rows.row_count, stored, &why) < 0)
        sim_fail(checkers->sim, "%s cannot be read: %s", cast_rooms[room], why);
    stored->history = rows.history;
    stored->history_count = rows.history_count;
    return stored;
}

/* A session of the process before is put out in its time; until then it has no route. */
static bool is_inside(const struct room_entry *entry, int user)
{
    const struct session *session =
        entry == NULL ? NULL : session_find(entry->room, str_z(cast_users[user]));
    return session != NULL && !session->gone;
}

static struct route route_now(const struct checkers *checkers, int user, int room)
{
    const struct room_entry *entry = sim_world_room(&checkers->sim->world, cast_rooms[room]);
    bool gone = entry != NULL && !is_inside(entry, user);
    return gone ? ROUTE_NONE : workload_route(checkers->sim, user, room);
}

/* As the next process would have it. */
static struct room *restored(struct checkers *checkers, struct arena *arena, int room,
                             struct stored_room *stored)
{
    const struct sim_world *world = &checkers->sim->world;
    const struct muc_env *env = &world->envs[cast_service[room]];
    struct jid *jid = jid_parse(NULL, str_z(cast_rooms[room]));
    struct step step = {.arena = arena, .env = env, .now_us = world->clock.wall_us};
    struct room *made = room_new(env, jid, 1);
    jid_free(jid);
    for (unsigned i = 0; i < stored->session_count; i++) {
        int user = cast_user_of(stored->sessions[i].jid.at, (unsigned)stored->sessions[i].jid.len);
        ensure(user >= 0);
        stored->sessions[i].route = route_now(checkers, user, room);
    }
    room_restore(made, &step, stored);
    effects_release(&step.effects);
    room_check(made);
    return made;
}

static int subject_of(const struct room *room)
{
    unsigned number = 0;
    if (room->subject.frame == NULL || sscanf(room->subject.plain.at, "t%u", &number) != 1)
        return 0;
    return (int)number;
}

static int title_of(const struct room *room)
{
    unsigned number = 0;
    if (str_empty(room->options.name) || sscanf(room->options.name.at, "t%u", &number) != 1)
        return 0;
    return (int)number;
}

static void check_promises(struct checkers *checkers, int room, const struct room *made,
                           const char *where)
{
    for (unsigned reg = 0; reg < TARGETS; reg++) {
        const char *account =
            reg < CAST_GUESTS ? cast_guests[reg] : cast_accounts[reg - CAST_GUESTS];
        if (reg != CAST_GUESTS + (unsigned)room)
            promise_check(checkers, room, reg, room_affiliation_str(made, str_z(account)), where);
    }
    promise_check(checkers, room, REG_TITLE, title_of(made), where);
    promise_check(checkers, room, REG_SUBJECT, subject_of(made), where);
}

/* It may be another room than before. */
static void doubt_room(struct checkers *checkers, int room)
{
    for (unsigned reg = 0; reg < REGS; reg++)
        checkers->rooms[room].regs[reg].unknown = true;
}

void check_store(struct checkers *checkers)
{
    struct store *store = checkers->sim->world.store.behind;
    struct arena *arena = arena_new(64 * 1024);
    int err = 0;
    struct store_reader *reader = store->reader(store, &err);
    ensure(reader != NULL);
    for (int room = 0; room < CAST_ROOMS; room++) {
        if (!checkers->rooms[room].trimmed)
            check_archive(checkers, arena, reader, room);
        struct stored_room *stored = stored_of(checkers, arena, room);
        if (stored == NULL || checkers->rooms[room].frail)
            doubt_room(checkers, room);
        if (stored == NULL)
            continue;
        struct room *made = restored(checkers, arena, room, stored);
        if (room_exists(made))
            check_promises(checkers, room, made, "in the store");
        room_free(made);
    }
    reader->close(reader);
    arena_free(arena);
}

/* ---- the rooms in memory ---- */

/* What a room remembers while it lives is written when it is parked. Its history is stored with
 * what is said, so what was said before it was stored, or when it was not, or could not be, is in
 * memory only; and a clock that was set back changes the times of what is read again. */
static bool is_compared(const char *line, bool history)
{
    static const char *const passed[] = {"role ", "invited ", "voice "};
    unsigned place;
    int end = 0;
    for (unsigned i = 0; i < ARRAY_LEN(passed); i++)
        if (strncmp(line, passed[i], strlen(passed[i])) == 0)
            return false;
    (void)sscanf(line, "history %u at %n", &place, &end);
    return end == 0 && (history || strncmp(line, "history ", 8) != 0);
}

/* The next line that is compared; its length 0: none. */
static struct str next_line(const char **at, bool history)
{
    while (**at != '\0') {
        const char *line = *at;
        const char *end = strchr(line, '\n');
        *at = end + 1;
        if (is_compared(line, history))
            return str_of(line, (size_t)(end - line));
    }
    return STR_NONE;
}

static void compare(struct checkers *checkers, int room, const char *stored, const char *live)
{
    bool history = room == CAST_STEADY && checkers->sim->world.store.failures == 0;
    for (;;) {
        struct str a = next_line(&stored, history);
        struct str b = next_line(&live, history);
        if (!str_eq(a, b))
            sim_fail(checkers->sim, "%s: stored\n  %.*s\nand in memory\n  %.*s", cast_rooms[room],
                     (int)a.len, a.at, (int)b.len, b.at);
        if (str_empty(a))
            return;
    }
}

static void compare_room(struct checkers *checkers, struct arena *arena, int room)
{
    const struct room_entry *entry = sim_world_room(&checkers->sim->world, cast_rooms[room]);
    struct stored_room *stored = stored_of(checkers, arena, room);
    if (entry == NULL)
        return;
    bool lasts = room_is_durable(entry->room) || entry->room->state == ROOM_DESTROYED;
    if (lasts != (stored != NULL))
        sim_fail(checkers->sim, "%s is %s", cast_rooms[room],
                 lasts ? "not in the store" : "still in the store");
    if (stored == NULL)
        return;
    struct room *made = restored(checkers, arena, room, stored);
    compare(checkers, room, room_text(made, arena), room_text(entry->room, arena));
    if (room_exists(made))
        check_promises(checkers, room, entry->room, "in memory");
    room_free(made);
}

static bool is_stored_inside(struct checkers *checkers, int user, int room)
{
    struct arena *arena = arena_new(16 * 1024);
    const struct stored_room *stored = stored_of(checkers, arena, room);
    bool found = false;
    for (unsigned i = 0; stored != NULL && user < CAST_LOCAL && i < stored->session_count; i++)
        found = found || str_eqz(stored->sessions[i].jid, cast_users[user]);
    arena_free(arena);
    return found;
}

static void check_inside(struct checkers *checkers, int user, int room)
{
    struct seat_of *seat = &checkers->seats[user][room];
    const struct room_entry *entry = sim_world_room(&checkers->sim->world, cast_rooms[room]);
    /* A room that is not in memory, because it could not be loaded, is as it is stored. */
    bool inside = entry == NULL ? is_stored_inside(checkers, user, room) : is_inside(entry, user);
    if (seat->stored && !seat->disturbed && !inside)
        sim_fail(checkers->sim, "%s was inside %s when the process ended, and is not any more",
                 cast_users[user], cast_rooms[room]);
    if (!seat->unsure && inside != seat->inside)
        sim_fail(checkers->sim, "%s believes to be %s %s", cast_users[user],
                 seat->inside ? "inside" : "outside", cast_rooms[room]);
    if (!seat->unsure && seat->last >= 0 && checkers->heard[seat->last].next != 0)
        sim_fail(checkers->sim, "%s has not received the last message of %s", cast_users[user],
                 cast_rooms[room]);
    if (seat->joining != 0 && !seat->disturbed && !seat->unsure)
        sim_fail(checkers->sim, "%s was not answered when it entered %s", cast_users[user],
                 cast_rooms[room]);
    seat->joining = 0;
    seat->disturbed = false;
    seat->stored = false;
}

void check_rest(struct checkers *checkers)
{
    struct arena *arena = arena_new(64 * 1024);
    const char *unrest = sim_world_unrest(&checkers->sim->world);
    if (unrest != NULL)
        sim_fail(checkers->sim, "%s", unrest);
    promises_settled(checkers);
    checkers->failures = checkers->sim->world.store.failures;
    for (int room = 0; room < CAST_ROOMS; room++) {
        if (checkers->rooms[room].frail)
            doubt_room(checkers, room);
        compare_room(checkers, arena, room);
        for (int user = 0; user < CAST_USERS; user++)
            check_inside(checkers, user, room);
    }
    for (unsigned i = 0; i < ARRAY_LEN(checkers->privacy); i++) {
        privacy_settled(checkers->privacy[i]);
        const char *breach = privacy_breach(checkers->privacy[i]);
        if (breach != NULL)
            sim_fail(checkers->sim, "%s", breach);
    }
    check_store(checkers);
    for (int room = 0; room < CAST_ROOMS; room++) {
        const struct room_entry *entry = sim_world_room(&checkers->sim->world, cast_rooms[room]);
        checkers->rooms[room].frail = entry != NULL && !room_is_durable(entry->room);
    }
    arena_free(arena);
}

/* ---- when a process has ended ---- */

static void note_stored(struct checkers *checkers, struct arena *arena, int room)
{
    struct stored_room *stored = stored_of(checkers, arena, room);
    for (int user = 0; user < CAST_USERS; user++)
        checkers->seats[user][room].stored = false;
    if (stored == NULL) {
        /* It was in memory alone. */
        doubt_room(checkers, room);
        checkers->rooms[room].made = false;
        return;
    }
    for (unsigned i = 0; i < stored->session_count; i++) {
        struct str jid = stored->sessions[i].jid;
        int user = cast_user_of(jid.at, (unsigned)jid.len);
        ensure(user >= 0);
        checkers->seats[user][room].stored = user < CAST_LOCAL;
    }
}

static void note_death(struct checkers *checkers, int user, int room, bool planned)
{
    struct seat_of *seat = &checkers->seats[user][room];
    bool handed_over = planned && checkers->sim->world.handover && user < CAST_LOCAL;
    bool sure = !seat->unsure && !seat->disturbed && seat->joining == 0;
    if (handed_over && sure && seat->inside != seat->stored)
        sim_fail(checkers->sim, "%s was %s %s when the process ended, and is stored as %s",
                 cast_users[user], seat->inside ? "inside" : "outside", cast_rooms[room],
                 seat->stored ? "inside" : "outside");
    if (planned && !handed_over && sure && seat->inside)
        sim_fail(checkers->sim, "%s was not told that %s ends", cast_users[user], cast_rooms[room]);
    seat->unsure = user < CAST_LOCAL && !(planned && sure);
    if (seat->unsure) {
        privacy_lost(checkers->privacy[cast_service[room]], cast_users[user], cast_rooms[room]);
        checkers_lose_place(seat);
        seat->archived = false;
    }
    seat->disturbed = false;
    seat->joining = 0;
}

void check_death(struct checkers *checkers, bool planned)
{
    struct arena *arena = arena_new(64 * 1024);
    promises_void(checkers);
    for (int room = 0; room < CAST_ROOMS; room++) {
        note_stored(checkers, arena, room);
        for (int user = 0; user < CAST_USERS; user++)
            note_death(checkers, user, room, planned);
    }
    for (int user = CAST_LOCAL; user < CAST_USERS; user++)
        checkers_gone(checkers, user);
    check_store(checkers);
    arena_free(arena);
}
