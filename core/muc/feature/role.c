/*
 * Kicking, voice and the moderator's role: what moderators may do to who is inside, and the lists
 * of who has which role. A request with many items takes effect as a whole or not at all.
 * @xep 0045 1.35.5 #kick #grantvoice #revokevoice #modifyvoice #grantmod #revokemod #modifymod
 * @xep 0045 1.35.5 #moderator #roles.kept #roles-change.told #bizrules-iq.roles
 */
#include "core/muc/admin_query.h"
#include "core/muc/attendance.h"
#include "core/muc/feature.h"
#include "core/muc/voice_pending.h"

#include <stddef.h>

static bool about_roles(const struct room *room, const struct inbound *in)
{
    UNUSED(room);
    return admin_query_kind(in->payload) == ADMIN_ROLES;
}

/* ---- changing ---- */

/* NULL: may act on roles at all. An owner who is not inside has no role to act by, unless the
 * operator gives it one (6.2.1). */
static const struct refusal *actor_refused(const struct room *room, const struct inbound *in)
{
    if (in->self != NULL)
        return in->self->role == ROLE_MODERATOR ? NULL : &refusal_NOT_MODERATOR;
    if (in->affiliation < AFF_ADMIN)
        return &refusal_NOT_MODERATOR;
    return room->options.outside_admins ? NULL : &refusal_NOT_ALLOWED;
}

static const struct refusal *item_refused(const struct room *room, const struct inbound *in,
                                          const struct admin_item *item)
{
    const struct occupant *target = item->occupant;
    struct privilege_party from = {in->affiliation, ROLE_MODERATOR};
    struct privilege_party to = {target->affiliation, target->role};

    if (item->role == target->role)
        return NULL;
    if (target == in->self && item->role == ROLE_NONE)
        return &refusal_SELF;
    /* Stepping down needs no rank, but an admin or owner is always a moderator (6.2.7). */
    if (target == in->self && item->role == ROLE_PARTICIPANT && from.affiliation < AFF_ADMIN)
        return NULL;
    if (item->role == ROLE_NONE)
        return kick_refused(from, to, room->options.kick_equals);
    return role_change_refused(from, to, item->role);
}

static void kick(struct room *room, struct step *step, const struct actor *actor,
                 const struct admin_item *item)
{
    struct news news = {
        .unavailable = true,
        .statuses = STATUS_BIT(307),
        .actor = actor,
        .reason = item->reason,
    };

    removal_occupant(room, step, item->occupant, &news);
}

static void change_role(struct room *room, struct step *step, const struct actor *actor,
                        const struct admin_item *item)
{
    struct occupant *occupant = item->occupant;
    struct news news = {.actor = actor, .reason = item->reason};
    enum role before = occupant->role;

    /* Voice given or taken is remembered, or leaving and coming back would undo it (6.1.1). */
    room_keep_role(room, occupant->account,
                   item->role == ROLE_VISITOR ? ROLE_VISITOR : ROLE_PARTICIPANT);
    occupant_set_role(room, occupant, item->role);
    presence_standing_changed(room, step, occupant, before, &news);
    if (item->role == ROLE_MODERATOR)
        voice_pending_hand_out(room, step, occupant, NULL);
}

static enum step_outcome set_roles(struct room *room, struct step *step, const struct inbound *in)
{
    const struct refusal *refusal = actor_refused(room, in);
    struct admin_query query = {.why = STR_NONE};
    struct actor actor = inbound_actor(in);

    if (refusal == NULL)
        refusal = admin_query_read(room, step, in, &query);
    for (unsigned i = 0; refusal == NULL && i < query.count; i++)
        refusal = item_refused(room, in, &query.items[i]);
    if (refusal != NULL)
        return refuse_with(room, step, in, refusal, (struct refuse_more){.text = query.why});

    for (unsigned i = 0; i < query.count; i++) {
        const struct admin_item *item = &query.items[i];
        if (item->role == ROLE_NONE) {
            kick(room, step, &actor, item);
        } else if (item->role != item->occupant->role) {
            change_role(room, step, &actor, item);
            attendance_await(room, step);
        }
    }
    reply_result(room, step, in);
    return STEP_DONE;
}

/* ---- lists ---- */

/* Moderators, and those who would be moderators if they were inside. */
static bool may_read(const struct room *room, const struct inbound *in)
{
    if (in->self != NULL)
        return in->self->role == ROLE_MODERATOR;
    return role_default(in->affiliation, room_kind(&room->options)) == ROLE_MODERATOR;
}

static void write_occupant(struct fb *fb, const struct occupant *occupant)
{
    for (const struct session *session = occupant->sessions; session != NULL;
         session = session->next) {
        fb_open(fb, NAME_ITEM, NS_MUC_ADMIN);
        fb_attr(fb, "nick", occupant_nick(occupant));
        fb_attr(fb, "role", role_text(occupant->role));
        fb_attr(fb, "affiliation", affiliation_text(occupant->affiliation));
        fb_attr(fb, "jid", jid_full(session->jid));
        fb_close(fb);
    }
}

static enum step_outcome list_role(struct room *room, struct step *step, const struct inbound *in)
{
    const struct occupant *occupant;
    enum role role;
    struct fb fb;

    if (!may_read(room, in))
        return refuse(room, step, in, &refusal_NOT_MODERATOR);
    if (!admin_query_role(in->payload, &role) || role == ROLE_NONE)
        return refuse(room, step, in, &refusal_BAD_REQUEST);
    reply_begin(&fb, step, in);
    fb_open(&fb, NAME_QUERY, NS_MUC_ADMIN);
    occupant_each (room, at, occupant) {
        if (occupant->role == role)
            write_occupant(&fb, occupant);
        if (admin_list_too_long(&fb))
            return admin_list_refuse(room, step, in);
    }
    fb_close(&fb);
    reply(step, in, fb_finish(&fb));
    return STEP_DONE;
}

static const struct option options[] = {
    {
        .id = OPTION_ID_KICK_EQUALS,
        .name = "kick_equals",
        .field = "x-kick_equals",
        .label = "Moderators may kick other moderators of the same affiliation",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, kick_equals),
        .preset = "on",
        .help = "moderators may kick other moderators of the same affiliation",
    },
    {
        .id = OPTION_ID_OUTSIDE_ADMINS,
        .name = "outside_admins",
        .label = "Admins and owners change roles also while they are not inside",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, outside_admins),
        .preset = "off",
        .help = "admins and owners may kick, and give and take voice, without being inside",
    },
};

static const struct handler handlers[] = {
    {.kinds = KIND_IQ,
     .targets = TARGET_ROOM,
     .types = TYPE_SET,
     .name = NAME_QUERY,
     .ns = NS_MUC_ADMIN,
     .match = about_roles,
     .run = set_roles},
    {.kinds = KIND_IQ,
     .targets = TARGET_ROOM,
     .types = TYPE_GET,
     .name = NAME_QUERY,
     .ns = NS_MUC_ADMIN,
     .match = about_roles,
     .run = list_role},
};

const struct feature feature_role = {
    .name = "role",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
};
