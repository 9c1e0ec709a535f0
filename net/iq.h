/*
 * What every request has in common, whoever answers it (RFC 6120 section 8.2.3).
 */
#ifndef NET_IQ_H
#define NET_IQ_H

#include "core/xml/frame.h"
#include "core/xml/stanza.h"

enum iq_kind {
    IQ_REQUEST, /* get or set with an id and exactly one payload: must be answered */
    IQ_ANSWER,  /* result or error: must never be answered */
    IQ_BAD,     /* neither: bad-request */
};

/* `iq` is an iq. */
enum iq_kind iq_kind(const struct node *iq);

/* The request's one payload. */
const struct node *iq_payload(const struct node *iq);
bool iq_is_set(const struct node *iq);

/* Begins the result for a request; `from` is what the request was addressed to, absent if it named
 * nobody. The payload follows; fb_finish() ends it. */
void iq_result_begin(struct fb *fb, struct arena *arena, const struct node *iq, struct str from);
/* A result without payload. */
struct frame *iq_result_empty(struct arena *arena, const struct node *iq, struct str from);

#endif
