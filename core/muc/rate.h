/*
 * How much one account may send into a room. What is over its measure waits for its turn, in order,
 * or is refused in so many words: nothing is ever dropped without an answer. A message that comes
 * to its turn is handled as if it came then. Of a session's changes of availability only the newest
 * waits. Who enters, asks for everything again or changes its nickname too often is refused.
 *
 * The measure is a bucket of tokens for each account, kept as one number: the time at which it will
 * be full again. A full one says nothing and is forgotten, so the room knows only accounts that
 * have sent something lately, and of those at most RATE_ACCOUNTS_MAX: who knocks under more
 * addresses than that makes it forget those it has not heard of for longest. Admins, owners and the
 * service's admins are not measured; what they said before they were waits, and they behind it.
 *
 * room->rate is NULL while the room limits nothing and nobody waits.
 * @xep 0045 1.35.5 #security-dos
 */
#ifndef CORE_MUC_RATE_H
#define CORE_MUC_RATE_H

#include "core/muc/inbound.h"
#include "core/muc/room.h"

/* A message from inside. True: it waits, or was refused because too many do. */
bool rate_message_waits(struct room *room, struct step *step, const struct inbound *in);

/* A session's change of availability. True: it waits, instead of any before it; or was refused. */
bool rate_update_waits(struct room *room, struct step *step, const struct inbound *in);

/* Entering, entering again, a new nickname: why not now; or NULL, and a token is gone. */
const struct refusal *rate_refuses(struct room *room, struct step *step, const struct inbound *in);

/* ROOM_TIMER_RATE: what has come to its turn, in the step's arena; for inbound.waited to be set.
 * False: nothing. */
bool rate_next(struct room *room, struct step *step, struct event *event);

/* A message that waits, whoever's turn it is; false: there are none any more. For the end of the
 * room or of the service. What waits of availability ends with the session it belongs to. */
bool rate_flush(struct room *room, struct step *step, struct event *event);

/* At the end of each step: the alarm is set for the next turn. Other options are a new start:
 * everybody's bucket is full. */
void rate_watch(struct room *room, struct step *step);

/* Accounts it has heard of lately; for tests. */
uint32_t rate_known(const struct room *room);

void rate_free(struct room *room);
void rate_check(const struct room *room);

#endif
