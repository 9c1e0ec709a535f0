/*
 * What a presence of a room looks like: the item, the status codes, and the frames built of them.
 * Who gets which is decided in presence.c.
 */
#include "core/muc/presence_frame.h"

#include "core/base/ensure.h"
#include "core/muc/feature.h"

/* ---- status codes ---- */

static const struct {
    uint16_t code;
    bool behind_item;
} statuses[] = {
#define STATUS(code, after, meaning) {code, after},
#include "core/muc/status.def"
#undef STATUS
};

static_assert(ARRAY_LEN(statuses) == STATUS_ROW_COUNT, "a status code without a row");
static_assert(STATUS_ROW_COUNT <= 32, "a set of status codes is 32 bits");

void fb_statuses(struct fb *fb, uint32_t set, bool behind_item)
{
    for (unsigned i = 0; set >> i != 0; i++) {
        if ((set >> i & 1) == 0 || statuses[i].behind_item != behind_item)
            continue;
        fb_open(fb, NAME_STATUS, NS_MUC_USER);
        fb_attr_u64(fb, "code", statuses[i].code);
        fb_close(fb);
    }
}

uint32_t status_bit(unsigned code)
{
    for (unsigned i = 0; i < ARRAY_LEN(statuses); i++) {
        if (statuses[i].code == code)
            return UINT32_C(1) << i;
    }
    return 0;
}

/* ---- items ---- */

static void write_actor(struct fb *fb, const struct actor *actor, bool with_jid)
{
    bool jid = with_jid && str_present(actor->jid);
    if (!str_present(actor->nick) && !jid)
        return;
    fb_open(fb, NAME_ACTOR, NS_MUC_USER);
    fb_attr(fb, "nick", actor->nick);
    if (jid)
        fb_attr(fb, "jid", actor->jid);
    fb_close(fb);
}

void fb_occupant_id(struct fb *fb, struct str id)
{
    fb_open(fb, NAME_OCCUPANT_ID, NS_OCCUPANT_ID);
    fb_attr_plain(fb, STR("id"), id);
    fb_close(fb);
}

void fb_item(struct fb *fb, enum affiliation affiliation, enum role role, struct str jid,
             struct str nick, const struct actor *actor, bool actor_jid, struct str reason)
{
    fb_open(fb, NAME_ITEM, NS_MUC_USER);
    fb_attr(fb, "affiliation", affiliation_text(affiliation));
    fb_attr(fb, "role", role_text(role));
    fb_attr(fb, "jid", jid);
    fb_attr(fb, "nick", nick);
    if (actor != NULL)
        write_actor(fb, actor, actor_jid);
    if (!str_empty(reason))
        fb_leaf(fb, NAME_REASON, NS_MUC_USER, reason);
    fb_close(fb);
}

/* ---- frames ---- */

/* One item per session for who may see JIDs, else a single one (SEMANTICS 4.3.4). */
static void write_items(struct fb *fb, const struct occupant *occupant, const struct news *news,
                        enum presence_copy copy)
{
    bool role_stays = !news->unavailable || news->keep_role || str_present(news->new_nick);
    enum role role = role_stays ? occupant->role : ROLE_NONE;
    bool actor_jid = copy == COPY_FULL;

    if (copy == COPY_ANON) {
        fb_item(fb, occupant->affiliation, role, STR_NONE, news->new_nick, news->actor, false,
                news->reason);
        return;
    }
    for (const struct session *session = occupant->sessions; session != NULL;
         session = session->next) {
        if (news->only == NULL || news->only == session)
            fb_item(fb, occupant->affiliation, role, jid_full(session->jid), news->new_nick,
                    news->actor, actor_jid, news->reason);
    }
}

struct frame *presence_frame(struct room *room, struct step *step, struct occupant *occupant,
                             const struct news *news, enum presence_copy copy)
{
    const struct session *shown = occupant_primary(occupant);
    if (copy == COPY_SELF_ASKED && news->id_for != NULL)
        shown = news->id_for;
    bool own = copy == COPY_SELF || copy == COPY_SELF_ASKED;
    struct str payload = news->unavailable ? news->payload : shown->payload;
    struct str lang = news->unavailable ? news->lang : session_lang(shown);
    uint32_t set = own ? news->statuses | news->self_statuses | STATUS_BIT(110) : news->statuses;

    struct fb fb;
    fb_begin(&fb, step->arena, "presence", jid_full(occupant->jid),
             news->unavailable ? STR("unavailable") : STR_NONE,
             copy == COPY_SELF_ASKED ? news->id : STR_NONE);
    if (!str_empty(lang))
        fb_lang(&fb, lang);
    if (!str_empty(news->status_text))
        fb_leaf(&fb, NAME_STATUS, NS_STANZA, news->status_text);
    if (!str_empty(payload))
        fb_raw(&fb, payload);
    struct stamping stamping = {.occupant = occupant};
    features_stamp_presence(room, step, &fb, &stamping);
    fb_open(&fb, NAME_X, NS_MUC_USER);
    if (own && news->ends_room)
        fb_empty(&fb, NAME_DESTROY, NS_MUC_USER);
    fb_statuses(&fb, set, false);
    write_items(&fb, occupant, news, copy);
    fb_statuses(&fb, set, true);
    fb_close(&fb);
    return fb_finish(&fb);
}

struct frame *presence_absent(const struct room *room, struct step *step,
                              const struct affiliate *affiliate, bool with_jid)
{
    const struct jid *from = jid_with_resource(step->arena, room->jid, affiliate->nick);
    struct fb fb;
    fb_begin(&fb, step->arena, "presence", jid_full(from), STR("unavailable"), STR_NONE);
    fb_occupant_id(&fb, affiliate->occupant_id);
    fb_open(&fb, NAME_X, NS_MUC_USER);
    fb_item(&fb, affiliate->affiliation, ROLE_NONE, with_jid ? affiliate->jid : STR_NONE,
            affiliate->nick, NULL, false, STR_NONE);
    fb_close(&fb);
    return fb_finish(&fb);
}

/* ---- what a client's presence may bring along ---- */

struct payload_filter {
    const struct room *room;
    struct arena *arena;
};

static bool payload_keep(const struct node *child, void *self)
{
    const struct payload_filter *filter = self;
    return reflect_may_pass(filter->room, filter->arena, child);
}

static int8_t read_priority(const struct node *presence, struct arena *arena)
{
    int64_t priority;
    const struct node *element = node_find(presence, NAME_PRIORITY, NS_STANZA);
    if (!str_to_i64(str_trim(node_text(element, arena)), &priority) || priority < INT8_MIN ||
        priority > INT8_MAX)
        return 0;
    return (int8_t)priority;
}

bool presence_payload(const struct room *room, struct step *step, const struct node *presence,
                      struct str *payload, int8_t *priority)
{
    struct payload_filter filter = {room, step->arena};
    struct fb fb;
    fb_begin_fragment(&fb, step->arena);
    fb_children(&fb, presence, payload_keep, &filter);
    *payload = fb_finish_fragment(&fb);
    *priority = read_priority(presence, step->arena);
    return payload->len <= PRESENCE_BYTES_MAX;
}
