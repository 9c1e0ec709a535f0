#include "net/local.h"

#include "core/xmpp/disco.h"
#include "core/xmpp/refusal.h"
#include "core/xmpp/stamp.h"
#include "net/iq.h"
#include "net/stream.h"
#include "shard/runtime/agent.h"

struct question {
    const struct router *router;
    const struct node *iq;
    struct str from;
    struct str account; /* local part */
};

typedef struct frame *answer_fn(const struct question *question);

static void begin(const struct question *question, struct fb *fb)
{
    iq_result_begin(fb, question->router->arena, question->iq, question->from);
}

static struct frame *refuse(const struct question *question, const struct refusal *refusal)
{
    return refusal_frame(question->router->arena, question->iq, refusal, question->from, NULL);
}

static bool has_node(const struct question *question)
{
    return str_present(node_attr(iq_payload(question->iq), NAME_NODE));
}

/* ---- the domain ---- */

static struct frame *domain_info(const struct question *question)
{
    if (has_node(question))
        return refuse(question, &refusal_ITEM_NOT_FOUND);
    static const enum ns features[] = {NS_DISCO_INFO, NS_DISCO_ITEMS, NS_PING, NS_VERSION, NS_TIME};
    struct fb fb;
    begin(question, &fb);
    fb_open(&fb, NAME_QUERY, NS_DISCO_INFO);
    fb_identity(&fb, "server", "im", STR("Stentor"));
    for (size_t i = 0; i < ARRAY_LEN(features); i++)
        fb_feature_ns(&fb, features[i]);
    if (question->router->settings->registration)
        fb_feature_ns(&fb, NS_REGISTER);
    fb_close(&fb);
    return fb_finish(&fb);
}

static struct frame *domain_items(const struct question *question)
{
    if (has_node(question))
        return refuse(question, &refusal_ITEM_NOT_FOUND);
    struct fb fb;
    begin(question, &fb);
    fb_open(&fb, NAME_QUERY, NS_DISCO_ITEMS);
    const struct domains *services = &question->router->settings->muc_domains;
    for (unsigned i = 0; i < services->count; i++)
        fb_disco_item(&fb, services->at[i], STR("Chatrooms"));
    fb_close(&fb);
    return fb_finish(&fb);
}

static struct frame *version(const struct question *question)
{
    struct fb fb;
    begin(question, &fb);
    fb_open(&fb, NAME_QUERY, NS_VERSION);
    fb_leaf(&fb, NAME_NAME, NS_VERSION, STR("Stentor"));
    fb_leaf(&fb, NAME_VERSION, NS_VERSION, question->router->settings->version);
    fb_close(&fb);
    return fb_finish(&fb);
}

/* Whole seconds, as the specification's examples have it; our zone is UTC. */
static struct frame *entity_time(const struct question *question)
{
    int64_t second_us = 1000000;
    int64_t now_us = clock_wall_us() / second_us * second_us;
    struct fb fb;
    begin(question, &fb);
    fb_open(&fb, NAME_TIME, NS_TIME);
    fb_leaf(&fb, NAME_TZO, NS_TIME, STR("+00:00"));
    fb_leaf(&fb, NAME_UTC, NS_TIME, stamp_text(question->router->arena, now_us));
    fb_close(&fb);
    return fb_finish(&fb);
}

static struct frame *pong(const struct question *question)
{
    return iq_result_empty(question->router->arena, question->iq, question->from);
}

/* ---- accounts ---- */

static struct frame *account_info(const struct question *question)
{
    if (has_node(question))
        return refuse(question, &refusal_ITEM_NOT_FOUND);
    bool anonymous = stream_name_is_anonymous(question->account);
    struct fb fb;
    begin(question, &fb);
    fb_open(&fb, NAME_QUERY, NS_DISCO_INFO);
    fb_identity(&fb, "account", anonymous ? "anonymous" : "registered", STR_NONE);
    fb_feature_ns(&fb, NS_DISCO_INFO);
    fb_feature_ns(&fb, NS_DISCO_ITEMS);
    fb_close(&fb);
    return fb_finish(&fb);
}

/* Whether an account exists is nobody else's business; that a session is anonymous is everybody's.
 */
static struct frame *other_info(const struct question *question)
{
    if (!stream_name_is_anonymous(question->account))
        return refuse(question, &refusal_SERVICE_UNAVAILABLE);
    return account_info(question);
}

static struct frame *account_items(const struct question *question)
{
    if (has_node(question))
        return refuse(question, &refusal_ITEM_NOT_FOUND);
    struct fb fb;
    begin(question, &fb);
    fb_empty(&fb, NAME_QUERY, NS_DISCO_ITEMS);
    return fb_finish(&fb);
}

static struct frame *roster(const struct question *question)
{
    struct fb fb;
    begin(question, &fb);
    fb_empty(&fb, NAME_QUERY, NS_ROSTER);
    return fb_finish(&fb);
}

static struct frame *roster_set(const struct question *question)
{
    return refuse(question, &refusal_NOT_ALLOWED);
}

/* ---- who answers what ---- */

#define AT_DOMAIN (1u << LOCAL_DOMAIN)
#define AT_OWN    (1u << LOCAL_OWN)
#define AT_OTHER  (1u << LOCAL_OTHER)

static const struct row {
    enum ns ns;
    enum name payload;
    bool set;
    unsigned places;
    answer_fn *answer;
} rows[] = {
    {NS_DISCO_INFO, NAME_QUERY, false, AT_DOMAIN, domain_info},
    {NS_DISCO_INFO, NAME_QUERY, false, AT_OWN, account_info},
    {NS_DISCO_INFO, NAME_QUERY, false, AT_OTHER, other_info},
    {NS_DISCO_ITEMS, NAME_QUERY, false, AT_DOMAIN, domain_items},
    {NS_DISCO_ITEMS, NAME_QUERY, false, AT_OWN, account_items},
    {NS_PING, NAME_PING, false, AT_DOMAIN | AT_OWN, pong},
    {NS_VERSION, NAME_QUERY, false, AT_DOMAIN | AT_OWN, version},
    {NS_TIME, NAME_TIME, false, AT_DOMAIN | AT_OWN, entity_time},
    {NS_ROSTER, NAME_QUERY, false, AT_DOMAIN | AT_OWN, roster},
    {NS_ROSTER, NAME_QUERY, true, AT_DOMAIN | AT_OWN, roster_set},
};

struct frame *local_answer(const struct router *router, const struct node *iq,
                           enum local_place place, struct str from, struct str account)
{
    struct question question = {router, iq, from, account};
    const struct node *payload = iq_payload(iq);
    bool set = iq_is_set(iq);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        if ((row->places & (1u << place)) != 0 && row->set == set &&
            node_is(payload, row->payload, row->ns))
            return row->answer(&question);
    }
    return refuse(&question, &refusal_SERVICE_UNAVAILABLE);
}
