/* @covers 0045#disco-roominfo 0045#disco-roomitems 0045#reservednick 0045#impl-service-traffic */
/* @covers 0045#registrar-formtype-roominfo 0030#info 0030#items 0128#examples-muc */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/limits.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define INFO_NS  "http://jabber.org/protocol/disco#info"
#define ITEMS_NS "http://jabber.org/protocol/disco#items"
#define RSM_NS   "http://jabber.org/protocol/rsm"

static void asks(struct world *w, const char *who, const char *query)
{
    says(w, who, "<iq to='" ROOM "' type='get' id='q'>%s</iq>", query);
}

static const char *info(struct world *w)
{
    const char *answer;
    asks(w, PARIS, "<query xmlns='" INFO_NS "'/>");
    answer = world_next(w, PARIS);
    assert_non_null(answer);
    return answer;
}

static void assert_has(const char *answer, const char *part, bool wanted)
{
    if ((strstr(answer, part) != NULL) != wanted)
        fail_msg("%s: %s\n in %s", wanted ? "missing" : "not expected", part, answer);
}

static void room_is_what_it_is_set_to(void **state)
{
    static const struct {
        const char *option, *with, *without;
    } rows[] = {
        {"public=off", "muc_hidden", "muc_public"},
        {"public=on", "muc_public", "muc_hidden"},
        {"persistent=on", "muc_persistent", "muc_temporary"},
        {"persistent=off", "muc_temporary", "muc_persistent"},
        {"members_only=on", "muc_membersonly", "muc_open"},
        {"members_only=off", "muc_open", "muc_membersonly"},
        {"moderated=on", "'muc_moderated'", "muc_unmoderated"},
        {"moderated=off", "muc_unmoderated", "'muc_moderated'"},
        {"whois=anyone", "muc_nonanonymous", "muc_semianonymous"},
        {"whois=moderators", "muc_semianonymous", "muc_nonanonymous"},
        {"password=", "muc_unsecured", "muc_passwordprotected"},
        {"change_subject=on", "<feature var='" NS_X "'/>", "urn:xmpp:mam"},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const char *const options[] = {rows[i].option, NULL};
        struct world *w = world_with(options);
        enters(w, ROMEO, "Romeo");
        assert_has(info(w), rows[i].with, true);
        assert_has(info(w), rows[i].without, false);
        world_free(w);
    }
}

/* Nothing in it that is for the owner only; no field that has no value. */
static void what_is_not_told(void **state)
{
    static const char *const options[] = {"persistent=on", NULL};
    static const char *const secrets[] = {"roomsecret",      "roomowners",       "roomadmins",
                                          "romeo@localhost", "balcony",          "contactjid",
                                          "roominfo_lang",   "roominfo_subject'"};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    configures(w, ROMEO, "muc#roomconfig_roomsecret", "balcony");
    for (size_t i = 0; i < ARRAY_LEN(secrets); i++)
        assert_has(info(w), secrets[i], false);
    assert_has(info(w), "muc_passwordprotected", true);
    assert_has(info(w),
               "var='muc#roominfo_occupants' type='text-single' label="
               "'Number of occupants'><value>1</value>",
               true);
    assert_has(info(w), "<identity category='conference' type='text' name='lounge'/>", true);
    leaves(w, ROMEO);
    assert_has(info(w), "<value>0</value>", true);
    world_free(w);
}

static void each_feature_is_listed_once(void **state)
{
    struct world *w = world_with(NULL);
    const char *answer, *at;
    (void)state;
    enters(w, ROMEO, "Romeo");
    answer = info(w);
    for (at = answer; (at = strstr(at, "<feature var='")) != NULL; at++) {
        size_t len = strcspn(at, ">");
        char *feature = strndup(at, len);
        const char *first = strstr(answer, feature);
        assert_ptr_equal(first, at);
        free(feature);
    }
    world_free(w);
}

static void nodes(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    asks(w, PARIS, "<query xmlns='" INFO_NS "' node='x-roomuser-item'/>");
    reads(w, PARIS,
          "<iq type='result' id='q'><query xmlns='" INFO_NS "' node='x-roomuser-item'/>"
          "</iq>");
    sets(w, ROMEO, "<item affiliation='member' jid='paris@localhost' nick='County'/>");
    asks(w, PARIS, "<query xmlns='" INFO_NS "' node='x-roomuser-item'/>");
    reads(w, PARIS,
          "<iq type='result' id='q'><query xmlns='" INFO_NS "' node='x-roomuser-item'>"
          "<identity category='conference' type='text' name='County'/></query></iq>");
    asks(w, PARIS, "<query xmlns='" INFO_NS "' node='http://example.org#hash'/>");
    reads_error(w, PARIS, "cancel", "item-not-found");
    asks(w, PARIS, "<query xmlns='" INFO_NS "' node='" NS_X "#traffic'/>");
    reads_error(w, PARIS, "cancel", "service-unavailable");
    asks(w, PARIS, "<query xmlns='" ITEMS_NS "' node='x'/>");
    reads_error(w, PARIS, "cancel", "item-not-found");
    world_free(w);
}

static void room_that_is_not_there(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    asks(w, PARIS, "<query xmlns='" INFO_NS "'/>");
    reads_error(w, PARIS, "cancel", "item-not-found");
    asks(w, PARIS, "<query xmlns='" ITEMS_NS "'/>");
    reads_error(w, PARIS, "cancel", "item-not-found");
    assert_null(world_room(w, ROOM));
    world_free(w);
}

/* ---- who is inside ---- */

static void occupants_are_listed_if_the_owner_wants(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    asks(w, JULIET, "<query xmlns='" ITEMS_NS "'/>");
    reads(w, JULIET, "<iq type='result' id='q'><query xmlns='" ITEMS_NS "'/></iq>");
    configures(w, ROMEO, "public_list", "1");
    asks(w, PARIS, "<query xmlns='" ITEMS_NS "'/>");
    reads(w, PARIS,
          "<iq type='result' id='q'><query xmlns='" ITEMS_NS "'>"
          "<item jid='" ROOM "/Romeo' name='Romeo'/>"
          "<item jid='" ROOM "/Juliet' name='Juliet'/></query></iq>");
    configures(w, ROMEO, "muc#roomconfig_presencebroadcast", "moderator");
    asks(w, PARIS, "<query xmlns='" ITEMS_NS "'/>"); /* who is hidden stays hidden */
    reads(w, PARIS,
          "<iq type='result' id='q'><query xmlns='" ITEMS_NS "'>"
          "<item jid='" ROOM "/Romeo' name='Romeo'/></query></iq>");
    world_free(w);
}

static const char *const listed[] = {"public_list=on", NULL};

static void asks_page(struct world *w, const char *set)
{
    char *query =
        text_of("<query xmlns='" ITEMS_NS "'><set xmlns='" RSM_NS "'>%s</set></query>", set);
    asks(w, PARIS, query);
    free(query);
}

#define ITEM(nick) "<item jid='" ROOM "/" nick "' name='" nick "'/>"
#define PAGE(index, first, last)                                                                   \
    "<set xmlns='" RSM_NS "'><first index='" index "'>" ROOM "/" first "</first><last>" ROOM       \
    "/" last "</last><count>3</count></set>"

static void reads_page(struct world *w, const char *inside)
{
    reads(w, PARIS, "<iq type='result' id='q'><query xmlns='" ITEMS_NS "'>%s</query></iq>", inside);
}

static void list_in_pages(void **state)
{
    struct world *w = world_with(listed);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, JULIET_2, "Nurse");
    asks_page(w, "<max>2</max>");
    reads_page(w, ITEM("Romeo") ITEM("Juliet") PAGE("0", "Romeo", "Juliet"));
    asks_page(w, "<max>2</max><after>" ROOM "/Juliet</after>");
    reads_page(w, ITEM("Nurse") PAGE("2", "Nurse", "Nurse"));
    asks_page(w, "<max>2</max><before/>");
    reads_page(w, ITEM("Juliet") ITEM("Nurse") PAGE("1", "Juliet", "Nurse"));
    asks_page(w, "<max>5</max><before>" ROOM "/Juliet</before>");
    reads_page(w, ITEM("Romeo") PAGE("0", "Romeo", "Romeo"));
    asks_page(w, "<max>1</max><index>1</index>");
    reads_page(w, ITEM("Juliet") PAGE("1", "Juliet", "Juliet"));
    asks_page(w, "<max>0</max>");
    reads_page(w, "<set xmlns='" RSM_NS "'><count>3</count></set>");
    asks_page(w, "<max>1</max><index>7</index>");
    reads_page(w, "<set xmlns='" RSM_NS "'><count>3</count></set>");
    asks_page(w, "<after>" ROOM "/Mercutio</after>");
    reads_error(w, PARIS, "cancel", "item-not-found");
    asks_page(w, "<max>many</max>");
    reads_error(w, PARIS, "modify", "bad-request");
    world_free(w);
}

/* A list too long for one answer says so. */
static void longest_list_in_one_answer(void **state)
{
    struct world *w = world_with(listed);
    const char *answer;
    (void)state;
    for (int i = 0; i < DISCO_ITEMS_PAGE; i++) {
        char *who = text_of("guest%d@localhost/r", i), *nick = text_of("guest%d", i);
        world_client(w, who);
        enters(w, who, nick);
        free(who);
        free(nick);
    }
    asks(w, PARIS, "<query xmlns='" ITEMS_NS "'/>");
    answer = world_next(w, PARIS);
    assert_has(answer, "/guest499'", true);
    assert_has(answer, RSM_NS, false);
    enters(w, ROMEO, "Romeo");
    asks(w, PARIS, "<query xmlns='" ITEMS_NS "'/>");
    answer = world_next(w, PARIS);
    assert_has(answer, "/Romeo'", false);
    assert_has(answer, "<count>501</count>", true);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(room_is_what_it_is_set_to),
        cmocka_unit_test(what_is_not_told),
        cmocka_unit_test(each_feature_is_listed_once),
        cmocka_unit_test(nodes),
        cmocka_unit_test(room_that_is_not_there),
        cmocka_unit_test(occupants_are_listed_if_the_owner_wants),
        cmocka_unit_test(list_in_pages),
        cmocka_unit_test(longest_list_in_one_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
