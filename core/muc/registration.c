#include "core/muc/registration.h"

#include "core/base/mem.h"
#include "core/muc/rename.h"
#include "core/xmpp/prep.h"

const struct register_question register_questions[REGISTER_FIELDS] = {
    [REGISTER_FIRST] = {"muc#register_first", "text-single", "Given Name", true},
    [REGISTER_LAST] = {"muc#register_last", "text-single", "Family Name", true},
    [REGISTER_URL] = {"muc#register_url", "text-single", "Your URL", false},
    [REGISTER_EMAIL] = {"muc#register_email", "text-single", "Email Address", false},
    [REGISTER_FAQ] = {"muc#register_faqentry", "text-multi", "FAQ Entry", false},
};

bool registration_needs_consent(const struct room *room, enum affiliation affiliation)
{
    return affiliation == AFF_NONE && room->options.approve_registration;
}

uint32_t registration_questions(const struct room *room, enum affiliation affiliation)
{
    return registration_needs_consent(room, affiliation) ? room->options.register_fields : 0;
}

const struct refusal *registration_refused(const struct room *room, struct step *step,
                                           struct str account, struct str nick)
{
    struct str key = prep_nick_key(step->arena, nick);
    const struct occupant *user = occupant_by_nick(room, key);
    const struct affiliate *holder = room_nick_owner(room, key);

    if ((user != NULL && !str_eq(user->account, account)) ||
        (holder != NULL && !str_eq(holder->jid, account)))
        return &refusal_REGISTER_TAKEN;
    if (room_affiliate(room, account) == NULL && !room_has_place(room, 1, ADDED_UNASKED))
        return &refusal_ROOM_BUSY;
    return NULL;
}

/* The stored reason was for an earlier change: it is kept, but not announced with this one. */
struct change *registration_change(const struct room *room, struct step *step, struct str account,
                                   enum affiliation after, struct str nick)
{
    const struct affiliate *row = room_affiliate(room, account);
    struct affiliation_change *changed = ARENA_NEW(step->arena, struct affiliation_change);
    struct change *change = ARENA_NEW(step->arena, struct change);

    *changed = (struct affiliation_change){
        .jid = str_in(step->arena, account),
        .before = row == NULL ? AFF_NONE : row->affiliation,
        .after = after,
        .set_nick = true,
        .nick = str_in(step->arena, nick),
        .reason = row == NULL ? STR_NONE : str_in(step->arena, row->reason),
    };
    *change = (struct change){
        .kind = CHANGE_AFFILIATIONS,
        .affiliations = changed,
        .affiliation_count = 1,
    };
    return change;
}

void registration_announce(struct room *room, struct step *step, const struct change *change)
{
    struct affiliation_change changed = change->affiliations[0];

    changed.reason = STR_NONE;
    standing_apply(room, step, &changed, NULL, true);
    if (!str_empty(changed.nick) && room->options.reserved_nick_only)
        rename_account(room, step, changed.jid, changed.nick);
}

/* ---- those that wait ---- */

const struct registration *registration_waiting(const struct room *room, struct str account)
{
    return map_get(&room->registrations, account);
}

static void registration_free(struct registration *waiting)
{
    for (unsigned i = 0; i < REGISTER_FIELDS; i++)
        str_free(&waiting->answers[i]);
    str_free(&waiting->nick);
    str_free(&waiting->account);
    mem_free(waiting);
}

void registration_forget(struct room *room, struct str account)
{
    struct registration *waiting = map_remove(&room->registrations, account);

    if (waiting != NULL)
        registration_free(waiting);
}

bool registration_fits(const struct room *room, struct str account)
{
    return registration_waiting(room, account) != NULL ||
           room->registrations.count < ROOM_REGISTERING_MAX;
}

void registration_keep(struct room *room, const struct registration *wanted)
{
    struct registration *waiting = MEM_NEW(struct registration);
    waiting->account = str_copy(wanted->account);
    waiting->nick = str_copy(wanted->nick);
    for (unsigned i = 0; i < REGISTER_FIELDS; i++)
        waiting->answers[i] = str_copy(wanted->answers[i]);
    registration_forget(room, wanted->account);
    map_put(&room->registrations, waiting->account, waiting);
}

bool registration_equal(const struct registration *a, const struct registration *b)
{
    for (unsigned i = 0; i < REGISTER_FIELDS; i++) {
        if (!str_eq(a->answers[i], b->answers[i]))
            return false;
    }
    return str_eq(a->account, b->account) && str_eq(a->nick, b->nick);
}

void registrations_clear(struct room *room)
{
    struct registration *waiting;

    map_each (&room->registrations, at, waiting)
        registration_free(waiting);
    map_fini(&room->registrations);
    map_init(&room->registrations, &room->env->hash_key);
}
