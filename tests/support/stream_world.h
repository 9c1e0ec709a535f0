/*
 * One client stream without a socket: XML in as text, what the machine says and does out as text.
 * The parser and the store are the real ones; random bytes are predictable.
 */
#ifndef TESTS_SUPPORT_STREAM_WORLD_H
#define TESTS_SUPPORT_STREAM_WORLD_H

#include "core/base/arena.h"
#include "net/stream.h"

#define STREAM_OPENING                                                                             \
    "<?xml version='1.0'?><stream:stream xmlns='jabber:client' "                                   \
    "xmlns:stream='http://etherx.jabber.org/streams' to='localhost' version='1.0'>"

struct stream_world {
    struct stream_settings settings; /* may be changed before the first bytes */
    struct stream *stream;
    struct parser *parser;
    struct store *store;
    struct arena *arena;
    struct account_ask *ask; /* waiting for the store */
    const char *refuse_bind; /* a condition: STREAM_BIND is refused with it */
    int store_err;           /* if not 0, the store fails with it */
    bool slow;               /* the store answers at stream_world_answer(), not at once */
    bool renew;              /* a fresh parser is wanted */
    bool closed;
    struct buf log;
    size_t seen; /* of the log, by stream_world_feed() */
};

/* Plaintext and registration allowed, no TLS; no accounts. */
void stream_world_begin(struct stream_world *world);
void stream_world_end(struct stream_world *world);
void stream_world_account(struct stream_world *world, const char *name, const char *password);

/* Feeds bytes and tells what came of them: what was sent, as it is, and actions as [tls],
 * [restart], [ask], [bind account resource], [stanza <...>], [close]. Valid until
 * the next call. */
const char *stream_world_feed(struct stream_world *world, const char *xml);
/* The store answers now. */
const char *stream_world_answer(struct stream_world *world);
/* What has come since the last look, for events that were not fed. */
const char *stream_world_look(struct stream_world *world);

/* Logs in by the mechanism and opens the stream again; what the server said at the end: features,
 * or a failure. */
const char *stream_world_login(struct stream_world *world, const char *mechanism, const char *name,
                               const char *password);
/* Logs in as an account that is made for it, and binds the resource "r". */
void stream_world_bind(struct stream_world *world, const char *name);

#endif
