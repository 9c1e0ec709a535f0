/*
 * Who is meant by room@service/nick. Two spellings with one comparison key can never both be in a
 * room, but neither is an alias of the other: the address has to be exact.
 * @xep 0045 1.35.5 #bizrules-jids
 */
#ifndef CORE_MUC_ADDRESSEE_H
#define CORE_MUC_ADDRESSEE_H

#include "core/muc/inbound.h"

/* The occupant the stanza is addressed to; NULL: nobody, or the room itself. */
struct occupant *addressee(const struct room *room, struct step *step, const struct inbound *in);

#endif
