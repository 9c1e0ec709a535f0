#include "core/muc/archive_query.h"

#include "core/base/limits.h"
#include "core/muc/room.h"
#include "core/xmpp/disco.h"
#include "core/xmpp/prep.h"
#include "core/xmpp/stamp.h"

#define FULL_TEXT "{urn:xmpp:fulltext:0}fulltext"

struct reading {
    struct step *step;
    const struct inbound *in;
    bool sees_jids;
    struct archive_query *query;
};

/* ---- fields ---- */

static struct str value_of(const struct form_field *field)
{
    return field->value_count == 1 ? field->values[0] : STR_NONE;
}

static const struct refusal *read_start(const struct reading *to, const struct form_field *field)
{
    return stamp_parse(value_of(field), &to->query->start_us) ? NULL : &refusal_BAD_REQUEST;
}

static const struct refusal *read_end(const struct reading *to, const struct form_field *field)
{
    return stamp_parse(value_of(field), &to->query->end_us) ? NULL : &refusal_BAD_REQUEST;
}

/* An occupant of this room by its nickname, or an account by its address: the latter would tell who
 * is here and who is not, so only those may ask who see addresses anyway (SEMANTICS 11.3.4). */
static const struct refusal *read_with(const struct reading *to, const struct form_field *field)
{
    const struct jid *jid = jid_parse(to->step->arena, value_of(field));
    if (jid == NULL)
        return &refusal_JID_MALFORMED;
    if (jid_bare_eq(jid, to->in->to)) {
        to->query->with_nick = jid_resource(jid);
        return NULL;
    }
    if (!to->sees_jids)
        return &refusal_ARCHIVE_ADDRESS;
    to->query->with_account = jid_bare(jid);
    to->query->with_jid = jid_is_bare(jid) ? STR_NONE : jid_full(jid);
    return NULL;
}

static const struct refusal *read_after(const struct reading *to, const struct form_field *field)
{
    to->query->after_id = value_of(field);
    return str_empty(to->query->after_id) ? &refusal_BAD_REQUEST : NULL;
}

static const struct refusal *read_before(const struct reading *to, const struct form_field *field)
{
    to->query->before_id = value_of(field);
    return str_empty(to->query->before_id) ? &refusal_BAD_REQUEST : NULL;
}

static const struct refusal *read_ids(const struct reading *to, const struct form_field *field)
{
    if (field->value_count > ARCHIVE_IDS_MAX)
        return &refusal_TOO_MANY_ITEMS;
    to->query->ids = field->values;
    to->query->id_count = field->value_count;
    return NULL;
}

static const struct refusal *read_text(const struct reading *to, const struct form_field *field)
{
    struct str text = str_trim(value_of(field));
    if (text.len > ROOM_TEXT_BYTES_MAX)
        return &refusal_TOO_LARGE;
    to->query->text = str_empty(text) ? STR_NONE : text;
    return NULL;
}

static const struct field_reader {
    const char *var;
    const char *type;
    const struct refusal *(*read)(const struct reading *to, const struct form_field *field);
} readers[] = {
    {"with", "jid-single", read_with},       {"start", "text-single", read_start},
    {"end", "text-single", read_end},        {"before-id", "text-single", read_before},
    {"after-id", "text-single", read_after}, {"ids", "list-multi", read_ids},
    {FULL_TEXT, "text-single", read_text},
};

/* What this service has not, it does not know (0313 #query-form). */
static bool is_offered(const struct field_reader *reader, bool full_text)
{
    return full_text || reader->read != read_text;
}

/* Who leaves a field blank asks for no such condition. */
static bool is_blank(const struct form_field *field)
{
    for (unsigned i = 0; i < field->value_count; i++) {
        if (!str_empty(field->values[i]))
            return false;
    }
    return true;
}

static const struct refusal *read_field(const struct reading *to, const struct form_field *field)
{
    bool full_text = to->step->env->settings->full_text;
    if (str_eqz(field->var, "FORM_TYPE"))
        return NULL;
    for (unsigned i = 0; i < ARRAY_LEN(readers); i++) {
        if (str_eqz(field->var, readers[i].var) && is_offered(&readers[i], full_text))
            return is_blank(field) ? NULL : readers[i].read(to, field);
    }
    return &refusal_ARCHIVE_FIELD;
}

static const struct refusal *read_form(const struct reading *to)
{
    const struct node *x = node_find(to->in->payload, NAME_X, NS_DATA);
    struct form form;
    if (x == NULL)
        return NULL;
    if (!form_read(to->step->arena, x, &form) || !str_eqz(form.type, "submit") ||
        !str_eq(form.form_type, token_ns_uri(NS_MAM)))
        return &refusal_BAD_REQUEST;
    for (unsigned i = 0; i < form.field_count; i++) {
        const struct refusal *refusal = read_field(to, &form.fields[i]);
        if (refusal != NULL)
            return refusal;
    }
    return NULL;
}

/* ---- the page ---- */

static const struct refusal *read_page(const struct reading *to)
{
    struct rsm_request rsm = rsm_read(to->step->arena, to->in->payload);
    struct archive_query *query = to->query;
    if (rsm.malformed || (!str_empty(rsm.after) && rsm.backwards))
        return &refusal_BAD_REQUEST;
    query->max = ARCHIVE_PAGE_MAX;
    if (rsm.has_max && rsm.max < ARCHIVE_PAGE_MAX)
        query->max = (uint32_t)rsm.max;
    query->after = str_empty(rsm.after) ? STR_NONE : rsm.after;
    query->before = str_empty(rsm.before) ? STR_NONE : rsm.before;
    query->backwards = rsm.backwards;
    query->by_index = rsm.has_index && !rsm.backwards && str_empty(rsm.after);
    query->index = rsm.index;
    return NULL;
}

const struct refusal *archive_request_read(struct step *step, const struct inbound *in,
                                           bool sees_jids, struct archive_request *request)
{
    const struct reading to = {step, in, sees_jids, &request->query};
    *request = (struct archive_request){
        .query = {.start_us = INT64_MIN, .end_us = INT64_MAX},
        .queryid = node_attr(in->payload, NAME_QUERYID),
        .flipped = node_find(in->payload, NAME_FLIP_PAGE, NS_MAM) != NULL,
    };
    if (str_present(node_attr(in->payload, NAME_NODE)))
        return &refusal_ITEM_NOT_FOUND;
    if (request->queryid.len > ARCHIVE_QUERYID_MAX)
        return &refusal_BAD_REQUEST;
    const struct refusal *refusal = read_form(&to);
    return refusal != NULL ? refusal : read_page(&to);
}

/* ---- what may be asked ---- */

/* Any id, not one of a list. */
static void write_open(struct fb *fb)
{
    fb_open(fb, NAME_VALIDATE, NS_VALIDATE);
    fb_attr(fb, "datatype", STR("xs:string"));
    fb_empty(fb, NAME_OPEN, NS_VALIDATE);
    fb_close(fb);
}

void archive_query_form(struct fb *fb, bool full_text)
{
    fb_form_begin(fb, "form", NS_MAM);
    for (unsigned i = 0; i < ARRAY_LEN(readers); i++) {
        if (!is_offered(&readers[i], full_text))
            continue;
        fb_field_begin(fb, readers[i].var, readers[i].type, NULL);
        if (readers[i].read == read_ids)
            write_open(fb);
        fb_close(fb);
    }
    fb_close(fb);
}
