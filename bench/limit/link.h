/*
 * The near end of a stream to the load generator, for the programs that show the limit: one
 * blocking socket, one buffer for writing, and what a component says to be let in.
 */
#ifndef BENCH_LIMIT_LINK_H
#define BENCH_LIMIT_LINK_H

#include "core/base/str.h"

#include <stdint.h>

/* Large enough that the kernel's cost per call vanishes, small enough to stay in the cache. */
#define LINK_BUFFER_BYTES (256u * 1024u)

/* What a service adds to what it passes on, so that as many bytes go out as from one that means it:
 * an occupant's id (XEP-0421) and a message's (XEP-0359), the same for all. */
#define LINK_OCCUPANT_ID                                                                           \
    "<occupant-id xmlns='urn:xmpp:occupant-id:0' "                                                 \
    "id='0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef'/>"
#define LINK_STANZA_ID                                                                             \
    "<stanza-id xmlns='urn:xmpp:sid:0' id='0123456789abcdef0123456789abcdef' by='"

struct link {
    int fd;
    size_t used;
    char bytes[LINK_BUFFER_BYTES];
};

/* Connects, or says on stderr why not and ends the program. */
void link_connect(struct link *link, const char *host, uint16_t port);
void link_set_no_delay(int fd);

/* Writes out all that was put in. The far end gone: the program ends, there is nothing left to do.
 */
void link_flush(struct link *link);

/* What cannot be waited for in vain: false when the far end has closed. */
bool link_read(struct link *link, struct buf *in);

/* Room for one more stanza of `size` bytes, at most LINK_BUFFER_BYTES. */
static inline char *link_room(struct link *link, size_t size)
{
    if (__builtin_expect(size > LINK_BUFFER_BYTES - link->used, 0))
        link_flush(link);
    return link->bytes + link->used;
}

void link_put(struct link *link, struct str text);

/* The stream's opening and the digest of its id with the secret (XEP-0114); on return the far end
 * has accepted it. What came behind is left in `in`. */
void link_handshake(struct link *link, const char *domain, const char *secret, struct buf *in);

/* Says what happened and ends the program with status 1. */
_Noreturn void link_die(const char *format, ...) PRINTF_LIKE(1, 2);

#endif
