/*
 * Asking for voice in a moderated room: the request goes to the moderators as a form, or waits for
 * one to enter; a form that comes back with consent gives voice.
 * @xep 0045 1.35.5 #requestvoice #voiceapprove #registrar-formtype-request
 */
#include "core/muc/attendance.h"
#include "core/muc/feature.h"
#include "core/muc/voice_pending.h"

#include "core/base/limits.h"
#include "core/xmpp/prep.h"

#include <stddef.h>

/* ---- asking ---- */

static bool has_moderator(const struct room *room)
{
    const struct occupant *occupant;

    occupant_each (room, at, occupant) {
        if (occupant->role == ROLE_MODERATOR)
            return true;
    }
    return false;
}

/* Room for a request that has to wait: those of visitors who left or got voice are forgotten
 * first. */
static bool keep(struct room *room, const struct inbound *in)
{
    const struct voice_request *waiting;

    if (room_voice_keep(room, in->self->account, jid_full(in->from)))
        return true;
    map_each (&room->voice_pending, at, waiting) {
        if (voice_still_waits(room, waiting) == NULL)
            room_voice_forget(room, waiting->account);
    }
    return room_voice_keep(room, in->self->account, jid_full(in->from));
}

/* Moderators are not to be worn down: each account has to wait between two requests, whatever has
 * become of the first. */
static bool too_soon(const struct room *room, const struct step *step, const struct inbound *in)
{
    int64_t last_us = room_asked_us(room, in->self->account, ASKED_VOICE);
    int64_t interval_us = room->options.voice_seconds * INT64_C(1000000);

    return last_us != 0 && step->now_us - last_us < interval_us;
}

static bool wants_voice(const struct form *form)
{
    return str_eqz(form_value(form, STR("muc#role")), "participant");
}

static enum step_outcome request(struct room *room, struct step *step, const struct inbound *in,
                                 const struct form *form)
{
    struct audience moderators = {ROSTER_MODERATOR, OCCUPANT_NONE};

    if (!wants_voice(form))
        return refuse(room, step, in, &refusal_BAD_REQUEST);
    if (!room->options.voice_requests)
        return refuse(room, step, in, &refusal_VOICE_DENIED);
    if (in->self->role != ROLE_VISITOR)
        return STEP_DONE; /* has it already */
    if (too_soon(room, step, in))
        return refuse(room, step, in, &refusal_VOICE_TOO_SOON);
    if (has_moderator(room))
        effect_broadcast(step, voice_approval_form(room, step, in->self, jid_full(in->from)),
                         room->roster, moderators);
    else if (!keep(room, in))
        return refuse(room, step, in, &refusal_ROOM_BUSY);
    if (room->options.voice_seconds > 0)
        room_asked(room, in->self->account, ASKED_VOICE, step->now_us);
    return STEP_DONE;
}

/* ---- approving ---- */

/* Both address and nickname have to be the visitor's: it may have left, and another come
 * (10.10). */
static struct occupant *find_visitor(const struct room *room, struct step *step,
                                     const struct form *form)
{
    struct str nick = form_value(form, STR("muc#roomnick"));
    struct str address = form_value(form, STR("muc#jid"));
    const struct jid *jid = str_empty(address) ? NULL : jid_parse(step->arena, address);
    struct occupant *occupant =
        str_empty(nick) ? NULL : occupant_by_nick(room, prep_nick_key(step->arena, nick));

    if (jid == NULL || occupant == NULL || !str_eq(occupant_nick(occupant), nick))
        return NULL;
    return str_eq(occupant->account, jid_bare(jid)) ? occupant : NULL;
}

static enum step_outcome grant(struct room *room, struct step *step, const struct inbound *in,
                               struct occupant *visitor)
{
    struct privilege_party from = {in->self->affiliation, in->self->role};
    struct privilege_party to = {visitor->affiliation, visitor->role};
    const struct refusal *refusal = role_change_refused(from, to, ROLE_PARTICIPANT);
    struct actor actor = inbound_actor(in);
    struct news news = {.actor = &actor, .reason = STR("Voice granted")};

    room_voice_forget(room, visitor->account);
    if (visitor->role != ROLE_VISITOR)
        return STEP_DONE; /* another moderator was faster */
    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    room_keep_role(room, visitor->account, ROLE_PARTICIPANT);
    occupant_set_role(room, visitor, ROLE_PARTICIPANT);
    presence_standing_changed(room, step, visitor, ROLE_VISITOR, &news);
    attendance_await(room, step);
    return STEP_DONE;
}

static enum step_outcome approve(struct room *room, struct step *step, const struct inbound *in,
                                 const struct form *form)
{
    struct occupant *visitor = find_visitor(room, step, form);
    bool allow;

    if (in->self->role != ROLE_MODERATOR)
        return refuse(room, step, in, &refusal_NOT_MODERATOR);
    if (!str_to_bool(form_value(form, STR("muc#request_allow")), &allow) || !wants_voice(form))
        return refuse(room, step, in, &refusal_BAD_REQUEST);
    if (!allow)
        return STEP_DONE;
    if (visitor == NULL)
        return refuse(room, step, in, &refusal_NICK_UNKNOWN);
    return grant(room, step, in, visitor);
}

static enum step_outcome read_form(struct room *room, struct step *step, const struct inbound *in)
{
    struct form form;

    if (in->self == NULL)
        return refuse(room, step, in, &refusal_NOT_OCCUPANT);
    if (!form_read(step->arena, node_find(in->root, NAME_X, NS_DATA), &form))
        return refuse_form(room, step, in, &form);
    if (str_eqz(form.type, "cancel"))
        return STEP_DONE;
    if (!str_eqz(form.type, "submit") || !str_eq(form.form_type, token_ns_uri(NS_MUC_REQUEST)))
        return refuse(room, step, in, &refusal_BAD_REQUEST);
    if (form_field(&form, STR("muc#request_allow")) != NULL)
        return approve(room, step, in, &form);
    return request(room, step, in, &form);
}

/* ---- a moderator comes ---- */

static void entered(struct room *room, struct step *step, struct session *session,
                    const struct node *x)
{
    UNUSED(x);
    if (session->occupant->role == ROLE_MODERATOR)
        voice_pending_hand_out(room, step, session->occupant, session);
}

static const struct option options[] = {
    {
        .id = OPTION_ID_VOICE_REQUESTS,
        .name = "voice_requests",
        .field = "muc#roomconfig_allowvoicerequests",
        .aliases = {"allow_voice_requests"},
        .label = "May visitors ask for voice?",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, voice_requests),
        .preset = "on",
        .help = "visitors may ask the moderators for voice",
    },
    {
        .id = OPTION_ID_VOICE_REQUEST_MIN_INTERVAL,
        .name = "voice_request_min_interval",
        .field = "muc#roomconfig_voicerequestmininterval",
        .aliases = {"voice_request_min_interval"},
        .label = "Seconds between two requests for voice by one visitor",
        .type = OPTION_NUMBER,
        .offset = offsetof(struct room_options, voice_seconds),
        .max = VOICE_SECONDS_MAX,
        .preset = "0",
        .help = "seconds a visitor has to wait between two requests for voice; 0: none",
    },
};

static const struct handler handlers[] = {
    {.kinds = KIND_MESSAGE,
     .targets = TARGET_ROOM,
     .types = TYPE_NORMAL,
     .name = NAME_X,
     .ns = NS_DATA,
     .run = read_form},
};

const struct feature feature_voice = {
    .name = "voice",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
    .entered = entered,
};
