/*
 * A shard without a store, of two services, and short words for what happens in its rooms: who says
 * it, and by which slot. For one test program each: all of it is static.
 */
#ifndef TESTS_SUPPORT_BARE_SHARD_H
#define TESTS_SUPPORT_BARE_SHARD_H

#include "tests/support/stepped_shard.h"

static inline int begin(void **state)
{
    UNUSED(state);
    int err = 0;
    surroundings_begin(lanes_env());
    struct shard_setup setup = {
        .number = NUMBER,
        .exchange = exchange,
        .directory = directory,
        .envs = lanes_env(),
        .env_count = 2,
        .placement_key = &lanes_env()->hash_key,
        .log = &sink,
        .random = lanes_random,
    };
    shard = shard_new(&setup, &err);
    return err;
}

static inline int end(void **state)
{
    UNUSED(state);
    shard_free(shard);
    surroundings_end();
    return 0;
}

/* ---- doing ---- */

/* Romeo is client 1 on lane 0, Juliet client 2 on lane 1, and so on. */
static inline struct route route(uint32_t slot)
{
    return (struct route){.slot = slot, .generation = 1, .lane = (uint16_t)((slot + 1) % 2)};
}

static inline void say(const char *from, uint32_t slot, const char *to, const char *xml)
{
    say_by(route(slot), from, to, xml);
}

static inline void enter(const char *from, uint32_t slot, const char *to)
{
    say(from, slot, to, "<presence>" MUC "</presence>");
}

static inline void forget_heard(void)
{
    for (unsigned i = 0; i < 2; i++)
        heard(i);
}

static inline unsigned lines(const char *text)
{
    unsigned count = 0;
    for (; *text != '\0'; text++)
        count += *text == '\n';
    return count;
}

static inline uint32_t credit(unsigned lane)
{
    heard(lane);
    struct message *message = fake_lane_next(&lanes[lane]);
    if (message == NULL)
        return 0;
    assert_int_equal(message->kind, MSG_CREDIT);
    assert_int_equal(message->credit.shard, NUMBER);
    uint32_t cost = message->credit.cost;
    message_free(message);
    assert_null(fake_lane_next(&lanes[lane]));
    return cost;
}

static inline void two_in_a_room(void)
{
    enter(ROMEO, 1, ROOM "/Romeo");
    enter(JULIET, 2, ROOM "/Juliet");
    step();
    assert_int_equal(credit(0), 1);
    assert_int_equal(credit(1), 1);
}

#endif
