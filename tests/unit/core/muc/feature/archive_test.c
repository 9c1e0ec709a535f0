/*
 * The archive of a room: who may read it, what can be asked, what is answered.
 * @covers 0313#support 0313#business-ids
 */
#include "core/base/limits.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define ADMIN_JID         "admin@localhost/desk"
#define MAM               "urn:xmpp:mam:2"
#define FIELD(var, value) "<field var='" var "'><value>" value "</value></field>"
#define FORM(fields)                                                                               \
    "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>"                 \
    "<value>" MAM "</value></field>" fields "</x>"
#define RSM(inside) "<set xmlns='http://jabber.org/protocol/rsm'>" inside "</set>"

enum { IDS_MAX = 16 };

static const char *const archived[] = {"persistent=on", "archive=on", NULL};

/* What a query has brought: the ids of the messages (their senders', not the archive's), with a
 * blank behind each, and what came last. */
struct found {
    char messages[400];
    char ids[IDS_MAX][STANZA_ID_BYTES + 1];
    unsigned count;
    char *fin; /* heap */
};

static struct world *world_of(const char *const *options, bool full_text)
{
    static const char *const admins[] = {"admin@localhost", NULL};
    struct world_config config = {
        .options = options, .admins = admins, .durable = true, .full_text = full_text};
    struct world *w = world_new(&config);
    world_client(w, ROMEO);
    world_client(w, JULIET);
    world_client(w, JULIET_2);
    world_client(w, PARIS);
    world_client(w, ADMIN_JID);
    return w;
}

static void talks(struct world *w, const char *who, const char *id, const char *body)
{
    says(w, who, "<message to='" ROOM "' type='groupchat' id='%s'><body>%s</body></message>", id,
         body);
    hush(w);
}

/* Romeo owns it, Juliet is in it; five messages, a second apart: m1 (Romeo), m2 (Juliet) ... */
static struct world *company(const char *const *options)
{
    struct world *w = world_of(options, true);
    enters(w, ROMEO, "Romeo");
    enters(w, JULIET, "Juliet");
    for (unsigned i = 1; i <= 5; i++) {
        char id[3] = {'m', (char)('0' + i), '\0'};
        talks(w, i % 2 == 1 ? ROMEO : JULIET, id, i == 4 ? "the nightingale" : "the lark");
        world_advance(w, 1000000);
    }
    return w;
}

static void queries(struct world *w, const char *who, const char *inside)
{
    hush(w);
    says(w, who,
         "<iq to='" ROOM "' type='set' id='q'><query xmlns='" MAM "' queryid='f'>%s</query>"
         "</iq>",
         inside);
}

static void copy_between(const char *text, const char *begin, char end, char *to, size_t size)
{
    const char *at = strstr(text, begin);
    assert_non_null(at);
    at += strlen(begin);
    const char *stop = strchr(at, end);
    assert_non_null(stop);
    assert_true((size_t)(stop - at) < size);
    memcpy(to, at, (size_t)(stop - at));
    to[stop - at] = '\0';
}

static void note_result(struct found *found, const char *came)
{
    char id[40];
    const char *message = strstr(came, "<message xmlns='jabber:client'");
    assert_non_null(message);
    assert_non_null(strstr(came, "queryid='f'"));
    assert_null(strstr(message, " to='"));
    copy_between(message, " id='", '\'', id, sizeof(id));
    assert_true(found->count < IDS_MAX);
    copy_between(strstr(came, "<result"), " id='", '\'', found->ids[found->count++],
                 STANZA_ID_BYTES + 1);
    size_t len = strlen(found->messages);
    snprintf(found->messages + len, sizeof(found->messages) - len, "%s ", id);
}

static struct found all_found(struct world *w, const char *who)
{
    struct found found = {.count = 0};
    const char *came;
    while ((came = world_next(w, who)) != NULL) {
        assert_null(found.fin); /* it is last */
        if (strstr(came, "<result ") != NULL)
            note_result(&found, came);
        else
            found.fin = text_of("%s", came);
    }
    if (found.fin == NULL || strstr(found.fin, "<fin ") == NULL)
        fail_msg("no end: %s", found.fin == NULL ? "nothing" : found.fin);
    return found;
}

/* In these messages, in this order, the query results. */
static void finds_at(struct world *w, const char *who, char *inside, const char *messages, int line)
{
    queries(w, who, inside);
    struct found found = all_found(w, who);
    if (strcmp(found.messages, messages) != 0) {
        print_error("line %d: found %s instead of %s: %s\n", line, found.messages, messages,
                    inside);
        fail();
    }
    free(found.fin);
    free(inside);
}

#define finds(w, who, messages, ...) finds_at((w), (who), text_of(__VA_ARGS__), messages, __LINE__)

static void ids_of(struct world *w, struct found *found)
{
    queries(w, ROMEO, "");
    *found = all_found(w, ROMEO);
    free(found->fin);
    found->fin = NULL;
}

static void is_refused(struct world *w, const char *who, const char *inside, const char *type,
                       const char *condition)
{
    queries(w, who, inside);
    reads_error(w, who, type, condition);
    reads_nothing(w, who);
}

/* ---- what is answered ---- */

/* @covers 0313#query 0313#results 0313#business-storeret-muc-archives */
static void what_an_answer_looks_like(void **state)
{
    struct world *w = company(archived);
    struct found found;
    UNUSED(state);
    ids_of(w, &found);
    queries(w, PARIS, RSM("<max>1</max>"));
    reads(w, PARIS,
          "<message from='" ROOM "' to='" PARIS "' id='{scansion:any}' scansion:strict='true'>"
          "<result xmlns='" MAM "' queryid='f' id='%s'>"
          "<forwarded xmlns='urn:xmpp:forward:0'>"
          "<delay xmlns='urn:xmpp:delay' stamp='{scansion:any}'/>"
          "<message xmlns='jabber:client' from='" ROOM "/Romeo' type='groupchat' id='m1'>"
          "<body>the lark</body>"
          "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='{scansion:any}'/>"
          "<stanza-id xmlns='urn:xmpp:sid:0' by='" ROOM "' id='%s'/>"
          "</message></forwarded></result></message>",
          found.ids[0], found.ids[0]);
    reads(w, PARIS,
          "<iq type='result' id='q' from='" ROOM "' to='" PARIS "' scansion:strict='true'>"
          "<fin xmlns='" MAM
          "'>" RSM("<first index='0'>%s</first><last>%s</last><count>5</count>") "</fin></iq>",
          found.ids[0], found.ids[0]);
    reads_nothing(w, PARIS);
    world_free(w);
}

/* @covers 0313#business-ids */
static void one_id_everywhere(void **state)
{
    struct world *w = company(archived);
    struct found found;
    char live[STANZA_ID_BYTES + 1], shown[STANZA_ID_BYTES + 1];
    const char *came;
    UNUSED(state);
    says(w, ROMEO, "<message to='" ROOM "' type='groupchat' id='m6'><body>x</body></message>");
    copy_between(world_next(w, JULIET), "by='" ROOM "' id='", '\'', live, sizeof(live));
    hush(w);
    join(w, PARIS, "Paris");
    while ((came = world_next(w, PARIS)) != NULL && strstr(came, "id='m6'") == NULL) {
    }
    assert_non_null(came);
    copy_between(came, "by='" ROOM "' id='", '\'', shown, sizeof(shown));
    ids_of(w, &found);
    assert_string_equal(live, shown);
    assert_string_equal(live, found.ids[5]);
    /* And so it stays. */
    world_restart(w, WORLD_CRASH);
    ids_of(w, &found);
    assert_string_equal(live, found.ids[5]);
    world_free(w);
}

static void subjects_and_tombstones(void **state)
{
    struct world *w = company(archived);
    struct found found;
    UNUSED(state);
    ids_of(w, &found);
    says(w, ROMEO,
         "<message to='" ROOM "' type='groupchat' id='s'><subject>News</subject>"
         "</message>");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='x'><moderate "
         "xmlns='urn:xmpp:message-moderate:1' id='%s'><retract "
         "xmlns='urn:xmpp:message-retract:1'/><reason>rude</reason></moderate></iq>",
         found.ids[1]);
    queries(w, PARIS, "");
    const char *came;
    unsigned subjects = 0, tombs = 0, notices = 0, larks = 0;
    while ((came = world_next(w, PARIS)) != NULL) {
        subjects += strstr(came, "<subject>News</subject>") != NULL;
        tombs += strstr(came, "<retracted ") != NULL;
        notices += strstr(came, "<retract ") != NULL;
        larks += strstr(came, "the lark") != NULL;
        if (strstr(came, "<retracted ") != NULL) {
            assert_non_null(strstr(came, "id='m2'"));
            assert_non_null(strstr(came, found.ids[1]));
            assert_non_null(strstr(came, ROOM "/Juliet"));
            assert_null(strstr(came, "<body"));
        }
    }
    assert_int_equal(subjects, 1);
    assert_int_equal(tombs, 1);
    assert_int_equal(notices, 1);
    assert_int_equal(larks, 3);
    world_free(w);
}

/* ---- who may ---- */

/* @covers 0313#business-storeret-muc-archives */
static void who_may_read(void **state)
{
    struct world *w = company(archived);
    UNUSED(state);
    finds(w, PARIS, "m1 m2 m3 m4 m5 ", "%s", ""); /* who could enter need not */
    sets(w, ROMEO, "<item affiliation='outcast' jid='paris@localhost'/>");
    is_refused(w, PARIS, "", "auth", "forbidden");
    sets(w, ROMEO, "<item affiliation='none' jid='paris@localhost'/>");
    configures(w, ROMEO, "muc#roomconfig_membersonly", "1");
    is_refused(w, PARIS, "", "auth", "forbidden");
    sets(w, ROMEO, "<item affiliation='member' jid='paris@localhost'/>");
    finds(w, PARIS, "m1 m2 m3 m4 m5 ", "%s", "");
    world_free(w);
}

static void who_knows_the_password(void **state)
{
    struct world *w = company(archived);
    UNUSED(state);
    configures(w, ROMEO, "muc#roomconfig_roomsecret", "balcony");
    is_refused(w, PARIS, "", "auth", "forbidden");
    finds(w, JULIET, "m1 m2 m3 m4 m5 ", "%s", ""); /* she is inside */
    leaves(w, JULIET);
    is_refused(w, JULIET, "", "auth", "forbidden");
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    finds(w, JULIET, "m1 m2 m3 m4 m5 ", "%s", "");
    finds(w, ADMIN_JID, "m1 m2 m3 m4 m5 ", "%s", "");
    world_free(w);
}

/* Of a room that is not there, or destroyed, nothing can be read. */
static void rooms_that_are_not_open(void **state)
{
    struct world *w = world_of(archived, true);
    UNUSED(state);
    is_refused(w, ROMEO, "", "cancel", "item-not-found");
    enters(w, ROMEO, "Romeo");
    talks(w, ROMEO, "m1", "old");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='d'><query "
         "xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>");
    is_refused(w, ROMEO, "", "cancel", "gone");
    /* The next room of that name has nothing of it (3.12). */
    enters(w, ADMIN_JID, "Prince");
    finds(w, ADMIN_JID, "", "%s", "");
    world_free(w);
}

/* Between question and answer a lot can happen. */
static void access_that_was_lost_meanwhile(void **state)
{
    struct world *w = company(archived);
    UNUSED(state);
    world_commits(w, WORLD_LATER);
    queries(w, PARIS, "");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='x'><query "
         "xmlns='http://jabber.org/protocol/muc#admin'>"
         "<item affiliation='outcast' jid='paris@localhost'/></query></iq>");
    reads_nothing(w, PARIS);
    world_settle(w);
    assert_non_null(strstr(world_next(w, PARIS), "<forbidden "));
    reads_nothing(w, PARIS);

    queries(w, ROMEO, FORM(FIELD("with", "juliet@localhost")));
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='x'><query "
         "xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>");
    hush(w);
    world_settle(w);
    const char *came, *last = NULL;
    while ((came = world_next(w, ROMEO)) != NULL)
        last = came;
    assert_non_null(last);
    assert_non_null(strstr(last, "<gone "));
    world_free(w);
}

/* ---- real addresses ---- */

static bool tells_jids(struct world *w, const char *who)
{
    const char *came;
    bool tells = false;
    queries(w, who, "");
    while ((came = world_next(w, who)) != NULL)
        tells = tells || strstr(came, "jid='juliet@localhost/balcony'") != NULL;
    return tells;
}

/* For those who may see them now, whatever held then. */
static void who_sees_addresses(void **state)
{
    struct world *w = company(archived);
    UNUSED(state);
    assert_true(tells_jids(w, ROMEO));
    assert_false(tells_jids(w, JULIET));
    assert_false(tells_jids(w, PARIS));
    sets(w, ROMEO, "<item role='moderator' nick='Juliet'/>");
    assert_true(tells_jids(w, JULIET));
    leaves(w, JULIET);
    assert_false(tells_jids(w, JULIET));
    sets(w, ROMEO, "<item affiliation='admin' jid='paris@localhost'/>");
    assert_true(tells_jids(w, PARIS)); /* outside, too */
    sets(w, ROMEO, "<item affiliation='none' jid='paris@localhost'/>");
    assert_false(tells_jids(w, PARIS));
    configures(w, ROMEO, "muc#roomconfig_whois", "anyone");
    assert_true(tells_jids(w, PARIS));
    configures(w, ROMEO, "muc#roomconfig_whois", "moderators");
    assert_false(tells_jids(w, PARIS));
    world_free(w);
}

/* What the room says of the sender is what it was then. */
static void standing_as_it_was(void **state)
{
    struct world *w = company(archived);
    UNUSED(state);
    sets(w, ROMEO, "<item affiliation='member' jid='juliet@localhost'/>");
    queries(w, ROMEO, RSM("<max>1</max>") FORM(FIELD("with", ROOM "/Juliet")));
    const char *came = world_next(w, ROMEO);
    assert_non_null(came);
    assert_non_null(strstr(came, "<x xmlns='http://jabber.org/protocol/muc#user'>"
                                 "<item affiliation='none' jid='juliet@localhost/balcony' "
                                 "role='participant'/></x></message>"));
    world_free(w);
}

/* @covers 0313#filter-jid */
static void with_somebody(void **state)
{
    struct world *w = company(archived);
    UNUSED(state);
    finds(w, PARIS, "m2 m4 ", FORM(FIELD("with", ROOM "/Juliet")));
    finds(w, PARIS, "", FORM(FIELD("with", ROOM "/Nobody")));
    finds(w, PARIS, "m1 m2 m3 m4 m5 ", FORM(FIELD("with", ROOM)));
    finds(w, ROMEO, "m2 m4 ", FORM(FIELD("with", "juliet@localhost")));
    finds(w, ROMEO, "m2 m4 ", FORM(FIELD("with", JULIET)));
    finds(w, ROMEO, "", FORM(FIELD("with", "juliet@localhost/elsewhere")));
    finds(w, ROMEO, "", FORM(FIELD("with", "paris@localhost")));
    /* Who does not see addresses cannot find out by asking, whether there is somebody or not. */
    is_refused(w, PARIS, FORM(FIELD("with", "juliet@localhost")), "auth", "forbidden");
    is_refused(w, PARIS, FORM(FIELD("with", "nobody@localhost")), "auth", "forbidden");
    is_refused(w, PARIS, FORM(FIELD("with", "@@")), "modify", "jid-malformed");
    is_refused(w, PARIS,
               FORM("<field var='with'><value>" ROOM "</value><value>" ROOM "</value></field>"),
               "modify", "jid-malformed");
    world_free(w);
}

/* ---- conditions ---- */

/* @covers 0313#filter 0313#filter-time */
static void between_two_times(void **state)
{
    struct world *w = company(archived);
    UNUSED(state);
    finds(w, PARIS, "m3 m4 m5 ", FORM(FIELD("start", "2026-01-01T00:00:01.500Z")));
    finds(w, PARIS, "m1 m2 ", FORM(FIELD("end", "2026-01-01T00:00:01.500Z")));
    finds(
        w, PARIS, "m3 ",
        FORM(FIELD("start", "2026-01-01T00:00:01.500Z") FIELD("end", "2026-01-01T00:00:02.500Z")));
    finds(w, PARIS, "", FORM(FIELD("start", "2027-01-01T00:00:00Z")));
    is_refused(w, PARIS, FORM(FIELD("start", "yesterday")), "modify", "bad-request");
    world_free(w);
}

/* @covers 0313#query-limit-id */
static void between_two_ids(void **state)
{
    struct world *w = company(archived);
    struct found found;
    UNUSED(state);
    ids_of(w, &found);
    finds(w, PARIS, "m3 m4 m5 ", FORM(FIELD("after-id", "%s")), found.ids[1]);
    finds(w, PARIS, "m1 ", FORM(FIELD("before-id", "%s")), found.ids[1]);
    finds(w, PARIS, "m3 ", FORM(FIELD("after-id", "%s") FIELD("before-id", "%s")), found.ids[1],
          found.ids[3]);
    finds(w, PARIS, "m2 m5 ", FORM("<field var='ids'><value>%s</value><value>%s</value></field>"),
          found.ids[4], found.ids[1]);
    is_refused(w, PARIS, FORM(FIELD("after-id", "unheard-of")), "cancel", "item-not-found");
    is_refused(w, PARIS, FORM(FIELD("before-id", "unheard-of")), "cancel", "item-not-found");
    is_refused(w, PARIS, FORM("<field var='after-id'><value>a</value><value>b</value></field>"),
               "modify", "bad-request");
    /* All of them, or nothing. */
    char *mixed =
        text_of(FORM("<field var='ids'><value>%s</value><value>no</value></field>"), found.ids[0]);
    is_refused(w, PARIS, mixed, "cancel", "item-not-found");
    free(mixed);
    world_free(w);
}

static void too_many_ids(void **state)
{
    struct world *w = company(archived);
    char many[64 * (ARCHIVE_IDS_MAX + 1)];
    size_t len = 0;
    UNUSED(state);
    for (unsigned i = 0; i <= ARCHIVE_IDS_MAX; i++)
        len += (size_t)snprintf(many + len, sizeof(many) - len, "<value>%u</value>", i);
    char *inside = text_of(FORM("<field var='ids'>%s</field>"), many);
    queries(w, PARIS, inside);
    const char *came = world_next(w, PARIS);
    assert_non_null(strstr(came, "type='error'"));
    reads_nothing(w, PARIS);
    free(inside);
    world_free(w);
}

/* @covers 0431#querying */
static void words(void **state)
{
    struct world *w = company(archived);
    UNUSED(state);
    finds(w, PARIS, "m4 ", FORM(FIELD("{urn:xmpp:fulltext:0}fulltext", "nightingale")));
    finds(w, PARIS, "", FORM(FIELD("{urn:xmpp:fulltext:0}fulltext", "owl")));
    finds(w, PARIS, "m2 ",
          FORM(FIELD("{urn:xmpp:fulltext:0}fulltext", "lark") FIELD("with", ROOM "/Juliet")));
    finds(w, PARIS, "m1 m2 m3 m4 m5 ", FORM(FIELD("{urn:xmpp:fulltext:0}fulltext", " ")));
    world_free(w);
}

static void flaws(void **state)
{
    struct world *w = company(archived);
    UNUSED(state);
    is_refused(w, PARIS, FORM(FIELD("colour", "red")), "cancel", "feature-not-implemented");
    is_refused(w, PARIS, "<x xmlns='jabber:x:data' type='submit'/>", "modify", "bad-request");
    is_refused(w, PARIS,
               "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:x</value>"
               "</field></x>",
               "modify", "bad-request");
    is_refused(w, PARIS,
               "<x xmlns='jabber:x:data' type='cancel'><field var='FORM_TYPE'><value>" MAM
               "</value></field></x>",
               "modify", "bad-request");
    is_refused(w, PARIS, RSM("<max>many</max>"), "modify", "bad-request");
    is_refused(w, PARIS, RSM("<index>-1</index>"), "modify", "bad-request");
    is_refused(w, PARIS, RSM("<after>a</after><before>b</before>"), "modify", "bad-request");
    is_refused(w, PARIS, RSM("<after>unheard-of</after>"), "cancel", "item-not-found");
    is_refused(w, PARIS, RSM("<before>unheard-of</before>"), "cancel", "item-not-found");
    says(w, PARIS, "<iq to='" ROOM "' type='set' id='q'><query xmlns='" MAM "' node='n'/></iq>");
    reads_error(w, PARIS, "cancel", "item-not-found");
    says(w, PARIS, "<iq to='" ROOM "' type='get' id='q'><prefs xmlns='" MAM "'/></iq>");
    reads_error(w, PARIS, "cancel", "service-unavailable");
    says(w, PARIS, "<iq to='" ROOM "/Romeo' type='set' id='q'><query xmlns='" MAM "'/></iq>");
    assert_non_null(strstr(world_next(w, PARIS), "type='error'"));
    says(w, PARIS, "<iq to='" ROOM "' type='set' id='q'><query xmlns='urn:xmpp:mam:1'/></iq>");
    reads_error(w, PARIS, "cancel", "service-unavailable");
    world_free(w);
}

/* ---- pages ---- */

static void is_complete(struct world *w, const char *inside, bool complete)
{
    queries(w, PARIS, inside);
    struct found found = all_found(w, PARIS);
    if ((strstr(found.fin, "complete='true'") != NULL) != complete)
        fail_msg("%s: %s", inside, found.fin);
    free(found.fin);
}

/* @covers 0313#query-paging */
static void page_by_page(void **state)
{
    struct world *w = company(archived);
    struct found found;
    UNUSED(state);
    ids_of(w, &found);
    finds(w, PARIS, "m1 m2 ", RSM("<max>2</max>"));
    finds(w, PARIS, "m3 m4 ", RSM("<max>2</max><after>%s</after>"), found.ids[1]);
    finds(w, PARIS, "m5 ", RSM("<max>2</max><after>%s</after>"), found.ids[3]);
    finds(w, PARIS, "", RSM("<max>2</max><after>%s</after>"), found.ids[4]);
    finds(w, PARIS, "m4 m5 ", RSM("<max>2</max><before/>"));
    finds(w, PARIS, "m2 m3 ", RSM("<max>2</max><before>%s</before>"), found.ids[3]);
    finds(w, PARIS, "m1 ", RSM("<max>2</max><before>%s</before>"), found.ids[1]);
    finds(w, PARIS, "m3 m4 ", RSM("<max>2</max><index>2</index>"));
    finds(w, PARIS, "", RSM("<max>2</max><index>9</index>"));
    finds(w, PARIS, "", RSM("<max>0</max>"));
    finds(w, PARIS, "m1 m2 m3 m4 m5 ", RSM("<max>100000</max>"));
    is_complete(w, "", true);
    is_complete(w, RSM("<max>4</max>"), false);
    is_complete(w, RSM("<max>5</max>"), true);
    is_complete(w, RSM("<max>4</max><before/>"), false);
    is_complete(w, RSM("<max>5</max><before/>"), true);
    is_complete(w, RSM("<max>2</max><index>3</index>"), true);
    queries(w, PARIS, RSM("<max>0</max>"));
    reads(w, PARIS,
          "<iq type='result'><fin xmlns='" MAM "'>" RSM("<count>5</count>") "</fin></iq>");
    world_free(w);
}

static void no_page_is_larger_than_this(void **state)
{
    struct world *w = company(archived);
    UNUSED(state);
    for (unsigned i = 0; i < ARCHIVE_PAGE_MAX; i++)
        talks(w, ROMEO, "more", "more");
    queries(w, PARIS, RSM("<max>100000</max>"));
    unsigned results = 0;
    const char *came;
    while ((came = world_next(w, PARIS)) != NULL) {
        results += strstr(came, "<result ") != NULL;
        assert_null(strstr(came, "complete="));
    }
    assert_int_equal(results, ARCHIVE_PAGE_MAX);
    world_free(w);
}

/* @covers 0313#query-paging-flip */
static void the_other_way_round(void **state)
{
    struct world *w = company(archived);
    struct found found;
    UNUSED(state);
    ids_of(w, &found);
    finds(w, PARIS, "m5 m4 ", RSM("<max>2</max><before/>") "<flip-page/>");
    finds(w, PARIS, "m2 m1 ", RSM("<max>2</max>") "<flip-page/>");
    queries(w, PARIS, RSM("<max>2</max><before/>") "<flip-page/>");
    assert_non_null(world_next(w, PARIS));
    assert_non_null(world_next(w, PARIS));
    reads(w, PARIS,
          "<iq type='result'><fin xmlns='" MAM
          "'>" RSM("<first index='3'>%s</first><last>%s</last><count>5</count>") "</fin></iq>",
          found.ids[3], found.ids[4]);
    world_free(w);
}

/* @covers 0313#archive-metadata */
static void metadata(void **state)
{
    struct world *w = world_of(archived, false);
    struct found found;
    UNUSED(state);
    enters(w, ROMEO, "Romeo");
    says(w, PARIS, "<iq to='" ROOM "' type='get' id='q'><metadata xmlns='" MAM "'/></iq>");
    reads(w, PARIS, "<iq type='result'><metadata xmlns='" MAM "'/></iq>");
    talks(w, ROMEO, "m1", "one");
    talks(w, ROMEO, "m2", "two");
    talks(w, ROMEO, "m3", "three");
    ids_of(w, &found);
    says(w, PARIS, "<iq to='" ROOM "' type='get' id='q'><metadata xmlns='" MAM "'/></iq>");
    reads(w, PARIS,
          "<iq type='result'><metadata xmlns='" MAM "'>"
          "<start id='%s' timestamp='{scansion:any}'/><end id='%s' timestamp='{scansion:any}'/>"
          "</metadata></iq>",
          found.ids[0], found.ids[2]);
    sets(w, ROMEO, "<item affiliation='outcast' jid='paris@localhost'/>");
    says(w, PARIS, "<iq to='" ROOM "' type='get' id='q'><metadata xmlns='" MAM "'/></iq>");
    reads_error(w, PARIS, "auth", "forbidden");
    world_free(w);
}

/* ---- what is offered ---- */

static void asks_form(struct world *w, const char *who)
{
    hush(w);
    says(w, who, "<iq to='" ROOM "' type='get' id='q'><query xmlns='" MAM "'/></iq>");
}

/* @covers 0313#query-form */
static void the_form(void **state)
{
    UNUSED(state);
    for (unsigned full_text = 0; full_text < 2; full_text++) {
        struct world *w = world_of(archived, full_text == 1);
        enters(w, ROMEO, "Romeo");
        asks_form(w, PARIS);
        const char *came = world_next(w, PARIS);
        static const char *const vars[] = {"with", "start", "end", "before-id", "after-id", "ids"};
        for (size_t i = 0; i < ARRAY_LEN(vars); i++) {
            char *field = text_of("<field var='%s' type='", vars[i]);
            assert_non_null(strstr(came, field));
            free(field);
        }
        assert_non_null(strstr(came, "type='form'"));
        assert_int_equal(strstr(came, "fulltext") != NULL, full_text);
        sets(w, ROMEO, "<item affiliation='outcast' jid='paris@localhost'/>");
        asks_form(w, PARIS);
        reads_error(w, PARIS, "auth", "forbidden");
        world_free(w);
    }
}

static bool offers(struct world *w, const char *feature)
{
    hush(w);
    says(w, PARIS,
         "<iq to='" ROOM "' type='get' id='d'>"
         "<query xmlns='http://jabber.org/protocol/disco#info'/></iq>");
    char *text = text_of("<feature var='%s'/>", feature);
    bool offered = strstr(world_next(w, PARIS), text) != NULL;
    free(text);
    return offered;
}

/* @covers 0313#support */
static void it_is_offered_while_it_is_on(void **state)
{
    static const char *const off[] = {"persistent=on", NULL};
    struct world *w = world_of(off, true);
    UNUSED(state);
    enters(w, ROMEO, "Romeo");
    assert_false(offers(w, MAM));
    assert_false(offers(w, MAM "#extended"));
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='form'>"
         "<query xmlns='http://jabber.org/protocol/muc#owner'>"
         "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
         "<value>http://jabber.org/protocol/muc#roomconfig</value></field>"
         "<field var='muc#roomconfig_enablearchiving'><value>1</value></field></x>"
         "</query></iq>");
    reads(w, ROMEO, "<iq type='result' id='form'/>");
    reads(w, ROMEO, "<message type='groupchat'>" X_USER(STATUS_CODE("170")) "</message>");
    assert_true(offers(w, MAM));
    assert_true(offers(w, MAM "#extended"));
    assert_true(offers(w, "urn:xmpp:fulltext:0"));
    assert_false(offers(w, "urn:xmpp:mam:1"));
    talks(w, ROMEO, "m1", "one");
    /* Who enters is told; switched off, what is there can still be read (13.12). */
    join(w, PARIS, "Paris");
    const char *came, *self = NULL;
    while ((came = world_next(w, PARIS)) != NULL) {
        if (strstr(came, "code='110'") != NULL)
            self = came;
        if (self == came)
            assert_non_null(strstr(came, "code='170'"));
    }
    assert_non_null(self);
    hush(w);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='form'>"
         "<query xmlns='http://jabber.org/protocol/muc#owner'>"
         "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
         "<value>http://jabber.org/protocol/muc#roomconfig</value></field>"
         "<field var='mam'><value>0</value></field></x></query></iq>");
    reads(w, ROMEO, "<iq type='result' id='form'/>");
    reads(w, ROMEO, "<message type='groupchat'>" X_USER(STATUS_CODE("171")) "</message>");
    assert_false(offers(w, MAM));
    finds(w, PARIS, "m1 ", "%s", "");
    talks(w, ROMEO, "m2", "two");
    finds(w, PARIS, "m1 ", "%s", "");
    /* On again, it goes on where it stopped. */
    configures(w, ROMEO, "muc#roomconfig_enablearchiving", "1");
    talks(w, ROMEO, "m3", "three");
    finds(w, PARIS, "m1 m3 ", "%s", "");
    world_restart(w, WORLD_CRASH);
    finds(w, PARIS, "m1 m3 ", "%s", "");
    world_free(w);
}

/* So it is in a room that lives while somebody is inside (13.12): to its end, and no longer. */
static void a_temporary_room_keeps_its_archive(void **state)
{
    static const char *const fleeting[] = {"persistent=off", "archive=on", NULL};
    struct world *w = company(fleeting);
    UNUSED(state);
    configures(w, ROMEO, "muc#roomconfig_enablearchiving", "0");
    finds(w, JULIET, "m1 m2 m3 m4 m5 ", "%s", "");
    world_restart(w, WORLD_CRASH);
    finds(w, JULIET, "m1 m2 m3 m4 m5 ", "%s", "");
    configures(w, ROMEO, "muc#roomconfig_roomname", "Verona"); /* it is what its rows say */
    world_restart(w, WORLD_CRASH);
    finds(w, JULIET, "m1 m2 m3 m4 m5 ", "%s", "");
    leaves(w, ROMEO);
    leaves(w, JULIET);
    enters(w, PARIS, "Paris");
    configures(w, PARIS, "muc#roomconfig_enablearchiving", "1");
    finds(w, PARIS, "", "%s", "");
    world_free(w);
}

static void a_service_without_a_store(void **state)
{
    struct world *w = world_with(NULL);
    UNUSED(state);
    enters(w, ROMEO, "Romeo");
    assert_false(offers(w, MAM));
    is_refused(w, ROMEO, "", "cancel", "service-unavailable");
    asks_form(w, ROMEO);
    reads_error(w, ROMEO, "cancel", "service-unavailable");
    says(w, ROMEO, "<iq to='" ROOM "' type='get' id='q'><metadata xmlns='" MAM "'/></iq>");
    reads_error(w, ROMEO, "cancel", "service-unavailable");
    world_free(w);
}

/* The store cannot be read: said, and nothing else happens. */
static void a_store_that_fails(void **state)
{
    struct world *w = company(archived);
    UNUSED(state);
    world_fail_queries(w, 1);
    is_refused(w, PARIS, "", "wait", "internal-server-error");
    world_fail_queries(w, 1);
    says(w, PARIS, "<iq to='" ROOM "' type='get' id='q'><metadata xmlns='" MAM "'/></iq>");
    reads_error(w, PARIS, "wait", "internal-server-error");
    world_slow_query(w);
    is_refused(w, PARIS, "", "wait", "resource-constraint");
    finds(w, PARIS, "m1 m2 m3 m4 m5 ", "%s", "");
    world_free(w);
}

/* ---- older than what newcomers are shown ---- */

/* By its author and by a moderator; nobody else's word counts. */
static void what_only_the_archive_has_is_retracted(void **state)
{
    static const char *const options[] = {"persistent=on", "archive=on", "history=1", NULL};
    struct world *w = company(options);
    struct found found;
    UNUSED(state);
    ids_of(w, &found);
    says(w, JULIET,
         "<message to='" ROOM "' type='groupchat' id='r1'>"
         "<retract xmlns='urn:xmpp:message-retract:1' id='%s'/></message>",
         found.ids[0]); /* Romeo's */
    says(w, JULIET,
         "<message to='" ROOM "' type='groupchat' id='r2'>"
         "<retract xmlns='urn:xmpp:message-retract:1' id='%s'/></message>",
         found.ids[1]);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='x'><moderate "
         "xmlns='urn:xmpp:message-moderate:1' id='%s'><retract "
         "xmlns='urn:xmpp:message-retract:1'/></moderate></iq>",
         found.ids[3]);
    queries(w, PARIS, RSM("<max>4</max>"));
    for (unsigned i = 0; i < 4; i++) {
        const char *came = world_next(w, PARIS);
        bool gone = strstr(came, "<retracted ") != NULL;
        assert_int_equal(gone, i == 1 || i == 3);
        assert_non_null(strstr(came, found.ids[i]));
    }
    hush(w);
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='x'><moderate "
         "xmlns='urn:xmpp:message-moderate:1' id='unheard-of'><retract "
         "xmlns='urn:xmpp:message-retract:1'/></moderate></iq>");
    reads_error(w, ROMEO, "cancel", "item-not-found");
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_an_answer_looks_like),
        cmocka_unit_test(one_id_everywhere),
        cmocka_unit_test(subjects_and_tombstones),
        cmocka_unit_test(who_may_read),
        cmocka_unit_test(who_knows_the_password),
        cmocka_unit_test(rooms_that_are_not_open),
        cmocka_unit_test(access_that_was_lost_meanwhile),
        cmocka_unit_test(who_sees_addresses),
        cmocka_unit_test(standing_as_it_was),
        cmocka_unit_test(with_somebody),
        cmocka_unit_test(between_two_times),
        cmocka_unit_test(between_two_ids),
        cmocka_unit_test(too_many_ids),
        cmocka_unit_test(words),
        cmocka_unit_test(flaws),
        cmocka_unit_test(page_by_page),
        cmocka_unit_test(no_page_is_larger_than_this),
        cmocka_unit_test(the_other_way_round),
        cmocka_unit_test(metadata),
        cmocka_unit_test(the_form),
        cmocka_unit_test(it_is_offered_while_it_is_on),
        cmocka_unit_test(a_temporary_room_keeps_its_archive),
        cmocka_unit_test(a_service_without_a_store),
        cmocka_unit_test(a_store_that_fails),
        cmocka_unit_test(what_only_the_archive_has_is_retracted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
