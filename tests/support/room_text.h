/*
 * All that a room is and remembers as lines of text, sorted: two rooms are the same if their texts
 * are, whatever order their lists came about in, and where they are not, a test shows the line.
 */
#ifndef TESTS_SUPPORT_ROOM_TEXT_H
#define TESTS_SUPPORT_ROOM_TEXT_H

#include "core/muc/room.h"

/* In the arena, ends in NUL. */
const char *room_text(const struct room *room, struct arena *arena);

#endif
