/*
 * Registration with a room, as far as those who ask for it and those who allow it share it: what is
 * asked, what it does, and what waits to be allowed.
 * @xep 0045 1.35.5 #registrar-formtype-register
 */
#ifndef CORE_MUC_REGISTRATION_H
#define CORE_MUC_REGISTRATION_H

#include "core/muc/feature.h"
#include "core/xmpp/form.h"

#define FIELD_REGISTER_NICK "muc#register_roomnick"

/* What a room may ask besides a nickname; bits of the option are 1 << this. */
enum register_field {
    REGISTER_FIRST,
    REGISTER_LAST,
    REGISTER_URL,
    REGISTER_EMAIL,
    REGISTER_FAQ,
    REGISTER_FIELDS
};

struct register_question {
    const char *var;
    const char *type;
    const char *label;
    bool required; /* wherever it is asked */
};

extern const struct register_question register_questions[REGISTER_FIELDS];

/* Who asked to be registered and waits; key of room->registrations is `account`. */
struct registration {
    struct str account;                  /* heap, bare */
    struct str nick;                     /* heap, prepared */
    struct str answers[REGISTER_FIELDS]; /* heap; absent: not asked, or not answered */
};

/* Whether a person has to allow it: only strangers become somebody by registering. */
bool registration_needs_consent(const struct room *room, enum affiliation affiliation);
/* The fields that are asked, bits: those whom nobody would read are not. */
uint32_t registration_questions(const struct room *room, enum affiliation affiliation);

/* NULL, or why the nickname cannot be the account's: it is used by, or kept for, somebody else, or
 * the room's list is full. */
const struct refusal *registration_refused(const struct room *room, struct step *step,
                                           struct str account, struct str nick);

/* The account's standing after registering or giving it up; `nick` empty: given up. */
struct change *registration_change(const struct room *room, struct step *step, struct str account,
                                   enum affiliation after, struct str nick);
/* What follows from it for those inside, but no answer. */
void registration_announce(struct room *room, struct step *step, const struct change *change);

/* Gives the request to every admin inside, as a form (core/muc/feature/approval.c). */
void registration_ask(struct room *room, struct step *step, const struct registration *wanted);

/* Gives what waits to one who may allow it: to a session, or (NULL) to all of the occupant's. */
void registration_hand_out(struct room *room, struct step *step, const struct occupant *admin,
                           const struct session *session);

/* ---- those that wait ---- */

const struct registration *registration_waiting(const struct room *room, struct str account);
/* Is there room for one more that waits, or does it already? */
bool registration_fits(const struct room *room, struct str account);
/* For change_apply(). All copied; one that waits already is replaced. */
void registration_keep(struct room *room, const struct registration *wanted);
void registration_forget(struct room *room, struct str account); /* for change_apply() */
bool registration_equal(const struct registration *a, const struct registration *b);
/* All of them, with the map: the room ends. */
void registrations_clear(struct room *room);

#endif
