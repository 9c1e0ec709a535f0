#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "core/base/limits.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define OWNER_NS      "http://jabber.org/protocol/muc#owner"
#define SERVICE_ADMIN "admin@localhost/desk"
#define DAY_US        (INT64_C(86400) * 1000 * 1000)

static const char *const persistent[] = {"persistent=on", NULL};

static void destroys(struct world *w, const char *who, const char *destroy)
{
    says(w, who, "<iq to='" ROOM "' type='set' id='d'><query xmlns='" OWNER_NS "'>%s</query></iq>",
         destroy);
}

static void reads_result(struct world *w, const char *who)
{
    reads(w, who, "<iq from='" ROOM "' type='result' id='d'/>");
}

static struct world *company(const char *const *options)
{
    struct world *w = world_with(options);
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, JULIET_2, "Juliet");
    return w;
}

/* @covers 0045#destroyroom.forbidden */
static void only_owners_destroy(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sets(w, ROMEO, "<item affiliation='admin' jid='juliet@localhost'/>");
    destroys(w, JULIET, "<destroy/>");
    reads_error(w, JULIET, "auth", "forbidden");
    assert_int_equal(world_room(w, ROOM)->session_count, 3);
    world_free(w);
}

/* One farewell for each session, about itself and nobody else. */
/* @covers 0045#destroyroom.owner 0045#destroyroom.once 0045#destroyroom.details */
static void each_session_is_told_once(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    destroys(w, ROMEO,
             "<destroy jid='Tomb@conference.localhost'><reason>Woe</reason>"
             "<password>dagger</password></destroy>");
    reads(w, JULIET,
          "<presence type='unavailable' from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
          "<destroy jid='tomb@conference.localhost'><reason>Woe</reason>"
          "<password>dagger</password></destroy>"
          "<item affiliation='none' role='none' jid='" JULIET "'/><status code='110'/></x>"
          "</presence>");
    reads_nothing(w, JULIET);
    reads(w, JULIET_2,
          "<presence type='unavailable' from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
          "<destroy jid='tomb@conference.localhost'><reason>Woe</reason>"
          "<password>dagger</password></destroy>"
          "<item affiliation='none' role='none' jid='" JULIET_2 "'/><status code='110'/></x>"
          "</presence>");
    reads_nothing(w, JULIET_2);
    reads(w, ROMEO, "<presence type='unavailable' from='" ROOM "/Romeo'/>");
    reads_result(w, ROMEO);
    reads_nothing(w, ROMEO);
    world_free(w);
}

/* @covers 0045#destroyroom.element */
static void without_details_the_element_is_empty(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    destroys(w, ROMEO, "<destroy/>");
    reads(w, ROMEO,
          "<presence type='unavailable' from='" ROOM "/Romeo'><x xmlns='" NS_USER "'><destroy/>"
          "<item affiliation='owner' role='none' jid='" ROMEO "'/><status code='110'/></x>"
          "</presence>");
    world_free(w);
}

static void told_no_affiliation_if_the_operator_wants_it_so(void **state)
{
    static const char *const none[] = {"destroy_item_none=on", NULL};
    struct world *w = company(none);
    (void)state;
    destroys(w, ROMEO, "<destroy/>");
    reads(w, ROMEO,
          "<presence type='unavailable' from='" ROOM "/Romeo'><x xmlns='" NS_USER "'><destroy/>"
          "<item affiliation='none' role='none' jid='" ROMEO "'/><status code='110'/></x>"
          "</presence>");
    world_free(w);
}

/* An address is not a URI: what means something there is written as a number. */
static void where_it_has_gone_is_a_uri(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    destroys(w, ROMEO, "<destroy jid='a#1?%x`\xc3\xa9@conference.localhost/A B'/>");
    world_forget(w);
    join(w, PARIS, "Paris");
    reads(w, PARIS,
          "<presence type='error' from='" ROOM "/Paris'><error type='cancel'>"
          "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>"
          "xmpp:a%%231%%3F%%25x%%60\xc3\xa9@conference.localhost/A%%20B?join</gone></error>"
          "</presence>");
    world_free(w);
}

static void tombstone_answers_and_passes(void **state)
{
    struct world *w = company(persistent);
    (void)state;
    world_client(w, SERVICE_ADMIN);
    sets(w, ROMEO, "<item affiliation='outcast' jid='paris@localhost'/>");
    destroys(w, ROMEO, "<destroy jid='tomb@conference.localhost'><reason>Woe</reason></destroy>");
    world_forget(w);
    join(w, PARIS, "Paris");
    reads(w, PARIS,
          "<presence type='error' from='" ROOM "/Paris'><error type='cancel' by='" ROOM "'>"
          "<gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>"
          "xmpp:tomb@conference.localhost?join</gone>"
          "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>Woe</text></error></presence>");
    says(w, ROMEO, "<message type='groupchat' to='" ROOM "'><body>hi</body></message>");
    reads_error(w, ROMEO, "cancel", "gone");
    destroys(w, ROMEO, "<destroy/>"); /* twice */
    reads_error(w, ROMEO, "cancel", "gone");
    says(w, PARIS, "<presence to='" ROOM "/Paris' type='unavailable'/>");
    reads_nothing(w, PARIS);
    world_advance(w, TOMBSTONE_DAYS * DAY_US);
    assert_null(world_room(w, ROOM));
    join(w, PARIS, "Paris"); /* nothing of the old room is left: no ban */
    reads(w, PARIS,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "'><status code='201'/>"
          "<item affiliation='owner' role='moderator' jid='" PARIS "'/><status code='110'/></x>"
          "</presence>");
    world_free(w);
}

/* The address is free as soon as everybody is out. */
static void without_a_tombstone(void **state)
{
    struct world_config config = {.no_tombstones = true};
    struct world *w = world_new(&config);
    (void)state;
    world_client(w, ROMEO);
    world_client(w, PARIS);
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='outcast' jid='paris@localhost'/>");
    destroys(w, ROMEO, "<destroy jid='tomb@conference.localhost'/>");
    reads(w, ROMEO,
          "<presence type='unavailable' from='" ROOM "/Romeo'><x xmlns='" NS_USER "'>"
          "<destroy jid='tomb@conference.localhost'/>"
          "<item affiliation='owner' role='none' jid='" ROMEO "'/><status code='110'/></x>"
          "</presence>");
    reads_result(w, ROMEO);
    assert_null(world_room(w, ROOM));
    join(w, PARIS, "Paris");
    reads(w, PARIS,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "'><status code='201'/>"
          "<item affiliation='owner' role='moderator' jid='" PARIS "'/><status code='110'/></x>"
          "</presence>");
    world_free(w);
}

static void service_admin_builds_anew(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    world_client(w, SERVICE_ADMIN);
    destroys(w, SERVICE_ADMIN, "<destroy/>"); /* an owner of every room */
    reads_result(w, SERVICE_ADMIN);
    join(w, SERVICE_ADMIN, "Admin");
    reads(w, SERVICE_ADMIN,
          "<presence from='" ROOM "/Admin'><x xmlns='" NS_USER "'><status code='201'/>"
          "<item affiliation='owner' role='moderator' jid='" SERVICE_ADMIN "'/>"
          "<status code='110'/></x></presence>");
    join(w, ROMEO, "Romeo");
    reads(w, ROMEO, "<presence type='unavailable' from='" ROOM "/Romeo'/>");
    reads(w, ROMEO, "<presence from='" ROOM "/Admin'/>");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Romeo'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant' jid='" ROMEO "'/><status code='110'/></x>"
          "</presence>");
    world_free(w);
}

static void asks_for_voice(struct world *w, const char *who)
{
    says(w, who,
         "<message to='" ROOM "'><x xmlns='jabber:x:data' type='submit'>"
         "<field var='FORM_TYPE'><value>" NS_X "#request</value></field>"
         "<field var='muc#role'><value>participant</value></field></x></message>");
    reads_nothing(w, who);
}

/* An invitation, a request for voice and voice that was given are of the room that was. */
static void nothing_remembered_outlives_it(void **state)
{
    static const char *const moderated[] = {"moderated=on", "persistent=on", NULL};
    struct world *w = company(moderated);
    (void)state;
    world_client(w, SERVICE_ADMIN);
    world_client(w, NURSE);
    enters(w, PARIS, "Paris");
    sets(w, ROMEO, "<item nick='Paris' role='participant'/>");
    says(w, ROMEO,
         "<message to='" ROOM "'><x xmlns='" NS_USER "'><invite to='nurse@localhost'/></x>"
         "</message>");
    leaves(w, ROMEO);
    asks_for_voice(w, JULIET);
    assert_int_equal(world_room(w, ROOM)->voice_pending.count, 1);
    assert_int_equal(world_room(w, ROOM)->invited.count, 1);
    destroys(w, SERVICE_ADMIN, "<destroy/>");
    hush(w);
    join(w, SERVICE_ADMIN, "Admin");
    reads(w, SERVICE_ADMIN, "<presence from='" ROOM "/Admin'/>");
    reads(w, SERVICE_ADMIN, "<message from='" ROOM "'><subject/></message>");
    enters(w, JULIET, "Juliet");
    reads_nothing(w, SERVICE_ADMIN);
    says(w, NURSE,
         "<message to='" ROOM "' id='n'><x xmlns='" NS_USER "'>"
         "<decline to='romeo@localhost'/></x></message>");
    reads_error(w, NURSE, "cancel", "item-not-found");
    enters(w, PARIS, "Paris");
    assert_int_equal(occupant_by_nick(world_room(w, ROOM), STR("paris"))->role, ROLE_VISITOR);
    world_free(w);
}

static void requests_that_make_no_sense(void **state)
{
    static char reason[REASON_BYTES_MAX + 2];
    struct world *w = company(NULL);
    char *destroy;
    (void)state;
    destroys(w, ROMEO, "<destroy jid='@@'/>");
    reads_error(w, ROMEO, "modify", "jid-malformed");
    memset(reason, 'r', REASON_BYTES_MAX + 1);
    destroy = text_of("<destroy><reason>%s</reason></destroy>", reason);
    destroys(w, ROMEO, destroy);
    reads_error(w, ROMEO, "modify", "bad-request");
    free(destroy);
    reason[REASON_BYTES_MAX] = '\0';
    destroy = text_of("<destroy><reason>%s</reason></destroy>", reason);
    destroys(w, ROMEO, destroy);
    reads(w, ROMEO, "<presence type='unavailable' from='" ROOM "/Romeo'/>");
    free(destroy);
    world_free(w);
}

/* The creator may give a room up before it was ever open. */
static void locked_room_can_be_destroyed(void **state)
{
    struct world_config config = {.locked = true};
    struct world *w = world_new(&config);
    (void)state;
    world_client(w, ROMEO);
    world_client(w, JULIET);
    enters(w, ROMEO, "Romeo");
    destroys(w, JULIET, "<destroy/>");
    reads_error(w, JULIET, "cancel", "item-not-found");
    destroys(w, ROMEO, "<destroy/>");
    reads(w, ROMEO, "<presence type='unavailable' from='" ROOM "/Romeo'/>");
    reads_result(w, ROMEO);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_owners_destroy),
        cmocka_unit_test(each_session_is_told_once),
        cmocka_unit_test(without_details_the_element_is_empty),
        cmocka_unit_test(told_no_affiliation_if_the_operator_wants_it_so),
        cmocka_unit_test(where_it_has_gone_is_a_uri),
        cmocka_unit_test(tombstone_answers_and_passes),
        cmocka_unit_test(without_a_tombstone),
        cmocka_unit_test(service_admin_builds_anew),
        cmocka_unit_test(nothing_remembered_outlives_it),
        cmocka_unit_test(requests_that_make_no_sense),
        cmocka_unit_test(locked_room_can_be_destroyed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
