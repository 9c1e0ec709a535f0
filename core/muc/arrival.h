/*
 * What a presence brings along for its session: the children others may see, their language, the
 * priority. Read before anything is changed, so that a presence that cannot be taken leaves no
 * trace.
 * @xep 0045 1.35.5 #bizrules-presence.extensions #changepres #i18n
 */
#ifndef CORE_MUC_ARRIVAL_H
#define CORE_MUC_ARRIVAL_H

#include "core/base/base.h"
#include "core/muc/inbound.h"

struct arrival {
    struct str payload; /* in the arena */
    struct str lang;    /* borrowed from the stanza, or absent */
    int8_t priority;
};

/* `role`: the one the sender has or is going to have; a visitor's <status/> is left out where the
 * room says so. False: larger than PRESENCE_BYTES_MAX. */
MUST_CHECK bool arrival_read(const struct room *room, struct step *step, const struct inbound *in,
                             enum role role, struct arrival *arrival);

/* The session says what its presence said. True if others see a difference. */
bool arrival_apply(struct room *room, struct session *session, const struct arrival *arrival);

#endif
