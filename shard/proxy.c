#include "shard/proxy.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "shard/placement.h"

/* Stanzas that may lie in a mailbox before its shard is woken, while more are being read: the shard
 * should not wait long where it has a core of its own. */
enum { RING_AFTER = 64 };

struct account_book {  /* with one shard */
    int64_t used;      /* credits */
    int64_t window;    /* of them, so many may be in use */
    bool scarce;       /* they all were, since the probe began */
    uint64_t posted;   /* credits, ever */
    uint64_t probe;    /* `posted` behind the stanza whose way is timed; 0: none is */
    int64_t probe_ms;  /* when it was posted */
    int64_t ahead;     /* credits in use then, its own included */
    uint64_t expanded; /* KiB of its deliveries, not yet reported */
    unsigned unrung;   /* stanzas posted since it was woken */
};

struct proxy {
    struct exchange *exchange;
    const struct hash_key *placement_key;
    uint16_t lane;
    int64_t now_ms;
    struct account_book *books; /* by shard */
    unsigned book_count;
};

struct proxy *proxy_new(struct exchange *exchange, const struct hash_key *placement_key,
                        uint16_t lane)
{
    struct proxy *proxy = MEM_NEW(struct proxy);
    proxy->exchange = exchange;
    proxy->placement_key = placement_key;
    proxy->lane = lane;
    return proxy;
}

void proxy_free(struct proxy *proxy)
{
    if (proxy == NULL)
        return;
    mem_free(proxy->books);
    mem_free(proxy);
}

static struct account_book *book_of(struct proxy *proxy, unsigned shard)
{
    if (shard >= proxy->book_count) {
        proxy->books = mem_grow(proxy->books, sizeof(*proxy->books) * ((size_t)shard + 1));
        while (proxy->book_count <= shard)
            proxy->books[proxy->book_count++] = (struct account_book){.window = CREDITS_FIRST};
    }
    return &proxy->books[shard];
}

static void window_set(struct account_book *book, int64_t window)
{
    if (window < CREDITS_LEAST)
        window = CREDITS_LEAST;
    book->window = window < CREDITS_PER_SHARD ? window : CREDITS_PER_SHARD;
}

/* While something takes too long there is no more of it, whatever its end will tell. */
void proxy_tick(struct proxy *proxy, int64_t now_ms)
{
    proxy->now_ms = now_ms;
    for (unsigned shard = 0; shard < proxy->book_count; shard++) {
        struct account_book *book = &proxy->books[shard];
        if (book->probe != 0 && now_ms - book->probe_ms > CREDIT_WAIT_MS)
            window_set(book, book->used < book->window ? book->used : book->window);
    }
}

unsigned proxy_shard(const struct proxy *proxy, const struct jid *from, const struct jid *to)
{
    struct str key = to->local_len > 0 ? jid_bare(to) : jid_bare(from);
    return placement_shard(proxy->placement_key, key, exchange_shards(proxy->exchange));
}

bool proxy_has_credit(const struct proxy *proxy, unsigned shard)
{
    return shard >= proxy->book_count || proxy->books[shard].used < proxy->books[shard].window;
}

static void ring(struct proxy *proxy, unsigned shard)
{
    proxy->books[shard].unrung = 0;
    exchange_ring_shard(proxy->exchange, shard);
}

void proxy_ring(struct proxy *proxy)
{
    for (unsigned shard = 0; shard < proxy->book_count; shard++) {
        if (proxy->books[shard].unrung > 0)
            ring(proxy, shard);
    }
}

void proxy_stanza(struct proxy *proxy, unsigned shard, struct stanza *stanza, struct jid *from,
                  struct jid *to, struct route route)
{
    uint32_t cost = 1 + stanza->wire_size / 1024;
    struct message *message = message_new(MSG_STANZA);
    message->stanza.stanza = stanza;
    message->stanza.from = from;
    message->stanza.to = to;
    message->stanza.route = route;
    message->stanza.lane = proxy->lane;
    message->stanza.cost = cost;
    if (!post_shard_quietly(proxy->exchange, shard, message))
        return;
    struct account_book *book = book_of(proxy, shard);
    book->used += cost;
    book->posted += cost;
    book->scarce |= book->used >= book->window;
    if (book->probe == 0) {
        book->probe = book->posted;
        book->probe_ms = proxy->now_ms;
        book->ahead = book->used;
    }
    if (++book->unrung >= RING_AFTER)
        ring(proxy, shard);
}

void proxy_session_gone(struct proxy *proxy, const struct jid *jid, const struct jid *room,
                        struct route route, bool properly)
{
    struct message *message = message_new(MSG_SESSION_GONE);
    message->session_gone.jid = jid_copy(jid);
    message->session_gone.room = jid_to_bare(NULL, room);
    message->session_gone.route = route;
    message->session_gone.properly = properly;
    post_shard(proxy->exchange, proxy_shard(proxy, jid, room), message);
}

void proxy_place_ask(struct proxy *proxy, const struct jid *jid, const struct jid *room,
                     struct route route, uint32_t presence)
{
    struct message *message = message_new(MSG_PLACE_ASK);
    message->place.jid = jid_copy(jid);
    message->place.room = jid_to_bare(NULL, room);
    message->place.route = route;
    message->place.presence = presence;
    post_shard(proxy->exchange, proxy_shard(proxy, jid, room), message);
}

void proxy_links(struct proxy *proxy)
{
    unsigned shards = exchange_shards(proxy->exchange);
    for (unsigned shard = 0; shard < shards; shard++)
        post_shard(proxy->exchange, shard, message_new(MSG_LINKS));
}

void proxy_link_loss(struct proxy *proxy, uint64_t room, struct route route)
{
    struct message *message = message_new(MSG_LINK_LOSS);
    message->link_loss.route = route;
    message->link_loss.room = room;
    post_shard(proxy->exchange, placement_of_id(room), message);
}

bool proxy_is_idle(const struct proxy *proxy)
{
    for (unsigned shard = 0; shard < proxy->book_count; shard++) {
        if (proxy->books[shard].used != 0 || proxy->books[shard].expanded != 0)
            return false;
    }
    return true;
}

/* The probe's credits took so long to come back, and with them those of all ahead of it. Growing is
 * by steps where it is close to enough, so that two net agents come to share a shard equally: what
 * shrinks in proportion takes more from who has more. */
static void window_adapt(struct account_book *book, int64_t took_ms)
{
    int64_t window = book->window;
    if (took_ms > CREDIT_WAIT_MS)
        window = (book->ahead < window ? book->ahead : window) * CREDIT_WAIT_MS / took_ms;
    else if (book->scarce)
        window += took_ms <= CREDIT_WAIT_MS / 2 ? window : CREDITS_LEAST;
    window_set(book, window);
}

void proxy_credit(struct proxy *proxy, unsigned shard, uint32_t cost)
{
    struct account_book *book = book_of(proxy, shard);
    book->used -= cost;
    ensure(book->used >= 0);
    uint64_t handled = book->posted - (uint64_t)book->used;
    if (book->probe == 0 || handled < book->probe)
        return;
    window_adapt(book, proxy->now_ms - book->probe_ms);
    book->probe = 0;
    book->scarce = false;
}

void proxy_expanded(struct proxy *proxy, unsigned shard, uint32_t cost)
{
    book_of(proxy, shard)->expanded += cost;
}

void proxy_flush(struct proxy *proxy)
{
    for (unsigned shard = 0; shard < proxy->book_count; shard++) {
        struct account_book *book = &proxy->books[shard];
        if (book->expanded == 0)
            continue;
        uint32_t cost = book->expanded > UINT32_MAX ? UINT32_MAX : (uint32_t)book->expanded;
        book->expanded -= cost;
        struct message *message = message_new(MSG_LANE_CREDIT);
        message->lane_credit.lane = proxy->lane;
        message->lane_credit.cost = cost;
        post_shard(proxy->exchange, shard, message);
    }
}
