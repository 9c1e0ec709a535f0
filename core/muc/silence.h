/*
 * Sessions that say nothing for long are asked whether they are still there: a server may have
 * ended without a word. Each session is looked at once in a period (ping_minutes), some at a time,
 * so that neither a large room nor many small ones ask all at once. Who has been silent for a whole
 * period is pinged; who answers neither that nor a second ping a period later is put out by the
 * next look.
 *
 * The room keeps no table of what it asked: the id of a ping says, sealed, whom it went to, since
 * when there was silence, and how often it has been asked.
 * @xep 0199 2.0.1 #s2c
 * @xep 0045 1.35.5 #impl-service-ghosts #service-error-kick
 */
#ifndef CORE_MUC_SILENCE_H
#define CORE_MUC_SILENCE_H

#include "core/muc/room.h"

/* The session is there: whatever it sends, except errors, which its server may have made. */
static inline void silence_broken(struct session *session, int64_t now_us)
{
    session->heard_us = now_us;
    session->pings = 0;
    session->moved = false;
    session->stranded = false;
}

/* So long is a session silent before it is asked. */
static inline int64_t silence_period_us(const struct room *room)
{
    return room->options.ping_minutes * INT64_C(60000000);
}

/* At the end of each step: the alarm is set while somebody is inside who may be asked. */
void silence_watch(struct room *room, struct step *step);

/* ROOM_TIMER_PING: has a look at some sessions. */
void silence_look(struct room *room, struct step *step);

/* Is that the id of the ping this room has sent to the session last? */
bool silence_asked(const struct room *room, struct step *step, struct str id,
                   const struct session *asked);

#endif
