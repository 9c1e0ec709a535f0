/*
 * Component links that fall, as a room sees it. Their users have not left (SEMANTICS 4.6.5, 14.3):
 *
 *   - who is behind a link that is down is reached by another one of the service, if one is up;
 *   - who has missed something is heard of no more and told nothing, until a link is up: then it is
 *     put out, and told so before anything else, for it to enter again and have the history;
 *   - who has missed nothing stays, is asked for no sign of life while no link leads there, and
 *     soon after one does again (core/muc/silence.h).
 *
 * So nobody has a gap in what it read and does not know of it. After a restart, who was inside and
 * cannot be any more goes the same way (core/muc/restore.h): without a link every
 * ROOM_GHOSTS_SECONDS, for these need not be told, if somebody is inside who is reached and sees
 * them. Who was handed over behind a link keeps his place, however long that is down, for as long
 * as the others say and do nothing that he would miss.
 * @xep 0045 1.35.5 #impl-service-ghosts #service-error-kick
 */
#ifndef CORE_MUC_OUTAGE_H
#define CORE_MUC_OUTAGE_H

#include "core/muc/inbound.h"
#include "core/muc/room.h"

/* By which route what is for that one goes now; without a lane: by none. */
static inline struct route outage_way(const struct step *step, struct route route)
{
    return step->ways == NULL ? route : step->ways->now(step->ways->self, route);
}

/* A stanza of a session that came by another route than the last. False: it is to be ignored. The
 * session may have been put out by it, and the stanza is a stranger's then. */
MUST_CHECK bool outage_follow(struct room *room, struct step *step, const struct event *event,
                              struct inbound *in);

/* It is about to be put out for another reason, by a moderator or with the room: those of its
 * sessions that wait to be put out for what they have missed are told that instead, if a link is
 * up. */
void outage_reach(struct room *room, const struct step *step, const struct occupant *occupant);

/* The status to put it out with, because it is not allowed inside any more and it was not told so
 * when that changed: the process had ended. 0: it is allowed. */
uint32_t outage_bars(const struct room *room, const struct occupant *occupant);

/* EV_LINKS, EV_LINK_LOSS, ROOM_TIMER_OUTAGE. */
void outage_links(struct room *room, struct step *step);
void outage_loss(struct room *room, struct route lost);
void outage_look(struct room *room, struct step *step);

/* At the end of each step: the alarm is set while somebody has to be put out and can be told, or is
 * gone. */
void outage_watch(struct room *room, struct step *step);

#endif
