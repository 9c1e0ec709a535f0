/*
 * Which program this is, told alike by the service and by its rooms.
 * @xep 0092 1.1 #protocol
 */
#ifndef CORE_MUC_VERSION_H
#define CORE_MUC_VERSION_H

#include "core/muc/inbound.h"

/* The answer to a request for jabber:iq:version. */
void version_answer(struct step *step, const struct inbound *in);

#endif
