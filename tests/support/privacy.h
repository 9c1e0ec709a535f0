/*
 * Watches all that goes over the wire and says when somebody is told a real address that is kept
 * from it. Every byte of every stanza is searched for the address of everybody else, also in
 * hexadecimal and base64, wherever it may stand: items, actors, invitations, delays, texts of
 * errors, ids, lists. What it has to know of rooms it learns from the conversation itself: who is
 * inside and moderates (own presences), which rooms hide addresses (100, 172, 173, and the forms
 * that were sent), who has invited whom.
 *
 * Who may read the address of somebody else in a stanza of a room:
 *   - nobody in a presence about itself;
 *   - everybody inside, if the room hides none; and who is inside as a moderator;
 *   - in lists: admins up to their own rank, owners; in rooms that hide none members too;
 *   - in an invitation: who would enter as a moderator, or if the room hides none;
 *   - in a decline, and when an invitation comes back: who has invited; and from a session that is
 *     not inside, whoever it has chosen to write to;
 *   - everybody, once its owner has written it into something that is said to all or to one.
 */
#ifndef TESTS_SUPPORT_PRIVACY_H
#define TESTS_SUPPORT_PRIVACY_H

#include <stdbool.h>

enum privacy_rank { PRIVACY_NONE, PRIVACY_MEMBER, PRIVACY_ADMIN, PRIVACY_OWNER };

/* What the conversation does not show: the rank an account has in a room. */
typedef enum privacy_rank privacy_ranker(void *self, const char *room, const char *account);

struct privacy;

/* `service` is the domain of the rooms. Both copied; `self` is the ranker's. */
struct privacy *privacy_new(const char *service, privacy_ranker *ranker, void *self);
void privacy_free(struct privacy *privacy); /* NULL allowed */

/* Somebody whose address is to be kept; `address` bare, copied. */
void privacy_account(struct privacy *privacy, const char *address);

/* What was sent, before anything comes of it; what came. `to` NULL: see the stanza. */
void privacy_sent(struct privacy *privacy, const char *from, const char *stanza);
void privacy_received(struct privacy *privacy, const char *to, const char *stanza);
/* A client's connection has ended. */
void privacy_gone(struct privacy *privacy, const char *full_jid);
/* Some of what came for it, from that room, has not reached it: nobody knows what it was told. */
void privacy_lost(struct privacy *privacy, const char *full_jid, const char *room);
/* All that followed from one stanza has come. Only then is it known whether who was shown addresses
 * before it was told that it moderates, or is inside, was told so. */
void privacy_settled(struct privacy *privacy);

/* What was the first thing wrong, or NULL. */
const char *privacy_breach(const struct privacy *privacy);
/* How many stanzas were searched, and in how many of them an address stood rightly. */
unsigned long privacy_searched(const struct privacy *privacy);
unsigned long privacy_permitted(const struct privacy *privacy);
/* Does it take the room for one that hides nothing? */
bool privacy_room_is_open(const struct privacy *privacy, const char *room);

#endif
