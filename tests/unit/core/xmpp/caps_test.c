/*
 * What a capabilities hash is made of.
 * @covers 0115#ver-gen
 */
#include "core/xmpp/caps.h"
#include "tools/stentord/digest.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define QUERY(inside) "<query xmlns='http://jabber.org/protocol/disco#info'>" inside "</query>"
#define FEATURES                                                                                   \
    "<feature var='http://jabber.org/protocol/muc'/>"                                              \
    "<feature var='http://jabber.org/protocol/disco#items'/>"                                      \
    "<feature var='http://jabber.org/protocol/caps'/>"                                             \
    "<feature var='http://jabber.org/protocol/disco#info'/>"
#define SORTED                                                                                     \
    "http://jabber.org/protocol/caps<http://jabber.org/protocol/disco#info<"                       \
    "http://jabber.org/protocol/disco#items<http://jabber.org/protocol/muc<"
#define FORM(inside)       "<x xmlns='jabber:x:data' type='result'>" inside "</x>"
#define FIELD(var, inside) "<field var='" var "'>" inside "</field>"
#define VALUE(text)        "<value>" text "</value>"

struct row {
    const char *query;
    const char *text;
    const char *hash; /* NULL: the specification gives none */
};

static const struct row rows[] = {
    {QUERY(""), "", NULL},
    /* the two of the specification, in another order than there */
    {QUERY(FEATURES "<identity category='client' type='pc' name='Exodus 0.9.1'/>"),
     "client/pc//Exodus 0.9.1<" SORTED, "QgayPKawpkPSDYmwT/WM94uAlu0="},
    {QUERY(FORM(FIELD("os_version", VALUE("10.5.1"))
                    FIELD("FORM_TYPE", VALUE("urn:xmpp:dataforms:softwareinfo"))
                        FIELD("software_version", VALUE("0.11"))
                            FIELD("ip_version", VALUE("ipv6") VALUE("ipv4"))
                                FIELD("software", VALUE("Psi")) FIELD("os", VALUE("Mac"))) FEATURES
           "<identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>"
           "<identity xml:lang='el' category='client' name='\xce\xa8 0.11' type='pc'/>"),
     "client/pc/el/\xce\xa8 0.11<client/pc/en/Psi 0.11<" SORTED
     "urn:xmpp:dataforms:softwareinfo<ip_version<ipv4<ipv6<os<Mac<os_version<10.5.1<"
     "software<Psi<software_version<0.11<",
     "q07IKJEyjvHSyhy//CH0CxmKi8w="},
    /* by category before type: as one text, "a-b/" would come first */
    {QUERY("<identity category='a-b' type='x'/><identity category='a' type='y'/>"),
     "a/y//<a-b/x//<", NULL},
    /* a form that does not say what it is counts for nothing, a field without value does */
    {QUERY(FORM(FIELD("x", VALUE("1"))) FORM(FIELD("FORM_TYPE", VALUE("t")) FIELD("e", ""))),
     "t<e<", NULL},
    {QUERY(FORM(FIELD("FORM_TYPE", VALUE("b"))) FORM(FIELD("FORM_TYPE", VALUE("a")))), "a<b<",
     NULL},
    /* what is none of these */
    {QUERY("<x xmlns='urn:example:x'/><feature xmlns='urn:example:x' var='no'/>"), "", NULL},
};

static void texts_and_hashes(void **state)
{
    struct arena *arena = arena_new(4096);
    struct muc_crypto crypto = {.self = NULL};
    UNUSED(state);
    digest_init(&crypto);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct stanza *stanza = stanza_parse(str_z(rows[i].query));
        assert_non_null(stanza);
        struct str text = caps_text(arena, stanza_root(stanza));
        assert_string_equal(str_in(arena, text).at, rows[i].text);
        struct str hash = crypto.caps_hash(crypto.self, arena, text);
        if (rows[i].hash != NULL)
            assert_string_equal(str_in(arena, hash).at, rows[i].hash);
        stanza_free(stanza);
    }
    arena_free(arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_and_hashes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
