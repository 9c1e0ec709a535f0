#include "core/base/limits.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define ADMIN "admin@localhost/desk"

static struct world *world_of_locked_rooms(void)
{
    static const char *const admins[] = {"admin@localhost", NULL};
    struct world_config config = {.admins = admins, .locked = true};
    struct world *w = world_new(&config);
    world_client(w, ROMEO);
    world_client(w, PARIS);
    world_client(w, "romeo@localhost/other");
    world_client(w, ADMIN);
    return w;
}

/* @covers 0045#enter-locked.refused 0045#createroom-general.created */
static void locked_to_all_but_the_creator(void **state)
{
    struct world *w = world_of_locked_rooms();
    (void)state;
    enters(w, ROMEO, "Romeo");
    join(w, PARIS, "Paris");
    reads_error(w, PARIS, "cancel", "item-not-found");
    join(w, ADMIN, "Admin");
    reads_error(w, ADMIN, "cancel", "item-not-found");
    says(w, PARIS,
         "<iq to='" ROOM "' type='get' id='a'>"
         "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    reads_error(w, PARIS, "cancel", "item-not-found");
    says(w, PARIS,
         "<iq to='" ROOM "/Romeo' type='get' id='a'><query xmlns='jabber:iq:last'/></iq>");
    reads_error(w, PARIS, "cancel", "item-not-found");
    sets(w, ROMEO, "<item affiliation='outcast' jid='paris@localhost'/>");
    join(w, PARIS, "Paris"); /* and is not told even that */
    reads_error(w, PARIS, "cancel", "item-not-found");
    says(w, PARIS, "<message to='" ROOM "/Romeo' type='chat'><body>x</body></message>");
    reads_error(w, PARIS, "cancel", "item-not-found");
    reads_nothing(w, ROMEO);
    says(w, "romeo@localhost/other",
         "<iq to='" ROOM "' type='get' id='a'>"
         "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    reads(w, "romeo@localhost/other", "<iq from='" ROOM "' type='result' id='a'/>");
    enters(w, "romeo@localhost/other", "Romeo");
    assert_int_equal(world_room(w, ROOM)->session_count, 2);
    assert_int_equal(world_room(w, ROOM)->state, ROOM_LOCKED);
    world_free(w);
}

/* Nobody configures it: after a while it opens as it is. */
static void opens_by_itself(void **state)
{
    struct world *w = world_of_locked_rooms();
    (void)state;
    enters(w, ROMEO, "Romeo");
    world_advance(w, (int64_t)(ROOM_LOCK_SECONDS - 1) * 1000000);
    assert_int_equal(world_room(w, ROOM)->state, ROOM_LOCKED);
    world_advance(w, 1000000);
    assert_int_equal(world_room(w, ROOM)->state, ROOM_OPEN);
    enters(w, PARIS, "Paris");
    assert_int_equal(world_room(w, ROOM)->session_count, 2);
    world_free(w);
}

/* However the creator goes: nothing is left, the next one creates. */
/* @covers 0045#enter-nonexistent.creates 0045#createroom-general.allowed */
/* @covers 0045#createroom-general.status 0045#createroom-reserved.left */
static void left_before_it_was_configured(void **state)
{
    struct world *w = world_of_locked_rooms();
    (void)state;
    enters(w, ROMEO, "Romeo");
    leaves(w, ROMEO);
    assert_null(world_room(w, ROOM));
    enters(w, ROMEO, "Romeo");
    says(w, ROMEO, "<presence to='" ROOM "' type='error'/>");
    assert_null(world_room(w, ROOM));
    enters(w, ROMEO, "Romeo");
    world_client_gone(w, ROMEO);
    assert_null(world_room(w, ROOM));
    join(w, PARIS, "Paris");
    reads(w, PARIS,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "'><status code='201'/>"
          "<item affiliation='owner' role='moderator' jid='" PARIS "'/><status code='110'/></x>"
          "</presence>");
    world_free(w);
}

/* The defaults of the service do not keep the creator out of what is only coming to be. */
static void defaults_do_not_bind_the_creator(void **state)
{
    static const char *const options[] = {"members_only=on", "password=secret", "moderated=on",
                                          NULL};
    struct world *w = world_with(options);
    (void)state;
    join(w, ROMEO, "Romeo");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Romeo'><x xmlns='" NS_USER "'><status code='201'/>"
          "<item affiliation='owner' role='moderator' jid='" ROMEO "'/><status code='110'/></x>"
          "</presence>");
    world_free(w);
}

/* @covers 0045#bizrules-jids.prepared */
static void a_name_every_server_understands(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    says(w, ROMEO,
         "<presence to='\xF0\x9F\xA4\x96@" WORLD_SERVICE "/Romeo'><x xmlns='" NS_X
         "'/></presence>");
    reads(w, ROMEO,
          "<presence from='\xF0\x9F\xA4\x96@" WORLD_SERVICE "/Romeo' type='error'>"
          "<error type='modify' by='" WORLD_SERVICE "'>"
          "<jid-malformed xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>");
    assert_null(world_room(w, "\xF0\x9F\xA4\x96@" WORLD_SERVICE));
    says(w, ROMEO,
         "<presence to='M\xC3\xA4rz@" WORLD_SERVICE "/Romeo'><x xmlns='" NS_X "'/></presence>");
    reads(w, ROMEO, "<presence from='m\xC3\xA4rz@" WORLD_SERVICE "/Romeo'/>");
    world_free(w);
}

/* Restricted: by name, by domain, and to the service's admins alone. */
/* @covers 0045#createroom-general.restricted 0045#createroom-general.allowed */
static void who_may_create(void **state)
{
    static const char *const some[] = {"romeo@localhost", "far.example", NULL};
    static const char *const nobody[] = {NULL};
    static const struct {
        const char *const *create;
        const char *who;
        bool may;
    } rows[] = {
        {NULL, PARIS, true},
        {some, ROMEO, true},
        {some, "romeo@localhost/other", true},
        {some, PARIS, false},
        {some, "paris@far.example/crypt", true},
        {some, "paris@near.far.example/crypt", false},
        {some, ADMIN, true},
        {nobody, ROMEO, false},
        {nobody, ADMIN, true},
    };
    static const char *const admins[] = {"admin@localhost", NULL};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world_config config = {.admins = admins, .create = rows[i].create};
        struct world *w = world_new(&config);
        world_client(w, rows[i].who);
        join(w, rows[i].who, "Maker");
        if (!rows[i].may)
            reads_error(w, rows[i].who, "cancel", "not-allowed");
        assert_int_equal(world_room(w, ROOM) != NULL, rows[i].may);
        world_free(w);
    }
}

/* Who may make none enters what others have made, and does not make it anew. */
static void entering_is_not_creating(void **state)
{
    static const char *const some[] = {"romeo@localhost", NULL};
    struct world_config config = {.create = some};
    struct world *w = world_new(&config);
    (void)state;
    world_client(w, ROMEO);
    world_client(w, PARIS);
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    assert_int_equal(world_room(w, ROOM)->session_count, 2);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='d'><query xmlns='http://jabber.org/protocol/muc#owner'>"
         "<destroy/></query></iq>");
    world_forget(w);
    join(w, PARIS, "Paris");
    reads_error(w, PARIS, "cancel", "gone");
    world_advance(w, (int64_t)TOMBSTONE_DAYS * 24 * 3600 * 1000000);
    join(w, PARIS, "Paris");
    reads_error(w, PARIS, "cancel", "not-allowed");
    assert_null(world_room(w, ROOM));
    world_free(w);
}

/* What only some may have, a new room of the others has not, whatever the defaults. */
static void a_room_is_what_its_creator_may_have(void **state)
{
    static const char *const options[] = {"persistent=on", "public=on", NULL};
    static const char *const some[] = {"romeo@localhost", NULL};
    static const char *const others[] = {"paris@localhost", NULL};
    struct world_config config = {.options = options, .persistent = some, .listed = others};
    struct world *w = world_new(&config);
    (void)state;
    world_client(w, ROMEO);
    world_client(w, PARIS);
    enters(w, ROMEO, "Romeo");
    assert_true(world_room(w, ROOM)->options.persistent);
    assert_false(world_room(w, ROOM)->options.is_public);
    says(w, PARIS, "<presence to='crypt@" WORLD_SERVICE "/Paris'><x xmlns='" NS_X "'/></presence>");
    assert_false(world_room(w, "crypt@" WORLD_SERVICE)->options.persistent);
    assert_true(world_room(w, "crypt@" WORLD_SERVICE)->options.is_public);
    world_free(w);
}

static void destroys(struct world *w)
{
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='d'><query xmlns='http://jabber.org/protocol/muc#owner'>"
         "<destroy jid='other@" WORLD_SERVICE "'><reason>Macbeth</reason></destroy></query></iq>");
    world_forget(w);
}

static void a_tombstone(void **state)
{
    struct world *w = world_of_locked_rooms();
    (void)state;
    enters(w, ROMEO, "Romeo");
    destroys(w);
    assert_int_equal(world_room(w, ROOM)->state, ROOM_DESTROYED);
    join(w, PARIS, "Paris");
    const char *came = world_next(w, PARIS);
    assert_non_null(came);
    char *difference = match_difference(
        "<presence from='" ROOM "/Paris' type='error'><error type='cancel' by='" ROOM "'>"
        "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>xmpp:other@" WORLD_SERVICE "?join</gone>"
        "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>Macbeth</text></error>"
        "<x xmlns='" NS_X "'/></presence>",
        came);
    assert_null(difference);
    says(w, PARIS, "<presence to='" ROOM "/Paris'/>");
    reads_error(w, PARIS, "cancel", "gone");
    says(w, PARIS, "<message to='" ROOM "' type='error'/>");
    says(w, PARIS, "<presence to='" ROOM "' type='unavailable'/>");
    reads_nothing(w, PARIS);
    join(w, ADMIN, "Admin");
    reads(w, ADMIN, "<presence from='" ROOM "/Admin'/>");
    assert_int_equal(world_room(w, ROOM)->state, ROOM_LOCKED);
    world_free(w);
}

static void a_tombstone_does_not_stand_for_ever(void **state)
{
    struct world *w = world_of_locked_rooms();
    (void)state;
    enters(w, ROMEO, "Romeo");
    destroys(w);
    world_advance(w, (int64_t)TOMBSTONE_DAYS * 24 * 3600 * 1000000);
    join(w, PARIS, "Paris");
    reads(w, PARIS,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "'><status code='201'/>"
          "<item affiliation='owner' role='moderator' jid='" PARIS "'/><status code='110'/></x>"
          "</presence>");
    assert_null(room_affiliate(world_room(w, ROOM), STR("romeo@localhost")));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locked_to_all_but_the_creator),
        cmocka_unit_test(opens_by_itself),
        cmocka_unit_test(left_before_it_was_configured),
        cmocka_unit_test(defaults_do_not_bind_the_creator),
        cmocka_unit_test(a_name_every_server_understands),
        cmocka_unit_test(who_may_create),
        cmocka_unit_test(entering_is_not_creating),
        cmocka_unit_test(a_room_is_what_its_creator_may_have),
        cmocka_unit_test(a_tombstone),
        cmocka_unit_test(a_tombstone_does_not_stand_for_ever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
