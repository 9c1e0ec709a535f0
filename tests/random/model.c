/*
 * The room as such, entering it (7.2), leaving it (7.14), names (7.6), and talking (7.4, 7.5, 8.1).
 */
#include "tests/random/model.h"

#include <stddef.h>

enum { LOCK_SECONDS = 300 };

/* ---- a room ---- */

void model_clear(struct model_room *room)
{
    *room =
        (struct model_room){.shut_out = room->shut_out, .state = M_ABSENT, .creator = CAST_NOBODY};
    room->subject = MODEL_NOTHING;
    room->card = MODEL_NOTHING;
    for (int i = 0; i < CAST_ENTRIES; i++) {
        room->rows[i] = (struct model_row){.affiliation = M_NONE};
        room->rows[i].nick = room->rows[i].applied = MODEL_NOTHING;
        room->rows[i].invited_by = CAST_NOBODY;
    }
    for (int i = 0; i < MODEL_OCCUPANTS; i++)
        room->occupants[i].account = CAST_NOBODY;
}

void model_init(struct model *model, const struct model_rules *rules)
{
    *model = (struct model){.rules = *rules};
    for (int i = 0; i < CAST_ROOMS; i++) {
        for (int entry = 0; entry < CAST_ENTRIES; entry++) {
            bool banned =
                entry != rules->service_admin && model_named_in(model, rules->banned, entry);
            model->rooms[i].shut_out |= banned ? 1u << entry : 0;
        }
        model_clear(&model->rooms[i]);
    }
}

void model_next(struct model *model, int64_t now_us)
{
    model->now_us = now_us;
    model->exit_count = 0;
    model->ended_at = CAST_NOBODY;
    model->announced = CAST_NOBODY;
    model->created = model->entered = model->rewritten = model->outside = false;
}

/* A room that is not meant to last ends with its last occupant; so does one never configured. */
void model_settle(struct model *model, struct model_room *room)
{
    if (model_count(room) > 0)
        return;
    if (room->state == M_LOCKED || (room->state == M_OPEN && !room->options.persistent)) {
        model->ended = *room;
        model->ended_at = (int)(room - model->rooms);
        model_clear(room);
    }
}

/* ---- looking ---- */

unsigned model_count(const struct model_room *room)
{
    unsigned count = 0;
    for (int i = 0; i < MODEL_OCCUPANTS; i++)
        count += room->occupants[i].account != CAST_NOBODY;
    return count;
}

struct model_occupant *model_inside(struct model_room *room, int client)
{
    for (int i = 0; i < MODEL_OCCUPANTS; i++) {
        struct model_occupant *occupant = &room->occupants[i];
        for (unsigned s = 0; occupant->account != CAST_NOBODY && s < occupant->count; s++) {
            if (occupant->sessions[s].client == client)
                return occupant;
        }
    }
    return NULL;
}

struct model_session *model_session(struct model_room *room, int client)
{
    struct model_occupant *occupant = model_inside(room, client);
    for (unsigned s = 0; occupant != NULL && s < occupant->count; s++) {
        if (occupant->sessions[s].client == client)
            return &occupant->sessions[s];
    }
    return NULL;
}

struct model_occupant *model_holding(struct model_room *room, int nick)
{
    for (int i = 0; i < MODEL_OCCUPANTS; i++) {
        struct model_occupant *occupant = &room->occupants[i];
        if (nick >= 0 && occupant->account != CAST_NOBODY &&
            cast_nicks[occupant->nick].key == cast_nicks[nick].key)
            return occupant;
    }
    return NULL;
}

struct model_occupant *model_named(struct model_room *room, int nick)
{
    struct model_occupant *occupant = model_holding(room, nick);
    return occupant != NULL && occupant->nick == nick ? occupant : NULL;
}

struct model_occupant *model_account(struct model_room *room, int account)
{
    struct model_occupant *first = NULL;
    for (int i = 0; i < MODEL_OCCUPANTS; i++) {
        struct model_occupant *occupant = &room->occupants[i];
        if (account != CAST_NOBODY && occupant->account == account &&
            (first == NULL || occupant->seated < first->seated))
            first = occupant;
    }
    return first;
}

/* What others are shown: the highest priority, of equal ones the newest. */
const struct model_session *model_primary(const struct model_occupant *occupant)
{
    const struct model_session *primary = &occupant->sessions[0];
    for (unsigned s = 1; s < occupant->count; s++) {
        const struct model_session *session = &occupant->sessions[s];
        int priority = cast_looks[session->look].priority;
        int best = cast_looks[primary->look].priority;
        if (priority > best || (priority == best && session->joined > primary->joined))
            primary = session;
    }
    return primary;
}

enum model_affiliation model_affiliation(const struct model *model, const struct model_room *room,
                                         int entry)
{
    if (entry == model->rules.service_admin)
        return M_OWNER;
    if (room->rows[entry].affiliation != M_NONE)
        return room->rows[entry].affiliation;
    bool banned = room->rows[cast_entries[entry].domain].affiliation == M_OUTCAST;
    return banned ? M_OUTCAST : M_NONE;
}

enum model_role model_default_role(const struct model_room *room, enum model_affiliation rank)
{
    if (rank == M_OUTCAST)
        return M_OUTSIDE;
    if (rank == M_NONE && room->options.members_only)
        return M_OUTSIDE;
    if (rank == M_NONE && room->options.newcomers != M_OUTSIDE)
        return room->options.newcomers;
    if (rank == M_NONE && room->options.moderated)
        return M_VISITOR;
    return rank >= M_ADMIN ? M_MODERATOR : M_PARTICIPANT;
}

bool model_shown(const struct model_room *room, const struct model_occupant *occupant)
{
    return !occupant->quiet && (room->options.shown & 1u << occupant->role) != 0;
}

bool model_sees(const struct model_room *room, const struct model_occupant *viewer,
                const struct model_occupant *other)
{
    if (viewer->account == other->account || model_shown(room, other))
        return true;
    return room->options.see_all && viewer->role == M_MODERATOR;
}

bool model_sees_addresses(const struct model_room *room, const struct model_occupant *viewer)
{
    return room->options.anyone_sees_jids || viewer->role == M_MODERATOR;
}

bool model_named_in(const struct model *model, unsigned entries, int account)
{
    unsigned own = 1u << account | 1u << cast_entries[account].domain;
    return account == model->rules.service_admin || (entries & own) != 0;
}

bool model_shut_out(struct model_room *room, int client)
{
    return model_inside(room, client) == NULL &&
           (room->shut_out & 1u << cast_account_of[client]) != 0;
}

bool model_secret(const struct model *model, struct model_room *room, int client)
{
    const struct model_options *options = &room->options;
    bool stranger = model_affiliation(model, room, cast_account_of[client]) < M_MEMBER &&
                    model_inside(room, client) == NULL;
    return stranger && options->conceal && options->hidden && options->members_only;
}

unsigned model_closed(struct model_room *room, int client)
{
    return model_shut_out(room, client) ? R_FORBIDDEN : model_state_closed(room, client);
}

unsigned model_state_closed(struct model_room *room, int client)
{
    bool known = model_inside(room, client) != NULL || cast_account_of[client] == room->creator;
    switch (room->state) {
    case M_ABSENT:
        return R_ITEM_NOT_FOUND;
    case M_LOCKED:
        return known ? 0 : R_ITEM_NOT_FOUND;
    case M_OPEN:
        return 0;
    case M_DESTROYED:
        return R_GONE;
    }
    return 0;
}

/* ---- coming and going ---- */

static struct model_occupant *seat(struct model *model, struct model_room *room, int account,
                                   int nick, enum model_role role)
{
    unsigned most = room->options.quiet_above;
    bool quiet = role < M_MODERATOR && most > 0 && model_count(room) >= most;
    struct model_occupant *occupant = &room->occupants[0];
    while (occupant->account != CAST_NOBODY)
        occupant++;
    *occupant = (struct model_occupant){.account = account, .nick = nick, .role = role};
    occupant->quiet = quiet;
    occupant->seated = ++model->counter;
    return occupant;
}

static void session_take(struct model_occupant *occupant, int client)
{
    unsigned s = 0;
    while (occupant->sessions[s].client != client)
        s++;
    occupant->sessions[s] = occupant->sessions[--occupant->count];
    if (occupant->count == 0)
        occupant->account = CAST_NOBODY;
}

static void note_exit(struct model *model, const struct model_room *room, int client, int status)
{
    model->exits[model->exit_count++] =
        (struct model_exit){client, (int)(room - model->rooms), status};
}

void model_leave(struct model *model, struct model_room *room, int client, bool ghost)
{
    struct model_occupant *occupant = model_inside(room, client);
    if (occupant == NULL)
        return;
    note_exit(model, room, client, ghost && occupant->count == 1 ? 333 : 0);
    session_take(occupant, client);
    model_settle(model, room);
}

void model_put_out(struct model *model, struct model_room *room, struct model_occupant *occupant,
                   int status)
{
    for (unsigned s = 0; s < occupant->count; s++)
        note_exit(model, room, occupant->sessions[s].client, status);
    occupant->count = 0;
    occupant->account = CAST_NOBODY;
}

void model_account_gone(struct model *model, struct model_room *room, int account)
{
    struct model_occupant *occupant;
    while ((occupant = model_account(room, account)) != NULL)
        model_put_out(model, room, occupant, 333);
    model_settle(model, room);
}

int model_nick(const struct model *model, int nick)
{
    return nick >= 0 && model->rules.trims_nicks ? cast_nicks[nick].inside : nick;
}

unsigned model_nick_fault(const struct model *model, int nick)
{
    const struct cast_nick *name = &cast_nicks[nick];
    if (name->is_long && model->rules.short_nicks)
        return R_JID_MALFORMED;
    switch (name->fault) {
    case NICK_FINE:
        return 0;
    case NICK_IMPOSSIBLE:
    case NICK_PADDED:
        return R_JID_MALFORMED;
    case NICK_INVISIBLE:
        return R_NOT_ALLOWED;
    case NICK_RECENT:
        return model->rules.recent_nicks ? 0 : R_JID_MALFORMED;
    }
    return 0;
}

static bool reserved_by_other(const struct model_room *room, int nick, int account)
{
    for (int i = 0; i < CAST_ENTRIES; i++) {
        int reserved = room->rows[i].nick;
        if (i != account && reserved >= 0 && cast_nicks[reserved].key == cast_nicks[nick].key)
            return true;
    }
    return false;
}

/* The name an account must use, if the room insists on reserved ones. */
static int forced(const struct model_room *room, int account)
{
    return room->options.reserved_nick_only ? room->rows[account].nick : MODEL_NOTHING;
}

static bool is_full(const struct model_room *room, enum model_affiliation rank)
{
    return room->options.max > 0 && rank < M_ADMIN && model_count(room) >= room->options.max;
}

/* An open or locked room, in the order the checks have (2.2); *nick may be rewritten. */
static unsigned entry_refused(struct model *model, struct model_room *room, int client,
                              const struct model_presence *presence, int *nick)
{
    int account = cast_account_of[client];
    enum model_affiliation rank = model_affiliation(model, room, account);

    if (room->state == M_LOCKED && account != room->creator)
        return R_ITEM_NOT_FOUND;
    if (rank == M_OUTCAST)
        return R_FORBIDDEN;
    if (room->options.members_only && rank < M_MEMBER)
        return R_REGISTRATION;
    if (room->options.password != 0 && presence->password != room->options.password)
        return R_NOT_AUTHORIZED;
    if (reserved_by_other(room, *nick, account))
        return R_CONFLICT;
    if (forced(room, account) >= 0)
        *nick = forced(room, account);
    const struct model_occupant *holder = model_holding(room, *nick);
    if (holder != NULL && (holder->account != account || !room->options.many_sessions))
        return R_CONFLICT;
    if (holder != NULL)
        *nick = holder->nick;
    else if (is_full(room, rank))
        return R_UNAVAILABLE;
    return presence->large ? R_NOT_ACCEPTABLE : 0;
}

static void found(struct model *model, struct model_room *room, int account)
{
    model_clear(room);
    room->state = model->rules.locked ? M_LOCKED : M_OPEN;
    room->until_us = model->now_us + LOCK_SECONDS * INT64_C(1000000);
    room->creator = account;
    room->options = model->rules.defaults;
    room->was_archived = room->options.archived;
    room->options.persistent &= model_named_in(model, model->rules.keepers, account);
    room->options.hidden |= !model_named_in(model, model->rules.listers, account);
    room->rows[account].affiliation = M_OWNER;
    model->created = true;
}

/* Voice given or taken before is remembered, but makes and unmakes no moderator. */
static enum model_role entry_role(const struct model *model, const struct model_room *room,
                                  int account)
{
    enum model_role role = model_default_role(room, model_affiliation(model, room, account));
    enum model_role kept = room->rows[account].kept;
    return role != M_MODERATOR && kept != M_OUTSIDE ? kept : role;
}

static unsigned enter(struct model *model, struct model_room *room, int client,
                      const struct model_presence *presence)
{
    int account = cast_account_of[client], nick = model_nick(model, presence->nick);
    bool admin = account == model->rules.service_admin;
    bool banned = !admin && model_named_in(model, model->rules.banned, account);
    bool fresh = room->state == M_ABSENT || room->state == M_DESTROYED;
    unsigned refused = model_nick_fault(model, nick);

    if (refused == 0 && banned)
        refused = R_FORBIDDEN;
    if (refused == 0 && room->state == M_DESTROYED && !admin)
        refused = R_GONE;
    if (refused == 0 && fresh && !model_named_in(model, model->rules.creators, account))
        refused = R_NOT_ALLOWED;
    if (refused == 0 && !fresh)
        refused = entry_refused(model, room, client, presence, &nick);
    if (refused == 0 && presence->large)
        refused = R_NOT_ACCEPTABLE;
    if (refused != 0)
        return refused;
    if (fresh)
        found(model, room, account);
    struct model_occupant *occupant = model_holding(room, nick);
    if (occupant == NULL)
        occupant = seat(model, room, account, nick, entry_role(model, room, account));
    occupant->sessions[occupant->count++] =
        (struct model_session){client, presence->look, ++model->counter};
    model->entered = true;
    model->rewritten = nick != presence->nick;
    return 0;
}

/* ---- another name ---- */

static unsigned rename_refused(struct model *model, struct model_room *room,
                               const struct model_occupant *self,
                               const struct model_presence *presence)
{
    int nick = model_nick(model, presence->nick);
    unsigned refused = model_nick_fault(model, nick);
    if (refused != 0)
        return refused;
    if (nick == self->nick) /* with the blanks it was told to be without */
        return presence->large ? R_NOT_ACCEPTABLE : 0;
    int must = forced(room, self->account);
    const struct model_occupant *holder = model_holding(room, nick);
    if (self->role == M_VISITOR && !room->options.visitor_nick_change)
        refused |= R_NOT_ALLOWED;
    if (reserved_by_other(room, nick, self->account))
        refused |= R_CONFLICT;
    if (must >= 0 && must != nick)
        refused |= R_NOT_ACCEPTABLE;
    if (holder != NULL && holder != self &&
        (holder->account != self->account || !room->options.many_sessions))
        refused |= R_CONFLICT;
    if (holder == NULL && self->count > 1 &&
        is_full(room, model_affiliation(model, room, self->account)))
        refused |= R_UNAVAILABLE;
    if (presence->large)
        refused |= R_NOT_ACCEPTABLE;
    return refused;
}

/* All of it, one session of several, or one session to another name of the same account. */
static unsigned change_nick(struct model *model, struct model_room *room, int client,
                            const struct model_presence *presence)
{
    struct model_occupant *self = model_inside(room, client);
    struct model_session session = *model_session(room, client);
    int nick = model_nick(model, presence->nick);
    struct model_occupant *holder = model_holding(room, nick);
    unsigned refused = rename_refused(model, room, self, presence);

    if (refused != 0)
        return refused;
    session.look = presence->look;
    model->entered = presence->x;
    bool joins = holder != NULL && holder != self;
    model->rewritten = (joins ? holder->nick : nick) != presence->nick;
    if (nick == self->nick || holder == self || (holder == NULL && self->count == 1)) {
        self->nick = nick;
        model_session(room, client)->look = presence->look;
        return 0;
    }
    if (holder == NULL)
        holder = seat(model, room, self->account, nick, self->role);
    session_take(self, client);
    holder->sessions[holder->count++] = session;
    return 0;
}

/* ---- any available presence ---- */

static unsigned from_outside(struct model *model, struct model_room *room, int client,
                             const struct model_presence *presence)
{
    unsigned gone = room->state == M_DESTROYED ? R_GONE : 0;
    if (!presence->x && model_shut_out(room, client))
        return R_FORBIDDEN;
    if (presence->nick == MODEL_NOTHING)
        return R_JID_MALFORMED | gone;
    if (presence->x)
        return enter(model, room, client, presence);
    model->outside = gone == 0;
    return gone;
}

unsigned model_presence(struct model *model, struct model_room *room, int client,
                        const struct model_presence *presence)
{
    struct model_occupant *self = model_inside(room, client);
    if (self == NULL)
        return from_outside(model, room, client, presence);
    if (presence->nick != MODEL_NOTHING && presence->nick != self->nick)
        return change_nick(model, room, client, presence);
    if (presence->large)
        return R_NOT_ACCEPTABLE;
    model_session(room, client)->look = presence->look;
    model->entered = presence->x;
    return 0;
}

/* ---- talking ---- */

unsigned model_speak(struct model_room *room, int client)
{
    const struct model_occupant *self = model_inside(room, client);
    unsigned closed = model_closed(room, client);
    if (closed != 0)
        return closed;
    if (self == NULL)
        return R_NOT_ACCEPTABLE;
    return self->role < M_PARTICIPANT ? R_FORBIDDEN : 0;
}

unsigned model_subject(struct model_room *room, int client, int text)
{
    const struct model_occupant *self = model_inside(room, client);
    unsigned closed = model_closed(room, client);
    if (closed != 0)
        return closed;
    if (self == NULL)
        return R_NOT_ACCEPTABLE;
    if (self->role == M_VISITOR || (self->role == M_PARTICIPANT && !room->options.change_subject))
        return R_FORBIDDEN;
    room->subject = text;
    room->subject_setter = self->nick;
    return 0;
}

static bool may_whisper(const struct model *model, const struct model_room *room,
                        const struct model_occupant *from, const struct model_occupant *to)
{
    if (from->account == to->account)
        return true;
    if (room->options.moderator_pm && (from->role == M_MODERATOR || to->role == M_MODERATOR))
        return true;
    if (from->role == M_VISITOR &&
        (room->options.visitor_pm == M_VISITOR_PM_NOBODY ||
         (room->options.visitor_pm == M_VISITOR_PM_MODERATORS && to->role != M_MODERATOR)))
        return false;
    switch ((enum model_pm)room->options.pm) {
    case M_PM_ANYONE:
        return true;
    case M_PM_PARTICIPANTS:
        return from->role >= M_PARTICIPANT;
    case M_PM_MODERATORS:
        return from->role == M_MODERATOR;
    case M_PM_NONE:
        return false;
    case M_PM_AFFILIATED:
        return model_affiliation(model, room, from->account) >= M_MEMBER;
    }
    return false;
}

unsigned model_private(struct model *model, struct model_room *room, int client, int nick,
                       bool groupchat)
{
    const struct model_occupant *self = model_inside(room, client);
    const struct model_occupant *to = model_named(room, nick);
    unsigned closed = model_closed(room, client);
    if (closed != 0)
        return closed;
    if (self == NULL)
        return R_NOT_ACCEPTABLE;
    if (groupchat)
        return R_BAD_REQUEST;
    if (to == NULL)
        return R_ITEM_NOT_FOUND;
    return may_whisper(model, room, self, to) ? 0 : R_FORBIDDEN;
}

const struct model_occupant *model_bounced_to(struct model *model, struct model_room *room,
                                              int client, int nick)
{
    const struct model_occupant *self = model_inside(room, client);
    const struct model_occupant *to = model_named(room, nick);
    return to != NULL && may_whisper(model, room, to, self) ? to : NULL;
}

unsigned model_query(struct model_room *room, int client, int nick, enum model_query query)
{
    const struct model_occupant *self = model_inside(room, client);
    const struct model_occupant *to = model_named(room, nick);
    if (model_shut_out(room, client))
        return R_FORBIDDEN;
    /* Who is outside is told so also of a room that is not there (XEP-0410), if it is not told
     * what has become of it. */
    if (self == NULL && room->state == M_LOCKED)
        return model_closed(room, client) != 0 ? R_ITEM_NOT_FOUND
                                               : R_NOT_ACCEPTABLE | R_UNAVAILABLE;
    if (self == NULL && room->state == M_DESTROYED)
        return R_GONE;
    if (self == NULL)
        return query == Q_DISCO ? R_BAD_REQUEST : R_NOT_ACCEPTABLE;
    if (to == NULL)
        return R_ITEM_NOT_FOUND;
    if (to != self && !room->options.allow_query)
        return R_NOT_ALLOWED;
    return query == Q_VCARD_SET ? R_FORBIDDEN : 0;
}

/* ---- what happens by itself ---- */

void model_gone(struct model *model, int client)
{
    for (int i = 0; i < CAST_ROOMS; i++)
        model_leave(model, &model->rooms[i], client, true);
    model->exit_count = 0; /* who is gone hears nothing of it */
}

void model_silent(struct model *model, int client)
{
    for (int i = 0; i < CAST_ROOMS; i++)
        model_leave(model, &model->rooms[i], client, true);
}

void model_time(struct model *model, int64_t now_us)
{
    model->now_us = now_us;
    for (int i = 0; i < CAST_ROOMS; i++) {
        struct model_room *room = &model->rooms[i];
        if (room->until_us > now_us)
            continue;
        if (room->state == M_LOCKED)
            room->state = M_OPEN;
        else if (room->state == M_DESTROYED)
            model_clear(room);
    }
}

void model_shutdown(struct model *model)
{
    for (int i = 0; i < CAST_ROOMS; i++) {
        struct model_room *room = &model->rooms[i];
        for (int o = 0; o < MODEL_OCCUPANTS; o++) {
            if (room->occupants[o].account != CAST_NOBODY)
                model_put_out(model, room, &room->occupants[o], 332);
        }
    }
}
