#include "shard/runtime/message.h"

#include "core/base/mem.h"

struct message *message_new(enum message_kind kind)
{
    struct message *message = MEM_NEW(struct message);
    message->kind = kind;
    return message;
}

void delivery_items_free(struct delivery_item *items, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        frame_unref(items[i].frame);
        str_free(&items[i].tail);
    }
    mem_free(items);
}

bool delivery_item_at(const struct delivery *list, uint32_t at, struct delivery_item *item)
{
    if (list->showing == NULL) {
        *item = list->items[at];
        return true;
    }
    *item = (struct delivery_item){showing_at(list->showing, at), STR_NONE};
    return item->frame != NULL;
}

void delivery_fini(struct delivery *delivery)
{
    if (delivery->items != NULL)
        delivery_items_free(delivery->items, delivery->item_count);
    showing_free(delivery->showing);
    frame_unref(delivery->frame);
    address_unref(delivery->address);
    roster_unref(delivery->roster);
    *delivery = (struct delivery){.kind = delivery->kind};
}

static void deliveries_free(struct message *message)
{
    for (uint32_t i = 0; i < message->deliveries.count; i++)
        delivery_fini(&message->deliveries.at[i]);
    mem_free(message->deliveries.at);
}

void message_free(struct message *message)
{
    if (message == NULL)
        return;
    switch (message->kind) {
    case MSG_STANZA:
        stanza_free(message->stanza.stanza);
        jid_free(message->stanza.from);
        jid_free(message->stanza.to);
        break;
    case MSG_SESSION_GONE:
        jid_free(message->session_gone.jid);
        jid_free(message->session_gone.room);
        break;
    case MSG_PLACE_ASK:
    case MSG_PLACE_FREE:
        jid_free(message->place.jid);
        jid_free(message->place.room);
        break;
    case MSG_ROOM_ORDER:
        jid_free(message->room_order.room);
        jid_free(message->room_order.by);
        break;
    case MSG_DELIVERIES:
        deliveries_free(message);
        break;
    case MSG_ROUTED:
        frame_unref(message->routed.frame);
        address_unref(message->routed.address);
        break;
    case MSG_ACCOUNT_GONE:
        str_free(&message->account_gone.bare);
        break;
    case MSG_ACCOUNT:
    case MSG_ACCOUNT_ASK:
        account_fini(&message->account.ask.account);
        break;
    case MSG_LANE_CREDIT:
    case MSG_LINKS:
    case MSG_LINK_LOSS:
    case MSG_ORDER_REPORT:
    case MSG_SHUTDOWN:
    case MSG_CREDIT:
    case MSG_CLOSE_SESSION:
    case MSG_SHARD_DONE:
        break;
    }
    mem_free(message);
}
