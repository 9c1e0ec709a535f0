#include "core/muc/admin_query.h"

#include "core/base/limits.h"
#include "core/muc/room.h"
#include "core/xmpp/prep.h"

static const struct node *first_item(const struct node *query)
{
    return node_find(query, NAME_ITEM, NS_MUC_ADMIN);
}

static const struct node *next_item(const struct node *item)
{
    return node_find_next(item, NAME_ITEM, NS_MUC_ADMIN);
}

static enum admin_kind item_kind(const struct node *item)
{
    bool role = str_present(node_attr(item, NAME_ROLE));
    bool affiliation = str_present(node_attr(item, NAME_AFFILIATION));

    if (role == affiliation)
        return ADMIN_UNCLEAR;
    return role ? ADMIN_ROLES : ADMIN_AFFILIATIONS;
}

enum admin_kind admin_query_kind(const struct node *query)
{
    const struct node *item = first_item(query);
    enum admin_kind kind = item == NULL ? ADMIN_UNCLEAR : item_kind(item);

    for (; item != NULL; item = next_item(item)) {
        if (item_kind(item) != kind)
            return ADMIN_UNCLEAR;
    }
    return kind;
}

/* Nicknames are looked up exactly: "ROMEO" keeps others from taking "Romeo", but does not mean
 * him. */
static struct occupant *occupant_named(const struct room *room, struct step *step, struct str text)
{
    struct str nick;
    struct occupant *occupant;

    if (prep_nick(step->arena, text, &step->env->settings->nick, &nick) != NICK_OK)
        return NULL;
    occupant = occupant_by_nick(room, prep_nick_key(step->arena, nick));
    return occupant != NULL && str_eq(occupant_nick(occupant), nick) ? occupant : NULL;
}

static struct occupant *occupant_addressed(const struct room *room, const struct jid *jid)
{
    const struct session *session;

    if (jid_is_bare(jid))
        return occupant_by_account(room, jid_full(jid));
    session = session_find(room, jid_full(jid));
    return session == NULL ? NULL : session->occupant;
}

static const struct refusal *read_reason(struct step *step, const struct node *node,
                                         struct admin_item *item, struct str *why)
{
    const struct node *reason = node_find(node, NAME_REASON, NS_MUC_ADMIN);

    item->reason = node_text(reason, step->arena);
    if (item->reason.len <= REASON_BYTES_MAX)
        return NULL;
    *why = str_fmt(step->arena, "A reason may have %d bytes at most", REASON_BYTES_MAX);
    return &refusal_BAD_REQUEST;
}

static const struct refusal *read_role(const struct room *room, struct step *step,
                                       const struct node *node, struct admin_item *item,
                                       struct str *why)
{
    struct str nick = node_attr(node, NAME_NICK);
    struct str address = node_attr(node, NAME_JID);

    if (!role_parse(node_attr(node, NAME_ROLE), &item->role)) {
        *why = STR("There is no such role");
        return &refusal_BAD_REQUEST;
    }
    if (!str_empty(nick)) {
        item->occupant = occupant_named(room, step, nick);
    } else if (str_present(address)) {
        const struct jid *jid = jid_parse(step->arena, address);
        if (jid == NULL)
            return &refusal_JID_MALFORMED;
        item->occupant = occupant_addressed(room, jid);
        item->whole_account = jid_is_bare(jid);
    } else {
        *why = STR("The item names nobody: it needs a nick");
        return &refusal_BAD_REQUEST;
    }
    return item->occupant == NULL ? &refusal_NICK_UNKNOWN : NULL;
}

/* Whose affiliation: by address, or by nickname as some old clients do. */
static const struct refusal *read_account(const struct room *room, struct step *step,
                                          const struct node *node, struct admin_item *item,
                                          struct str *why)
{
    struct str nick = node_attr(node, NAME_NICK);
    struct str address = node_attr(node, NAME_JID);
    const struct occupant *occupant;
    const struct jid *jid;

    if (str_present(address)) {
        jid = jid_parse(step->arena, address);
        if (jid == NULL)
            return &refusal_JID_MALFORMED;
        item->jid = jid_bare(jid);
        item->is_domain = jid->local_len == 0;
        /* It stands for one of a server's users or services, and all of them would be meant. */
        if (item->is_domain && !jid_is_bare(jid)) {
            *why =
                STR("An affiliation is for user@server or for a whole server, not for a resource "
                    "of a server");
            return &refusal_NOT_ACCEPTABLE;
        }
        if (!str_eq(jid_domain(jid), jid_domain(room->jid)))
            return NULL;
        *why = STR("An affiliation needs the person's own address, not one of this service");
        return &refusal_NOT_ACCEPTABLE;
    }
    if (!str_present(nick)) {
        *why = STR("The item names nobody: it needs a jid");
        return &refusal_BAD_REQUEST;
    }
    occupant = occupant_named(room, step, nick);
    if (occupant == NULL)
        return &refusal_NICK_UNKNOWN;
    item->jid = str_in(step->arena, occupant->account);
    if (memchr(item->jid.at, '@', item->jid.len) != NULL || item->affiliation != AFF_OUTCAST)
        return NULL;
    *why = STR("That person's address is the one of a whole server: to ban all of it, name the "
               "address");
    return &refusal_NOT_ACCEPTABLE;
}

/* The nickname to reserve. Who is banned or has no affiliation holds none (SEMANTICS 7.14). */
static const struct refusal *read_nick(struct step *step, const struct node *node,
                                       struct admin_item *item)
{
    struct str nick = node_attr(node, NAME_NICK);

    item->nick = item->nick_key = STR("");
    if (item->affiliation < AFF_MEMBER) {
        item->set_nick = true;
        return NULL;
    }
    item->set_nick = str_present(nick) && str_present(node_attr(node, NAME_JID));
    if (!item->set_nick || str_empty(nick))
        return NULL;
    switch (prep_nick(step->arena, nick, &step->env->settings->nick, &item->nick)) {
    case NICK_OK:
        break;
    case NICK_BLANK:
        return &refusal_NICK_BLANK;
    case NICK_INVALID:
        return &refusal_NICK_INVALID;
    }
    item->nick_key = prep_nick_key(step->arena, item->nick);
    return NULL;
}

static const struct refusal *read_affiliation(const struct room *room, struct step *step,
                                              const struct node *node, struct admin_item *item,
                                              struct str *why)
{
    const struct refusal *refusal;

    if (!affiliation_parse(node_attr(node, NAME_AFFILIATION), &item->affiliation)) {
        *why = STR("There is no such affiliation");
        return &refusal_BAD_REQUEST;
    }
    refusal = read_account(room, step, node, item, why);
    if (refusal != NULL)
        return refusal;
    if (item->is_domain && item->affiliation > AFF_NONE) {
        *why = STR("A whole domain can be banned, but not given an affiliation");
        return &refusal_NOT_ACCEPTABLE;
    }
    return read_nick(step, node, item);
}

static void add_item(struct step *step, struct admin_query *query, const struct admin_item *item)
{
    if (query->count == query->room_for) {
        struct admin_item *items =
            ARENA_NEW_ARRAY(step->arena, struct admin_item, query->room_for * 2);
        memcpy(items, query->items, sizeof(*items) * query->count);
        query->items = items;
        query->room_for *= 2;
    }
    query->items[query->count++] = *item;
}

/* One for each nickname, if it is about the role of an account. */
static void add_items(struct step *step, struct admin_query *query, struct admin_item *item)
{
    add_item(step, query, item);
    while (item->whole_account && item->occupant->same_account != NULL) {
        item->occupant = item->occupant->same_account;
        add_item(step, query, item);
    }
}

/* Nobody is named twice, and no nickname is reserved twice. */
static const struct refusal *check_distinct(struct step *step, struct admin_query *query)
{
    const struct refusal *refusal = NULL;
    struct map named;
    struct map nicks;

    map_init(&named, &step->env->hash_key);
    map_init(&nicks, &step->env->hash_key);
    for (unsigned i = 0; i < query->count && refusal == NULL; i++) {
        struct admin_item *item = &query->items[i];
        struct str whom = item->occupant != NULL ? item->occupant->nick_key : item->jid;
        if (map_put(&named, whom, item) != NULL) {
            query->why = STR("The request names somebody twice");
            refusal = &refusal_BAD_REQUEST;
        } else if (!str_empty(item->nick) && map_put(&nicks, item->nick_key, item) != NULL) {
            refusal = &refusal_NICK_RESERVED;
        }
    }
    map_fini(&named);
    map_fini(&nicks);
    return refusal;
}

const struct refusal *admin_query_read(const struct room *room, struct step *step,
                                       const struct inbound *in, struct admin_query *query)
{
    enum admin_kind kind = admin_query_kind(in->payload);
    unsigned count = node_count(in->payload, NAME_ITEM, NS_MUC_ADMIN);
    const struct node *node = first_item(in->payload);

    *query = (struct admin_query){.why = STR_NONE};
    if (kind == ADMIN_UNCLEAR) {
        query->why = STR("Every item needs a role or an affiliation, and all the same of the two");
        return &refusal_BAD_REQUEST;
    }
    if (count > ADMIN_ITEMS_MAX)
        return &refusal_TOO_MANY_ITEMS;
    query->items = ARENA_NEW_ARRAY(step->arena, struct admin_item, count);
    query->room_for = count;
    for (; node != NULL; node = next_item(node)) {
        struct admin_item item = {.occupant = NULL};
        const struct refusal *refusal =
            kind == ADMIN_ROLES ? read_role(room, step, node, &item, &query->why)
                                : read_affiliation(room, step, node, &item, &query->why);
        if (refusal == NULL)
            refusal = read_reason(step, node, &item, &query->why);
        if (refusal != NULL)
            return refusal;
        add_items(step, query, &item);
    }
    return check_distinct(step, query);
}

bool admin_query_role(const struct node *query, enum role *role)
{
    return admin_query_kind(query) == ADMIN_ROLES &&
           node_count(query, NAME_ITEM, NS_MUC_ADMIN) == 1 &&
           role_parse(node_attr(first_item(query), NAME_ROLE), role);
}

bool admin_query_affiliation(const struct node *query, enum affiliation *affiliation)
{
    return admin_query_kind(query) == ADMIN_AFFILIATIONS &&
           node_count(query, NAME_ITEM, NS_MUC_ADMIN) == 1 &&
           affiliation_parse(node_attr(first_item(query), NAME_AFFILIATION), affiliation);
}

bool admin_list_too_long(const struct fb *fb)
{
    return fb->out.len > ADMIN_LIST_BYTES_MAX;
}

enum step_outcome admin_list_refuse(struct room *room, struct step *step, const struct inbound *in)
{
    struct refuse_more more = {
        .text = STR("The list is too long to be sent in one answer"),
    };

    return refuse_with(room, step, in, &refusal_ROOM_BUSY, more);
}
