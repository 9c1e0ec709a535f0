/* @covers 0045#registrar-formtype-owner */
#include "core/muc/room.h"
#include "tests/support/talk.h"

static void moderators_see_all_if_the_room_says_so(void **state)
{
    static const char *const options[] = {"broadcast=moderator", "see_all=on", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    join(w, JULIET, "Juliet");
    reads(w, ROMEO, "<presence from='" ROOM "/Juliet'/>");
    reads_nothing(w, PARIS);
    reads(w, JULIET, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet'/>");
    world_free(w);
}

/* Voice is taken from a participant: for who does not see visitors, it has gone. */
/* @covers 0045#roles-change.told 0045#revokevoice.told */
static void becoming_hidden_and_shown(void **state)
{
    static const char *const options[] = {"broadcast=participant,moderator", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='a'>"
         "<query xmlns='http://jabber.org/protocol/muc#admin'>"
         "<item nick='Paris' role='visitor'/></query></iq>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Paris' type='unavailable'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='visitor'><actor nick='Romeo'/></item></x></presence>");
    reads_nothing(w, JULIET);
    reads(w, PARIS,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='visitor' jid='" PARIS "'><actor nick='Romeo'/></item>"
          "<status code='110'/></x></presence>");
    world_forget(w);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='a'>"
         "<query xmlns='http://jabber.org/protocol/muc#admin'>"
         "<item nick='Paris' role='participant'/></query></iq>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Paris'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant'><actor nick='Romeo'/></item></x>"
          "</presence>");
    world_free(w);
}

/* Absent members with a nickname are shown on entry, after those who are here and before oneself.
 * */
static void absent_members(void **state)
{
    static const char *const options[] = {"broadcast=none,participant,moderator", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost' nick='Juliet'/>");
    sets(w, ROMEO, "<item affiliation='member' jid='nurse@localhost'/>");
    sets(w, ROMEO, "<item affiliation='outcast' jid='tybalt@localhost'/>");
    join(w, PARIS, "Paris");
    reads(w, PARIS, "<presence from='" ROOM "/Romeo'/>");
    reads(w, PARIS,
          "<presence from='" ROOM "/Juliet' type='unavailable'><x xmlns='" NS_USER "'>"
          "<item affiliation='member' role='none' nick='Juliet'/></x></presence>");
    reads(w, PARIS, "<presence from='" ROOM "/Paris'/>");
    reads(w, PARIS, "<message type='groupchat'><subject/></message>");
    join(w, JULIET, "Juliet");
    reads(w, JULIET, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET, "<presence from='" ROOM "/Paris'/>");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet' to='" JULIET "'/>");
    world_free(w);
}

/* Who is listed in the middle of a query is not shown an absent member under a nickname that its
 * last user has not been put out of yet. */
static void absent_under_a_nickname_still_in_use(void **state)
{
    static const char *const options[] = {"broadcast=none,participant,moderator", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Don");
    enters(w, JULIET, "Juliet");
    world_forget(w);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='set'>"
         "<query xmlns='http://jabber.org/protocol/muc#admin'>"
         "<item affiliation='admin' jid='juliet@localhost'/>"
         "<item affiliation='member' jid='nurse@localhost' nick='Don'/></query></iq>");
    reads(w, JULIET, "<presence from='" ROOM "/Juliet' scansion:strict='false'/>");
    /* a moderator now, who sees addresses: everybody again */
    reads(w, JULIET, "<presence from='" ROOM "/Romeo' scansion:strict='false'/>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Don'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant' jid='" PARIS "'/></x></presence>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Don' type='unavailable'><x xmlns='" NS_USER "'>"
          "<status code='307'/><item affiliation='none' role='none' jid='" PARIS "'>"
          "<reason>This nickname is reserved</reason></item></x></presence>");
    world_free(w);
}

/* Participants are hidden from each other, but not an account's other nickname from it. */
static void own_nicknames_are_never_hidden(void **state)
{
    static const char *const options[] = {"broadcast=moderator", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    enters(w, JULIET, "Jule");
    join(w, JULIET_2, "Juliet");
    reads(w, JULIET_2, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET_2, "<presence from='" ROOM "/Jule'/>");
    reads(w, JULIET_2, "<presence from='" ROOM "/Juliet'/>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant' jid='" JULIET_2 "'/></x></presence>");
    world_forget(w);
    says(w, JULIET, "<presence to='" ROOM "/July'/>");
    reads(w, JULIET_2, "<presence from='" ROOM "/Jule' type='unavailable'/>");
    reads(w, JULIET_2, "<presence from='" ROOM "/July'/>");
    says(w, JULIET, "<presence to='" ROOM "' type='unavailable'/>");
    reads(w, JULIET_2, "<presence from='" ROOM "/July' type='unavailable'/>");
    reads_nothing(w, JULIET_2);
    reads_nothing(w, PARIS);
    reads_nothing(w, ROMEO);
    world_free(w);
}

/* Who saw everybody as a moderator ceases to see others, but not itself. */
static void own_nickname_stays_in_sight(void **state)
{
    static const char *const options[] = {"broadcast=moderator", "see_all=on", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    enters(w, JULIET, "Jule");
    enters(w, JULIET_2, "Juliet");
    sets(w, ROMEO, "<item nick='Juliet' role='moderator'/>");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='a'><query xmlns='" NS_X "#admin'>"
         "<item nick='Juliet' role='participant'/></query></iq>");
    bool others = false;
    for (const char *came; (came = world_next(w, JULIET_2)) != NULL;) {
        assert_null(strstr(came, "/Jule' type='unavailable'"));
        others = others || strstr(came, "/Paris' type='unavailable'") != NULL;
    }
    assert_true(others);
    world_free(w);
}

/* ---- members who are not inside ---- */

static const char *const with_absent[] = {"broadcast=none,visitor,participant,moderator", NULL};

static struct world *verona(const char *const *options)
{
    struct world *w = world_with(options);
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost' nick='Juliet'/>");
    return w;
}

static void orders(struct world *w, const char *item)
{
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='a'><query xmlns='" NS_X "#admin'>%s</query></iq>", item);
}

static void reads_absent(struct world *w, const char *who, const char *nick, const char *standing)
{
    reads(w, who,
          "<presence from='" ROOM "/%s' type='unavailable'><x xmlns='" NS_USER "'>"
          "<item %s role='none' nick='%s'/></x></presence>",
          nick, standing, nick);
}

/* Who was shown it as a member is told that it is none; who moderates is told by a message. */
static void absent_member_is_removed(void **state)
{
    static const char *const standings[] = {"none", "outcast"};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(standings); i++) {
        struct world *w = verona(with_absent);
        char *item = text_of("<item affiliation='%s' jid='juliet@localhost'/>", standings[i]);
        char *standing = text_of("affiliation='%s'", standings[i]);
        orders(w, item);
        reads_absent(w, PARIS, "Juliet", standing);
        reads_nothing(w, PARIS);
        reads(w, ROMEO,
              "<message from='" ROOM "'><x xmlns='" NS_USER "' scansion:strict='false'>"
              "<item %s jid='juliet@localhost'/></x></message>",
              standing);
        reads(w, ROMEO, "<iq from='" ROOM "' type='result' id='a'/>");
        free(item);
        free(standing);
        world_free(w);
    }
}

/* Where everybody sees addresses everybody gets the message, and that says it. */
static void absent_member_of_an_open_room_is_removed(void **state)
{
    static const char *const options[] = {"broadcast=none,visitor,participant,moderator",
                                          "whois=anyone", NULL};
    struct world *w = verona(options);
    (void)state;
    orders(w, "<item affiliation='none' jid='juliet@localhost'/>");
    reads(w, PARIS,
          "<message from='" ROOM "'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' jid='juliet@localhost'/></x></message>");
    reads_nothing(w, PARIS);
    world_free(w);
}

/* The old nickname is nobody's, the new one is the member's. */
static void reservation_moves(void **state)
{
    struct world *w = verona(with_absent);
    (void)state;
    orders(w, "<item affiliation='member' jid='juliet@localhost' nick='Jule'/>");
    reads_absent(w, PARIS, "Juliet", "affiliation='none'");
    reads_absent(w, PARIS, "Jule", "affiliation='member'");
    reads_nothing(w, PARIS);
    reads(w, ROMEO, "<message from='" ROOM "'/>");
    reads_absent(w, ROMEO, "Juliet", "affiliation='none'");
    reads_absent(w, ROMEO, "Jule", "affiliation='member' jid='juliet@localhost'");
    world_forget(w);
    orders(w, "<item affiliation='admin' jid='juliet@localhost' nick=''/>"); /* given up */
    reads_absent(w, PARIS, "Jule", "affiliation='none'");
    reads_nothing(w, PARIS);
    world_free(w);
}

/* Of one query: one member gives a nickname to another, and it is said to be the other's last. */
static void reservation_changes_hands(void **state)
{
    struct world *w = verona(with_absent);
    (void)state;
    orders(w, "<item affiliation='member' jid='nurse@localhost' nick='Juliet'/>"
              "<item affiliation='member' jid='juliet@localhost' nick=''/>");
    reads_absent(w, PARIS, "Juliet", "affiliation='member'");
    reads_nothing(w, PARIS);
    world_free(w);
}

/* Who is inside is not absent, whatever name it goes by. */
static void absent_member_comes_by_another_name(void **state)
{
    struct world *w = verona(with_absent);
    (void)state;
    join(w, JULIET, "Jule");
    reads(w, PARIS, "<presence from='" ROOM "/Jule'/>");
    reads_absent(w, PARIS, "Juliet", "affiliation='none'");
    reads_nothing(w, PARIS);
    reads(w, JULIET, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET, "<presence from='" ROOM "/Paris'/>");
    reads(w, JULIET, "<presence from='" ROOM "/Jule'/>");
    reads(w, JULIET, "<message from='" ROOM "' type='groupchat'/>");
    reads_nothing(w, JULIET);  /* it knows */
    enters(w, JULIET_2, "J."); /* it was inside */
    say(w, JULIET_2, "<presence to='" ROOM "' type='unavailable'/>");
    reads(w, PARIS, "<presence from='" ROOM "/J.' type='unavailable'/>");
    reads_nothing(w, PARIS);
    say(w, JULIET, "<presence to='" ROOM "' type='unavailable'/>");
    reads(w, PARIS, "<presence from='" ROOM "/Jule' type='unavailable'/>");
    reads_absent(w, PARIS, "Juliet", "affiliation='member'");
    reads_nothing(w, PARIS);

    /* By its own name nothing more need be said. */
    join(w, JULIET, "Juliet");
    reads(w, PARIS, "<presence from='" ROOM "/Juliet'/>");
    reads_nothing(w, PARIS);
    say(w, JULIET, "<presence to='" ROOM "' type='unavailable'/>");
    reads(w, PARIS, "<presence from='" ROOM "/Juliet' type='unavailable'/>");
    reads_nothing(w, PARIS);
    world_free(w);
}

/* Where nobody sees it come, nobody sees that it is not absent. */
static void absent_member_comes_unseen(void **state)
{
    static const char *const options[] = {"broadcast=none,moderator", "see_all=off", NULL};
    struct world *w = verona(options);
    (void)state;
    hush(w);
    enters(w, JULIET_2, "Jule");
    enters(w, JULIET, "Jule");
    hush(w);
    say(w, JULIET_2, "<presence to='" ROOM "' type='unavailable'/>");
    say(w, JULIET, "<presence to='" ROOM "' type='unavailable'/>");
    join(w, JULIET, "Jule");
    reads_nothing(w, PARIS);
    world_free(w);
}

/* Nothing of it where absent members are not shown, or nothing was. */
static void nobody_was_shown(void **state)
{
    struct world *w = verona(NULL);
    (void)state;
    orders(w, "<item affiliation='none' jid='juliet@localhost'/>");
    reads_nothing(w, PARIS);
    world_free(w);
    w = verona(with_absent);
    sets(w, ROMEO, "<item affiliation='member' jid='nurse@localhost'/>");
    orders(w, "<item affiliation='none' jid='nurse@localhost'/>");
    reads_nothing(w, PARIS);
    orders(w, "<item affiliation='owner' jid='juliet@localhost'/>"); /* keeps her nickname */
    reads_absent(w, PARIS, "Juliet", "affiliation='owner'");
    reads_nothing(w, PARIS);
    world_free(w);
}

/* ---- huge rooms ---- */

static bool is_quiet(struct world *w, const char *nick)
{
    char key[40];
    size_t len = strlen(nick);
    for (size_t i = 0; i <= len; i++)
        key[i] = (char)(nick[i] | (nick[i] != '\0' ? 0x20 : 0));
    return occupant_by_nick(world_room(w, ROOM), str_z(key))->quiet;
}

/* Two are shown. The third sees them, and is seen by nobody but itself, whatever it does. */
static void huge_rooms_grow_quiet(void **state)
{
    static const char *const options[] = {"quiet_above=2", "public_list=on", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    join(w, JULIET, "Juliet");
    assert_true(is_quiet(w, "Juliet") && !is_quiet(w, "Paris"));
    reads(w, JULIET, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET, "<presence from='" ROOM "/Paris'/>");
    reads(w, JULIET,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant' jid='" JULIET "'/>"
          "<status code='110'/></x></presence>");
    join(w, JULIET_2, "Jule");
    reads(w, JULIET_2, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET_2, "<presence from='" ROOM "/Paris'/>");
    reads(w, JULIET_2, "<presence from='" ROOM "/Juliet'/>"); /* her own */
    world_forget(w);
    says(w, JULIET, "<presence to='" ROOM "/July'><show>away</show></presence>");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    reads_nothing(w, PARIS);
    says(w, PARIS, "<presence to='" ROOM "/July' type='probe'/>");
    reads(w, PARIS, "<presence from='" ROOM "/July'><show>away</show></presence>");
    says(w, PARIS,
         "<iq to='" ROOM "' type='get' id='i'>"
         "<query xmlns='http://jabber.org/protocol/disco#items'/></iq>");
    reads(w, PARIS,
          "<iq from='" ROOM "' type='result' id='i'>"
          "<query xmlns='http://jabber.org/protocol/disco#items'>"
          "<item jid='" ROOM "/Romeo' name='Romeo'/><item jid='" ROOM "/Paris' name='Paris'/>"
          "</query></iq>");
    says(w, JULIET, "<message to='" ROOM "' type='groupchat'><body>hi</body></message>");
    reads(w, PARIS, "<message from='" ROOM "/July'><body>hi</body></message>");
    leaves(w, JULIET);
    says(w, JULIET_2, "<presence to='" ROOM "' type='unavailable'/>");
    reads(w, JULIET_2, "<presence from='" ROOM "/Jule' type='unavailable'/>");
    reads_nothing(w, PARIS);
    reads_nothing(w, ROMEO);
    enters(w, JULIET, "Juliet"); /* two are inside: one too many again */
    assert_true(is_quiet(w, "Juliet"));
    leaves(w, JULIET);
    leaves(w, PARIS);
    enters(w, JULIET, "Juliet");
    assert_false(is_quiet(w, "Juliet"));
    world_free(w);
}

/* Who moderates is shown, and stays so after that; it enters quietly only where it does not. */
static void moderators_are_not_quiet(void **state)
{
    static const char *const options[] = {"quiet_above=1", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    enters(w, JULIET, "Juliet");
    assert_true(is_quiet(w, "Juliet") && is_quiet(w, "Paris"));
    orders(w, "<item nick='Juliet' role='moderator'/>");
    reads(w, PARIS,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='moderator'><actor nick='Romeo'/></item></x></presence>");
    reads_nothing(w, PARIS);
    world_forget(w);
    orders(w, "<item nick='Juliet' role='participant'/>");
    reads(w, PARIS,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant'><actor nick='Romeo'/></item></x>"
          "</presence>");
    sets(w, ROMEO, "<item jid='nurse@localhost' affiliation='admin'/>");
    world_forget(w);
    world_client(w, NURSE);
    join(w, NURSE, "Nurse");
    reads(w, PARIS, "<presence from='" ROOM "/Nurse'/>");
    reads_nothing(w, PARIS);
    world_free(w);
}

/* Moderators see them all the same if the room lets them see all. */
static void quiet_ones_are_seen_by_moderators(void **state)
{
    static const char *const options[] = {"quiet_above=1", "see_all=on", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    join(w, JULIET, "Juliet");
    reads(w, ROMEO,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant' jid='" JULIET "'/></x></presence>");
    reads_nothing(w, PARIS);
    world_forget(w);
    orders(w, "<item nick='Paris' role='moderator'/>");
    reads(w, PARIS, "<presence from='" ROOM "/Paris'/>");
    reads(w, PARIS, "<presence from='" ROOM "/Romeo'/>");
    reads(w, PARIS, "<presence from='" ROOM "/Juliet'/>");
    reads_nothing(w, PARIS);
    orders(w, "<item nick='Paris' role='participant'/>");
    reads(w, PARIS, "<presence from='" ROOM "/Paris'/>");
    reads(w, PARIS, "<presence from='" ROOM "/Romeo'/>");
    reads(w, PARIS,
          "<presence from='" ROOM "/Juliet' type='unavailable'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant'/></x></presence>");
    reads_nothing(w, PARIS);
    world_free(w);
}

/* The owner has room for all again. A larger number than are inside does the same, a smaller one
 * makes nobody vanish. */
static void owner_ends_the_quiet(void **state)
{
    static const char *const options[] = {"quiet_above=1", NULL};
    static const struct {
        const char *value;
        bool ends;
    } changes[] = {{"0", true}, {"5", true}, {"1", false}};
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct world *w = world_with(options);
        enters(w, ROMEO, "Romeo");
        enters(w, PARIS, "Paris");
        enters(w, JULIET, "Juliet");
        says(w, ROMEO,
             "<iq to='" ROOM "' type='set' id='f'>"
             "<query xmlns='http://jabber.org/protocol/muc#owner'>"
             "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
             "<value>http://jabber.org/protocol/muc#roomconfig</value></field>"
             "<field var='x-presence_quiet_above'><value>%s</value></field></x></query></iq>",
             changes[i].value);
        if (changes[i].ends) {
            reads(w, PARIS,
                  "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
                  "<item affiliation='none' role='participant'/></x></presence>");
            reads(w, PARIS,
                  "<message from='" ROOM
                  "' type='groupchat'>" X_USER(STATUS_CODE("104")) "</message>");
        }
        reads_nothing(w, PARIS);
        assert_int_equal(world_room(w, ROOM)->quiet_count, changes[i].ends ? 0 : 2);
        world_free(w);
    }
}

/* The largest and the smallest number, and what is none. */
static void numbers_of_the_quiet(void **state)
{
    static const struct {
        const char *text;
        bool possible;
    } numbers[] = {
        {"0", true}, {"1", true}, {"100000", true}, {"100001", false}, {"-1", false}, {"x", false},
    };
    const struct option *option = option_by_name(STR("quiet_above"));
    struct room_options options;
    const char *why;
    (void)state;
    options_preset(&options);
    assert_int_equal(options.quiet_above, 0);
    for (size_t i = 0; i < ARRAY_LEN(numbers); i++)
        assert_int_equal(option_set_text(&options, option, str_z(numbers[i].text), &why),
                         numbers[i].possible);
    assert_int_equal(options.quiet_above, ROOM_OCCUPANTS_MAX);
    room_options_fini(&options);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moderators_see_all_if_the_room_says_so),
        cmocka_unit_test(becoming_hidden_and_shown),
        cmocka_unit_test(absent_members),
        cmocka_unit_test(absent_under_a_nickname_still_in_use),
        cmocka_unit_test(own_nicknames_are_never_hidden),
        cmocka_unit_test(own_nickname_stays_in_sight),
        cmocka_unit_test(absent_member_is_removed),
        cmocka_unit_test(absent_member_of_an_open_room_is_removed),
        cmocka_unit_test(reservation_moves),
        cmocka_unit_test(reservation_changes_hands),
        cmocka_unit_test(absent_member_comes_by_another_name),
        cmocka_unit_test(absent_member_comes_unseen),
        cmocka_unit_test(nobody_was_shown),
        cmocka_unit_test(huge_rooms_grow_quiet),
        cmocka_unit_test(moderators_are_not_quiet),
        cmocka_unit_test(quiet_ones_are_seen_by_moderators),
        cmocka_unit_test(owner_ends_the_quiet),
        cmocka_unit_test(numbers_of_the_quiet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
