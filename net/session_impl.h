/*
 * What the two halves of a client connection share; nobody else includes it.
 *
 *   session.c   one connection: stream, parser, TLS, binding, alarms, goodbye
 *   door.c      all of them: admission, who waits for which shard, messages from other agents
 */
#ifndef NET_SESSION_IMPL_H
#define NET_SESSION_IMPL_H

#include "core/xml/parse.h"
#include "net/session.h"

/* A stanza whose shard has no credit, and those read in one piece with it. */
struct waiting {
    struct waiting *next;
    struct stanza *stanza;
};

struct session {
    struct conn conn;
    struct door *door;
    struct session *prev, *next; /* of the door */
    struct stream *stream;       /* NULL until the first byte, and after the goodbye */
    struct parser *parser;       /* NULL: the next byte makes one */
    struct client client;        /* jid NULL: not bound */
    struct waiting *first, *last;
    struct line *line; /* NULL: does not wait for a shard */
    struct session *line_prev, *line_next;
    int64_t admitted_ms, heard_ms;
    const char *gone;  /* why it ended, for the log */
    const char *fault; /* stream error to be sent when the event is over */
    bool properly;     /* it closed its stream, or we did for no fault of the connection */
    bool restart;
    bool start_tls;
    bool secured;
    bool dozing; /* silent: the parser sleeps */
    bool ending; /* the stream has said its last word */
    bool left;   /* phase one of the goodbye is over */
};

extern const struct conn_kind session_kind;

/* Takes the descriptor; NULL: epoll refused it. */
struct session *session_new(struct door *door, int fd);

static inline struct route session_route(const struct session *session)
{
    return (struct route){session->conn.slot, session->conn.generation,
                          session->door->router->lane};
}

/* Phase one of the goodbye: nobody finds it any more. Never from inside the stream or the parser.
 */
void session_leave(struct session *session);
/* We end it: stream error, text for the peer, reason for the log. Not from inside either. */
void session_fail(struct session *session, const char *condition, const char *text,
                  const char *gone);
/* What it waited for has come. */
void session_go_on(struct session *session);

/* ---- door.c ---- */

/* A stanza (taken) for the router, now or when its shard has credit. */
void session_take_stanza(struct session *session, struct stanza *stanza);
/* What waits is freed. */
void session_stop_waiting(struct session *session);

#endif
