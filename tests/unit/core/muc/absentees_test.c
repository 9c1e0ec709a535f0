/*
 * Absent members where newcomers share what they are shown of them: each is given what one in a
 * room that keeps nothing would be, whatever has happened before.
 * @covers 0045#enter-pres.list
 */
#include "core/muc/absentees.h"

#include "core/muc/room.h"
#include "tests/support/talk.h"

#include <stdlib.h>

#define SHOWS                                                                                      \
    "<iq to='" ROOM "' type='set' id='c'><query xmlns='http://jabber.org/protocol/muc#owner'>"     \
    "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>"                        \
    "http://jabber.org/protocol/muc#roomconfig</value></field>"                                    \
    "<field var='muc#roomconfig_presencebroadcast'><value>none</value><value>moderator</value>"    \
    "<value>participant</value></field></x></query></iq>"

enum { LINES_MAX = 64 };

/* The same is done in both; only in the first lists are shared. */
static struct world *worlds[2];

static int begin(void **state)
{
    UNUSED(state);
    for (unsigned i = 0; i < 2; i++) {
        struct world_config config = {.lineup_from = i == 0 ? 1 : 1000};
        worlds[i] = world_new(&config);
        static const char *const all[] = {ROMEO, JULIET, JULIET_2, PARIS};
        for (size_t at = 0; at < ARRAY_LEN(all); at++)
            world_client(worlds[i], all[at]);
    }
    return 0;
}

static int end(void **state)
{
    UNUSED(state);
    world_free(worlds[0]);
    world_free(worlds[1]);
    return 0;
}

static void both(const char *who, const char *xml)
{
    for (unsigned i = 0; i < 2; i++) {
        world_forget(worlds[i]);
        says(worlds[i], who, "%s", xml);
    }
}

static void both_set(const char *items)
{
    char xml[1000];
    snprintf(xml, sizeof(xml),
             "<iq to='" ROOM "' type='set' id='s'>"
             "<query xmlns='http://jabber.org/protocol/muc#admin'>%s</query></iq>",
             items);
    both(ROMEO, xml);
    for (unsigned i = 0; i < 2; i++) {
        const char *came;
        do {
            came = world_next(worlds[i], ROMEO);
            assert_non_null(came);
        } while (strncmp(came, "<iq", 3) != 0);
        assert_non_null(strstr(came, "type='result'"));
    }
}

static void both_enter(const char *who, const char *nick)
{
    char xml[300];
    snprintf(xml, sizeof(xml),
             "<presence to='" ROOM "/%s'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
             nick);
    both(who, xml);
}

static void both_leave(const char *who, const char *nick)
{
    char xml[300];
    snprintf(xml, sizeof(xml), "<presence to='" ROOM "/%s' type='unavailable'/>", nick);
    both(who, xml);
}

static int by_text(const void *left, const void *right)
{
    return strcmp(*(char *const *)left, *(char *const *)right);
}

/* The presences of absent members who were given to that client, sorted. Returns how many. */
static unsigned given(struct world *world, const char *who, char *lines[LINES_MAX])
{
    unsigned count = 0;
    const char *came;
    while ((came = world_next(world, who)) != NULL) {
        if (strncmp(came, "<presence", 9) != 0 || strstr(came, "type='unavailable'") == NULL)
            continue;
        assert_true(count < LINES_MAX);
        /* Each world has a secret of its own. */
        lines[count] = strdup(strstr(came, "<x xmlns="));
        count++;
    }
    qsort(lines, count, sizeof(*lines), by_text);
    return count;
}

/* Both have been given the same, that many. */
static void same_given(const char *who, unsigned wanted)
{
    char *shared[LINES_MAX], *plain[LINES_MAX];
    assert_int_equal(given(worlds[0], who, shared), wanted);
    assert_int_equal(given(worlds[1], who, plain), wanted);
    for (unsigned i = 0; i < wanted; i++) {
        assert_string_equal(shared[i], plain[i]);
        free(shared[i]);
        free(plain[i]);
    }
    room_check(world_room(worlds[0], ROOM));
}

/* Paris, a visitor who is shown no JIDs, and Juliet, an admin who is, come back to look. */
static void look(unsigned to_paris, unsigned to_juliet)
{
    both_enter(PARIS, "Paris");
    same_given(PARIS, to_paris);
    both_leave(PARIS, "Paris");
    both_enter(JULIET, "Juliet");
    same_given(JULIET, to_juliet);
    both_leave(JULIET, "Juliet");
}

static void as_if_nothing_were_kept(void **state)
{
    UNUSED(state);
    both_enter(ROMEO, "Romeo");
    both(ROMEO, SHOWS);
    both_set("<item affiliation='admin' jid='juliet@localhost'/>"
             "<item affiliation='member' jid='a@x.example' nick='Anna'/>"
             "<item affiliation='member' jid='b@x.example' nick='Ben'/>"
             "<item affiliation='member' jid='c@x.example' nick='Cid'/>");
    look(3, 3);
    look(3, 3);
    both_set("<item affiliation='none' jid='a@x.example'/>");
    look(2, 2);
    both_set("<item affiliation='admin' jid='b@x.example'/>");
    look(2, 2);
    both_set("<item affiliation='member' jid='c@x.example' nick='Anna'/>");
    look(2, 2);
    both_set("<item affiliation='outcast' jid='b@x.example'/>");
    look(1, 1);
    both_set("<item affiliation='member' jid='paris@localhost' nick='Count'/>");
    look(1, 2); /* inside he is not absent, by whatever name */
    both_set("<item affiliation='member' jid='juliet@localhost' nick='Julia'/>");
    both_enter(PARIS, "Paris");
    same_given(PARIS, 2);
    both_enter(JULIET, "Juliet");
    same_given(JULIET, 1);
    both(PARIS, "<presence to='" ROOM "/Count'/>");
    both_enter(PARIS, "Count"); /* once more */
    same_given(PARIS, 1);
    both_leave(JULIET, "Juliet");
    both_leave(PARIS, "Count");
    look(2, 2);
}

static void kept_while_somebody_is_inside_and_they_are_shown(void **state)
{
    UNUSED(state);
    const struct room *room;
    both_enter(ROMEO, "Romeo");
    both(ROMEO, SHOWS);
    both_set("<item affiliation='member' jid='a@x.example' nick='Anna'/>");
    both_enter(PARIS, "Paris");
    room = world_room(worlds[0], ROOM);
    assert_non_null(room->absentees);
    assert_null(world_room(worlds[1], ROOM)->absentees);
    configures(worlds[0], ROMEO, "muc#roomconfig_presencebroadcast", "moderator");
    assert_null(room->absentees);
    both(ROMEO, SHOWS);
    both_leave(PARIS, "Paris");
    configures(worlds[0], ROMEO, "muc#roomconfig_persistentroom", "1");
    both_enter(ROMEO, "Romeo");
    assert_non_null(room->absentees);
    both_leave(ROMEO, "Romeo");
    assert_null(room->absentees);
}

/* However often they are looked at: the frames are the same. */
static void lists_share_their_frames(void **state)
{
    UNUSED(state);
    both_enter(ROMEO, "Romeo");
    both(ROMEO, SHOWS);
    both_set("<item affiliation='member' jid='a@x.example' nick='Anna'/>"
             "<item affiliation='member' jid='b@x.example' nick='Ben'/>");
    struct room *room = world_room(worlds[0], ROOM);
    struct step step = {.arena = arena_new(4096), .env = room->env};
    struct showing *first = absentees_show(room, &step, VIEWING_ANON);
    struct showing *second = absentees_show(room, &step, VIEWING_ANON);
    assert_int_equal(showing_count(first), 2);
    for (uint32_t i = 0; i < showing_places(first); i++)
        assert_ptr_equal(showing_at(first, i), showing_at(second, i));
    both_set("<item affiliation='member' jid='b@x.example' nick='Bea'/>");
    struct showing *third = absentees_show(room, &step, VIEWING_ANON);
    unsigned same = 0;
    for (uint32_t i = 0; i < showing_places(first); i++)
        same += showing_at(first, i) != NULL && showing_at(first, i) == showing_at(third, i);
    assert_int_equal(same, 1);
    assert_int_equal(showing_count(third), 2);
    showing_free(first);
    showing_free(second);
    showing_free(third);
    arena_free(step.arena);
}

/* Members come and go while nobody new does: what is marked for later is bounded. */
static void much_happens_and_nobody_looks(void **state)
{
    UNUSED(state);
    both_enter(ROMEO, "Romeo");
    both(ROMEO, SHOWS);
    both_set("<item affiliation='admin' jid='juliet@localhost'/>"
             "<item affiliation='member' jid='a@x.example' nick='Anna'/>");
    look(1, 1);
    for (unsigned i = 0; i < 50; i++) {
        char item[120];
        snprintf(item, sizeof(item),
                 "<item affiliation='member' jid='a@x.example' nick='Anna %u'/>", i);
        both_set(item);
        room_check(world_room(worlds[0], ROOM));
    }
    assert_null(world_room(worlds[0], ROOM)->absentees);
    look(1, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(as_if_nothing_were_kept, begin, end),
        cmocka_unit_test_setup_teardown(kept_while_somebody_is_inside_and_they_are_shown, begin,
                                        end),
        cmocka_unit_test_setup_teardown(lists_share_their_frames, begin, end),
        cmocka_unit_test_setup_teardown(much_happens_and_nobody_looks, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
