/*
 * Does the room of the core agree with the naive one?
 */
#ifndef TESTS_RANDOM_AGREE_H
#define TESTS_RANDOM_AGREE_H

#include "tests/random/model.h"

struct room;

/* NULL: yes; else what does not. `room` NULL: there is none. */
const char *agree(const struct room *room, const struct model *model, struct model_room *believed);

#endif
