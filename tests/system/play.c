/*
 * Plays conversation scripts over TCP, with the clients of libstrophe: a library nobody here wrote,
 * so what passes is what a real client sees. One connection for each client of the cast, all in one
 * event loop. Sends exactly the stanzas of the script: no initial presence, no roster.
 *
 *   play [--host 127.0.0.1] --port N [--tls off|trust|require] [--pause MS] [--timeout MS]
 *        [--reordered] [--alone] [--restart FD] FILE...
 *
 * --reordered: the server changes the order of a stanza's children (ejabberd does).
 * --alone: there is no host server; scripts that are about one are left out.
 * --restart: where to ask for a restart of the service, by one byte; one byte comes back when it is
 * there again, or the end if it is not.
 * Exit status: 0 all played, 1 one or more did not go as written, 2 called wrongly, 77 all left
 * out.
 */
#include "tests/support/player.h"
#include "tests/support/script.h"

#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>
#include <time.h>
#include <unistd.h>

#define STREAM_LANG "en" /* libstrophe opens every stream with it */
#define LOGIN_MS    10000
#define GOODBYE_MS  3000
#define RESTART_MS  60000
#define LEFT_OUT    77 /* exit status */
#define SLICE_MS    10 /* the longest nap of the event loop: what a timeout may be late */

struct settings {
    const char *host;
    unsigned short port;
    long flags; /* of libstrophe */
    unsigned pause_ms;
    unsigned receive_ms;
    bool reordered;
    bool alone;
    int restart_fd; /* -1: nobody restarts it */
};

enum line_state { LINE_OFF, LINE_DIALLING, LINE_UP, LINE_CLOSING };

/* One client's connection. */
struct line {
    struct theatre *theatre;
    unsigned client;
    enum line_state state;
    xmpp_conn_t *conn;
    char *ended; /* why it is off */
};

struct theatre {
    const struct settings *settings;
    const struct script *script;
    struct player *player;
    xmpp_ctx_t *ctx;
    struct line *lines;
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static char *sentence(const char *text, const char *detail)
{
    char *whole = NULL;
    if (asprintf(&whole, "%s%s%s", text, detail == NULL ? "" : ": ", detail == NULL ? "" : detail) <
        0)
        abort();
    return whole;
}

/* ---- what libstrophe calls ---- */

/* libstrophe drops the prefixes of attributes; the only one here that has one is xml:lang. */
static void restore_lang(xmpp_stanza_t *stanza)
{
    const char *lang = xmpp_stanza_get_attribute(stanza, "lang");
    if (lang != NULL) {
        xmpp_stanza_set_attribute(stanza, "xml:lang", lang);
        xmpp_stanza_del_attribute(stanza, "lang");
    }
    for (xmpp_stanza_t *child = xmpp_stanza_get_children(stanza); child != NULL;
         child = xmpp_stanza_get_next(child)) {
        if (xmpp_stanza_is_tag(child))
            restore_lang(child);
    }
}

static int on_stanza(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *self)
{
    struct line *line = self;
    const char *id = xmpp_stanza_get_id(stanza);
    char *text = NULL;
    size_t size = 0;
    (void)conn;
    /* The answers to what libstrophe asked while logging in are not part of the conversation. */
    if (id != NULL && strncmp(id, "_xmpp_", 6) == 0)
        return 1;
    xmpp_stanza_t *copy = xmpp_stanza_copy(stanza);
    const char *lang = xmpp_stanza_get_attribute(copy, "lang");
    /* A host may write the stream's language on what came without one (RFC 6120 section 8.1.5): the
     * same as none. */
    if (lang != NULL && strcmp(lang, STREAM_LANG) == 0)
        xmpp_stanza_del_attribute(copy, "lang");
    restore_lang(copy);
    if (xmpp_stanza_to_text(copy, &text, &size) != XMPP_EOK)
        abort();
    player_deliver(line->theatre->player, line->client, text);
    xmpp_free(line->theatre->ctx, text);
    xmpp_stanza_release(copy);
    return 1;
}

static void line_ended(struct line *line, const xmpp_stream_error_t *stream_error)
{
    char *detail = NULL;
    size_t size = 0;
    if (stream_error != NULL && stream_error->stanza != NULL)
        xmpp_stanza_to_text(stream_error->stanza, &detail, &size);
    bool was_up = line->state == LINE_UP;
    bool was_dialling = line->state == LINE_DIALLING;
    line->state = LINE_OFF;
    free(line->ended);
    line->ended = sentence(was_dialling ? "the server refused the login or cannot be reached"
                                        : "the server closed the stream",
                           detail);
    if (was_up)
        player_lost(line->theatre->player, line->client, line->ended);
    if (detail != NULL)
        xmpp_free(line->theatre->ctx, detail);
}

static void on_event(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
                     xmpp_stream_error_t *stream_error, void *self)
{
    struct line *line = self;
    (void)error;
    if (event == XMPP_CONN_CONNECT) {
        line->state = LINE_UP;
        xmpp_handler_add(conn, on_stanza, NULL, NULL, NULL, line);
    } else if (event == XMPP_CONN_DISCONNECT || event == XMPP_CONN_FAIL) {
        line_ended(line, stream_error);
    }
}

/* ---- what the player calls ---- */

static void stage_pump(void *self, unsigned ms)
{
    struct theatre *theatre = self;
    xmpp_run_once(theatre->ctx, ms < SLICE_MS ? ms : SLICE_MS);
}

static void line_await(struct line *line, enum line_state left, unsigned ms)
{
    int64_t until = now_ms() + ms;
    while (line->state == left && now_ms() < until)
        stage_pump(line->theatre, SLICE_MS);
}

static void line_release(struct line *line)
{
    if (line->conn != NULL)
        xmpp_conn_release(line->conn);
    line->conn = NULL;
    line->state = LINE_OFF;
}

static bool stage_connect(void *self, unsigned client, char **full_jid, char **problem)
{
    struct theatre *theatre = self;
    const struct settings *settings = theatre->settings;
    struct line *line = &theatre->lines[client];
    line_release(line);
    line->conn = xmpp_conn_new(theatre->ctx);
    xmpp_conn_set_flags(line->conn, settings->flags | XMPP_CONN_FLAG_DISABLE_SM);
    xmpp_conn_set_jid(line->conn, theatre->script->clients[client].jid);
    xmpp_conn_set_pass(line->conn, theatre->script->clients[client].password);
    line->state = LINE_DIALLING;
    if (xmpp_connect_client(line->conn, settings->host, settings->port, on_event, line) !=
        XMPP_EOK) {
        line_release(line);
        *problem = sentence("cannot be reached", settings->host);
        return false;
    }
    line_await(line, LINE_DIALLING, LOGIN_MS);
    if (line->state == LINE_UP) {
        *full_jid = sentence(xmpp_conn_get_bound_jid(line->conn), NULL);
        return true;
    }
    *problem = line->state == LINE_DIALLING ? sentence("the login takes too long", NULL)
                                            : sentence(line->ended, NULL);
    line_release(line);
    return false;
}

static bool stage_disconnect(void *self, unsigned client, char **problem)
{
    struct theatre *theatre = self;
    struct line *line = &theatre->lines[client];
    if (line->state == LINE_UP) {
        line->state = LINE_CLOSING;
        xmpp_disconnect(line->conn);
        line_await(line, LINE_CLOSING, GOODBYE_MS);
    }
    bool good = line->state == LINE_OFF;
    if (!good)
        *problem = sentence("the server does not close its side of the stream", NULL);
    line_release(line);
    return good;
}

static bool stage_send(void *self, unsigned client, const char *stanza, char **problem)
{
    struct theatre *theatre = self;
    struct line *line = &theatre->lines[client];
    if (line->state != LINE_UP) {
        *problem = sentence("the connection has ended", line->ended);
        return false;
    }
    xmpp_send_raw(line->conn, stanza, strlen(stanza));
    stage_pump(theatre, 1);
    return true;
}

/* The clients are served meanwhile: some may be connected to something else than what restarts. */
static bool stage_restart(void *self, char **problem)
{
    struct theatre *theatre = self;
    struct pollfd asked = {.fd = theatre->settings->restart_fd, .events = POLLIN};
    char word = 'r';
    if (asked.fd < 0) {
        *problem = sentence("but nobody here can do that: --restart is missing", NULL);
        return false;
    }
    bool answered = write(asked.fd, &word, 1) == 1;
    int64_t until = now_ms() + RESTART_MS;
    while (answered && poll(&asked, 1, 0) == 0) {
        stage_pump(theatre, SLICE_MS);
        answered = now_ms() < until;
    }
    if (answered && read(asked.fd, &word, 1) == 1)
        return true;
    *problem = sentence("but did not come back", NULL);
    return false;
}

/* ---- one script after the other ---- */

static void close_all(struct theatre *theatre)
{
    for (unsigned i = 0; i < theatre->script->client_count; i++) {
        char *problem = NULL;
        stage_disconnect(theatre, i, &problem);
        free(problem);
        free(theatre->lines[i].ended);
    }
}

static bool play(const struct script *script, const struct settings *settings)
{
    struct theatre theatre = {.settings = settings, .script = script};
    const struct player_stage stage = {.connect = stage_connect,
                                       .disconnect = stage_disconnect,
                                       .send = stage_send,
                                       .restart = stage_restart,
                                       .pump = stage_pump,
                                       .self = &theatre,
                                       .receive_ms = settings->receive_ms,
                                       .pause_ms = settings->pause_ms,
                                       .quiet_ms = 4 * settings->pause_ms,
                                       .reordered = settings->reordered};
    theatre.ctx = xmpp_ctx_new(NULL, NULL);
    theatre.lines = calloc(script->client_count, sizeof(theatre.lines[0]));
    if (theatre.ctx == NULL || theatre.lines == NULL)
        abort();
    for (unsigned i = 0; i < script->client_count; i++)
        theatre.lines[i] = (struct line){.theatre = &theatre, .client = i};
    theatre.player = player_new(script, &stage);
    bool good = player_run(theatre.player, stdout);
    close_all(&theatre);
    player_free(theatre.player);
    free(theatre.lines);
    xmpp_ctx_free(theatre.ctx);
    return good;
}

enum outcome { PLAYED, FAILED, NOT_HERE };

static enum outcome play_file(const char *path, const struct settings *settings)
{
    char *problem = NULL;
    struct script *script = script_read(path, &problem);
    if (script == NULL) {
        printf("%s\n", problem);
        free(problem);
        return FAILED;
    }
    if (script->host && settings->alone) {
        printf("left out  %s: it is about a service behind a host server\n", path);
        script_free(script);
        return NOT_HERE;
    }
    int64_t began = now_ms();
    bool good = play(script, settings);
    printf("%s  %s  (%lld ms)\n", good ? "played" : "FAILED", path, (long long)(now_ms() - began));
    fflush(stdout);
    script_free(script);
    return good ? PLAYED : FAILED;
}

static int usage(const char *why)
{
    fprintf(stderr,
            "play: %s\nusage: play [--host 127.0.0.1] --port N [--tls off|trust|require] "
            "[--pause MS] [--timeout MS] [--reordered] [--alone] [--restart FD] FILE...\n",
            why);
    return 2;
}

static bool set_tls(struct settings *settings, const char *value)
{
    static const struct {
        const char *name;
        long flags;
    } choices[] = {
        {"off", XMPP_CONN_FLAG_DISABLE_TLS},
        {"trust", XMPP_CONN_FLAG_TRUST_TLS},
        {"require", XMPP_CONN_FLAG_TRUST_TLS | XMPP_CONN_FLAG_MANDATORY_TLS},
    };
    for (size_t i = 0; i < sizeof(choices) / sizeof(choices[0]); i++) {
        if (strcmp(choices[i].name, value) == 0) {
            settings->flags = choices[i].flags;
            return true;
        }
    }
    return false;
}

static bool set_number(const char *value, unsigned long max, unsigned long *number)
{
    char *end;
    *number = strtoul(value, &end, 10);
    return *value != '\0' && *end == '\0' && *number <= max;
}

static bool set_option(struct settings *settings, int option, const char *value)
{
    unsigned long number = 0;
    switch (option) {
    case 'h':
        settings->host = value;
        return true;
    case 't':
        return set_tls(settings, value);
    case 'o':
        settings->reordered = true;
        return true;
    case 'a':
        settings->alone = true;
        return true;
    case 's':
        if (!set_number(value, 65535, &number))
            return false;
        settings->restart_fd = (int)number;
        return true;
    case 'p':
        if (!set_number(value, 65535, &number))
            return false;
        settings->port = (unsigned short)number;
        return true;
    case 'w':
        if (!set_number(value, 60000, &number))
            return false;
        settings->pause_ms = (unsigned)number;
        return true;
    case 'r':
        if (!set_number(value, 600000, &number))
            return false;
        settings->receive_ms = (unsigned)number;
        return true;
    default:
        return false;
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        {"reordered", no_argument, NULL, 'o'},
        {"alone", no_argument, NULL, 'a'},
        {"restart", required_argument, NULL, 's'},
        {"host", required_argument, NULL, 'h'},
        {"port", required_argument, NULL, 'p'},
        {"tls", required_argument, NULL, 't'},
        {"pause", required_argument, NULL, 'w'},
        {"timeout", required_argument, NULL, 'r'},
        {NULL, 0, NULL, 0},
    };
    struct settings settings = {.host = "127.0.0.1",
                                .flags = XMPP_CONN_FLAG_TRUST_TLS,
                                .pause_ms = 50,
                                .receive_ms = 5000,
                                .restart_fd = -1};
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (!set_option(&settings, option, optarg))
            return usage("an option is unknown or has an impossible value");
    }
    if (settings.port == 0)
        return usage("--port is missing");
    if (optind == argc)
        return usage("no script is named");
    xmpp_initialize();
    int outcomes[] = {[PLAYED] = 0, [FAILED] = 0, [NOT_HERE] = 0};
    for (int i = optind; i < argc; i++)
        outcomes[play_file(argv[i], &settings)]++;
    xmpp_shutdown();
    if (outcomes[FAILED] > 0)
        return 1;
    return outcomes[PLAYED] > 0 ? 0 : LEFT_OUT;
}
