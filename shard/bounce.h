/*
 * What could not be delivered: a frame that a room sent to a JID nobody is behind comes back to the
 * room as the stanza error that a server would have sent, so that an inviter or requester hears of
 * it. Kept until the step that caused it is over.
 * @xep 0045 1.35.5 #invite-mediated.unreachable
 */
#ifndef SHARD_BOUNCE_H
#define SHARD_BOUNCE_H

#include "core/base/arena.h"
#include "core/xml/frame.h"
#include "core/xml/stanza.h"
#include "core/xmpp/jid.h"
#include "core/xmpp/refusal.h"

struct bounce {
    struct bounce *next;
    struct stanza *stanza; /* the error; all heap */
    struct jid *from;      /* whom the frame was for */
    struct jid *to;        /* the room or occupant it was from */
};

struct bounces { /* zero: none */
    struct bounce *first, *last;
    unsigned count;
};

/* Errors, results and presences are not answered; neither is what is over BOUNCES_MAX. The frame is
 * borrowed. */
void bounces_add(struct bounces *bounces, struct arena *arena, const struct frame *frame,
                 const struct jid *to, const struct refusal *refusal);
/* The oldest, now the caller's, or NULL. */
struct bounce *bounces_take(struct bounces *bounces);
void bounce_free(struct bounce *bounce);

#endif
