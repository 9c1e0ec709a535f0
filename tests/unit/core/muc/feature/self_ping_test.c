/* @covers 0410#serveroptimization 0410#performingselfping 0199#c2s */
#include "core/muc/room.h"
#include "tests/support/talk.h"

static void pings(struct world *w, const char *from, const char *nick)
{
    says(w, from, "<iq to='" ROOM "/%s' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>",
         nick);
}

/* The account is inside, by another session: this one is not. */
static void for_each_session_on_its_own(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, JULIET, "Juliet");
    pings(w, JULIET, "Juliet");
    reads(w, JULIET, "<iq from='" ROOM "/Juliet' type='result' id='p'/>");
    pings(w, JULIET_2, "Juliet");
    reads_error(w, JULIET_2, "cancel", "not-acceptable");
    reads_nothing(w, JULIET);
    world_free(w);
}

static void another_occupant_answers_itself(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    pings(w, ROMEO, "Paris");
    reads_nothing(w, ROMEO);
    reads(w, PARIS, "<iq from='" ROOM "/Romeo' type='get'><ping xmlns='urn:xmpp:ping'/></iq>");
    pings(w, ROMEO, "Gone");
    reads_error(w, ROMEO, "cancel", "item-not-found");
    world_free(w);
}

/* Also while the room is locked, and where occupants may not ask each other. */
static void whatever_the_room_permits(void **state)
{
    struct world *w = world_new(NULL);
    (void)state;
    world_client(w, ROMEO);
    enters(w, ROMEO, "Romeo");
    assert_int_equal(world_room(w, ROOM)->state, ROOM_LOCKED);
    pings(w, ROMEO, "Romeo");
    reads(w, ROMEO, "<iq from='" ROOM "/Romeo' type='result' id='p'/>");
    configures(w, ROMEO, "allow_query_users", "0");
    pings(w, ROMEO, "Romeo");
    reads(w, ROMEO, "<iq from='" ROOM "/Romeo' type='result' id='p'/>");
    world_free(w);
}

static void pings_room(struct world *w, const char *from)
{
    says(w, from, "<iq to='" ROOM "' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>");
}

/* Is it there? To strangers a locked room is not. */
static void the_room_itself(void **state)
{
    struct world *w = world_new(NULL);
    (void)state;
    world_client(w, ROMEO);
    world_client(w, PARIS);
    enters(w, ROMEO, "Romeo");
    pings_room(w, ROMEO);
    reads(w, ROMEO, "<iq from='" ROOM "' type='result' id='p'/>");
    pings_room(w, PARIS);
    reads_error(w, PARIS, "cancel", "item-not-found");
    configures(w, ROMEO, "allow_query_users", "0");
    pings_room(w, PARIS);
    reads(w, PARIS, "<iq from='" ROOM "' type='result' id='p'/>");
    reads_nothing(w, ROMEO);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(for_each_session_on_its_own),
        cmocka_unit_test(another_occupant_answers_itself),
        cmocka_unit_test(whatever_the_room_permits),
        cmocka_unit_test(the_room_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
