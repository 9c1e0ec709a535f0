/*
 * Ad-hoc commands to the service, for its admins: destroying rooms, under the name and with the
 * form that Prosody's command has, so that what admins have for that one works here. The one form
 * may be filled in and sent along at once.
 *
 * Sessions of commands are not kept: their id says, sealed, for whom and when the form was made. So
 * nobody can fill the service with commands that were begun; what is sent twice is done twice,
 * which for rooms that are gone is nothing.
 * @xep 0050 1.3.0 #discover #retrieve #execute-simple #execute-multiple #cancel
 * @xep 0050 1.3.0 #impl-session #impl-actions #impl-forms #impl-i18n #desc-errors #desc-note
 */
#include "core/muc/service.h"

#include "core/base/limits.h"
#include "core/muc/command.h"
#include "core/xmpp/disco.h"

#define DESTROY       "http://prosody.im/protocol/muc#destroy"
#define TITLE         "Destroy rooms"
#define SECOND_US     INT64_C(1000000)
#define QUOTE(number) #number
#define TEXT(number)  QUOTE(number)

/* Why a request is refused; `refusal` NULL: it is not. */
struct flaw {
    const struct refusal *refusal;
    enum name specific;
    const char *text; /* NULL: the refusal's */
};

static const struct flaw fine = {0};

static void refuse_flaw(struct step *step, const struct inbound *in, const struct flaw *flaw)
{
    struct refuse_more more = {
        .text = str_z(flaw->text), .specific = flaw->specific, .specific_ns = NS_COMMANDS};
    service_refuse_with(step, in, flaw->refusal, more);
}

static struct flaw bad_form(const char *text)
{
    return (struct flaw){&refusal_BAD_REQUEST, NAME_BAD_PAYLOAD, text};
}

/* ---- sessions ---- */

static uint64_t mark_of(const struct step *step, const struct inbound *in)
{
    return hash_str(&step->env->hash_key, jid_full(in->from));
}

static struct str session_new(struct step *step, const struct inbound *in)
{
    const struct muc_crypto *crypto = step->env->crypto;
    struct str plain = str_fmt(step->arena, "command %llu %lld",
                               (unsigned long long)mark_of(step, in), (long long)step->now_us);
    return crypto->seal(crypto->self, step->arena, plain);
}

/* When the form was given to that sender; false: it was not, by that id. */
static bool session_begun(struct step *step, const struct inbound *in, struct str id,
                          int64_t *at_us)
{
    const struct muc_crypto *crypto = step->env->crypto;
    struct str plain = crypto->open(crypto->self, step->arena, id);
    struct str begin = str_fmt(step->arena, "command %llu ", (unsigned long long)mark_of(step, in));
    if (!str_present(plain) || !str_starts(plain, begin))
        return false;
    return str_to_i64(str_of(plain.at + begin.len, plain.len - begin.len), at_us);
}

/* ---- reading ---- */

enum action { ACTION_EXECUTE, ACTION_COMPLETE, ACTION_CANCEL };

struct request {
    enum action action;
    struct str session; /* STR_NONE: it is a first request */
    const struct jid **rooms;
    uint32_t room_count;
};

static struct flaw read_action(const struct inbound *in, struct request *request)
{
    struct str action = node_attr(in->payload, NAME_ACTION);
    if (!str_present(action) || str_eqz(action, "execute"))
        request->action = ACTION_EXECUTE;
    else if (str_eqz(action, "complete"))
        request->action = ACTION_COMPLETE;
    else if (str_eqz(action, "cancel"))
        request->action = ACTION_CANCEL;
    else if (str_eqz(action, "next") || str_eqz(action, "prev"))
        return (struct flaw){&refusal_COMMAND_STAGE, NAME_BAD_ACTION, NULL};
    else
        return (struct flaw){&refusal_COMMAND_ACTION, NAME_MALFORMED_ACTION, NULL};
    return fine;
}

static struct flaw read_session(struct step *step, const struct inbound *in,
                                struct request *request)
{
    static const struct flaw unknown = {&refusal_COMMAND_SESSION, NAME_BAD_SESSIONID, NULL};
    int64_t at_us;
    request->session = node_attr(in->payload, NAME_SESSIONID);
    if (!str_present(request->session))
        return request->action == ACTION_CANCEL ? unknown : fine;
    if (!session_begun(step, in, request->session, &at_us))
        return unknown;
    if (step->now_us - at_us > COMMAND_SESSION_SECONDS * SECOND_US)
        return (struct flaw){&refusal_COMMAND_EXPIRED, NAME_SESSION_EXPIRED, NULL};
    return fine;
}

static bool is_named(const struct request *request, const struct jid *room)
{
    for (uint32_t i = 0; i < request->room_count; i++) {
        if (jid_eq(request->rooms[i], room))
            return true;
    }
    return false;
}

static struct flaw add_room(struct step *step, struct request *request, struct str text)
{
    const struct jid *room = jid_parse(step->arena, text);
    if (room == NULL || room->local_len == 0 || !jid_is_bare(room) ||
        !str_eq(jid_domain(room), step->env->settings->domain))
        return bad_form(str_fmt(step->arena, "%.*s is no address of a room here; nothing was done",
                                (int)text.len, text.at)
                            .at);
    if (is_named(request, room))
        return fine;
    if (request->room_count == COMMAND_ROOMS_MAX)
        return bad_form("More than " TEXT(COMMAND_ROOMS_MAX) " rooms at a time; nothing was done");
    request->rooms[request->room_count++] = room;
    return fine;
}

static struct flaw read_rooms(struct step *step, const struct form *form, struct request *request)
{
    const struct form_field *field = form_field(form, STR("rooms"));
    request->rooms = ARENA_NEW_ARRAY(step->arena, const struct jid *, COMMAND_ROOMS_MAX);
    for (unsigned i = 0; field != NULL && i < field->value_count; i++) {
        struct str text = str_trim(field->values[i]);
        struct flaw flaw = str_empty(text) ? fine : add_room(step, request, text);
        if (flaw.refusal != NULL)
            return flaw;
    }
    return request->room_count > 0 ? fine : bad_form("The form names no room");
}

/* XEP-0050 would have a cancelled form count as a submitted one; rooms do not come back. */
static struct flaw read_form(struct step *step, const struct inbound *in, struct request *request)
{
    struct form form;
    if (node_count(in->payload, NAME_X, NS_DATA) > 1)
        return bad_form("There is more than one form in it");
    if (!form_read(step->arena, node_find(in->payload, NAME_X, NS_DATA), &form))
        return bad_form(form.fault);
    if (!str_eqz(form.type, "submit"))
        return bad_form("The form is not submitted");
    if (str_present(form.form_type) && !str_eqz(form.form_type, DESTROY))
        return bad_form("That is the form of another command");
    return read_rooms(step, &form, request);
}

/* ---- answering ---- */

static void answer_begin(struct fb *fb, struct step *step, const struct inbound *in,
                         struct str session, const char *status)
{
    reply_begin(fb, step, in);
    fb_lang(fb, STR("en"));
    fb_open(fb, NAME_COMMAND, NS_COMMANDS);
    fb_attr(fb, "node", STR(DESTROY));
    fb_attr(fb, "sessionid", session);
    fb_attr(fb, "status", str_z(status));
}

static void give_form(struct step *step, const struct inbound *in)
{
    struct fb fb;
    answer_begin(&fb, step, in, session_new(step, in), "executing");
    fb_open(&fb, NAME_ACTIONS, NS_COMMANDS);
    fb_attr(&fb, "execute", STR("complete"));
    fb_empty(&fb, NAME_COMPLETE, NS_COMMANDS);
    fb_close(&fb);
    fb_form_begin_titled(&fb, STR(DESTROY), TITLE,
                         "Who is in these rooms is put out; nothing of them remains");
    fb_field_begin(&fb, "rooms", "jid-multi", "Rooms to destroy, one address a line");
    fb_field_required(&fb);
    fb_close(&fb);
    fb_close(&fb);
    fb_close(&fb);
    reply(step, in, fb_finish(&fb));
}

static void answer_cancel(struct step *step, const struct inbound *in, struct str session)
{
    struct fb fb;
    answer_begin(&fb, step, in, session, "canceled");
    fb_close(&fb);
    reply(step, in, fb_finish(&fb));
}

static struct flaw run(struct step *step, const struct inbound *in, bool full)
{
    struct request request = {.session = STR_NONE};
    struct flaw flaw = read_action(in, &request);
    if (flaw.refusal == NULL)
        flaw = read_session(step, in, &request);
    if (flaw.refusal != NULL)
        return flaw;
    if (request.action == ACTION_CANCEL) {
        answer_cancel(step, in, request.session);
        return fine;
    }
    bool first = request.action == ACTION_EXECUTE && !str_present(request.session);
    if (first && node_find(in->payload, NAME_X, NS_DATA) == NULL) {
        give_form(step, in);
        return fine;
    }
    flaw = read_form(step, in, &request);
    if (flaw.refusal != NULL)
        return flaw;
    if (full)
        return (struct flaw){&refusal_RESOURCE_CONSTRAINT, NAME_NONE, NULL};
    struct str session = str_present(request.session) ? request.session : session_new(step, in);
    effect_command(step, command_new(in, session, request.rooms, request.room_count));
    return fine;
}

void service_command(struct step *step, const struct inbound *in, bool full)
{
    struct str node = node_attr(in->payload, NAME_NODE);
    struct flaw flaw = fine;
    if (!str_present(node))
        flaw.refusal = &refusal_BAD_REQUEST;
    else if (!str_eqz(node, DESTROY))
        flaw.refusal = &refusal_ITEM_NOT_FOUND;
    else if (!service_is_admin(step, in))
        flaw.refusal = &refusal_COMMAND_DENIED;
    else
        flaw = run(step, in, full);
    if (flaw.refusal != NULL)
        refuse_flaw(step, in, &flaw);
}

/* ---- discovery ---- */

static void disco_begin(struct fb *fb, struct step *step, const struct inbound *in, struct str node)
{
    reply_begin(fb, step, in);
    fb_open(fb, NAME_QUERY, (enum ns)in->payload->ns);
    fb_attr(fb, "node", node);
}

static void disco_list(struct step *step, const struct inbound *in, struct str node)
{
    struct fb fb;
    disco_begin(&fb, step, in, node);
    if (node_is(in->payload, NAME_QUERY, NS_DISCO_INFO)) {
        fb_identity(&fb, "automation", "command-list", STR("Commands of the service"));
        fb_feature_ns(&fb, NS_COMMANDS);
    } else {
        fb_open(&fb, NAME_ITEM, NS_DISCO_ITEMS);
        fb_attr(&fb, "jid", jid_full(in->to));
        fb_attr(&fb, "node", STR(DESTROY));
        fb_attr(&fb, "name", STR(TITLE));
        fb_close(&fb);
    }
    fb_close(&fb);
    reply(step, in, fb_finish(&fb));
}

static void disco_command(struct step *step, const struct inbound *in, struct str node)
{
    struct fb fb;
    disco_begin(&fb, step, in, node);
    if (node_is(in->payload, NAME_QUERY, NS_DISCO_INFO)) {
        fb_identity(&fb, "automation", "command-node", STR(TITLE));
        fb_feature_ns(&fb, NS_COMMANDS);
        fb_feature_ns(&fb, NS_DATA);
    }
    fb_close(&fb);
    reply(step, in, fb_finish(&fb));
}

bool service_command_disco(struct step *step, const struct inbound *in, struct str node)
{
    bool admin = service_is_admin(step, in);
    if (admin && str_eq(node, token_ns_uri(NS_COMMANDS)))
        disco_list(step, in, node);
    else if (admin && str_eqz(node, DESTROY))
        disco_command(step, in, node);
    else if (str_eqz(node, DESTROY))
        service_refuse(step, in, &refusal_COMMAND_DENIED);
    else
        return false;
    return true;
}
