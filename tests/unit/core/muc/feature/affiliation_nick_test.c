#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/support/ranks.h"

/* By nickname, as some old clients do: the account behind it is meant, and nothing is reserved. */
static void account_behind_a_nickname(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sets(w, ROMEO, "<item affiliation='member' nick='Paris'/>");
    assert_int_equal(affiliation_of(w, "paris@localhost"), AFF_MEMBER);
    assert_null(room_nick_owner(world_room(w, ROOM), STR("paris")));
    world_free(w);
}

static void nickname_is_handed_over(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    asks(w, ROMEO, "<item affiliation='member' jid='juliet@localhost' nick='Paris'/>");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Paris' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='307'/><item affiliation='none' role='none' jid='" PARIS "'>"
          "<reason>This nickname is reserved</reason></item></x></presence>");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'><item affiliation='member' "
          "role='participant' jid='" JULIET "'><actor nick='Romeo' jid='" ROMEO "'/></item></x>"
          "</presence>");
    reads_result(w, ROMEO);
    says(w, PARIS, "<presence to='" ROOM "/Paris'><x xmlns='" NS_X "'/></presence>");
    reads(w, PARIS, "<presence from='" ROOM "/Paris' type='unavailable'/>");
    reads_error(w, PARIS, "cancel", "conflict");
    world_free(w);
}

/* @covers 0045#ban.nick 0045#bizrules-iq.nick */
static void reservation_ends_with_what_it_stood_for(void **state)
{
    struct world *w = company(NULL);
    struct room *room = world_room(w, ROOM);
    (void)state;
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost' nick='Juliet'/>");
    assert_non_null(room_nick_owner(room, STR("juliet")));
    sets(w, ROMEO, "<item affiliation='admin' jid='juliet@localhost'/>"); /* says nothing of it */
    assert_non_null(room_nick_owner(room, STR("juliet")));
    sets(w, ROMEO, "<item affiliation='admin' jid='juliet@localhost' nick=''/>");
    assert_null(room_nick_owner(room, STR("juliet")));
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost' nick='Juliet'/>");
    sets(w, ROMEO, "<item affiliation='outcast' jid='juliet@localhost' nick='Juliet'/>");
    assert_null(room_nick_owner(room, STR("juliet")));
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost' nick='Juliet'/>");
    sets(w, ROMEO, "<item affiliation='none' jid='juliet@localhost'/>");
    assert_null(room_nick_owner(room, STR("juliet")));
    world_free(w);
}

/* By another nickname of its own: that one is another occupant. */
static void actor_may_lose_its_other_nickname(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    world_client(w, "romeo@localhost/balcony");
    enters(w, "romeo@localhost/balcony", "Montague");
    asks(w, ROMEO, "<item affiliation='member' jid='juliet@localhost' nick='Montague'/>");
    assert_null(inside(w, "montague"));
    assert_non_null(inside(w, "romeo"));
    world_free(w);
}

/* Reserving it for another would put out somebody the actor could not kick. */
/* @covers 0045#modifyban.atomic */
static void nickname_of_a_higher_rank_is_safe(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    sets(w, ROMEO, "<item affiliation='admin' jid='juliet@localhost'/>");
    asks(w, JULIET,
         "<item affiliation='member' jid='tybalt@localhost'/>"
         "<item affiliation='member' jid='paris@localhost' nick='Romeo'/>");
    reads_error(w, JULIET, "cancel", "not-allowed");
    assert_non_null(inside(w, "romeo"));
    assert_int_equal(affiliation_of(w, "tybalt@localhost"), AFF_NONE);
    sets(w, JULIET, "<item affiliation='member' jid='tybalt@localhost' nick='Paris'/>");
    assert_null(inside(w, "paris")); /* he has no rank */
    sets(w, ROMEO, "<item affiliation='member' jid='paris@localhost' nick='Juliet'/>");
    assert_null(inside(w, "juliet"));
    world_free(w);
}

/* What counts is how things stand when all items have taken effect. */
static void nicknames_change_hands_in_one_request(void **state)
{
    struct world *w = company(NULL);
    struct room *room = world_room(w, ROOM);
    (void)state;
    sets(w, ROMEO,
         "<item affiliation='member' jid='a@localhost' nick='One'/>"
         "<item affiliation='member' jid='b@localhost' nick='Two'/>");
    asks(w, ROMEO, "<item affiliation='member' jid='a@localhost' nick='Two'/>");
    reads_error(w, ROMEO, "cancel", "conflict");
    asks(w, ROMEO,
         "<item affiliation='member' jid='a@localhost' nick='Two'/>"
         "<item affiliation='member' jid='b@localhost'/>"); /* says nothing of its nickname */
    reads_error(w, ROMEO, "cancel", "conflict");
    sets(w, ROMEO,
         "<item affiliation='member' jid='a@localhost' nick='Two'/>"
         "<item affiliation='member' jid='b@localhost' nick='One'/>");
    assert_true(str_eqz(room_nick_owner(room, STR("two"))->jid, "a@localhost"));
    assert_true(str_eqz(room_nick_owner(room, STR("one"))->jid, "b@localhost"));
    sets(w, ROMEO,
         "<item affiliation='member' jid='c@localhost' nick='Two'/>"
         "<item affiliation='outcast' jid='a@localhost'/>");
    assert_true(str_eqz(room_nick_owner(room, STR("two"))->jid, "c@localhost"));
    world_free(w);
}

/* Of one query: who is banned uses a nickname that is reserved for another. It is told of the ban.
 */
static void nickname_of_who_is_banned(void **state)
{
    struct world *w = company(NULL);
    (void)state;
    asks(w, ROMEO,
         "<item affiliation='member' jid='nurse@localhost' nick='Juliet'/>"
         "<item affiliation='outcast' jid='juliet@localhost'><reason>Peace</reason></item>");
    reads(w, JULIET,
          "<presence type='unavailable' from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
          "<status code='301'/><item affiliation='outcast' role='none' jid='" JULIET "'>"
          "<actor nick='Romeo'/><reason>Peace</reason></item><status code='110'/></x>"
          "</presence>");
    reads_nothing(w, JULIET);
    world_free(w);
}

/* Reserving a nickname puts out who uses it: only one who may be kicked, and nobody kicks itself.
 */
static void reserving_is_kicking(void **state)
{
    static const char *const safe[] = {"kick_equals=off", NULL};
    struct world *w = company(safe);
    (void)state;
    sets(w, ROMEO,
         "<item affiliation='admin' jid='juliet@localhost'/>"
         "<item affiliation='admin' jid='paris@localhost'/>");
    asks(w, JULIET, "<item affiliation='member' jid='tybalt@localhost' nick='Paris'/>");
    reads_error(w, JULIET, "cancel", "not-allowed");
    asks(w, JULIET, "<item affiliation='member' jid='tybalt@localhost' nick='Juliet'/>");
    reads_error(w, JULIET, "cancel", "conflict");
    assert_non_null(inside(w, "paris"));
    assert_non_null(inside(w, "juliet"));
    sets(w, ROMEO, "<item affiliation='member' jid='tybalt@localhost' nick='Paris'/>");
    assert_null(inside(w, "paris"));
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nickname_of_who_is_banned),
        cmocka_unit_test(account_behind_a_nickname),
        cmocka_unit_test(nickname_is_handed_over),
        cmocka_unit_test(reservation_ends_with_what_it_stood_for),
        cmocka_unit_test(actor_may_lose_its_other_nickname),
        cmocka_unit_test(nickname_of_a_higher_rank_is_safe),
        cmocka_unit_test(nicknames_change_hands_in_one_request),
        cmocka_unit_test(reserving_is_kicking),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
