#include "core/muc/attendance.h"

#include "core/base/mem.h"
#include "core/muc/durable.h"
#include "core/muc/muc.h"
#include "core/muc/room.h"

enum { NOTES_FIRST = 4 };

struct attendance {
    uint32_t count, cap;
    struct str *jids; /* heap */
};

static void note(struct room *room, struct str jid)
{
    if (room->attendance == NULL)
        room->attendance = MEM_NEW(struct attendance);
    struct attendance *notes = room->attendance;
    if (notes->count == notes->cap) {
        notes->cap = notes->cap == 0 ? NOTES_FIRST : notes->cap * 2;
        notes->jids = mem_grow(notes->jids, sizeof(struct str) * notes->cap);
    }
    notes->jids[notes->count++] = str_copy(jid);
}

void attendance_note(struct room *room, struct session *session)
{
    if (session->noted || !room_is_durable(room))
        return;
    note(room, jid_full(session->jid));
    session->noted = true;
}

void attendance_note_account(struct room *room, struct str account)
{
    const struct attendance *notes = room->attendance;
    if (!room->env->settings->durable ||
        (notes != NULL && str_eq(notes->jids[notes->count - 1], account)))
        return;
    note(room, account);
}

void attendance_note_all(struct room *room, struct occupant *occupant)
{
    for (struct session *session = occupant->sessions; session != NULL; session = session->next)
        attendance_note(room, session);
}

void attendance_await(const struct room *room, struct step *step)
{
    step->awaits_rows = room->attendance != NULL && room_is_durable(room);
}

static void forget(struct room *room)
{
    struct attendance *notes = room->attendance;
    for (uint32_t i = 0; i < notes->count; i++) {
        struct session *session = session_find(room, notes->jids[i]);
        if (session != NULL)
            session->noted = false;
        str_free(&notes->jids[i]);
    }
    mem_free(notes->jids);
    mem_free(notes);
    room->attendance = NULL;
}

void attendance_tell(struct room *room, struct step *step)
{
    const struct attendance *notes = room->attendance;
    if (notes == NULL)
        return;
    for (uint32_t i = 0; room_is_durable(room) && i < notes->count; i++)
        effect_session(step, notes->jids[i]);
    forget(room);
}

void attendance_drop(struct room *room)
{
    if (room->attendance != NULL)
        forget(room);
}
