/*
 * What the parts of the stream machine share; nobody else includes it.
 *
 *   stream.c           life, headers, features, TLS, order of events, goodbye
 *   stream_sasl.c      <auth/>, <response/>, <abort/>
 *   stream_bind.c      resource binding, the session request, what a bound session may send
 *   stream_register.c  accounts: made, changed, removed
 */
#ifndef NET_STREAM_IMPL_H
#define NET_STREAM_IMPL_H

#include "core/base/arena.h"
#include "core/xmpp/refusal.h"
#include "net/sasl.h"
#include "net/stream.h"

/* Whose answer the machine waits for; what comes meanwhile is kept. */
enum stream_wait {
    WAIT_NOTHING,
    WAIT_LOGIN,  /* the account of a SASL exchange */
    WAIT_CREATE, /* XEP-0077 */
    WAIT_CHANGE,
    WAIT_REMOVE,
    WAIT_BIND, /* the connection's answer, at once */
};

struct stream {
    const struct stream_settings *settings;
    stream_act_fn *act;
    void *self;
    void (*random)(void *bytes, size_t size);

    struct arena *arena; /* NULL unless an event needs it: most streams are idle */
    bool opened;         /* our header of the present stream is out */
    bool stopped;        /* nothing is taken until the next header: restart, TLS, goodbye */
    bool handshaking; /* between <proceed/> and the end of the TLS handshake: no XML may be sent */
    bool closed;      /* goodbye said */
    bool secured;
    bool authenticated;
    bool anonymous;
    uint8_t sasl_failures;
    uint8_t registrations; /* account changes asked of the store */
    struct sasl *sasl;     /* while an exchange goes on */
    struct str account;    /* heap: local part; once authenticated */
    struct str bare;       /* heap: account@domain */
    struct jid *jid;       /* full; once bound */

    enum stream_wait wait;
    struct stanza *request; /* the iq to be answered when the wait ends */
    struct stanza **kept;   /* came during the wait, from kept_at on */
    size_t kept_count, kept_size;
};

/* The event's arena, made at need and freed when the event is over. */
struct arena *stream_arena(struct stream *stream);

void stream_send(struct stream *stream, struct str bytes);
/* A stanza of ours; takes the frame; NULL: nothing is sent. */
void stream_send_frame(struct stream *stream, struct frame *frame);
void stream_refuse(struct stream *stream, const struct stanza *request,
                   const struct refusal *refusal, const char *text);
/* Sends `text`, then asks for a new stream. */
void stream_restart(struct stream *stream, struct str text);
/* Asks the store; `ask` taken, `request` too (NULL: none). */
void stream_ask(struct stream *stream, enum stream_wait wait, struct account_ask *ask,
                struct stanza *request);
struct account_ask *stream_ask_new(enum account_op op, struct str name);
/* Is a request addressed to nobody, the domain or the session's own account? */
bool stream_is_addressed(struct stream *stream, const struct node *iq);
/* The stanza may hold a password. */
void stream_forget(struct stanza *stanza);
/* May secrets be told on this stream? */
bool stream_is_private(const struct stream *stream);

/* ---- stream_sasl.c: these take nothing ---- */
void stream_sasl_features(struct stream *stream, struct buf *out);
void stream_sasl_element(struct stream *stream, const struct node *node);
void stream_sasl_account(struct stream *stream, struct account_ask *answer);

/* ---- stream_bind.c: TAKE the stanza ---- */
/* Authenticated, not bound. */
void stream_bind_stanza(struct stream *stream, struct stanza *stanza);
/* Bound. */
void stream_bound_stanza(struct stream *stream, struct stanza *stanza);

/* ---- stream_register.c: TAKE the stanza ---- */
/* Is it a request about an account of ours (bound: addressed to us)? */
bool stream_register_is(struct stream *stream, const struct node *iq);
void stream_register(struct stream *stream, struct stanza *stanza);
void stream_register_account(struct stream *stream, const struct account_ask *answer);

#endif
