#include "core/muc/keeping.h"

#include "core/base/ensure.h"
#include "core/muc/durable.h"
#include "core/muc/feature.h"
#include "core/xmpp/stamp.h"

/* An owner who makes a conversation of two a conference sends what was said before, with the times
 * of then: the room adds none to those (7.9). */
static const struct node *dating(const struct room *room, const struct step *step,
                                 const struct inbound *in)
{
    if (in == NULL || in->affiliation != AFF_OWNER)
        return NULL;
    const struct node *delay = node_find(in->root, NAME_DELAY, NS_DELAY);
    while (delay != NULL && !reflect_may_pass(room, step->arena, delay))
        delay = node_find_next(delay, NAME_DELAY, NS_DELAY);
    return delay;
}

static void into_history(struct room *room, struct step *step, const struct inbound *in,
                         const struct groupchat *message, int64_t at_us)
{
    const struct node *delay = dating(room, step, in);
    struct history_entry entry = {
        .frame = message->frame,
        .at_us = at_us,
        .dated = delay != NULL,
        .id_hash = hash_str(&room->env->hash_key, message->id),
    };
    if (!stamp_parse(node_attr(delay, NAME_STAMP), &entry.dated_us))
        entry.dated_us = at_us;
    memcpy(entry.stanza_id, message->stanza_id.at, STANZA_ID_BYTES);
    memcpy(entry.author, in->self->id, OCCUPANT_ID_BYTES);
    room_history_add(room, &entry);
}

struct archived *keeping_row(const struct room *room, struct step *step, const struct inbound *in,
                             const struct groupchat *message)
{
    struct archived *row = ARENA_NEW(step->arena, struct archived);
    *row = (struct archived){
        .id = message->stanza_id,
        .at_us = step->now_us,
        .sender_id = message->id,
        .archived = true,
        .xml = str_of(message->frame->bytes, message->frame->size),
        .address_at = message->frame->address_at,
        .tail_at = message->frame->tail_at,
    };
    if (in == NULL)
        return row;
    const struct node *delay = dating(room, step, in);
    row->nick = str_in(step->arena, occupant_nick(in->self));
    row->author = str_in(step->arena, occupant_id(in->self));
    row->jid = jid_full(in->from);
    row->affiliation = in->self->affiliation;
    row->role = in->self->role;
    row->body = node_text(node_find(in->root, NAME_BODY, NS_STANZA), step->arena);
    row->dated = delay != NULL && stamp_parse(node_attr(delay, NAME_STAMP), &row->dated_us);
    return row;
}

struct archived *keeping_wanted(const struct room *room, struct step *step,
                                const struct inbound *in, const struct groupchat *message)
{
    bool shown = groupchat_is_kept(in->root) && room->options.history > 0;
    bool archived = room->options.archive && groupchat_is_archived(in->root);
    if (!shown && !archived)
        return NULL;
    struct archived *row = keeping_row(room, step, in, message);
    row->history = shown;
    row->archived = archived;
    return row;
}

void keeping_show(struct room *room, struct step *step, const struct inbound *in,
                  const struct groupchat *message, int64_t at_us)
{
    if (groupchat_is_kept(in->root))
        into_history(room, step, in, message, at_us);
}

void keeping_look_up(const struct room *room, struct step *step, const struct inbound *in,
                     struct str stanza_id)
{
    struct archive_query *query = ARENA_NEW(step->arena, struct archive_query);
    struct str *id = ARENA_NEW(step->arena, struct str);
    *id = stanza_id;
    query->start_us = INT64_MIN;
    query->end_us = INT64_MAX;
    query->ids = id;
    query->id_count = 1;
    query->max = 1;
    if (in != NULL)
        effect_ask(step, in, query);
    else
        effect_ask_own(step, room->jid, query);
}

void keeping_message(struct room *room, struct step *step, const struct inbound *in,
                     const struct groupchat *message)
{
    keeping_show(room, step, in, message, step->now_us);
    if (!room_is_durable(room))
        return;
    const struct archived *row = keeping_wanted(room, step, in, message);
    /* What nobody can ask for later need not be there before it is seen. */
    if (row != NULL)
        effect_append(step, message->frame, row, room->options.archive);
}

/* ---- and back ---- */

/* What the room itself says has no author: newcomers are never shown it, and nobody takes it back.
 */
static bool is_from_occupant(const struct archived *row)
{
    return row->id.len == STANZA_ID_BYTES && row->author.len == OCCUPANT_ID_BYTES;
}

bool keeping_entry(const struct room *room, const struct archived *row, struct history_entry *entry)
{
    if (!is_from_occupant(row) || !archived_is_whole(row))
        return false;
    struct frame *frame = frame_of(row->xml, row->address_at, row->tail_at);
    ensure(frame != NULL);
    *entry = (struct history_entry){
        .frame = frame,
        .at_us = row->at_us,
        .dated_us = row->dated ? row->dated_us : row->at_us,
        .dated = row->dated,
        .retracted = row->retracted,
        .id_hash = hash_str(&room->env->hash_key, row->sender_id),
    };
    memcpy(entry->stanza_id, row->id.at, STANZA_ID_BYTES);
    memcpy(entry->author, row->author.at, OCCUPANT_ID_BYTES);
    return true;
}

/* ---- what was not kept ---- */

/* Its sender may have gone, or come back by another connection. */
static void tell_sender(struct room *room, struct step *step, const struct archived *message,
                        const struct refusal *refusal)
{
    const struct jid *to = str_present(message->jid) ? jid_parse(step->arena, message->jid) : NULL;
    const struct session *session = to == NULL ? NULL : session_find(room, message->jid);
    if (to == NULL)
        return;
    struct fb fb;
    fb_begin(&fb, step->arena, "message", jid_full(room->jid), STR("error"), message->sender_id);
    fb_refusal(&fb, refusal, jid_full(room->jid));
    struct frame *frame = fb_finish(&fb);
    if (session != NULL)
        effect_send(step, frame, session->route, session->address);
    else
        effect_route(step, frame, to);
}

void keeping_failed(struct room *room, struct step *step, const struct event *event)
{
    for (unsigned i = 0; i < event->append_failed.count; i++) {
        const struct archived *message = &event->append_failed.messages[i];
        room_history_drop(room, message->id);
        tell_sender(room, step, message, event->append_failed.refusal);
    }
}

/* ---- what is to be forgotten ---- */

/* As where a subject is retracted: everybody is told, so that all see the same. */
static void forget_subject(struct room *room, struct step *step, struct str author,
                           int64_t until_us)
{
    const struct subject *subject = &room->subject;
    if (subject->frame == NULL || subject->at_us > until_us ||
        !groupchat_is_by(str_of(subject->frame->bytes, subject->frame->size), author))
        return;
    room_subject_clear(room);
    effect_broadcast(step, groupchat_no_subject(room, step), room->roster, AUDIENCE_ALL);
}

void keeping_forget(struct room *room, struct step *step, struct str account, int64_t until_us)
{
    char author[OCCUPANT_ID_BYTES];
    if (!room_exists(room))
        return;
    if (!str_present(account)) {
        room_history_forget(room, NULL, until_us);
        return;
    }
    occupant_id_make(room, account, author);
    room_history_forget(room, author, until_us);
    forget_subject(room, step, str_of(author, sizeof(author)), until_us);
}
