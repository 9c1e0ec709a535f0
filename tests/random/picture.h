/*
 * What one client believes of one room, from nothing but what it was sent: whether it is inside,
 * who else is, with which role, affiliation, show and addresses.
 * @covers 0045#roles.shown 0045#affil.shown 0045#enter-pres.list 0045#enter-pres.broadcast
 * @covers 0045#enter-semianon.moderators 0045#bizrules-presence.standing
 * @covers 0045#bizrules-presence.from-then-on 0045#bizrules-presence.full-jid
 * @covers 0045#registrar-formtype-owner
 */
#ifndef TESTS_RANDOM_PICTURE_H
#define TESTS_RANDOM_PICTURE_H

#include "tests/random/model.h"

struct picture_face {
    bool known;
    int role;         /* enum model_role */
    int affiliation;  /* enum model_affiliation */
    int look;         /* of cast_looks */
    unsigned clients; /* addresses it was told: bits 1 << client */
};

struct picture {
    bool inside;
    bool left; /* in this step: nothing may follow */
    int nick;  /* its own */
    struct picture_face faces[CAST_NICKS];
};

/* A stanza of that room. `asked`: it had probed, and may be told of who is hidden. NULL, or what is
 * wrong with being sent it. */
const char *picture_hear(struct picture *picture, const char *stanza, bool asked);
void picture_forget(struct picture *picture);

/* Is that what the client is to know? NULL, or what is not; `about` is then who (a nickname). */
const char *picture_compare(const struct picture *picture, const struct model *model,
                            struct model_room *room, int client, const char **about);

/* ---- reading what the room writes (in single quotes) ---- */

/* The value of an attribute of the element at `tag`, as it stands. */
bool stanza_attribute(const char *tag, const char *name, char *value, unsigned size);
/* The nickname in the stanza's `from`, or MODEL_NOTHING. */
int stanza_nick(const char *stanza);
bool stanza_has_status(const char *stanza, int code);
/* A presence of somebody who has reserved a nickname and is not inside. */
bool stanza_is_absent(const char *stanza);
bool stanza_is(const char *stanza, const char *kind, const char *type);

#endif
