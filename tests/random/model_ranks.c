/*
 * Roles and affiliations: who may make whom what, and what becomes of it (sections 5, 8, 9, 10).
 */
#include "tests/random/model.h"

#include <stddef.h>

/* ---- one role ---- */

unsigned model_role_refused(enum model_affiliation actor_rank, enum model_role actor_role,
                            enum model_affiliation rank, enum model_role role,
                            enum model_role wanted)
{
    if (actor_role != M_MODERATOR)
        return R_FORBIDDEN;
    if (rank > actor_rank)
        return R_NOT_ALLOWED; /* nobody acts on a higher affiliation */
    if (wanted == M_OUTSIDE)
        return 0;
    if (wanted == M_MODERATOR && role != M_MODERATOR)
        return actor_rank >= M_ADMIN ? 0 : R_NOT_ALLOWED; /* 9.6: by admins and owners */
    if (role == M_MODERATOR && wanted != M_MODERATOR && (actor_rank < M_ADMIN || rank >= M_ADMIN))
        return R_NOT_ALLOWED; /* 9.7: not from admins and owners */
    if (wanted == M_VISITOR && role > M_VISITOR && rank >= actor_rank)
        return R_NOT_ALLOWED; /* 8.4: voice is not taken from equals */
    return 0;
}

static struct model_occupant *role_target(struct model_room *room, const struct model_item *item)
{
    if (item->nick >= 0)
        return model_named(room, item->nick);
    if (item->client != CAST_NOBODY)
        return model_inside(room, item->client);
    return item->entry >= 0 ? model_account(room, item->entry) : NULL;
}

/* 8.2, and what the room says of equals. The one who asks is a moderator. */
static unsigned kick_refused(const struct model_room *room, enum model_affiliation own,
                             enum model_affiliation rank, enum model_role role)
{
    if (room->options.equals_safe && rank == own && role == M_MODERATOR)
        return R_NOT_ALLOWED;
    return model_role_refused(own, M_MODERATOR, rank, role, M_OUTSIDE);
}

static unsigned role_item_refused(struct model *model, struct model_room *room,
                                  const struct model_occupant *self, const struct model_item *item,
                                  const struct model_occupant *target)
{
    enum model_role wanted = (enum model_role)item->role;

    if (item->role == MODEL_WRONG)
        return R_BAD_REQUEST;
    if (item->nick < 0 && item->entry == MODEL_NOTHING)
        return R_BAD_REQUEST;
    if (item->nick < 0 && item->entry == MODEL_WRONG)
        return R_JID_MALFORMED;
    if (target == NULL)
        return R_ITEM_NOT_FOUND;
    if (target->role == wanted)
        return 0;
    if (target == self && wanted == M_OUTSIDE)
        return R_CONFLICT;
    enum model_affiliation rank = model_affiliation(model, room, target->account);
    enum model_affiliation own = model_affiliation(model, room, self->account);
    if (target == self && wanted == M_PARTICIPANT && own < M_ADMIN)
        return 0; /* stepping down */
    if (wanted == M_OUTSIDE)
        return kick_refused(room, own, rank, target->role);
    return model_role_refused(own, self->role, rank, target->role, wanted);
}

void model_give_role(struct model_occupant *occupant, enum model_role role)
{
    occupant->role = role;
    occupant->quiet = occupant->quiet && role < M_MODERATOR;
}

/* One for each name, if an account was named by its address. */
static unsigned spread(struct model_room *room, const struct model_item *items, unsigned count,
                       struct model_item *each, struct model_occupant **targets)
{
    unsigned all = 0;
    for (unsigned i = 0; i < count; i++) {
        bool account = items[i].nick < 0 && items[i].client == CAST_NOBODY && items[i].entry >= 0;
        each[all] = items[i];
        targets[all++] = role_target(room, &items[i]);
        for (int o = 0; account && o < MODEL_OCCUPANTS; o++) {
            struct model_occupant *other = &room->occupants[o];
            if (other->account != items[i].entry || other == model_account(room, items[i].entry))
                continue;
            each[all] = items[i];
            targets[all++] = other;
        }
    }
    return all;
}

static unsigned set_roles(struct model *model, struct model_room *room, int client,
                          const struct model_item *given, unsigned count)
{
    const struct model_occupant *self = model_inside(room, client);
    struct model_item items[MODEL_ITEMS * MODEL_OCCUPANTS];
    struct model_occupant *targets[MODEL_ITEMS * MODEL_OCCUPANTS];
    unsigned refused = 0;

    if (self == NULL) {
        bool staff = model_affiliation(model, room, cast_account_of[client]) >= M_ADMIN;
        return staff ? R_NOT_ALLOWED : R_FORBIDDEN;
    }
    if (self->role != M_MODERATOR)
        return R_FORBIDDEN;
    count = spread(room, given, count, items, targets);
    for (unsigned i = 0; i < count; i++) {
        refused |= role_item_refused(model, room, self, &items[i], targets[i]);
        for (unsigned k = 0; k < i; k++)
            refused |= targets[k] != NULL && targets[k] == targets[i] ? R_BAD_REQUEST : 0;
    }
    if (refused != 0)
        return refused;
    for (unsigned i = 0; i < count; i++) {
        enum model_role wanted = (enum model_role)items[i].role;
        if (wanted == M_OUTSIDE) {
            model_put_out(model, room, targets[i], 307);
        } else if (wanted != targets[i]->role) {
            model_give_role(targets[i], wanted);
            room->rows[targets[i]->account].kept = wanted == M_VISITOR ? M_VISITOR : M_PARTICIPANT;
        }
    }
    model_settle(model, room);
    return 0;
}

/* ---- what follows from an affiliation ---- */

/* Down: the role that goes with the new one. Up: that role, but never a lower one (6.4). */
static void stand(struct model *model, struct model_room *room, struct model_occupant *occupant,
                  enum model_affiliation before)
{
    enum model_affiliation after = model_affiliation(model, room, occupant->account);
    enum model_role usual = model_default_role(room, after);
    if (after < before || (after > before && usual > occupant->role))
        model_give_role(occupant, usual);
    if (occupant->role == M_OUTSIDE)
        model_put_out(model, room, occupant, after == M_OUTCAST ? 301 : 321);
}

void model_stand(struct model *model, struct model_room *room, int entry,
                 enum model_affiliation before)
{
    for (int i = 0; i < MODEL_OCCUPANTS; i++) {
        struct model_occupant *occupant = &room->occupants[i];
        if (occupant->account == entry)
            stand(model, room, occupant, before);
        else if (occupant->account != CAST_NOBODY &&
                 cast_entries[occupant->account].domain == entry &&
                 model_affiliation(model, room, occupant->account) == M_OUTCAST)
            stand(model, room, occupant, M_NONE);
    }
}

/* Whoever uses a name that is somebody else's now. */
static void evict(struct model *model, struct model_room *room, int entry)
{
    struct model_occupant *holder = model_holding(room, room->rows[entry].nick);
    if (holder != NULL && holder->account != entry)
        model_put_out(model, room, holder, 307);
}

/* ---- one affiliation ---- */

/* Whom the item is about, or CAST_NOBODY. */
static int item_entry(struct model_room *room, const struct model_item *item)
{
    if (item->entry != MODEL_NOTHING)
        return item->entry >= 0 ? item->entry : CAST_NOBODY;
    if (item->nick < 0)
        return CAST_NOBODY;
    const struct model_occupant *named = model_named(room, item->nick);
    return named == NULL ? CAST_NOBODY : named->account;
}

static unsigned item_malformed(struct model_room *room, const struct model_item *item)
{
    if (item->affiliation == MODEL_WRONG)
        return R_BAD_REQUEST;
    if (item->entry == MODEL_WRONG)
        return R_JID_MALFORMED;
    if (item->entry == MODEL_OURS)
        return R_NOT_ACCEPTABLE;
    if (item->entry == MODEL_NOTHING && item->nick == MODEL_NOTHING)
        return R_BAD_REQUEST;
    if (item_entry(room, item) == CAST_NOBODY)
        return R_ITEM_NOT_FOUND;
    /* Who means a whole server says so. */
    if (item->entry == MODEL_NOTHING && item->affiliation == M_OUTCAST &&
        cast_is_domain(item_entry(room, item)))
        return R_NOT_ACCEPTABLE;
    /* A domain as a whole, and only to be banned. */
    if (item->entry >= 0 && cast_is_domain(item->entry) &&
        (item->affiliation > M_NONE || item->client != CAST_NOBODY))
        return R_NOT_ACCEPTABLE;
    return 0;
}

/* Does the item say anything of a reserved name? Who is no member has none. */
static bool sets_nick(const struct model_item *item)
{
    return item->affiliation < M_MEMBER ||
           (item->nick != MODEL_NOTHING && item->entry != MODEL_NOTHING);
}

static int wanted_nick(const struct model_item *item)
{
    return item->affiliation >= M_MEMBER && sets_nick(item) && item->nick >= 0 ? item->nick
                                                                               : MODEL_NOTHING;
}

static bool same_name(int one, int other)
{
    return one >= 0 && other >= 0 && cast_nicks[one].key == cast_nicks[other].key;
}

static bool gives_up(struct model_room *room, int entry, const struct model_item *items,
                     unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (item_entry(room, &items[i]) == entry && sets_nick(&items[i]))
            return !same_name(wanted_nick(&items[i]), room->rows[entry].nick);
    }
    return false;
}

static unsigned nick_refused(struct model *model, struct model_room *room, int client,
                             const struct model_item *item, const struct model_item *items,
                             unsigned count)
{
    int nick = wanted_nick(item), entry = item_entry(room, item);
    const struct model_occupant *user = model_holding(room, nick);

    if (nick < 0)
        return 0;
    if (model_nick_fault(model, nick) != 0)
        return model_nick_fault(model, nick);
    for (int i = 0; i < CAST_ENTRIES; i++) {
        if (i != entry && same_name(room->rows[i].nick, nick) && !gives_up(room, i, items, count))
            return R_CONFLICT;
    }
    if (user == NULL || user->account == entry)
        return 0;
    if (user == model_inside(room, client))
        return R_CONFLICT; /* it would put itself out */
    return kick_refused(room, model_affiliation(model, room, cast_account_of[client]),
                        model_affiliation(model, room, user->account), user->role);
}

static unsigned owners_after(struct model_room *room, const struct model_item *items,
                             unsigned count)
{
    unsigned owners = 0;
    for (int entry = 0; entry < CAST_ENTRIES; entry++) {
        bool owner = room->rows[entry].affiliation == M_OWNER;
        for (unsigned i = 0; i < count; i++) {
            if (item_entry(room, &items[i]) == entry)
                owner = items[i].affiliation == M_OWNER;
        }
        owners += owner;
    }
    return owners;
}

/* The table of 5.2: what an admin, what an owner may do to whom. */
static unsigned rank_refused(struct model *model, struct model_room *room, int actor, int entry,
                             enum model_affiliation wanted, bool owners_left)
{
    enum model_affiliation own = model_affiliation(model, room, actor);
    enum model_affiliation rank = model_affiliation(model, room, entry);
    bool oneself = entry == actor || (wanted == M_OUTCAST && entry == cast_entries[actor].domain);
    unsigned refused = 0;

    if (own < M_ADMIN)
        return R_FORBIDDEN;
    if (oneself && wanted == M_OUTCAST)
        refused |= R_CONFLICT;
    if (entry == model->rules.service_admin && wanted != M_OWNER)
        refused |= oneself ? R_CONFLICT : R_NOT_ALLOWED;
    if (own == M_ADMIN && (rank >= M_ADMIN || wanted >= M_ADMIN))
        refused |= R_NOT_ALLOWED;
    if (room->rows[entry].affiliation == M_OWNER && wanted != M_OWNER && !owners_left)
        refused |= R_CONFLICT;
    return refused;
}

static unsigned affiliations_refused(struct model *model, struct model_room *room, int client,
                                     const struct model_item *items, unsigned count)
{
    unsigned refused = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct model_item *item = &items[i];
        unsigned malformed = item_malformed(room, item);
        refused |= malformed;
        if (malformed != 0)
            continue;
        int entry = item_entry(room, item);
        for (unsigned k = 0; k < i; k++) {
            if (item_entry(room, &items[k]) == entry)
                refused |= R_BAD_REQUEST;
            if (same_name(wanted_nick(&items[k]), wanted_nick(item)))
                refused |= R_CONFLICT;
        }
        refused |= nick_refused(model, room, client, item, items, count);
        refused |= rank_refused(model, room, cast_account_of[client], entry,
                                (enum model_affiliation)item->affiliation,
                                owners_after(room, items, count) > 0);
    }
    return refused;
}

/* A room nobody can find or enter without being told how. */
static bool is_closed(const struct model_options *options)
{
    return options->members_only && (options->hidden || options->password != 0);
}

static void write_row(struct model_room *room, int entry, const struct model_item *item,
                      enum model_affiliation before)
{
    struct model_row *row = &room->rows[entry];
    enum model_affiliation wanted = (enum model_affiliation)item->affiliation;
    if (wanted == M_NONE && row->affiliation == M_NONE)
        return; /* as it was, whatever is said of its domain */
    if (wanted != row->affiliation || wanted != before)
        row->kept = M_OUTSIDE;
    row->affiliation = wanted;
    if (sets_nick(item))
        row->nick = wanted_nick(item);
    row->applied = MODEL_NOTHING; /* overtaken */
}

static unsigned set_affiliations(struct model *model, struct model_room *room, int client,
                                 const struct model_item *items, unsigned count)
{
    int actor = cast_account_of[client], entries[MODEL_ITEMS];
    enum model_affiliation before[MODEL_ITEMS];
    unsigned refused = 0;

    if (model_affiliation(model, room, actor) < M_ADMIN)
        refused = R_FORBIDDEN;
    else
        refused = affiliations_refused(model, room, client, items, count);
    if (refused != 0)
        return refused;
    for (unsigned i = 0; i < count; i++) {
        entries[i] = item_entry(room, &items[i]);
        before[i] = model_affiliation(model, room, entries[i]);
        bool known = room->rows[entries[i]].affiliation != M_NONE;
        if (model_account(room, entries[i]) == NULL && (known || items[i].affiliation != M_NONE) &&
            (sets_nick(&items[i]) || (int)before[i] != items[i].affiliation))
            model->announced = entries[i];
    }
    for (unsigned i = 0; i < count; i++) {
        bool invited = is_closed(&room->options) && before[i] < M_MEMBER &&
                       items[i].affiliation >= M_MEMBER && model_account(room, entries[i]) == NULL;
        write_row(room, entries[i], &items[i], before[i]);
        if (invited) {
            room->rows[entries[i]].invited_by = actor;
            room->rows[entries[i]].invited_in = 0;
        }
    }
    for (unsigned i = 0; i < count; i++) { /* who loses all is told so, whatever name it uses */
        if (items[i].affiliation <= (int)M_NONE)
            model_stand(model, room, entries[i], before[i]);
    }
    for (unsigned i = 0; i < count; i++) {
        if (items[i].affiliation <= (int)M_NONE)
            continue;
        if (sets_nick(&items[i]))
            evict(model, room, entries[i]);
        model_stand(model, room, entries[i], before[i]);
    }
    model_settle(model, room);
    return 0;
}

/* ---- the query ---- */

unsigned model_admin(struct model *model, struct model_room *room, int client,
                     const struct model_item *given, unsigned count)
{
    unsigned closed = model_closed(room, client);
    unsigned roles = 0, affiliations = 0;
    struct model_item items[MODEL_ITEMS];

    for (unsigned i = 0; i < count; i++) {
        items[i] = given[i];
        items[i].nick = model_nick(model, given[i].nick);
        roles += items[i].role != MODEL_NOTHING;
        affiliations += items[i].affiliation != MODEL_NOTHING;
    }
    if (closed != 0)
        return closed;
    if (count > 0 && roles == count && affiliations == 0)
        return set_roles(model, room, client, items, count);
    if (count > 0 && affiliations == count && roles == 0)
        return set_affiliations(model, room, client, items, count);
    /* Those who may ask for either are told that it is neither. */
    const struct model_occupant *self = model_inside(room, client);
    bool staff = model_affiliation(model, room, cast_account_of[client]) >= M_ADMIN;
    return staff || (self != NULL && self->role == M_MODERATOR) ? R_BAD_REQUEST : R_FORBIDDEN;
}

unsigned model_list_affiliation(struct model *model, struct model_room *room, int client,
                                int affiliation)
{
    enum model_affiliation own = model_affiliation(model, room, cast_account_of[client]);
    const struct model_occupant *self = model_inside(room, client);
    enum model_role role = self != NULL ? self->role : model_default_role(room, own);
    unsigned closed = model_closed(room, client);

    if (closed != 0)
        return closed;
    if (affiliation == M_NONE || affiliation == MODEL_WRONG)
        return R_BAD_REQUEST;
    if (own >= M_ADMIN && (int)own >= affiliation)
        return 0;
    /* Where addresses are no secret: affiliated accounts whose role the room allows it. */
    if (room->options.anyone_sees_jids && own >= M_MEMBER &&
        (room->options.list_readers & 1u << role) != 0)
        return 0;
    return R_FORBIDDEN;
}

unsigned model_list_role(struct model *model, struct model_room *room, int client, int role)
{
    const struct model_occupant *self = model_inside(room, client);
    enum model_affiliation own = model_affiliation(model, room, cast_account_of[client]);
    bool may = self != NULL ? self->role == M_MODERATOR : own >= M_ADMIN;
    unsigned closed = model_closed(room, client);

    if (closed != 0)
        return closed;
    if (!may)
        return R_FORBIDDEN;
    return role == M_OUTSIDE || role == MODEL_WRONG ? R_BAD_REQUEST : 0;
}
