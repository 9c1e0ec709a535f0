#include "shard/runtime/message.h"

#include "core/base/mem.h"

struct message *message_new(enum message_kind kind)
{
    struct message *message = MEM_NEW(struct message);
    message->kind = kind;
    return message;
}

void delivery_fini(struct delivery *delivery)
{
    for (uint32_t i = 0; i < delivery->item_count; i++) {
        frame_unref(delivery->items[i].frame);
        str_free(&delivery->items[i].tail);
    }
    mem_free(delivery->items);
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
    case MSG_SHUTDOWN:
    case MSG_CREDIT:
    case MSG_CLOSE_SESSION:
    case MSG_SHARD_DONE:
        break;
    }
    mem_free(message);
}
