/*
 * Real clients: connect, log in without an account (SASL ANONYMOUS), bind a resource. So many of
 * them are under way at a time; the rest follows as they are done.
 */
#include "bench/load/bench.h"

#include "bench/load/util.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TURN_NS_MAX   50000000U
#define SOURCES_APART 1000000U /* processes connect from different addresses */

enum phase { PHASE_AUTH, PHASE_BIND, PHASE_READY };

static void send_header(struct bench *bench, struct conn *conn)
{
    char text[400];
    int size = snprintf(text, sizeof(text),
                        "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "
                        "xmlns:stream='http://etherx.jabber.org/streams' version='1.0' to='%s'>",
                        bench->target.client_domain);
    wire_send(&bench->wire, conn, text, (size_t)size);
}

static void say(struct bench *bench, struct conn *conn, const char *text)
{
    wire_send(&bench->wire, conn, text, strlen(text));
}

static void on_features(struct bench *bench, struct conn *conn, const struct detail *detail)
{
    if (conn->phase == PHASE_BIND) {
        if (!detail->bind)
            die("the server does not let clients bind a resource");
        say(bench, conn,
            "<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>");
        return;
    }
    if (bench->tls != NULL && conn->tls == NULL) {
        if (!detail->starttls)
            die("the server does not offer STARTTLS");
        say(bench, conn, "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>");
        return;
    }
    if (!detail->anonymous)
        die("the server does not offer SASL ANONYMOUS");
    say(bench, conn, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>");
}

static void on_bound(struct bench *bench, struct conn *conn, struct span jid)
{
    if (jid.size == 0)
        die("the server's answer to a bind has no address");
    char *copy = must_alloc(jid.size);
    memcpy(copy, jid.at, jid.size);
    conn->reader = (struct reader){.address = {copy, jid.size}, .user = conn->index};
    conn->phase = PHASE_READY;
    bench->logged_in++;
}

static void on_element(struct bench *bench, struct conn *conn)
{
    const struct detail *detail = &bench->scan.detail;
    if (span_is(detail->name, "stream:features")) {
        on_features(bench, conn, detail);
    } else if (span_is(detail->name, "success")) {
        conn->phase = PHASE_BIND;
        send_header(bench, conn);
    } else if (span_is(detail->name, "proceed")) {
        wire_encrypt(conn, bench->tls);
        send_header(bench, conn);
    } else if (span_is(detail->name, "iq") && span_is(detail->type, "result") &&
               conn->phase == PHASE_BIND) {
        on_bound(bench, conn, detail->jid);
    } else if (!span_is(detail->name, "stream:stream")) {
        die("a client could not log in: %.*s", (int)(bench->scan.at - bench->scan.stanza),
            bench->scan.stanza);
    }
}

const char *login_input(void *owner, struct conn *conn, const char *begin, const char *end)
{
    struct bench *bench = owner;
    struct scan *scan = &bench->scan;
    scan_feed(scan, conn->reader, begin, end);
    for (;;) {
        enum scan_result result = scan_next(scan);
        if (result == SCAN_MORE)
            return scan->at;
        if (result != SCAN_STANZA && result != SCAN_AGAIN)
            die("a client's stream ended while it logged in: %.*s", (int)(end - scan->at),
                scan->at);
        on_element(bench, conn);
    }
}

static void start_one(struct bench *bench)
{
    uint32_t index = bench->wire.count;
    int fd = wire_connect(bench->target.client_port, bench->member->index * SOURCES_APART + index);
    if (fd < 0)
        die("client %u cannot connect: %s%s", index, strerror(errno),
            errno == EMFILE ? " (raise the limit of open files: ulimit -n)" : "");
    struct conn *conn = wire_add(&bench->wire, fd);
    conn->phase = PHASE_AUTH;
    send_header(bench, conn);
}

/* The server has just been started and may not listen yet. */
static void await_door(struct bench *bench)
{
    uint64_t until = now_ns() + (uint64_t)(bench->plan.patience * 1e9);
    while (now_ns() < until) {
        if (wire_can_connect(bench->target.client_port))
            return;
        usleep(20000);
    }
    die("nobody listens for clients on port %u", bench->target.client_port);
}

void login_all(struct bench *bench)
{
    uint32_t all = bench->ledger.user_count;
    await_door(bench);
    struct proc_sample sample;
    proc_sample(&sample, bench->target.server);
    bench->result.rss_start = sample.rss_bytes;
    uint64_t began = now_ns();
    bench->progress.at_ns = began;
    while (bench->logged_in < all) {
        while (bench->wire.count < all && bench->wire.count - bench->logged_in < bench->plan.logins)
            start_one(bench);
        bench_turn(bench, TURN_NS_MAX);
        if (bench_stalled(bench))
            die("%u of %u clients are logged in and nothing happens", bench->logged_in, all);
    }
    bench->result.connect_seconds = (double)(now_ns() - began) / 1e9;
}
