/*
 * An invitation as the room sends it: for the mediated ones of occupants, and for accounts that
 * have been made members of a room they could not find by themselves.
 * @xep 0045 1.35.5 #invite-mediated.from #invite-mediated.password
 * @xep 0249 1.2 #howitworks
 */
#ifndef CORE_MUC_INVITATION_H
#define CORE_MUC_INVITATION_H

#include "core/muc/inbound.h"

struct invitation {
    const struct jid *to;
    struct str id;           /* may be absent */
    struct str reason;       /* may be absent */
    const struct node *node; /* the sender's <invite/>, what it holds goes along; or NULL */
};

/* What stands in <invite/> and <decline/>: the reason, always there, and what else the sender's
 * element holds: a thread to continue, say. `node` may be NULL. */
void fb_invitation(struct fb *fb, struct str reason, const struct node *node);

/* On behalf of who sent `in`; remembered, so that it can be declined. */
void invitation_send(struct room *room, struct step *step, const struct inbound *in,
                     const struct invitation *invitation);

#endif
