/*
 * Stanzas to the service itself: what it is, which rooms are public, ping, version, name, time
 * and for how long it has been running. The service is never a room (SEMANTICS 1.8): it is not
 * entered and nothing is said in it.
 * @xep 0045 1.35.5 #disco-service #disco-service-features #disco-rooms #entity #message.stable-id
 * @xep 0030 2.5.0 #info-basic #items-basic
 * @xep 0199 2.0.1 #c2s
 * @xep 0012 2.0 #server
 * @xep 0202 2.0 #protocol #disco
 * @xep 0054 1.3.0 #usecases
 * @xep 0486 0.1.0 #disco
 */
#include "core/muc/service.h"

#include "core/base/limits.h"
#include "core/muc/version.h"
#include "core/xmpp/disco.h"
#include "core/xmpp/stamp.h"

#define SERVICE_NAME "Chatrooms"

/* ---- answers ---- */

bool service_is_admin(const struct step *step, const struct inbound *in)
{
    return permit_admin(step->env->settings, jid_bare(in->from));
}

void service_refuse_with(struct step *step, const struct inbound *in, const struct refusal *refusal,
                         struct refuse_more more)
{
    more.by = step->env->settings->domain;
    struct frame *frame = refusal_frame(step->arena, in->root, refusal, jid_full(in->to), &more);
    if (frame != NULL)
        reply(step, in, frame);
}

void service_refuse(struct step *step, const struct inbound *in, const struct refusal *refusal)
{
    service_refuse_with(step, in, refusal, (struct refuse_more){0});
}

static void answer_empty(struct step *step, const struct inbound *in)
{
    struct fb fb;
    reply_begin(&fb, step, in);
    reply(step, in, fb_finish(&fb));
}

static void answer_card(struct step *step, const struct inbound *in)
{
    struct fb fb;
    reply_begin(&fb, step, in);
    fb_open(&fb, NAME_VCARD, NS_VCARD);
    fb_leaf(&fb, NAME_FN, NS_VCARD, STR(SERVICE_NAME));
    fb_close(&fb);
    reply(step, in, fb_finish(&fb));
}

#define SECOND_US INT64_C(1000000)

/* How long it has been there. A clock that was set back makes it young, not older than time. */
static void answer_last(struct step *step, const struct inbound *in)
{
    int64_t age_us = step->now_us - step->env->settings->started_us;
    struct fb fb;
    reply_begin(&fb, step, in);
    fb_open(&fb, NAME_QUERY, NS_LAST);
    fb_attr_u64(&fb, "seconds", age_us > 0 ? (uint64_t)(age_us / SECOND_US) : 0);
    fb_close(&fb);
    reply(step, in, fb_finish(&fb));
}

/* In whole seconds; our zone is UTC. */
static void answer_time(struct step *step, const struct inbound *in)
{
    int64_t second_us = step->now_us / SECOND_US * SECOND_US;
    struct fb fb;
    reply_begin(&fb, step, in);
    fb_open(&fb, NAME_TIME, NS_TIME);
    fb_leaf(&fb, NAME_TZO, NS_TIME, STR("+00:00"));
    fb_leaf(&fb, NAME_UTC, NS_TIME, stamp_text(step->arena, second_us));
    fb_close(&fb);
    reply(step, in, fb_finish(&fb));
}

static void answer_info(struct step *step, const struct inbound *in)
{
    static const enum ns features[] = {
        NS_DISCO_INFO, NS_DISCO_ITEMS, NS_MUC,  NS_OCCUPANT_ID, NS_RSM,
        NS_PING,       NS_VERSION,     NS_LAST, NS_TIME,        NS_VCARD,
    };
    struct fb fb;
    reply_begin(&fb, step, in);
    fb_open(&fb, NAME_QUERY, NS_DISCO_INFO);
    fb_identity(&fb, "conference", "text", STR(SERVICE_NAME));
    for (unsigned i = 0; i < ARRAY_LEN(features); i++)
        fb_feature_ns(&fb, features[i]);
    fb_feature(&fb, "http://jabber.org/protocol/muc#stable_id"); /* of all its rooms */
    if (service_is_admin(step, in))
        fb_feature_ns(&fb, NS_COMMANDS);
    fb_close(&fb);
    reply(step, in, fb_finish(&fb));
}

/* ---- dispatch ---- */

static bool is_disco(const struct node *payload)
{
    return node_is(payload, NAME_QUERY, NS_DISCO_INFO) ||
           node_is(payload, NAME_QUERY, NS_DISCO_ITEMS);
}

static const struct answer {
    enum name name;
    enum ns ns;
    void (*give)(struct step *step, const struct inbound *in);
} answers[] = {
    {NAME_QUERY, NS_DISCO_INFO, answer_info}, {NAME_PING, NS_PING, answer_empty},
    {NAME_QUERY, NS_VERSION, version_answer}, {NAME_QUERY, NS_LAST, answer_last},
    {NAME_TIME, NS_TIME, answer_time},        {NAME_VCARD, NS_VCARD, answer_card},
};

static const struct answer *answer_to(const struct node *payload)
{
    for (unsigned i = 0; i < ARRAY_LEN(answers); i++) {
        if (node_is(payload, answers[i].name, answers[i].ns))
            return &answers[i];
    }
    return NULL;
}

static bool is_command(const struct inbound *in)
{
    return node_is(in->payload, NAME_COMMAND, NS_COMMANDS);
}

static void step_node(struct step *step, const struct inbound *in, struct str node)
{
    if (!service_command_disco(step, in, node))
        service_refuse(step, in, &refusal_ITEM_NOT_FOUND);
}

static void step_get(struct step *step, const struct inbound *in, const struct service_view *view)
{
    const struct node *payload = in->payload;
    const struct answer *answer = answer_to(payload);
    if (is_disco(payload) && str_present(node_attr(payload, NAME_NODE)))
        step_node(step, in, node_attr(payload, NAME_NODE));
    else if (node_is(payload, NAME_QUERY, NS_DISCO_ITEMS))
        service_items(step, in, view->rooms);
    else if (answer != NULL)
        answer->give(step, in);
    else if (is_command(in))
        service_refuse(step, in, &refusal_BAD_REQUEST);
    else
        service_refuse(step, in, &refusal_SERVICE_UNAVAILABLE);
}

static void step_iq(struct step *step, const struct inbound *in, const struct service_view *view)
{
    if ((in->type & (TYPE_RESULT | TYPE_ERROR)) != 0)
        return;
    if (!inbound_is_request(in))
        service_refuse(step, in, &refusal_BAD_REQUEST);
    else if (!jid_is_bare(in->to))
        service_refuse(step, in, &refusal_SERVICE_UNAVAILABLE);
    else if (in->type == TYPE_GET)
        step_get(step, in, view);
    else if (is_command(in))
        service_command(step, in, view->commands_full);
    else if (is_disco(in->payload) || node_is(in->payload, NAME_VCARD, NS_VCARD))
        service_refuse(step, in, &refusal_NOT_ALLOWED);
    else
        service_refuse(step, in, &refusal_SERVICE_UNAVAILABLE);
}

/* What the store says, for the sake of a stanza. */
static void step_answer(struct step *step, const struct event *event,
                        const struct service_view *view)
{
    struct event asked = {.kind = EV_STANZA};
    struct inbound in;
    asked.stanza.stanza = event->answer.stanza;
    asked.stanza.from = event->answer.from;
    asked.stanza.to = event->answer.to;
    asked.stanza.route = event->answer.route;
    if (inbound_read(NULL, step, &asked, &in))
        service_items_answered(step, &in, view->rooms, event->answer.listed);
}

void service_step(const struct event *event, const struct service_view *view, struct step *step)
{
    struct inbound in;
    if (event->kind == EV_ANSWER) {
        step_answer(step, event, view);
        return;
    }
    if (event->kind != EV_STANZA || !inbound_read(NULL, step, event, &in))
        return;
    if (in.kind == KIND_IQ)
        step_iq(step, &in, view);
    else if (in.type != TYPE_UNAVAILABLE)
        service_refuse(step, &in, &refusal_SERVICE_UNAVAILABLE);
}
