/*
 * What a client of a world must receive, for cmocka tests: stanza by stanza, in order, nothing
 * passed over. How a stanza is compared: tests/support/match.h.
 */
#ifndef TESTS_SUPPORT_EXPECT_H
#define TESTS_SUPPORT_EXPECT_H

#include "tests/support/match.h"
#include "tests/support/world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#define ROOM              "lounge@" WORLD_SERVICE
#define ROMEO             "romeo@localhost/orchard"
#define ROMEO_2           "romeo@localhost/tomb"
#define JULIET            "juliet@localhost/balcony"
#define NURSE             "nurse@localhost/kitchen"
#define STATUS_CODE(code) "<status code='" code "'/>"
#define X_USER(inside)    "<x xmlns='http://jabber.org/protocol/muc#user'>" inside "</x>"

static inline void expect_at(struct world *world, const char *client, const char *expected,
                             const char *file, int line)
{
    const char *came = world_next(world, client);
    if (came == NULL)
        print_error("%s:%d: %s received nothing instead of\n  %s\n", file, line, client, expected);
    char *difference = came == NULL ? NULL : match_difference(expected, came);
    if (difference != NULL)
        print_error("%s:%d: %s\n  expected: %s\n  came:     %s\n", file, line, difference, expected,
                    came);
    bool fits = came != NULL && difference == NULL;
    free(difference);
    if (!fits)
        _fail(file, line);
}

static inline void nothing_at(struct world *world, const char *client, const char *file, int line)
{
    const char *came = world_next(world, client);
    if (came == NULL)
        return;
    print_error("%s:%d: %s received\n  %s\n", file, line, client, came);
    _fail(file, line);
}

/* The next stanza of that client fits. */
#define expect(world, client, expected) expect_at((world), (client), (expected), __FILE__, __LINE__)
/* It has received nothing it was not asked about. */
#define expect_nothing(world, client) nothing_at((world), (client), __FILE__, __LINE__)

static inline void say(struct world *world, const char *client, const char *xml)
{
    bool taken = world_stanza(world, client, xml);
    assert_true(taken);
}

/* The room's name is written as "lounge"; what the client is shown is not looked at. */
static inline void join(struct world *world, const char *client, const char *nick)
{
    char xml[300];
    snprintf(xml, sizeof(xml),
             "<presence to='%s/%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>", ROOM,
             nick);
    say(world, client, xml);
}

/* Whatever everybody has received so far is of no interest. */
static inline void hush(struct world *world)
{
    world_forget(world);
}

#endif
