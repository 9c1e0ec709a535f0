#include "core/xml/frame.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "core/base/refs.h"

#include <stdio.h>

/* ---- counted objects ---- */

struct frame *frame_ref(struct frame *frame)
{
    refs_hold(&frame->refs);
    return frame;
}

void frame_unref(struct frame *frame)
{
    if (frame != NULL && refs_let_go(&frame->refs))
        mem_free(frame);
}

/* The name in the start tag: behind '<', up to a blank or the tag's end. */
static struct str frame_name(struct str bytes, uint32_t address_at)
{
    size_t len = 0;
    if (address_at < 2 || bytes.at[0] != '<')
        return STR_NONE;
    while (1 + len < address_at && bytes.at[1 + len] != ' ' && bytes.at[1 + len] != '>')
        len++;
    return str_of(bytes.at + 1, len);
}

/* Behind the name or a value, not inside of one: those stand in apostrophes. */
static bool between_attributes(struct str bytes, uint32_t address_at)
{
    bool inside = false;
    for (uint32_t i = 0; i < address_at; i++) {
        if (bytes.at[i] == '>')
            return false;
        inside = inside != (bytes.at[i] == '\'');
    }
    return !inside && (bytes.at[address_at] == ' ' || bytes.at[address_at] == '>');
}

bool frame_fits(struct str bytes, uint32_t address_at, uint32_t tail_at)
{
    if (bytes.len > FRAME_BYTES_MAX || address_at >= tail_at || tail_at >= bytes.len)
        return false;
    struct str name = frame_name(bytes, address_at);
    struct str end = str_of(bytes.at + tail_at, bytes.len - tail_at);
    return name.len > 0 && between_attributes(bytes, address_at) && end.len == name.len + 3 &&
           end.at[0] == '<' && end.at[1] == '/' && str_eq(str_of(end.at + 2, name.len), name) &&
           end.at[end.len - 1] == '>';
}

static struct frame *frame_new(struct str bytes, uint32_t address_at, uint32_t tail_at)
{
    struct frame *frame = mem_raw(sizeof(*frame) + bytes.len);
    atomic_init(&frame->refs, 1);
    frame->address_at = address_at;
    frame->tail_at = tail_at;
    frame->size = (uint32_t)bytes.len;
    frame->farewell = false;
    memcpy(frame->bytes, bytes.at, bytes.len);
    return frame;
}

struct frame *frame_of(struct str bytes, uint32_t address_at, uint32_t tail_at)
{
    return frame_fits(bytes, address_at, tail_at) ? frame_new(bytes, address_at, tail_at) : NULL;
}

struct address *address_new(struct str jid)
{
    struct buf out;
    buf_init(&out, NULL);
    buf_add(&out, STR(" to='"));
    xml_escape(&out, jid);
    buf_addc(&out, '\'');
    struct address *address = mem_raw(sizeof(*address) + out.len);
    atomic_init(&address->refs, 1);
    address->size = (uint32_t)out.len;
    memcpy(address->bytes, out.at, out.len);
    buf_free(&out);
    return address;
}

struct address *address_ref(struct address *address)
{
    refs_hold(&address->refs);
    return address;
}

void address_unref(struct address *address)
{
    if (address != NULL && refs_let_go(&address->refs))
        mem_free(address);
}

bool frame_is(const struct frame *frame, struct str stanza)
{
    /* fb_begin() puts nothing between them, and a blank or the end of the tag behind them. */
    return frame->size > stanza.len + 1 && memcmp(frame->bytes + 1, stanza.at, stanza.len) == 0 &&
           strchr(" />", frame->bytes[stanza.len + 1]) != NULL;
}

void frame_write(const struct frame *frame, struct str address, struct str tail, struct buf *out)
{
    buf_add(out, str_of(frame->bytes, frame->address_at));
    buf_add(out, address);
    buf_add(out, str_of(frame->bytes + frame->address_at, frame->tail_at - frame->address_at));
    buf_add(out, tail);
    buf_add(out, str_of(frame->bytes + frame->tail_at, frame->size - frame->tail_at));
}

/* ---- escaping ---- */

/* What stands for a byte, NULL if it stands for itself. In text, quotes and white space may stay as
 * they are; not so a carriage return, which a reader would turn into a line feed. */
static const char *replacement(unsigned char byte, bool attribute)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '\r':
        return "&#13;";
    case '\'':
        return attribute ? "&apos;" : NULL;
    case '"':
        return attribute ? "&quot;" : NULL;
    case '\n':
        return attribute ? "&#10;" : NULL;
    case '\t':
        return attribute ? "&#9;" : NULL;
    default:
        return byte < 0x20 ? "\xef\xbf\xbd" : NULL;
    }
}

/* One bit per byte below 64: control characters, & < > ' and ". */
static bool may_need_escape(unsigned char byte)
{
    static const uint64_t bits = UINT64_C(0xffffffff) | UINT64_C(1) << '&' | UINT64_C(1) << '<' |
                                 UINT64_C(1) << '>' | UINT64_C(1) << '\'' | UINT64_C(1) << '"';
    return byte < 64 && (bits >> byte & 1) != 0;
}

#define EACH_BYTE(byte) (UINT64_C(0x0101010101010101) * (byte))

/* The high bit of each of eight bytes that is to be looked at, and perhaps of some behind it. A
 * byte less 1 borrows if it was 0: so `&` and `'`, which differ in their last bit only, are found
 * by one subtraction, and so are `<` and `>`. */
static bool word_may_need_escape(const char *at)
{
    uint64_t word;
    memcpy(&word, at, sizeof(word));
    uint64_t control = word - EACH_BYTE(0x20);
    uint64_t amp_or_apos = ((word | EACH_BYTE(1)) ^ EACH_BYTE('\'')) - EACH_BYTE(1);
    uint64_t lt_or_gt = ((word | EACH_BYTE(2)) ^ EACH_BYTE('>')) - EACH_BYTE(1);
    uint64_t quote = (word ^ EACH_BYTE('"')) - EACH_BYTE(1);
    return ((control | amp_or_apos | lt_or_gt | quote) & ~word & EACH_BYTE(0x80)) != 0;
}

/* The first byte from `i` on that has to be looked at; most text has none, so eight at a time. */
static size_t next_to_escape(struct str text, size_t i)
{
    while (i + 8 <= text.len && !word_may_need_escape(text.at + i))
        i += 8;
    /* The last few once more with those before them, rather than one by one. */
    if (i < text.len && i + 8 > text.len && text.len >= 8 &&
        !word_may_need_escape(text.at + text.len - 8))
        return text.len;
    while (i < text.len && !may_need_escape((unsigned char)text.at[i]))
        i++;
    return i;
}

static void escape(struct buf *out, struct str text, bool attribute)
{
    size_t from = 0;
    for (size_t i = next_to_escape(text, 0); i < text.len; i = next_to_escape(text, i + 1)) {
        const char *instead = replacement((unsigned char)text.at[i], attribute);
        if (instead == NULL)
            continue;
        buf_add(out, str_of(text.at + from, i - from));
        buf_addz(out, instead);
        from = i + 1;
    }
    buf_add(out, str_of(text.at + from, text.len - from));
}

void xml_escape(struct buf *out, struct str text)
{
    escape(out, text, true);
}

/* ---- builder ---- */

/* What a frame is built in at first: nearly all of them fit. */
enum { FIRST_BYTES = 1024 };

/* The namespace an element without xmlns would be in here; absent: the stanza's. */
static struct str current_ns(const struct fb *fb)
{
    return fb->depth > 0 ? fb->levels[fb->depth - 1].ns : STR_NONE;
}

static void end_tag(struct fb *fb)
{
    if (fb->tag_open) {
        buf_addc(&fb->out, '>');
        fb->tag_open = false;
    }
}

static bool same_ns(struct str a, struct str b)
{
    return str_present(a) == str_present(b) && (a.at == b.at || str_eq(a, b));
}

/* True: the namespace has to be declared. */
static bool open_tag(struct fb *fb, struct str name, struct str ns)
{
    ensure(fb->depth < ARRAY_LEN(fb->levels));
    ensure(name.len > 0);
    end_tag(fb);
    char *at = buf_reserve(&fb->out, name.len + 1);
    *at++ = '<';
    memcpy(at, name.at, name.len);
    struct fb_level *level = &fb->levels[fb->depth];
    level->name_at = (uint32_t)fb->out.len + 1;
    level->name_len = (uint32_t)name.len;
    level->ns = ns;
    fb->out.len += name.len + 1;
    fb->tag_open = true;
    struct str around = current_ns(fb);
    fb->depth++;
    return !same_ns(ns, around);
}

/* `ns` as a level keeps it: absent is the stanza's. */
static void open_element(struct fb *fb, struct str name, struct str ns)
{
    if (open_tag(fb, name, ns))
        fb_attr(fb, "xmlns", str_present(ns) ? ns : token_ns_uri(NS_STANZA));
}

void fb_begin(struct fb *fb, struct arena *arena, const char *stanza, struct str from,
              struct str type, struct str id)
{
    fb_begin_fragment(fb, arena);
    (void)buf_reserve(&fb->out, FIRST_BYTES);
    open_element(fb, str_z(stanza), STR_NONE);
    fb_attr(fb, "from", from);
    fb_attr(fb, "type", type);
    fb_attr(fb, "id", id);
    fb->address_at = (uint32_t)fb->out.len;
}

void fb_begin_like(struct fb *fb, struct arena *arena, const struct frame *frame)
{
    const char *name_end = memchr(frame->bytes, ' ', frame->address_at);
    struct str head = str_of(frame->bytes, frame->address_at);
    struct str name = name_end == NULL ? head : str_of(head.at, (size_t)(name_end - head.at));
    ensure(name.len > 1);
    fb_begin_fragment(fb, arena);
    open_element(fb, str_of(name.at + 1, name.len - 1), STR_NONE);
    /* What follows the name is attributes, escaped already. */
    buf_add(&fb->out, str_of(head.at + name.len, head.len - name.len));
    fb->address_at = frame->address_at;
}

void fb_open(struct fb *fb, enum name name, enum ns ns)
{
    struct str uri = token_ns_uri(ns);
    if (open_tag(fb, token_name_text(name), ns == NS_STANZA ? STR_NONE : uri))
        fb_attr_plain(fb, STR("xmlns"), uri);
}

void fb_open_str(struct fb *fb, struct str name, struct str ns)
{
    open_element(fb, name, token_ns(ns) == NS_STANZA ? STR_NONE : ns);
}

void fb_attr_plain(struct fb *fb, struct str name, struct str value)
{
    ensure(fb->tag_open);
    char *at = buf_reserve(&fb->out, name.len + value.len + 4);
    *at++ = ' ';
    memcpy(at, name.at, name.len);
    at += name.len;
    *at++ = '=';
    *at++ = '\'';
    memcpy(at, value.at, value.len);
    at[value.len] = '\'';
    fb->out.len += name.len + value.len + 4;
}

void fb_attr_str(struct fb *fb, struct str name, struct str value)
{
    ensure(fb->tag_open);
    if (!str_present(value))
        return;
    if (next_to_escape(value, 0) == value.len) {
        fb_attr_plain(fb, name, value);
        return;
    }
    buf_addc(&fb->out, ' ');
    buf_add(&fb->out, name);
    buf_add(&fb->out, STR("='"));
    escape(&fb->out, value, true);
    buf_addc(&fb->out, '\'');
}

void fb_attr_u64(struct fb *fb, const char *name, uint64_t value)
{
    /* By hand: every presence has a status code, and printf takes longer than the rest of it. */
    char digits[24];
    size_t at = sizeof(digits);
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value > 0);
    fb_attr_plain(fb, str_z(name), str_of(digits + at, sizeof(digits) - at));
}

void fb_lang(struct fb *fb, struct str lang)
{
    fb_attr(fb, "xml:lang", lang);
}

void fb_text(struct fb *fb, struct str text)
{
    if (text.len == 0)
        return;
    end_tag(fb);
    escape(&fb->out, text, false);
}

static void close_element(struct fb *fb, bool may_be_empty)
{
    ensure(fb->depth > 0);
    struct fb_level *level = &fb->levels[--fb->depth];
    if (fb->tag_open && may_be_empty) {
        buf_add(&fb->out, STR("/>"));
        fb->tag_open = false;
        return;
    }
    end_tag(fb);
    char *at = buf_reserve(&fb->out, level->name_len + 3);
    *at++ = '<';
    *at++ = '/';
    memcpy(at, fb->out.at + level->name_at, level->name_len);
    at[level->name_len] = '>';
    fb->out.len += level->name_len + 3;
}

void fb_close(struct fb *fb)
{
    /* The stanza itself is closed by fb_finish(), which knows where the tail goes. */
    ensure(fb->depth > (fb->address_at > 0 ? 1 : 0));
    close_element(fb, true);
}

void fb_leaf(struct fb *fb, enum name name, enum ns ns, struct str text)
{
    fb_open(fb, name, ns);
    fb_text(fb, text);
    fb_close(fb);
}

void fb_empty(struct fb *fb, enum name name, enum ns ns)
{
    fb_open(fb, name, ns);
    fb_close(fb);
}

/* ---- received elements ---- */

/* An attribute with a namespace needs a prefix: those received are gone, so they are numbered. */
static void copy_prefixed(struct fb *fb, const struct node *node, unsigned i)
{
    const struct attr *attr = node_attr_at(node, i);
    struct str ns = attr_ns(node, attr);
    unsigned first = 0;
    while (first < i && !str_eq(attr_ns(node, node_attr_at(node, first)), ns))
        first++;
    char prefix[32];
    if (first == i) {
        snprintf(prefix, sizeof(prefix), "xmlns:ns%u", i + 1);
        fb_attr(fb, prefix, ns);
    }
    snprintf(prefix, sizeof(prefix), " ns%u:", first + 1);
    buf_addz(&fb->out, prefix);
}

static void copy_attr(struct fb *fb, const struct node *node, unsigned i)
{
    const struct attr *attr = node_attr_at(node, i);
    if (attr->ns == NS_NONE)
        buf_addc(&fb->out, ' ');
    else if (attr->ns == NS_XML)
        buf_add(&fb->out, STR(" xml:"));
    else
        copy_prefixed(fb, node, i);
    buf_add(&fb->out, attr_name(node, attr));
    buf_add(&fb->out, STR("='"));
    escape(&fb->out, attr_value(node, attr), true);
    buf_addc(&fb->out, '\'');
}

void fb_node(struct fb *fb, const struct node *node)
{
    if (node == NULL)
        return;
    if (node_is_text(node)) {
        fb_text(fb, node_text_bytes(node));
        return;
    }
    open_element(fb, node_name(node), node->ns == NS_STANZA ? STR_NONE : node_ns(node));
    for (unsigned i = 0; i < node->attr_count; i++)
        copy_attr(fb, node, i);
    /* As deep as the parser lets through, STANZA_DEPTH_MAX. */
    for (const struct node *child = node_first_any(node); child; child = node_next_any(child))
        fb_node(fb, child);
    close_element(fb, true);
}

void fb_children(struct fb *fb, const struct node *node,
                 bool (*keep)(const struct node *child, void *self), void *self)
{
    for (const struct node *child = node_first_any(node); child; child = node_next_any(child)) {
        if (keep == NULL || (!node_is_text(child) && keep(child, self)))
            fb_node(fb, child);
    }
}

void fb_raw(struct fb *fb, struct str xml)
{
    if (xml.len == 0)
        return;
    end_tag(fb);
    buf_add(&fb->out, xml);
}

/* ---- the end ---- */

struct frame *fb_finish(struct fb *fb)
{
    ensure(fb->depth == 1 && fb->address_at > 0);
    end_tag(fb);
    fb->tail_at = (uint32_t)fb->out.len;
    close_element(fb, false);
    ensure(fb->out.len <= FRAME_BYTES_MAX);
    return frame_new(str_of(fb->out.at, fb->out.len), fb->address_at, fb->tail_at);
}

void fb_begin_fragment(struct fb *fb, struct arena *arena)
{
    buf_init(&fb->out, arena);
    fb->arena = arena;
    fb->address_at = 0;
    fb->tail_at = 0;
    fb->depth = 0;
    fb->tag_open = false;
}

struct str fb_finish_fragment(struct fb *fb)
{
    ensure(fb->depth == 0 && fb->address_at == 0);
    return buf_str(&fb->out);
}
