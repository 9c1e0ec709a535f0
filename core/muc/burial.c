#include "core/muc/burial.h"

#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/base/mem.h"
#include "core/muc/change.h"
#include "core/muc/feature.h"
#include "core/muc/keeping.h"
#include "core/muc/retraction.h"

/* Heap; where nothing is pending there is none. */
struct burials {
    struct map by_key; /* in the order of their turns */
    bool asked;        /* the archive, for the first of them; the alarm is set */
};

static bool are_digits(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.at[i];
        if ((c < '0' || c > '9') && (c < 'a' || c > 'f'))
            return false;
    }
    return true;
}

bool burial_is_key(struct str key)
{
    return key.len == BURIAL_KEY_BYTES && are_digits(key);
}

static void key_make(struct str stanza_id, struct str author, char key[BURIAL_KEY_BYTES])
{
    ensure(stanza_id.len == STANZA_ID_BYTES && author.len == OCCUPANT_ID_BYTES);
    memcpy(key, stanza_id.at, STANZA_ID_BYTES);
    memcpy(key + STANZA_ID_BYTES, author.at, OCCUPANT_ID_BYTES);
}

static struct str stanza_id_of(const struct burial *burial)
{
    return str_of(burial->key, STANZA_ID_BYTES);
}

static bool is_by(const struct burial *burial, const char author[OCCUPANT_ID_BYTES])
{
    return memcmp(burial->key + STANZA_ID_BYTES, author, OCCUPANT_ID_BYTES) == 0;
}

static struct burial *first(const struct room *room)
{
    uint32_t at = 0;
    return room->burials == NULL ? NULL : map_next(&room->burials->by_key, &at);
}

/* ---- what is pending ---- */

bool burial_is_due(const struct room *room, const struct occupant *author, struct str stanza_id)
{
    char key[BURIAL_KEY_BYTES];
    if (!room->was_archived || !room->env->settings->durable || stanza_id.len != STANZA_ID_BYTES ||
        !are_digits(stanza_id))
        return false;
    key_make(stanza_id, occupant_id(author), key);
    return room->burials == NULL ||
           map_get(&room->burials->by_key, str_of(key, sizeof(key))) == NULL;
}

/* Any id is worth a question, so that made-up ones could take all places. */
static unsigned count_by(const struct room *room, const char author[OCCUPANT_ID_BYTES])
{
    const struct burial *burial;
    unsigned count = 0;
    for (uint32_t at = 0; (burial = burial_next(room, &at)) != NULL;)
        count += is_by(burial, author);
    return count;
}

const struct burial *burial_of(const struct room *room, struct step *step,
                               const struct occupant *author, struct str stanza_id,
                               struct str message_id)
{
    struct burial *burial;
    if (burial_count(room) >= ROOM_BURIALS_MAX ||
        count_by(room, occupant_id(author).at) >= BURIALS_PER_AUTHOR)
        return NULL;
    burial = ARENA_NEW(step->arena, struct burial);
    key_make(stanza_id, occupant_id(author), burial->key);
    burial->at_us = step->now_us;
    burial->id = message_id;
    return burial;
}

static void burial_free(struct burial *burial)
{
    str_free(&burial->id);
    mem_free(burial);
}

void burial_keep(struct room *room, const struct burial *burial)
{
    burial_forget(room, burial_key(burial));
    if (room->burials == NULL) {
        room->burials = MEM_NEW(struct burials);
        map_init(&room->burials->by_key, &room->env->hash_key);
    }
    struct burial *kept = MEM_NEW(struct burial);
    *kept = *burial;
    kept->id = str_copy(burial->id);
    map_put(&room->burials->by_key, burial_key(kept), kept);
}

void burial_forget(struct room *room, struct str key)
{
    const struct burial *asked = first(room);
    struct burial *burial = asked == NULL ? NULL : map_remove(&room->burials->by_key, key);
    if (burial == NULL)
        return;
    if (burial == asked)
        room->burials->asked = false; /* it is the next one's turn */
    burial_free(burial);
    if (room->burials->by_key.count == 0)
        burials_clear(room);
}

void burials_clear(struct room *room)
{
    struct burial *burial;
    if (room->burials == NULL)
        return;
    map_each (&room->burials->by_key, at, burial)
        burial_free(burial);
    map_fini(&room->burials->by_key);
    mem_free(room->burials);
    room->burials = NULL;
}

uint32_t burial_count(const struct room *room)
{
    return room->burials == NULL ? 0 : room->burials->by_key.count;
}

const struct burial *burial_next(const struct room *room, uint32_t *at)
{
    return room->burials == NULL ? NULL : map_next(&room->burials->by_key, at);
}

/* ---- asking ---- */

void burial_watch(struct room *room, struct step *step)
{
    bool pending = room_exists(room) && room->burials != NULL;
    if (room->burial_alarm && !pending) {
        room->burial_alarm = false;
        effect_timer(step, ROOM_TIMER_BURIAL, 0);
    }
    if (!pending || room->burials->asked)
        return;
    room->burials->asked = true;
    room->burial_alarm = true;
    keeping_look_up(room, step, NULL, str_in(step->arena, stanza_id_of(first(room))));
    effect_timer(step, ROOM_TIMER_BURIAL, step->now_us + BURIAL_RETRY_SECONDS * INT64_C(1000000));
}

void burial_ask_again(struct room *room)
{
    struct burial *burial = first(room);
    room->burial_alarm = false;
    if (burial == NULL)
        return;
    /* It may fail for ever, and others not: it goes behind them. */
    map_remove(&room->burials->by_key, burial_key(burial));
    map_put(&room->burials->by_key, burial_key(burial), burial);
    room->burials->asked = false;
}

/* ---- the answer ---- */

/* Once it is certain that it is not asked for again. */
static void tell_damaged(struct room *room, struct step *step, const struct change *change,
                         const struct inbound *in)
{
    UNUSED(step);
    UNUSED(in);
    log_warn("room %s: the message %.*s, which an occupant has taken back, cannot be read in the "
             "archive, and stays there as it is; --check-store says what is damaged",
             room->jid->text, STANZA_ID_BYTES, change->burial.of->key);
}

static enum step_outcome end(struct room *room, struct step *step, const struct burial *burial,
                             const struct history_entry *entry, change_then *then)
{
    struct change change = {.kind = CHANGE_BURIAL};
    if (entry != NULL && !entry->retracted && is_by(burial, entry->author)) {
        const struct retraction retraction = {.id = burial->id, .at_us = burial->at_us};
        change = retraction_change(room, step, entry, &retraction);
    }
    change.burial.of = burial;
    change.burial.over = true;
    return change_submit(room, step, &change, then, NULL);
}

/* The answer of an archive that takes longer than the alarm comes when it is another's turn, and
 * says as much. */
static const struct burial *asked_for(const struct room *room, struct str stanza_id)
{
    const struct burial *burial;
    for (uint32_t at = 0; (burial = burial_next(room, &at)) != NULL;)
        if (str_eq(stanza_id_of(burial), stanza_id))
            return burial;
    return NULL;
}

enum step_outcome burial_answered(struct room *room, struct step *step, const struct event *event)
{
    const struct archive_page *page = event->answer.page;
    const struct burial *burial = asked_for(room, event->answer.query->ids[0]);
    if (burial == NULL)
        return STEP_DONE; /* settled meanwhile */
    if (page->err == ERR_CORRUPT)
        return end(room, step, burial, NULL, tell_damaged);
    if (page->err != 0 && page->err != ERR_NOT_FOUND)
        return STEP_DONE; /* until the alarm */
    struct history_entry entry;
    bool found = page->err == 0 && page->count > 0 && keeping_entry(room, &page->rows[0], &entry);
    enum step_outcome outcome = end(room, step, burial, found ? &entry : NULL, NULL);
    if (found)
        frame_unref(entry.frame);
    return outcome;
}
