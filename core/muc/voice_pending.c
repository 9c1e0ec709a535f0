#include "core/muc/voice_pending.h"

struct frame *voice_approval_form(const struct room *room, struct step *step,
                                  const struct occupant *visitor, struct str asker)
{
    struct fb fb;

    fb_begin(&fb, step->arena, "message", jid_full(room->jid), STR_NONE, step_id(step));
    fb_form_begin_titled(&fb, token_ns_uri(NS_MUC_REQUEST), "Voice request",
                         "A visitor asks to be allowed to speak. Tick the last field and submit to "
                         "allow it; cancel to leave things as they are.");
    fb_field(&fb, "muc#role", "list-single", "Requested role", STR("participant"));
    fb_field(&fb, "muc#jid", "jid-single", "User ID", asker);
    fb_field(&fb, "muc#roomnick", "text-single", "Room Nickname", occupant_nick(visitor));
    fb_field(&fb, "muc#request_allow", "boolean", "Grant voice to this person?", STR("false"));
    fb_close(&fb);
    return fb_finish(&fb);
}

const struct occupant *voice_still_waits(const struct room *room,
                                         const struct voice_request *waiting)
{
    const struct session *session = session_find(room, waiting->jid);

    if (session == NULL || session->occupant->role != ROLE_VISITOR)
        return NULL;
    return session->occupant;
}

void voice_pending_leave(struct room *room, const struct occupant *leaving)
{
    const struct voice_request *waiting = map_get(&room->voice_pending, leaving->account);

    if (waiting == NULL)
        return;
    const struct session *asker = session_find(room, waiting->jid);
    if (asker == NULL || asker->occupant == leaving)
        room_voice_forget(room, leaving->account);
}

void voice_pending_hand_out(struct room *room, struct step *step, const struct occupant *moderator,
                            const struct session *session)
{
    const struct voice_request *waiting;

    map_each (&room->voice_pending, at, waiting) {
        const struct occupant *visitor = voice_still_waits(room, waiting);
        struct frame *form =
            visitor == NULL ? NULL : voice_approval_form(room, step, visitor, waiting->jid);
        if (form != NULL && session != NULL)
            effect_send(step, form, session->route, session->address);
        else if (form != NULL)
            occupant_send(step, moderator, form);
        room_voice_forget(room, waiting->account);
    }
}
