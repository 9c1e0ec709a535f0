/* What waits for a shard's credits on the component link: in order, not for long, not too much. */
#include "tests/support/host_side.h"

/* Rooms of either shard, found by trying. */
static void find_rooms(char rooms[LANE_SHARDS][20])
{
    bool have[LANE_SHARDS] = {false};
    struct jid *from = jid_parse(NULL, STR("a@far/x"));
    for (unsigned i = 0; !have[0] || !have[1]; i++) {
        char text[60];
        snprintf(text, sizeof(text), "room%u@conference.localhost", i);
        struct jid *to = jid_parse(NULL, str_z(text));
        unsigned shard = proxy_shard(world.router.proxy, from, to);
        if (!have[shard])
            snprintf(rooms[shard], 20, "room%u", i);
        have[shard] = true;
        jid_free(to);
    }
    jid_free(from);
}

/* What the host hears in the moment in which it has written that. */
static const char *host_says(const char *xml, size_t size)
{
    ensure(write(host, xml, size) == (ssize_t)size);
    pass_a_millisecond();
    lane_world_step(&world, 0);
    return lane_world_read(host, NULL);
}

/* Sends a stanza to a room; what the host hears of it in the same moment. */
static const char *say(const char *format, const char *room, unsigned id)
{
    char xml[400];
    snprintf(xml, sizeof(xml), format, room, id);
    return host_says(xml, strlen(xml));
}

#define SAY                                                                                        \
    "<message from='a@far/x' to='%s@conference.localhost' type='groupchat' id='%06u'>"             \
    "<body>hello to everybody</body></message>"
#define ENTER "<presence from='a@far/x' to='%s@conference.localhost/nick' id='%06u'/>"

static void a_shard_without_credit_does_not_stop_the_others(void **state)
{
    UNUSED(state);
    char rooms[LANE_SHARDS][20];
    link_begin();
    link_up();
    find_rooms(rooms);
    unsigned id = 0;
    while (id < CREDITS_FIRST + 5)
        say(SAY, rooms[0], id++);
    host_send(" ");
    assert_int_equal(world.stanzas, CREDITS_FIRST);

    /* The other shard is served, in order. */
    world.last[0] = '\0';
    say(SAY, rooms[1], 900001);
    say(SAY, rooms[1], 900002);
    host_send(" ");
    assert_string_equal(world.last, "900001 900002 ");

    /* What waits comes in order, and what follows comes behind it. */
    world.last[0] = '\0';
    lane_world_give_credit(&world, 0);
    say(ENTER, rooms[0], 900003);
    host_send(" ");
    assert_string_equal(world.last, "000256 000257 000258 000259 000260 900003 ");
}

/* So many in one piece, less than is read at once. */
static const char *say_many(const char *room, unsigned id, unsigned count)
{
    static char xml[CONN_READ_BYTES];
    size_t size = 0;
    for (unsigned i = 0; i < count; i++)
        size += (size_t)snprintf(xml + size, sizeof(xml) - size, SAY, room, id + i);
    ensure(size < sizeof(xml));
    return host_says(xml, size);
}

static unsigned count_refusals(const char *heard)
{
    return lane_world_count(heard, "<error type='wait'><resource-constraint");
}

static void a_full_side_queue_refuses_messages_and_takes_presence(void **state)
{
    UNUSED(state);
    char rooms[LANE_SHARDS][20];
    link_begin();
    link_up();
    find_rooms(rooms);
    unsigned id = 0;
    unsigned refused = 0;
    int64_t since_ms = world.conns.now_ms;
    while (refused == 0 && id < 100000) {
        refused += count_refusals(say_many(rooms[0], id, 100));
        id += 100;
    }
    assert_true(refused > 0);
    assert_true(world.conns.now_ms - since_ms < SIDE_WAIT_MS_MAX); /* they did not wait too long */
    for (unsigned i = 0; i < 20; i++) {
        usleep(1000);
        lane_world_step(&world, 0);
        refused += count_refusals(lane_world_read(host, NULL));
    }
    assert_int_equal(world.stanzas, CREDITS_FIRST);

    /* Presence is taken and still overtakes nothing: who leaves has entered before. */
    world.last[0] = '\0';
    say(ENTER, rooms[0], 900001);
    say(ENTER, rooms[0], 900002);
    host_send(" ");
    assert_string_equal(world.last, "");

    /* Everything that was not refused arrives when there is credit again. */
    for (unsigned i = 0; i < 20; i++) {
        world.last[0] = '\0';
        lane_world_give_credit(&world, 0);
        lane_world_step(&world, 0);
        if (world.stanzas == id - refused + 2)
            break;
    }
    assert_int_equal(world.stanzas, id - refused + 2);
    size_t heard = strlen(world.last);
    assert_true(heard >= 14);
    assert_string_equal(world.last + heard - 14, "900001 900002 ");
    assert_string_equal(say(SAY, rooms[0], 900003), "");
}

/* All credits of the shard are in use. */
static void use_up_credits(const char *room)
{
    for (unsigned id = 0; id < CREDITS_FIRST; id++)
        say(SAY, room, id);
    host_send(" ");
    assert_int_equal(world.stanzas, CREDITS_FIRST);
    world.last[0] = '\0';
}

/* A link, and rooms of all shards; in that of the first shard nobody may speak. */
static void link_without_credits(char rooms[LANE_SHARDS][20])
{
    link_begin();
    link_up();
    find_rooms(rooms);
    use_up_credits(rooms[0]);
}

static void step_until(int64_t at_ms)
{
    ensure(at_ms >= world.conns.now_ms);
    lane_world_step(&world, (int)(at_ms - world.conns.now_ms));
}

static void what_waits_too_long_is_refused(void **state)
{
    UNUSED(state);
    char rooms[LANE_SHARDS][20];
    link_without_credits(rooms);
    assert_false(links_wait(&world.links));
    int64_t first_ms = world.conns.now_ms;
    say(SAY, rooms[0], 900001);
    assert_true(links_wait(&world.links));
    say(ENTER, rooms[0], 900002);
    step_until(first_ms + SIDE_WAIT_MS_MAX / 2);
    say(SAY, rooms[0], 900003);
    int64_t third_ms = world.conns.now_ms;
    say(ENTER, rooms[0], 900004);

    /* No credit comes; time alone is enough, and behind presence it counts as well. */
    step_until(first_ms + SIDE_WAIT_MS_MAX);
    assert_string_equal(lane_world_read(host, NULL), "");
    step_until(first_ms + SIDE_WAIT_MS_MAX + 1);
    const char *heard = host_read(NULL);
    assert_int_equal(count_refusals(heard), 1);
    assert_non_null(strstr(heard, "id='900001'"));
    step_until(third_ms + SIDE_WAIT_MS_MAX + 1);
    heard = host_read(NULL);
    assert_int_equal(count_refusals(heard), 1);
    assert_non_null(strstr(heard, "id='900003'"));

    /* What was refused does not arrive; presence does, and what comes behind it stays behind it. */
    say(SAY, rooms[0], 900005);
    assert_int_equal(world.stanzas, CREDITS_FIRST);
    lane_world_give_credit(&world, 0);
    lane_world_step(&world, 0);
    assert_string_equal(world.last, "900002 900004 900005 ");
    assert_false(links_wait(&world.links));
    assert_string_equal(lane_world_read(host, NULL), "");
}

/* Nobody gives credit any more; who waits for it is told before the stream ends. */
static void what_waits_at_the_end_is_refused(void **state)
{
    UNUSED(state);
    char rooms[LANE_SHARDS][20];
    link_without_credits(rooms);
    say(SAY, rooms[0], 900001);
    say(SAY, rooms[0], 900002);
    link_close(world.links.at[0]);
    const char *heard = host_read(NULL);
    assert_int_equal(count_refusals(heard), 2);
    assert_non_null(strstr(heard, "id='900001'"));
    assert_non_null(strstr(strstr(heard, "id='900002'"), "</stream:stream>"));
    assert_int_equal(world.stanzas, CREDITS_FIRST);
}

/* What is refused costs time too: the rest of it is left to TCP. */
static void while_something_waits_it_is_read_less(void **state)
{
    UNUSED(state);
    char rooms[LANE_SHARDS][20];
    link_without_credits(rooms);
    say(SAY, rooms[0], 900001);
    static char much[5 * CONN_READ_BYTES];
    size_t size = 0;
    unsigned count = 0;
    for (; size + 1000 < sizeof(much); count++)
        size += (size_t)snprintf(much + size, 1000,
                                 "<message from='a@far/x' to='%s@conference.localhost' id='%06u'>"
                                 "<body>%0800u</body></message>",
                                 rooms[1], count, 0U);
    ensure(count < CREDITS_FIRST && write(host, much, size) == (ssize_t)size);
    for (unsigned ms = 0; ms < 2; ms++) {
        unsigned before = world.stanzas;
        lane_world_step(&world, 1);
        for (unsigned i = 0; i < 5; i++)
            lane_world_step(&world, 0);
        assert_in_range(world.stanzas - before, 1, CONN_READ_BYTES / 900 + 1);
    }
    /* Nothing waits any more: all of it at once. */
    lane_world_give_credit(&world, 0);
    lane_world_step(&world, 0);
    lane_world_step(&world, 0);
    assert_int_equal(world.stanzas, CREDITS_FIRST + 1 + count);
}

/* Credits that come too late for some are not spent on them. */
static void late_credit_goes_to_what_is_young(void **state)
{
    UNUSED(state);
    char rooms[LANE_SHARDS][20];
    link_without_credits(rooms);
    int64_t first_ms = world.conns.now_ms;
    say(SAY, rooms[0], 900001);
    step_until(first_ms + SIDE_WAIT_MS_MAX / 2);
    say(SAY, rooms[0], 900002);
    world.conns.now_ms = first_ms + SIDE_WAIT_MS_MAX + 1; /* and no cycle in between */
    lane_world_give_credit(&world, 0);
    lane_world_step(&world, 0);
    assert_string_equal(world.last, "900002 ");
    const char *heard = host_read(NULL);
    assert_int_equal(count_refusals(heard), 1);
    assert_non_null(strstr(heard, "id='900001'"));
}

/* A flood of what must not be refused: TCP carries the pressure back, nothing is lost. */
static void presence_without_end_is_not_read(void **state)
{
    UNUSED(state);
    char rooms[LANE_SHARDS][20];
    link_without_credits(rooms);
    enum { STATUS = 100000 };
    char *xml = mem_new(STATUS + 200);
    int size = snprintf(xml, STATUS + 200,
                        "<presence from='a@far/x' to='%s@conference.localhost/nick' id='%06u'>"
                        "<status>%0*u</status></presence>",
                        rooms[0], 900001, STATUS, 0);
    size_t sent = 0;
    for (unsigned full = 0; full < 50 && sent < 4 * (size_t)SIDE_PAUSE_BYTES;) {
        ssize_t taken = write(host, xml + sent % (size_t)size, (size_t)size - sent % (size_t)size);
        sent += taken > 0 ? (size_t)taken : 0;
        full = taken > 0 ? 0 : full + 1;
        lane_world_step(&world, 1);
        lane_world_step(&world, 0);
        if (taken <= 0)
            usleep(100);
    }
    /* What is between the two ends of the connection is not ours. */
    assert_in_range(sent, SIDE_PAUSE_BYTES, 2 * (size_t)SIDE_PAUSE_BYTES);
    assert_int_equal(world.stanzas, CREDITS_FIRST);
    for (unsigned i = 0; i < 1000 && world.stanzas < CREDITS_FIRST + sent / (size_t)size; i++) {
        lane_world_give_credit(&world, 0);
        lane_world_step(&world, 1);
        lane_world_step(&world, 0);
    }
    assert_int_equal(world.stanzas, CREDITS_FIRST + sent / (size_t)size);
    assert_string_equal(lane_world_read(host, NULL), "");
    mem_free(xml);
}

static void give_credits(unsigned shard, uint32_t count)
{
    struct message *message = message_new(MSG_CREDIT);
    message->credit.shard = shard;
    message->credit.cost = count;
    world.cost[shard] -= count;
    post_lane(world.exchange, 0, message);
    lane_world_step(&world, 0);
}

/* What waits for a shard's credits on two links: neither comes first each time. */
static void links_share_the_credits(void **state)
{
    UNUSED(state);
    int peers[2];
    char rooms[LANE_SHARDS][20];
    two_up(peers);
    find_rooms(rooms);
    host = peers[0];
    unsigned id = 0;
    while (id < CREDITS_FIRST)
        say(SAY, rooms[0], id++);
    give_credits(0, 1); /* the first come back at once: there are twice as many now */
    const unsigned all = 2 * CREDITS_FIRST + 1;
    while (id < all + 100)
        say(SAY, rooms[0], id++);
    host_send(" ");
    host = peers[1];
    for (id = 900000; id < 900100; id++)
        say(SAY, rooms[0], id);
    host_send(" ");
    assert_int_equal(world.stanzas, all);
    world.last[0] = '\0';
    for (unsigned round = 0; round < 4; round++)
        give_credits(0, 10);
    assert_int_equal(world.stanzas, all + 40);
    assert_int_equal(lane_world_count(world.last, "9000"), 20);
    assert_non_null(strstr(world.last, "900019 "));
    close(peers[0]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_shard_without_credit_does_not_stop_the_others),
        TEST(a_full_side_queue_refuses_messages_and_takes_presence),
        TEST(what_waits_too_long_is_refused),
        TEST(what_waits_at_the_end_is_refused),
        TEST(while_something_waits_it_is_read_less),
        TEST(late_credit_goes_to_what_is_young),
        TEST(presence_without_end_is_not_read),
        TEST(links_share_the_credits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
