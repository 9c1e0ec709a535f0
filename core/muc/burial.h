/*
 * Messages that their authors have taken back, and that only the archive has any more. Everybody is
 * told at once, as of any message, and the archive is asked meanwhile: whether it has the message,
 * and whose it is. Until that is known the burial is pending. It is stored with the retraction, so
 * it outlives the process, and it is asked for again when the archive could not be read.
 *
 * - CHANGE_BURIAL: it is pending from now on; the retraction is archived with it, and said.
 * - FX_ASK, EV_ANSWER without a stanza: nobody waits for it.
 * - CHANGE_BURY: the author's own; its tombstone stands there, nothing is pending.
 * - CHANGE_BURIAL, `over`: another's, not there, buried before, or damaged; nothing is pending.
 *
 * One is asked for at a time, in turn: who cannot be looked up now waits behind the others.
 *
 * Bounds: ROOM_BURIALS_MAX, and BURIALS_PER_AUTHOR of them; who retracts more than the archive can
 * be asked for is told to wait.
 * @xep 0424 0.4.2 #rules #tombstones
 */
#ifndef CORE_MUC_BURIAL_H
#define CORE_MUC_BURIAL_H

#include "core/muc/event.h"
#include "core/muc/room.h"

enum { BURIAL_KEY_BYTES = STANZA_ID_BYTES + OCCUPANT_ID_BYTES };

/* One account's wish; of others for the same message nothing is known yet. */
struct burial {
    char key[BURIAL_KEY_BYTES]; /* of the message: its stanza-id; who wants it: occupant-id */
    int64_t at_us;              /* said */
    struct str id;              /* of the message that retracts */
};

/* Is that what burials are known by? */
bool burial_is_key(struct str key);
static inline struct str burial_key(const struct burial *burial)
{
    return str_of(burial->key, sizeof(burial->key));
}

/* May the archive have what is not in the history? Not asked twice by the same author. */
bool burial_is_due(const struct room *room, const struct occupant *author, struct str stanza_id);
/* The wish, in the arena; NULL: there are too many, or too many of that author. */
const struct burial *burial_of(const struct room *room, struct step *step,
                               const struct occupant *author, struct str stanza_id,
                               struct str message_id);

/* change_apply() alone; copied. */
void burial_keep(struct room *room, const struct burial *burial);
void burial_forget(struct room *room, struct str key);
void burials_clear(struct room *room);

uint32_t burial_count(const struct room *room);
/* All of them: `*at` starts at 0; NULL at the end. */
const struct burial *burial_next(const struct room *room, uint32_t *at);

/* At the end of each step: the archive is asked, for one at a time. */
void burial_watch(struct room *room, struct step *step);
/* ROOM_TIMER_BURIAL: no answer, or none that says anything. It is the next one's turn. */
void burial_ask_again(struct room *room);
/* EV_ANSWER without a stanza. */
enum step_outcome burial_answered(struct room *room, struct step *step, const struct event *event);

#endif
