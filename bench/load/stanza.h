/*
 * What the users of the load generator say. Writing a stanza copies ready pieces and sets numbers
 * between them.
 */
#ifndef BENCH_LOAD_STANZA_H
#define BENCH_LOAD_STANZA_H

#include "bench/load/seen.h"

#define MARK_DIGITS 10

struct speech {
    const struct names *names;
    bool with_from; /* over a link; a client's stanzas get their `from` from the server */
    char *padding;  /* of a body, so that it has the size asked for */
    size_t padding_size;
    size_t stanza_max; /* no stanza is longer */
};

void speech_init(struct speech *speech, const struct names *names, bool with_from,
                 size_t body_bytes);
void speech_free(struct speech *speech);

/* Each writes one stanza of `user` to `room` at `out` and returns its size. NUMBER_NONE: no mark.
 */
size_t speech_enter(const struct speech *s, char *out, uint32_t user, uint32_t room, uint32_t mark);
size_t speech_leave(const struct speech *s, char *out, uint32_t user, uint32_t room, uint32_t mark);
size_t speech_update(const struct speech *s, char *out, uint32_t user, uint32_t room,
                     uint32_t mark);
size_t speech_message(const struct speech *s, char *out, uint32_t user, uint32_t room,
                      uint32_t mark);
/* The owner makes somebody who is not inside a member, or takes that back. */
size_t speech_change(const struct speech *s, char *out, uint32_t user, uint32_t room, uint32_t mark,
                     bool member);

#endif
