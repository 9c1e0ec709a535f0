/*
 * The store's port. Backends implement `struct store`; only the scribe calls it. In this version it
 * keeps accounts, in memory; rooms and archives get their calls here when they become durable.
 */
#ifndef SHARD_STORE_STORE_H
#define SHARD_STORE_STORE_H

#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* What SCRAM (RFC 5802) needs to check a password without knowing it; texts are heap. */
struct scram_verifier {
    struct str salt; /* base64 */
    uint32_t iterations;
    struct str stored_key; /* base64 */
    struct str server_key; /* base64 */
};

struct account {
    struct str name; /* heap: local part, prepared */
    struct scram_verifier sha1;
    struct scram_verifier sha256;
};

void account_fini(struct account *account);
void account_copy(struct account *to, const struct account *from);

enum account_op {
    ACCOUNT_LOAD,
    ACCOUNT_CREATE, /* ERR_EXISTS if there is one, ERR_LIMIT if there are too many */
    ACCOUNT_CHANGE, /* new verifiers; ERR_NOT_FOUND */
    ACCOUNT_REMOVE, /* ERR_NOT_FOUND */
};

struct account_ask {
    enum account_op op;
    struct account account; /* LOAD, REMOVE: the name alone; LOAD's answer: all */
    int err;                /* the answer: 0 or a negative code */
};

struct store {
    /* Answers in place: fills ask->err and, for LOAD, the account. */
    void (*account)(struct store *store, struct account_ask *ask);
    void (*close)(struct store *store); /* frees it */
};

/* Everything in memory, gone at the end of the process. Accounts are many: a hash map with a key of
 * its own. */
struct hash_key;
struct store *store_mem_open(const struct hash_key *hash_key);

#endif
