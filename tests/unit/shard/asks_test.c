/* Questions to the store: so many of one account, so many of all; answered ones make room. */
#include "shard/asks.h"

#include "core/xmpp/prep.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct jid *somebody(unsigned number, const char *resource)
{
    char text[64];
    snprintf(text, sizeof(text), "u%u@example.org/%s", number, resource);
    return jid_parse(NULL, str_z(text));
}

static void an_account_has_so_many(void **state)
{
    struct asks asks = {0};
    struct jid *own[ASKS_PER_ACCOUNT + 1];
    (void)state;
    for (unsigned i = 0; i <= ASKS_PER_ACCOUNT; i++)
        own[i] = somebody(1, i % 2 == 0 ? "a" : "b");
    for (unsigned i = 0; i < ASKS_PER_ACCOUNT; i++)
        assert_true(asks_begin(&asks, own[i]));
    assert_false(asks_begin(&asks, own[ASKS_PER_ACCOUNT]));
    struct jid *other = somebody(2, "a");
    assert_true(asks_begin(&asks, other));
    asks_end(&asks, own[1]);
    assert_true(asks_begin(&asks, own[ASKS_PER_ACCOUNT]));
    assert_int_equal(asks.count, ASKS_PER_ACCOUNT + 1);
    for (unsigned i = 0; i <= ASKS_PER_ACCOUNT; i++)
        jid_free(own[i]);
    jid_free(other);
}

static void a_shard_has_so_many(void **state)
{
    static struct asks asks;
    struct jid *all[ASKS_MAX + 1];
    (void)state;
    for (unsigned i = 0; i <= ASKS_MAX; i++)
        all[i] = somebody(i, "a");
    for (unsigned i = 0; i < ASKS_MAX; i++)
        assert_true(asks_begin(&asks, all[i]));
    assert_false(asks_begin(&asks, all[ASKS_MAX]));
    asks_end(&asks, all[0]);
    assert_true(asks_begin(&asks, all[ASKS_MAX]));
    for (unsigned i = 0; i <= ASKS_MAX; i++)
        jid_free(all[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_account_has_so_many),
        cmocka_unit_test(a_shard_has_so_many),
    };
    return prep_init() == 0 ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
