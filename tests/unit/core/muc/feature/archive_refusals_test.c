/*
 * What an archive does not answer, and to whom: rooms that are nobody else's matter, fields and ids
 * that are left blank, unknown or too long.
 */
#include "core/base/limits.h"
#include "tests/support/talk.h"

#define MAM               "urn:xmpp:mam:2"
#define FIELD(var, value) "<field var='" var "'><value>" value "</value></field>"
#define FORM(fields)                                                                               \
    "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE' type='hidden'>"                 \
    "<value>" MAM "</value></field>" fields "</x>"

enum { MESSAGES = 3 };

/* Romeo owns the room, Juliet is in it, Paris is not; Juliet has said two of its three messages. */
static struct world *company(const struct world_config *more)
{
    static const char *const archived[] = {"persistent=on", "archive=on", NULL};
    static const char *const who[MESSAGES] = {JULIET, ROMEO, JULIET};
    struct world_config config = *more;
    config.options = archived;
    config.durable = true;
    struct world *w = world_new(&config);
    world_client(w, ROMEO);
    world_client(w, JULIET);
    world_client(w, PARIS);
    enters(w, ROMEO, "Romeo");
    if (!config.locked)
        enters(w, JULIET, "Juliet");
    for (unsigned i = 0; i < MESSAGES; i++)
        says(w, config.locked ? ROMEO : who[i],
             "<message to='" ROOM "' type='groupchat'><body>the lark</body></message>");
    hush(w);
    return w;
}

static void queries(struct world *w, const char *who, const char *inside)
{
    hush(w);
    says(w, who, "<iq to='" ROOM "' type='set' id='q'><query xmlns='" MAM "'>%s</query></iq>",
         inside);
}

/* So many messages, then the end. */
static void finds_at(struct world *w, const char *who, unsigned count, char *inside, int line)
{
    const char *came, *last = "nothing";
    unsigned results = 0;
    queries(w, who, inside);
    while ((came = world_next(w, who)) != NULL) {
        results += strstr(came, "<result ") != NULL;
        last = came;
    }
    if (results != count || strstr(last, "<fin ") == NULL)
        fail_msg("line %d: %u instead of %u, then %s: %s", line, results, count, last, inside);
    free(inside);
}

#define finds(w, who, count, ...) finds_at((w), (who), (count), text_of(__VA_ARGS__), __LINE__)

static void is_refused(struct world *w, const char *who, const char *inside, const char *type,
                       const char *condition)
{
    queries(w, who, inside);
    reads_error(w, who, type, condition);
    reads_nothing(w, who);
}

/* A room that says nothing of itself (12.4) has no archive for strangers, and nothing in it that
 * could be moderated. */
/* @covers 0313#business-storeret-muc-archives */
static void a_room_that_is_kept_secret(void **state)
{
    static const char *const asks[] = {
        "<iq to='" ROOM "' type='set' id='q'><query xmlns='" MAM "'/></iq>",
        "<iq to='" ROOM "' type='get' id='q'><query xmlns='" MAM "'/></iq>",
        "<iq to='" ROOM "' type='get' id='q'><metadata xmlns='" MAM "'/></iq>",
        "<iq to='" ROOM "' type='set' id='q'><moderate xmlns='urn:xmpp:message-moderate:1' id='x'>"
        "<retract xmlns='urn:xmpp:message-retract:1'/></moderate></iq>",
    };
    struct world *w = company(&(struct world_config){.full_text = true});
    UNUSED(state);
    configures(w, ROMEO, "muc#roomconfig_membersonly", "1");
    configures(w, ROMEO, "muc#roomconfig_publicroom", "0");
    configures(w, ROMEO, "x-conceal", "1");
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        hush(w);
        says(w, PARIS, "%s", asks[i]);
        reads_error(w, PARIS, "cancel", "item-not-found");
        reads_nothing(w, PARIS);
    }
    sets(w, ROMEO, "<item affiliation='outcast' jid='paris@localhost'/>");
    is_refused(w, PARIS, "", "cancel", "item-not-found");
    sets(w, ROMEO, "<item affiliation='member' jid='paris@localhost'/>");
    finds(w, PARIS, MESSAGES, "%s", "");
    world_free(w);
}

/* Nobody but its owner knows yet what it will be, and who may read it. */
/* @covers 0313#business-storeret-muc-archives */
static void a_room_that_is_locked(void **state)
{
    struct world *w = company(&(struct world_config){.locked = true});
    UNUSED(state);
    is_refused(w, PARIS, "", "cancel", "item-not-found");
    says(w, PARIS, "<iq to='" ROOM "' type='get' id='q'><metadata xmlns='" MAM "'/></iq>");
    reads_error(w, PARIS, "cancel", "item-not-found");
    finds(w, ROMEO, MESSAGES, "%s", "");
    says(w, ROMEO,
         "<iq to='" ROOM "' type='set' id='form'>"
         "<query xmlns='http://jabber.org/protocol/muc#owner'>"
         "<x xmlns='jabber:x:data' type='submit'/></query></iq>");
    finds(w, PARIS, MESSAGES, "%s", "");
    world_free(w);
}

/* A form that is shown to somebody comes back with what was left blank. */
/* @covers 0313#filter */
static void blank_fields(void **state)
{
    static const char *const vars[] = {
        "with", "start", "end", "before-id", "after-id", "ids", "{urn:xmpp:fulltext:0}fulltext"};
    struct world *w = company(&(struct world_config){.full_text = true});
    UNUSED(state);
    for (size_t i = 0; i < ARRAY_LEN(vars); i++) {
        finds(w, PARIS, MESSAGES, FORM(FIELD("%s", "")), vars[i]);
        finds(w, PARIS, MESSAGES, FORM("<field var='%s'><value/></field>"), vars[i]);
        finds(w, PARIS, MESSAGES, FORM("<field var='%s'/>"), vars[i]);
    }
    finds(w, PARIS, 2,
          FORM(FIELD("with", ROOM "/Juliet") FIELD("start", "") FIELD("end", "") FIELD("ids", "")));
    world_free(w);
}

/* @covers 0313#query-form */
static void a_service_that_is_not_searched(void **state)
{
    struct world *w = company(&(struct world_config){0});
    UNUSED(state);
    is_refused(w, PARIS, FORM(FIELD("{urn:xmpp:fulltext:0}fulltext", "lark")), "cancel",
               "feature-not-implemented");
    world_free(w);
}

/* It comes back with every message. */
static void the_id_of_a_query(void **state)
{
    static char id[ARCHIVE_QUERYID_MAX + 2];
    struct world *w = company(&(struct world_config){.full_text = true});
    UNUSED(state);
    for (unsigned over = 0; over < 2; over++) {
        memset(id, 'i', ARCHIVE_QUERYID_MAX + over);
        hush(w);
        says(w, PARIS,
             "<iq to='" ROOM "' type='set' id='q'><query xmlns='" MAM "' queryid='%s'/></iq>", id);
        if (over) {
            reads_error(w, PARIS, "modify", "bad-request");
            reads_nothing(w, PARIS);
        } else {
            char *with_id = text_of("<result xmlns='" MAM "' queryid='%s' id='", id);
            assert_non_null(strstr(world_next(w, PARIS), with_id));
            free(with_id);
        }
    }
    world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_room_that_is_kept_secret),
        cmocka_unit_test(a_room_that_is_locked),
        cmocka_unit_test(blank_fields),
        cmocka_unit_test(a_service_that_is_not_searched),
        cmocka_unit_test(the_id_of_a_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
