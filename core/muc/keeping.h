/*
 * What is kept of messages to everybody: for those who enter (history), and in the archive.
 * Everything with a body or another content that lasts is archived, reactions, markers and
 * retractions too; newcomers are shown less (SEMANTICS 11.2).
 */
#ifndef CORE_MUC_KEEPING_H
#define CORE_MUC_KEEPING_H

#include "core/muc/archived.h"
#include "core/muc/groupchat.h"
#include "core/muc/room.h"

/* The message goes where the room and the message's own hints want it. Before it is broadcast. */
void keeping_message(struct room *room, struct step *step, const struct inbound *in,
                     const struct groupchat *message);
/* The same in two steps, for a message that comes with a change: what is to be stored of it (NULL:
 * nothing), and what newcomers are shown once it is, with the time it is stored with. */
struct archived *keeping_wanted(const struct room *room, struct step *step,
                                const struct inbound *in, const struct groupchat *message);
void keeping_show(struct room *room, struct step *step, const struct inbound *in,
                  const struct groupchat *message, int64_t at_us);

/* The row of a message that an occupant sent, or (`in` NULL) the room itself, for the archive but
 * not for newcomers; in the arena. */
struct archived *keeping_row(const struct room *room, struct step *step, const struct inbound *in,
                             const struct groupchat *message);

/* Asks the archive for that one message; the handler's `answered` is called with it, or with
 * ERR_NOT_FOUND. `in` NULL: the room asks for itself (core/muc/burial.h). */
void keeping_look_up(const struct room *room, struct step *step, const struct inbound *in,
                     struct str stanza_id);

/* An archived message as an entry of the history, with a frame of its own (a reference, the
 * caller's). False: the row cannot be shown, or is the room's own word. */
MUST_CHECK bool keeping_entry(const struct room *room, const struct archived *row,
                              struct history_entry *entry);

/* Messages were not kept, and nobody has seen them: newcomers are not shown them, their senders are
 * told. */
void keeping_failed(struct room *room, struct step *step, const struct event *event);

/* EV_FORGET. Tombstones stay: nothing of what was said is left in them. The subject goes with the
 * account that has set it, and everybody is told; whose room's messages are forgotten keeps it. */
void keeping_forget(struct room *room, struct step *step, struct str account, int64_t until_us);

#endif
