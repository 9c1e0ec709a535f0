/*
 * The room's archive: who may enter may read it, inside or not. Real addresses are added for those
 * who may see them now. What is archived is decided in core/muc/keeping.c.
 * @xep 0313 1.1.3 #query #filter #results #query-paging #query-paging-flip #archive-metadata
 * @xep 0313 1.1.3 #business-storeret-muc-archives #business-ids #support
 * @xep 0431 0.2.0 #querying
 * @xep 0045 1.35.5 #enter-history
 */
#include "core/base/err.h"
#include "core/muc/archive_query.h"
#include "core/muc/feature.h"

#include "core/xmpp/disco.h"
#include "core/xmpp/stamp.h"

/* ---- who may ---- */

/* May enter now. Of a password only those inside can be known to have it (SEMANTICS 11.3.1). */
static bool may_read(const struct room *room, const struct inbound *in)
{
    if (in->affiliation == AFF_OUTCAST)
        return false;
    bool known = in->affiliation >= AFF_MEMBER;
    if (room->options.members_only && !known)
        return false;
    return str_empty(room->options.password) || known || in->self != NULL;
}

static bool sees_jids(const struct room *room, const struct inbound *in)
{
    return room->options.whois == WHOIS_ANYONE || in->affiliation >= AFF_ADMIN ||
           (in->self != NULL && in->self->role == ROLE_MODERATOR);
}

static const struct refusal *denied(const struct room *room, const struct inbound *in)
{
    if (inbound_is_kept_out(room, in))
        return &refusal_ROOM_MISSING;
    if (!may_read(room, in))
        return &refusal_ARCHIVE_DENIED;
    return room->env->settings->durable ? NULL : &refusal_ARCHIVE_NONE;
}

/* ---- the question ---- */

static enum step_outcome ask(struct room *room, struct step *step, const struct inbound *in)
{
    struct archive_request request;
    const struct refusal *refusal = denied(room, in);
    if (refusal == NULL)
        refusal = archive_request_read(step, in, sees_jids(room, in), &request);
    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    struct archive_query *query = ARENA_NEW(step->arena, struct archive_query);
    *query = request.query;
    effect_ask(step, in, query);
    return STEP_DONE;
}

static enum step_outcome ask_metadata(struct room *room, struct step *step,
                                      const struct inbound *in)
{
    const struct refusal *refusal = denied(room, in);
    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    struct archive_query *query = ARENA_NEW(step->arena, struct archive_query);
    query->start_us = INT64_MIN;
    query->end_us = INT64_MAX;
    query->metadata = true;
    effect_ask(step, in, query);
    return STEP_DONE;
}

static enum step_outcome tell_form(struct room *room, struct step *step, const struct inbound *in)
{
    const struct refusal *refusal = denied(room, in);
    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    struct fb fb;
    reply_begin(&fb, step, in);
    fb_open(&fb, NAME_QUERY, NS_MAM);
    archive_query_form(&fb, room->env->settings->full_text);
    fb_close(&fb);
    reply(step, in, fb_finish(&fb));
    return STEP_DONE;
}

/* ---- the answer ---- */

static const struct str begin = {"<message", sizeof("<message") - 1};
static const struct str end = {"</message>", sizeof("</message>") - 1};

/* As it was sent, but with a namespace: it is not in the stream's. */
static void write_message(struct fb *fb, const struct archived *row, bool with_jid)
{
    struct str xml = row->xml;
    size_t inner = xml.len - end.len - begin.len;
    fb_raw(fb, STR("<message xmlns='jabber:client'"));
    fb_raw(fb, str_of(xml.at + begin.len, inner));
    if (with_jid && str_present(row->jid)) {
        fb_open(fb, NAME_X, NS_MUC_USER);
        fb_open(fb, NAME_ITEM, NS_MUC_USER);
        fb_attr(fb, "affiliation", affiliation_text(row->affiliation));
        fb_attr(fb, "jid", row->jid);
        fb_attr(fb, "role", role_text(row->role));
        fb_close(fb);
        fb_close(fb);
    }
    fb_raw(fb, end);
}

static struct frame *result(const struct room *room, struct step *step,
                            const struct archive_request *request, const struct archived *row,
                            bool with_jid)
{
    struct fb fb;
    fb_begin(&fb, step->arena, "message", jid_full(room->jid), STR_NONE, step_id(step));
    fb_open(&fb, NAME_RESULT, NS_MAM);
    fb_attr(&fb, "queryid", request->queryid);
    fb_attr(&fb, "id", row->id);
    fb_open(&fb, NAME_FORWARDED, NS_FORWARD);
    fb_raw(&fb, stamp_delay(step->arena, STR_NONE, row->at_us));
    write_message(&fb, row, with_jid);
    fb_close(&fb);
    fb_close(&fb);
    return fb_finish(&fb);
}

/* Of all its rows, also of those that are left out: who goes on from there comes past them. */
static void write_set(struct fb *fb, const struct archive_page *page)
{
    struct str first = page->count == 0 ? STR_NONE : page->rows[0].id;
    struct str last = page->count == 0 ? STR_NONE : page->rows[page->count - 1].id;
    fb_rsm_part(fb, first, page->counted ? &page->first_index : NULL, last,
                page->counted ? &page->total : NULL);
}

static struct frame *fin(struct step *step, const struct inbound *in,
                         const struct archive_page *page)
{
    struct fb fb;
    reply_begin(&fb, step, in);
    fb_open(&fb, NAME_FIN, NS_MAM);
    if (page->complete)
        fb_attr(&fb, "complete", STR("true"));
    write_set(&fb, page);
    fb_close(&fb);
    return fb_finish(&fb);
}

/* What was given up may have been too much, or the service was about to stop: the store does not
 * tell which. Words are what may be too much of. */
static const struct refusal *failure(const struct archive_page *page, bool searched)
{
    if (page->err == 0)
        return NULL;
    if (page->err == ERR_LIMIT)
        return searched ? &refusal_ARCHIVE_SLOW : &refusal_ARCHIVE_LATE;
    return page->err == ERR_NOT_FOUND ? &refusal_ARCHIVE_ID_UNKNOWN : &refusal_ARCHIVE_FAILED;
}

/* All in one list, so that nothing comes between and the end is last. */
static enum step_outcome answer(struct room *room, struct step *step, const struct inbound *in,
                                const struct event *event)
{
    const struct archive_page *page = event->answer.page;
    struct archive_request request;
    bool with_jids = sees_jids(room, in);
    /* It may not enter any more, or not see what it has asked by. */
    const struct refusal *refusal = denied(room, in);
    if (refusal == NULL)
        refusal = archive_request_read(step, in, with_jids, &request);
    if (refusal == NULL)
        refusal = failure(page, str_present(event->answer.query->text));
    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    struct listed_frame *frames =
        ARENA_NEW_ARRAY(step->arena, struct listed_frame, page->count + 1);
    unsigned count = 0;
    for (unsigned i = 0; i < page->count; i++) {
        const struct archived *row = &page->rows[request.flipped ? page->count - 1 - i : i];
        if (str_present(row->xml))
            frames[count++].frame = result(room, step, &request, row, with_jids);
    }
    frames[count++].frame = fin(step, in, page);
    struct address *address = address_new(jid_full(in->from));
    effect_send_list(step, frames, count, in->route, address);
    address_unref(address);
    return STEP_DONE;
}

static void write_end(struct fb *fb, enum name name, const struct archived *row)
{
    fb_open(fb, name, NS_MAM);
    fb_attr(fb, "id", row->id);
    fb_attr_plain(fb, STR("timestamp"), stamp_text(fb->arena, row->at_us));
    fb_close(fb);
}

static enum step_outcome answer_metadata(struct room *room, struct step *step,
                                         const struct inbound *in, const struct event *event)
{
    const struct archive_page *page = event->answer.page;
    const struct refusal *refusal = denied(room, in);
    if (refusal == NULL)
        refusal = failure(page, str_present(event->answer.query->text));
    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    struct fb fb;
    reply_begin(&fb, step, in);
    fb_open(&fb, NAME_METADATA, NS_MAM);
    if (page->count > 0) {
        write_end(&fb, NAME_START, &page->rows[0]);
        write_end(&fb, NAME_END, &page->rows[page->count - 1]);
    }
    fb_close(&fb);
    reply(step, in, fb_finish(&fb));
    return STEP_DONE;
}

/* ---- what it offers ---- */

static void disco(const struct room *room, struct fb *fb)
{
    if (!room->options.archive)
        return;
    fb_feature_ns(fb, NS_MAM);
    fb_feature(fb, "urn:xmpp:mam:2#extended");
    if (room->env->settings->full_text)
        fb_feature(fb, "urn:xmpp:fulltext:0");
}

static const struct option options[] = {
    {
        .id = OPTION_ID_ARCHIVE,
        .name = "archive",
        .field = "muc#roomconfig_enablearchiving",
        .aliases = {"mam"},
        .label = "Archive the messages?",
        .type = OPTION_BOOL,
        .offset = offsetof(struct room_options, archive),
        .status_on = 170,
        .status_off = 171,
        .preset = "off",
        .help = "messages are archived, for who may enter to read (XEP-0313)",
    },
    {
        .id = OPTION_ID_KEEP_DAYS,
        .name = "keep_days",
        .field = "x-keep_days",
        .label = "Days that archived messages are kept (0: as the service does)",
        .type = OPTION_NUMBER,
        .offset = offsetof(struct room_options, keep_days),
        .max = KEEP_DAYS_MAX,
        .preset = "0",
        .help = "so long archived messages are kept; 0: as store.keep_days says",
    },
    {
        .id = OPTION_ID_KEEP_COUNT,
        .name = "keep_count",
        .field = "x-keep_count",
        .label = "Archived messages that are kept (0: as many as the service does)",
        .type = OPTION_NUMBER,
        .offset = offsetof(struct room_options, keep_count),
        .max = KEEP_COUNT_MAX,
        .preset = "0",
        .help = "so many archived messages are kept; 0: as store.keep_count says",
    },
};

static const struct handler handlers[] = {
    {
        .kinds = KIND_IQ,
        .targets = TARGET_ROOM,
        .types = TYPE_SET,
        .name = NAME_QUERY,
        .ns = NS_MAM,
        .run = ask,
        .answered = answer,
    },
    {
        .kinds = KIND_IQ,
        .targets = TARGET_ROOM,
        .types = TYPE_GET,
        .name = NAME_QUERY,
        .ns = NS_MAM,
        .run = tell_form,
    },
    {
        .kinds = KIND_IQ,
        .targets = TARGET_ROOM,
        .types = TYPE_GET,
        .name = NAME_METADATA,
        .ns = NS_MAM,
        .run = ask_metadata,
        .answered = answer_metadata,
    },
};

const struct feature feature_archive = {
    .name = "archive",
    .options = options,
    .option_count = ARRAY_LEN(options),
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
    .disco = disco,
};
