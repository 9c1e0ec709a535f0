/*
 * What is asked for by forms and messages: configuration and end of a room (10), registration
 * (7.10), invitations (7.8), voice (7.13, 8.6).
 */
#include "tests/random/model.h"

#include <stddef.h>

enum { TOMBSTONE_DAYS = 31, APPLYING_SECONDS = 60 };

/* ---- owners ---- */

unsigned model_owner(struct model *model, struct model_room *room, int client)
{
    unsigned closed = model_closed(room, client);
    bool owner = model_affiliation(model, room, cast_account_of[client]) == M_OWNER;
    bool there = room->state == M_LOCKED || room->state == M_OPEN;
    if (owner && there && !model_shut_out(room, client))
        return 0;
    return closed != 0 ? closed : R_FORBIDDEN;
}

/* What an entry is to be by the complete lists of the form (13.5): who is missing in one becomes
 * what is next below it that the form does not list. */
static enum model_affiliation by_lists(const struct model_form *form, enum model_affiliation before,
                                       int entry)
{
    bool as_owner = form->has_owners && (form->owners & 1u << entry) != 0;
    bool as_admin = form->has_admins && (form->admins & 1u << entry) != 0;
    if (as_owner)
        return M_OWNER;
    if (before == M_OWNER && !form->has_owners)
        return M_OWNER;
    if (as_admin)
        return M_ADMIN;
    if (before == M_OWNER)
        return form->has_admins ? M_MEMBER : M_ADMIN;
    return before == M_ADMIN && form->has_admins ? M_MEMBER : before;
}

static unsigned staff_refused(const struct model_room *room, const struct model_form *form)
{
    unsigned owners_before = 0, owners = 0;
    if (form->bad_staff)
        return R_NOT_ACCEPTABLE;
    for (int i = 0; i < CAST_ENTRIES; i++) {
        bool named = (form->has_owners && (form->owners & 1u << i) != 0) ||
                     (form->has_admins && (form->admins & 1u << i) != 0);
        if (named && cast_is_domain(i) && room->rows[i].affiliation < M_ADMIN)
            return R_NOT_ACCEPTABLE;
        owners_before += room->rows[i].affiliation == M_OWNER;
        owners += by_lists(form, room->rows[i].affiliation, i) == M_OWNER;
    }
    return owners == 0 && owners_before > 0 ? R_CONFLICT : 0;
}

static void appoint(struct model *model, struct model_room *room, const struct model_form *form)
{
    enum model_affiliation before[CAST_ENTRIES];
    for (int i = 0; i < CAST_ENTRIES; i++)
        before[i] = model_affiliation(model, room, i);
    for (int i = 0; i < CAST_ENTRIES; i++) {
        struct model_row *row = &room->rows[i];
        enum model_affiliation wanted = by_lists(form, row->affiliation, i);
        if (wanted != row->affiliation) {
            row->kept = M_OUTSIDE;
            row->applied = MODEL_NOTHING;
        }
        row->affiliation = wanted;
    }
    for (int i = 0; i < CAST_ENTRIES; i++)
        model_stand(model, room, i, before[i]);
}

/* Where all can be shown again, all are. */
static void end_quiet(struct model_room *room)
{
    unsigned most = room->options.quiet_above;
    for (int i = 0; i < MODEL_OCCUPANTS; i++)
        room->occupants[i].quiet =
            room->occupants[i].quiet && most > 0 && model_count(room) >= most;
}

/* What only some may turn on may stay on, whoever sends the form. */
static bool may_have(const struct model *model, const struct model_room *room, int account,
                     const struct model_options *wanted)
{
    bool lasts = wanted->persistent && !room->options.persistent;
    bool listed = !wanted->hidden && room->options.hidden;
    return (!lasts || model_named_in(model, model->rules.keepers, account)) &&
           (!listed || model_named_in(model, model->rules.listers, account));
}

unsigned model_configure(struct model *model, struct model_room *room, int client,
                         const struct model_form *form)
{
    unsigned refused = model_owner(model, room, client);
    if (refused != 0)
        return refused;
    if (form->wrong_type)
        return R_BAD_REQUEST;
    bool may = may_have(model, room, cast_account_of[client], &form->options);
    refused = staff_refused(room, form) | (form->impossible || !may ? R_NOT_ACCEPTABLE : 0);
    if (refused != 0)
        return refused;
    bool closes = form->options.members_only && !room->options.members_only;
    if (form->options.anyone_sees_jids != room->options.anyone_sees_jids)
        room->eyes_changed = true;
    room->options = form->options;
    room->was_archived |= room->options.archived;
    model_keep_less(room);
    room->state = M_OPEN;
    end_quiet(room);
    appoint(model, room, form);
    for (int i = 0; closes && i < MODEL_OCCUPANTS; i++) {
        struct model_occupant *occupant = &room->occupants[i];
        if (occupant->account != CAST_NOBODY &&
            model_affiliation(model, room, occupant->account) == M_NONE)
            model_put_out(model, room, occupant, 322);
    }
    model_settle(model, room);
    return 0;
}

static void everybody_out(struct model *model, struct model_room *room)
{
    for (int i = 0; i < MODEL_OCCUPANTS; i++) {
        if (room->occupants[i].account != CAST_NOBODY)
            model_put_out(model, room, &room->occupants[i], 0);
    }
    model_clear(room);
}

unsigned model_cancel(struct model *model, struct model_room *room, int client)
{
    unsigned refused = model_owner(model, room, client);
    if (refused == 0 && room->state == M_LOCKED)
        everybody_out(model, room);
    return refused;
}

unsigned model_card(struct model *model, struct model_room *room, int client, int card)
{
    unsigned refused = model_closed(room, client);
    if (refused != 0)
        return refused;
    if (model_affiliation(model, room, cast_account_of[client]) != M_OWNER)
        return R_FORBIDDEN;
    if (card == MODEL_WRONG)
        return R_BAD_REQUEST;
    room->card = card;
    return 0;
}

static void bury(struct model *model, struct model_room *room)
{
    everybody_out(model, room);
    room->state = M_DESTROYED;
    room->until_us = model->now_us + TOMBSTONE_DAYS * INT64_C(86400000000);
}

unsigned model_destroy(struct model *model, struct model_room *room, int client, bool bad)
{
    unsigned refused = model_owner(model, room, client);
    if (refused == 0 && bad)
        refused = R_JID_MALFORMED;
    if (refused != 0)
        return refused;
    bury(model, room);
    return 0;
}

/* No owner of a room, but who runs the service. */
unsigned model_order(struct model *model, struct model_room *room, int client, bool bad)
{
    if (cast_account_of[client] != model->rules.service_admin)
        return R_FORBIDDEN;
    if (bad)
        return R_BAD_REQUEST;
    if (room->state == M_OPEN || room->state == M_LOCKED)
        bury(model, room);
    return 0;
}

/* ---- registration ---- */

unsigned model_registration(struct model *model, struct model_room *room, int client)
{
    enum model_affiliation own = model_affiliation(model, room, cast_account_of[client]);
    unsigned closed = model_closed(room, client);
    if (closed != 0)
        return closed;
    if (own == M_OUTCAST)
        return R_FORBIDDEN;
    return own == M_NONE && !room->options.allow_register ? R_REGISTRATION : 0;
}

static bool name_taken(struct model_room *room, int nick, int account)
{
    const struct model_occupant *user = model_holding(room, nick);
    for (int i = 0; i < CAST_ENTRIES; i++) {
        int reserved = room->rows[i].nick;
        if (i != account && reserved >= 0 && cast_nicks[reserved].key == cast_nicks[nick].key)
            return true;
    }
    return user != NULL && user->account != account;
}

/* The next of the account's, in the order they were seated, that is not the one. */
static struct model_occupant *another(struct model_room *room, const struct model_occupant *one)
{
    struct model_occupant *first = NULL;
    for (int i = 0; i < MODEL_OCCUPANTS; i++) {
        struct model_occupant *occupant = &room->occupants[i];
        if (occupant != one && occupant->account == one->account &&
            (first == NULL || occupant->seated < first->seated))
            first = occupant;
    }
    return first;
}

/* Who registers inside such a room goes by that name at once, with all it has inside. */
static void enforce(struct model_room *room, int account, int nick)
{
    struct model_occupant *holder = model_holding(room, nick);
    struct model_occupant *from;
    if (holder == NULL)
        holder = model_account(room, account);
    if (!room->options.reserved_nick_only || holder == NULL)
        return;
    holder->nick = nick;
    while (room->options.many_sessions && (from = another(room, holder)) != NULL) {
        for (unsigned i = 0; i < from->count; i++)
            holder->sessions[holder->count++] = from->sessions[i];
        *from = (struct model_occupant){.account = CAST_NOBODY};
    }
}

/* What an account does by itself gives it no voice that was taken from it. */
static void stand_by_itself(struct model *model, struct model_room *room, int account,
                            enum model_affiliation before)
{
    bool muted = room->rows[account].kept == M_VISITOR;
    enum model_role roles[MODEL_OCCUPANTS];
    for (int i = 0; i < MODEL_OCCUPANTS; i++)
        roles[i] = room->occupants[i].role;
    model_stand(model, room, account, before);
    for (int i = 0; muted && i < MODEL_OCCUPANTS; i++) {
        struct model_occupant *occupant = &room->occupants[i];
        if (occupant->account == account && occupant->role > roles[i])
            occupant->role = roles[i];
    }
}

/* The account is a member by it, if it was none. */
static void enrol(struct model *model, struct model_room *room, int account, int nick, bool own)
{
    struct model_row *row = &room->rows[account];
    enum model_affiliation before = model_affiliation(model, room, account);

    row->nick = nick;
    row->applied = MODEL_NOTHING;
    if (row->affiliation < M_MEMBER) {
        row->affiliation = M_MEMBER;
        if (!own || row->kept != M_VISITOR)
            row->kept = M_OUTSIDE;
    }
    if (own)
        stand_by_itself(model, room, account, before);
    else
        model_stand(model, room, account, before);
    enforce(room, account, nick);
}

/* Not too often, whatever has become of the last one. */
static unsigned apply(const struct model *model, struct model_row *row, int nick, unsigned answered)
{
    bool soon = row->applied_us != 0 &&
                model->now_us - row->applied_us < APPLYING_SECONDS * INT64_C(1000000);
    if (row->applied == nick && row->answered == answered)
        return 0;
    if (soon)
        return R_RESOURCE;
    row->applied = nick;
    row->answered = answered;
    row->applied_us = model->now_us;
    return 0;
}

unsigned model_questions(const struct model *model, const struct model_room *room, int account)
{
    bool stranger = model_affiliation(model, room, account) == M_NONE;
    return stranger && room->options.approve_registration ? room->options.questions : 0;
}

unsigned model_register(struct model *model, struct model_room *room, int client, int asked,
                        unsigned given)
{
    unsigned refused = model_registration(model, room, client);
    int account = cast_account_of[client], nick = model_nick(model, asked);
    struct model_row *row = &room->rows[account];
    bool stranger = model_affiliation(model, room, account) == M_NONE;
    unsigned questions = model_questions(model, room, account);

    if (refused != 0)
        return refused;
    if (nick < 0 || model_nick_fault(model, nick) != 0)
        return R_BAD_REQUEST;
    if ((questions & CAST_QUESTIONS_REQUIRED & ~given) != 0)
        return R_BAD_REQUEST;
    if (name_taken(room, nick, account))
        return R_CONFLICT;
    if (row->nick == nick)
        return 0;
    if (stranger && room->options.approve_registration)
        return apply(model, row, nick, questions & given);
    enrol(model, room, account, nick, true);
    return 0;
}

unsigned model_consent(struct model *model, struct model_room *room, int client, int entry,
                       int nick, enum model_consent consent)
{
    struct model_row *row = &room->rows[entry];
    unsigned closed = model_closed(room, client);

    if (closed != 0)
        return closed;
    if (model_inside(room, client) == NULL)
        return R_NOT_ACCEPTABLE;
    if (model_affiliation(model, room, cast_account_of[client]) < M_ADMIN)
        return R_FORBIDDEN;
    if (consent == CONSENT_LATER)
        return 0;
    if (row->applied == MODEL_NOTHING || row->applied != nick ||
        model_affiliation(model, room, entry) == M_OUTCAST)
        return R_ITEM_NOT_FOUND;
    if (consent == CONSENT_GIVEN && name_taken(room, nick, entry))
        return R_CONFLICT;
    if (consent == CONSENT_GIVEN)
        enrol(model, room, entry, nick, false);
    row->applied = MODEL_NOTHING;
    return 0;
}

unsigned model_unregister(struct model *model, struct model_room *room, int client)
{
    unsigned refused = model_registration(model, room, client);
    int account = cast_account_of[client];
    struct model_row *row = &room->rows[account];
    enum model_affiliation before = model_affiliation(model, room, account);

    if (refused != 0)
        return refused;
    if (row->applied >= 0) { /* it was not registered yet */
        row->applied = MODEL_NOTHING;
        return 0;
    }
    if (row->affiliation != M_MEMBER && row->nick < 0)
        return R_REGISTRATION;
    row->nick = MODEL_NOTHING;
    if (row->affiliation == M_MEMBER) {
        row->affiliation = M_NONE;
        if (row->kept != M_VISITOR)
            row->kept = M_OUTSIDE;
    }
    stand_by_itself(model, room, account, before);
    model_settle(model, room);
    return 0;
}

/* ---- invitations ---- */

static unsigned inviter_refused(struct model *model, struct model_room *room, int client)
{
    const struct model_occupant *self = model_inside(room, client);
    enum model_affiliation own = model_affiliation(model, room, cast_account_of[client]);
    enum model_role role = self != NULL ? self->role : model_default_role(room, own);
    unsigned closed = model_closed(room, client);

    if (closed != 0)
        return closed;
    if (self == NULL && own < M_MEMBER)
        return R_NOT_ACCEPTABLE;
    if (role <= M_VISITOR)
        return R_FORBIDDEN;
    bool admins_only = room->options.members_only && !room->options.allow_invites;
    return admins_only && own < M_ADMIN ? R_FORBIDDEN : 0;
}

static unsigned guest_refused(struct model *model, struct model_room *room, int entry)
{
    switch (entry) {
    case MODEL_NOTHING:
        return R_BAD_REQUEST;
    case MODEL_WRONG:
        return R_JID_MALFORMED;
    case MODEL_OURS:
        return R_NOT_ACCEPTABLE;
    default:
        break;
    }
    if (cast_is_domain(entry))
        return R_JID_MALFORMED;
    return model_affiliation(model, room, entry) == M_OUTCAST ? R_FORBIDDEN : 0;
}

unsigned model_invite(struct model *model, struct model_room *room, int client, const int *entries,
                      unsigned count)
{
    unsigned refused = inviter_refused(model, room, client);

    for (unsigned i = 0; refused == 0 && i < count; i++)
        refused |= guest_refused(model, room, entries[i]);
    if (refused != 0)
        return refused;
    for (unsigned i = 0; i < count; i++) {
        struct model_row *row = &room->rows[entries[i]];
        bool unknown = model_affiliation(model, room, entries[i]) == M_NONE;
        if (room->options.members_only && unknown) {
            row->affiliation = M_MEMBER;
            row->kept = M_OUTSIDE;
            row->applied = MODEL_NOTHING;
        }
        row->invited_by = cast_account_of[client];
    }
    return 0;
}

unsigned model_decline(struct model *model, struct model_room *room, int client, int nick,
                       int entry)
{
    int account = cast_account_of[client];
    int by = room->rows[account].invited_by;
    unsigned closed = model_closed(room, client);
    bool open_faces = room->options.anyone_sees_jids;

    if (closed != 0)
        return closed;
    if (model_affiliation(model, room, account) == M_OUTCAST)
        return R_FORBIDDEN;
    bool here = nick >= 0 ? model_named(room, nick) != NULL
                          : open_faces && entry >= 0 && model_inside(room, client) != NULL &&
                                model_account(room, entry) != NULL;
    bool to_inviter = nick >= 0 || entry == MODEL_NOTHING || entry == by;
    if (entry == MODEL_WRONG)
        return R_JID_MALFORMED;
    if (by == CAST_NOBODY && (!here || model_inside(room, client) == NULL))
        return R_ITEM_NOT_FOUND; /* a room is no relay */
    if (!here && !to_inviter)
        return R_ITEM_NOT_FOUND;
    room->rows[account].invited_by = CAST_NOBODY;
    return 0;
}

int model_invite_bounced(struct model_room *room, int client)
{
    int account = cast_account_of[client];
    int by = room->rows[account].invited_by;
    if (by == CAST_NOBODY || model_account(room, account) != NULL)
        return CAST_NOBODY;
    if (model_state_closed(room, client) != 0)
        return CAST_NOBODY;
    room->rows[account].invited_by = CAST_NOBODY;
    return by;
}

/* ---- voice ---- */

unsigned model_ask_voice(struct model *model, struct model_room *room, int client)
{
    const struct model_occupant *self = model_inside(room, client);
    struct model_row *row = &room->rows[cast_account_of[client]];
    unsigned closed = model_closed(room, client);

    if (closed != 0)
        return closed;
    if (self == NULL)
        return R_NOT_ACCEPTABLE;
    if (!room->options.voice_requests)
        return R_FORBIDDEN;
    if (self->role != M_VISITOR)
        return 0;
    if (row->asked && model->now_us - row->asked_us < room->options.wait_us)
        return R_RESOURCE;
    if (room->options.wait_us > 0) {
        row->asked = true;
        row->asked_us = model->now_us;
    }
    return 0;
}

unsigned model_grant_voice(struct model *model, struct model_room *room, int client, int nick,
                           int entry, bool allow)
{
    const struct model_occupant *self = model_inside(room, client);
    struct model_occupant *visitor = nick >= 0 ? model_named(room, nick) : NULL;
    unsigned closed = model_closed(room, client);

    if (closed != 0)
        return closed;
    if (self == NULL)
        return R_NOT_ACCEPTABLE;
    if (self->role != M_MODERATOR)
        return R_FORBIDDEN;
    if (!allow)
        return 0;
    if (visitor == NULL || visitor->account != entry)
        return R_ITEM_NOT_FOUND;
    if (visitor->role != M_VISITOR)
        return 0;
    if (model_affiliation(model, room, visitor->account) >
        model_affiliation(model, room, self->account))
        return R_NOT_ALLOWED;
    visitor->role = M_PARTICIPANT;
    room->rows[visitor->account].kept = M_PARTICIPANT;
    return 0;
}
