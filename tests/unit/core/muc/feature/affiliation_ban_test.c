#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/support/ranks.h"

static const char *const moderated[] = {"moderated=on", NULL};
static const char *const closed[] = {"members_only=on", NULL};
static const char *const open_jids[] = {"whois=anyone", NULL};

static void join_is_forbidden(struct world *w)
{
    says(w, PARIS, "<presence to='" ROOM "/Paris'><x xmlns='" NS_X "'/></presence>");
    reads_error(w, PARIS, "auth", "forbidden");
    assert_null(inside(w, "paris"));
}

/*
 * What a deployed service gets wrong: a role remembered from before the ban lets the banned in
 * again. All ways to be remembered, each with and without a kick in between.
 */
/* @covers 0045#enter-banned.refused */
static void nothing_remembered_outweighs_a_ban(void **state)
{
    static const char *const before[] = {
        "<item affiliation='member' jid='paris@localhost'/>",
        "<item nick='Paris' role='participant'/>",
        "<item nick='Paris' role='moderator'/>",
        "<item affiliation='admin' jid='paris@localhost'/>",
    };
    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(before); i++) {
        struct world *w = company(moderated);
        sets(w, ROMEO, before[i / 2]);
        sets(w, ROMEO, "<item nick='Paris' role='visitor'/>");
        sets(w, ROMEO, "<item nick='Paris' role='participant'/>");
        if (i % 2 == 1)
            sets(w, ROMEO, "<item nick='Paris' role='none'/>");
        sets(w, ROMEO, "<item affiliation='outcast' jid='paris@localhost'/>");
        assert_null(inside(w, "paris"));
        join_is_forbidden(w);
        sets(w, ROMEO, "<item affiliation='none' jid='paris@localhost'/>");
        enters(w, PARIS, "Paris");
        assert_int_equal(inside(w, "paris")->role, ROLE_VISITOR); /* forgotten, too */
        world_free(w);
    }
}

static void ban_comes_before_membership(void **state)
{
    struct world *w = company(closed);
    (void)state;
    says(w, PARIS, "<presence to='" ROOM "/Paris'><x xmlns='" NS_X "'/></presence>");
    reads_error(w, PARIS, "auth", "registration-required");
    sets(w, ROMEO, "<item affiliation='outcast' jid='paris@localhost'/>");
    join_is_forbidden(w);
    world_free(w);
}

static void domain_can_be_banned(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    world_client(w, "tybalt@capulet.example/blade");
    enters(w, "tybalt@capulet.example/blade", "Tybalt");
    asks(w, ROMEO,
         "<item affiliation='outcast' jid='capulet.example'><reason>Peace</reason>"
         "</item>");
    reads(w, "tybalt@capulet.example/blade",
          "<presence type='unavailable' from='" ROOM "/Tybalt'><x xmlns='" NS_USER "'>"
          "<status code='301'/><item affiliation='outcast' role='none' "
          "jid='tybalt@capulet.example/blade'><actor nick='Romeo'/><reason>Peace</reason></item>"
          "<status code='110'/></x></presence>");
    says(w, "tybalt@capulet.example/blade",
         "<presence to='" ROOM "/Tybalt'><x xmlns='" NS_X "'/></presence>");
    reads_error(w, "tybalt@capulet.example/blade", "auth", "forbidden");
    world_forget(w);
    asks(w, ROMEO, "<item affiliation='member' jid='capulet.example'/>");
    reads_error(w, ROMEO, "cancel", "not-acceptable");
    asks(w, ROMEO, "<item affiliation='none' jid='capulet.example/service'/>");
    reads_error(w, ROMEO, "cancel", "not-acceptable");
    asks(w, ROMEO, "<item affiliation='outcast' jid='localhost'/>"); /* his own */
    reads_error(w, ROMEO, "cancel", "conflict");
    sets(w, ROMEO, "<item affiliation='none' jid='capulet.example'/>");
    enters(w, "tybalt@capulet.example/blade", "Tybalt");
    assert_non_null(inside(w, "tybalt"));
    world_free(w);
}

/* One service of a domain is not the whole domain; nor may it stand for it by mistake. */
static void resource_of_a_domain_is_nobody(void **state)
{
    static const char *const affiliations[] = {"outcast", "none", "member", "owner"};
    struct world *w = company(NULL);
    (void)state;
    world_client(w, "tybalt@capulet.example/blade");
    enters(w, "tybalt@capulet.example/blade", "Tybalt");
    for (size_t i = 0; i < ARRAY_LEN(affiliations); i++) {
        char *item = text_of("<item affiliation='outcast' jid='paris@localhost'/>"
                             "<item affiliation='%s' jid='capulet.example/bot'/>",
                             affiliations[i]);
        asks(w, ROMEO, item);
        reads_error(w, ROMEO, "cancel", "not-acceptable");
        free(item);
    }
    assert_non_null(inside(w, "tybalt"));
    reads_nothing(w, "tybalt@capulet.example/blade");
    assert_null(room_affiliate(world_room(w, ROOM), STR("capulet.example")));
    assert_null(room_affiliate(world_room(w, ROOM), STR("paris@localhost")));
    world_free(w);
}

/* Only who was a member loses anything by becoming nobody. */
static void lifting_a_ban_ends_no_membership(void **state)
{
    struct world *w = world_with(closed);
    (void)state;
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='outcast' jid='paris@localhost'/>");
    asks(w, ROMEO, "<item affiliation='none' jid='paris@localhost'/>");
    reads(w, ROMEO,
          "<message from='" ROOM "'><x xmlns='" NS_USER "'><item affiliation='none' "
          "jid='paris@localhost'/></x></message>");
    reads_result(w, ROMEO);
    sets(w, ROMEO, "<item affiliation='member' jid='paris@localhost'/>");
    asks(w, ROMEO, "<item affiliation='none' jid='paris@localhost'/>");
    reads(w, ROMEO,
          "<message from='" ROOM "'><x xmlns='" NS_USER "'><status code='321'/>"
          "<item affiliation='none' jid='paris@localhost'/></x></message>");
    world_free(w);
}

/* A gateway that is inside under its bare domain is an account as well as a domain. */
static void account_that_is_a_domain(void **state)
{
    static const char *const anybody[] = {"allow_register=on", NULL};
    struct world *w = company(anybody);
    (void)state;
    world_client(w, "gateway.example/x");
    enters(w, "gateway.example/x", "Gateway");
    says(w, "gateway.example/x",
         "<iq to='" ROOM "' type='set' id='reg'><query xmlns='jabber:iq:register'>"
         "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>" NS_X
         "#register</value></field><field var='muc#register_roomnick'><value>Gateway</value>"
         "</field></x></query></iq>");
    reads(w, "gateway.example/x",
          "<presence from='" ROOM "/Gateway'><x xmlns='" NS_USER "'><item affiliation='member' "
          "role='participant' jid='gateway.example/x'/><status code='110'/></x></presence>");
    configures(w, ROMEO, "muc#roomconfig_membersonly", "1");
    assert_non_null(inside(w, "gateway"));
    asks(w, ROMEO, "<item affiliation='none' jid='gateway.example'/>");
    reads(w, "gateway.example/x",
          "<presence type='unavailable' from='" ROOM "/Gateway'><x xmlns='" NS_USER "'>"
          "<status code='321'/><item affiliation='none' role='none' jid='gateway.example/x'>"
          "<actor nick='Romeo'/></item><status code='110'/></x></presence>");
    assert_null(inside(w, "gateway"));
    world_free(w);
}

/* All of it at once: each is told of itself, who stays of each. */
static void domain_is_banned_at_once(void **state)
{
    static const char *const guests[] = {"a@capulet.example/1", "b@capulet.example/1",
                                         "b@capulet.example/2"};
    static const char *const nicks[] = {"A", "B", "C"};
    struct world *w = company(NULL);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(guests); i++) {
        world_client(w, guests[i]);
        enters(w, guests[i], nicks[i]);
    }
    asks(w, ROMEO, "<item affiliation='outcast' jid='capulet.example'/>");
    for (size_t i = 0; i < ARRAY_LEN(guests); i++) {
        reads(w, guests[i], "<presence type='unavailable' from='" ROOM "/%s'/>", nicks[i]);
        reads_nothing(w, guests[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(guests); i++)
        reads(w, JULIET,
              "<presence type='unavailable' from='" ROOM "/%s'><x xmlns='" NS_USER "'>"
              "<status code='301'/><item affiliation='outcast' role='none'><actor nick='Romeo'/>"
              "</item></x></presence>",
              nicks[i]);
    reads_nothing(w, JULIET);
    world_free(w);
}

/* Its address is that of the whole server: to ban one is to ban all, which takes the address. What
 * is given goes to it alone. */
static void server_behind_a_nickname(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    world_client(w, "localhost/bot");
    enters(w, "localhost/bot", "Bot");
    asks(w, ROMEO, "<item affiliation='outcast' nick='Bot'/>");
    reads_error(w, ROMEO, "cancel", "not-acceptable");
    assert_non_null(inside(w, "bot"));
    assert_non_null(inside(w, "paris"));
    asks(w, ROMEO, "<item affiliation='member' nick='Bot'/>");
    assert_int_equal(affiliation_of(w, "localhost"), AFF_MEMBER);
    assert_int_equal(affiliation_of(w, "paris@localhost"), AFF_NONE);
    world_free(w);
}

/* Each is told the reason that is about it, once. */
static void reasons_are_not_mixed_up(void **state)
{
    struct world *w = company(open_jids);
    (void)state;
    world_client(w, "spam@evil.example/x");
    world_client(w, "bot@bad.example/x");
    enters(w, "spam@evil.example/x", "Spam");
    enters(w, "bot@bad.example/x", "Bot");
    asks(w, ROMEO,
         "<item affiliation='outcast' jid='evil.example'><reason>spam</reason></item>"
         "<item affiliation='outcast' jid='paris@localhost'><reason>rude</reason></item>"
         "<item affiliation='outcast' jid='bad.example'><reason>bots</reason></item>");
    static const struct {
        const char *jid, *nick, *reason;
    } banned[] = {
        {PARIS, "Paris", "rude"},
        {"spam@evil.example/x", "Spam", "spam"},
        {"bot@bad.example/x", "Bot", "bots"},
    };
    for (size_t i = 0; i < ARRAY_LEN(banned); i++) {
        if (i > 0) /* accounts come first; those of servers do not hear of each other */
            reads(w, banned[i].jid, "<presence type='unavailable' from='" ROOM "/Paris'/>");
        reads(w, banned[i].jid,
              "<presence type='unavailable' from='" ROOM "/%s'><x xmlns='" NS_USER "'>"
              "<status code='301'/><item affiliation='outcast' role='none' jid='%s'>"
              "<actor nick='Romeo'/><reason>%s</reason></item><status code='110'/></x></presence>",
              banned[i].nick, banned[i].jid, banned[i].reason);
        reads_nothing(w, banned[i].jid);
        reads(w, JULIET,
              "<presence type='unavailable' from='" ROOM "/%s'><x xmlns='" NS_USER
              "' scansion:strict='false'><item><reason>%s</reason></item></x></presence>",
              banned[i].nick, banned[i].reason);
    }
    /* the servers as such are not inside */
    reads(w, JULIET,
          "<message from='" ROOM "'><x xmlns='" NS_USER "'><status code='301'/><item "
          "affiliation='outcast' jid='evil.example'><reason>spam</reason></item></x></message>");
    reads(w, JULIET,
          "<message from='" ROOM "'><x xmlns='" NS_USER "'><status code='301'/><item "
          "affiliation='outcast' jid='bad.example'><reason>bots</reason></item></x></message>");
    reads_nothing(w, JULIET);
    world_free(w);
}

/* Those with a standing of their own are not what a ban of their server is about. */
static void ban_of_a_server_spares_its_members(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    world_client(w, "nurse@capulet.example/x");
    world_client(w, "cook@capulet.example/x");
    world_client(w, "capulet.example/gate");
    enters(w, "nurse@capulet.example/x", "Nurse");
    enters(w, "cook@capulet.example/x", "Cook");
    enters(w, "capulet.example/gate", "Gate");
    sets(w, ROMEO, "<item affiliation='member' jid='nurse@capulet.example'/>");
    sets(w, ROMEO,
         "<item affiliation='outcast' jid='capulet.example'/>"
         "<item affiliation='none' jid='away.example'/>");
    assert_non_null(inside(w, "nurse"));
    assert_null(inside(w, "cook"));
    assert_null(inside(w, "gate"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_remembered_outweighs_a_ban),
        cmocka_unit_test(ban_comes_before_membership),
        cmocka_unit_test(domain_can_be_banned),
        cmocka_unit_test(resource_of_a_domain_is_nobody),
        cmocka_unit_test(domain_is_banned_at_once),
        cmocka_unit_test(lifting_a_ban_ends_no_membership),
        cmocka_unit_test(account_that_is_a_domain),
        cmocka_unit_test(server_behind_a_nickname),
        cmocka_unit_test(reasons_are_not_mixed_up),
        cmocka_unit_test(ban_of_a_server_spares_its_members),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
