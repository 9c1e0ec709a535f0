/*
 * A naive room, written from the tables of XEP-0045 (sections 5.1 and 5.2, 7, 9, 10) and from
 * nothing of Stentor: who is inside and under which name, roles, affiliations, what is refused and
 * why. It knows of no stanza, frame or list of who hears: only of people and ranks, in small arrays
 * that are searched from the beginning. No header of the core is included here or in its sources.
 *
 * Everything that can be asked of a room is one function. It returns a set of conditions, any of
 * which may be the answer, and then has changed nothing; or 0, and has changed what is to change.
 */
#ifndef TESTS_RANDOM_MODEL_H
#define TESTS_RANDOM_MODEL_H

#include "tests/random/cast.h"

enum model_affiliation { M_OUTCAST, M_NONE, M_MEMBER, M_ADMIN, M_OWNER };
enum model_role { M_OUTSIDE, M_VISITOR, M_PARTICIPANT, M_MODERATOR };

/* Error conditions (RFC 6120 section 8.3.3). */
enum model_refusal {
    R_BAD_REQUEST = 1 << 0,
    R_CONFLICT = 1 << 1,
    R_FORBIDDEN = 1 << 2,
    R_GONE = 1 << 3,
    R_ITEM_NOT_FOUND = 1 << 4,
    R_JID_MALFORMED = 1 << 5,
    R_NOT_ACCEPTABLE = 1 << 6,
    R_NOT_ALLOWED = 1 << 7,
    R_NOT_AUTHORIZED = 1 << 8,
    R_REGISTRATION = 1 << 9,
    R_RESOURCE = 1 << 10,
    R_UNAVAILABLE = 1 << 11,
    R_COUNT = 12,
};

enum {
    MODEL_SESSIONS = 4,
    MODEL_OCCUPANTS = CAST_CLIENTS,
    MODEL_ITEMS = 3,
    MODEL_SAID = 20,    /* messages newcomers are shown at most */
    MODEL_ARCHIVE = 64, /* and as many of its archive as anybody can still name (TALK_SAID) */
    MODEL_NOTHING = -1, /* of a text, a name, an address: it is not there */
    MODEL_EMPTY = -2,   /* a name that is there and empty */
    MODEL_WRONG = -3,   /* it is there and makes no sense */
    MODEL_OURS = -4,    /* an address of the service itself */
};

enum model_state { M_ABSENT, M_LOCKED, M_OPEN, M_DESTROYED };
enum model_visitor_pm { M_VISITOR_PM_ANYONE, M_VISITOR_PM_MODERATORS, M_VISITOR_PM_NOBODY };
enum model_pm { M_PM_ANYONE, M_PM_PARTICIPANTS, M_PM_MODERATORS, M_PM_NONE, M_PM_AFFILIATED };

struct model_options {
    bool persistent, members_only, moderated, change_subject, allow_invites, allow_register;
    bool allow_query, moderator_pm, visitor_nick_change, reserved_nick_only, voice_requests;
    bool many_sessions; /* of one account, under one nickname */
    bool see_all, anyone_sees_jids, hidden, lists_occupants, logged, conceal, archived;
    bool approve_registration;
    unsigned questions;        /* of cast_questions, asked then: bits 1 << index */
    unsigned list_readers;     /* of affiliations, where addresses are public: bits 1 << role */
    int password;              /* of cast_passwords */
    unsigned max;              /* 0: none */
    unsigned history;          /* messages newcomers are shown, up to MODEL_SAID */
    unsigned shown;            /* bits 1 << enum model_role; 1 << M_OUTSIDE: absent members */
    unsigned quiet_above;      /* so many are shown; 0: all */
    enum model_role newcomers; /* M_OUTSIDE: as usual */
    bool equals_safe;          /* moderators do not kick those of their affiliation */
    int pm;                    /* enum model_pm */
    int visitor_pm;            /* enum model_visitor_pm */
    int64_t wait_us;           /* between two requests for voice */
};

struct model_session {
    int client;
    int look;
    unsigned joined; /* rising */
};

struct model_occupant {
    int account; /* CAST_NOBODY: a free place */
    int nick;
    enum model_role role;
    bool quiet;      /* one too many to be shown, and no moderator since */
    unsigned seated; /* rising */
    unsigned count;
    struct model_session sessions[MODEL_SESSIONS];
};

/* What the room's list says of one entry of the cast. */
struct model_row {
    enum model_affiliation affiliation;
    int nick;                 /* reserved, or MODEL_NOTHING */
    int applied;              /* asked for, and not yet allowed; or MODEL_NOTHING */
    unsigned answered;        /* with answers to these of cast_questions */
    int64_t applied_us;       /* when it last asked for one; 0: never */
    enum model_role kept;     /* voice given or taken; M_OUTSIDE: neither */
    int invited_by;           /* entry, or CAST_NOBODY */
    unsigned long invited_in; /* the step whose id the invitation has; 0: one of the room's */
    bool asked;               /* for voice, at: */
    int64_t asked_us;
};

/* What was said to all and is kept. */
struct model_message {
    unsigned long number;
    int account;
    bool retracted;
    bool stored;    /* it was said in a room that outlives the process */
    bool displaced; /* by one that then was not kept: not shown until the process begins anew */
};

struct model_room {
    unsigned shut_out; /* accounts the operator has banned, bits 1 << entry; never changes */
    enum model_state state;
    int creator;
    int64_t until_us; /* locked or destroyed: then it ends by itself */
    struct model_options options;
    bool eyes_changed; /* who sees addresses was changed while the room lives */
    bool was_archived; /* its archive is on, or was: the room is stored while it lives (13.12) */
    struct model_row rows[CAST_ENTRIES];
    struct model_occupant occupants[MODEL_OCCUPANTS];
    int subject;                           /* number of the text, or MODEL_NOTHING: never set */
    int subject_setter;                    /* nick */
    struct model_message said[MODEL_SAID]; /* the oldest first */
    unsigned said_count;
    struct model_message archive[MODEL_ARCHIVE]; /* a ring; what the store has of it */
    unsigned archive_next;
    int card; /* number of its text, or MODEL_NOTHING */
};

/* Somebody was put out, or left, by what was done last. */
struct model_exit {
    int client;
    int room;
    int status; /* 0: by itself */
};

/* What the operator has decided for all rooms. Who may: bits 1 << entry. */
struct model_rules {
    struct model_options defaults;
    int service_admin;                           /* entry, or CAST_NOBODY */
    bool locked;                                 /* new rooms are */
    unsigned creators, keepers, listers;         /* make rooms; that last; that are listed */
    unsigned banned;                             /* enter nowhere */
    bool trims_nicks, short_nicks, recent_nicks; /* and what is the name like? */
};

struct model {
    struct model_room rooms[CAST_ROOMS];
    struct model_rules rules;
    unsigned counter;
    int64_t now_us;
    struct model_exit exits[CAST_CLIENTS * CAST_ROOMS];
    unsigned exit_count;
    struct model_room ended; /* the room that ended by what was done last, as it was, and which: */
    int ended_at;            /* or CAST_NOBODY */
    int announced;  /* entry that is not inside and of which the room has news, or CAST_NOBODY */
    bool created;   /* by what was done last, as the following: */
    bool entered;   /* a session came, or came back: it is shown everything */
    bool rewritten; /* its name is not the one it asked for */
    bool outside;   /* it is told that it is not inside */
};

void model_init(struct model *model, const struct model_rules *rules);
/* Before each thing that is done: what was recorded of the last one is forgotten. */
void model_next(struct model *model, int64_t now_us);

/* ---- looking ---- */

struct model_occupant *model_inside(struct model_room *room, int client);
struct model_session *model_session(struct model_room *room, int client);
struct model_occupant *model_named(struct model_room *room, int nick);   /* exactly that spelling */
struct model_occupant *model_holding(struct model_room *room, int nick); /* or one like it */
struct model_occupant *model_account(struct model_room *room, int account); /* who came first */
const struct model_session *model_primary(const struct model_occupant *occupant);
enum model_affiliation model_affiliation(const struct model *model, const struct model_room *room,
                                         int entry);
enum model_role model_default_role(const struct model_room *room, enum model_affiliation rank);
unsigned model_count(const struct model_room *room);
/* Is it shown to everybody? */
bool model_shown(const struct model_room *room, const struct model_occupant *occupant);
/* Does one see the other's presence? (its own always, and all of its account) */
bool model_sees(const struct model_room *room, const struct model_occupant *viewer,
                const struct model_occupant *other);
bool model_sees_addresses(const struct model_room *room, const struct model_occupant *viewer);
/* May the account, by such a set of entries? Its whole domain may be one. */
bool model_named_in(const struct model *model, unsigned entries, int account);
/* The name that is meant by one that was asked for, and what is wrong with that. */
int model_nick(const struct model *model, int nick);
unsigned model_nick_fault(const struct model *model, int nick);
/* What keeps somebody out because of the room's state. */
unsigned model_closed(struct model_room *room, int client);
/* Is it outside, and banned by the operator? Then it is told that of everything. */
bool model_shut_out(struct model_room *room, int client);
/* A stranger to a room that is kept secret, and told as if it were not there. */
bool model_secret(const struct model *model, struct model_room *room, int client);
unsigned model_state_closed(struct model_room *room, int client); /* by its state alone */

/* ---- presence and messages ---- */

struct model_presence {
    int nick; /* MODEL_NOTHING: to the room itself */
    bool x;   /* with <x xmlns=muc/> */
    int password;
    int look;
    bool large; /* more than a presence may carry */
};

unsigned model_presence(struct model *model, struct model_room *room, int client,
                        const struct model_presence *presence);
/* Ends a session, if it is there; `ghost`: it was found gone. */
void model_leave(struct model *model, struct model_room *room, int client, bool ghost);
void model_account_gone(struct model *model, struct model_room *room, int account);
unsigned model_speak(struct model_room *room, int client);
unsigned model_subject(struct model_room *room, int client, int text);
unsigned model_private(struct model *model, struct model_room *room, int client, int nick,
                       bool groupchat);
/* Who is given an error that comes back from there, if anybody: who could have written. */
const struct model_occupant *model_bounced_to(struct model *model, struct model_room *room,
                                              int client, int nick);

/* It has spoken, in words that are kept. */
void model_keep(struct model_room *room, int client, unsigned long number);
/* NULL: newcomers are not shown it, or not any more. */
struct model_message *model_message(struct model_room *room, unsigned long number);
/* The same, or what the archive has. */
struct model_message *model_known(struct model_room *room, unsigned long number);
/* Messages newcomers are shown, the oldest first. */
unsigned model_shown_count(const struct model_room *room);
/* The store has refused what was said last: of that, and of what went for it. `then`: the room
 * before it was said. */
void model_not_kept(struct model_room *room, const struct model_room *then);
/* It has refused to replace what was retracted long after it was said. */
void model_not_buried(struct model_room *room, const struct model_room *then);
/* Its options are others: it shows less, its archive goes with its last row. */
void model_keep_less(struct model_room *room);
/* By who moderates; `number` may be of nothing that was ever said. */
unsigned model_moderate(const struct model *model, struct model_room *room, int client,
                        unsigned long number);
/* By its author, who has said so: it is retracted if it was. True: newcomers were shown it. */
bool model_retract(struct model_room *room, int client, unsigned long number);

enum model_query { Q_PING, Q_DISCO, Q_VCARD_GET, Q_VCARD_SET, Q_OTHER };
/* A request from occupant to occupant. */
unsigned model_query(struct model_room *room, int client, int nick, enum model_query query);

/* ---- ranks ---- */

struct model_item {
    int nick;        /* name, MODEL_NOTHING or MODEL_EMPTY */
    int entry;       /* address, MODEL_NOTHING, MODEL_WRONG or MODEL_OURS */
    int client;      /* the address is a full one: whose; else CAST_NOBODY */
    int role;        /* enum model_role, MODEL_NOTHING or MODEL_WRONG */
    int affiliation; /* enum model_affiliation, MODEL_NOTHING or MODEL_WRONG */
};

unsigned model_admin(struct model *model, struct model_room *room, int client,
                     const struct model_item *items, unsigned count);
unsigned model_list_affiliation(struct model *model, struct model_room *room, int client,
                                int affiliation);
unsigned model_list_role(struct model *model, struct model_room *room, int client, int role);

/* ---- what owners, members and visitors ask for ---- */

/* A submission of the owner's form. */
struct model_form {
    struct model_options options; /* as they are to be */
    bool impossible;              /* one of the values is */
    bool wrong_type;              /* it is another form */
    bool has_owners, has_admins;  /* complete lists: bits 1 << entry */
    unsigned owners, admins;
    bool bad_staff; /* one of them is no address of an account */
};

unsigned model_owner(struct model *model, struct model_room *room, int client);
unsigned model_configure(struct model *model, struct model_room *room, int client,
                         const struct model_form *form);
unsigned model_cancel(struct model *model, struct model_room *room, int client);
unsigned model_destroy(struct model *model, struct model_room *room, int client, bool bad);
/* The service is told to destroy it, and, if `bad`, something that is no room. */
unsigned model_order(struct model *model, struct model_room *room, int client, bool bad);

/* Sets the vCard (MODEL_NOTHING: an empty one; MODEL_WRONG: one that cannot be). */
unsigned model_card(struct model *model, struct model_room *room, int client, int card);

/* What is asked of the account, besides a name: bits 1 << index of cast_questions. */
unsigned model_questions(const struct model *model, const struct model_room *room, int account);
/* `given`: the answers it sends, asked for or not. */
unsigned model_register(struct model *model, struct model_room *room, int client, int nick,
                        unsigned given);
/* An admin answers a request to be registered, of that account by that name. */
enum model_consent { CONSENT_LATER, CONSENT_GIVEN, CONSENT_REFUSED };
unsigned model_consent(struct model *model, struct model_room *room, int client, int entry,
                       int nick, enum model_consent consent);
unsigned model_unregister(struct model *model, struct model_room *room, int client);
unsigned model_registration(struct model *model, struct model_room *room, int client);

unsigned model_invite(struct model *model, struct model_room *room, int client, const int *entries,
                      unsigned count);
/* To an occupant by name (`nick`), to an account (`entry`), or to whom it may concern. */
unsigned model_decline(struct model *model, struct model_room *room, int client, int nick,
                       int entry);
/* An invitation comes back from who was invited: whom that is told, or CAST_NOBODY. */
int model_invite_bounced(struct model_room *room, int client);

unsigned model_ask_voice(struct model *model, struct model_room *room, int client);
unsigned model_grant_voice(struct model *model, struct model_room *room, int client, int nick,
                           int entry, bool allow);

/* ---- what happens by itself ---- */

void model_gone(struct model *model, int client);
/* It is there, and has been silent for too long. */
void model_silent(struct model *model, int client);
void model_time(struct model *model, int64_t now_us);
/* The process ends and begins: only what is stored is left. Of rooms that are. */
bool model_is_stored(const struct model_room *room);
void model_restart(struct model *model);
/* The service stops: everybody is put out, and the rooms are as they were. */
void model_shutdown(struct model *model);

/* ---- between the parts of the model ---- */

void model_clear(struct model_room *room);
void model_settle(struct model *model, struct model_room *room);
void model_put_out(struct model *model, struct model_room *room, struct model_occupant *occupant,
                   int status);
/* After the list has changed: who is inside is given the role of it, or put out. */
void model_stand(struct model *model, struct model_room *room, int entry,
                 enum model_affiliation before);
/* A moderator is not quiet. */
void model_give_role(struct model_occupant *occupant, enum model_role role);
/* Role, affiliation: may the one make the other that? */
unsigned model_role_refused(enum model_affiliation actor_rank, enum model_role actor_role,
                            enum model_affiliation rank, enum model_role role,
                            enum model_role wanted);

#endif
