/*
 * What the operator is told of a disk that fails, by each thread that uses it: one line when it
 * begins, one when it is over, however much was refused in between.
 */
#ifndef SHARD_STORE_TROUBLE_H
#define SHARD_STORE_TROUBLE_H

#include <stdbool.h>

struct trouble {
    const char *begins; /* "the store cannot be written" */
    const char *ends;
    bool lasts;
};

/* How it went this time: 0 or a negative code. */
void trouble_note(struct trouble *trouble, int err);

/* Errors of the disk, that may pass; of what was read from it, ERR_CORRUPT and all others, they are
 * not. */
bool is_trouble(int err);

#endif
