#include "core/base/limits.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define MODERATE     "urn:xmpp:message-moderate:1"
#define MODERATE_0   "urn:xmpp:message-moderate:0"
#define RETRACT      "urn:xmpp:message-retract:1"
#define RETRACT_0    "urn:xmpp:message-retract:0"
#define ACTION       "<retract xmlns='" RETRACT "'/>"
#define OCCUPANT_ID  "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='{scansion:any}'/>"
#define STANZA_ID(x) "<stanza-id xmlns='urn:xmpp:sid:0' by='" ROOM "' id='" x "'/>"

static struct room *lounge(struct world *w)
{
    return world_room(w, ROOM);
}

/* The room's id of the i-th message it keeps; heap. */
static char *id_of(struct world *w, uint32_t i)
{
    return text_of("%.*s", STANZA_ID_BYTES, room_history_at(lounge(w), i)->stanza_id);
}

static bool is_tombstone(struct world *w, uint32_t i)
{
    return room_history_at(lounge(w), i)->retracted;
}

/* Romeo owns the room, Juliet and Paris are in it, Paris has said something as `m`. */
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

static void moderates(struct world *w, const char *who, const char *id, const char *inside)
{
    says(w, who,
         "<iq to='" ROOM "' type='set' id='mod'><moderate xmlns='" MODERATE "' id='%s'>%s"
         "</moderate></iq>",
         id, inside);
}

static void retracts(struct world *w, const char *who, const char *id, const char *inside)
{
    says(w, who,
         "<message to='" ROOM "' type='groupchat' id='r'>"
         "<retract xmlns='" RETRACT "' id='%s'>%s</retract>"
         "<fallback xmlns='urn:xmpp:fallback:0' for='" RETRACT "'/><body>gone</body></message>",
         id, inside);
}

/* Stanzas that are of no interest. */
static void hears(struct world *w, const char *who, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        assert_non_null(world_next(w, who));
}

/* Nothing was said, and the one message is as it was. */
static void nothing_has_changed(struct world *w)
{
    static const char *const all[] = {ROMEO, JULIET, PARIS};
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        reads_nothing(w, all[i]);
    assert_int_equal(lounge(w)->history.count, 1);
    assert_false(is_tombstone(w, 0));
}

/* ---- by moderators ---- */

/* @covers 0425#usecase 0425#usecase-success */
static void everybody_is_told_once(void **state)
{
    struct world *w = world_of_one_message(NULL);
    char *id = id_of(w, 0);
    (void)state;
    moderates(w, ROMEO, id, ACTION "<reason>Be polite &amp; kind</reason>");
    assert_int_equal(world_effects(w, FX_BROADCAST), 1);
    static const char *const all[] = {ROMEO, JULIET, PARIS};
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        reads(w, all[i],
              "<message from='" ROOM "' to='%s' type='groupchat' id='{scansion:any}' "
              "scansion:strict='true'>"
              "<retract xmlns='" RETRACT "' id='%s'>"
              "<moderated xmlns='" MODERATE "' by='" ROOM "/Romeo'>" OCCUPANT_ID "</moderated>"
              "<reason>Be polite &amp; kind</reason></retract>"
              "<apply-to xmlns='urn:xmpp:fasten:0' id='%s'>"
              "<moderated xmlns='" MODERATE_0 "' by='" ROOM "/Romeo'>"
              "<retract xmlns='" RETRACT_0 "'/><reason>Be polite &amp; kind</reason></moderated>"
              "</apply-to>" STANZA_ID("{scansion:any}") "</message>",
              all[i], id, id);
    }
    reads(w, ROMEO, "<iq from='" ROOM "' type='result' id='mod' scansion:strict='false'/>");
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        reads_nothing(w, all[i]);
    free(id);
    world_free(w);
}

static void without_a_reason(void **state)
{
    struct world *w = world_of_one_message(NULL);
    char *id = id_of(w, 0);
    (void)state;
    moderates(w, ROMEO, id, ACTION "<reason/><reason xmlns='urn:x'>not ours</reason>");
    const char *came = world_next(w, JULIET);
    assert_non_null(came);
    assert_null(strstr(came, "<reason"));
    free(id);
    world_free(w);
}

/* Who enters later is not shown what was said, but that, when and by whom something was. */
/* @covers 0425#tombstones 0424#tombstones 0425#rules */
static void a_tombstone_is_left(void **state)
{
    struct world *w = world_of_one_message(NULL);
    char *id = id_of(w, 0);
    (void)state;
    says(w, JULIET, "<message to='" ROOM "' type='groupchat' id='n'><body>Oh</body></message>");
    world_advance(w, 1000000);
    moderates(w, ROMEO, id, ACTION "<reason>Impolite</reason>");
    leaves(w, JULIET);
    join(w, JULIET, "Juliet");
    hears(w, JULIET, 3);
    reads(w, JULIET,
          "<message from='" ROOM "/Paris' to='" JULIET "' type='groupchat' id='m' "
          "scansion:strict='true'>"
          "<retracted xmlns='" RETRACT "' id='{scansion:any}' stamp='{scansion:any}'>"
          "<moderated xmlns='" MODERATE "' by='" ROOM "/Romeo'>" OCCUPANT_ID "</moderated>"
          "<reason>Impolite</reason></retracted>" OCCUPANT_ID STANZA_ID(
              "%s") "<delay xmlns='urn:xmpp:delay' from='" ROOM
                    "' stamp='{scansion:any}'/></message>",
          id);
    reads(w, JULIET, "<message from='" ROOM "/Juliet' id='n'><body>Oh</body></message>");
    reads(w, JULIET, "<message from='" ROOM "'><subject/></message>");
    reads_nothing(w, JULIET);
    free(id);
    world_free(w);
}

/* The notice and the tombstone name each other: by the notice's id. */
static void the_tombstone_names_the_notice(void **state)
{
    struct world *w = world_of_one_message(NULL);
    char *id = id_of(w, 0);
    (void)state;
    moderates(w, ROMEO, id, ACTION);
    const char *came = world_next(w, PARIS);
    assert_non_null(came);
    const char *at = strstr(came, " id='");
    assert_non_null(at);
    char *notice = text_of("%.*s", (int)strcspn(at + 5, "'"), at + 5);
    leaves(w, JULIET);
    join(w, JULIET, "Juliet");
    hears(w, JULIET, 3);
    reads(w, JULIET,
          "<message><retracted xmlns='" RETRACT "' id='%s' scansion:strict='false'/></message>",
          notice);
    free(notice);
    free(id);
    world_free(w);
}

/* The form of before, in which clients still ask. */
static void the_former_form(void **state)
{
    struct world *w = world_of_one_message(NULL);
    char *id = id_of(w, 0);
    (void)state;
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='mod'><apply-to xmlns='urn:xmpp:fasten:0' id='%s'>"
         "<moderate xmlns='" MODERATE_0 "'><retract xmlns='" RETRACT_0 "'/><reason>No</reason>"
         "</moderate></apply-to></iq>",
         id);
    assert_int_equal(world_effects(w, FX_BROADCAST), 1);
    reads(w, JULIET,
          "<message from='" ROOM "'>"
          "<retract xmlns='" RETRACT "' id='%s'><moderated xmlns='" MODERATE "' by='" ROOM
          "/Romeo'>" OCCUPANT_ID "</moderated><reason>No</reason></retract>"
          "<apply-to xmlns='urn:xmpp:fasten:0' id='%s' scansion:strict='false'/></message>",
          id, id);
    hears(w, ROMEO, 1);
    reads(w, ROMEO, "<iq from='" ROOM "' type='result' id='mod'/>");
    assert_true(is_tombstone(w, 0));
    free(id);
    world_free(w);
}

/* Somebody else was faster: there is nothing left to tell. */
static void once_is_enough(void **state)
{
    struct world *w = world_of_one_message(NULL);
    char *id = id_of(w, 0);
    (void)state;
    moderates(w, ROMEO, id, ACTION "<reason>first</reason>");
    hush(w);
    moderates(w, ROMEO, id, ACTION "<reason>second</reason>");
    assert_int_equal(world_effects(w, FX_BROADCAST), 0);
    reads(w, ROMEO, "<iq from='" ROOM "' type='result' id='mod'/>");
    reads_nothing(w, JULIET);
    retracts(w, PARIS, id, "");
    hush(w);
    leaves(w, JULIET);
    join(w, JULIET, "Juliet");
    hears(w, JULIET, 3);
    reads(w, JULIET,
          "<message from='" ROOM "/Paris' id='m'><retracted xmlns='" RETRACT
          "' id='{scansion:any}' stamp='{scansion:any}'><moderated xmlns='" MODERATE "' by='" ROOM
          "/Romeo'>" OCCUPANT_ID "</moderated><reason>first</reason></retracted></message>");
    free(id);
    world_free(w);
}

/* @covers 0425#usecase-error */
static void only_moderators_inside(void **state)
{
    struct world *w = world_of_one_message(NULL);
    static const char *const others[] = {JULIET, PARIS,   JULIET_2,
                                         NURSE,  ROMEO_2, "admin@localhost/desk"};
    char *id = id_of(w, 0);
    (void)state;
    world_client(w, NURSE);
    world_client(w, ROMEO_2);
    world_client(w, "admin@localhost/desk");
    sets(w, ROMEO, "<item jid='nurse@localhost' affiliation='outcast'/>");
    sets(w, ROMEO, "<item nick='Juliet' role='visitor'/>");
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        moderates(w, others[i], id, ACTION);
        reads(w, others[i],
              "<iq from='" ROOM "' type='error' id='mod'><error type='auth' by='" ROOM "'>"
              "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>");
        nothing_has_changed(w);
    }
    sets(w, ROMEO, "<item nick='Juliet' role='moderator'/>");
    moderates(w, JULIET, id, ACTION);
    assert_true(is_tombstone(w, 0));
    free(id);
    world_free(w);
}

/* @covers 0425#usecase-error */
static void what_cannot_be_done(void **state)
{
    struct world *w = world_of_one_message(NULL);
    char *id = id_of(w, 0);
    char *long_reason = malloc(REASON_BYTES_MAX + 2);
    (void)state;
    assert_non_null(long_reason);
    memset(long_reason, 'x', REASON_BYTES_MAX + 1);
    long_reason[REASON_BYTES_MAX + 1] = '\0';
    char *too_long = text_of(ACTION "<reason>%s</reason>", long_reason);
    const struct {
        const char *id, *inside, *type, *condition;
    } cases[] = {
        {"", ACTION, "modify", "bad-request"},
        {id, "", "modify", "bad-request"},
        {id, "<reason>why</reason>", "modify", "bad-request"},
        {id, "<retract xmlns='" RETRACT_0 "'/>", "modify", "bad-request"},
        {id, "<retract/>", "modify", "bad-request"},
        {id, too_long, "modify", "bad-request"},
        {"m", ACTION, "cancel", "item-not-found"},
        {"0123456789abcdef0123456789abcdef", ACTION, "cancel", "item-not-found"},
    };
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        moderates(w, ROMEO, cases[i].id, cases[i].inside);
        reads_error(w, ROMEO, cases[i].type, cases[i].condition);
        nothing_has_changed(w);
    }
    moderates(w, ROMEO, id, ACTION ACTION); /* twice the same says nothing else */
    assert_true(is_tombstone(w, 0));
    free(too_long);
    free(long_reason);
    free(id);
    world_free(w);
}

/* As a request of another kind, beside another, within nothing or something else. */
static void what_is_no_such_request(void **state)
{
    struct world *w = world_of_one_message(NULL);
    char *id = id_of(w, 0);
    char *payload = text_of("<moderate xmlns='" MODERATE "' id='%s'>" ACTION "</moderate>", id);
    (void)state;
    says(w, ROMEO, "<iq to='" ROOM "' type='set' id='1'>%s%s</iq>", payload, payload);
    reads_error(w, ROMEO, "modify", "bad-request");
    says(w, ROMEO, "<iq to='" ROOM "' type='get' id='2'>%s</iq>", payload);
    reads_error(w, ROMEO, "cancel", "service-unavailable");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='3'><moderate xmlns='urn:xmpp:message-moderate:9' "
         "id='%s'>" ACTION "</moderate></iq>",
         id);
    reads_error(w, ROMEO, "cancel", "service-unavailable");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='4'><apply-to xmlns='urn:xmpp:fasten:0' id='%s'>"
         "<other xmlns='urn:x'/></apply-to></iq>",
         id);
    reads_error(w, ROMEO, "cancel", "service-unavailable");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='5'><apply-to xmlns='urn:xmpp:fasten:0'>"
         "<moderate xmlns='" MODERATE_0 "'><retract xmlns='" RETRACT_0 "'/></moderate>"
         "</apply-to></iq>");
    reads_error(w, ROMEO, "modify", "bad-request");
    nothing_has_changed(w);
    free(payload);
    free(id);
    world_free(w);
}

static void rooms_that_are_not_open(void **state)
{
    struct world_config config = {.locked = true};
    struct world *w = world_new(&config);
    (void)state;
    world_client(w, ROMEO);
    world_client(w, JULIET);
    moderates(w, JULIET, "x", ACTION);
    reads_error(w, JULIET, "cancel", "item-not-found");
    enters(w, ROMEO, "Romeo");
    moderates(w, JULIET, "x", ACTION);
    reads_error(w, JULIET, "cancel", "item-not-found");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='d'><query xmlns='http://jabber.org/protocol/muc#owner'>"
         "<destroy/></query></iq>");
    hush(w);
    moderates(w, ROMEO, "x", ACTION);
    reads_error(w, ROMEO, "cancel", "gone");
    world_free(w);
}

/* What the room has not kept, or not any more, it knows nothing of. */
static void what_is_not_kept(void **state)
{
    static const char *const options[] = {"history=2", NULL};
    struct world *w = world_of_one_message(options);
    char *id = id_of(w, 0);
    (void)state;
    for (int i = 0; i < 2; i++)
        says(w, PARIS, "<message to='" ROOM "' type='groupchat'><body>more</body></message>");
    hush(w);
    moderates(w, ROMEO, id, ACTION);
    reads_error(w, ROMEO, "cancel", "item-not-found");
    assert_false(is_tombstone(w, 0) || is_tombstone(w, 1));
    free(id);
    world_free(w);
}

/* ---- tombstones of unusual messages ---- */

/* Whatever stands in the addresses and ids of the message stands in those of its tombstone. */
static void escapes_stay(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    join(w, PARIS, "P&amp;&apos;r&lt;s");
    hush(w);
    says(w, PARIS,
         "<message to='" ROOM "' type='groupchat' id='&apos; id=&quot;&lt;&amp;'>"
         "<body>Rude</body></message>");
    char *id = id_of(w, 0);
    moderates(w, ROMEO, id, ACTION);
    hush(w);
    join(w, JULIET, "Juliet");
    hears(w, JULIET, 3);
    reads(w, JULIET,
          "<message from='" ROOM "/P&amp;&apos;r&lt;s' type='groupchat' "
          "id='&apos; id=&quot;&lt;&amp;'><retracted xmlns='" RETRACT
          "' scansion:strict='false'/></message>");
    free(id);
    world_free(w);
}

/* What an owner has sent with the time of then keeps that time. */
static void times_of_then_stay(void **state)
{
    struct world *w = world_with(NULL);
    (void)state;
    enters(w, ROMEO, "Romeo");
    says(w, ROMEO,
         "<message to='" ROOM "' type='groupchat' id='m'><body>Once</body>"
         "<delay xmlns='urn:xmpp:delay' from='romeo@localhost' stamp='2001-02-03T04:05:06Z'/>"
         "</message>");
    char *id = id_of(w, 0);
    moderates(w, ROMEO, id, ACTION);
    hush(w);
    join(w, JULIET, "Juliet");
    hears(w, JULIET, 2);
    const char *came = world_next(w, JULIET);
    assert_non_null(came);
    assert_non_null(strstr(came, "<delay xmlns='urn:xmpp:delay' stamp='2001-02-03T04:05:06Z'/>"));
    assert_null(strstr(came, "romeo@localhost"));
    const char *delay = strstr(came, "<delay");
    assert_null(strstr(delay + 1, "<delay"));
    free(id);
    world_free(w);
}

/* ---- by authors ---- */

/* @covers 0424#usecase 0424#rules 0424#business-id */
static void authors_take_back_their_own(void **state)
{
    struct world *w = world_of_one_message(NULL);
    char *id = id_of(w, 0);
    (void)state;
    retracts(w, PARIS, id, "");
    reads(w, JULIET,
          "<message from='" ROOM "/Paris' id='r'><retract xmlns='" RETRACT "' id='%s'/>"
          "<body>gone</body></message>",
          id);
    assert_true(is_tombstone(w, 0));
    assert_int_equal(lounge(w)->history.count, 2);
    leaves(w, JULIET);
    join(w, JULIET, "Juliet");
    hears(w, JULIET, 3);
    reads(w, JULIET,
          "<message from='" ROOM "/Paris' type='groupchat' id='m' to='" JULIET
          "' scansion:strict='true'>"
          "<retracted xmlns='" RETRACT "' id='r' stamp='{scansion:any}'/>" OCCUPANT_ID STANZA_ID(
              "%s") "<delay xmlns='urn:xmpp:delay' from='" ROOM "' stamp='{scansion:any}'/>"
                    "</message>",
          id);
    reads(w, JULIET, "<message from='" ROOM "/Paris' id='r'><body>gone</body></message>");
    free(id);
    world_free(w);
}

/* Under another name, from another session, after having been away: it is the account. */
/* @covers 0424#rules */
static void an_author_is_an_account(void **state)
{
    struct world *w = world_of_one_message(NULL);
    char *id = id_of(w, 0);
    (void)state;
    world_client(w, "paris@localhost/phone");
    leaves(w, PARIS);
    enters(w, "paris@localhost/phone", "County");
    retracts(w, "paris@localhost/phone", id, "");
    assert_true(is_tombstone(w, 0));
    free(id);
    world_free(w);
}

/* Passed on, as clients may know more; but nothing is buried. */
/* @covers 0424#rules */
static void others_do_not(void **state)
{
    struct world *w = world_of_one_message(NULL);
    char *id = id_of(w, 0);
    (void)state;
    says(w, PARIS, "<presence to='" ROOM "' type='unavailable'/>");
    says(w, JULIET, "<presence to='" ROOM "/Paris'/>"); /* the nickname is no proof */
    hush(w);
    static const char *const others[] = {JULIET, ROMEO};
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        retracts(w, others[i], id, "");
        reads(w, ROMEO, "<message id='r'><retract xmlns='" RETRACT "' id='%s'/></message>", id);
        hush(w);
        assert_false(is_tombstone(w, 0));
    }
    retracts(w, PARIS, id, ""); /* who is outside says nothing */
    reads_error(w, PARIS, "cancel", "not-acceptable");
    assert_false(is_tombstone(w, 0));
    free(id);
    world_free(w);
}

static void who_has_no_voice_does_not(void **state)
{
    struct world *w = world_of_one_message(NULL);
    char *id = id_of(w, 0);
    (void)state;
    sets(w, ROMEO, "<item nick='Paris' role='visitor'/>");
    retracts(w, PARIS, id, "");
    reads_error(w, PARIS, "auth", "forbidden");
    nothing_has_changed(w);
    free(id);
    world_free(w);
}

/* Of any size: also a message that is larger than its tombstone many times, and a smaller one. */
static void of_any_size(void **state)
{
    struct world *w = world_with(NULL);
    enum { LONG = STANZA_BYTES_MAX - 1000 };
    char *quotes = malloc(LONG / 6 * 6 + 1);
    (void)state;
    assert_non_null(quotes);
    for (size_t i = 0; i < LONG / 6; i++)
        memcpy(quotes + i * 6, "&quot;", 7);
    enters(w, ROMEO, "Romeo");
    says(w, ROMEO,
         "<message to='" ROOM "' type='groupchat' id='m'><body>x</body><a xmlns='u' b='%s'/>"
         "</message>",
         quotes);
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat' id='m'><body/></message>");
    for (uint32_t i = 0; i < 2; i++) {
        char *id = id_of(w, i);
        moderates(w, ROMEO, id, ACTION);
        assert_true(is_tombstone(w, i));
        assert_true(room_history_at(lounge(w), i)->frame->size < 1000);
        free(id);
    }
    free(quotes);
    world_free(w);
}

/* ---- what only the room may say ---- */

/* @covers 0425#rules */
static void nobody_else_moderates(void **state)
{
    static const char *const forged[] = {
        "<retract xmlns='" RETRACT "' id='%s'><moderated xmlns='" MODERATE "' by='forged'/>"
        "</retract>",
        "<apply-to xmlns='urn:xmpp:fasten:0' id='%s'><moderated xmlns='" MODERATE_0
        "' by='forged'/></apply-to>",
        "<retracted xmlns='" RETRACT "' id='%s'><moderated xmlns='" MODERATE "' by='forged'/>"
        "</retracted>",
        "<moderated xmlns='" MODERATE_0 "' id='%s' by='forged'/>",
        "<moderated xmlns='" MODERATE "' id='%s' by='forged'/>",
    };
    struct world *w = world_of_one_message(NULL);
    char *id = id_of(w, 0);
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(forged); i++) {
        char *inside = text_of(forged[i], id);
        says(w, PARIS, "<message to='" ROOM "' type='groupchat' id='f'><body>x</body>%s</message>",
             inside);
        says(w, PARIS, "<message to='" ROOM "/Juliet' type='chat'><body>x</body>%s</message>",
             inside);
        says(w, PARIS, "<presence to='" ROOM "/Paris'><status>%zu</status>%s</presence>", i,
             inside);
        for (unsigned came = 0; came < 3; came++) {
            const char *stanza = world_next(w, JULIET);
            assert_non_null(stanza);
            assert_null(strstr(stanza, "forged"));
            assert_null(strstr(stanza, id));
        }
        hush(w);
        assert_false(is_tombstone(w, 0));
        free(inside);
    }
    free(id);
    world_free(w);
}

/* ---- discovery ---- */

static const char *features(struct world *w)
{
    says(w, ROMEO,
         "<iq to='" ROOM "' type='get' id='i'>"
         "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    const char *came = world_next(w, ROMEO);
    assert_non_null(came);
    return came;
}

/* @covers 0425#disco 0424#disco */
static void told_where_it_can_be_done(void **state)
{
    static const char *const told[] = {"'" MODERATE "'", "'" MODERATE_0 "'", "'" RETRACT "'",
                                       "'" RETRACT "#tombstone'"};
    static const char *const nothing_kept[] = {"history=0", NULL};
    struct world *w = world_with(NULL);
    struct world *without = world_with(nothing_kept);
    (void)state;
    enters(w, ROMEO, "Romeo");
    enters(without, ROMEO, "Romeo");
    const char *all = features(w), *none = features(without);
    for (size_t i = 0; i < ARRAY_LEN(told); i++) {
        assert_non_null(strstr(all, told[i]));
        assert_null(strstr(none, told[i]));
    }
    world_free(w);
    world_free(without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everybody_is_told_once),
        cmocka_unit_test(without_a_reason),
        cmocka_unit_test(a_tombstone_is_left),
        cmocka_unit_test(the_tombstone_names_the_notice),
        cmocka_unit_test(the_former_form),
        cmocka_unit_test(once_is_enough),
        cmocka_unit_test(only_moderators_inside),
        cmocka_unit_test(what_cannot_be_done),
        cmocka_unit_test(what_is_no_such_request),
        cmocka_unit_test(rooms_that_are_not_open),
        cmocka_unit_test(what_is_not_kept),
        cmocka_unit_test(escapes_stay),
        cmocka_unit_test(times_of_then_stay),
        cmocka_unit_test(authors_take_back_their_own),
        cmocka_unit_test(an_author_is_an_account),
        cmocka_unit_test(others_do_not),
        cmocka_unit_test(who_has_no_voice_does_not),
        cmocka_unit_test(of_any_size),
        cmocka_unit_test(nobody_else_moderates),
        cmocka_unit_test(told_where_it_can_be_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
