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

static void commits_free(struct message *message)
{
    for (uint32_t i = 0; i < message->commits.count; i++) {
        str_free(&message->commits.at[i].room);
        str_free(&message->commits.at[i].batch);
    }
    mem_free(message->commits.at);
}

enum { ASKED_ARENA_BYTES = 4096 };

static const struct archive_query *query_in(struct arena *arena, const struct archive_query *query)
{
    struct archive_query *copy = ARENA_NEW(arena, struct archive_query);
    struct str *ids = ARENA_NEW_ARRAY(arena, struct str, query->id_count);
    *copy = *query;
    copy->with_nick = str_in(arena, query->with_nick);
    copy->with_account = str_in(arena, query->with_account);
    copy->with_jid = str_in(arena, query->with_jid);
    copy->after_id = str_in(arena, query->after_id);
    copy->before_id = str_in(arena, query->before_id);
    copy->text = str_in(arena, query->text);
    copy->after = str_in(arena, query->after);
    copy->before = str_in(arena, query->before);
    for (unsigned i = 0; i < query->id_count; i++)
        ids[i] = str_in(arena, query->ids[i]);
    copy->ids = query->ids == NULL ? NULL : ids;
    return copy;
}

static const struct stored_query *listing_in(struct arena *arena,
                                             const struct stored_query *listing)
{
    struct stored_query *copy = ARENA_NEW(arena, struct stored_query);
    *copy = *listing;
    copy->domain = str_in(arena, listing->domain);
    copy->after = str_in(arena, listing->after);
    copy->before = str_in(arena, listing->before);
    return copy;
}

struct asked *asked_new(const struct archive_query *query, const struct stored_query *listing)
{
    struct asked *asked = MEM_NEW(struct asked);
    asked->arena = arena_new(ASKED_ARENA_BYTES);
    asked->query = query == NULL ? NULL : query_in(asked->arena, query);
    asked->listing = listing == NULL ? NULL : listing_in(asked->arena, listing);
    return asked;
}

struct asked *asked_again(struct asked *asked)
{
    struct asked *again = asked_new(asked->query, asked->listing);
    again->stanza = asked->stanza;
    again->from = asked->from;
    again->to = asked->to;
    again->route = asked->route;
    again->shard = asked->shard;
    again->again = asked->again + 1;
    asked->stanza = NULL;
    asked->from = NULL;
    asked->to = NULL;
    asked_free(asked);
    return again;
}

void asked_free(struct asked *asked)
{
    if (asked == NULL)
        return;
    stanza_free(asked->stanza);
    jid_free(asked->from);
    jid_free(asked->to);
    if (asked->arena != NULL)
        arena_free(asked->arena);
    mem_free(asked);
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
    case MSG_ROOM_WAKE:
        jid_free(message->room_wake.room);
        break;
    case MSG_FORGET:
        str_free(&message->forget.account);
        str_free(&message->forget.room);
        break;
    case MSG_ROOM_LOAD:
    case MSG_ROOM_LOADED:
        jid_free(message->room_load.room);
        if (message->room_load.arena != NULL)
            arena_free(message->room_load.arena);
        break;
    case MSG_COMMIT:
    case MSG_COMMITTED:
        commits_free(message);
        break;
    case MSG_ASK:
    case MSG_ANSWER:
        asked_free(message->ask);
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
