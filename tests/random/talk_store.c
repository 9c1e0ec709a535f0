/*
 * The store under a conversation: what it keeps late or not at all, and what is left when the
 * process ends and begins.
 */
#include "core/muc/room.h"
#include "tests/random/talk.h"
#include "tests/support/room_text.h"

#include <setjmp.h>
#include <stdio.h>
#include <string.h>

/* ---- what is refused ---- */

/* The end of a room with its last occupant is nobody's request: that it is kept is for the tests of
 * the gate. */
enum talk_store talk_store_choose(struct talk *talk, int room)
{
    static const enum world_commits modes[] = {WORLD_AT_ONCE, WORLD_LATER, WORLD_FAIL};
    const struct model_room *then = &talk->model_then.rooms[room];
    if (!talk->durable || talk->calm || !rarely(talk, 4))
        return STORE_AS_USUAL;
    bool lasts = then->options.persistent && then->state != M_LOCKED;
    bool ends = !lasts && model_count(talk_room(talk, room)) == 0;
    enum talk_store store = !ends && rarely(talk, 3) ? STORE_NEVER : STORE_LATER;
    world_commits(talk->world, modes[store]);
    return store;
}

void talk_store_settle(struct talk *talk, int room, enum talk_store store)
{
    if (store == STORE_AS_USUAL)
        return;
    talk->waited += store == STORE_LATER && world_waits(talk->world, cast_rooms[room]);
    if (store == STORE_LATER)
        world_settle(talk->world);
    world_commits(talk->world, WORLD_AT_ONCE);
}

static bool was_not_kept(struct talk *talk, int client)
{
    for (unsigned i = 0; i < talk->frame_count; i++) {
        const struct talk_frame *frame = &talk->frames[i];
        if (frame->client == client && strstr(frame->stanza, "<internal-server-error ") != NULL)
            return true;
    }
    return false;
}

/* A message was there already when the store refused to archive it, unless it came with a change.
 */
static bool was_there(struct talk *talk, int room)
{
    const struct model_room *now = talk_room(talk, room), *then = &talk->model_then.rooms[room];
    return now->archive_next == then->archive_next + 1 && !talk->replaces;
}

void talk_store_check(struct talk *talk, int client, int room, enum talk_store store)
{
    if (store != STORE_NEVER)
        return;
    if (!was_not_kept(talk, client)) {
        model_not_buried(talk_room(talk, room), &talk->model_then.rooms[room]);
        return;
    }
    talk->not_kept++;
    if (talk->frame_count != 1)
        talk_fail(talk, "%s was told that it was not kept, and more was said",
                  cast_clients[client]);
    bool there = was_there(talk, room);
    talk->model = talk->model_then;
    if (there)
        model_not_kept(talk_room(talk, room), &talk->model_then.rooms[room]);
    model_next(&talk->model, world_now(talk->world));
    talk_end(talk);
    longjmp(talk->over, 1);
}

/* ---- the process ends, and begins ---- */

/* What the store does not know is lost with the process: not while there is such a room. */
static bool all_is_kept(struct talk *talk)
{
    for (int i = 0; i < CAST_ROOMS; i++) {
        const struct model_room *room = talk_room(talk, i);
        if ((room->state == M_OPEN || room->state == M_LOCKED) && !model_is_stored(room))
            return false;
    }
    return true;
}

/* Rooms that nobody is in are looked at as well. NULL: there is no such room. */
static const char *room_now(struct talk *talk, int room, struct arena *arena)
{
    world_wake(talk->world, cast_rooms[room]);
    const struct room *real = world_room(talk->world, cast_rooms[room]);
    return real == NULL || real->state == ROOM_ABSENT ? NULL : room_text(real, arena);
}

/* Newcomers are to be shown the same as before. */
static bool shows_the_same(const struct model_room *room)
{
    for (unsigned i = 0; i < room->said_count; i++) {
        if (!room->said[i].stored || room->said[i].displaced)
            return false;
    }
    return true;
}

static struct str next_line(const char **text, bool history)
{
    struct str line = STR_NONE;
    while (**text != '\0') {
        line = str_of(*text, strcspn(*text, "\n"));
        *text += line.len + 1;
        if (history || !str_starts(line, STR("history ")))
            return line;
    }
    return STR_NONE;
}

/* Lines are sorted: the first that differ are said. */
static void compare(struct talk *talk, int room, const char *then, const char *now)
{
    bool history = shows_the_same(&talk->model_then.rooms[room]);
    if ((then == NULL) != (now == NULL))
        talk_fail(talk, "%s is %s after a restart", cast_rooms[room],
                  now == NULL ? "gone" : "there");
    for (bool more = then != NULL; more;) {
        struct str before = next_line(&then, history), after = next_line(&now, history);
        if (!str_eq(before, after))
            talk_fail(talk, "%s is not as it was before the restart\n  - %.*s\n  + %.*s",
                      cast_rooms[room], (int)before.len, before.at, (int)after.len, after.at);
        more = str_present(before);
    }
}

void talk_restart(struct talk *talk)
{
    enum { TEXT_BYTES = 64 * 1024 };
    struct arena *arena;
    const char *then[CAST_ROOMS];
    if (!talk->durable || !all_is_kept(talk))
        return;
    arena = arena_new(TEXT_BYTES);
    talk_begin(talk);
    talk_write(talk, "(the process ends and begins)");
    if (talk->print)
        printf("%6lu  %s\n", talk->step, talk->text);
    for (int i = 0; i < CAST_ROOMS; i++)
        then[i] = room_now(talk, i, arena);
    world_restart(talk->world, WORLD_CLEAN);
    model_restart(&talk->model);
    if (talk->frame_count != 0)
        talk_fail(talk, "a restart is heard");
    for (int i = 0; i < CAST_ROOMS; i++)
        compare(talk, i, then[i], room_now(talk, i, arena));
    arena_free(arena);
    talk->restarts++;
    talk_believe(talk);
    talk_end(talk);
}
