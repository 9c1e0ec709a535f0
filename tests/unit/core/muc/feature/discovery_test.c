/* @covers 0045#registrar-formtype-roominfo 0030#info 0030#items 0128#examples-muc */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/limits.h"
#include "core/muc/room.h"
#include "core/xmpp/caps.h"
#include "tests/support/talk.h"
#include "tools/stentord/digest.h"

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

/* @covers 0045#entity.disco 0045#disco-roominfo.features */
/* @covers 0045#registrar-features */
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
/* @covers 0045#disco-roominfo.identity */
static void what_is_not_told(void **state)
{
    static const char *const options[] = {"persistent=on", NULL};
    static const char *const secrets[] = {
        "roomsecret",    "roomowners", "roomadmins",          "romeo@localhost",
        "balcony",       "contactjid", "roominfo_lang",       "roominfo_subject'",
        "roominfo_logs", "pubsub",     "roominfo_description"};
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

/* What the owner has set is told to everybody, each in its field. */
/* @covers 0045#disco-roominfo.features */
static void what_is_told(void **state)
{
    static const struct {
        const char *field, *value, *told;
    } rows[] = {
        {"muc#roomconfig_roomdesc", "Fair",
         "_description' type='text-single' label='Description'>"
         "<value>Fair<"},
        {"muc#roomconfig_lang", "it", "roominfo_lang' type='text-single'"},
        {"muc#roominfo_contactjid", "Nurse@localhost",
         "roominfo_contactjid' type='jid-multi' label='Addresses to turn to about the room'>"
         "<value>nurse@localhost<"},
        {"muc#roominfo_logs", "http://localhost/log",
         "roominfo_logs' type='text-single' label='URL of what has been published'>"
         "<value>http://localhost/log<"},
        {"muc#roomconfig_pubsub", "xmpp:pubsub.localhost?;node=verona", "roominfo_pubsub' type="},
        {"muc#roomconfig_allowpm", "moderators",
         "_allowpm' type='text-single' label='Who may send "
         "private messages'><value>moderators<"},
        {"muc#roomconfig_historylength", "7", "'muc#maxhistoryfetch' type='text-single'"},
    };
    static const char *const flags[] = {"muc#roomconfig_changesubject",
                                        "muc#roomconfig_allowinvites",
                                        "muc#roomconfig_allow_query_users"};
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        assert_has(info(w), rows[i].told, strstr(rows[i].told, "history") != NULL);
        configures(w, ROMEO, rows[i].field, rows[i].value);
        assert_has(info(w), rows[i].told, true);
    }
    assert_has(info(w), "<value>7</value>", true);
    for (size_t i = 0; i < ARRAY_LEN(flags) * 2; i++) {
        const char *value = i % 2 == 0 ? "0" : "1", *answer, *field;
        configures(w, ROMEO, flags[i / 2], value);
        answer = info(w);
        field = strstr(answer, flags[i / 2]);
        assert_non_null(field);
        field = strstr(field, "<value>");
        assert_non_null(field);
        assert_int_equal(field[strlen("<value>")], value[0]);
    }
    world_free(w);
}

/* A secret room is for strangers as if it were not there: the same words. */
static void room_that_is_kept_secret(void **state)
{
    static const char *const queries[] = {
        "<query xmlns='" INFO_NS "'/>", "<query xmlns='" ITEMS_NS "'/>",
        "<query xmlns='" INFO_NS "' node='x-roomuser-item'/>", "<vCard xmlns='vcard-temp'/>"};
    static const char *const options[] = {"conceal=on", "public=off", "members_only=on", NULL};
    static const char *const strangers[] = {PARIS, "outcast@localhost/r"};
    struct world *w = world_with(options);
    (void)state;
    world_client(w, strangers[1]);
    asks(w, PARIS, queries[0]);
    char *nobody = strdup(strstr(world_next(w, PARIS), "<error "));
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO,
         "<item affiliation='outcast' jid='outcast@localhost'/>"
         "<item affiliation='member' jid='juliet@localhost'/>");
    for (size_t i = 0; i < ARRAY_LEN(queries); i++) {
        for (size_t s = 0; s < ARRAY_LEN(strangers); s++) {
            asks(w, strangers[s], queries[i]);
            assert_string_equal(strstr(world_next(w, strangers[s]), "<error "), nobody);
        }
        asks(w, JULIET, queries[i]);
        reads(w, JULIET, "<iq type='result' id='q'/>");
        asks(w, ROMEO, queries[i]);
        reads(w, ROMEO, "<iq type='result' id='q'/>");
    }
    free(nobody);
    configures(w, ROMEO, "muc#roomconfig_publicroom", "1"); /* no secret any more */
    asks(w, PARIS, queries[0]);
    reads(w, PARIS, "<iq type='result' id='q'/>");
    configures(w, ROMEO, "muc#roomconfig_publicroom", "0");
    configures(w, ROMEO, "muc#roomconfig_membersonly", "0");
    asks(w, PARIS, queries[0]);
    reads(w, PARIS, "<iq type='result' id='q'/>");
    configures(w, ROMEO, "muc#roomconfig_membersonly", "1");
    asks(w, PARIS, queries[0]);
    reads_error(w, PARIS, "cancel", "item-not-found");
    configures(w, ROMEO, "x-conceal", "0");
    asks(w, PARIS, queries[0]);
    reads(w, PARIS, "<iq type='result' id='q'/>");
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

/* @covers 0045#reservednick.name 0045#reservednick.none 0045#impl-service-traffic.all */
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

/* The hash of the room's answer, as a client makes it; heap. */
static char *hash_of_info(struct world *w)
{
    struct muc_crypto crypto = {.self = NULL};
    struct arena *arena = arena_new(4096);
    struct stanza *stanza = stanza_parse(str_z(info(w)));
    const struct node *query = node_find(stanza_root(stanza), NAME_QUERY, NS_DISCO_INFO);
    digest_init(&crypto);
    struct str hash = crypto.caps_hash(NULL, arena, caps_text(arena, query));
    char *text = text_of("%.*s", (int)hash.len, hash.at);
    stanza_free(stanza);
    arena_free(arena);
    return text;
}

static void asks_by_hash(struct world *w, const char *hash)
{
    char *query = text_of("<query xmlns='" INFO_NS "' node='http://a.example/#b#%s'/>", hash);
    asks(w, PARIS, query);
    free(query);
}

/* @covers 0115#discover */
static void node_with_the_hash_of_the_answer(void **state)
{
    struct world *w = world_with(NULL);
    char *hash, *answer;
    (void)state;
    enters(w, ROMEO, "Romeo");
    hash = hash_of_info(w);
    asks_by_hash(w, hash);
    answer = text_of("%s", world_next(w, PARIS));
    assert_has(answer, "type='result'", true);
    assert_has(answer, "node='http://a.example/#b#", true);
    assert_has(answer, "<feature var='muc_open'/>", true);
    assert_has(answer, "muc#roominfo_occupants", true);
    configures(w, ROMEO, "muc#roomconfig_roomname", "Verona");
    asks_by_hash(w, hash); /* it says something else now */
    reads_error(w, PARIS, "cancel", "item-not-found");
    asks_by_hash(w, "");
    reads_error(w, PARIS, "cancel", "item-not-found");
    free(answer);
    free(hash);
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

/* @covers 0045#disco-roomitems.private */
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

/* @covers 0059#notfound */
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

/* Nicknames are counted, not clients; the subject is told if there is one. */
/* @covers 0045#registrar-formtype-roominfo */
static void what_changes_while_people_are_inside(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, JULIET_2, "Juliet");
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat'><subject>Feud</subject></message>");
    const char *answer = info(w);
    assert_has(answer,
               "<field var='muc#roominfo_occupants' type='text-single' "
               "label='Number of occupants'><value>2</value></field>",
               true);
    assert_has(answer,
               "<field var='muc#roominfo_subject' type='text-single' label='Subject'>"
               "<value>Feud</value></field>",
               true);
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat'><subject/></message>");
    assert_has(info(w), "muc#roominfo_subject'", false);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(room_is_what_it_is_set_to),
        cmocka_unit_test(what_is_not_told),
        cmocka_unit_test(what_is_told),
        cmocka_unit_test(room_that_is_kept_secret),
        cmocka_unit_test(each_feature_is_listed_once),
        cmocka_unit_test(nodes),
        cmocka_unit_test(node_with_the_hash_of_the_answer),
        cmocka_unit_test(room_that_is_not_there),
        cmocka_unit_test(occupants_are_listed_if_the_owner_wants),
        cmocka_unit_test(list_in_pages),
        cmocka_unit_test(longest_list_in_one_answer),
        cmocka_unit_test(what_changes_while_people_are_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
