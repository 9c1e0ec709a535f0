/*
 * A stanza on its way through the handlers: what was received, who sent it, what is known about
 * both, and the answers one can give. Lives for one step.
 */
#ifndef CORE_MUC_INBOUND_H
#define CORE_MUC_INBOUND_H

#include "core/muc/muc.h"
#include "core/muc/occupant.h"
#include "core/xmpp/form.h"
#include "core/xmpp/refusal.h"

enum stanza_kind { KIND_MESSAGE = 1, KIND_PRESENCE = 2, KIND_IQ = 4 };
enum target { TARGET_ROOM = 1, TARGET_OCCUPANT = 2 };

/* As the `type` attribute says; bits, so that a handler row can name several. */
enum stanza_type {
    TYPE_AVAILABLE = 1 << 0, /* presence without type */
    TYPE_UNAVAILABLE = 1 << 1,
    TYPE_PROBE = 1 << 2,
    TYPE_NORMAL = 1 << 3, /* message without type, or an unknown one */
    TYPE_CHAT = 1 << 4,
    TYPE_GROUPCHAT = 1 << 5,
    TYPE_HEADLINE = 1 << 6,
    TYPE_GET = 1 << 7,
    TYPE_SET = 1 << 8,
    TYPE_RESULT = 1 << 9,
    TYPE_ERROR = 1 << 10,
    TYPE_OTHER = 1 << 11, /* subscriptions and nonsense */
};

struct inbound {
    enum stanza_kind kind;
    enum target target;
    enum stanza_type type;
    bool waited; /* for its turn (core/muc/rate.h): it does not have to any more */
    const struct stanza *stanza;
    const struct node *root;
    const struct node *payload; /* iq get/set: the one child; else NULL */
    const struct jid *from;     /* full */
    const struct jid *to;
    struct str id;   /* STR_NONE if absent */
    struct str nick; /* to's resource; STR_NONE for TARGET_ROOM */
    struct route route;
    uint32_t rooms;               /* of a presence that enters: where else its account is */
    struct session *session;      /* of the sender, or NULL: a stranger */
    struct occupant *self;        /* of the sender, or NULL */
    struct str self_nick;         /* its nickname when the stanza came, in the arena; STR_NONE */
    enum affiliation affiliation; /* of the sender's account */
};

/* Reads a stanza that came in for the room, or for the service itself (`room` NULL). False: it is
 * neither message, presence nor iq. */
MUST_CHECK bool inbound_read(const struct room *room, const struct step *step,
                             const struct event *event, struct inbound *in);

/* RFC 6120 8.2.3: an iq get or set with an id and exactly one child. */
bool inbound_is_request(const struct inbound *in);

/* A room that is neither listed nor open to all may be kept secret (SEMANTICS 12.4): it says
 * nothing of itself to who is no member of it, and not inside. */
bool inbound_is_kept_out(const struct room *room, const struct inbound *in);

/* Sends `frame` (TAKEN) to who sent the stanza. */
void reply(struct step *step, const struct inbound *in, struct frame *frame);

/* <iq type='result'/> without content. */
void reply_result(struct room *room, struct step *step, const struct inbound *in);

/* Begins an iq result from the address the request went to; add the payload, then
 * reply(fb_finish()). */
void reply_begin(struct fb *fb, struct step *step, const struct inbound *in);

/* The refusal as a stanza error from the address the request went to, `by` the room (or the
 * service, if it is about the room's name). Presence errors echo <x muc/> when the presence had
 * one. Returns STEP_DONE, so that a handler can `return refuse(...)`. */
enum step_outcome refuse(struct room *room, struct step *step, const struct inbound *in,
                         const struct refusal *refusal);
/* With details; `by` is filled in. */
enum step_outcome refuse_with(struct room *room, struct step *step, const struct inbound *in,
                              const struct refusal *refusal, struct refuse_more more);
/* A form that form_read() did not take: bad-request, and what is wrong with it. */
enum step_outcome refuse_form(struct room *room, struct step *step, const struct inbound *in,
                              const struct form *form);

/* The sender as actor: nick if inside, full JID if inside, else bare. */
struct actor inbound_actor(const struct inbound *in);

#endif
