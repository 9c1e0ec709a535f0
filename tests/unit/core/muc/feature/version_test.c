/* @covers 0092#protocol */
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define ANSWER                                                                                     \
    "<iq from='" ROOM "' type='result' id='v'><query xmlns='jabber:iq:version'>"                   \
    "<name>Stentor</name><version>test</version></query></iq>"
#define QUESTION "<iq to='%s' type='%s' id='v'><query xmlns='jabber:iq:version'/></iq>"

static void anybody_may_ask(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='outcast' jid='juliet@localhost'/>");
    const char *const askers[] = {ROMEO, PARIS, JULIET};
    for (size_t i = 0; i < ARRAY_LEN(askers); i++) {
        says(w, askers[i], QUESTION, ROOM, "get");
        reads(w, askers[i], ANSWER);
    }
    says(w, PARIS,
         "<iq to='" ROOM "' type='get' id='i'>"
         "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    assert_non_null(strstr(world_next(w, PARIS), "<feature var='jabber:iq:version'/>"));
    world_free(w);
}

static void it_is_nothing_one_sets(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    says(w, ROMEO, QUESTION, ROOM, "set");
    reads_error(w, ROMEO, "cancel", "service-unavailable");
    world_free(w);
}

/* A room that is not there runs nothing. */
static void a_room_has_to_be_there(void **state)
{
    struct world *w = world_new(NULL);
    (void)state;
    world_client(w, ROMEO);
    world_client(w, PARIS);
    says(w, PARIS, QUESTION, ROOM, "get");
    reads_error(w, PARIS, "cancel", "item-not-found");
    enters(w, ROMEO, "Romeo");
    says(w, PARIS, QUESTION, ROOM, "get");
    reads_error(w, PARIS, "cancel", "item-not-found");
    says(w, ROMEO, QUESTION, ROOM, "get");
    reads(w, ROMEO, ANSWER);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(anybody_may_ask),
        cmocka_unit_test(it_is_nothing_one_sets),
        cmocka_unit_test(a_room_has_to_be_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
