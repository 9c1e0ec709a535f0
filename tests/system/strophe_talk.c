/*
 * A conversation of three clients written with libstrophe as its users write them: handlers, and
 * stanzas put together by the library. They join, configure, chat, change subject and nickname,
 * register, invite, kick, ban and leave, and each step waits for what those concerned are to see.
 *
 *   strophe_talk PORT
 *
 * Exit status: 0 all went well, 1 something was missing (and is said), 2 called wrongly.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strophe.h>
#include <time.h>

#define ROOM     "strophe-talk@conference.localhost"
#define NS_MUC   "http://jabber.org/protocol/muc"
#define NS_USER  NS_MUC "#user"
#define NS_ADMIN NS_MUC "#admin"
#define NS_OWNER NS_MUC "#owner"
#define NS_DATA  "jabber:x:data"
#define NS_REG   "jabber:iq:register"

enum { WAIT_MS = 10000, SLICE_MS = 10, INBOX = 256 };

struct person {
    const char *jid;
    xmpp_ctx_t *ctx;
    xmpp_conn_t *conn;
    bool up;
    xmpp_stanza_t *inbox[INBOX]; /* NULL: looked at */
    unsigned count;
};

/* What a stanza has to be like; NULL: anything. */
struct wanted {
    const char *name, *type, *from;
    const char *element;          /* somewhere inside */
    const char *attribute, *text; /* of that element: "name=value"; what stands in it */
};

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void give_up(const char *what)
{
    printf("strophe_talk: %s\n", what);
    exit(1);
}

/* ---- what libstrophe calls ---- */

static int on_stanza(xmpp_conn_t *conn, xmpp_stanza_t *stanza, void *self)
{
    struct person *person = self;
    (void)conn;
    if (person->count == INBOX)
        give_up("more came than this conversation is about");
    person->inbox[person->count++] = xmpp_stanza_copy(stanza);
    return 1;
}

static void on_event(xmpp_conn_t *conn, xmpp_conn_event_t event, int error,
                     xmpp_stream_error_t *stream_error, void *self)
{
    struct person *person = self;
    (void)error;
    (void)stream_error;
    person->up = event == XMPP_CONN_CONNECT;
    if (person->up)
        xmpp_handler_add(conn, on_stanza, NULL, NULL, NULL, person);
}

/* ---- coming and going ---- */

static void await_line(struct person *person, bool up)
{
    int64_t until = now_ms() + WAIT_MS;
    while (person->up != up && now_ms() < until)
        xmpp_run_once(person->ctx, SLICE_MS);
    if (person->up != up)
        give_up(up ? "a login takes too long" : "the server does not close the stream");
}

static void arrive(struct person *person, xmpp_ctx_t *ctx, unsigned short port)
{
    person->ctx = ctx;
    person->conn = xmpp_conn_new(ctx);
    xmpp_conn_set_flags(person->conn, XMPP_CONN_FLAG_DISABLE_TLS | XMPP_CONN_FLAG_DISABLE_SM);
    xmpp_conn_set_jid(person->conn, person->jid);
    xmpp_conn_set_pass(person->conn, "password");
    if (xmpp_connect_client(person->conn, "127.0.0.1", port, on_event, person) != XMPP_EOK)
        give_up("the server cannot be reached");
    await_line(person, true);
}

static void go(struct person *person)
{
    xmpp_disconnect(person->conn);
    await_line(person, false);
    xmpp_conn_release(person->conn);
    for (unsigned i = 0; i < person->count; i++) {
        if (person->inbox[i] != NULL)
            xmpp_stanza_release(person->inbox[i]);
    }
}

/* ---- looking at what came ---- */

static bool same(const char *is, const char *expected)
{
    return expected == NULL || (is != NULL && strcmp(is, expected) == 0);
}

static bool has_attribute(xmpp_stanza_t *element, const char *expected)
{
    char name[32];
    if (expected == NULL)
        return true;
    size_t len = strcspn(expected, "=");
    if (len >= sizeof(name))
        return false;
    memcpy(name, expected, len);
    name[len] = '\0';
    return same(xmpp_stanza_get_attribute(element, name), expected + len + 1);
}

static bool has_text(xmpp_stanza_t *element, const char *expected)
{
    if (expected == NULL)
        return true;
    char *text = xmpp_stanza_get_text(element);
    bool has = same(text == NULL ? "" : text, expected);
    if (text != NULL)
        xmpp_free(xmpp_stanza_get_context(element), text);
    return has;
}

static bool contains(xmpp_stanza_t *stanza, const struct wanted *wanted)
{
    if (wanted->element == NULL)
        return true;
    for (xmpp_stanza_t *child = xmpp_stanza_get_children(stanza); child != NULL;
         child = xmpp_stanza_get_next(child)) {
        if (!xmpp_stanza_is_tag(child))
            continue;
        if (same(xmpp_stanza_get_name(child), wanted->element) &&
            has_attribute(child, wanted->attribute) && has_text(child, wanted->text))
            return true;
        if (contains(child, wanted))
            return true;
    }
    return false;
}

static bool take(struct person *person, const struct wanted *wanted)
{
    for (unsigned i = 0; i < person->count; i++) {
        xmpp_stanza_t *stanza = person->inbox[i];
        if (stanza == NULL || !same(xmpp_stanza_get_name(stanza), wanted->name) ||
            !same(xmpp_stanza_get_type(stanza), wanted->type) ||
            !same(xmpp_stanza_get_from(stanza), wanted->from) || !contains(stanza, wanted))
            continue;
        xmpp_stanza_release(stanza);
        person->inbox[i] = NULL;
        return true;
    }
    return false;
}

static void show_inbox(const struct person *person)
{
    for (unsigned i = 0; i < person->count; i++) {
        char *text = NULL;
        size_t size = 0;
        if (person->inbox[i] == NULL ||
            xmpp_stanza_to_text(person->inbox[i], &text, &size) != XMPP_EOK)
            continue;
        printf("  there came: %s\n", text);
        xmpp_free(person->ctx, text);
    }
}

/* Waits for it; the first that fits is taken out of the inbox, all others stay there. */
static void sees(struct person *person, const char *what, const struct wanted *wanted)
{
    int64_t until = now_ms() + WAIT_MS;
    while (!take(person, wanted)) {
        if (now_ms() > until) {
            printf("strophe_talk: %s did not see %s\n", person->jid, what);
            show_inbox(person);
            exit(1);
        }
        xmpp_run_once(person->ctx, SLICE_MS);
    }
}

/* ---- putting stanzas together ---- */

static xmpp_stanza_t *element(xmpp_stanza_t *parent, const char *name, const char *ns)
{
    xmpp_stanza_t *child = xmpp_stanza_new(xmpp_stanza_get_context(parent));
    xmpp_stanza_set_name(child, name);
    if (ns != NULL)
        xmpp_stanza_set_ns(child, ns);
    xmpp_stanza_add_child(parent, child);
    xmpp_stanza_release(child); /* the parent has it */
    return child;
}

static void leaf(xmpp_stanza_t *parent, const char *name, const char *text)
{
    xmpp_stanza_t *inside = xmpp_stanza_new(xmpp_stanza_get_context(parent));
    xmpp_stanza_set_text(inside, text);
    xmpp_stanza_add_child(element(parent, name, NULL), inside);
    xmpp_stanza_release(inside);
}

static void field(xmpp_stanza_t *form, const char *var, const char *value)
{
    xmpp_stanza_t *child = element(form, "field", NULL);
    xmpp_stanza_set_attribute(child, "var", var);
    leaf(child, "value", value);
}

static xmpp_stanza_t *form_in(xmpp_stanza_t *query, const char *form_type)
{
    xmpp_stanza_t *form = element(query, "x", NS_DATA);
    xmpp_stanza_set_type(form, "submit");
    field(form, "FORM_TYPE", form_type);
    return form;
}

static void send_off(struct person *person, xmpp_stanza_t *stanza)
{
    xmpp_send(person->conn, stanza);
    xmpp_stanza_release(stanza);
}

static void send_presence(struct person *person, const char *to, const char *type, bool joins)
{
    xmpp_stanza_t *presence = xmpp_presence_new(person->ctx);
    xmpp_stanza_set_to(presence, to);
    if (type != NULL)
        xmpp_stanza_set_type(presence, type);
    if (joins)
        element(presence, "x", NS_MUC);
    send_off(person, presence);
}

static void send_groupchat(struct person *person, const char *child, const char *text)
{
    xmpp_stanza_t *message = xmpp_message_new(person->ctx, "groupchat", ROOM, NULL);
    leaf(message, child, text);
    send_off(person, message);
}

static xmpp_stanza_t *request(struct person *person, const char *ns, xmpp_stanza_t **query)
{
    xmpp_stanza_t *iq = xmpp_iq_new(person->ctx, "set", "ask");
    xmpp_stanza_set_to(iq, ROOM);
    *query = element(iq, "query", ns);
    return iq;
}

static void send_item(struct person *person, const char *who, const char *whom, const char *what,
                      const char *value)
{
    xmpp_stanza_t *query;
    xmpp_stanza_t *iq = request(person, NS_ADMIN, &query);
    xmpp_stanza_t *item = element(query, "item", NULL);
    xmpp_stanza_set_attribute(item, who, whom);
    xmpp_stanza_set_attribute(item, what, value);
    leaf(item, "reason", "because");
    send_off(person, iq);
}

static void sees_result(struct person *person, const char *what)
{
    sees(person, what, &(struct wanted){.name = "iq", .type = "result", .from = ROOM});
}

static void sees_error(struct person *person, const char *kind, const char *condition)
{
    sees(person, condition, &(struct wanted){.name = kind, .type = "error", .element = condition});
}

static void sees_status(struct person *person, const char *from, const char *type, const char *code)
{
    sees(person, code,
         &(struct wanted){
             .name = "presence",
             .type = type,
             .from = from,
             .element = "status",
             .attribute = code,
         });
}

static void sees_gone(struct person *person, const char *from, const char *code)
{
    sees_status(person, from, "unavailable", code);
}

/* ---- the conversation ---- */

static void open_room(struct person *alice)
{
    xmpp_stanza_t *query;
    send_presence(alice, ROOM "/Alice", NULL, true);
    sees_status(alice, ROOM "/Alice", NULL, "code=201");
    xmpp_stanza_t *iq = request(alice, NS_OWNER, &query);
    xmpp_stanza_t *form = form_in(query, NS_MUC "#roomconfig");
    field(form, "muc#roomconfig_roomname", "Written in C");
    field(form, "muc#roomconfig_membersonly", "1");
    send_off(alice, iq);
    sees_result(alice, "the end of the configuration");
}

static void invite(struct person *alice, struct person *bob)
{
    send_presence(bob, ROOM "/Bob", NULL, true);
    sees_error(bob, "presence", "registration-required");
    xmpp_stanza_t *message = xmpp_message_new(alice->ctx, NULL, ROOM, NULL);
    xmpp_stanza_t *invitation = element(element(message, "x", NS_USER), "invite", NULL);
    xmpp_stanza_set_attribute(invitation, "to", bob->jid);
    send_off(alice, message);
    sees(bob, "the invitation",
         &(struct wanted){.name = "message", .from = ROOM, .element = "invite"});
    send_presence(bob, ROOM "/Bob", NULL, true);
    sees_status(bob, ROOM "/Bob", NULL, "code=110");
    sees(alice, "Bob's arrival", &(struct wanted){.name = "presence", .from = ROOM "/Bob"});
}

static void talk(struct person *alice, struct person *bob)
{
    struct person *const both[] = {alice, bob};
    send_groupchat(bob, "body", "Guten Tag, <Alice> & all");
    send_groupchat(alice, "subject", "Weather");
    for (unsigned i = 0; i < 2; i++) {
        sees(both[i], "what Bob said",
             &(struct wanted){.name = "message",
                              .type = "groupchat",
                              .from = ROOM "/Bob",
                              .element = "body",
                              .text = "Guten Tag, <Alice> & all"});
        sees(both[i], "the subject",
             &(struct wanted){.from = ROOM "/Alice", .element = "subject", .text = "Weather"});
    }
    send_groupchat(bob, "subject", "Sport");
    sees_error(bob, "message", "forbidden");
}

static void rename_and_register(struct person *alice, struct person *bob)
{
    xmpp_stanza_t *query;
    send_presence(bob, ROOM "/Robert", NULL, false);
    sees_gone(alice, ROOM "/Bob", "code=303");
    sees_gone(bob, ROOM "/Bob", "code=303");
    sees(alice, "the new name", &(struct wanted){.name = "presence", .from = ROOM "/Robert"});
    sees_status(bob, ROOM "/Robert", NULL, "code=110");
    xmpp_stanza_t *iq = request(bob, NS_REG, &query);
    field(form_in(query, NS_MUC "#register"), "muc#register_roomnick", "Robert");
    send_off(bob, iq);
    sees_result(bob, "the end of the registration");
    send_presence(alice, ROOM "/Robert", NULL, false);
    sees_error(alice, "presence", "conflict");
}

static void kick_and_ban(struct person *alice, struct person *bob, struct person *carol)
{
    send_item(bob, "nick", "Alice", "role", "none");
    sees_error(bob, "iq", "forbidden");
    send_item(alice, "nick", "Robert", "role", "none");
    sees_result(alice, "the end of the kick");
    sees_gone(alice, ROOM "/Robert", "code=307");
    sees_gone(bob, ROOM "/Robert", "code=307");
    send_presence(bob, ROOM "/Robert", NULL, true);
    sees_status(bob, ROOM "/Robert", NULL, "code=110");
    send_item(alice, "jid", carol->jid, "affiliation", "outcast");
    sees_result(alice, "the end of the ban");
    send_presence(carol, ROOM "/Carol", NULL, true);
    sees_error(carol, "presence", "forbidden");
    send_item(alice, "jid", bob->jid, "affiliation", "outcast");
    sees_result(alice, "the end of the second ban");
    sees_gone(bob, ROOM "/Robert", "code=301");
    sees_gone(alice, ROOM "/Robert", "code=301");
}

static void converse(struct person people[3])
{
    struct person *alice = &people[0], *bob = &people[1], *carol = &people[2];
    open_room(alice);
    invite(alice, bob);
    talk(alice, bob);
    rename_and_register(alice, bob);
    kick_and_ban(alice, bob, carol);
    send_presence(alice, ROOM "/Alice", "unavailable", false);
    sees_gone(alice, ROOM "/Alice", "code=110");
}

int main(int argc, char **argv)
{
    struct person people[] = {
        {.jid = "user@localhost"}, {.jid = "user2@localhost"}, {.jid = "user3@localhost"}};
    char *end = NULL;
    unsigned long port = argc == 2 ? strtoul(argv[1], &end, 10) : 0;
    if (port == 0 || port > UINT16_MAX || *end != '\0') {
        fprintf(stderr, "usage: strophe_talk PORT\n");
        return 2;
    }
    xmpp_initialize();
    xmpp_ctx_t *ctx = xmpp_ctx_new(NULL, NULL);
    for (unsigned i = 0; i < 3; i++)
        arrive(&people[i], ctx, (unsigned short)port);
    /* A host delivers what goes to the account only to who has said that he is there. */
    for (unsigned i = 0; i < 3; i++)
        send_off(&people[i], xmpp_presence_new(ctx));
    converse(people);
    for (unsigned i = 0; i < 3; i++)
        go(&people[i]);
    xmpp_ctx_free(ctx);
    xmpp_shutdown();
    printf("libstrophe's clients: talked\n");
    return 0;
}
