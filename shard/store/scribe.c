#include "shard/store/scribe.h"

#include "core/base/base.h"
#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "shard/runtime/rcu.h"

struct scribe {
    struct agent agent;
    struct exchange *exchange;
    struct store *store;
    struct mailbox *mailbox;
};

/* A look-up in the store may take as long as a disk takes, so no read section is open while it
 * runs; the answer's post opens one of its own. */
static void scribe_on_account_ask(struct scribe *scribe, struct message *message)
{
    ASSERT_ON(&scribe->agent);
    scribe->store->account(scribe->store, &message->account.ask);
    message->kind = MSG_ACCOUNT;
    post_lane(scribe->exchange, message->account.route.lane, message);
}

static void scribe_on_message(void *self, struct mail *mail)
{
    struct scribe *scribe = self;
    struct message *message = container_of(mail, struct message, mail);
    switch (message->kind) {
    case MSG_ACCOUNT_ASK:
        scribe_on_account_ask(scribe, message);
        return;
    case MSG_STANZA:
    case MSG_SESSION_GONE:
    case MSG_LINKS:
    case MSG_LINK_LOSS:
    case MSG_PLACE_ASK:
    case MSG_PLACE_FREE:
    case MSG_LANE_CREDIT:
    case MSG_ROOM_ORDER:
    case MSG_ORDER_REPORT:
    case MSG_SHUTDOWN:
    case MSG_DELIVERIES:
    case MSG_CREDIT:
    case MSG_ROUTED:
    case MSG_CLOSE_SESSION:
    case MSG_ACCOUNT_GONE:
    case MSG_ACCOUNT:
    case MSG_SHARD_DONE:
        break;
    }
    never("a message that is not for the scribe");
}

static int scribe_work(void *self)
{
    struct scribe *scribe = self;
    bool more = false;
    unsigned count =
        mailbox_drain(scribe->mailbox, scribe_on_message, scribe, SHARD_DRAIN_MAX, &more);
    return (int)count + (more ? 1 : 0);
}

static void scribe_wait(void *self, int work, int timeout_ms)
{
    struct scribe *scribe = self;
    if (work == 0)
        mailbox_wait(scribe->mailbox, timeout_ms);
}

static void scribe_wake(void *self)
{
    struct scribe *scribe = self;
    mailbox_wake(scribe->mailbox);
}

struct scribe *scribe_new(struct exchange *exchange, struct store *store, struct log_sink *log,
                          int *err)
{
    struct mailbox *mailbox = mailbox_new(err);
    if (mailbox == NULL) {
        store->close(store);
        return NULL;
    }
    struct scribe *scribe = MEM_NEW(struct scribe);
    scribe->exchange = exchange;
    scribe->store = store;
    scribe->mailbox = mailbox;
    scribe->agent = (struct agent){
        .name = "scribe",
        .self = scribe,
        .do_work = scribe_work,
        .wait = scribe_wait,
        .wake = scribe_wake,
        .blocking = true,
        .log = log,
    };
    exchange_set_scribe(exchange, mailbox);
    return scribe;
}

struct agent *scribe_agent(struct scribe *scribe)
{
    return &scribe->agent;
}

static void discard(void *self, struct mail *mail)
{
    UNUSED(self);
    message_free(container_of(mail, struct message, mail));
}

void scribe_free(struct scribe *scribe)
{
    if (scribe == NULL)
        return;
    exchange_set_scribe(scribe->exchange, NULL);
    bool more = true;
    while (more)
        mailbox_drain(scribe->mailbox, discard, NULL, SHARD_DRAIN_MAX, &more);
    mailbox_free(scribe->mailbox);
    scribe->store->close(scribe->store);
    mem_free(scribe);
}
