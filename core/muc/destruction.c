#include "core/muc/destruction.h"

#include "core/muc/feature.h"
#include "core/muc/outage.h"

#define DAY_US (INT64_C(86400) * 1000 * 1000)

static void write_destroy(struct fb *fb, const struct farewell *farewell)
{
    fb_open(fb, NAME_DESTROY, NS_MUC_USER);
    fb_attr(fb, "jid", farewell->alternate);
    if (str_present(farewell->reason))
        fb_leaf(fb, NAME_REASON, NS_MUC_USER, farewell->reason);
    if (str_present(farewell->password))
        fb_leaf(fb, NAME_PASSWORD, NS_MUC_USER, farewell->password);
    fb_close(fb);
}

static void tell(struct room *room, struct step *step, struct occupant *occupant,
                 const struct session *session, const struct farewell *farewell)
{
    struct stamping stamping = {.occupant = occupant};
    enum affiliation affiliation = room->options.destroy_none ? AFF_NONE : occupant->affiliation;
    struct fb fb;

    fb_begin(&fb, step->arena, "presence", jid_full(occupant->jid), STR("unavailable"), STR_NONE);
    fb_open(&fb, NAME_X, NS_MUC_USER);
    write_destroy(&fb, farewell);
    fb_item(&fb, affiliation, ROLE_NONE, jid_full(session->jid), STR_NONE, NULL, false, STR_NONE);
    fb_statuses(&fb, STATUS_BIT(110), true);
    fb_close(&fb);
    features_stamp_presence(room, step, &fb, &stamping);
    struct frame *frame = fb_finish(&fb);
    frame->farewell = true;
    effect_send(step, frame, session->route, session->address);
}

void destruction_empty_room(struct room *room, struct step *step, const struct farewell *farewell)
{
    struct occupant *occupant;

    occupant_each (room, at, occupant) {
        outage_reach(room, step, occupant);
        for (const struct session *session = occupant->sessions; session != NULL;
             session = session->next)
            tell(room, step, occupant, session, farewell);
        occupant_tally(step, occupant, false);
        occupant_remove(room, occupant);
    }
}

int64_t destruction_tombstone(const struct room *room, const struct step *step)
{
    int64_t days = room->env->settings->tombstone_days;

    return days > 0 ? step->now_us + days * DAY_US : 0;
}

static void ordered(struct room *room, struct step *step, const struct change *change,
                    const struct inbound *in)
{
    static const struct farewell farewell;

    UNUSED(in);
    destruction_empty_room(room, step, &farewell);
    effect_report(step, &change->destroy.ticket, ORDER_DONE);
}

void destruction_by_order(struct room *room, struct step *step, const struct ticket *ticket)
{
    struct change change = {.kind = CHANGE_DESTROY};

    if (!room_exists(room)) {
        effect_report(step, ticket, ORDER_NO_ROOM);
        return;
    }
    change.destroy.until_us = destruction_tombstone(room, step);
    change.destroy.ticket = *ticket;
    (void)change_submit(room, step, &change, ordered, NULL);
}
