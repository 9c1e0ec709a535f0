/*
 * What rooms ask about routes (struct ways of core/muc/muc.h), answered by the directory as it is
 * at that moment.
 */
#ifndef SHARD_WAYS_H
#define SHARD_WAYS_H

#include "core/muc/muc.h"
#include "shard/directory.h"

/* Borrows the directory. */
struct ways ways_of(struct directory *directory);

#endif
