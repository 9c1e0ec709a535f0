/*
 * An outgoing stanza: serialised once, immutable, shared by count. The bytes are final except for
 * two places noted while building:
 *
 *   <message from='lounge@rooms.example/Romeo' type='groupchat' id='a1'[address]> ...
 * [tail]</message>
 *
 * The address slot takes ` to='...'`, one per recipient; the tail slot takes what belongs to a kind
 * of delivery, not to the message: the <delay/> of a message sent again as history.
 *
 * No frame declares the namespace of stanzas: it is inherited from the stream, so the same bytes
 * suit a client and a component link. Every other element declares its own where it differs from
 * its parent's.
 *
 *              ref    unref   read
 *   any thread  ok      ok     ok       (the count is atomic; take one per lane, not per recipient)
 */
#ifndef CORE_XML_FRAME_H
#define CORE_XML_FRAME_H

#include "core/base/arena.h"
#include "core/base/str.h"
#include "core/xml/stanza.h"

#include <stdatomic.h>
#include <stdint.h>

struct frame {
    _Atomic uint32_t refs;
    uint32_t address_at;
    uint32_t tail_at;
    uint32_t size;
    bool farewell; /* its reader is outside of the room now; set before it is shared */
    char bytes[];
};

struct frame *frame_ref(struct frame *frame);
void frame_unref(struct frame *frame); /* NULL allowed */

/* A frame from the bytes and places of an earlier one, which was stored: do they look like one? */
bool frame_fits(struct str bytes, uint32_t address_at, uint32_t tail_at);
/* Heap, one reference, the caller's; NULL: they do not. */
struct frame *frame_of(struct str bytes, uint32_t address_at, uint32_t tail_at);

/* A recipient's ` to='...'` (with the leading blank, escaped), shared by count like a frame. */
struct address {
    _Atomic uint32_t refs;
    uint32_t size;
    char bytes[];
};

struct address *address_new(struct str jid);
struct address *address_ref(struct address *address);
void address_unref(struct address *address); /* NULL allowed */

/* Is it a "message", "presence" or "iq"? */
bool frame_is(const struct frame *frame, struct str stanza);

/* The whole stanza for one recipient, appended; `address` and `tail` may be absent. For tests and
 * for those who copy. */
void frame_write(const struct frame *frame, struct str address, struct str tail, struct buf *out);

/* ---- builder ---- */

/* Lives in an arena; nothing to free. Misuse (unbalanced, attribute after content) is ensure(). */
struct fb {
    struct buf out;
    struct arena *arena;
    uint32_t address_at;
    uint32_t tail_at;
    unsigned depth;
    bool tag_open; /* inside a start tag: attributes may follow */
    struct fb_level {
        uint32_t name_at, name_len; /* where the name stands in `out` */
        struct str ns;              /* STR_NONE: the stanza's */
    } levels[72];
};

/* Begins a stanza: "message", "presence" or "iq", and opens its start tag. `from`, `type`, `id` are
 * written if present; then comes the address slot. More attributes may follow (xml:lang). */
void fb_begin(struct fb *fb, struct arena *arena, const char *stanza, struct str from,
              struct str type, struct str id);

/* Begins a stanza that has the name, from, type and id of another; more attributes may follow. */
void fb_begin_like(struct fb *fb, struct arena *arena, const struct frame *frame);

/* Opens a child of the stanza namespace (NS_STANZA), of none (NS_NONE) or of another; xmlns is
 * written when the namespace differs from the parent's. As text, an absent `ns` is the stanza's and
 * an empty one is none. */
void fb_open(struct fb *fb, enum name name, enum ns ns);
void fb_open_str(struct fb *fb, struct str name, struct str ns);
/* Attributes of the element opened last. Absent values are left out, empty ones written. */
void fb_attr_str(struct fb *fb, struct str name, struct str value);
/* Inline: the length of a literal is then known to the compiler. */
static inline void fb_attr(struct fb *fb, const char *name, struct str value)
{
    fb_attr_str(fb, str_z(name), value);
}
/* A value that needs no escaping, because we made it ourselves: digits, constants. */
void fb_attr_plain(struct fb *fb, struct str name, struct str value);
void fb_attr_u64(struct fb *fb, const char *name, uint64_t value);
void fb_lang(struct fb *fb, struct str lang); /* xml:lang */
void fb_text(struct fb *fb, struct str text); /* escaped */
void fb_close(struct fb *fb);
/* Whole element in one call. */
void fb_leaf(struct fb *fb, enum name name, enum ns ns, struct str text);
void fb_empty(struct fb *fb, enum name name, enum ns ns);

/* A received element with everything inside, namespaces kept. */
void fb_node(struct fb *fb, const struct node *node);
/* The children of a received element for which `keep` says true, texts left out (NULL: all, texts
 * included). */
void fb_children(struct fb *fb, const struct node *node,
                 bool (*keep)(const struct node *child, void *self), void *self);
/* Serialised XML that is complete in itself (every element declares its namespace or is the
 * stanza's). */
void fb_raw(struct fb *fb, struct str xml);

/* Ends the stanza. Heap, one reference, the caller's. Everything opened must be closed, save the
 * stanza itself. */
struct frame *fb_finish(struct fb *fb);

/* The same pieces without a stanza around: text of the children only (cached payloads, tails). */
void fb_begin_fragment(struct fb *fb, struct arena *arena);
struct str fb_finish_fragment(struct fb *fb); /* in the arena */

/* Escapes for text and for attributes alike. Control characters that XML cannot carry become
 * U+FFFD. */
void xml_escape(struct buf *out, struct str text);

#endif
