/*
 * A shard with a store, a memory store behind a scribe that works when told to, and short words for
 * what happens in its one room. For one test program each: all of it is static.
 */
#ifndef TESTS_SUPPORT_BACKED_SHARD_H
#define TESTS_SUPPORT_BACKED_SHARD_H

#include "core/base/err.h"
#include "shard/store/reader.h"
#include "shard/store/scribe.h"
#include "shard/store/store_mem.h"
#include "tests/support/stepped_shard.h"

#define FRIAR "friar@example.org/desk"
#define MAM   "<iq type='set' id='mam'><query xmlns='urn:xmpp:mam:2'/></iq>"

static struct scribe *scribe;
static struct store *store;
static struct reader *reader; /* NULL: nobody answers questions */
static struct room_options options;
static struct muc_settings settings;
static struct muc_env env;
static struct str clients;     /* the domain of the client door, for the next shard; absent: none */
static struct clock_face face; /* shown since stop_the_clock() */
static unsigned commits, most; /* since count_from_now(): of rooms, and of rooms at once */
static size_t bytes;           /* of what they write */
static struct store *watched;  /* whose commits are counted; NULL: nobody's */

static inline void open_shard(void)
{
    struct shard_setup setup = {
        .number = NUMBER,
        .exchange = exchange,
        .directory = directory,
        .envs = &env,
        .env_count = 1,
        .stored = true,
        .handover = true,
        .local = clients,
        .log = &sink,
        .random = lanes_random,
    };
    int err = 0;
    shard = shard_new(&setup, &err);
    assert_int_equal(err, 0);
}

static inline void all_rooms(bool persistent, bool archive)
{
    options.persistent = persistent;
    options.archive = archive;
}

static inline int begin(void **state)
{
    UNUSED(state);
    int err = 0;
    options_preset(&options);
    all_rooms(true, false);
    clients = STR_NONE;
    env = *lanes_env();
    settings = *env.settings;
    settings.defaults = &options;
    settings.durable = true;
    env.settings = &settings;
    surroundings_begin(&env);
    directory_add_link(directory, STR(LANES_SERVICE), (struct route){.slot = 9, .generation = 1});
    store = store_mem_open(&env.hash_key);
    store_mem_set_durable(store);
    struct scribe_setup setup = {.exchange = exchange, .store = store, .log = &sink};
    scribe = scribe_new(&setup, &err);
    assert_non_null(scribe);
    open_shard();
    watched = NULL;
    return err;
}

static inline int end(void **state)
{
    UNUSED(state);
    shard_free(shard);
    reader_free(reader);
    reader = NULL;
    scribe_free(scribe);
    surroundings_end();
    room_options_fini(&options);
    clock_show(NULL);
    return 0;
}

/* ---- doing ---- */

static inline struct route route_of(const char *from)
{
    uint32_t slot = from[0] == 'r' ? 1 : from[0] == 'j' ? 2 : 3;
    return (struct route){.slot = slot, .generation = 1, .lane = slot == 1 ? 0 : 1};
}

static inline void say(const char *from, const char *to, const char *xml)
{
    say_by(route_of(from), from, to, xml);
}

static inline void enter(const char *from, const char *nick)
{
    char to[64];
    snprintf(to, sizeof(to), ROOM "/%s", nick);
    say(from, to, "<presence>" MUC "</presence>");
}

static inline void leave(const char *from, const char *nick)
{
    char to[64];
    snprintf(to, sizeof(to), ROOM "/%s", nick);
    say(from, to, "<presence type='unavailable'/>");
}

/* What the room is told, with arguments as for printf. */
static inline void tell_room(const char *from, const char *format, ...) PRINTF_LIKE(2, 3);
static inline void tell_room(const char *from, const char *format, ...)
{
    char xml[1000];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(xml, sizeof(xml), format, args);
    va_end(args);
    ensure(len >= 0 && (size_t)len < sizeof(xml));
    say(from, ROOM, xml);
}

static inline void talk(const char *from, const char *text)
{
    tell_room(from, "<message type='groupchat' id='%s'><body>%s</body></message>", text, text);
}

static inline void make_member(const char *from, const char *who)
{
    tell_room(from,
              "<iq type='set' id='member'><query xmlns='http://jabber.org/protocol/muc#admin'>"
              "<item jid='%s' affiliation='member'/></query></iq>",
              who);
}

/* Romeo gives it to Juliet. */
static inline void give_role(const char *role)
{
    tell_room(ROMEO,
              "<iq type='set' id='r'><query xmlns='http://jabber.org/protocol/muc#admin'>"
              "<item nick='Juliet' role='%s'/></query></iq>",
              role);
}

/* The message of that id, by the room, is to be taken back. */
static inline void moderate(const char *from, const char *id)
{
    tell_room(from,
              "<iq type='set' id='mod'><moderate xmlns='urn:xmpp:message-moderate:1' id='%s'>"
              "<retract xmlns='urn:xmpp:message-retract:1'/></moderate></iq>",
              id);
}

static inline void write_down(void)
{
    agent_step(scribe_agent(scribe));
}

/* Until nothing is on its way between the two. */
static inline void settle(void)
{
    for (int i = 0; i < 8; i++) {
        step();
        write_down();
    }
    step();
}

static inline void pass(int64_t seconds)
{
    shard_agent(shard)->now_us += seconds * 1000000;
}

/* It is where the shard believes it to be, and moves by run_on() alone. */
static inline void stop_the_clock(void)
{
    face = (struct clock_face){.wall_us = shard_agent(shard)->now_us, .mono_ms = 1000};
    clock_show(&face);
}

static inline void run_on(int64_t ms)
{
    face.wall_us += ms * 1000;
    face.mono_ms += ms;
    settle();
}

static inline void forget_heard(void)
{
    for (unsigned i = 0; i < 2; i++) {
        heard(i);
        struct message *message;
        while ((message = fake_lane_next(&lanes[i])) != NULL)
            message_free(message);
    }
}

static inline void is_absent(const char *text, const char *part)
{
    if (strstr(text, part) != NULL)
        print_error("not to be there: %s\nin:\n%s\n", part, text);
    assert_null(strstr(text, part));
}

/* The id that the room gave to the first message in it; until the next question. */
static inline const char *stanza_id_in(const char *text)
{
    static char id[64];
    const char *at = strstr(text, "<stanza-id");
    assert_non_null(at);
    at = strstr(at, " id='") + strlen(" id='");
    snprintf(id, sizeof(id), "%.*s", (int)strcspn(at, "'"), at);
    return id;
}

static inline unsigned times(const char *text, const char *part)
{
    unsigned count = 0;
    for (const char *at = strstr(text, part); at != NULL; at = strstr(at + 1, part))
        count++;
    return count;
}

static inline void two_in_a_room(void)
{
    enter(ROMEO, "Romeo");
    enter(JULIET, "Juliet");
    settle();
    forget_heard();
}

/* The process ends: what was posted to the scribe is written. A new one finds the store. */
static inline void crash(void)
{
    write_down();
    shard_free(shard);
    forget_heard();
    open_shard();
}

static inline void wake(void)
{
    struct message *message = message_new(MSG_ROOM_WAKE);
    message->room_wake.room = jid(ROOM);
    assert_true(post_shard(exchange, NUMBER, message));
}

/* Juliet is, though she has left and come back. */
static inline void a_visitor_is_one_after_a_crash(void)
{
    crash();
    wake();
    settle();
    leave(JULIET, "Juliet");
    enter(JULIET, "Juliet");
    settle();
    in_order(heard(1), "type='unavailable'", "role='visitor'", "code='110'", NULL);
}

static inline void post_shutdown(void)
{
    assert_true(post_shard(exchange, NUMBER, message_new(MSG_SHUTDOWN)));
}

static inline bool said_done(void)
{
    struct message *message;
    bool done = false;
    heard(0);
    while ((message = fake_lane_next(&lanes[0])) != NULL) {
        done |= message->kind == MSG_SHARD_DONE;
        message_free(message);
    }
    return done;
}

/* ---- what the store is given ---- */

static int (*real_commit)(struct store *self, const struct store_commit *at, unsigned count);

static inline int count_commits(struct store *self, const struct store_commit *at, unsigned count)
{
    commits += count;
    most = count > most ? count : most;
    for (unsigned i = 0; i < count; i++)
        bytes += at[i].batch.len;
    return real_commit(self, at, count);
}

static inline void count_from_now(void)
{
    if (watched != store) {
        watched = store;
        real_commit = store->commit;
        store->commit = count_commits;
    }
    commits = 0;
    most = 0;
    bytes = 0;
}

/* ---- what the archive answers ---- */

static inline void open_reader(void)
{
    int err = 0;
    reader = reader_new(exchange, store->reader(store, &err), &sink, &err);
    assert_non_null(reader);
}

/* In an archived room, of which questions are asked: Juliet has said it. Its id. */
static inline const char *a_secret_is_said(void)
{
    all_rooms(true, true);
    open_reader();
    two_in_a_room();
    talk(JULIET, "SECRET");
    settle();
    const char *id = stanza_id_in(heard(0));
    forget_heard();
    return id;
}

/* Answers until nobody asks any more. */
static inline void read_on(void)
{
    for (unsigned i = 0; i < 3; i++) {
        agent_step(reader_agent(reader));
        settle();
    }
}

#endif
