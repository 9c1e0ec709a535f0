/*
 * Messages to everybody: telling a change of the subject from an ordinary message, building the one
 * frame that all receive, and what of it later visitors are shown.
 * @xep 0045 1.35.5 #message.reflect #message.id #subject-mod.body #i18n
 */
#ifndef CORE_MUC_GROUPCHAT_H
#define CORE_MUC_GROUPCHAT_H

#include "core/muc/inbound.h"

/* A subject and neither body nor thread: only that changes the subject (SEMANTICS 8.2.1). */
bool groupchat_is_subject(const struct node *message);

/* Does a subject say again what its sender was the last to say? Then nothing has changed: everybody
 * is told, and it is not archived twice (SEMANTICS 8.2.4). The sender is inside. */
bool groupchat_repeats_subject(const struct room *room, const struct step *step,
                               const struct inbound *in);

/* Is the room's subject the message that the room knows by that id? */
bool groupchat_subject_is(const struct room *room, struct str stanza_id);

/* Has the occupant of that occupant-id sent the message with these bytes? The room says so in it.
 */
bool groupchat_is_by(struct str xml, struct str author);

/* That there is no subject, by the room; a new reference. */
struct frame *groupchat_no_subject(const struct room *room, struct step *step);

/* Whether it belongs to the archive of a room that has one (SEMANTICS 11.2). */
bool groupchat_is_archived(const struct node *message);

/* Whether it belongs to the history that is shown on entry (SEMANTICS 11.2). */
bool groupchat_is_kept(const struct node *message);

struct groupchat {
    struct frame *frame;  /* a new reference */
    struct str id;        /* the sender's; the room's if it sent none */
    struct str stanza_id; /* what the room knows it by */
};

/* What everybody receives: from the sender's occupant JID, with the sender's id and what the
 * features add. The sender is inside. */
struct groupchat groupchat_make(struct room *room, struct step *step, const struct inbound *in);

/* The id a message has from the room, as an element of it. */
void fb_stanza_id(struct fb *fb, const struct room *room, struct str stanza_id);

#endif
