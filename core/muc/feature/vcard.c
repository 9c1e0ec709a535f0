/*
 * The room's vCard, and with it its picture: read by anybody who may know the room, set by owners,
 * and told by nothing but the notice that the room has changed and the hashes in what the room says
 * of itself. No presence comes from the room's own address: clients would take it for an occupant
 * without a name.
 * @xep 0486 0.1.0 #disco #owner-publish #disco-avatar-hash #retrieve-vcard #rules #security
 * @xep 0054 1.3.0 #usecases #support
 */
#include "core/muc/card.h"
#include "core/muc/feature.h"
#include "core/muc/notice.h"
#include "core/xmpp/disco.h"
#include "core/xmpp/form.h"

static enum step_outcome get(struct room *room, struct step *step, const struct inbound *in)
{
    struct fb fb;

    if (inbound_is_kept_out(room, in))
        return refuse(room, step, in, &refusal_ROOM_MISSING);
    reply_begin(&fb, step, in);
    if (room->card == NULL)
        fb_empty(&fb, NAME_VCARD, NS_VCARD);
    else
        fb_raw(&fb, room->card->xml);
    reply(step, in, fb_finish(&fb));
    return STEP_DONE;
}

static void announce(struct room *room, struct step *step, const struct change *change,
                     const struct inbound *in)
{
    UNUSED(change);
    reply_result(room, step, in);
    notice_statuses(room, step, STATUS_BIT(104));
}

static const struct refusal *refusal_of(enum card_flaw flaw)
{
    switch (flaw) {
    case CARD_TOO_LARGE:
        return &refusal_VCARD_TOO_LARGE;
    case CARD_TOO_MANY_PHOTOS:
        return &refusal_VCARD_PHOTOS;
    case CARD_BAD_PHOTO:
        return &refusal_VCARD_PHOTO_INVALID;
    case CARD_FITS:
    case CARD_EMPTY:
        break;
    }
    return NULL;
}

static enum step_outcome set(struct room *room, struct step *step, const struct inbound *in)
{
    struct card card;

    if (in->affiliation != AFF_OWNER)
        return refuse(room, step, in, &refusal_VCARD_DENIED);
    enum card_flaw flaw = card_read(step, in->payload, &card);
    const struct refusal *refusal = refusal_of(flaw);
    if (refusal != NULL)
        return refuse(room, step, in, refusal);
    struct change change = {.kind = CHANGE_CARD, .card = flaw == CARD_EMPTY ? NULL : &card};
    if (card_equal(room->card, change.card)) {
        reply_result(room, step, in);
        return STEP_DONE;
    }
    return change_submit(room, step, &change, announce, in);
}

static void disco(const struct room *room, struct fb *fb)
{
    UNUSED(room);
    fb_feature_ns(fb, NS_VCARD);
}

static void disco_form(const struct room *room, struct fb *fb)
{
    if (room->card == NULL || room->card->photo_count == 0)
        return;
    fb_field_begin(fb, "muc#roominfo_avatarhash", "text-multi", "Hashes of the room's picture");
    for (unsigned i = 0; i < room->card->photo_count; i++)
        fb_field_value(fb, str_of(room->card->photos[i].digits, PHOTO_HASH_CHARS));
    fb_close(fb);
}

static const struct handler handlers[] = {
    {.kinds = KIND_IQ,
     .targets = TARGET_ROOM,
     .types = TYPE_GET,
     .name = NAME_VCARD,
     .ns = NS_VCARD,
     .run = get},
    {.kinds = KIND_IQ,
     .targets = TARGET_ROOM,
     .types = TYPE_SET,
     .name = NAME_VCARD,
     .ns = NS_VCARD,
     .run = set},
};

const struct feature feature_vcard = {
    .name = "vcard",
    .handlers = handlers,
    .handler_count = ARRAY_LEN(handlers),
    .disco = disco,
    .disco_form = disco_form,
};
