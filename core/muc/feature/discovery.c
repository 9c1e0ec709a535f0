/*
 * What a room tells about itself to whoever asks: what it is called, what it supports (each feature
 * says so itself, so nothing is advertised that is not there), how it is set up, who is inside if
 * the owner wants that known, and to an account the nickname it has reserved.
 * @xep 0045 1.35.5 #disco-roominfo #disco-roomitems #reservednick.name #reservednick.none
 * @xep 0045 1.35.5 #reservednick.inside #reservednick.unsupported #registrar-formtype-roominfo
 * @xep 0045 1.35.5 #impl-service-traffic #entity
 * @xep 0030 2.5.0 #info #items
 * @xep 0128 1.0.1 #examples-muc
 * @xep 0115 1.6.0 #discover
 */
#include "core/muc/feature.h"

#include "core/xmpp/caps.h"
#include "core/xmpp/disco.h"

#define NODE_NICK    "x-roomuser-item"
#define NODE_TRAFFIC "http://jabber.org/protocol/muc#traffic"
#define ROOMINFO     STR("http://jabber.org/protocol/muc#roominfo")

/* ---- disco#info ---- */

static void open_query(struct fb *fb, struct step *step, const struct inbound *in, enum ns ns)
{
    reply_begin(fb, step, in);
    fb_open(fb, NAME_QUERY, ns);
    fb_attr(fb, "node", node_attr(in->payload, NAME_NODE));
}

static enum step_outcome answer(struct step *step, const struct inbound *in, struct fb *fb)
{
    fb_close(fb);
    reply(step, in, fb_finish(fb));
    return STEP_DONE;
}

static void write_options(struct fb *fb, const struct feature *feature,
                          const struct room_options *options)
{
    for (unsigned i = 0; i < feature->option_count; i++)
        option_write_info(fb, &feature->options[i], options);
}

static struct frame *room_info(struct room *room, struct step *step, const struct inbound *in)
{
    struct str name = room->options.name;
    struct fb fb;

    open_query(&fb, step, in, NS_DISCO_INFO);
    fb_identity(&fb, "conference", "text", str_empty(name) ? jid_local(room->jid) : name);
    fb_feature_ns(&fb, NS_MUC);
    fb_feature_ns(&fb, NS_DISCO_INFO);
    fb_feature_ns(&fb, NS_DISCO_ITEMS);
    for (unsigned i = 0; i < features_count; i++) {
        if (features_all[i]->disco != NULL)
            features_all[i]->disco(room, &fb);
    }
    fb_form_begin_str(&fb, "result", ROOMINFO);
    for (unsigned i = 0; i < features_count; i++) {
        write_options(&fb, features_all[i], &room->options);
        if (features_all[i]->disco_form != NULL)
            features_all[i]->disco_form(room, &fb);
    }
    fb_close(&fb);
    fb_close(&fb);
    return fb_finish(&fb);
}

/* Is `hash` that of what is answered (0115)? A room's presence never says one, but a client may
 * have made it of an earlier answer. */
static bool is_hash_of(struct step *step, const struct frame *info, struct str hash)
{
    const struct muc_crypto *crypto = step->env->crypto;
    struct buf text;

    buf_init(&text, step->arena);
    frame_write(info, STR_NONE, STR_NONE, &text);
    struct stanza *stanza = stanza_parse(buf_str(&text));
    const struct node *query = node_find(stanza_root(stanza), NAME_QUERY, NS_DISCO_INFO);
    struct str caps = caps_text(step->arena, query);
    stanza_free(stanza);
    return str_eq(crypto->caps_hash(crypto->self, step->arena, caps), hash);
}

static enum step_outcome info_by_hash(struct room *room, struct step *step,
                                      const struct inbound *in, struct str hash)
{
    struct frame *info = room_info(room, step, in);

    if (is_hash_of(step, info, hash)) {
        reply(step, in, info);
        return STEP_DONE;
    }
    frame_unref(info);
    return refuse(room, step, in, &refusal_ITEM_NOT_FOUND);
}

/* What stands behind the last '#', STR_NONE if there is none. */
static struct str hash_in(struct str node)
{
    const char *mark = memrchr(node.at, '#', node.len);

    return mark == NULL ? STR_NONE : str_of(mark + 1, (size_t)(node.at + node.len - mark) - 1);
}

/* The nickname the asker has reserved; nothing at all if there is none (SEMANTICS 7.15). */
static enum step_outcome own_nick(struct room *room, struct step *step, const struct inbound *in)
{
    const struct affiliate *row = room_affiliate(room, jid_bare(in->from));
    struct fb fb;

    if (!room->options.registration)
        return refuse(room, step, in, &refusal_REGISTRATION_OFF);
    open_query(&fb, step, in, NS_DISCO_INFO);
    if (row != NULL && !str_empty(row->nick))
        fb_identity(&fb, "conference", "text", row->nick);
    return answer(step, in, &fb);
}

static enum step_outcome info(struct room *room, struct step *step, const struct inbound *in)
{
    struct str node = node_attr(in->payload, NAME_NODE);

    if (inbound_is_kept_out(room, in))
        return refuse(room, step, in, &refusal_ROOM_MISSING);
    if (str_empty(node)) {
        reply(step, in, room_info(room, step, in));
        return STEP_DONE;
    }
    if (str_eqz(node, NODE_NICK))
        return own_nick(room, step, in);
    /* The list of what a room does not let through: it lets everything through. */
    if (str_eqz(node, NODE_TRAFFIC))
        return refuse(room, step, in, &refusal_SERVICE_UNAVAILABLE);
    if (!str_empty(hash_in(node)))
        return info_by_hash(room, step, in, hash_in(node));
    return refuse(room, step, in, &refusal_ITEM_NOT_FOUND);
}

/* ---- disco#items ---- */

/* The occupants anybody may know of, and which of them are asked for: at[from] to at[to - 1]. */
struct page {
    const struct occupant **at;
    uint64_t count;
    uint64_t from, to;
};

static void collect(const struct room *room, struct step *step, struct page *page)
{
    const struct occupant *occupant;

    page->at = ARENA_NEW_ARRAY(step->arena, const struct occupant *, room->occupant_count);
    occupant_each (room, at, occupant) {
        if (presence_shown(room, occupant))
            page->at[page->count++] = occupant;
    }
}

static bool find(const struct page *page, struct str jid, uint64_t *index)
{
    for (uint64_t i = 0; i < page->count; i++) {
        if (str_eq(jid_full(page->at[i]->jid), jid)) {
            *index = i;
            return true;
        }
    }
    return false;
}

/* False: it starts from an occupant who is not there. */
static bool choose(struct page *page, const struct rsm_request *rsm)
{
    uint64_t max = rsm->has_max && rsm->max < DISCO_ITEMS_PAGE ? rsm->max : DISCO_ITEMS_PAGE;
    uint64_t index;

    page->from = rsm->has_index && rsm->index < page->count ? rsm->index : 0;
    page->to = page->count;
    if (rsm->has_index && rsm->index >= page->count)
        page->from = page->count;
    if (!str_empty(rsm->after)) {
        if (!find(page, rsm->after, &index))
            return false;
        page->from = index + 1;
    }
    if (!str_empty(rsm->before)) {
        if (!find(page, rsm->before, &index))
            return false;
        page->to = index;
    }
    if (page->to < page->from)
        page->to = page->from;
    if (page->to - page->from <= max)
        return true;
    if (rsm->backwards)
        page->from = page->to - max;
    else
        page->to = page->from + max;
    return true;
}

static void write_page(struct fb *fb, const struct page *page, const struct rsm_request *rsm)
{
    bool some = page->to > page->from;

    for (uint64_t i = page->from; i < page->to; i++)
        fb_disco_item(fb, jid_full(page->at[i]->jid), occupant_nick(page->at[i]));
    if (!rsm->present && page->to == page->count)
        return;
    fb_rsm(fb, some ? jid_full(page->at[page->from]->jid) : STR_NONE, page->from,
           some ? jid_full(page->at[page->to - 1]->jid) : STR_NONE, page->count);
}

static enum step_outcome items(struct room *room, struct step *step, const struct inbound *in)
{
    struct rsm_request rsm = rsm_read(step->arena, in->payload);
    struct page page = {.count = 0};
    struct fb fb;

    if (inbound_is_kept_out(room, in))
        return refuse(room, step, in, &refusal_ROOM_MISSING);
    if (!str_empty(node_attr(in->payload, NAME_NODE)))
        return refuse(room, step, in, &refusal_ITEM_NOT_FOUND);
    if (rsm.malformed)
        return refuse(room, step, in, &refusal_BAD_REQUEST);
    if (room->options.public_list)
        collect(room, step, &page);
    if (!choose(&page, &rsm))
        return refuse(room, step, in, &refusal_ITEM_NOT_FOUND);
    open_query(&fb, step, in, NS_DISCO_ITEMS);
    write_page(&fb, &page, &rsm);
    return answer(step, in, &fb);
}

static const struct option options[] = {
    {
        .id = OPTION_ID_CONCEAL,
        .name = "conceal",
        .field = "x-conceal",
        .label = "Keep a room that is hidden and members-only secret from strangers",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, conceal),
        .preset = "off",
        .help = "a room that is hidden and members-only is, for strangers who ask about it, not "
                "there",
    },
};

static const struct handler handlers[] = {
    {.kinds = KIND_IQ,
     .targets = TARGET_ROOM,
     .types = TYPE_GET,
     .name = NAME_QUERY,
     .ns = NS_DISCO_INFO,
     .run = info},
    {.kinds = KIND_IQ,
     .targets = TARGET_ROOM,
     .types = TYPE_GET,
     .name = NAME_QUERY,
     .ns = NS_DISCO_ITEMS,
     .run = items},
};

const struct feature feature_discovery = {
    .name = "discovery",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
};
