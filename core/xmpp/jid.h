/*
 * Addresses (RFC 7622, with the stringprep profiles of RFC 6122 that deployed servers use). A jid
 * is one allocation, prepared and immutable; comparison is by bytes.
 * @xep 0045 1.35.5 #bizrules-jids.prepared #bizrules-jids.empty
 */
#ifndef CORE_XMPP_JID_H
#define CORE_XMPP_JID_H

#include "core/base/arena.h"
#include "core/base/str.h"

#include <stdbool.h>
#include <stdint.h>

struct jid {
    uint16_t local_len;    /* 0: none */
    uint16_t domain_len;   /* never 0 */
    uint16_t resource_len; /* 0: none */
    uint16_t bare_len;     /* "local@domain" */
    char text[];           /* "local@domain/resource", NUL-terminated */
};

/* Prepares and checks all parts; unassigned code points are let through (a room checks nicknames
 * strictly itself, SEMANTICS 1.2). NULL if malformed: an empty or oversized part, bad UTF-8, bad
 * characters. In the arena, or on the heap if `arena` is NULL (then free with jid_free). */
struct jid *jid_parse(struct arena *arena, struct str text);

/* From parts that are prepared already; `local` and `resource` may be absent. Arena NULL: heap. */
struct jid *jid_make(struct arena *arena, struct str local, struct str domain, struct str resource);
/* The same bare address with another resource (prepared already). */
struct jid *jid_with_resource(struct arena *arena, const struct jid *jid, struct str resource);
struct jid *jid_to_bare(struct arena *arena, const struct jid *jid);
struct jid *jid_copy(const struct jid *jid); /* heap */
void jid_free(struct jid *jid);              /* heap only; NULL allowed */

/* Borrowed from the jid. */
static inline struct str jid_full(const struct jid *jid)
{
    size_t len =
        jid->resource_len > 0 ? (size_t)jid->bare_len + 1 + jid->resource_len : jid->bare_len;
    return str_of(jid->text, len);
}

static inline struct str jid_bare(const struct jid *jid)
{
    return str_of(jid->text, jid->bare_len);
}

static inline struct str jid_local(const struct jid *jid)
{
    return jid->local_len > 0 ? str_of(jid->text, jid->local_len) : STR_NONE;
}

static inline struct str jid_domain(const struct jid *jid)
{
    return str_of(jid->text + jid->bare_len - jid->domain_len, jid->domain_len);
}

static inline struct str jid_resource(const struct jid *jid)
{
    return jid->resource_len > 0 ? str_of(jid->text + jid->bare_len + 1, jid->resource_len)
                                 : STR_NONE;
}

static inline bool jid_is_bare(const struct jid *jid)
{
    return jid->resource_len == 0;
}

static inline bool jid_eq(const struct jid *a, const struct jid *b)
{
    return str_eq(jid_full(a), jid_full(b));
}

static inline bool jid_bare_eq(const struct jid *a, const struct jid *b)
{
    return str_eq(jid_bare(a), jid_bare(b));
}

#endif
