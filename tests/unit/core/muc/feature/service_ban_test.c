/* @covers 0045#enter-banned.refused */
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define KEEPER   "keeper@far.example/desk"
#define FAR      "mercutio@far.example/street"
#define FARTHER  "benvolio@a.far.example/street"
#define NAMESAKE "paris@far.example.org/street"

static struct world *world_with_bans(bool locked)
{
    static const char *const banned[] = {"paris@localhost", "far.example", NULL};
    static const char *const admins[] = {"keeper@far.example", NULL};
    struct world_config config = {.admins = admins, .banned = banned, .locked = locked};
    struct world *w = world_new(&config);
    world_client(w, ROMEO);
    world_client(w, JULIET);
    world_client(w, PARIS);
    world_client(w, "paris@localhost/other");
    world_client(w, KEEPER);
    world_client(w, FAR);
    world_client(w, FARTHER);
    world_client(w, NAMESAKE);
    return w;
}

static void is_banned(struct world *w)
{
    static const char *const banned[] = {PARIS, "paris@localhost/other", FAR};
    for (size_t i = 0; i < ARRAY_LEN(banned); i++) {
        join(w, banned[i], "Guest");
        reads_error(w, banned[i], "auth", "forbidden");
        reads_nothing(w, banned[i]);
    }
}

/* One answer, whatever there is at the address. */
static void learns_nothing_of_the_room(void **state)
{
    struct world *w = world_with_bans(true);
    (void)state;
    is_banned(w);
    assert_null(world_room(w, ROOM));
    enters(w, ROMEO, "Romeo");
    assert_int_equal(world_room(w, ROOM)->state, ROOM_LOCKED);
    is_banned(w);
    configures(w, ROMEO, "muc#roomconfig_membersonly", "1");
    is_banned(w);
    sets(w, ROMEO, "<item affiliation='owner' jid='paris@localhost'/>");
    is_banned(w);
    assert_int_equal(world_room(w, ROOM)->session_count, 1);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='d'><query xmlns='http://jabber.org/protocol/muc#owner'>"
         "<destroy/></query></iq>");
    world_forget(w);
    assert_int_equal(world_room(w, ROOM)->state, ROOM_DESTROYED);
    is_banned(w);
    world_free(w);
}

/* Names of others that look like it, and the admin from a domain that is banned. */
static void others_are_not(void **state)
{
    static const char *const others[] = {JULIET, FARTHER, NAMESAKE, KEEPER};
    struct world *w = world_with_bans(false);
    (void)state;
    enters(w, ROMEO, "Romeo");
    for (unsigned i = 0; i < ARRAY_LEN(others); i++) {
        char nick[16];
        snprintf(nick, sizeof(nick), "Guest%u", i);
        enters(w, others[i], nick);
        assert_int_equal(world_room(w, ROOM)->session_count, i + 2);
    }
    world_free(w);
}

/* What the nickname is like comes first (SEMANTICS 2.2). */
static void after_the_nickname(void **state)
{
    struct world *w = world_with_bans(false);
    (void)state;
    says(w, PARIS, "<presence to='" ROOM "/ Paris'><x xmlns='" NS_X "'/></presence>");
    reads_error(w, PARIS, "modify", "jid-malformed");
    says(w, PARIS, "<presence to='" ROOM "'><x xmlns='" NS_X "'/></presence>");
    reads_error(w, PARIS, "modify", "jid-malformed");
    assert_null(world_room(w, ROOM));
    world_free(w);
}

/* Whatever it asks from outside, it is told the same, room or no room, and does nothing. */
static void does_nothing_from_outside(void **state)
{
    static const char *const asked[] = {
        "<iq to='" ROOM "' type='set' id='1'><query xmlns='jabber:iq:register'>"
        "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>" NS_X
        "#register</value></field><field var='muc#register_roomnick'><value>Boss</value></field>"
        "</x></query></iq>",
        "<iq to='" ROOM "' type='get' id='2'>"
        "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>",
        "<iq to='" ROOM "/Romeo' type='get' id='3'><ping xmlns='urn:xmpp:ping'/></iq>",
        "<message to='" ROOM "' id='4'><x xmlns='" NS_USER "'><decline to='" ROOM "/Romeo'/></x>"
        "</message>",
        "<message to='" ROOM "' id='5'><x xmlns='" NS_USER "'><invite to='juliet@localhost'/></x>"
        "</message>",
        "<message to='" ROOM "' type='groupchat' id='6'><body>let me in</body></message>",
        "<presence to='" ROOM "/Paris' type='probe' id='7'/>",
        "<presence to='" ROOM "/Paris' id='8'/>",
    };
    static const char *const options[] = {"allow_register=on", NULL};
    static const char *const banned[] = {"paris@localhost", NULL};
    struct world_config config = {.options = options, .banned = banned};
    struct world *w = world_new(&config);
    (void)state;
    world_client(w, ROMEO);
    world_client(w, JULIET);
    world_client(w, PARIS);
    for (unsigned round = 0; round < 2; round++) {
        for (size_t i = 0; i < ARRAY_LEN(asked); i++) {
            says(w, PARIS, "%s", asked[i]);
            reads_error(w, PARIS, "auth", "forbidden");
            reads_nothing(w, PARIS);
        }
        if (round == 0)
            enters(w, ROMEO, "Romeo");
    }
    assert_null(room_affiliate(world_room(w, ROOM), STR("paris@localhost")));
    /* what needs no answer gets none */
    says(w, PARIS, "<presence to='" ROOM "/Paris' type='unavailable'/>");
    says(w, PARIS, "<iq to='" ROOM "' type='result' id='9'/>");
    reads_nothing(w, PARIS);
    reads_nothing(w, JULIET);
    reads_nothing(w, ROMEO);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(learns_nothing_of_the_room),
        cmocka_unit_test(others_are_not),
        cmocka_unit_test(after_the_nickname),
        cmocka_unit_test(does_nothing_from_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
