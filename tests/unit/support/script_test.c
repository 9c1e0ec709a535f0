/*
 * The reader and the matcher of conversation scripts: what they accept and what they refuse. The
 * rest of the tests lean on these two, so every rule is tried in both directions.
 */
#include "tests/support/match.h"
#include "tests/support/player.h"
#include "tests/support/script.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MUC "http://jabber.org/protocol/muc#user"

/* ---- the matcher ---- */

static void fits(const char *expected, const char *came)
{
    char *difference = match_difference(expected, came);
    if (difference != NULL)
        print_error("should fit: %s\n  %s\n  %s\n", difference, expected, came);
    assert_null(difference);
}

/* `telling` must stand in the explanation: a refusal for another reason proves nothing. */
static void refuses(const char *expected, const char *came, const char *telling)
{
    char *difference = match_difference(expected, came);
    if (difference == NULL)
        print_error("should not fit:\n  %s\n  %s\n", expected, came);
    assert_non_null(difference);
    if (strstr(difference, telling) == NULL)
        print_error("'%s' does not tell '%s'\n", difference, telling);
    assert_non_null(strstr(difference, telling));
    free(difference);
}

static void stanza_attributes_are_a_subset(void **state)
{
    (void)state;
    fits("<message from='a@b'/>", "<message from='a@b' to='c@d' id='1' type='chat'/>");
    refuses("<message from='a@b'/>", "<message from='a@x'/>", "'a@x' instead of 'a@b'");
    refuses("<message from='a@b'/>", "<message/>", "no attribute 'from'");
    refuses("<message/>", "<presence/>", "<presence xmlns='jabber:client'> instead of <message");
}

static void stanza_children_are_a_subset_in_order(void **state)
{
    (void)state;
    fits("<message><body>hi</body></message>",
         "<message><x xmlns='u'/><body>hi</body><thread>t</thread></message>");
    fits("<iq><error type='auth'><text/></error></iq>",
         "<iq><error type='auth' code='1'><forbidden xmlns='s'/><text/></error></iq>");
    fits("<message><body>1</body><subject>2</subject></message>",
         "<message><body>1</body><thread/><subject>2</subject></message>");
    refuses("<message><subject>2</subject><body>1</body></message>",
            "<message><body>1</body><subject>2</subject></message>", "<body");
    refuses("<message><body/></message>", "<message/>", "is missing");
    /* One child cannot stand for two that are listed. */
    refuses("<message><body>1</body><body>1</body></message>", "<message><body>1</body></message>",
            "is missing");
    /* The search goes on past a child of the same name that does not fit. */
    fits("<message><body>2</body></message>", "<message><body>1</body><body>2</body></message>");
    refuses("<message><body>3</body></message>", "<message><body>1</body><body>2</body></message>",
            "'1' instead of '3'");
}

static void other_namespaces_match_exactly(void **state)
{
    (void)state;
    const char *expected = "<presence><x xmlns='" MUC "'><item role='none'/><status code='110'/>"
                           "</x></presence>";
    fits(expected, "<presence id='9'><c xmlns='caps'/><x xmlns='" MUC
                   "'><item role='none'/><status code='110'/></x></presence>");
    refuses(expected,
            "<presence><x xmlns='" MUC "'><item role='none' nick='n'/>"
            "<status code='110'/></x></presence>",
            "attribute 'nick' that is not expected");
    refuses(expected, "<presence><x xmlns='" MUC "'><item/><status code='110'/></x></presence>",
            "no attribute 'role'");
    refuses(expected,
            "<presence><x xmlns='" MUC "'><status code='110'/><item role='none'/>"
            "</x></presence>",
            "<status xmlns='" MUC "'> instead of <item");
    refuses(expected,
            "<presence><x xmlns='" MUC "'><item role='none'/><status code='110'/>"
            "<status code='100'/></x></presence>",
            "a <status xmlns='" MUC "'> that is not expected");
    refuses(expected, "<presence><x xmlns='" MUC "'><item role='none'/></x></presence>",
            "is missing");
    refuses("<presence><x xmlns='" MUC "'><item><reason>a</reason></item></x></presence>",
            "<presence><x xmlns='" MUC "'><item><reason>b</reason></item></x></presence>",
            "'b' instead of 'a'");
    refuses("<presence><x xmlns='" MUC "'/></presence>",
            "<presence><x xmlns='" MUC "'>text</x></presence>", "'text' instead of ''");
    /* Also a second one: the first that fits will do. */
    fits("<presence><x xmlns='" MUC "'/></presence>",
         "<presence><x xmlns='other'/><x xmlns='" MUC "'/></presence>");
    refuses("<presence><x xmlns='a'/></presence>", "<presence><x xmlns='b'/></presence>",
            "<x xmlns='a'> is missing");
}

/* Inside an exact element the stanza's own namespace is exact too: a forwarded stanza, for one. */
static void exactness_holds_for_all_inside(void **state)
{
    (void)state;
    const char *came = "<message><forwarded xmlns='f'><message xmlns='jabber:client' id='1'>"
                       "<body>hi</body></message></forwarded></message>";
    fits(came, came);
    refuses("<message><forwarded xmlns='f'><message xmlns='jabber:client'><body>hi</body></message>"
            "</forwarded></message>",
            came, "attribute 'id' that is not expected");
}

static void strict_false_relaxes(void **state)
{
    (void)state;
    const char *came = "<presence><x xmlns='" MUC "'><status code='1'/><item role='none' jid='j'>"
                       "<actor nick='n'/></item></x></presence>";
    fits("<presence><x xmlns='" MUC "' scansion:strict='false'><item role='none'/></x></presence>",
         came);
    fits("<presence><x xmlns='" MUC "' scansion:strict='false'/></presence>", came);
    refuses("<presence><x xmlns='" MUC "' scansion:strict='false'><item role='x'/></x></presence>",
            came, "'none' instead of 'x'");
    /* Only where it stands: the sibling stays exact. */
    refuses("<presence><x xmlns='" MUC "' scansion:strict='false'/><y xmlns='u'/></presence>",
            "<presence><x xmlns='" MUC "'><item/></x><y xmlns='u' a='1'/></presence>",
            "attribute 'a' that is not expected");
    /* Further in, and in another namespace, what was told goes on. */
    fits("<presence><x xmlns='" MUC "' scansion:strict='false'><z xmlns='v'/></x></presence>",
         "<presence><x xmlns='" MUC "'><z xmlns='v' a='1'><q/></z></x></presence>");
}

static void strict_true_makes_everything_exact(void **state)
{
    (void)state;
    fits("<message from='a' scansion:strict='true'><body>x</body></message>",
         "<message from='a'><body>x</body></message>");
    refuses("<message from='a' scansion:strict='true'/>", "<message from='a' id='1'/>",
            "attribute 'id' that is not expected");
    refuses("<message scansion:strict='true'><body/></message>",
            "<message><body/><thread/></message>", "a <thread xmlns='jabber:client'>");
    fits("<message scansion:strict='true'><a xmlns='u' scansion:strict='false'/></message>",
         "<message><a xmlns='u' k='v'/></message>");
    refuses("<iq><query xmlns='u' scansion:strict='true'/></iq>",
            "<iq><query xmlns='u'><identity/></query></iq>", "a <identity xmlns='u'>");
}

static void any_stands_for_every_value(void **state)
{
    (void)state;
    fits("<message id='{scansion:any}'/>", "<message id='whatever'/>");
    refuses("<message id='{scansion:any}'/>", "<message/>", "no attribute 'id'");
    fits("<message><body>{scansion:any}</body></message>", "<message><body>x</body></message>");
    fits("<m><x xmlns='u' s='{scansion:any}'>{scansion:any}</x></m>",
         "<m><x xmlns='u' s=''>t</x></m>");
    refuses("<m><x xmlns='u' s='{scansion:any}'/></m>", "<m><x xmlns='u'/></m>", "attribute 's'");
    refuses("<m><x xmlns='u'>{scansion:any}</x></m>", "<m><x xmlns='u' s=''>t</x></m>", "'s'");
    refuses("<message id='a{scansion:any}'/>", "<message id='ab'/>", "instead of");
}

static void names_compare_by_resolved_namespace(void **state)
{
    (void)state;
    fits("<presence><x xmlns='u'><item/></x></presence>",
         "<presence xmlns='jabber:client'><x xmlns='u'><item xmlns='u'/></x></presence>");
    fits("<presence><x xmlns='u'><item xmlns='u'/></x></presence>",
         "<presence><p:x xmlns:p='u'><p:item/></p:x></presence>");
    refuses("<presence><x xmlns='u'><item/></x></presence>",
            "<presence><x xmlns='u'><item xmlns='v'/></x></presence>", "<item xmlns='v'>");
    refuses("<presence/>", "<presence xmlns='jabber:server'/>", "xmlns='jabber:server'");
    fits("<message xml:lang='de'/>", "<message xml:lang='de'/>");
    refuses("<message xml:lang='de'/>", "<message lang='de'/>", "no attribute 'lang'");
}

static void layout_is_no_difference_but_text_is(void **state)
{
    (void)state;
    fits("<presence>\n\t<x xmlns='u'>\n\t\t<item/>\n\t</x>\n</presence>",
         "<presence><x xmlns='u'><item/></x></presence>");
    fits("<iq>\n</iq>", "<iq/>");
    fits("<presence><x xmlns='u'/></presence>", "<presence> <x xmlns='u'>\n </x> </presence>");
    refuses("<message><body>a b</body></message>", "<message><body>a  b</body></message>",
            "'a  b' instead of 'a b'");
    refuses("<message><body/></message>", "<message><body> </body></message>", "' ' instead of ''");
    refuses("<message><subject/></message>", "<message><subject>s</subject></message>",
            "'s' instead of ''");
    fits("<message><body>&lt;&amp;\xc3\xa4</body></message>",
         "<message><body><![CDATA[<&]]>&#228;</body></message>");
}

static void a_host_may_change_the_order(void **state)
{
    (void)state;
    const char *expected = "<message scansion:strict='true'><body/><x xmlns='u'><a/><b/></x>"
                           "<y xmlns='u' n='1'/><y xmlns='u' n='2'/></message>";
    const char *fitting =
        "<message><y xmlns='u' n='1'/><y xmlns='u' n='2'/><x xmlns='u'><a/><b/></x>"
        "<body/></message>";
    char *difference = match_difference_reordered(expected, fitting);
    assert_null(difference);
    refuses(expected, fitting, "instead of");
    /* Only children of the stanza itself, and not among those of one name. */
    static const char *const others[] = {
        "<message><body/><x xmlns='u'><b/><a/></x><y xmlns='u' n='1'/><y xmlns='u' "
        "n='2'/></message>",
        "<message><body/><x xmlns='u'><a/><b/></x><y xmlns='u' n='2'/><y xmlns='u' "
        "n='1'/></message>",
        "<message><body/><x xmlns='u'><a/><b/></x><y xmlns='u' n='1'/></message>",
        "<message><z/><body/><x xmlns='u'><a/><b/></x><y xmlns='u' n='1'/><y xmlns='u' n='2'/>"
        "</message>",
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        difference = match_difference_reordered(expected, others[i]);
        assert_non_null(difference);
        free(difference);
    }
}

static void a_named_value_is_one_value(void **state)
{
    (void)state;
    const char *expected = "<message id='{scansion:any id}'><x xmlns='u' scansion:strict='false'>"
                           "<item of='{scansion:any id}' n='{scansion:any number}'>"
                           "{scansion:any number}</item></x></message>";
    /* What was met by an item that does not fit is forgotten again. */
    const char *came = "<message id='7'><x xmlns='u'><item of='7' n='1'>2</item>"
                       "<item of='7' n='3'>3</item></x></message>";
    struct match_values values = {0};
    assert_null(match_with_values(expected, came, false, &values));
    assert_int_equal(values.count, 2);
    assert_string_equal(values.at[0].name, "id");
    assert_string_equal(values.at[0].text, "7");
    assert_string_equal(values.at[1].name, "number");
    assert_string_equal(values.at[1].text, "3");
    match_values_free(&values);
    char *difference =
        match_with_values(expected,
                          "<message id='8'><x xmlns='u'><item of='7' n='3'>3</item></x>"
                          "</message>",
                          false, &values);
    assert_non_null(strstr(difference, "'of' of <item> is '7'"));
    assert_int_equal(values.count, 0);
    free(difference);
    match_values_free(&values);
}

static void what_is_no_element_never_fits(void **state)
{
    (void)state;
    refuses("<message>", "<message/>", "expected is not one");
    refuses("<message/>", "<message>", "came is not one");
    refuses("<message/>", "<message/><message/>", "came is not one");
    refuses("<message/>", "hello", "came is not one");
}

/* ---- what goes out ---- */

static void goes_out_as(const char *stanza, const char *wanted)
{
    char *problem = NULL;
    char *out = match_outgoing(stanza, &problem);
    assert_null(problem);
    assert_string_equal(out, wanted);
    free(out);
}

static void nothing_of_the_format_is_sent(void **state)
{
    (void)state;
    goes_out_as(
        "<presence to='r@c/n'>\n\t<x xmlns='u' scansion:strict='true'>\n\t</x>\n</presence>",
        "<presence to=\"r@c/n\"><x xmlns=\"u\"/></presence>");
    goes_out_as("<message><body> a\n b </body><body>\xc3\xa4</body></message>",
                "<message><body> a\n b </body><body>\xc3\xa4</body></message>");
    char *problem = NULL;
    assert_null(match_outgoing("<message scansion:strikt='true'/>", &problem));
    assert_non_null(strstr(problem, "strikt"));
    free(problem);
}

/* ---- the reader ---- */

#define CAST                                                                                       \
    "# A title\n\n[Client] Romeo\n\tjid: user@localhost\n\tpassword: pass word\n\n"                \
    "[Client] Romeo's phone\n\tjid: user@localhost/phone\n\tpassword: p\n\n-----\n"

static const char *bare_of_client(const void *self, unsigned client)
{
    (void)self;
    return client == 0 ? "user@localhost" : "user2@localhost";
}

static const char *full_of_client(const void *self, unsigned client)
{
    (void)self;
    return client == 0 ? "user@localhost/a'b&c" : NULL;
}

static const char *stanza_id_of_client(const void *self, unsigned client)
{
    (void)self;
    return client == 0 ? "<7>" : NULL;
}

static const char *what_is_named(const void *self, const char *name, size_t name_len)
{
    (void)self;
    return name_len == 4 && memcmp(name, "hour", 4) == 0 ? "<9>" : NULL;
}

static const struct script_addresses addresses = {.bare = bare_of_client,
                                                  .full = full_of_client,
                                                  .stanza_id = stanza_id_of_client,
                                                  .named = what_is_named};

static struct script *good_script(const char *text)
{
    char *problem = NULL;
    struct script *script = script_parse("t.scs", text, &problem);
    if (problem != NULL)
        print_error("%s\n", problem);
    assert_non_null(script);
    return script;
}

static void bad_script(const char *text, const char *telling)
{
    char *problem = NULL;
    assert_null(script_parse("t.scs", text, &problem));
    assert_non_null(problem);
    if (strstr(problem, telling) == NULL)
        print_error("'%s' does not tell '%s'\n", problem, telling);
    assert_non_null(strstr(problem, telling));
    free(problem);
}

static void reads_cast_and_steps(void **state)
{
    (void)state;
    struct script *script = good_script(CAST "Romeo connects\n"
                                             "# a comment\n"
                                             "Romeo's phone sends:\n"
                                             "\t<presence>\n\n"
                                             "    </presence>\n\n"
                                             "Romeo receives:\n"
                                             "\t<iq id=\"${Romeo's phone's JID}\"/>\n"
                                             "Romeo receives nothing\n"
                                             "Romeo disconnects\n");
    assert_string_equal(script->title, "A title");
    assert_int_equal(script->client_count, 2);
    assert_string_equal(script->clients[0].password, "pass word");
    assert_string_equal(script->clients[1].name, "Romeo's phone");
    assert_string_equal(script->clients[1].jid, "user@localhost/phone");
    assert_int_equal(script->step_count, 5);
    assert_int_equal(script->steps[0].verb, SCRIPT_CONNECTS);
    assert_int_equal(script->steps[1].verb, SCRIPT_SENDS);
    assert_int_equal(script->steps[1].client, 1);
    assert_int_equal(script->steps[1].line, 14);
    assert_string_equal(script->steps[1].stanza, "\t<presence>\n    </presence>\n");
    assert_int_equal(script->steps[2].verb, SCRIPT_RECEIVES);
    assert_int_equal(script->steps[2].client, 0);
    assert_int_equal(script->steps[3].verb, SCRIPT_RECEIVES_NOTHING);
    assert_int_equal(script->steps[4].verb, SCRIPT_DISCONNECTS);
    script_free(script);
}

static void says_what_is_wrong_and_where(void **state)
{
    (void)state;
    bad_script(CAST "Juliet connects\n", "t.scs:12: the line does not begin");
    bad_script(CAST "Romeo dances\n", "t.scs:12: what a client does");
    bad_script(CAST "Romeo sends\n\t<presence/>\n", "t.scs:12: what a client does");
    bad_script(CAST "\t<presence/>\n", "t.scs:12: an indented line");
    bad_script(CAST "Romeo connects\n\t<presence/>\n", "t.scs:13: an indented line");
    bad_script(CAST "Romeo sends:\nRomeo connects\n", "t.scs:12: the stanza is missing");
    bad_script(CAST "Romeo sends:\n\t<presence>\n", "t.scs:12: the stanza is not one");
    bad_script(CAST "Romeo sends:\n\t<presence/><presence/>\n", "t.scs:12: the stanza is not one");
    bad_script(CAST "Romeo sends:\n\t<iq id=\"${Tybalt's JID}\"/>\n", "names no client");
    bad_script(CAST "Romeo sends:\n\t<iq id=\"${Romeo's hat}\"/>\n", "is none of NAME's JID");
    bad_script(CAST "Romeo receives:\n\t<iq scansion:strict='yes'/>\n", "t.scs:12: <iq> has a");
    bad_script("[Client] Romeo\n\tjid: a@b\n-----\n", "t.scs:1: the client needs");
    bad_script(CAST "Romeo restarts\n", "t.scs:12: what a client does");
    bad_script(CAST "Service connects\n", "t.scs:12: the line does not begin");
    bad_script(CAST "Service restarts\n\t<presence/>\n", "t.scs:13: an indented line");
    bad_script(CAST "Romeo connects\nService restarts\n", "t.scs:13: somebody is connected");
    bad_script("[Host]\n\tjid: a@b\n", "t.scs:2: not a 'key: value' of a client");
    bad_script("[Client] Service\n", "t.scs:1: there is already");
    bad_script("[Server] Romeo\n", "t.scs:1: the cast has only");
    bad_script("[Client] A\n[Client] A\n", "t.scs:2: there is already");
    bad_script("[Client] A\n\tjid: a@b\n\tpassword: p\n", "the line of dashes");
    bad_script("-----\n", "t.scs:1: no client");
}

static void restarts_are_between_connections_or_behind_a_host(void **state)
{
    (void)state;
    struct script *script =
        good_script(CAST "Romeo connects\nRomeo disconnects\nService restarts\nRomeo connects\n");
    assert_false(script->host);
    assert_int_equal(script->steps[2].verb, SCRIPT_RESTARTS);
    assert_string_equal(script_actor(script, &script->steps[2]), "Service");
    assert_string_equal(script_actor(script, &script->steps[3]), "Romeo");
    script_free(script);
    script = good_script("[Host]\n" CAST "Romeo connects\nService restarts\n");
    assert_true(script->host);
    assert_int_equal(script->client_count, 2);
    script_free(script);
}

static void a_missing_file_is_told(void **state)
{
    (void)state;
    char *problem = NULL;
    assert_null(script_read("/nonexistent/x.scs", &problem));
    assert_non_null(strstr(problem, "/nonexistent/x.scs: No such file"));
    free(problem);
}

static void addresses_are_put_in_escaped(void **state)
{
    (void)state;
    struct script *script = good_script(CAST);
    char *problem = NULL;
    char *text = script_expand(script, "a=\"${Romeo's JID}\" b='${Romeo's full JID}' $x {y}",
                               &addresses, &problem);
    assert_string_equal(text, "a=\"user@localhost\" b='user@localhost/a&#39;b&#38;c' $x {y}");
    free(text);
    assert_null(script_expand(script, "${Romeo's phone's full JID}", &addresses, &problem));
    assert_non_null(strstr(problem, "has not connected"));
    free(problem);
    text = script_expand(script, "id='${Romeo's stanza-id}'", &addresses, &problem);
    assert_string_equal(text, "id='&#60;7&#62;'");
    free(text);
    assert_null(script_expand(script, "${Romeo's phone's stanza-id}", &addresses, &problem));
    assert_non_null(strstr(problem, "has none of a room"));
    free(problem);
    text = script_expand(script, "at='${the hour}'", &addresses, &problem);
    assert_string_equal(text, "at='&#60;9&#62;'");
    free(text);
    assert_null(script_expand(script, "${the day}", &addresses, &problem));
    assert_non_null(strstr(problem, "${the day} stands for nothing yet"));
    free(problem);
    text = script_expand(script, "<${12 letters}>", &addresses, &problem);
    assert_string_equal(text, "<xxxxxxxxxxxx>");
    free(text);
    static const char *const none[] = {"${0 letters}", "${-1 letters}", "${12letters}",
                                       "${12}",        "${12 words}",   "${ letters}"};
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        assert_null(script_expand(script, none[i], &addresses, &problem));
        assert_non_null(strstr(problem, "NUMBER letters"));
        free(problem);
    }
    struct script_addresses receiving = addresses;
    receiving.any_new = true;
    text = script_expand(script, "${the day} ${the hour}", &receiving, &problem);
    assert_string_equal(text, "{scansion:any day} &#60;9&#62;");
    free(text);
    script_free(script);
}

/* ---- the player, on a stage that answers out of a list ---- */

struct echo {
    struct player *player;
    unsigned sent;
    bool broken;
};

static bool echo_connect(void *self, unsigned client, char **full_jid, char **problem)
{
    struct echo *echo = self;
    (void)client;
    if (echo->broken)
        return asprintf(problem, "no server there") < 0;
    *full_jid = strdup("user@localhost/r");
    return true;
}

static bool echo_disconnect(void *self, unsigned client, char **problem)
{
    (void)self;
    (void)client;
    (void)problem;
    return true;
}

/* What one client sends comes to both. */
static bool echo_send(void *self, unsigned client, const char *stanza, char **problem)
{
    struct echo *echo = self;
    (void)client;
    (void)problem;
    echo->sent++;
    player_deliver(echo->player, 0, stanza);
    player_deliver(echo->player, 1, stanza);
    return true;
}

static bool echo_restart(void *self, char **problem)
{
    struct echo *echo = self;
    if (echo->sent > 0)
        return asprintf(problem, "but not now") < 0;
    return true;
}

static void echo_pump(void *self, unsigned ms)
{
    (void)self;
    (void)ms;
}

/* Plays `steps`; returns what the player reports, NULL if all went well. */
static char *played(const char *steps, bool broken)
{
    char *text = NULL;
    assert_true(asprintf(&text, "%s%s", CAST, steps) > 0);
    struct script *script = good_script(text);
    struct echo echo = {.broken = broken};
    const struct player_stage stage = {.connect = echo_connect,
                                       .disconnect = echo_disconnect,
                                       .send = echo_send,
                                       .restart = echo_restart,
                                       .pump = echo_pump,
                                       .self = &echo};
    echo.player = player_new(script, &stage);
    char *report = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&report, &size);
    bool good = player_run(echo.player, out);
    fclose(out);
    player_free(echo.player);
    script_free(script);
    free(text);
    assert_int_equal(good, size == 0);
    if (good) {
        free(report);
        return NULL;
    }
    return report;
}

static void plays(const char *steps)
{
    char *report = played(steps, false);
    if (report != NULL)
        print_error("%s\n", report);
    assert_null(report);
}

static void stumbles(const char *steps, const char *const tellings[])
{
    char *report = played(steps, false);
    assert_non_null(report);
    for (; *tellings != NULL; tellings++) {
        if (strstr(report, *tellings) == NULL)
            print_error("'%s' is not told in:\n%s\n", *tellings, report);
        assert_non_null(strstr(report, *tellings));
    }
    free(report);
}

#define TELLS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void inboxes_keep_what_comes_out_of_turn(void **state)
{
    (void)state;
    plays("Romeo connects\nRomeo's phone connects\n"
          "Romeo sends:\n\t<message id='1'/>\n"
          "Romeo sends:\n\t<message id='2' from='${Romeo's full JID}'/>\n"
          "Romeo receives:\n\t<message id='1'/>\n"
          "Romeo receives:\n\t<message id='2' from='user@localhost/r'/>\n"
          "Romeo's phone receives:\n\t<message id='1'/>\n"
          "Romeo's phone receives:\n\t<message id='2'/>\n"
          "Romeo receives nothing\n");
}

/* Of the message that was taken last, by the room it came from and nobody else. */
static void ids_of_messages_are_remembered(void **state)
{
    (void)state;
    const char *sent = "Romeo connects\nRomeo's phone connects\n"
                       "Romeo sends:\n\t<message from='r@s/n'>"
                       "<stanza-id xmlns='urn:xmpp:sid:0' by='r@t' id='1'/>"
                       "<stanza-id xmlns='urn:xmpp:sid:0' by='r@s' id='2'/></message>\n"
                       "Romeo sends:\n\t<message from='r@s/n' id='next'>"
                       "<stanza-id xmlns='urn:xmpp:sid:0' id='3'/></message>\n"
                       "Romeo receives:\n\t<message from='r@s/n'/>\n"
                       "Romeo sends:\n\t<iq id=\"${Romeo's stanza-id}\"/>\n"
                       "Romeo's phone receives:\n\t<iq id='2'/>\n"
                       "Romeo receives:\n\t<message id='next'/>\n";
    plays(sent);
    char *text = NULL;
    assert_true(asprintf(&text, "%sRomeo sends:\n\t<iq id=\"${Romeo's stanza-id}\"/>\n", sent) > 0);
    stumbles(text, TELLS("t.scs:26: Romeo sends:", "has none of a room"));
    free(text);
}

static void what_has_a_name_stays_what_it_was(void **state)
{
    (void)state;
    const char *sent = "Romeo connects\nRomeo's phone connects\n"
                       "Romeo sends:\n\t<message id='1' from='a'><body>x</body></message>\n"
                       "Romeo receives:\n\t<message id='${the id}'><body>${the word}</body>"
                       "</message>\n"
                       "Romeo's phone receives:\n\t<message id='${the id}'/>\n"
                       "Romeo sends:\n\t<iq id='${the word}'/>\n"
                       "Romeo receives:\n\t<iq id='x'/>\n";
    plays(sent);
    char *text = NULL;
    assert_true(asprintf(&text, "%sRomeo's phone receives:\n\t<iq id='${the id}'/>\n", sent) > 0);
    stumbles(text, TELLS("t.scs:24: Romeo's phone receives:", "is 'x' instead of '1'"));
    free(text);
    stumbles("Romeo connects\nRomeo sends:\n\t<iq id='${the id}'/>\n",
             TELLS("t.scs:13:", "stands for nothing yet"));
}

static void what_comes_next_comes_at_once(void **state)
{
    (void)state;
    const char *sent = "Romeo connects\nRomeo sends:\n\t<message id='1'/>\n"
                       "Romeo sends:\n\t<message id='2'/>\n";
    char *text = NULL;
    assert_true(asprintf(&text,
                         "%sRomeo receives next:\n\t<message id='1'/>\n"
                         "Romeo receives next:\n\t<message id='2'/>\n",
                         sent) > 0);
    plays(text);
    free(text);
    assert_true(asprintf(&text, "%sRomeo receives next:\n\t<message id='2'/>\n", sent) > 0);
    stumbles(text, TELLS("t.scs:17: Romeo receives next:", "'1' instead of '2'"));
    free(text);
}

static void the_service_restarts(void **state)
{
    (void)state;
    plays("Romeo's phone connects\nRomeo's phone disconnects\nService restarts\n");
    char *problem = NULL;
    assert_null(script_parse("t.scs", CAST "Service restarts\nRomeo connects\nService restarts\n",
                             &problem));
    assert_non_null(strstr(problem, "t.scs:14: somebody is connected"));
    free(problem);
    stumbles("Romeo connects\nRomeo sends:\n\t<message/>\nRomeo disconnects\nService restarts\n",
             TELLS("t.scs:16: Service restarts", "but not now"));
}

static void what_does_not_fit_is_passed_over_for_good(void **state)
{
    (void)state;
    const char *sent = "Romeo connects\nRomeo sends:\n\t<message id='1'/>\n"
                       "Romeo sends:\n\t<message id='2'/>\n"
                       "Romeo receives:\n\t<message id='2'/>\n";
    plays(sent);
    char *text = NULL;
    assert_true(asprintf(&text, "%sRomeo receives:\n\t<message id='1'/>\n", sent) > 0);
    stumbles(text, TELLS("t.scs:19: Romeo receives:", "<message id='1'/>", "came: nothing"));
    free(text);
}

static void a_failure_shows_what_came_instead(void **state)
{
    (void)state;
    stumbles("Romeo connects\nRomeo sends:\n\t<message id='1'/>\n"
             "Romeo sends:\n\t<message id='2'/>\n"
             "Romeo receives:\n\t<message id='3'/>\n",
             TELLS("t.scs:17: Romeo receives:", "expected:\n\t<message id='3'/>",
                   "<message id=\"1\"/>\n      (attribute 'id' of <message> is '1' instead of '3')",
                   "<message id=\"2\"/>"));
    stumbles("Romeo connects\nRomeo sends:\n\t<message id='1'/>\nRomeo receives nothing\n",
             TELLS("t.scs:15: Romeo receives nothing", "there came", "<message id=\"1\"/>"));
    stumbles("Romeo sends:\n\t<message/>\n", TELLS("t.scs:12:", "is not connected"));
    stumbles("Romeo connects\nRomeo connects\n", TELLS("t.scs:13:", "connected already"));
    stumbles("Romeo connects\nRomeo disconnects\nRomeo disconnects\n", TELLS("t.scs:14:"));
    stumbles("Romeo connects\nRomeo sends:\n\t<iq to=\"${Romeo's phone's full JID}\"/>\n",
             TELLS("t.scs:13:", "has not connected"));
    char *report = played("Romeo connects\n", true);
    assert_non_null(strstr(report, "no server there"));
    free(report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stanza_attributes_are_a_subset),
        cmocka_unit_test(stanza_children_are_a_subset_in_order),
        cmocka_unit_test(other_namespaces_match_exactly),
        cmocka_unit_test(exactness_holds_for_all_inside),
        cmocka_unit_test(strict_false_relaxes),
        cmocka_unit_test(strict_true_makes_everything_exact),
        cmocka_unit_test(any_stands_for_every_value),
        cmocka_unit_test(names_compare_by_resolved_namespace),
        cmocka_unit_test(layout_is_no_difference_but_text_is),
        cmocka_unit_test(a_host_may_change_the_order),
        cmocka_unit_test(a_named_value_is_one_value),
        cmocka_unit_test(what_is_no_element_never_fits),
        cmocka_unit_test(nothing_of_the_format_is_sent),
        cmocka_unit_test(reads_cast_and_steps),
        cmocka_unit_test(says_what_is_wrong_and_where),
        cmocka_unit_test(restarts_are_between_connections_or_behind_a_host),
        cmocka_unit_test(a_missing_file_is_told),
        cmocka_unit_test(addresses_are_put_in_escaped),
        cmocka_unit_test(inboxes_keep_what_comes_out_of_turn),
        cmocka_unit_test(ids_of_messages_are_remembered),
        cmocka_unit_test(what_has_a_name_stays_what_it_was),
        cmocka_unit_test(what_comes_next_comes_at_once),
        cmocka_unit_test(the_service_restarts),
        cmocka_unit_test(what_does_not_fit_is_passed_over_for_good),
        cmocka_unit_test(a_failure_shows_what_came_instead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
