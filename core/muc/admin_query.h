/*
 * Reading <query xmlns='http://jabber.org/protocol/muc#admin'/>: what its items ask for, and
 * whether they can be understood at all (SEMANTICS 6.3.3 to 6.3.6, 6.6.4). Whether the sender may
 * ask so is decided by who reads it: roles in core/muc/feature/role.c, affiliations in
 * affiliation.c.
 *
 * All items are read, or none: what is returned is complete and names nobody twice.
 * @xep 0045 1.35.5 #bizrules-iq.both
 */
#ifndef CORE_MUC_ADMIN_QUERY_H
#define CORE_MUC_ADMIN_QUERY_H

#include "core/muc/inbound.h"

/* What all items of a query are about. */
enum admin_kind {
    ADMIN_UNCLEAR, /* no item, an item with both or neither, or some of each */
    ADMIN_ROLES,
    ADMIN_AFFILIATIONS,
};

/* One thing asked for. Texts are borrowed from the stanza or in the arena. */
struct admin_item {
    enum role role;               /* ADMIN_ROLES */
    struct occupant *occupant;    /* ADMIN_ROLES: whom, never NULL */
    bool whole_account;           /* ADMIN_ROLES: it was named by its bare address */
    enum affiliation affiliation; /* ADMIN_AFFILIATIONS */
    struct str jid;               /* ADMIN_AFFILIATIONS: bare, or a domain */
    bool is_domain;
    bool set_nick;   /* ADMIN_AFFILIATIONS: the reserved nickname is to be */
    struct str nick; /* this, prepared; empty: none */
    struct str nick_key;
    struct str reason; /* absent: none given */
};

struct admin_query {
    struct admin_item *items;
    unsigned count; /* more than were sent, if an account has several nicknames */
    unsigned room_for;
    struct str why; /* when it was refused: more than the refusal says, or absent */
};

enum admin_kind admin_query_kind(const struct node *query);

/* A set: NULL and *query filled in, else why it cannot be understood. */
const struct refusal *admin_query_read(const struct room *room, struct step *step,
                                       const struct inbound *in, struct admin_query *query);

/* A get: its one item, whose role or affiliation is wanted. False: not a possible request. */
MUST_CHECK bool admin_query_role(const struct node *query, enum role *role);
MUST_CHECK bool admin_query_affiliation(const struct node *query, enum affiliation *affiliation);

/* True when a list being written has become too long for one answer. */
bool admin_list_too_long(const struct fb *fb);
/* What is then said instead. */
enum step_outcome admin_list_refuse(struct room *room, struct step *step, const struct inbound *in);

#endif
