/*
 * What of core/muc/muc.h's cryptography needs no key: SHA-1 where a XEP asks for it, as a name for
 * something and never as a proof of anything. Apart from crypto.c, so that tests use the same code.
 */
#ifndef TOOLS_STENTORD_DIGEST_H
#define TOOLS_STENTORD_DIGEST_H

#include "core/muc/muc.h"

/* The bytes a base64 text stands for (blanks and line ends in it count for nothing), in the arena.
 * STR_NONE: it is no base64. */
struct str digest_unbase64(struct arena *arena, struct str text);

/* Sets the functions of `crypto` that need no key. */
void digest_init(struct muc_crypto *crypto);

#endif
