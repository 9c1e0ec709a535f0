/*
 * What is left of a message that is forgotten.
 */
#include "core/record/record.h"

#include "core/xml/frame.h"

static void placeholder_id(struct fb *fb, enum name name, enum ns ns, struct str by, struct str id)
{
    fb_open(fb, name, ns);
    if (str_present(by))
        fb_attr(fb, "by", by);
    fb_attr(fb, "id", id);
    fb_close(fb);
}

struct archived record_placeholder(struct arena *arena, struct str room,
                                   const struct archived *message)
{
    struct archived left = *message;
    struct fb fb;
    struct str from = str_fmt(arena, "%.*s/%.*s", (int)room.len, room.at, (int)message->nick.len,
                              message->nick.at);
    fb_begin(&fb, arena, "message", from, STR("groupchat"), STR_NONE);
    if (str_present(message->author))
        placeholder_id(&fb, NAME_OCCUPANT_ID, NS_OCCUPANT_ID, STR_NONE, message->author);
    placeholder_id(&fb, NAME_STANZA_ID, NS_STANZA_ID, room, message->id);
    struct frame *frame = fb_finish(&fb);
    left.xml = str_in(arena, str_of(frame->bytes, frame->size));
    left.address_at = frame->address_at;
    left.tail_at = frame->tail_at;
    left.body = STR_NONE;
    left.sender_id = STR_NONE;
    left.history = false;
    left.retracted = true;
    frame_unref(frame);
    return left;
}
