/* What a room keeps of those who send too much, and its limits.
 * @covers 0045#security-dos */
#include "core/muc/rate.h"
#include "tests/support/talk.h"

#define SECOND                  INT64_C(1000000)
#define is_too_much(world, who) reads_error((world), (who), "wait", "policy-violation")

static const char *const slow[] = {"message_rate=1", "message_burst=2", "persistent=on", NULL};

/* Romeo is the owner. */
static struct world *company(const char *const *options)
{
    struct world *w = world_with(options);
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    return w;
}

static void speaks(struct world *w, const char *who, const char *text)
{
    says(w, who, "<message to='" ROOM "' type='groupchat' id='%s'><body>%s</body></message>", text,
         text);
}

static void hears(struct world *w, const char *who, const char *nick, const char *text)
{
    reads(w, who,
          "<message from='" ROOM "/%s' type='groupchat' id='%s' scansion:strict='false'>"
          "<body>%s</body></message>",
          nick, text, text);
}

static void whispers(struct world *w, const char *who, const char *text)
{
    says(w, who, "<message to='" ROOM "/Romeo' type='chat' id='%s'><body>%s</body></message>", text,
         text);
}

/* As many accounts as it takes until nothing more waits in the room. */
static void so_many_wait_in_a_room(void **state)
{
    enum { EACH = 1 + RATE_QUEUE_MAX, CROWD = RATE_ROOM_QUEUE_MAX / RATE_QUEUE_MAX };
    static const char *const one[] = {"message_rate=1", "message_burst=1", NULL};
    struct world *w = company(one);
    char who[64];
    (void)state;
    static_assert(RATE_ROOM_QUEUE_MAX % RATE_QUEUE_MAX == 0, "each fills its own queue");
    for (int i = 0; i < CROWD; i++) {
        snprintf(who, sizeof(who), "page%d@localhost/verona", i);
        world_client(w, who);
        snprintf(who, sizeof(who), "page%d", i);
        char *jid = text_of("page%d@localhost/verona", i);
        enters(w, jid, who);
        for (int m = 0; m < EACH; m++)
            speaks(w, jid, "m");
        hush(w);
        free(jid);
    }
    speaks(w, JULIET, "a");
    hears(w, JULIET, "Juliet", "a");
    speaks(w, JULIET, "b");
    is_too_much(w, JULIET);
    hush(w);
    world_advance(w, SECOND); /* one of each */
    assert_int_equal(world_unread(w, ROMEO), CROWD);
    speaks(w, PARIS, "c");
    speaks(w, PARIS, "d");
    hush(w);
    world_advance(w, SECOND);
    assert_int_equal(world_unread(w, ROMEO), CROWD + 1);
    world_free(w);
}

static void so_many_bytes_wait_in_a_room(void **state)
{
    enum { LARGE = STANZA_BYTES_MAX - 1000 };
    static const char *const one[] = {"message_rate=1", "message_burst=1", NULL};
    static const char *const who[] = {JULIET, PARIS};
    struct world *w = company(one);
    char *body = malloc(LARGE + 1);
    unsigned waiting = 0;
    (void)state;
    assert_non_null(body);
    memset(body, 'x', LARGE);
    body[LARGE] = '\0';
    for (int i = 0; i < 2 * (1 + RATE_QUEUE_MAX); i++) {
        says(w, who[i % 2],
             "<message to='" ROOM "' type='groupchat' id='m'><body>%s</body></message>", body);
        bool refused = i >= 2 && world_unread(w, who[i % 2]) > 0;
        if (refused)
            is_too_much(w, who[i % 2]);
        waiting += i >= 2 && !refused;
        hush(w);
    }
    assert_true(waiting >= RATE_ROOM_BYTES_MAX / STANZA_BYTES_MAX - 1);
    assert_true(waiting * LARGE <= RATE_ROOM_BYTES_MAX);
    whispers(w, JULIET, "small"); /* there is room for that */
    reads_nothing(w, JULIET);
    world_advance(w, 100 * SECOND);
    assert_int_equal(world_unread(w, ROMEO), waiting + 1);
    free(body);
    world_free(w);
}

/* Steps of a room without those who look on: what they look at grows with every stranger. */
static const char *knocks(struct room *room, struct arena *arena, unsigned number, int64_t now_us)
{
    static char condition[64];
    struct step step = {.arena = arena, .env = room->env, .now_us = now_us};
    char *xml = text_of("<presence to='" ROOM "/u'><x xmlns='" NS_X "'/></presence>");
    char *from = text_of("u%u@localhost/x", number);
    struct stanza *stanza = stanza_parse(str_z(xml));
    struct event event = {.kind = EV_STANZA};
    event.stanza.stanza = stanza;
    event.stanza.from = jid_parse(arena, str_z(from));
    event.stanza.to = jid_parse(arena, STR(ROOM "/u"));
    muc_step(room, &event, &step);
    snprintf(condition, sizeof(condition), "none");
    for (uint32_t i = 0; i < step.effects.count; i++) {
        if (step.effects.at[i].kind != FX_SEND)
            continue;
        struct frame *frame = step.effects.at[i].send.frame;
        bool often = memmem(frame->bytes, frame->size, "policy-violation", 16) != NULL;
        snprintf(condition, sizeof(condition), "%s", often ? "too often" : "members only");
    }
    effects_release(&step.effects);
    arena_reset(arena);
    stanza_free(stanza);
    free(xml);
    free(from);
    return condition;
}

static void strangers_are_remembered_so_many_at_a_time(void **state)
{
    static const char *const options[] = {"presence_rate=1", "members_only=on", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    struct room *room = world_room(w, ROOM);
    struct arena *arena = arena_new(4096);
    int64_t now_us = world_now(w) + 1;
    for (unsigned i = 0; i < RATE_ACCOUNTS_MAX; i++)
        assert_string_equal(knocks(room, arena, i, now_us++), "members only");
    assert_string_equal(knocks(room, arena, 0, now_us++), "too often"); /* heard of last, now */
    assert_string_equal(knocks(room, arena, 1, now_us++), "too often");
    assert_string_equal(knocks(room, arena, RATE_ACCOUNTS_MAX, now_us++), "members only");
    assert_string_equal(knocks(room, arena, 0, now_us++), "too often");
    assert_string_equal(knocks(room, arena, 2, now_us++), "members only"); /* was forgotten */
    room_check(room);
    arena_free(arena);
    world_free(w);
}

static void who_has_been_quiet_is_forgotten(void **state)
{
    struct world *w = company(slow);
    (void)state;
    const struct room *room = world_room(w, ROOM);
    speaks(w, JULIET, "a");
    assert_int_equal(world_effects(w, FX_TIMER), 1);
    speaks(w, PARIS, "a");
    assert_int_equal(world_effects(w, FX_TIMER), 0); /* is set */
    assert_int_equal(rate_known(room), 2);
    world_advance(w, (RATE_SWEEP_SECONDS + 1) * SECOND);
    assert_int_equal(world_effects(w, FX_TIMER), 0); /* nothing is set any more */
    assert_int_equal(rate_known(room), 0);
    speaks(w, JULIET, "b");
    assert_int_equal(world_effects(w, FX_TIMER), 1);
    world_free(w);
}

/* Without waiting for the alarm, which may always be somebody's turn. */
static void who_comes_makes_the_room_forget(void **state)
{
    struct world *w = company(slow);
    (void)state;
    const struct room *room = world_room(w, ROOM);
    speaks(w, JULIET, "a");
    assert_int_equal(rate_known(room), 1);
    speaks(w, PARIS, "b");
    assert_int_equal(rate_known(room), 2);
    world_advance(w, 5 * SECOND);
    assert_int_equal(rate_known(room), 2);
    world_client(w, NURSE);
    enters(w, NURSE, "Nurse");
    speaks(w, NURSE, "c");
    assert_int_equal(rate_known(room), 1);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(so_many_wait_in_a_room),
        cmocka_unit_test(so_many_bytes_wait_in_a_room),
        cmocka_unit_test(strangers_are_remembered_so_many_at_a_time),
        cmocka_unit_test(who_has_been_quiet_is_forgotten),
        cmocka_unit_test(who_comes_makes_the_room_forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
