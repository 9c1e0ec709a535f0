/*
 * Timestamps (XEP-0082) and delay elements (XEP-0203). Times are microseconds since 1970 UTC.
 * @xep 0082 1.1.1 #profiles
 * @xep 0203 2.0 #protocol
 */
#ifndef CORE_XMPP_STAMP_H
#define CORE_XMPP_STAMP_H

#include "core/base/arena.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

/* "2026-08-01T12:00:00.000000Z"; the fraction is left out when it is zero. */
struct str stamp_text(struct arena *arena, int64_t time_us);

/* The DateTime profile: fraction optional, zone Z or +hh:mm. False if it is none. */
MUST_CHECK bool stamp_parse(struct str text, int64_t *time_us);

/* <delay xmlns='urn:xmpp:delay' from=... stamp=.../> as text, for a frame's tail slot. */
struct str stamp_delay(struct arena *arena, struct str from, int64_t time_us);

#endif
