/*
 * Entity capabilities (XEP-0115): the text that stands for everything a disco#info answer says, so
 * that its hash can stand for the answer.
 * @xep 0115 1.6.0 #ver-gen
 */
#ifndef CORE_XMPP_CAPS_H
#define CORE_XMPP_CAPS_H

#include "core/base/arena.h"
#include "core/xml/stanza.h"

/* Of a <query xmlns=disco#info/>: identities, features and forms, each in their order (of bytes),
 * whatever order they were written in. In the arena. */
struct str caps_text(struct arena *arena, const struct node *query);

#endif
