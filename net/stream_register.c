/*
 * Accounts made, changed and removed in-band. Passwords are turned into verifiers here, on the
 * spot, and forgotten: 2 x SCRAM_ITERATIONS of PBKDF2, some milliseconds, which is why one
 * connection may do it REGISTRATIONS_PER_CONN times only.
 *
 * @xep 0077 2.4 #usecases-register #usecases-register-server #usecases-cancel #usecases-changepw
 */
#include "net/stream_impl.h"

#include "core/base/err.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "core/xmpp/prep.h"
#include "net/iq.h"

static const struct refusal not_acceptable = {
    .id = "REGISTER_NOT_ACCEPTABLE", .type = "modify", .condition = NAME_NOT_ACCEPTABLE};
static const struct refusal unexpected = {
    .id = "REGISTER_UNEXPECTED", .type = "wait", .condition = NAME_UNEXPECTED_REQUEST};
static const struct refusal not_private = {
    .id = "REGISTER_NOT_PRIVATE", .type = "modify", .condition = NAME_NOT_AUTHORIZED};

bool stream_register_is(struct stream *stream, const struct node *iq)
{
    return node_is(iq, NAME_IQ, NS_STANZA) && node_find(iq, NAME_QUERY, NS_REGISTER) != NULL &&
           iq_kind(iq) != IQ_ANSWER && stream_is_addressed(stream, iq);
}

/* ---- what is asked for ---- */

static void send_fields(struct stream *stream, const struct node *iq)
{
    bool member = stream->authenticated;
    struct fb fb;
    iq_result_begin(&fb, stream_arena(stream), iq, node_attr(iq, NAME_TO));
    fb_open(&fb, NAME_QUERY, NS_REGISTER);
    if (member)
        fb_empty(&fb, NAME_REGISTERED, NS_REGISTER);
    fb_leaf(&fb, NAME_INSTRUCTIONS, NS_REGISTER,
            member ? STR("Choose a new password for your account")
                   : STR("Choose a name and a password for your account"));
    fb_leaf(&fb, NAME_USERNAME, NS_REGISTER, member ? stream->account : STR_NONE);
    fb_empty(&fb, NAME_PASSWORD, NS_REGISTER);
    fb_close(&fb);
    stream_send_frame(stream, fb_finish(&fb));
}

/* ---- what is to be done; these TAKE the stanza ---- */

static void refuse(struct stream *stream, struct stanza *stanza, const struct refusal *refusal,
                   const char *text)
{
    stream_refuse(stream, stanza, refusal, text);
    stream_forget(stanza);
}

/* Makes the verifiers and asks the store; refuses what no account can have. */
static void ask_with_password(struct stream *stream, struct stanza *stanza, enum stream_wait wait,
                              struct str name, struct str password)
{
    if (stream->registrations >= REGISTRATIONS_PER_CONN) {
        const char *text = "Enough accounts and passwords for one connection; connect again";
        refuse(stream, stanza, &not_acceptable, text);
        return;
    }
    stream->registrations++;
    enum account_op op = wait == WAIT_CREATE ? ACCOUNT_CREATE : ACCOUNT_CHANGE;
    struct account_ask *ask = stream_ask_new(op, name);
    int err = sasl_make_verifiers(&ask->account, password, stream->random);
    if (err == 0) {
        stream_ask(stream, wait, ask, stanza);
        return;
    }
    account_fini(&ask->account);
    mem_free(ask);
    if (err == ERR_INVALID)
        refuse(stream, stanza, &not_acceptable,
               "That password is too long or has characters no "
               "password can have; choose another one");
    else
        refuse(stream, stanza, &refusal_INTERNAL, NULL);
}

static void create(struct stream *stream, struct stanza *stanza, const struct node *query)
{
    struct arena *arena = stream_arena(stream);
    struct str username = node_text(node_find(query, NAME_USERNAME, NS_REGISTER), arena);
    struct str password = node_text(node_find(query, NAME_PASSWORD, NS_REGISTER), arena);
    struct str name = prep_local(arena, username);
    if (node_find(query, NAME_REMOVE, NS_REGISTER) != NULL)
        refuse(stream, stanza, &unexpected, "Log in to remove your account");
    else if (str_empty(username) || str_empty(password))
        refuse(stream, stanza, &not_acceptable, "Both a name and a password are needed");
    else if (!str_present(name))
        refuse(stream, stanza, &not_acceptable,
               "That name is too long or has characters no name can "
               "have; choose another one");
    else if (stream_name_is_anonymous(name))
        refuse(stream, stanza, &not_acceptable, "Names like that are kept for anonymous sessions");
    else
        ask_with_password(stream, stanza, WAIT_CREATE, name, password);
}

static void change(struct stream *stream, struct stanza *stanza, const struct node *query)
{
    struct arena *arena = stream_arena(stream);
    struct str username = node_text(node_find(query, NAME_USERNAME, NS_REGISTER), arena);
    struct str password = node_text(node_find(query, NAME_PASSWORD, NS_REGISTER), arena);
    if (str_empty(username) || str_empty(password))
        refuse(stream, stanza, &refusal_BAD_REQUEST,
               "Both your name and a new password are needed");
    else if (!str_eq(prep_local(arena, username), stream->account))
        refuse(stream, stanza, &refusal_NOT_ALLOWED, "You can change your own password only");
    else
        ask_with_password(stream, stanza, WAIT_CHANGE, stream->account, password);
}

static void remove_account(struct stream *stream, struct stanza *stanza, const struct node *query)
{
    if (node_count(query, NAME_NONE, NS_NONE) != 1)
        refuse(stream, stanza, &refusal_BAD_REQUEST, "<remove/> must stand alone");
    else
        stream_ask(stream, WAIT_REMOVE, stream_ask_new(ACCOUNT_REMOVE, stream->account), stanza);
}

static void set(struct stream *stream, struct stanza *stanza, const struct node *query)
{
    if (!stream->authenticated)
        create(stream, stanza, query);
    else if (stream->anonymous)
        refuse(stream, stanza, &refusal_NOT_ALLOWED, "An anonymous session has no account");
    else if (node_find(query, NAME_REMOVE, NS_REGISTER) != NULL)
        remove_account(stream, stanza, query);
    else
        change(stream, stanza, query);
}

void stream_register(struct stream *stream, struct stanza *stanza)
{
    const struct node *iq = stanza_root(stanza);
    bool is_set = iq_is_set(iq);
    if (iq_kind(iq) == IQ_BAD) {
        refuse(stream, stanza, &refusal_BAD_REQUEST, NULL);
    } else if (!stream->settings->registration) {
        bool closed = is_set && stream->authenticated;
        refuse(stream, stanza, closed ? &refusal_NOT_ALLOWED : &refusal_SERVICE_UNAVAILABLE,
               "Registration is closed here");
    } else if (!stream_is_private(stream)) {
        refuse(stream, stanza, &not_private,
               "Start TLS first: passwords are not for everybody's eyes");
    } else if (is_set) {
        set(stream, stanza, iq_payload(iq));
    } else {
        send_fields(stream, iq);
        stanza_free(stanza);
    }
}

/* ---- the store's answer ---- */

void stream_register_account(struct stream *stream, const struct account_ask *answer)
{
    struct stanza *request = stream->request;
    stream->request = NULL;
    const struct node *iq = stanza_root(request);
    bool done = answer->err == 0;
    if (done)
        stream_send_frame(stream,
                          iq_result_empty(stream_arena(stream), iq, node_attr(iq, NAME_TO)));
    else if (answer->err == ERR_EXISTS)
        stream_refuse(stream, request, &refusal_CONFLICT, "That name is taken; choose another one");
    else if (answer->err == ERR_LIMIT)
        stream_refuse(stream, request, &refusal_RESOURCE_CONSTRAINT,
                      "There is no room for more "
                      "accounts");
    else if (answer->err == ERR_NOT_FOUND)
        stream_refuse(stream, request, &refusal_NOT_REGISTERED,
                      "There is no such account any more");
    else
        stream_refuse(stream, request, &refusal_INTERNAL, NULL);
    stream_forget(request);
    if (done && answer->op == ACCOUNT_REMOVE)
        stream_fail(stream, "not-authorized", "The account is no more");
}
