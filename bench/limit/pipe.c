/*
 * stentor-pipe: the raw limit. Writes the stanzas of a groupchat, every recipient's own `to`
 * spliced into the same bytes, into a stream socket as fast as it can; there is no room, no list,
 * no reading.
 *
 *   --port PORT        connects there (the load generator listens) and sends a stream header first
 *   without --port     listens itself, with a child that only reads: no generator is needed
 *   --sockets N        N streams, recipient i on stream i % N, and one write for each stanza: what
 *                      a service pays for clients that have a connection each
 *
 * Message number s (from 0) has s in ten digits at the start of its body and behind the 'm' of its
 * id; it comes from r0@DOMAIN/u0. Recipient i is u<i>@users.localhost/r. Every message goes to all
 * recipients in their order. At the end, one line of JSON on stdout.
 */
#include "bench/limit/link.h"

#include "core/base/mem.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SOCKETS_MAX    20000
#define BODY_BYTES_MAX (64u * 1024u)
#define SINK_BYTES     (1024u * 1024u)
#define JID_BYTES_MAX  62
#define BETWEEN_CLOCKS 8192 /* deliveries */
#define DIGITS         10

struct options {
    const char *host, *domain;
    uint16_t port;  /* 0: with a sink of our own */
    uint64_t count; /* messages */
    double seconds; /* 0: until all are sent */
    unsigned recipients, body, sockets;
    int sink_cpu;
};

struct recipient {
    uint16_t size;
    char jid[JID_BYTES_MAX];
};

struct pipe {
    struct options options;
    struct recipient *recipients;
    struct link *links; /* one for each socket */
    struct buf head, tail;
    char *head_digits, *tail_digits; /* in them */
    uint64_t deliveries, bytes;
};

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* ---- the far end, when there is no generator ---- */

static _Noreturn void sink_run(int listener, const struct options *options)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (options->sink_cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(options->sink_cpu, &set);
        (void)sched_setaffinity(0, sizeof(set), &set);
    }
    char *bytes = mem_raw(SINK_BYTES);
    int epoll = epoll_create1(0);
    unsigned open = 0;
    for (unsigned i = 0; i < options->sockets; i++) {
        int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
        if (fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
            link_die("the sink cannot take a connection: %s", strerror(errno));
        open++;
    }
    while (open > 0) {
        struct epoll_event ready[256];
        int count = epoll_wait(epoll, ready, 256, -1);
        for (int i = 0; i < count; i++) {
            if (read(ready[i].data.fd, bytes, SINK_BYTES) == 0) {
                close(ready[i].data.fd);
                open--;
            }
        }
    }
    _exit(0);
}

/* Returns the port it listens on. */
static uint16_t sink_start(const struct options *options)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof(address);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) < 0 ||
        listen(listener, 1024) < 0 || getsockname(listener, (struct sockaddr *)&address, &size) < 0)
        link_die("the sink cannot listen: %s", strerror(errno));
    pid_t child = fork();
    if (child < 0)
        link_die("the sink cannot start: %s", strerror(errno));
    if (child == 0)
        sink_run(listener, options);
    close(listener);
    return ntohs(address.sin_port);
}

/* ---- writing ---- */

/* The parts around `to`, made once; the digits in each of them are the number of the message. */
static void message_prepare(struct pipe *pipe)
{
    static const char digits[] = "0000000000";
    const char *domain = pipe->options.domain;
    buf_addf(&pipe->head, "<message from='r0@%s/u0' type='groupchat' id='m%s' to='", domain,
             digits);
    buf_addf(&pipe->tail, "'><body>%s ", digits);
    for (unsigned i = DIGITS + 1; i < pipe->options.body; i++)
        buf_addc(&pipe->tail, 'x');
    buf_addf(&pipe->tail, "</body>" LINK_OCCUPANT_ID LINK_STANZA_ID "r0@%s'/></message>", domain);
    pipe->head_digits = (char *)memmem(pipe->head.at, pipe->head.len, digits, DIGITS);
    pipe->tail_digits = (char *)memmem(pipe->tail.at, pipe->tail.len, digits, DIGITS);
}

static void message_number(struct pipe *pipe, uint64_t number)
{
    for (unsigned i = DIGITS; i-- > 0; number /= 10)
        pipe->head_digits[i] = pipe->tail_digits[i] = (char)('0' + number % 10);
}

static void splice(struct pipe *pipe, struct link *link, const struct recipient *recipient)
{
    struct str head = str_of(pipe->head.at, pipe->head.len);
    struct str tail = str_of(pipe->tail.at, pipe->tail.len);
    char *at = link_room(link, head.len + sizeof(recipient->jid) + tail.len);
    memcpy(at, head.at, head.len);
    memcpy(at + head.len, recipient->jid, sizeof(recipient->jid));
    memcpy(at + head.len + recipient->size, tail.at, tail.len);
    size_t size = head.len + recipient->size + tail.len;
    link->used += size;
    pipe->bytes += size;
}

static void send_all(struct pipe *pipe)
{
    const struct options *options = &pipe->options;
    bool each = options->sockets > 1;
    double began = seconds_of(CLOCK_MONOTONIC);
    uint64_t look_at = BETWEEN_CLOCKS;
    for (uint64_t s = 0; s < options->count; s++) {
        message_number(pipe, s);
        for (unsigned i = 0; i < options->recipients; i++) {
            struct link *link = &pipe->links[each ? i % options->sockets : 0];
            splice(pipe, link, &pipe->recipients[i]);
            if (each)
                link_flush(link);
        }
        pipe->deliveries += options->recipients;
        if (options->seconds <= 0 || pipe->deliveries < look_at)
            continue;
        look_at = pipe->deliveries + BETWEEN_CLOCKS;
        if (seconds_of(CLOCK_MONOTONIC) - began >= options->seconds)
            break;
    }
    link_flush(&pipe->links[0]);
}

static void connect_all(struct pipe *pipe)
{
    const struct options *options = &pipe->options;
    uint16_t port = options->port != 0 ? options->port : sink_start(options);
    for (unsigned i = 0; i < options->sockets; i++) {
        link_connect(&pipe->links[i], options->host, port);
        if (options->port == 0)
            continue;
        link_put(&pipe->links[i], STR("<?xml version='1.0'?><stream:stream "
                                      "xmlns='jabber:component:accept' "
                                      "xmlns:stream='http://etherx.jabber.org/streams'>"));
        link_flush(&pipe->links[i]);
    }
}

/* Waits for the far end to have read everything: it closes when it has. */
static void finish(struct pipe *pipe)
{
    for (unsigned i = 0; i < pipe->options.sockets; i++) {
        struct pollfd far = {.fd = pipe->links[i].fd, .events = POLLIN};
        shutdown(pipe->links[i].fd, SHUT_WR);
        char byte[256];
        while (poll(&far, 1, 10000) > 0 && read(far.fd, byte, sizeof(byte)) > 0)
            continue;
        close(pipe->links[i].fd);
    }
}

static unsigned number_option(const char *name, const char *text, unsigned max)
{
    char *end;
    unsigned long value = strtoul(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < 1 || value > max)
        link_die("--%s is '%s': use a number from 1 to %u", name, text, max);
    return (unsigned)value;
}

static struct options read_options(int argc, char **argv)
{
    static const struct option known[] = {
        {"host", required_argument, NULL, 'h'},     {"port", required_argument, NULL, 'p'},
        {"count", required_argument, NULL, 'c'},    {"recipients", required_argument, NULL, 'r'},
        {"body", required_argument, NULL, 'b'},     {"domain", required_argument, NULL, 'd'},
        {"sockets", required_argument, NULL, 'n'},  {"seconds", required_argument, NULL, 's'},
        {"sink-cpu", required_argument, NULL, 'u'}, {NULL, 0, NULL, 0}};
    struct options options = {.host = "127.0.0.1",
                              .domain = "conference.localhost",
                              .count = 10000,
                              .recipients = 1000,
                              .body = 100,
                              .sockets = 1,
                              .sink_cpu = -1};
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        switch (c) {
        case 'h':
            options.host = optarg;
            break;
        case 'd':
            options.domain = optarg;
            break;
        case 'p':
            options.port = (uint16_t)number_option("port", optarg, UINT16_MAX);
            break;
        case 'c':
            options.count = number_option("count", optarg, UINT32_MAX);
            break;
        case 'r':
            options.recipients = number_option("recipients", optarg, SOCKETS_MAX);
            break;
        case 'b':
            options.body = number_option("body", optarg, BODY_BYTES_MAX);
            break;
        case 'n':
            options.sockets = number_option("sockets", optarg, SOCKETS_MAX);
            break;
        case 's':
            options.seconds = strtod(optarg, NULL);
            break;
        case 'u':
            options.sink_cpu = atoi(optarg);
            break;
        default:
            fprintf(stderr, "usage: stentor-pipe [--host HOST] [--port PORT] [--count MESSAGES] "
                            "[--seconds S] [--recipients N] [--body BYTES] [--sockets N] "
                            "[--domain DOMAIN] [--sink-cpu CPU]\n");
            exit(2);
        }
    }
    return options;
}

static void report(const struct pipe *pipe, double seconds, double cpu)
{
    double deliveries = (double)pipe->deliveries;
    printf("{\"target\": \"pipe\", \"deliveries\": %" PRIu64 ", \"seconds\": %.6f, "
           "\"deliveries_per_s\": %.0f, \"server_cpu_us_per_delivery\": %.4f, \"bytes\": %" PRIu64
           ", \"recipients\": %u, \"sockets\": %u, \"body\": %u}\n",
           pipe->deliveries, seconds, deliveries / seconds, cpu * 1e6 / deliveries, pipe->bytes,
           pipe->options.recipients, pipe->options.sockets, pipe->options.body);
}

int main(int argc, char **argv)
{
    static struct pipe pipe;
    pipe.options = read_options(argc, argv);
    signal(SIGPIPE, SIG_IGN);
    pipe.recipients = MEM_NEW_ARRAY(struct recipient, pipe.options.recipients);
    for (unsigned i = 0; i < pipe.options.recipients; i++) {
        struct recipient *recipient = &pipe.recipients[i];
        recipient->size =
            (uint16_t)snprintf(recipient->jid, sizeof(recipient->jid), "u%u@users.localhost/r", i);
    }
    pipe.links = mem_raw(pipe.options.sockets * sizeof(struct link));
    buf_init(&pipe.head, NULL);
    buf_init(&pipe.tail, NULL);
    message_prepare(&pipe);
    connect_all(&pipe);

    double began = seconds_of(CLOCK_MONOTONIC), cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    send_all(&pipe);
    cpu = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - cpu;
    double took = seconds_of(CLOCK_MONOTONIC) - began;
    finish(&pipe);
    report(&pipe, took, cpu);
    if (pipe.options.port == 0)
        (void)wait(NULL);
    return 0;
}
