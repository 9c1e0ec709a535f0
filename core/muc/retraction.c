#include "core/muc/retraction.h"

#include "core/muc/groupchat.h"
#include "core/xmpp/stamp.h"

void fb_moderated(struct fb *fb, const struct retraction *retraction)
{
    if (retraction->moderator == NULL)
        return;
    fb_open(fb, NAME_MODERATED, NS_MODERATE);
    fb_attr(fb, "by", jid_full(retraction->moderator->jid));
    fb_open(fb, NAME_OCCUPANT_ID, NS_OCCUPANT_ID);
    fb_attr_plain(fb, STR("id"), occupant_id(retraction->moderator));
    fb_close(fb);
    fb_close(fb);
}

static struct frame *tombstone(const struct room *room, struct step *step,
                               const struct history_entry *entry,
                               const struct retraction *retraction)
{
    struct fb fb;
    fb_begin_like(&fb, step->arena, entry->frame);
    if (entry->dated)
        fb_raw(&fb, stamp_delay(step->arena, STR_NONE, entry->dated_us));
    fb_open(&fb, NAME_RETRACTED, NS_RETRACT);
    fb_attr(&fb, "id", retraction->id);
    int64_t at_us = retraction->at_us != 0 ? retraction->at_us : step->now_us;
    fb_attr_plain(&fb, STR("stamp"), stamp_text(step->arena, at_us));
    fb_moderated(&fb, retraction);
    if (!str_empty(retraction->reason))
        fb_leaf(&fb, NAME_REASON, NS_RETRACT, retraction->reason);
    fb_close(&fb);
    fb_open(&fb, NAME_OCCUPANT_ID, NS_OCCUPANT_ID);
    fb_attr_plain(&fb, STR("id"), str_of(entry->author, OCCUPANT_ID_BYTES));
    fb_close(&fb);
    fb_stanza_id(&fb, room, str_of(entry->stanza_id, STANZA_ID_BYTES));
    return fb_finish(&fb);
}

struct change retraction_change(struct room *room, struct step *step,
                                const struct history_entry *entry,
                                const struct retraction *retraction)
{
    struct change change = {.kind = CHANGE_BURY};
    struct frame *frame = tombstone(room, step, entry, retraction);
    struct archived *row = ARENA_NEW(step->arena, struct archived);
    row->id = str_in(step->arena, str_of(entry->stanza_id, STANZA_ID_BYTES));
    row->xml = str_of(frame->bytes, frame->size);
    row->address_at = frame->address_at;
    row->tail_at = frame->tail_at;
    row->retracted = true;
    change.bury.tombstone = frame;
    change.bury.row = row;
    change.bury.clears_subject = groupchat_subject_is(room, row->id);
    return change;
}
