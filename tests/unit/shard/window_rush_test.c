/*
 * A room large enough for a window, after rushes of everything that changes who is who: what
 * clients believe is what the room holds.
 * @covers 0045#changepres 0045#enter-pres.list 0045#enter-pres.broadcast 0045#changenick.moved
 * @covers 0045#exit.others 0045#bizrules-presence.standing 0045#bizrules-presence.from-then-on
 */
#include "tests/support/windowed_room.h"

enum { SEEDS = 4, ROUNDS = 150 };

static uint64_t random_state;

static const char *const nicks[] = {"Romeo", "Juliet", "JULIET", "Nurse", "Paris", "Rosaline"};
static const char *const looks[] = {"", "<show>away</show>", "<priority>5</priority>",
                                    "<show>dnd</show><priority>-1</priority>"};

static unsigned pick(size_t count)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)((random_state >> 33) % count);
}

#define ANY(array) (array)[pick(ARRAY_LEN(array))]

static void do_presence(unsigned client)
{
    char place[64], xml[200];
    snprintf(place, sizeof(place), ROOM "/%s", ANY(nicks));
    snprintf(xml, sizeof(xml), "<presence>%s%s</presence>", ANY(looks),
             pick(3) > 0 ? "<x xmlns='http://jabber.org/protocol/muc'/>" : "");
    client_says(client, place, xml);
}

static void do_change(unsigned client)
{
    char xml[200];
    if (clients[client].nick[0] == '\0') {
        do_presence(client);
        return;
    }
    snprintf(xml, sizeof(xml), "<presence>%s<status>%u</status></presence>", ANY(looks),
             pick(1000));
    client_says(client, ROOM, xml);
}

static void do_leave(unsigned client)
{
    client_says(client, ROOM, "<presence type='unavailable'/>");
}

static void do_admin(unsigned client)
{
    static const char *const roles[] = {"none", "visitor", "participant", "moderator"};
    static const char *const standings[] = {"none", "none", "member", "admin", "outcast"};
    char xml[400], item[200];
    UNUSED(client);
    if (pick(2) == 0)
        snprintf(item, sizeof(item), "<item nick='%s' role='%s'/>", ANY(nicks), ANY(roles));
    else
        snprintf(item, sizeof(item), "<item jid='%s' affiliation='%s'/>", ANY(accounts),
                 ANY(standings));
    snprintf(xml, sizeof(xml),
             "<iq type='set' id='a'><query xmlns='http://jabber.org/protocol/muc#admin'>%s</query>"
             "</iq>",
             item);
    crowd_says(OWNER, ROOM, xml);
}

static void do_configure(unsigned client)
{
    static const char *const roles[] = {"visitor", "participant", "moderator"};
    const char *some[3] = {ANY(roles), ANY(roles), ANY(roles)};
    char xml[900];
    see_all = pick(2) == 0;
    snprintf(shown, sizeof(shown), "%s %s %s", some[0], some[1], some[2]);
    UNUSED(client);
    snprintf(xml, sizeof(xml),
             "<iq type='set' id='c'><query xmlns='http://jabber.org/protocol/muc#owner'>"
             "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>"
             "http://jabber.org/protocol/muc#roomconfig</value></field>"
             "<field var='x-presencebroadcast_moderators_see_all'><value>%u</value></field>"
             "<field var='muc#roomconfig_presencebroadcast'><value>%s</value><value>%s</value>"
             "<value>%s</value></field></x></query></iq>",
             see_all, some[0], some[1], some[2]);
    crowd_says(OWNER, ROOM, xml);
}

static void do_whisper(unsigned client)
{
    char place[64];
    snprintf(place, sizeof(place), ROOM "/%s", ANY(nicks));
    client_says(client, place, "<message type='chat'><body>psst</body></message>");
}

static void do_ask(unsigned client)
{
    client_says(client, ROOM,
                "<iq type='get' id='q'><query "
                "xmlns='http://jabber.org/protocol/disco#info'/></iq>");
}

typedef void deed(unsigned client);

static void rush(void)
{
    static deed *const deeds[] = {do_presence, do_presence, do_presence, do_change, do_change,
                                  do_change,   do_change,   do_change,   do_leave,  do_leave,
                                  do_admin,    do_whisper,  do_ask,      do_ask,    do_presence};
    for (unsigned bursts = pick(4) + 1; bursts > 0; bursts--) {
        for (unsigned count = pick(20) + 1; count > 0; count--)
            ANY(deeds)(pick(CLIENTS));
        step();
        everybody_reads(pick(2) == 0);
    }
    if (pick(8) == 0)
        do_configure(0);
}

static void mark(void)
{
    crowd_says(OWNER, ROOM, "<message type='groupchat'><body>mark</body></message>");
}

/* Between two messages that all hear, everybody asks about every nickname. */
static void look_again(void)
{
    char place[64];
    step();
    everybody_reads(pick(2) == 0);
    mark();
    for (unsigned i = 0; i < CLIENTS; i++) {
        for (unsigned k = 0; k < ARRAY_LEN(nicks); k++) {
            snprintf(place, sizeof(place), ROOM "/%s", nicks[k]);
            client_says(i, place, "<presence type='probe'/>");
        }
    }
    mark();
    step();
    everybody_reads(pick(2) == 0);
    for (unsigned i = 0; i < CLIENTS; i++)
        assert_false(clients[i].asks);
}

static void pictures_are_true(void **state)
{
    for (unsigned seed = 1; seed <= SEEDS; seed++) {
        print_message("seed %u\n", seed);
        random_state = seed;
        assert_int_equal(begin(state), 0);
        crowd_enters(OWNER, OWNER + CROWD);
        for (unsigned i = 0; i < ROUNDS; i++) {
            rush();
            look_again();
        }
        assert_true(compared > ROUNDS);
        end(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pictures_are_true),
    };
    return cmocka_run_group_tests(tests, prepare, finish);
}
