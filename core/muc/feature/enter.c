/*
 * Entering a room. A join is an available presence with <x xmlns=muc/> and nothing else is one. The
 * checks are asked in the order of core/muc/features.c; if none objects, the room comes into being
 * if it has to, a session is seated, and core/muc/seat.c shows it around, with what a newcomer is
 * told of the room (100, 170). Sent from inside the same join is a request to be shown everything
 * again.
 * @xep 0045 1.35.5 #enter #enter-muc #enter-errorcodes #enter-gc #enter-nonexistent
 * @xep 0045 1.35.5 #createroom-general.created #createroom-general.status
 * @xep 0045 1.35.5 #bizrules-presence.no-join #bizrules-jids.invisible
 */
#include "core/muc/absence.h"
#include "core/muc/arrival.h"
#include "core/muc/feature.h"
#include "core/muc/rate.h"

#include "core/base/ensure.h"

/* Voice given or taken before is remembered; it never makes or unmakes a moderator. */
static enum role entry_role(const struct room *room, const struct inbound *in,
                            enum affiliation affiliation)
{
    enum role role = role_default(affiliation, room_kind(&room->options));
    enum role kept = room_kept_role(room, jid_bare(in->from));
    bool about_voice = role == ROLE_VISITOR || role == ROLE_PARTICIPANT;
    return about_voice && (kept == ROLE_VISITOR || kept == ROLE_PARTICIPANT) ? kept : role;
}

static void seat(struct room *room, struct step *step, const struct entry *entry, enum role role,
                 const struct arrival *arrival, uint32_t statuses)
{
    const struct inbound *in = entry->in;
    struct occupant *occupant = entry->existing;
    if (occupant == NULL) {
        const struct jid *account = jid_to_bare(step->arena, in->from);
        occupant = occupant_seat(room, entry->nick, entry->nick_key, account,
                                 room_affiliation(room, in->from), role);
        occupant_tally(step, occupant, true);
    }
    if (entry->rewritten)
        statuses |= STATUS_BIT(210);
    struct session *session = session_add(room, occupant, in->from, in->route);
    (void)arrival_apply(room, session, arrival);
    seat_session_shown(room, step, session, in, entry->x, statuses, true);
    absence_came(room, step, occupant);
}

/* A room that has just been made has no reserved nicknames and nobody in it: reading the request
 * again gives what was decided on. */
static void created(struct room *room, struct step *step, const struct change *change,
                    const struct inbound *in)
{
    UNUSED(change);
    struct entry entry = {.in = in, .x = node_find(in->root, NAME_X, NS_MUC)};
    struct arrival arrival;
    bool fits = entry_read_nick(room, step, &entry) == NULL &&
                arrival_read(room, step, in, ROLE_MODERATOR, &arrival);
    ensure(fits);
    seat(room, step, &entry, entry_role(room, in, AFF_OWNER), &arrival, STATUS_BIT(201));
}

static enum step_outcome create(struct room *room, struct step *step, const struct inbound *in)
{
    struct affiliation_change *owner = ARENA_NEW(step->arena, struct affiliation_change);
    owner->jid = jid_bare(in->from);
    owner->before = AFF_NONE;
    owner->after = AFF_OWNER;
    struct change *change = ARENA_NEW(step->arena, struct change);
    change->kind = CHANGE_CREATE;
    change->affiliations = owner;
    change->affiliation_count = 1;
    return change_submit(room, step, change, created, in);
}

/* The client has lost its state, or wants to be sure: everything again, in the order of a first
 * join. The others hear of it only if they see a difference. */
static enum step_outcome resync(struct room *room, struct step *step, const struct inbound *in,
                                const struct node *x)
{
    struct arrival arrival;
    const struct refusal *refusal = rate_refuses(room, step, in);
    if (refusal == NULL && !arrival_read(room, step, in, in->self->role, &arrival))
        refusal = &refusal_PRESENCE_TOO_LARGE;
    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    bool changed = arrival_apply(room, in->session, &arrival);
    seat_session_shown(room, step, in->session, in, x, 0, changed);
    return STEP_DONE;
}

static enum step_outcome enter(struct room *room, struct step *step, const struct inbound *in)
{
    struct entry entry = {.in = in, .x = node_find(in->root, NAME_X, NS_MUC)};
    if (in->session != NULL)
        return resync(room, step, in, entry.x);
    if (in->target == TARGET_ROOM)
        return refuse(room, step, in, &refusal_NICK_MISSING);
    if (jid_is_bare(in->from))
        return refuse(room, step, in, &refusal_JID_MALFORMED); /* an occupant has a full JID */
    const struct refusal *refusal = entry_read_nick(room, step, &entry);
    if (refusal == NULL)
        refusal = features_may_enter(room, step, &entry);
    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    enum role role =
        entry.existing != NULL ? entry.existing->role : entry_role(room, in, in->affiliation);
    struct arrival arrival;
    if (!arrival_read(room, step, in, role, &arrival))
        return refuse(room, step, in, &refusal_PRESENCE_TOO_LARGE);
    if (!room_exists(room))
        return create(room, step, in);
    seat(room, step, &entry, role, &arrival, 0);
    return STEP_DONE;
}

/* A stranger's presence without <x xmlns=muc/> comes from a client that believes to be inside: it
 * is told that it is not, so that it can enter again. Never a join. */
static enum step_outcome tell_outside(struct room *room, struct step *step,
                                      const struct inbound *in)
{
    if (in->target == TARGET_ROOM)
        return refuse(room, step, in, &refusal_NICK_MISSING);
    uint32_t statuses = STATUS_BIT(307) | STATUS_BIT(333) | STATUS_BIT(110);
    struct fb fb;
    fb_begin(&fb, step->arena, "presence", jid_full(in->to), STR("unavailable"), in->id);
    fb_open(&fb, NAME_X, NS_MUC_USER);
    fb_statuses(&fb, statuses, false);
    fb_item(&fb, AFF_NONE, ROLE_NONE, STR_NONE, STR_NONE, NULL, false,
            STR("You are not in this room: enter it again"));
    fb_statuses(&fb, statuses, true);
    fb_close(&fb);
    reply(step, in, fb_finish(&fb));
    return STEP_DONE;
}

/* From inside under another nickname it is a change of nickname first (core/muc/feature/nick.c). */
static bool enters_or_resyncs(const struct room *room, const struct inbound *in)
{
    UNUSED(room);
    return in->session == NULL || in->target == TARGET_ROOM ||
           str_eq(in->nick, occupant_nick(in->self));
}

static bool believes_inside(const struct room *room, const struct inbound *in)
{
    return in->session == NULL && room->state != ROOM_DESTROYED &&
           node_find(in->root, NAME_X, NS_MUC) == NULL;
}

static const struct handler handlers[] = {
    {
        .kinds = KIND_PRESENCE,
        .targets = TARGET_ROOM | TARGET_OCCUPANT,
        .types = TYPE_AVAILABLE,
        .name = NAME_X,
        .ns = NS_MUC,
        .match = enters_or_resyncs,
        .any_state = true,
        .run = enter,
    },
    {
        .kinds = KIND_PRESENCE,
        .targets = TARGET_ROOM | TARGET_OCCUPANT,
        .types = TYPE_AVAILABLE,
        .match = believes_inside,
        .any_state = true,
        .run = tell_outside,
    },
};

const struct feature feature_enter = {
    .name = "enter",
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
};
