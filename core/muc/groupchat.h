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

/* Whether it belongs to the history that is shown on entry (SEMANTICS 11.2). */
bool groupchat_is_kept(const struct node *message);

/* What everybody receives: from the sender's occupant JID, with the sender's id and what the
 * features add. A new reference. The sender is inside. */
struct frame *groupchat_frame(struct room *room, struct step *step, const struct inbound *in);

#endif
