/*
 * Errors that come back from occupants' servers: which of them mean that the session is no more,
 * and what of them may be shown to others.
 * @xep 0045 1.35.5 #impl-service-ghosts
 */
#ifndef CORE_MUC_BOUNCE_H
#define CORE_MUC_BOUNCE_H

#include "core/muc/inbound.h"
#include "core/muc/presence.h"

/* The condition's element (of NS_STANZAS) of a stanza of type error, or NULL. */
const struct node *bounce_condition(const struct node *stanza);

/* The session that sent this does not exist any more (SEMANTICS 4.7.1). Errors of an occupant's own
 * making, a filter's refusal say, are not among them. */
bool bounce_means_gone(const struct node *stanza);

/* The error comes from the way to the account's server, so it concerns all its sessions. */
bool bounce_of_server(const struct node *stanza);

/* Of who is put out because of it: 333, and "Kicked: recipient unavailable". What the error itself
 * says is added only where JIDs are no secret, for it may name some. */
struct news bounce_news(const struct room *room, struct arena *arena, const struct node *stanza);

/* The error element, to be shown to another occupant: one condition and, with words, its text and
 * one element that an application has added to it (RFC 6120 section 8.3.4), if they are short.
 * Addresses and, where JIDs are secret, text that could contain them and whatever names the
 * sender's account are left out. */
enum bounce_words { BOUNCE_BARE, BOUNCE_WITH_WORDS };
void fb_bounce(struct fb *fb, const struct room *room, const struct inbound *in,
               enum bounce_words words);

#endif
