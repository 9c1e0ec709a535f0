/*
 * Chance by seed: the same sequence for the same start, on every machine.
 */
#ifndef TESTS_SIM_DICE_H
#define TESTS_SIM_DICE_H

#include <stdbool.h>
#include <stdint.h>

struct dice {
    uint64_t state;
};

static inline uint64_t dice_roll(struct dice *dice)
{
    uint64_t mixed = dice->state += UINT64_C(0x9e3779b97f4a7c15);
    mixed = (mixed ^ (mixed >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    mixed = (mixed ^ (mixed >> 27)) * UINT64_C(0x94d049bb133111eb);
    return mixed ^ (mixed >> 31);
}

/* From 0 to count - 1. */
static inline unsigned dice_pick(struct dice *dice, unsigned count)
{
    return (unsigned)((dice_roll(dice) >> 32) % count);
}

/* True once in `count` times. */
static inline bool dice_once_in(struct dice *dice, unsigned count)
{
    return dice_pick(dice, count) == 0;
}

#endif
