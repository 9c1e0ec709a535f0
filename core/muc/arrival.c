#include "core/muc/arrival.h"

#include "core/muc/presence.h"
#include "core/muc/room.h"
#include "core/xml/frame.h"

static bool not_status(const struct node *child, void *self)
{
    UNUSED(self);
    return !node_is(child, NAME_STATUS, NS_STANZA);
}

/* The payload is our own serialisation, complete in itself; only rooms that keep their visitors
 * from having a status pay for reading it again. */
static struct str without_status(struct arena *arena, struct str payload)
{
    struct buf whole;
    buf_init(&whole, arena);
    buf_addz(&whole, "<presence>");
    buf_add(&whole, payload);
    buf_addz(&whole, "</presence>");
    struct stanza *stanza = stanza_parse(buf_str(&whole));
    if (stanza == NULL)
        return STR_NONE; /* nested to the very limit of depth */
    struct fb fb;
    fb_begin_fragment(&fb, arena);
    fb_children(&fb, stanza_root(stanza), not_status, NULL);
    struct str rest = fb_finish_fragment(&fb);
    stanza_free(stanza);
    return rest;
}

bool arrival_read(const struct room *room, struct step *step, const struct inbound *in,
                  enum role role, struct arrival *arrival)
{
    *arrival = (struct arrival){.lang = node_attr_ns(in->root, NAME_LANG, NS_XML)};
    if (!presence_payload(room, step, in->root, &arrival->payload, &arrival->priority) ||
        arrival->payload.len + arrival->lang.len > PRESENCE_BYTES_MAX)
        return false;
    if (role == ROLE_VISITOR && !room->options.visitor_status &&
        node_find(in->root, NAME_STATUS, NS_STANZA) != NULL)
        arrival->payload = without_status(step->arena, arrival->payload);
    return true;
}

bool arrival_apply(struct room *room, struct session *session, const struct arrival *arrival)
{
    return session_set_presence(room, session, arrival->payload, arrival->lang, arrival->priority);
}
