#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/limits.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define ADMIN_NS "http://jabber.org/protocol/muc#admin"

static const char *const moderated[] = {"moderated=on", NULL};

static void asks(struct world *w, const char *who, const char *items)
{
    says(w, who, "<iq to='" ROOM "' type='set' id='r'><query xmlns='" ADMIN_NS "'>%s</query></iq>",
         items);
}

static void reads_result(struct world *w, const char *who)
{
    reads(w, who, "<iq from='" ROOM "' type='result' id='r'/>");
}

/* Romeo owns the room, Juliet and Paris are in it. */
static struct world *company(const char *const *options)
{
    struct world *w = world_with(options);
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    return w;
}

static enum role role_of(struct world *w, const char *nick_key)
{
    const struct occupant *occupant = occupant_by_nick(world_room(w, ROOM), str_z(nick_key));
    assert_non_null(occupant);
    return occupant->role;
}

/* @covers 0045#moderator.denied */
static void only_moderators_act(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    asks(w, JULIET, "<item nick='Paris' role='none'/>");
    reads_error(w, JULIET, "auth", "forbidden");
    asks(w, JULIET_2, "<item nick='Paris' role='none'/>"); /* her account is inside, she is not */
    reads_error(w, JULIET_2, "auth", "forbidden");
    leaves(w, ROMEO);
    asks(w, ROMEO, "<item nick='Paris' role='none'/>");
    reads_error(w, ROMEO, "cancel", "not-allowed");
    reads_nothing(w, PARIS);
    world_free(w);
}

/* Where the operator lets them, admins act from outside; as moderators, and not beyond their rank.
 */
static void admins_act_from_outside(void **state)
{
    static const char *const options[] = {"outside_admins=on", "moderated=on", NULL};
    struct world *w = company(options);
    (void)state;
    sets(w, ROMEO, "<item affiliation='admin' jid='juliet@localhost'/>");
    asks(w, JULIET_2, "<item nick='Paris' role='participant'/>"); /* her account is inside */
    assert_int_equal(role_of(w, "paris"), ROLE_PARTICIPANT);
    leaves(w, JULIET);
    asks(w, JULIET, "<item nick='Romeo' role='none'/>");
    reads_error(w, JULIET, "cancel", "not-allowed");
    asks(w, JULIET, "<item nick='Paris' role='none'><reason>Out</reason></item>");
    reads_result(w, JULIET);
    reads_nothing(w, JULIET);
    reads(w, PARIS,
          "<presence from='" ROOM "/Paris' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='307'/><item affiliation='none' role='none' jid='" PARIS "'>"
          "<reason>Out</reason></item><status code='110'/></x></presence>");
    world_client(w, NURSE);
    asks(w, NURSE, "<item nick='Romeo' role='none'/>");
    reads_error(w, NURSE, "auth", "forbidden");
    assert_non_null(occupant_by_nick(world_room(w, ROOM), STR("romeo")));
    world_free(w);
}

/* The owner may have it that equals do not put each other out; others can be, as ever. */
static void equals_may_be_safe(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sets(w, ROMEO, "<item nick='Juliet' role='moderator'/><item nick='Paris' role='moderator'/>");
    configures(w, ROMEO, "x-kick_equals", "0");
    asks(w, JULIET, "<item nick='Paris' role='none'/>");
    reads_error(w, JULIET, "cancel", "not-allowed");
    reads_nothing(w, PARIS);
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    asks(w, PARIS, "<item nick='Juliet' role='none'/>"); /* higher */
    reads_error(w, PARIS, "cancel", "not-allowed");
    sets(w, ROMEO, "<item nick='Paris' role='participant'/>");
    asks(w, JULIET, "<item nick='Paris' role='none'/>"); /* lower */
    assert_null(occupant_by_nick(world_room(w, ROOM), STR("paris")));
    world_forget(w);
    enters(w, PARIS, "Paris");
    sets(w, ROMEO, "<item affiliation='member' jid='paris@localhost'/>");
    asks(w, JULIET, "<item nick='Paris' role='none'/>"); /* a member, but no moderator */
    assert_null(occupant_by_nick(world_room(w, ROOM), STR("paris")));
    world_free(w);
}

/* Another nickname of one's own is another occupant. */
static void own_other_nickname_can_be_kicked(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    enters(w, JULIET_2, "Nurse");
    sets(w, ROMEO, "<item nick='Juliet' role='moderator'/>");
    asks(w, JULIET, "<item nick='Nurse' role='none'/>");
    assert_null(occupant_by_nick(world_room(w, ROOM), STR("nurse")));
    assert_int_equal(role_of(w, "juliet"), ROLE_MODERATOR);
    world_free(w);
}

/* @covers 0045#kick.removed 0045#kick.result 0045#kick.others */
static void kick_is_told_before_the_result(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    asks(w, ROMEO, "<item nick='Paris' role='none'><reason>Out</reason></item>");
    reads(w, PARIS,
          "<presence from='" ROOM "/Paris' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='307'/><item affiliation='none' role='none' jid='" PARIS "'>"
          "<actor nick='Romeo'/><reason>Out</reason></item><status code='110'/></x></presence>");
    reads_nothing(w, PARIS);
    reads(w, ROMEO,
          "<presence from='" ROOM "/Paris' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='307'/><item affiliation='none' role='none' jid='" PARIS "'>"
          "<actor nick='Romeo' jid='" ROMEO "'/><reason>Out</reason></item></x></presence>");
    reads_result(w, ROMEO);
    reads(w, JULIET,
          "<presence from='" ROOM "/Paris' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='307'/><item affiliation='none' role='none'>"
          "<actor nick='Romeo'/><reason>Out</reason></item></x></presence>");
    world_free(w);
}

/* Rank: equals may be kicked, but their voice is theirs; the higher are out of reach. */
/* @covers 0045#roles-priv.voice 0045#roles-change.rank 0045#kick.rank 0045#revokevoice.rank */
static void rank_decides(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sets(w, ROMEO, "<item affiliation='admin' jid='juliet@localhost'/>");
    sets(w, ROMEO, "<item nick='Paris' role='moderator'/>");
    asks(w, PARIS, "<item nick='Juliet' role='none'/>");
    reads_error(w, PARIS, "cancel", "not-allowed");
    asks(w, PARIS, "<item nick='Juliet' role='participant'/>");
    reads_error(w, PARIS, "cancel", "not-allowed");
    asks(w, JULIET, "<item nick='Romeo' role='participant'/>");
    reads_error(w, JULIET, "cancel", "not-allowed");
    sets(w, ROMEO, "<item affiliation='admin' jid='paris@localhost'/>");
    asks(w, PARIS, "<item nick='Juliet' role='visitor'/>");
    reads_error(w, PARIS, "cancel", "not-allowed");
    world_forget(w);
    asks(w, PARIS, "<item nick='Juliet' role='none'/>");
    assert_null(occupant_by_nick(world_room(w, ROOM), STR("juliet")));
    world_free(w);
}

/* @covers 0045#revokemod.rank */
static void moderators_name_no_moderators(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sets(w, ROMEO, "<item nick='Juliet' role='moderator'/>");
    asks(w, JULIET, "<item nick='Paris' role='moderator'/>");
    reads_error(w, JULIET, "cancel", "not-allowed");
    asks(w, ROMEO, "<item nick='Romeo' role='participant'/>"); /* an owner is a moderator */
    reads_error(w, ROMEO, "cancel", "not-allowed");
    asks(w, JULIET, "<item nick='Juliet' role='none'/>");
    reads_error(w, JULIET, "cancel", "conflict");
    world_forget(w);
    asks(w, JULIET, "<item nick='Juliet' role='participant'/>"); /* stepping down */
    assert_int_equal(role_of(w, "juliet"), ROLE_PARTICIPANT);
    world_free(w);
}

static void one_refusal_undoes_the_set(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sets(w, ROMEO, "<item nick='Juliet' role='moderator'/>");
    asks(w, JULIET, "<item nick='Paris' role='visitor'/><item nick='Romeo' role='none'/>");
    reads_error(w, JULIET, "cancel", "not-allowed");
    assert_int_equal(role_of(w, "paris"), ROLE_PARTICIPANT);
    asks(w, ROMEO, "<item nick='Paris' role='visitor'/><item nick='Mercutio' role='none'/>");
    reads_error(w, ROMEO, "cancel", "item-not-found");
    assert_int_equal(role_of(w, "paris"), ROLE_PARTICIPANT);
    reads_nothing(w, PARIS);
    asks(w, ROMEO, "<item nick='Paris' role='visitor'/><item nick='Juliet' role='none'/>");
    assert_int_equal(role_of(w, "paris"), ROLE_VISITOR);
    assert_null(occupant_by_nick(world_room(w, ROOM), STR("juliet")));
    world_free(w);
}

/* @covers 0045#bizrules-iq.both */
static void requests_that_make_no_sense(void **state)
{
    static const char *const items[] = {
        "",
        "<item nick='Paris'/>",
        "<item role='none'/>",
        "<item nick='Paris' role='king'/>",
        "<item nick='Paris' role='none' affiliation='none'/>",
        "<item nick='Paris' role='none'/><item nick='Juliet' affiliation='member'/>",
        "<item nick='Paris' role='none'/><item jid='" PARIS "' role='visitor'/>",
    };
    struct world *w = company(NULL);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        asks(w, ROMEO, items[i]);
        reads_error(w, ROMEO, "modify", "bad-request");
    }
    asks(w, ROMEO, "<item jid='paris@@localhost' role='none'/>");
    reads_error(w, ROMEO, "modify", "jid-malformed");
    asks(w, ROMEO, "<item nick='PARIS' role='none'/>"); /* no alias of Paris */
    reads_error(w, ROMEO, "cancel", "item-not-found");
    reads_nothing(w, PARIS);
    asks(w, ROMEO, "<item jid='paris@localhost/nowhere' role='none'/>");
    reads_error(w, ROMEO, "cancel", "item-not-found");
    asks(w, ROMEO, "<item jid='" PARIS "' role='none'/>"); /* old clients */
    assert_null(occupant_by_nick(world_room(w, ROOM), STR("paris")));
    world_free(w);
}

static void as_many_items_as_allowed(void **state)
{
    struct world *w = company(NULL);
    struct buf items;
    (void)state;
    buf_init(&items, NULL);
    for (int i = 0; i < ADMIN_ITEMS_MAX; i++)
        buf_addf(&items, "<item nick='n%d' role='none'/>", i);
    asks(w, ROMEO, buf_str(&items).at);
    reads_error(w, ROMEO, "cancel", "item-not-found"); /* read, and nobody of them is here */
    buf_addz(&items, "<item nick='one too many' role='none'/>");
    asks(w, ROMEO, buf_str(&items).at);
    reads_error(w, ROMEO, "modify", "bad-request");
    buf_free(&items);
    world_free(w);
}

static void kicks_with_reason(struct world *w, const char *reason)
{
    char *item = text_of("<item nick='Paris' role='none'><reason>%s</reason></item>", reason);
    asks(w, ROMEO, item);
    free(item);
}

static void reason_of_the_longest_length(void **state)
{
    static char reason[REASON_BYTES_MAX + 2];
    struct world *w = company(NULL);
    (void)state;
    memset(reason, 'r', REASON_BYTES_MAX + 1);
    kicks_with_reason(w, reason);
    reads_error(w, ROMEO, "modify", "bad-request");
    reason[REASON_BYTES_MAX] = '\0';
    kicks_with_reason(w, reason);
    assert_null(occupant_by_nick(world_room(w, ROOM), STR("paris")));
    world_free(w);
}

static void same_role_again_is_no_news(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    asks(w, ROMEO, "<item nick='Paris' role='participant'/>");
    reads_result(w, ROMEO);
    reads_nothing(w, ROMEO);
    reads_nothing(w, PARIS);
    sets(w, ROMEO, "<item nick='Paris' role='moderator'/><item nick='Juliet' role='moderator'/>");
    asks(w, PARIS, "<item nick='Romeo' role='moderator'/>"); /* of whatever rank */
    reads_result(w, PARIS);
    reads_nothing(w, PARIS);
    reads_nothing(w, ROMEO);
    world_free(w);
}

/* Voice given or taken outlasts leaving, and is no protection from anything else. */
/* @covers 0045#roles.kept */
static void voice_is_remembered(void **state)
{
    struct world *w = company(moderated);
    (void)state;
    assert_int_equal(role_of(w, "paris"), ROLE_VISITOR);
    sets(w, ROMEO, "<item nick='Paris' role='participant'/>");
    leaves(w, PARIS);
    enters(w, PARIS, "Count Paris");
    assert_int_equal(role_of(w, "count paris"), ROLE_PARTICIPANT);
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    sets(w, ROMEO, "<item nick='Juliet' role='visitor'/>");
    leaves(w, JULIET);
    enters(w, JULIET, "Juliet");
    assert_int_equal(role_of(w, "juliet"), ROLE_VISITOR);
    world_free(w);
}

static void all_sessions_of_the_nickname_are_told(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    enters(w, JULIET_2, "Juliet");
    asks(w, ROMEO, "<item nick='Juliet' role='none'/>");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet' type='unavailable'/>");
    reads(w, JULIET_2, "<presence from='" ROOM "/Juliet' type='unavailable'/>");
    reads(w, PARIS,
          "<presence from='" ROOM "/Juliet' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='307'/><item affiliation='none' role='none'><actor nick='Romeo'/></item>"
          "</x></presence>");
    reads_nothing(w, PARIS);
    reads_nothing(w, JULIET_2);
    world_free(w);
}

/* Who becomes a moderator sees addresses, who ceases to be one does not any more. */
static void others_are_shown_again(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    asks(w, ROMEO, "<item nick='Juliet' role='moderator'/>");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet'/>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Romeo'><x xmlns='" NS_USER "'><item affiliation='owner' "
          "role='moderator' jid='" ROMEO "'/></x></presence>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "'><item affiliation='none' "
          "role='participant' jid='" PARIS "'/></x></presence>");
    reads_nothing(w, JULIET);
    asks(w, ROMEO, "<item nick='Juliet' role='participant'/>");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet'/>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Romeo'><x xmlns='" NS_USER "'><item affiliation='owner' "
          "role='moderator'/></x></presence>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "'><item affiliation='none' "
          "role='participant'/></x></presence>");
    world_free(w);
}

static void lists(struct world *w, const char *who, const char *item)
{
    says(w, who, "<iq to='" ROOM "' type='get' id='l'><query xmlns='" ADMIN_NS "'>%s</query></iq>",
         item);
}

/* @covers 0045#modifyvoice.list 0045#bizrules-iq.roles */
static void list_has_an_item_per_session(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    enters(w, JULIET_2, "Juliet");
    lists(w, JULIET, "<item role='participant'/>");
    reads_error(w, JULIET, "auth", "forbidden");
    lists(w, ROMEO, "<item role='participant'/>");
    reads(w, ROMEO,
          "<iq from='" ROOM "' type='result' id='l'><query xmlns='" ADMIN_NS "'>"
          "<item nick='Juliet' role='participant' affiliation='none' jid='" JULIET "'/>"
          "<item nick='Juliet' role='participant' affiliation='none' jid='" JULIET_2 "'/>"
          "<item nick='Paris' role='participant' affiliation='none' jid='" PARIS "'/>"
          "</query></iq>");
    lists(w, ROMEO, "<item role='visitor'/>");
    reads(w, ROMEO, "<iq type='result' id='l'><query xmlns='" ADMIN_NS "'/></iq>");
    leaves(w, ROMEO);
    lists(w, ROMEO, "<item role='moderator'/>"); /* would be one inside */
    reads(w, ROMEO, "<iq type='result' id='l'><query xmlns='" ADMIN_NS "'/></iq>");
    lists(w, ROMEO, "<item role='none'/>");
    reads_error(w, ROMEO, "modify", "bad-request");
    lists(w, ROMEO, "<item role='visitor'/><item role='participant'/>");
    reads_error(w, ROMEO, "modify", "bad-request");
    world_free(w);
}

/* A bare address is that of an account: all of its nicknames are meant, or none. */
static void an_account_has_all_its_nicknames(void **state)
{
    struct world *w = company(NULL);
    struct room *room = world_room(w, ROOM);
    (void)state;
    enters(w, JULIET_2, "Nurse");
    sets(w, ROMEO, "<item role='visitor' jid='juliet@localhost' nick=''/>");
    assert_int_equal(role_of(w, "juliet"), ROLE_VISITOR);
    assert_int_equal(role_of(w, "nurse"), ROLE_VISITOR);
    asks(w, ROMEO,
         "<item role='participant' jid='juliet@localhost'/><item role='none' nick='Nurse'/>");
    reads_error(w, ROMEO, "modify", "bad-request");                  /* named twice */
    sets(w, ROMEO, "<item role='participant' jid='" JULIET_2 "'/>"); /* one client, one nickname */
    assert_int_equal(role_of(w, "juliet"), ROLE_VISITOR);
    assert_int_equal(role_of(w, "nurse"), ROLE_PARTICIPANT);
    sets(w, ROMEO, "<item role='moderator' nick='Nurse'/>");
    asks(w, JULIET_2, "<item role='none' jid='juliet@localhost'/>"); /* itself among them */
    reads_error(w, JULIET_2, "cancel", "conflict");
    sets(w, ROMEO, "<item role='none' jid='juliet@localhost'/><item role='none' nick='Paris'/>");
    assert_null(occupant_by_account(room, STR("juliet@localhost")));
    assert_null(occupant_by_account(room, STR("paris@localhost")));
    asks(w, ROMEO, "<item role='none' nick=''/>");
    reads_error(w, ROMEO, "modify", "bad-request"); /* names nobody */
    world_free(w);
}

/* As many as there can be in one request, each with as many nicknames as one may have. */
static void more_nicknames_than_items(void **state)
{
    struct world *w = world_with(NULL);
    struct room *room;
    (void)state;
    enters(w, ROMEO, "Romeo");
    room = world_room(w, ROOM);
    for (unsigned i = 0; i < 60; i++) {
        char *join = text_of("<presence to='" ROOM "/n%u'><x xmlns='" NS_X "'/></presence>", i);
        char *who = text_of("u%u@localhost/r%u", i % 3, i);
        assert_true(world_stanza_from(w, who, join));
        free(who);
        free(join);
    }
    world_forget(w);
    assert_int_equal(room->occupant_count, 61);
    sets(w, ROMEO,
         "<item role='none' jid='u0@localhost'/><item role='visitor' jid='u1@localhost'/>"
         "<item role='none' jid='u2@localhost'/>");
    assert_int_equal(room->occupant_count, 21);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_moderators_act),
        cmocka_unit_test(admins_act_from_outside),
        cmocka_unit_test(equals_may_be_safe),
        cmocka_unit_test(own_other_nickname_can_be_kicked),
        cmocka_unit_test(kick_is_told_before_the_result),
        cmocka_unit_test(rank_decides),
        cmocka_unit_test(moderators_name_no_moderators),
        cmocka_unit_test(one_refusal_undoes_the_set),
        cmocka_unit_test(requests_that_make_no_sense),
        cmocka_unit_test(as_many_items_as_allowed),
        cmocka_unit_test(reason_of_the_longest_length),
        cmocka_unit_test(same_role_again_is_no_news),
        cmocka_unit_test(voice_is_remembered),
        cmocka_unit_test(all_sessions_of_the_nickname_are_told),
        cmocka_unit_test(others_are_shown_again),
        cmocka_unit_test(list_has_an_item_per_session),
        cmocka_unit_test(an_account_has_all_its_nicknames),
        cmocka_unit_test(more_nicknames_than_items),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
