#include "shard/bounce.h"

#include "core/base/base.h"
#include "core/base/limits.h"
#include "core/base/log.h"
#include "core/base/mem.h"

static_assert(BOUNCES_MAX > INVITES_PER_MESSAGE, "each invitation of a message can come back");

/* The whole stanza as its recipient would have read it. NULL: larger than what anybody may send. */
static struct stanza *read_back(struct arena *arena, const struct frame *frame,
                                const struct jid *to)
{
    struct address *address = address_new(jid_full(to));
    struct buf text;
    buf_init(&text, arena);
    frame_write(frame, str_of(address->bytes, address->size), STR_NONE, &text);
    address_unref(address);
    return stanza_parse(buf_str(&text));
}

/* The error that answers `request`, and whom it is for. */
static struct bounce *answer(struct arena *arena, const struct node *request, const struct jid *to,
                             const struct refusal *refusal)
{
    if (node_is(request, NAME_PRESENCE, NS_STANZA))
        return NULL;
    struct jid *sender = jid_parse(NULL, node_attr(request, NAME_FROM));
    if (sender == NULL)
        return NULL;
    struct refuse_more more = {.by = jid_domain(to)};
    struct frame *frame = refusal_frame(arena, request, refusal, jid_full(to), &more);
    if (frame == NULL) {
        jid_free(sender);
        return NULL;
    }
    struct bounce *bounce = MEM_NEW(struct bounce);
    bounce->stanza = read_back(arena, frame, sender);
    bounce->from = jid_copy(to);
    bounce->to = sender;
    frame_unref(frame);
    return bounce;
}

void bounces_add(struct bounces *bounces, struct arena *arena, const struct frame *frame,
                 const struct jid *to, const struct refusal *refusal)
{
    if (bounces->count >= BOUNCES_MAX) {
        log_debug("too many undeliverable stanzas in one step: one is not reported back");
        return;
    }
    struct stanza *request = read_back(arena, frame, to);
    struct bounce *bounce = NULL;
    if (request != NULL)
        bounce = answer(arena, stanza_root(request), to, refusal);
    stanza_free(request);
    if (bounce != NULL && bounce->stanza == NULL) {
        bounce_free(bounce);
        bounce = NULL;
    }
    if (bounce == NULL)
        return;
    if (bounces->last != NULL)
        bounces->last->next = bounce;
    else
        bounces->first = bounce;
    bounces->last = bounce;
    bounces->count++;
}

struct bounce *bounces_take(struct bounces *bounces)
{
    struct bounce *bounce = bounces->first;
    if (bounce == NULL)
        return NULL;
    bounces->first = bounce->next;
    if (bounces->first == NULL)
        bounces->last = NULL;
    bounces->count--;
    bounce->next = NULL;
    return bounce;
}

void bounce_free(struct bounce *bounce)
{
    if (bounce == NULL)
        return;
    stanza_free(bounce->stanza);
    jid_free(bounce->from);
    jid_free(bounce->to);
    mem_free(bounce);
}
