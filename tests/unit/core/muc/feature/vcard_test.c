/* @covers 0054#usecases 0486#owner-publish 0486#retrieve-vcard */
#include "core/base/limits.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define VCARD(inside) "<vCard xmlns='vcard-temp'>" inside "</vCard>"
#define PHOTO(data)   "<PHOTO><TYPE>image/png</TYPE><BINVAL>" data "</BINVAL></PHOTO>"
#define NAMED         VCARD("<FN>The Lounge</FN>")
#define ABC           "YWJj" /* "abc", the first test vector of FIPS 180 */
#define ABC_HASH      "a9993e364706816aba3e25717850c26c9cd0d89d"
#define ABCD          "YWJjZA=="
#define ABCD_HASH     "81fe8bfe87576c3ecb22426f8e57847382917acf"
#define NOTICE                                                                                     \
    "<message from='" ROOM "' type='groupchat'><x xmlns='" NS_USER                                 \
    "'>" STATUS_CODE("104") "</x></message>"
#define FORBIDDEN_ERROR                                                                            \
    "<iq from='" ROOM "' type='error' id='v'><error type='auth' by='" ROOM "'>"                    \
    "<forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></iq>"

static void publishes(struct world *w, const char *who, const char *vcard)
{
    says(w, who, "<iq to='" ROOM "' type='set' id='v'>%s</iq>", vcard);
}

static void asks(struct world *w, const char *who)
{
    says(w, who, "<iq to='" ROOM "' type='get' id='g'><vCard xmlns='vcard-temp'/></iq>");
}

/* What the room shows is exactly that; "" for none. */
static void has_card(struct world *w, const char *vcard)
{
    asks(w, PARIS);
    reads(w, PARIS, "<iq from='" ROOM "' type='result' id='g'>%s</iq>", vcard);
}

static const char *info(struct world *w)
{
    says(w, PARIS,
         "<iq to='" ROOM "' type='get' id='i'>"
         "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    const char *came = world_next(w, PARIS);
    assert_non_null(came);
    return came;
}

/* The hashes the room tells, one after the other; NULL: there is no such field. */
static void has_hashes(struct world *w, const char *values)
{
    const char *came = info(w), *field = strstr(came, "var='muc#roominfo_avatarhash'");
    if (values == NULL) {
        assert_null(field);
        return;
    }
    assert_non_null(field);
    const char *at = strstr(field, "<value>"), *end = strstr(field, "</field>");
    assert_true(at != NULL && end != NULL && at < end);
    assert_int_equal((size_t)(end - at), strlen(values));
    assert_memory_equal(at, values, strlen(values));
    assert_non_null(strstr(came, "var='muc#roominfo_avatarhash' type='text-multi'"));
}

static struct world *company(void)
{
    struct world *w = world_with(NULL);
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    return w;
}

/* ---- what it is for ---- */

static void set_read_and_taken_away(void **state)
{
    struct world *w = company();
    (void)state;
    has_card(w, VCARD(""));
    publishes(w, ROMEO, VCARD("<FN>The Lounge</FN>" PHOTO(ABC)));
    reads(w, ROMEO, "<iq from='" ROOM "' type='result' id='v'/>");
    reads(w, ROMEO, NOTICE);
    reads(w, JULIET, NOTICE);
    reads_nothing(w, ROMEO);
    reads_nothing(w, JULIET);
    has_card(w, VCARD("<FN>The Lounge</FN>" PHOTO(ABC)));
    publishes(w, ROMEO, VCARD(""));
    reads(w, ROMEO, "<iq from='" ROOM "' type='result' id='v'/>");
    reads(w, ROMEO, NOTICE);
    reads(w, JULIET, NOTICE);
    has_card(w, VCARD(""));
    has_hashes(w, NULL);
    world_free(w);
}

static void same_again_is_no_news(void **state)
{
    struct world *w = company();
    (void)state;
    publishes(w, ROMEO, VCARD(""));
    reads(w, ROMEO, "<iq from='" ROOM "' type='result' id='v'/>");
    reads_nothing(w, JULIET);
    publishes(w, ROMEO, NAMED);
    hush(w);
    publishes(w, ROMEO, NAMED);
    reads(w, ROMEO, "<iq from='" ROOM "' type='result' id='v'/>");
    reads_nothing(w, ROMEO);
    reads_nothing(w, JULIET);
    world_free(w);
}

/* What an owner writes comes back as it was, whatever is in it. */
static void nothing_in_it_is_changed(void **state)
{
    static const char *const cards[] = {
        VCARD("<FN>&lt;b&gt; &amp; &quot;co&quot;</FN><N><FAMILY>L</FAMILY><GIVEN/></N>"),
        "<vCard xmlns='vcard-temp' version='2.0'><URL xmlns='vcard-temp'>x:y</URL></vCard>",
        VCARD("<x xmlns='urn:example:more' a='1'><PHOTO>no picture</PHOTO></x>"),
        VCARD("<PHOTO><EXTVAL>http://example.org/a.png</EXTVAL></PHOTO>"),
    };
    struct world *w = company();
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cards); i++) {
        publishes(w, ROMEO, cards[i]);
        hush(w);
        has_card(w, cards[i]);
        has_hashes(w, NULL);
    }
    world_free(w);
}

static void owners_outside_and_service_admins(void **state)
{
    struct world *w = company();
    (void)state;
    world_client(w, "admin@localhost/desk");
    publishes(w, "admin@localhost/desk", NAMED);
    reads(w, "admin@localhost/desk", "<iq from='" ROOM "' type='result' id='v'/>");
    reads_nothing(w, "admin@localhost/desk");
    sets(w, ROMEO, "<item affiliation='owner' jid='paris@localhost'/>");
    publishes(w, PARIS, VCARD(""));
    reads(w, PARIS, "<iq from='" ROOM "' type='result' id='v'/>");
    reads_nothing(w, PARIS);
    reads(w, JULIET, NOTICE);
    world_free(w);
}

/* ---- hashes ---- */

/* @covers 0486#disco 0486#disco-avatar-hash 0486#multiple 0486#rules 0153#bizrules-image */
/* @covers 0054#support */
static void hashes_are_of_the_bytes(void **state)
{
    static const struct {
        const char *card, *hashes;
    } rows[] = {
        {VCARD(PHOTO(ABC)), "<value>" ABC_HASH "</value>"},
        {VCARD(PHOTO(ABCD)), "<value>" ABCD_HASH "</value>"},
        {VCARD(PHOTO(" YW\n  Jj\t\r\nZA= =\n")), "<value>" ABCD_HASH "</value>"},
        {VCARD(PHOTO(ABC) "<FN>x</FN>" PHOTO(ABCD)),
         "<value>" ABC_HASH "</value><value>" ABCD_HASH "</value>"},
        {VCARD(PHOTO("+/+/")), "<value>d4dea6579404534b9ffd0f76a299256610f49e18</value>"},
        {VCARD(PHOTO("")), NULL},
        {VCARD(PHOTO(" \n ")), NULL},
        {VCARD("<PHOTO/>"), NULL},
        {VCARD("<LOGO><BINVAL>" ABC "</BINVAL></LOGO>"), NULL},
        {NAMED, NULL},
    };
    struct world *w = company();
    (void)state;
    has_hashes(w, NULL);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        publishes(w, ROMEO, rows[i].card);
        reads(w, ROMEO, "<iq from='" ROOM "' type='result' id='v'/>");
        has_hashes(w, rows[i].hashes);
        hush(w);
    }
    assert_non_null(strstr(info(w), "<feature var='vcard-temp'/>"));
    world_free(w);
}

/* ---- what is refused ---- */

static void must_not_change_it(struct world *w, const char *who)
{
    publishes(w, who, VCARD(""));
    reads(w, who, FORBIDDEN_ERROR);
    publishes(w, who, VCARD(PHOTO(ABC)));
    reads(w, who, FORBIDDEN_ERROR);
    reads_nothing(w, ROMEO);
    has_card(w, NAMED);
    has_hashes(w, NULL);
}

/* @covers 0486#security */
static void only_owners_change_it(void **state)
{
    static const char *const ranks[] = {"admin", "member", "none"};
    struct world *w = company();
    (void)state;
    enters(w, JULIET_2, "Juliet");
    publishes(w, ROMEO, NAMED);
    hush(w);
    for (size_t i = 0; i < ARRAY_LEN(ranks); i++) {
        char *item = text_of("<item affiliation='%s' jid='juliet@localhost'/>", ranks[i]);
        sets(w, ROMEO, item);
        free(item);
        must_not_change_it(w, JULIET);
        must_not_change_it(w, JULIET_2);
    }
    sets(w, ROMEO, "<item role='visitor' nick='Juliet'/>");
    must_not_change_it(w, JULIET);
    must_not_change_it(w, PARIS);
    sets(w, ROMEO, "<item affiliation='outcast' jid='juliet@localhost'/>");
    must_not_change_it(w, JULIET);
    asks(w, JULIET);
    reads(w, JULIET, "<iq from='" ROOM "' type='result' id='g'>" NAMED "</iq>");
    world_free(w);
}

static void what_cannot_be_a_vcard(void **state)
{
    static const struct {
        const char *payload, *type, *condition;
    } rows[] = {
        {VCARD(PHOTO("YWJ")), "modify", "bad-request"},
        {VCARD(PHOTO("YWJj=")), "modify", "bad-request"},
        {VCARD(PHOTO("Y===")), "modify", "bad-request"},
        {VCARD(PHOTO("YQ==YWJj")), "modify", "bad-request"},
        {VCARD(PHOTO("YWJj----")), "modify", "bad-request"},
        {VCARD(PHOTO("YW-_")), "modify", "bad-request"},
        {VCARD(PHOTO("YWJ\xc3\xa4")), "modify", "bad-request"},
        {VCARD(PHOTO(ABC) PHOTO("*")), "modify", "bad-request"},
        {VCARD("<PHOTO><BINVAL>" ABC "</BINVAL><BINVAL>" ABC "</BINVAL></PHOTO>"), "modify",
         "bad-request"},
        {"", "modify", "bad-request"},
        {NAMED NAMED, "modify", "bad-request"},
        {"<vCard xmlns='urn:example:other'><FN>x</FN></vCard>", "cancel", "service-unavailable"},
        {"<vCard><FN>x</FN></vCard>", "cancel", "service-unavailable"},
        {"<VCARD xmlns='vcard-temp'/>", "cancel", "service-unavailable"},
        {"<vcard xmlns='urn:ietf:params:xml:ns:vcard-4.0'/>", "cancel", "service-unavailable"},
    };
    struct world *w = company();
    (void)state;
    publishes(w, ROMEO, VCARD("<FN>The Lounge</FN>" PHOTO(ABC)));
    hush(w);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        publishes(w, ROMEO, rows[i].payload);
        reads_error(w, ROMEO, rows[i].type, rows[i].condition);
        reads_nothing(w, ROMEO);
        reads_nothing(w, JULIET);
        has_card(w, VCARD("<FN>The Lounge</FN>" PHOTO(ABC)));
        has_hashes(w, "<value>" ABC_HASH "</value>");
    }
    world_free(w);
}

/* One byte less fits. */
static void the_largest_vcard(void **state)
{
    const size_t around = strlen(NAMED) - strlen("The Lounge");
    char *text = malloc(ROOM_VCARD_BYTES_MAX);
    struct world *w = company();
    (void)state;
    assert_non_null(text);
    memset(text, 'x', ROOM_VCARD_BYTES_MAX);
    for (size_t over = 0; over < 2; over++) {
        size_t len = ROOM_VCARD_BYTES_MAX - around + over;
        char *card = text_of(VCARD("<FN>%.*s</FN>"), (int)len, text);
        publishes(w, ROMEO, card);
        free(card);
        if (over == 0)
            reads(w, ROMEO, "<iq from='" ROOM "' type='result' id='v'/>");
        else
            reads_error(w, ROMEO, "modify", "not-acceptable");
        hush(w);
    }
    assert_int_equal(world_room(w, ROOM)->card->xml.len, ROOM_VCARD_BYTES_MAX);
    free(text);
    world_free(w);
}

static void the_most_pictures(void **state)
{
    struct world *w = company();
    struct buf buf;
    (void)state;
    buf_init(&buf, NULL);
    for (unsigned i = 0; i < ROOM_VCARD_PHOTOS_MAX; i++)
        buf_addz(&buf, PHOTO(ABC));
    for (unsigned over = 0; over < 2; over++) {
        char *card = text_of(VCARD("%s"), buf_str(&buf).at);
        publishes(w, ROMEO, card);
        free(card);
        if (over == 0)
            reads(w, ROMEO, "<iq from='" ROOM "' type='result' id='v'/>");
        else
            reads_error(w, ROMEO, "modify", "not-acceptable");
        hush(w);
        buf_addz(&buf, PHOTO(ABC));
    }
    assert_int_equal(world_room(w, ROOM)->card->photo_count, ROOM_VCARD_PHOTOS_MAX);
    buf_free(&buf);
    world_free(w);
}

/* ---- a room's life ---- */

static void not_of_a_room_that_is_not_there(void **state)
{
    struct world *w = world_new(NULL);
    (void)state;
    world_client(w, ROMEO);
    world_client(w, PARIS);
    asks(w, PARIS);
    reads_error(w, PARIS, "cancel", "item-not-found");
    publishes(w, PARIS, NAMED);
    reads_error(w, PARIS, "cancel", "item-not-found");
    assert_null(world_room(w, ROOM));
    enters(w, ROMEO, "Romeo"); /* locked: not there for others */
    asks(w, PARIS);
    reads_error(w, PARIS, "cancel", "item-not-found");
    publishes(w, ROMEO, NAMED);
    reads(w, ROMEO, "<iq from='" ROOM "' type='result' id='v'/>");
    configures(w, ROMEO, "muc#roomconfig_roomname", "Lounge");
    has_card(w, NAMED);
    world_free(w);
}

static void destroys(struct world *w, const char *how)
{
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='d'><query "
         "xmlns='http://jabber.org/protocol/muc#owner'><destroy%s/></query></iq>",
         how);
    hush(w);
}

/* What a room remembered is nothing to the next of that name. */
static void gone_with_the_room(void **state)
{
    static const char *const persistent[] = {"persistent=on", NULL};
    struct world *w = world_with(persistent);
    (void)state;
    enters(w, ROMEO, "Romeo");
    publishes(w, ROMEO, VCARD(PHOTO(ABC)));
    leaves(w, ROMEO);
    has_card(w, VCARD(PHOTO(ABC))); /* nobody inside: it is the room's all the same */
    enters(w, ROMEO, "Romeo");
    destroys(w, " jid='tomb@" WORLD_SERVICE "'");
    asks(w, PARIS);
    reads_error(w, PARIS, "cancel", "gone");
    publishes(w, ROMEO, NAMED);
    reads_error(w, ROMEO, "cancel", "gone");
    world_advance(w, (TOMBSTONE_DAYS + 1) * INT64_C(86400000000));
    enters(w, ROMEO, "Romeo");
    has_card(w, VCARD(""));
    has_hashes(w, NULL);
    world_free(w);

    w = company();
    publishes(w, ROMEO, VCARD(PHOTO(ABC)));
    leaves(w, JULIET);
    leaves(w, ROMEO);
    enters(w, ROMEO, "Romeo");
    has_card(w, VCARD(""));
    has_hashes(w, NULL);
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(set_read_and_taken_away),
        cmocka_unit_test(same_again_is_no_news),
        cmocka_unit_test(nothing_in_it_is_changed),
        cmocka_unit_test(owners_outside_and_service_admins),
        cmocka_unit_test(hashes_are_of_the_bytes),
        cmocka_unit_test(only_owners_change_it),
        cmocka_unit_test(what_cannot_be_a_vcard),
        cmocka_unit_test(the_largest_vcard),
        cmocka_unit_test(the_most_pictures),
        cmocka_unit_test(not_of_a_room_that_is_not_there),
        cmocka_unit_test(gone_with_the_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
