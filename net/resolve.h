/*
 * Looks up a host's addresses without making the caller wait: getaddrinfo() blocks, so a name is
 * asked for in a thread of its own, which ends by itself. An address in numbers is there at once.
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "core/base/str.h"

#include <netdb.h>
#include <stdbool.h>
#include <stdint.h>

struct resolve;

struct resolve *resolve_begin(struct str host, uint16_t port);
/* Is the answer there? */
bool resolve_done(struct resolve *resolve);
/* Once it is: NULL and the reason in *why, or the addresses, borrowed until resolve_end(). */
const struct addrinfo *resolve_result(const struct resolve *resolve, const char **why);
/* At any time, also while the look-up goes on. NULL allowed. */
void resolve_end(struct resolve *resolve);

#endif
