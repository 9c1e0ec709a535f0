#include "core/muc/room.h"
#include "tests/support/talk.h"

/* One frame, one effect, for everybody and for the history. */
/* @covers 0045#message.reflect 0045#message.id */
static void one_serialisation_for_all(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, JULIET_2, "Juliet");
    enters(w, PARIS, "Paris");
    says(w, PARIS, "<message to='" ROOM "' type='groupchat' id='a'><body>Hail</body></message>");
    assert_int_equal(world_effects(w, FX_BROADCAST), 1);
    assert_int_equal(world_effects(w, FX_SEND), 0);
    assert_int_equal(world_room(w, ROOM)->history.count, 1);
    static const char *const all[] = {ROMEO, JULIET, JULIET_2, PARIS};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        reads(w, all[i],
              "<message from='" ROOM "/Paris' to='%s' id='a'><body>Hail</body></message>", all[i]);
        reads_nothing(w, all[i]);
    }
    world_free(w);
}

static void nothing_forged_passes(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    says(w, ROMEO,
         "<message to='" ROOM "' type='groupchat' id='a' from='" PARIS "'><body>x</body>"
         "<x xmlns='" NS_X "'/><x xmlns='" NS_USER "'/><x xmlns='jabber:x:conference' jid='a@b'/>"
         "<stanza-id xmlns='urn:xmpp:sid:0' by='Lounge@Conference.localhost' id='forged'/>"
         "<hats xmlns='urn:xmpp:hats:0'/>"
         "<delay xmlns='urn:xmpp:delay' from='" ROOM "' stamp='2001-01-01T00:00:00Z'/>"
         "<delay xmlns='urn:xmpp:delay' from='juliet@localhost' stamp='2002-01-01T00:00:00Z'/>"
         "<x xmlns='jabber:x:delay' from='" ROOM "/Juliet' stamp='20030101T00:00:00'/>"
         "<x xmlns='jabber:x:delay' from='juliet@localhost' stamp='20040101T00:00:00'/>"
         "</message>");
    const char *came = world_next(w, ROMEO);
    assert_non_null(came);
    assert_null(strstr(came, "forged"));
    assert_null(strstr(came, "hats"));
    assert_null(strstr(came, "2001-"));
    assert_null(strstr(came, "http://jabber.org/protocol/muc"));
    assert_null(strstr(came, PARIS));
    assert_non_null(strstr(came, "2002-"));
    assert_null(strstr(came, "20030101"));
    assert_non_null(strstr(came, "20040101"));
    assert_non_null(strstr(came, "jabber:x:conference"));
    world_free(w);
}

/* What was said before a change of nickname comes out under the old one. */
static void order_is_kept(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    says(w, PARIS, "<message to='" ROOM "' type='groupchat'><body>1</body></message>");
    says(w, PARIS, "<presence to='" ROOM "/County'/>");
    says(w, PARIS, "<message to='" ROOM "' type='groupchat'><body>2</body></message>");
    reads(w, ROMEO, "<message from='" ROOM "/Paris'><body>1</body></message>");
    reads(w, ROMEO, "<presence from='" ROOM "/Paris' type='unavailable'/>");
    reads(w, ROMEO, "<presence from='" ROOM "/County'/>");
    reads(w, ROMEO, "<message from='" ROOM "/County'><body>2</body></message>");
    world_free(w);
}

/* Another session of an occupant is not the occupant. */
/* @covers 0045#message.stranger 0045#bizrules-message.outside 0045#bizrules-message.refused */
static void who_is_outside_does_not_speak(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, JULIET, "Juliet");
    says(w, JULIET_2, "<message to='" ROOM "' type='groupchat' id='a'><body>x</body></message>");
    reads_error(w, JULIET_2, "cancel", "not-acceptable");
    reads_nothing(w, JULIET);
    assert_int_equal(world_room(w, ROOM)->history.count, 0);
    world_free(w);
}

/* Anything else to the room itself is no message to all, and never passed on. */
static void other_types_to_the_room(void **state)
{
    static const char *const types[] = {"type='chat'", "type='normal'", "type='headline'", ""};
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        says(w, PARIS, "<message to='" ROOM "' %s id='a'><body>x</body></message>", types[i]);
        reads_error(w, PARIS, "modify", "bad-request");
    }
    says(w, PARIS,
         "<message to='" ROOM "' type='chat' id='a'><received xmlns='urn:xmpp:receipts' id='b'/>"
         "</message>");
    reads_error(w, PARIS, "modify", "bad-request");
    says(w, PARIS,
         "<message to='" ROOM "' id='a'><received xmlns='urn:xmpp:receipts' id='b'/></message>");
    reads_nothing(w, PARIS);
    reads_nothing(w, ROMEO);
    world_free(w);
}

/* ---- corrections ---- */

/* Juliet and Paris are in Romeo's room, Paris has said something as `m`. */
static struct world *world_of_one_message(const char *const *options)
{
    struct world *w = world_with(options);
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    says(w, PARIS, "<message to='" ROOM "' type='groupchat' id='m'><body>Rude</body></message>");
    hush(w);
    return w;
}

static void corrects(struct world *w, const char *who, const char *id)
{
    says(w, who,
         "<message to='" ROOM "' type='groupchat' id='c'><body>better</body>"
         "<replace xmlns='urn:xmpp:message-correct:0' id='%s'/></message>",
         id);
}

/* @covers 0308#rules */
static void foreign_corrections_may_be_refused(void **state)
{
    static const char *const options[] = {"own_corrections=on", NULL};
    struct world *w = world_of_one_message(options);
    (void)state;
    corrects(w, JULIET, "m");
    reads(w, JULIET,
          "<message from='" ROOM "' type='error' id='c'><error type='auth' by='" ROOM "'>"
          "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>");
    reads_nothing(w, PARIS);
    assert_int_equal(world_room(w, ROOM)->history.count, 1);
    corrects(w, PARIS, "m");
    reads(w, JULIET, "<message from='" ROOM "/Paris' id='c'><body>better</body></message>");
    corrects(w, JULIET, "unknown"); /* nobody knows whose that was */
    reads(w, JULIET, "<message from='" ROOM "/Juliet' id='c'/>");
    /* Now both have sent one of that id: either may mean its own. */
    corrects(w, JULIET, "c");
    reads(w, JULIET, "<message from='" ROOM "/Juliet' id='c'/>");
    world_free(w);
}

static void foreign_corrections_pass_otherwise(void **state)
{
    struct world *w = world_of_one_message(NULL);
    (void)state;
    corrects(w, JULIET, "m");
    reads(w, PARIS, "<message from='" ROOM "/Juliet' id='c'><body>better</body></message>");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_serialisation_for_all),
        cmocka_unit_test(nothing_forged_passes),
        cmocka_unit_test(order_is_kept),
        cmocka_unit_test(who_is_outside_does_not_speak),
        cmocka_unit_test(other_types_to_the_room),
        cmocka_unit_test(foreign_corrections_may_be_refused),
        cmocka_unit_test(foreign_corrections_pass_otherwise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
