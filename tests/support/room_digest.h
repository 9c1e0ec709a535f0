/*
 * All that a room is and remembers, in one number: two digests are equal if nothing that anybody
 * could notice has changed between them. What is only a cache, and over which connection a client
 * is reached, does not count.
 */
#ifndef TESTS_SUPPORT_ROOM_DIGEST_H
#define TESTS_SUPPORT_ROOM_DIGEST_H

#include "core/muc/room.h"

uint64_t room_digest(const struct room *room);

#endif
