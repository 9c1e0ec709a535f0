/*
 * A client's XMPP stream as a state machine, I/O-free: events in, actions out (RFC 6120).
 *
 *   opened -> [STARTTLS -> TLS -> opened] -> SASL -> opened -> bind -> stanzas
 *
 * The connection (net/conn.c) feeds events and carries out actions in the order they are handed to
 * `act`, which is called during the event. Nothing here touches a socket, a clock or a thread; it
 * can be driven by a test line by line. One net agent.
 *
 * @xep 0077 2.4 #usecases-register #usecases-cancel #usecases-changepw #streamfeature
 * @xep 0175 1.2 #recommendations #flow
 */
#ifndef NET_STREAM_H
#define NET_STREAM_H

#include "core/xml/parse.h"
#include "core/xml/stanza.h"
#include "core/xmpp/jid.h"
#include "shard/store/store.h"

/* What the operator allows at the client door; immutable, shared. */
struct stream_settings {
    struct str domain; /* client.domain, prepared */
    bool tls;          /* there is a certificate: STARTTLS is offered */
    bool plaintext;    /* SASL without TLS is allowed (loopback only); else TLS is required */
    bool registration; /* XEP-0077 */
    bool anonymous;    /* SASL ANONYMOUS */
    struct str secret; /* unpredictable, at least 16 bytes: salts for names without account */
    struct str version;
};

enum stream_action_kind {
    STREAM_SEND,      /* `bytes` to the peer */
    STREAM_START_TLS, /* after what was sent: bytes in the clear end here; discard what the peer
                         sent behind its <starttls/> */
    STREAM_RESTART,   /* a fresh parser: the peer opens the stream anew */
    STREAM_ACCOUNT,   /* ask the store (`ask`, taken); answer by stream_on_account() */
    STREAM_BIND,   /* wants a session for `account` with the resource `bytes` (absent: choose one);
                      answer at once by stream_bound() or stream_bind_refused() */
    STREAM_STANZA, /* `stanza` (taken) of a bound session, for the router */
    STREAM_CLOSE,  /* close when everything sent is written; no more events are wanted */
};

struct stream_action {
    enum stream_action_kind kind;
    struct str bytes;        /* borrowed */
    struct account_ask *ask; /* heap */
    struct str account;      /* bare JID, borrowed */
    struct stanza *stanza;
};

typedef void stream_act_fn(void *self, const struct stream_action *action);

struct stream;

/* `settings` borrowed. `random` fills with unpredictable bytes (stream ids, salts). */
struct stream *stream_new(const struct stream_settings *settings, stream_act_fn *act, void *self,
                          void (*random)(void *bytes, size_t size));
void stream_free(struct stream *stream);

/* The peer's <stream:stream>; `ns` its default namespace. */
void stream_on_open(struct stream *stream, const struct stanza *header, struct str ns);
/* A child of the stream; TAKEN. False: the parser must stop here (restart, TLS or close follows).
 * What comes while the store is asked, at most what was read in one piece, is kept and taken up in
 * order by stream_on_account(). */
bool stream_on_stanza(struct stream *stream, struct stanza *stanza);
/* </stream:stream> from the peer. */
void stream_on_close(struct stream *stream);
void stream_on_parse_error(struct stream *stream, enum parse_error error);
void stream_on_tls(struct stream *stream); /* the handshake is done */
void stream_on_account(struct stream *stream, struct account_ask *answer); /* borrowed */

/* Answers to STREAM_BIND. `jid` full, copied. */
void stream_bound(struct stream *stream, const struct jid *jid);
void stream_bind_refused(struct stream *stream, const char *condition);

/* We end it: a stream error (RFC 6120 section 4.9.3) and a text, then CLOSE. `condition` NULL: just
 * </stream:stream>. Does nothing if it is closing already. */
void stream_fail(struct stream *stream, const char *condition, const char *text);

/* Local parts given to ANONYMOUS sessions: UUIDs (XEP-0175 section 3). Nobody may register one. */
bool stream_name_is_anonymous(struct str local);

/* True once authenticated: larger stanzas are allowed. */
bool stream_authenticated(const struct stream *stream);
bool stream_is_bound(const struct stream *stream);
/* Has it logged in as that account, or begun to? */
bool stream_is_of(const struct stream *stream, struct str bare);
/* Waiting for the store: the connection stops reading until stream_on_account(). */
bool stream_waits(const struct stream *stream);

#endif
