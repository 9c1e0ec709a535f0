/* Whole net agents on their own threads: listening, sharing the door, running out of descriptors,
 * and the end. */
#include "net/net.h"

#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "core/xmpp/prep.h"
#include "net/sasl.h"
#include "shard/runtime/rcu.h"
#include "shard/store/scribe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define LANES 2
#define OPENING                                                                                    \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "                                   \
    "xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"

static const struct hash_key key = {31, 32};
static const struct router_settings router = {
    .muc_domains = {.at = {STR("conference.localhost")}, .count = 1},
    .client_domain = STR("localhost")};
static const struct stream_settings stream = {.domain = STR("localhost"),
                                              .plaintext = true,
                                              .anonymous = true,
                                              .secret = STR("0123456789abcdef"),
                                              .version = STR("1")};

static struct exchange *exchange;
static struct directory *directory;
static struct scribe *scribe;
static struct net *nets[LANES];
static int listener;
static struct sockaddr_in address;
static _Atomic unsigned shards_done;

/* Lines of all agents, under a lock. */
static pthread_mutex_t log_lock = PTHREAD_MUTEX_INITIALIZER;
static struct buf log_text;

static void write_log(struct log_sink *sink, enum log_level level, const char *line)
{
    UNUSED(sink);
    UNUSED(level);
    pthread_mutex_lock(&log_lock);
    buf_addz(&log_text, line);
    buf_addc(&log_text, '\n');
    pthread_mutex_unlock(&log_lock);
}

static struct log_sink sink = {.write = write_log, .level = LOG_LEVEL_INFO};

static unsigned log_count(const char *what)
{
    unsigned count = 0;
    pthread_mutex_lock(&log_lock);
    const char *text = log_text.len > 0 ? buf_str(&log_text).at : "";
    for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
        count++;
    pthread_mutex_unlock(&log_lock);
    return count;
}

static void random_bytes(void *bytes, size_t size)
{
    static _Atomic uint64_t calls;
    struct hash_key seed = {atomic_fetch_add(&calls, 1), 1};
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)bytes)[i] = (uint8_t)hash_str(&seed, str_of((const char *)&i, sizeof(i)));
}

static void on_shards_done(void *self)
{
    UNUSED(self);
    atomic_fetch_add(&shards_done, 1);
}

/* A door and what agents share. */
static void open_door(void)
{
    ensure(prep_init() == 0 && sasl_init() == 0);
    agent_register_thread();
    buf_init(&log_text, NULL);
    char why[300];
    listener = net_listen(STR("127.0.0.1:0"), why, sizeof(why));
    ensure(listener >= 0);
    socklen_t size = sizeof(address);
    ensure(getsockname(listener, (struct sockaddr *)&address, &size) == 0);
    exchange = exchange_new();
    directory = directory_new(&key);
    directory_set_local(directory, STR("localhost"));
}

static void close_door(void)
{
    rcu_finish_later();
    directory_free(directory);
    exchange_free(exchange);
    close(listener);
    buf_free(&log_text);
    agent_unregister_thread();
    sasl_fini();
    prep_fini();
}

static void make_net(uint16_t lane, unsigned shards)
{
    int err = 0;
    struct net_setup setup = {
        .lane = lane,
        .exchange = exchange,
        .directory = directory,
        .hash_key = &key,
        .router = &router,
        .stream = &stream,
        .listen_fd = listener,
        .log = &sink,
        .random = random_bytes,
        .shards_done = on_shards_done,
        .shards = shards,
    };
    nets[lane] = net_new(&setup, &err);
    ensure(nets[lane] != NULL);
}

static int begin(void **state)
{
    UNUSED(state);
    open_door();
    int err = 0;
    struct scribe_setup kept = {.exchange = exchange, .store = store_mem_open(&key), .log = &sink};
    scribe = scribe_new(&kept, &err);
    ensure(scribe != NULL && agent_start(scribe_agent(scribe)) == 0);
    for (uint16_t i = 0; i < LANES; i++)
        make_net(i, 2);
    for (uint16_t i = 0; i < LANES; i++)
        ensure(agent_start(net_agent(nets[i])) == 0);
    return 0;
}

static void stop_nets(int deadline_ms)
{
    for (uint16_t i = 0; i < LANES; i++)
        net_close(nets[i], deadline_ms);
    for (uint16_t i = 0; i < LANES; i++)
        agent_join(net_agent(nets[i]));
}

static int end(void **state)
{
    UNUSED(state);
    for (uint16_t i = 0; i < LANES; i++)
        net_free(nets[i]);
    agent_stop(scribe_agent(scribe));
    agent_join(scribe_agent(scribe));
    scribe_free(scribe);
    close_door();
    return 0;
}

/* ---- clients ---- */

/* -1 if there are no descriptors. */
static int dial(void)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    struct timeval patience = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    ensure(connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0);
    return fd;
}

/* Sends, then reads until `last` has come; false: it did not. */
static bool ask(int fd, const char *xml, const char *last, char *answer, size_t size)
{
    size_t used = 0;
    if (write(fd, xml, strlen(xml)) != (ssize_t)strlen(xml))
        return false;
    answer[0] = '\0';
    while (strstr(answer, last) == NULL && used < size - 1) {
        ssize_t count = read(fd, answer + used, size - 1 - used);
        if (count <= 0)
            return false;
        used += (size_t)count;
        answer[used] = '\0';
    }
    return true;
}

/* The lane the new session is on. */
static uint16_t log_in(int fd)
{
    char text[4096];
    assert_true(ask(fd, OPENING, "</stream:features>", text, sizeof(text)));
    assert_true(ask(fd, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>",
                    "<success", text, sizeof(text)));
    assert_true(ask(fd, OPENING, "</stream:features>", text, sizeof(text)));
    assert_true(ask(fd,
                    "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
                    "</iq>", text, sizeof(text)));
    char *from = strstr(text, "<jid>");
    char *to = strstr(text, "</jid>");
    assert_true(from != NULL && to > from);
    struct jid *jid = jid_parse(NULL, str_of(from + 5, (size_t)(to - from - 5)));
    struct route route;
    assert_true(directory_session_find(directory, jid, &route));
    jid_free(jid);
    return route.lane;
}

static void the_door_is_shared(void **state)
{
    UNUSED(state);
    int peers[20];
    unsigned count[LANES] = {0};
    for (size_t i = 0; i < ARRAY_LEN(peers); i++) {
        peers[i] = dial();
        count[log_in(peers[i])]++;
        usleep(5000); /* both agents sleep at the door again: the same one must not always wake */
    }
    for (unsigned i = 0; i < LANES; i++)
        assert_in_range(count[i], 4, 16);
    for (size_t i = 0; i < ARRAY_LEN(peers); i++)
        close(peers[i]);
    stop_nets(1000);
}

static void the_end_is_told_and_comes_soon(void **state)
{
    UNUSED(state);
    char text[4096];
    int polite = dial(), stubborn = dial();
    log_in(polite);
    log_in(stubborn);
    for (unsigned i = 0; i < 2; i++) {
        struct message *done = message_new(MSG_SHARD_DONE);
        done->shard_done.shard = i;
        post_lane(exchange, 0, done);
    }
    int64_t start_ms = clock_mono_ms();
    for (uint16_t i = 0; i < LANES; i++)
        net_close(nets[i], 600);
    assert_true(ask(polite, " ", "</stream:stream>", text, sizeof(text)));
    assert_non_null(strstr(text, "<system-shutdown"));
    close(polite);
    for (uint16_t i = 0; i < LANES; i++)
        agent_join(net_agent(nets[i]));
    assert_in_range(clock_mono_ms() - start_ms, 500, 3000); /* the stubborn one had its time */
    assert_int_equal(shards_done, 1);
    assert_int_equal(log_count("is gone: the server stops"), 2);
    close(stubborn);
}

static void without_clients_the_end_comes_at_once(void **state)
{
    UNUSED(state);
    int64_t start_ms = clock_mono_ms();
    stop_nets(30000);
    assert_true(clock_mono_ms() - start_ms < 5000);
}

static void without_descriptors_clients_wait_at_the_door(void **state)
{
    UNUSED(state);
    char text[4096];
    struct rlimit before, few;
    getrlimit(RLIMIT_NOFILE, &before);
    int peers[40];
    for (size_t i = 0; i < ARRAY_LEN(peers); i++)
        peers[i] = -1;
    int next = dup(listener);
    ensure(next >= 0);
    close(next);
    /* Our ends of ten connections, and five for the server's. */
    few = (struct rlimit){(rlim_t)next + 15, before.rlim_max};
    ensure(setrlimit(RLIMIT_NOFILE, &few) == 0);
    size_t count = 0;
    while (count < ARRAY_LEN(peers) && (peers[count] = dial()) >= 0) {
        count++;
        usleep(2000);
    }
    for (unsigned i = 0; i < 1000 && log_count("clients have to wait at the door") == 0; i++)
        usleep(5000);
    unsigned told = log_count("clients have to wait at the door");
    assert_in_range(told, 1, LANES);
    usleep(100000);
    assert_in_range(log_count("clients have to wait at the door"), 1, LANES);

    ensure(setrlimit(RLIMIT_NOFILE, &before) == 0);
    for (size_t i = 0; i < count; i++) {
        assert_true(ask(peers[i], OPENING, "</stream:features>", text, sizeof(text)));
        close(peers[i]);
    }
    stop_nets(1000);
    for (unsigned i = 0; i < LANES; i++)
        assert_true(net_agent(nets[i])->cycles < 5000); /* it has not spun */
}

/* ---- a cycle's work ---- */

/* One agent stepped by hand, at a door whose connections take much at once. */
static int begin_alone(void **state)
{
    UNUSED(state);
    open_door();
    int size = 1024 * 1024;
    setsockopt(listener, SOL_SOCKET, SO_SNDBUF, &size, sizeof(size));
    make_net(0, 0);
    return 0;
}

static int end_alone(void **state)
{
    UNUSED(state);
    net_free(nets[0]);
    nets[0] = NULL;
    log_set_sink(NULL);
    close_door();
    return 0;
}

/* Steps until `last` has come, asleep between cycles that have found nothing to do. */
static void ask_alone(int fd, const char *xml, const char *last, char *answer, size_t size)
{
    struct agent *agent = net_agent(nets[0]);
    size_t used = 0;
    assert_int_equal(write(fd, xml, strlen(xml)), strlen(xml));
    answer[0] = '\0';
    for (unsigned i = 0; i < 1000 && strstr(answer, last) == NULL; i++) {
        agent->wait(agent->self, agent_step(agent), 10);
        ssize_t count = recv(fd, answer + used, size - 1 - used, MSG_DONTWAIT);
        used += count > 0 ? (size_t)count : 0;
        answer[used] = '\0';
    }
    assert_non_null(strstr(answer, last));
}

static struct jid *log_in_alone(int fd)
{
    char text[4096];
    ask_alone(fd, OPENING, "</stream:features>", text, sizeof(text));
    ask_alone(fd, "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='ANONYMOUS'/>",
              "<success", text, sizeof(text));
    ask_alone(fd, OPENING, "</stream:features>", text, sizeof(text));
    ask_alone(fd, "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
              "</iq>", text, sizeof(text));
    char *from = strstr(text, "<jid>");
    char *to = strstr(text, "</jid>");
    assert_true(from != NULL && to > from);
    return jid_parse(NULL, str_of(from + 5, (size_t)(to - from - 5)));
}

static void post_list(struct route route, const struct jid *to, uint32_t count)
{
    struct frame *frame;
    struct arena *arena = arena_new(4096);
    struct fb fb;
    char body[1000];
    memset(body, 'x', sizeof(body));
    fb_begin(&fb, arena, "message", STR_NONE, STR_NONE, STR_NONE);
    fb_leaf(&fb, NAME_BODY, NS_STANZA, str_of(body, sizeof(body)));
    frame = fb_finish(&fb);
    arena_free(arena);
    struct message *message = message_new(MSG_DELIVERIES);
    message->deliveries.at = MEM_NEW(struct delivery);
    message->deliveries.count = 1;
    *message->deliveries.at = (struct delivery){.kind = DELIVER_LIST,
                                                .route = route,
                                                .address = address_new(jid_full(to)),
                                                .items = MEM_NEW_ARRAY(struct delivery_item, count),
                                                .item_count = count};
    for (uint32_t i = 0; i < count; i++)
        message->deliveries.at->items[i].frame = frame_ref(frame);
    frame_unref(frame);
    post_lane(exchange, 0, message);
}

/* The list pauses when the outbox is full, and the flush at the end of the same cycle may empty it
 * to the last byte: then no event will ever say that the list may go on. */
static void what_the_flush_made_room_for_does_not_wait_for_an_event(void **state)
{
    UNUSED(state);
    enum { ITEMS = 8 * OUTBOX_HIGH_WATER / 1000 };
    struct agent *agent = net_agent(nets[0]);
    int fd = dial();
    struct jid *me = log_in_alone(fd);
    struct route route;
    assert_true(directory_session_find(directory, me, &route));
    post_list(route, me, ITEMS);
    static char text[1024 * 1024];
    size_t heard = 0;
    unsigned slept = 0;
    for (unsigned i = 0; i < 10000 && heard < ITEMS * 1000 && slept < 3; i++) {
        int work = agent_step(agent);
        for (ssize_t count = 1; count > 0; heard += count > 0 ? (size_t)count : 0)
            count = recv(fd, text, sizeof(text), MSG_DONTWAIT);
        /* The client has read all there is, so if the agent waits for the socket it is woken. */
        int64_t before_ms = clock_mono_ms();
        agent->wait(agent->self, work, 500);
        slept += work == 0 && clock_mono_ms() - before_ms >= 500;
    }
    assert_int_equal(slept, 0);
    assert_true(heard >= ITEMS * 1000);
    jid_free(me);
    close(fd);
}

/* ---- addresses ---- */

static void expect_refused(struct str text, int err, const char *about)
{
    char why[300] = "";
    assert_int_equal(net_listen(text, why, sizeof(why)), err);
    if (strstr(why, about) == NULL)
        fail_msg("'%s' does not say '%s'", why, about);
}

static void what_cannot_be_listened_on_is_explained(void **state)
{
    UNUSED(state);
    expect_refused(STR("5222"), ERR_INVALID, "write host:port");
    expect_refused(STR("localhost:"), ERR_INVALID, "write host:port");
    expect_refused(STR(":5222"), ERR_INVALID, "write host:port");
    expect_refused(STR("localhost:port"), ERR_INVALID, "write host:port");
    expect_refused(STR("localhost:65536"), ERR_INVALID, "write host:port");
    expect_refused(STR("::1:5222"), ERR_INVALID, "[IPv6 address]:port");
    expect_refused(STR("no-such-host.invalid:5222"), ERR_NOT_FOUND, "has no address here");
    expect_refused(STR("192.0.2.1:0"), err_from_errno(EADDRNOTAVAIL), "Cannot assign");

    char why[300], taken[40];
    int first = net_listen(STR("127.0.0.1:0"), why, sizeof(why));
    struct sockaddr_in at;
    socklen_t size = sizeof(at);
    assert_int_equal(getsockname(first, (struct sockaddr *)&at, &size), 0);
    snprintf(taken, sizeof(taken), "127.0.0.1:%u", ntohs(at.sin_port));
    expect_refused(str_z(taken), ERR_BUSY, "the address is in use");
    close(first);
}

static void loopback_is_told_from_the_rest(void **state)
{
    UNUSED(state);
    assert_true(net_is_loopback(STR("127.0.0.1:5222")));
    assert_true(net_is_loopback(STR("127.1.2.3:5222")));
    assert_true(net_is_loopback(STR("[::1]:5222")));
    assert_true(net_is_loopback(STR("localhost:5222")));
    assert_false(net_is_loopback(STR("0.0.0.0:5222")));
    assert_false(net_is_loopback(STR("[::]:5222")));
    assert_false(net_is_loopback(STR("192.0.2.1:5222")));
    assert_false(net_is_loopback(STR("[2001:db8::1]:5222")));
    assert_false(net_is_loopback(STR("nonsense")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_door_is_shared, begin, end),
        cmocka_unit_test_setup_teardown(the_end_is_told_and_comes_soon, begin, end),
        cmocka_unit_test_setup_teardown(without_clients_the_end_comes_at_once, begin, end),
        cmocka_unit_test_setup_teardown(without_descriptors_clients_wait_at_the_door, begin, end),
        cmocka_unit_test_setup_teardown(what_the_flush_made_room_for_does_not_wait_for_an_event,
                                        begin_alone, end_alone),
        cmocka_unit_test(what_cannot_be_listened_on_is_explained),
        cmocka_unit_test(loopback_is_told_from_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
