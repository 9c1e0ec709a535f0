/* @covers 0045#enter 0045#enter-errorcodes */
#include "core/base/limits.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

static void enter_with(struct world *w, const char *who, const char *nick, const char *inner)
{
    says(w, who, "<presence to='" ROOM "/%s'><x xmlns='" NS_X "'>%s</x></presence>", nick, inner);
}

/* Every reason there is not to let somebody in, taken away one by one: the order of the answers. */
/* @covers 0045#enter-conflict.taken 0045#reservednick.taken */
static void refusals_come_in_their_order(void **state)
{
    static const char *const options[] = {"members_only=on", "password=secret", "max_users=2",
                                          NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost' nick='Juliet'/>");
    says(w, JULIET,
         "<presence to='" ROOM "/Jule'><x xmlns='" NS_X "'><password>secret</password></x>"
         "</presence>");
    world_forget(w);
    sets(w, ROMEO, "<item affiliation='outcast' jid='paris@localhost'/>");

    enter_with(w, PARIS, " Juliet", "");
    reads_error(w, PARIS, "modify", "jid-malformed");
    enter_with(w, PARIS, "Juliet", "");
    reads_error(w, PARIS, "auth", "forbidden");
    sets(w, ROMEO, "<item affiliation='none' jid='paris@localhost'/>");
    enter_with(w, PARIS, "Juliet", "");
    reads_error(w, PARIS, "auth", "registration-required");
    sets(w, ROMEO, "<item affiliation='member' jid='paris@localhost'/>");
    enter_with(w, PARIS, "Juliet", "<password>Secret</password>");
    reads_error(w, PARIS, "auth", "not-authorized");
    enter_with(w, PARIS, "Juliet", "<password>secret</password>");
    reads_error(w, PARIS, "cancel", "conflict"); /* reserved */
    enter_with(w, PARIS, "Jule", "<password>secret</password>");
    reads_error(w, PARIS, "cancel", "conflict"); /* in use */
    enter_with(w, PARIS, "Paris", "<password>secret</password>");
    reads_error(w, PARIS, "wait", "service-unavailable");
    reads_nothing(w, ROMEO);
    leaves(w, JULIET);
    enter_with(w, PARIS, "Paris", "<password>secret</password>");
    reads(w, PARIS, "<presence from='" ROOM "/Romeo'/>");
    reads(w, PARIS, "<presence from='" ROOM "/Paris'/>");
    world_free(w);
}

/* @covers 0045#enter-conflict.taken */
static void refusal_names_what_was_asked(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    says(w, PARIS,
         "<presence to='" ROOM "/ROMEO' id='j1'><x xmlns='" NS_X "'><password>p</password>"
         "<history maxstanzas='1'/></x></presence>");
    reads(w, PARIS,
          "<presence from='" ROOM "/ROMEO' to='" PARIS "' type='error' id='j1'>"
          "<error type='cancel' by='" ROOM "'>"
          "<conflict xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
          "<x xmlns='" NS_X "'/></presence>");
    world_free(w);
}

/* @covers 0045#enter-muc.nick 0045#bizrules-jids.empty 0045#bizrules-jids.invisible */
static void refused_creation_leaves_nothing(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enter_with(w, PARIS, " ", "");
    reads_error(w, PARIS, "modify", "not-allowed");
    assert_null(world_room(w, ROOM));
    enter_with(w, PARIS, "\xF0\x9F\xA4\x96", ""); /* younger than Unicode 3.2 */
    reads_error(w, PARIS, "modify", "jid-malformed");
    assert_null(world_room(w, ROOM));
    says(w, PARIS, "<presence to='" ROOM "'><x xmlns='" NS_X "'/></presence>");
    reads_error(w, PARIS, "modify", "jid-malformed");
    says(w, PARIS, "<presence to='" ROOM "/Paris'/>");
    assert_null(world_room(w, ROOM));
    world_free(w);
}

static void nickname_of_the_longest_length(void **state)
{
    struct world *w = world_with(NULL);
    char nick[NICK_CHARS_MAX + 2];
    (void)state;
    memset(nick, 'n', sizeof(nick));
    nick[NICK_CHARS_MAX + 1] = '\0';
    enter_with(w, ROMEO, nick, "");
    reads_error(w, ROMEO, "modify", "jid-malformed");
    nick[NICK_CHARS_MAX] = '\0';
    enter_with(w, ROMEO, nick, "");
    reads(w, ROMEO, "<presence from='" ROOM "/%s'/>", nick);
    world_free(w);
}

static void presence_of_the_largest_size(void **state)
{
    struct world *w = world_with(NULL);
    static char status[PRESENCE_BYTES_MAX + 1];
    (void)state;
    memset(status, 's', PRESENCE_BYTES_MAX);
    says(w, ROMEO, "<presence to='" ROOM "/R'><status>%s</status><x xmlns='" NS_X "'/></presence>",
         status);
    reads_error(w, ROMEO, "modify", "not-acceptable");
    assert_null(world_room(w, ROOM));
    status[PRESENCE_BYTES_MAX - strlen("<status></status>")] = '\0';
    says(w, ROMEO, "<presence to='" ROOM "/R'><status>%s</status><x xmlns='" NS_X "'/></presence>",
         status);
    reads(w, ROMEO, "<presence from='" ROOM "/R'><status>%s</status></presence>", status);
    hush(w);
    says(w, ROMEO, "<presence to='" ROOM "/R' xml:lang='en'><status>%s</status></presence>",
         status);
    reads_error(w, ROMEO, "modify", "not-acceptable"); /* the language is part of it */
    world_free(w);
}

static void only_the_first_x_counts(void **state)
{
    static const char *const options[] = {"password=secret", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    says(w, PARIS,
         "<presence to='" ROOM "/Paris'><x xmlns='" NS_X "'/>"
         "<x xmlns='" NS_X "'><password>secret</password></x></presence>");
    reads_error(w, PARIS, "auth", "not-authorized");
    world_free(w);
}

/* Another client of the same account, same nickname: no conflict, one occupant, its list of items
 * for moderators only. */
/* @covers 0045#enter-conflict.same-account */
static void second_session(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    enters(w, JULIET, "Juliet");
    enter_with(w, JULIET_2, "Juliet", "");
    reads(w, JULIET_2, "<presence from='" ROOM "/Romeo'/>");
    reads(w, JULIET_2, "<presence from='" ROOM "/Paris'/>");
    reads(w, JULIET_2,
          "<presence from='" ROOM "/Juliet' to='" JULIET_2 "'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant' jid='" JULIET "'/>"
          "<item affiliation='none' role='participant' jid='" JULIET_2 "'/>"
          "<status code='110'/></x></presence>");
    reads(w, JULIET_2, "<message type='groupchat'><subject/></message>");
    reads_nothing(w, JULIET_2);
    reads(w, ROMEO,
          "<presence from='" ROOM "/Juliet'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='participant' jid='" JULIET "'/>"
          "<item affiliation='none' role='participant' jid='" JULIET_2 "'/></x></presence>");
    reads_nothing(w, ROMEO);
    reads_nothing(w, PARIS);
    assert_int_equal(world_room(w, ROOM)->occupant_count, 3);
    assert_int_equal(world_room(w, ROOM)->session_count, 4);
    world_free(w);
}

/* Resync with another presence than before: the others see the difference. */
/* @covers 0045#enter-muc.resync 0045#bizrules-presence.resync-told */
static void coming_back_with_another_presence(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    says(w, PARIS,
         "<presence to='" ROOM "/Paris'><show>away</show><x xmlns='" NS_X "'/>"
         "</presence>");
    reads(w, ROMEO, "<presence from='" ROOM "/Paris'><show>away</show></presence>");
    reads_nothing(w, ROMEO);
    reads(w, PARIS, "<presence from='" ROOM "/Romeo'/>");
    reads(w, PARIS, "<presence from='" ROOM "/Paris'><show>away</show></presence>");
    reads(w, PARIS, "<message type='groupchat'><subject/></message>");
    reads_nothing(w, PARIS);
    world_free(w);
}

/* The newest session of the room comes back looking like its fellow: that is a difference to those
 * who saw it away, though none to those who see the fellow. */
/* @covers 0045#bizrules-presence.resync-told */
static void coming_back_looking_like_a_fellow(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    enters(w, JULIET, "Juliet");
    says(w, JULIET_2,
         "<presence to='" ROOM "/Juliet'><show>away</show><x xmlns='" NS_X "'/></presence>");
    reads(w, PARIS, "<presence from='" ROOM "/Juliet'><show>away</show></presence>");
    says(w, JULIET_2, "<presence to='" ROOM "/Juliet'><x xmlns='" NS_X "'/></presence>");
    const char *came = world_next(w, PARIS);
    assert_non_null(came);
    assert_non_null(strstr(came, "from='" ROOM "/Juliet'"));
    assert_null(strstr(came, "<show>"));
    reads_nothing(w, PARIS);
    world_free(w);
}

/* @covers 0045#roles.kept */
static void voice_that_was_taken_stays_taken(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    sets(w, ROMEO, "<item nick='Paris' role='visitor'/>");
    leaves(w, PARIS);
    enter_with(w, PARIS, "County", "");
    reads(w, PARIS, "<presence from='" ROOM "/Romeo'/>");
    reads(w, PARIS,
          "<presence from='" ROOM "/County'><x xmlns='" NS_USER "'>"
          "<item affiliation='none' role='visitor' jid='" PARIS "'/><status code='110'/></x>"
          "</presence>");
    world_free(w);
}

/* Nothing that is remembered about a person lets it in once it is banned. */
/* @covers 0045#enter-banned.refused */
static void ban_outweighs_all_memories(void **state)
{
    static const char *const options[] = {"moderated=on", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, PARIS, "Paris");
    sets(w, ROMEO, "<item nick='Paris' role='participant'/>");
    sets(w, ROMEO, "<item jid='paris@localhost' affiliation='member'/>");
    sets(w, ROMEO, "<item nick='Paris' role='visitor'/>");
    sets(w, ROMEO, "<item nick='Paris' role='participant'/>");
    sets(w, ROMEO, "<item jid='paris@localhost' affiliation='outcast'/>");
    assert_int_equal(world_room(w, ROOM)->occupant_count, 1);
    enter_with(w, PARIS, "Paris", "");
    reads_error(w, PARIS, "auth", "forbidden");
    world_free(w);
}

static void an_occupant_has_a_full_address(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    assert_true(world_stanza_from(w, "gateway.localhost",
                                  "<presence to='" ROOM "/Gate'><x xmlns='" NS_X "'/></presence>"));
    assert_non_null(strstr(world_next_elsewhere(w), "<jid-malformed"));
    assert_null(world_room(w, ROOM));
    world_free(w);
}

/* A visitor who may have no status text stays one by another client, whatever a newcomer would be.
 */
static void another_session_is_what_the_first_is(void **state)
{
    static const char *const options[] = {"moderated=on", "visitor_status=off", NULL};
    struct world *w = world_with(options);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    configures(w, ROMEO, "muc#roomconfig_moderatedroom", "0");
    says(w, JULIET_2,
         "<presence to='" ROOM "/Juliet'><show>away</show><status>ware</status><x xmlns='" NS_X
         "'/></presence>");
    const char *seen = world_next(w, ROMEO);
    assert_non_null(seen);
    assert_non_null(strstr(seen, "<show>away</show>"));
    assert_null(strstr(seen, "ware"));
    world_free(w);
}

/* @covers 0045#enter-gc.kick 0045#enter-gc.codes */
static void who_believes_to_be_inside_is_told_why(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    says(w, PARIS, "<presence to='" ROOM "/Paris' id='p1'><show>away</show></presence>");
    reads(w, PARIS,
          "<presence type='unavailable' from='" ROOM "/Paris' id='p1'><x xmlns='" NS_USER "'>"
          "<status code='307'/><status code='333'/><item affiliation='none' role='none'>"
          "<reason>You are not in this room: enter it again</reason></item><status code='110'/>"
          "</x></presence>");
    reads_nothing(w, ROMEO);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refusals_come_in_their_order),
        cmocka_unit_test(refusal_names_what_was_asked),
        cmocka_unit_test(refused_creation_leaves_nothing),
        cmocka_unit_test(nickname_of_the_longest_length),
        cmocka_unit_test(presence_of_the_largest_size),
        cmocka_unit_test(only_the_first_x_counts),
        cmocka_unit_test(second_session),
        cmocka_unit_test(coming_back_with_another_presence),
        cmocka_unit_test(coming_back_looking_like_a_fellow),
        cmocka_unit_test(voice_that_was_taken_stays_taken),
        cmocka_unit_test(ban_outweighs_all_memories),
        cmocka_unit_test(an_occupant_has_a_full_address),
        cmocka_unit_test(another_session_is_what_the_first_is),
        cmocka_unit_test(who_believes_to_be_inside_is_told_why),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
