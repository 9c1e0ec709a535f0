/*
 * A stream that lives for months: millions of stanzas, ever new element, attribute and namespace
 * names. The memory of the process, not what the parser says of itself, stays where it was.
 */
#include "core/xml/parse.h"

#include "core/base/limits.h"

#include <stdio.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#elif defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#endif
#ifdef SANITIZED
#define STANZAS 50000u
#define SLACK   (256L * 1024 * 1024) /* sanitizers keep freed memory aside */
#else
#define STANZAS 2000000u
#define SLACK   (2L * 1024 * 1024)
#endif

static bool on_opened(void *self, const struct stanza *stream)
{
    UNUSED(self);
    UNUSED(stream);
    return true;
}

static bool on_stanza(void *self, struct stanza *stanza)
{
    ++*(unsigned *)self;
    stanza_free(stanza);
    return true;
}

static bool on_closed(void *self)
{
    UNUSED(self);
    return true;
}

static const struct parse_handlers handlers = {on_opened, on_stanza, on_closed};

static long resident(void)
{
    FILE *file = fopen("/proc/self/statm", "r");
    assert_non_null(file);
    long total, pages;
    assert_int_equal(fscanf(file, "%ld %ld", &total, &pages), 2);
    fclose(file);
    return pages * sysconf(_SC_PAGESIZE);
}

static void ever_new_names(void **state)
{
    UNUSED(state);
    unsigned seen = 0;
    struct parser *parser = parser_new(&handlers, &seen, STANZA_BYTES_MAX);
    assert_int_equal(parser_feed(parser, STR("<stream:stream xmlns='jabber:client' xmlns:stream="
                                             "'http://etherx.jabber.org/streams'>")),
                     PARSE_OK);
    long start = 0;
    size_t most = 0;
    char text[4096];
    size_t len = 0;
    for (unsigned i = 0; i < STANZAS; i++) {
        int more = snprintf(text + len, sizeof(text) - len,
                            "<message id='m%u'><new-name-%u new-attribute-%u='x' "
                            "xmlns='urn:example:%u'/></message>",
                            i, i, i, i);
        len += (size_t)more;
        /* Some stanzas come alone, some together, and most pieces end inside a stanza. */
        if (len > 3500 || i % 7 == 0) {
            size_t part = i % 3 == 0 ? len : len / 2;
            assert_int_equal(parser_feed(parser, str_of(text, part)), PARSE_OK);
            assert_int_equal(parser_feed(parser, str_of(text + part, len - part)), PARSE_OK);
            len = 0;
        }
        if (i == STANZAS / 10)
            start = resident();
        if (i % 1000 == 0 && parser_memory(parser) > most)
            most = parser_memory(parser);
    }
    assert_int_equal(parser_feed(parser, str_of(text, len)), PARSE_OK);
    assert_int_equal(seen, STANZAS);
    assert_true(most < 1024 * 1024);
    assert_true(resident() - start < SLACK);
    parser_free(parser);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ever_new_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
