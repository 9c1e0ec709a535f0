/*
 * A shard that is stepped by hand between two lanes, what was said to it and what it has logged.
 * For one test program each: all of it is static. With a store: tests/support/backed_shard.h;
 * without one: tests/support/bare_shard.h.
 */
#ifndef TESTS_SUPPORT_STEPPED_SHARD_H
#define TESTS_SUPPORT_STEPPED_SHARD_H

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "core/xmpp/prep.h"
#include "shard/shard.h"
#include "tests/support/shard_expect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOM   "cave@" LANES_SERVICE
#define ROMEO  "romeo@example.org/desk"
#define JULIET "juliet@example.org/desk"
#define MUC    "<x xmlns='http://jabber.org/protocol/muc'/>"

enum { NUMBER = 3 }; /* the shard's */

static struct exchange *exchange;
static struct directory *directory;
static struct fake_lane lanes[2];
static struct shard *shard;
static char log_text[4096];

static inline void note_line(struct log_sink *sink, enum log_level level, const char *line)
{
    UNUSED(sink);
    UNUSED(level);
    size_t used = strlen(log_text);
    snprintf(log_text + used, sizeof(log_text) - used, "%s\n", line);
}

static struct log_sink sink = {.write = note_line, .level = LOG_LEVEL_INFO};

/* What shards are made between. */
static inline void surroundings_begin(const struct muc_env *env)
{
    exchange = exchange_new();
    directory = directory_new(&env->hash_key);
    for (uint16_t i = 0; i < 2; i++)
        fake_lane_open(&lanes[i], exchange, i);
    log_text[0] = '\0';
}

static inline void surroundings_end(void)
{
    for (unsigned i = 0; i < 2; i++)
        fake_lane_close(&lanes[i]);
    directory_free(directory);
    exchange_free(exchange);
    log_set_sink(NULL);
}

static inline struct jid *jid(const char *text)
{
    struct jid *made = jid_parse(NULL, str_z(text));
    ensure(made != NULL);
    return made;
}

static inline void say_by(struct route route, const char *from, const char *to, const char *xml)
{
    struct message *message = message_new(MSG_STANZA);
    message->stanza.stanza = stanza_parse(str_z(xml));
    ensure(message->stanza.stanza != NULL);
    message->stanza.from = jid(from);
    message->stanza.to = jid(to);
    message->stanza.route = route;
    message->stanza.lane = route.lane;
    message->stanza.cost = 1;
    assert_true(post_shard(exchange, NUMBER, message));
}

static inline void step(void)
{
    agent_step(shard_agent(shard));
}

/* What a lane's clients have received since it was asked last; freed with the next question. */
static inline const char *heard(unsigned lane)
{
    static char *text;
    uint32_t cost;
    free(text);
    text = fake_lane_read(&lanes[lane], &cost);
    return text;
}

#endif
