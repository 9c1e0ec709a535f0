/*
 * Getting a component link (XEP-0114): as the host that a component connects to, or as a component
 * that connects to a host. Both block, for seconds at most, and end the program with a message
 * where the other side does not do its part.
 */
#ifndef BENCH_LOAD_HANDSHAKE_H
#define BENCH_LOAD_HANDSHAKE_H

#include <stdint.h>

/* A socket that listens on a free port of the loopback address. */
int handshake_listen(uint16_t *port);

/* Each returns the connected socket; stanzas may follow at once. */
int handshake_accept(int listener, const char *domain, const char *secret);
int handshake_connect(uint16_t port, const char *domain, const char *secret);

/* A connection whose far end sends a stream header and nothing else (the raw pipe). */
int handshake_accept_plain(int listener);

#endif
