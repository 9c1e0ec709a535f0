#include "shard/store/reader.h"

#include "core/base/base.h"
#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "shard/store/trouble.h"

struct reader {
    struct agent agent;
    struct exchange *exchange;
    struct store_reader *connection;
    struct mailbox *mailbox;
    void (*publish)(struct exchange *exchange, struct mailbox *mailbox);
    struct trouble reading;
    bool told_damage;
};

static void tell_operator(struct reader *reader, int err, struct str room)
{
    if (err == 0 || is_trouble(err))
        trouble_note(&reader->reading, err);
    if (err == ERR_CORRUPT && !reader->told_damage)
        log_error("the archive of %.*s is damaged; --check-store says where", (int)room.len,
                  room.at);
    reader->told_damage |= err == ERR_CORRUPT;
}

/* What is not well-formed ends the stream of whoever is sent it. Here, since it takes as long as
 * parsing a page. */
static int leave_out_damaged(struct archive_page *page)
{
    int err = page->err;
    for (unsigned i = 0; i < page->count; i++) {
        if (archived_is_whole(&page->rows[i]))
            continue;
        page->rows[i].xml = STR_NONE;
        err = ERR_CORRUPT;
    }
    return err;
}

static void reader_on_ask(struct reader *reader, struct message *message)
{
    struct store_reader *connection = reader->connection;
    struct asked *ask = message->ask;
    ASSERT_ON(&reader->agent);
    int err;
    if (ask->query != NULL) {
        connection->query(connection, ask->arena, jid_bare(ask->to), ask->query, &ask->page);
        err = leave_out_damaged(&ask->page);
    } else {
        connection->listing(connection, ask->arena, ask->listing, &ask->listed);
        err = ask->listed.err;
    }
    tell_operator(reader, err, jid_bare(ask->to));
    message->kind = MSG_ANSWER;
    post_shard(reader->exchange, ask->shard, message);
}

static void reader_on_message(void *self, struct mail *mail)
{
    struct message *message = container_of(mail, struct message, mail);
    ensure(message->kind == MSG_ASK);
    reader_on_ask(self, message);
}

static int reader_work(void *self)
{
    struct reader *reader = self;
    bool more = false;
    unsigned count =
        mailbox_drain(reader->mailbox, reader_on_message, reader, SHARD_DRAIN_MAX, &more);
    return (int)count + (more ? 1 : 0);
}

static void reader_wait(void *self, int work, int timeout_ms)
{
    struct reader *reader = self;
    if (work == 0)
        mailbox_wait(reader->mailbox, timeout_ms);
}

static void reader_wake(void *self)
{
    struct reader *reader = self;
    mailbox_wake(reader->mailbox);
}

/* What the two kinds of reader differ in. */
struct post {
    const char *name;
    const char *begins, *ends; /* what the operator is told of its troubles */
    void (*publish)(struct exchange *exchange, struct mailbox *mailbox);
};

static struct reader *make(struct exchange *exchange, struct store_reader *connection,
                           struct log_sink *log, const struct post *post, int *err)
{
    struct mailbox *mailbox = mailbox_new(err);
    if (mailbox == NULL) {
        connection->close(connection);
        return NULL;
    }
    struct reader *reader = MEM_NEW(struct reader);
    reader->exchange = exchange;
    reader->connection = connection;
    reader->mailbox = mailbox;
    reader->agent = (struct agent){
        .name = post->name,
        .self = reader,
        .log = log,
        .do_work = reader_work,
        .wait = reader_wait,
        .wake = reader_wake,
        .blocking = true,
    };
    reader->reading.begins = post->begins;
    reader->reading.ends = post->ends;
    reader->publish = post->publish;
    reader->publish(exchange, reader->mailbox);
    return reader;
}

struct reader *reader_new(struct exchange *exchange, struct store_reader *connection,
                          struct log_sink *log, int *err)
{
    static const struct post post = {
        .name = "reader",
        .begins = "archives cannot be read",
        .ends = "archives can be read again",
        .publish = exchange_set_reader,
    };
    return make(exchange, connection, log, &post, err);
}

struct reader *searcher_new(struct exchange *exchange, struct store_reader *connection,
                            struct log_sink *log, int *err)
{
    static const struct post post = {
        .name = "searcher",
        .begins = "archives cannot be searched",
        .ends = "archives can be searched again",
        .publish = exchange_set_searcher,
    };
    return make(exchange, connection, log, &post, err);
}

struct agent *reader_agent(struct reader *reader)
{
    return &reader->agent;
}

void reader_stop(struct reader *reader)
{
    if (reader->connection->give_up != NULL)
        reader->connection->give_up(reader->connection);
    agent_stop(&reader->agent);
}

static void discard(void *self, struct mail *mail)
{
    UNUSED(self);
    message_free(container_of(mail, struct message, mail));
}

void reader_free(struct reader *reader)
{
    if (reader == NULL)
        return;
    reader->publish(reader->exchange, NULL);
    bool more = true;
    while (more)
        mailbox_drain(reader->mailbox, discard, NULL, SHARD_DRAIN_MAX, &more);
    mailbox_free(reader->mailbox);
    reader->connection->close(reader->connection);
    mem_free(reader);
}
