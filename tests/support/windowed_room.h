/*
 * A shard with a room large enough for a window: a crowd that fills it, and clients whose beliefs
 * are looked at, from nothing but what they were sent. For one test program each: all of it is
 * static.
 */
#ifndef TESTS_SUPPORT_WINDOWED_ROOM_H
#define TESTS_SUPPORT_WINDOWED_ROOM_H

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/xmpp/prep.h"
#include "shard/shard.h"
#include "tests/support/lanes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define ROOM "hall@" LANES_SERVICE

enum {
    LANES = 2,
    ACCOUNTS = 4,
    CLIENTS = 3 * ACCOUNTS, /* slots from 0: these are looked at */
    OWNER = CLIENTS,
    CROWD = PRESENCE_WINDOW_FROM, /* slots from OWNER: they only fill the room */
    KNOWN_MAX = 32,
};

struct belief { /* a nickname, and the last that was heard about it, without addressee */
    char nick[24];
    char *stanza;
};

struct picture {
    struct belief known[KNOWN_MAX];
    unsigned count;
};

struct client {
    char jid[48];
    char nick[24];      /* as it was told; empty: it is outside */
    struct picture now; /* of all that was heard */
    struct picture fresh;
    bool asks; /* between two marks: what it hears are answers */
    unsigned heard;
};

static struct exchange *exchange;
static struct directory *directory;
static struct fake_lane lanes[LANES];
static struct shard *shard;
static struct client clients[CLIENTS];
static uint32_t owed[LANES]; /* KiB that were read and not yet said to be done */
static unsigned compared;
static char shown[100]; /* roles whose presence is shown, as the room was configured last */
static bool see_all;    /* moderators see the others too */
static char last_said[400];

static const char *const accounts[ACCOUNTS] = {"romeo@example.org", "juliet@example.org",
                                               "nurse@example.org", "paris@example.org"};
/* ---- pictures ---- */

static inline struct belief *find(struct picture *picture, const char *nick)
{
    for (unsigned i = 0; i < picture->count; i++) {
        if (strcmp(picture->known[i].nick, nick) == 0)
            return &picture->known[i];
    }
    return NULL;
}

static inline void forget(struct picture *picture, const char *nick)
{
    struct belief *belief = find(picture, nick);
    if (belief == NULL)
        return;
    free(belief->stanza);
    *belief = picture->known[--picture->count];
}

static inline void forget_all(struct picture *picture)
{
    while (picture->count > 0)
        forget(picture, picture->known[0].nick);
}

/* Who made it so is news, not state. */
static inline char *without_actor(const char *stanza)
{
    char *text = strdup(stanza);
    char *actor;
    while ((actor = strstr(text, "<actor ")) != NULL) {
        char *behind = strstr(actor, "/></item>");
        assert_true(actor > text && behind != NULL);
        memmove(actor - 1, behind, 2);
        memmove(actor + 1, behind + strlen("/></item>"), strlen(behind) + 1 - strlen("/></item>"));
    }
    return text;
}

static inline void learn(struct picture *picture, const char *nick, const char *stanza)
{
    forget(picture, nick);
    assert_true(picture->count < KNOWN_MAX);
    struct belief *belief = &picture->known[picture->count++];
    snprintf(belief->nick, sizeof(belief->nick), "%s", nick);
    belief->stanza = without_actor(stanza);
}

static inline void wrong(const struct client *client, const char *what, const char *knows,
                         const char *should)
{
    print_error("%s: %s\n  last said: %s\n  knows: %s\n  is: %s\n", client->jid, what, last_said,
                knows, should);
    fail();
}

static inline void role_of(const char *stanza, char *role, size_t size)
{
    const char *at = strstr(stanza, " role='");
    assert_non_null(at);
    at += strlen(" role='");
    snprintf(role, size, "%.*s", (int)strcspn(at, "'"), at);
}

static inline bool is_own(const struct client *client, const char *stanza)
{
    char own[80];
    snprintf(own, sizeof(own), " jid='%.*s/", (int)strcspn(client->jid, "/"), client->jid);
    return strstr(stanza, own) != NULL;
}

/* Answers are given about those who are not shown, too. */
static inline bool sees(struct client *client, const char *stanza)
{
    if (is_own(client, stanza))
        return true;
    char theirs[20], own[20];
    role_of(stanza, theirs, sizeof(theirs));
    role_of(find(&client->now, client->nick)->stanza, own, sizeof(own));
    return strstr(shown, theirs) != NULL || (see_all && strcmp(own, "moderator") == 0);
}

/* It has asked about every nickname: the answers must be what it knew already. */
static inline void compare(struct client *client)
{
    for (unsigned i = 0; i < client->fresh.count; i++) {
        const struct belief *is = &client->fresh.known[i];
        const struct belief *was = find(&client->now, is->nick);
        if (strcmp(is->nick, client->nick) == 0)
            continue;
        bool should = sees(client, is->stanza);
        if (was == NULL && should)
            wrong(client, "does not know of", "nothing", is->stanza);
        else if (was != NULL && !should)
            wrong(client, "has not lost sight of", was->stanza, is->stanza);
        else if (was != NULL && strcmp(was->stanza, is->stanza) != 0)
            wrong(client, "is mistaken about", was->stanza, is->stanza);
    }
    for (unsigned i = 0; i < client->now.count; i++) {
        const struct belief *was = &client->now.known[i];
        if (strcmp(was->nick, client->nick) != 0 && find(&client->fresh, was->nick) == NULL)
            wrong(client, "believes in", was->stanza, "nobody");
    }
    compared++;
}

static inline void gone(struct client *client, const char *nick, const char *stanza, bool self)
{
    bool renamed = strstr(stanza, "<status code='303'/>") != NULL;
    if (!self && find(&client->now, nick) == NULL)
        wrong(client, "is told of the going of somebody it does not know", nick, stanza);
    forget(&client->now, nick);
    if (!self || renamed)
        return;
    forget_all(&client->now);
    client->nick[0] = '\0';
}

static inline void hear_presence(struct client *client, const char *nick, const char *stanza)
{
    bool self = strstr(stanza, "<status code='110'/>") != NULL;
    if (strstr(stanza, "type='unavailable'") != NULL) {
        gone(client, nick, stanza, self);
        return;
    }
    learn(client->asks ? &client->fresh : &client->now, nick, stanza);
    if (self)
        snprintf(client->nick, sizeof(client->nick), "%s", nick);
}

static inline void hear_mark(struct client *client)
{
    if (client->asks)
        compare(client);
    client->asks = !client->asks;
    forget_all(&client->fresh);
}

static inline void hear(void *self, struct route route, const char *text)
{
    static const char from[] = " from='" ROOM "/";
    UNUSED(self);
    if (route.slot >= CLIENTS)
        return;
    struct client *client = &clients[route.slot];
    client->heard++;
    if (strncmp(text, "<message", 8) == 0 && strstr(text, "<body>mark</body>") != NULL &&
        strstr(text, "<delay") == NULL) /* not out of the history */
        hear_mark(client);
    const char *at = strstr(text, from);
    if (strncmp(text, "<presence", 9) != 0 || at == NULL || strstr(text, "type='error'") != NULL)
        return;
    at += strlen(from);
    char nick[24];
    snprintf(nick, sizeof(nick), "%.*s", (int)strcspn(at, "'"), at);
    if (strncmp(nick, "crowd", 5) == 0)
        return;
    hear_presence(client, nick, text);
}

/* ---- the shard ---- */

static inline struct route route_of(unsigned slot)
{
    return (struct route){.slot = slot, .generation = 1, .lane = (uint16_t)(slot % LANES)};
}

/* Of broadcasts only what those hear who are looked at: the crowd is large. */
static inline void expand(const struct delivery *delivery, uint16_t lane)
{
    if (delivery->kind != DELIVER_BROADCAST) {
        delivery_expand(delivery, lane, hear, NULL);
        return;
    }
    const struct roster_entry *entries;
    uint32_t run;
    for (uint32_t at = 0; (run = roster_run(delivery->roster, lane, at, &entries)) > 0; at += run) {
        for (uint32_t i = 0; i < run; i++) {
            struct delivery to_one = {.kind = DELIVER_ONE,
                                      .frame = delivery->frame,
                                      .address = entries[i].address,
                                      .route = {entries[i].slot, entries[i].generation, lane}};
            if (entries[i].slot < CLIENTS && audience_has(delivery->audience, &entries[i]))
                delivery_expand(&to_one, lane, hear, NULL);
        }
    }
}

static inline void post(struct message *message)
{
    assert_true(post_shard(exchange, 0, message));
}

/* Everybody reads; the shard hears that they have if `done`. */
static inline void lane_reads(uint16_t lane, bool done)
{
    struct message *message;
    fake_lane_drain(&lanes[lane]);
    while ((message = fake_lane_next(&lanes[lane])) != NULL) {
        for (uint32_t i = 0; message->kind == MSG_DELIVERIES && i < message->deliveries.count;
             i++) {
            owed[lane] += message->deliveries.at[i].cost;
            expand(&message->deliveries.at[i], lane);
        }
        message_free(message);
    }
    if (!done || owed[lane] == 0)
        return;
    struct message *credit = message_new(MSG_LANE_CREDIT);
    credit->lane_credit.lane = lane;
    credit->lane_credit.cost = owed[lane];
    owed[lane] = 0;
    post(credit);
}

static inline void everybody_reads(bool done)
{
    for (uint16_t lane = 0; lane < LANES; lane++)
        lane_reads(lane, done);
}

static inline void step(void)
{
    agent_step(shard_agent(shard));
}

/* Until nothing waits, and the shard knows that all was read. */
static inline void quiet(void)
{
    usleep(PRESENCE_WINDOW_US + 1000);
    step();
    everybody_reads(true);
    step();
    everybody_reads(true);
}

static inline void say(const char *from, unsigned slot, const char *to, const char *xml)
{
    struct message *message = message_new(MSG_STANZA);
    snprintf(last_said, sizeof(last_said), "%.63s to %.63s: %.250s", from, to, xml);
    message->stanza.stanza = stanza_parse(str_z(xml));
    ensure(message->stanza.stanza != NULL);
    message->stanza.from = jid_parse(NULL, str_z(from));
    message->stanza.to = jid_parse(NULL, str_z(to));
    message->stanza.route = route_of(slot);
    message->stanza.lane = LANE_NONE;
    post(message);
}

static inline void client_says(unsigned client, const char *to, const char *xml)
{
    say(clients[client].jid, client, to, xml);
}

static inline void crowd_says(unsigned slot, const char *to, const char *xml)
{
    char jid[48];
    snprintf(jid, sizeof(jid), "crowd%u@example.org/r", slot);
    say(jid, slot, to, xml);
}

static inline void crowd_enters(unsigned from, unsigned to)
{
    char place[64];
    for (unsigned slot = from; slot < to; slot++) {
        snprintf(place, sizeof(place), ROOM "/crowd%u", slot);
        crowd_says(slot, place, "<presence><x xmlns='http://jabber.org/protocol/muc'/></presence>");
        if (slot % 64 == 0)
            step();
    }
    quiet();
}

static inline int begin(void **state)
{
    UNUSED(state);
    int err = 0;
    exchange = exchange_new();
    directory = directory_new(&lanes_env()->hash_key);
    for (uint16_t i = 0; i < LANES; i++)
        fake_lane_open(&lanes[i], exchange, i);
    struct shard_setup setup = {
        .exchange = exchange,
        .directory = directory,
        .envs = lanes_env(),
        .env_count = 1,
        .placement_key = &lanes_env()->hash_key,
        .random = lanes_random,
    };
    shard = shard_new(&setup, &err);
    memset(clients, 0, sizeof(clients));
    for (unsigned i = 0; i < CLIENTS; i++)
        snprintf(clients[i].jid, sizeof(clients[i].jid), "%s/%u", accounts[i / 3], i % 3);
    memset(owed, 0, sizeof(owed));
    compared = 0;
    see_all = false;
    snprintf(shown, sizeof(shown), "visitor participant moderator");
    return err;
}

static inline int end(void **state)
{
    UNUSED(state);
    everybody_reads(true);
    shard_free(shard);
    for (unsigned i = 0; i < LANES; i++)
        fake_lane_close(&lanes[i]);
    directory_free(directory);
    exchange_free(exchange);
    for (unsigned i = 0; i < CLIENTS; i++) {
        forget_all(&clients[i].now);
        forget_all(&clients[i].fresh);
    }
    return 0;
}

static inline void client_enters(unsigned client, const char *nick)
{
    char place[64];
    snprintf(place, sizeof(place), ROOM "/%s", nick);
    client_says(client, place, "<presence><x xmlns='http://jabber.org/protocol/muc'/></presence>");
}

static inline int prepare(void **state)
{
    UNUSED(state);
    return prep_init();
}

static inline int finish(void **state)
{
    UNUSED(state);
    lanes_env_free();
    return 0;
}

#endif
