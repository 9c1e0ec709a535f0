/*
 * Stanza errors as constants (RFC 6120 section 8.3). The peer was wrong: it is told type,
 * condition, who says so, and a text a person can act on.
 */
#ifndef CORE_XMPP_REFUSAL_H
#define CORE_XMPP_REFUSAL_H

#include "core/xml/frame.h"
#include "core/xml/stanza.h"

struct refusal {
    const char *id;      /* as in refusal.def, for tests and logs */
    const char *type;    /* auth, cancel, continue, modify, wait */
    enum name condition; /* element of NS_STANZAS */
    const char *text;    /* or NULL */
    const char *anchor;  /* where the spec says so */
};

#define REFUSAL(id, type, condition, text, anchor) extern const struct refusal refusal_##id;
#include "core/xmpp/refusal.def"
#undef REFUSAL

/* One refusal with what only the moment knows. */
struct refuse_more {
    struct str by;           /* who refuses; absent: no `by` */
    struct str text;         /* instead of the constant's text, if present */
    struct str uri;          /* character data of the condition (gone, redirect) */
    enum name specific;      /* condition of the protocol's own, NAME_NONE: none; */
    enum ns specific_ns;     /* its namespace */
    const struct node *echo; /* the request, for `echo_payload` */
    bool echo_payload;       /* repeat the request's children after the error (IQ to a client) */
    bool echo_muc;           /* an empty <x xmlns=muc/> after the error (joins, SEMANTICS 2.2.1) */
    bool echo_subject;       /* the request's subjects, before the error (SEMANTICS 8.2.2) */
};

/* The <error/> alone, into a stanza of type error; `by` may be absent. */
void fb_refusal(struct fb *fb, const struct refusal *refusal, struct str by);

/*
 * The error stanza for `request`: same element and id, type error, from = `from` (what the request
 * was addressed to). The caller owns the reference; the address slot is open. NULL if the request
 * must not be answered: it is an error itself, an iq result, or has no such kind.
 */
struct frame *refusal_frame(struct arena *arena, const struct node *request,
                            const struct refusal *refusal, struct str from,
                            const struct refuse_more *more);

#endif
