/*
 * Every handler of core/muc/features.c against input it must not take. First: who asks, and what
 * the room is; one row for each request, one column for each asker. Then: what is asked, by the
 * owner, who may do anything; one row for each fault. A refusal has the right type and condition,
 * is `by` the room, comes from where the request went with its id, and has changed nothing. A
 * handler that no row of the first table reaches is a failure too.
 */
#include "core/base/arena.h"
#include "core/base/limits.h"
#include "core/muc/feature.h"
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define TYBALT "tybalt@localhost/street"
#define ADMIN  NS_X "#admin"
#define OWNER  NS_X "#owner"
#define DISCO  "http://jabber.org/protocol/disco"

#define PRESENCE(to, type, inside) "<presence to='" to "' id='x'" type ">" inside "</presence>"
#define MESSAGE(to, type, inside)  "<message to='" to "' id='x'" type ">" inside "</message>"
#define IQ(to, type, inside)       "<iq to='" to "' id='x' type='" type "'>" inside "</iq>"
#define GROUPCHAT                  " type='groupchat'"
#define QUERY(ns, inside)          "<query xmlns='" ns "'>" inside "</query>"
#define FIELD(var, value)          "<field var='" var "'><value>" value "</value></field>"
#define COMMANDS                   "http://jabber.org/protocol/commands"
#define DESTROY                    "http://prosody.im/protocol/muc#destroy"
#define FORM(type, form_type, inside)                                                              \
    "<x xmlns='jabber:x:data' type='" type "'>" FIELD("FORM_TYPE", form_type) inside "</x>"
#define JOIN    "<x xmlns='" NS_X "'/>"
#define INVITE  "<x xmlns='" NS_USER "'><invite to='guest@localhost'/></x>"
#define DECLINE "<x xmlns='" NS_USER "'><decline to='romeo@localhost'/></x>"
#define VCARD   "<vCard xmlns='vcard-temp'><FN>Lounge</FN></vCard>"
#define PING    "<ping xmlns='urn:xmpp:ping'/>"
#define KICK    "<item nick='Juliet' role='none'/>"
#define BAN     "<item jid='juliet@localhost' affiliation='outcast'/>"
#define CONFIG  FORM("submit", NS_X "#roomconfig", FIELD("muc#roomconfig_roomname", "New"))
#define ENROL   FORM("submit", NS_X "#register", FIELD("muc#register_roomnick", "Own"))
#define ERROR_OF(condition)                                                                        \
    "<error type='cancel'><" condition " xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
#define ASK_VOICE FORM("submit", NS_X "#request", FIELD("muc#role", "participant"))
#define CONSENT   FORM("submit", NS_X "#register", FIELD("muc#register_allow", "1"))
#define MODERATE(id)                                                                               \
    "<moderate xmlns='urn:xmpp:message-moderate:1' id='" id "'>" RETRACT "</moderate>"
#define RETRACT   "<retract xmlns='urn:xmpp:message-retract:1'/>"
#define RETRACT_0 "<retract xmlns='urn:xmpp:message-retract:0'/>"
#define FASTENED(id, inside)                                                                       \
    "<apply-to xmlns='urn:xmpp:fasten:0'" id                                                       \
    "><moderate xmlns='urn:xmpp:message-moderate:0'>" inside "</moderate></apply-to>"

/* ---- what may come of it ---- */

enum verdict {
    TAKEN,    /* no error, and the room has changed */
    ANSWERED, /* no error, and nothing has changed */
    SILENCE,  /* nothing comes back, nothing has changed */
    BAD_REQUEST,
    BLANK,
    CONFLICT,
    FORBIDDEN,
    GONE,
    JID_MALFORMED,
    NOT_ACCEPTABLE,
    NOT_ALLOWED,
    NOT_FOUND,
    OUTSIDE, /* one has to be inside for that, or to belong there */
    UNAVAILABLE,
    UNREGISTERED,
};

static const char *const verdicts[][2] = {
    [TAKEN] = {"no error", "and a change"},
    [ANSWERED] = {"no error", "no change"},
    [SILENCE] = {"silence", "no change"},
    [BAD_REQUEST] = {"modify", "bad-request"},
    [BLANK] = {"modify", "not-allowed"},
    [CONFLICT] = {"cancel", "conflict"},
    [FORBIDDEN] = {"auth", "forbidden"},
    [GONE] = {"cancel", "gone"},
    [JID_MALFORMED] = {"modify", "jid-malformed"},
    [NOT_ACCEPTABLE] = {"modify", "not-acceptable"},
    [NOT_ALLOWED] = {"cancel", "not-allowed"},
    [NOT_FOUND] = {"cancel", "item-not-found"},
    [OUTSIDE] = {"cancel", "not-acceptable"},
    [UNAVAILABLE] = {"cancel", "service-unavailable"},
    [UNREGISTERED] = {"auth", "registration-required"},
};

/* NULL: it is as it must be. */
static const char *wrong(struct world *w, const char *who, enum verdict verdict)
{
    const char *came = world_next(w, who);
    const char *type = verdicts[verdict][0], *condition = verdicts[verdict][1];
    bool refused = came != NULL && strstr(came, "type='error'") != NULL;

    if (world_changed(w, who) != (verdict == TAKEN))
        return verdict == TAKEN ? "it has changed nothing" : "it has changed the room";
    if (verdict == SILENCE)
        return came == NULL ? NULL : came;
    if (verdict == ANSWERED && came == NULL)
        return "no answer";
    if (verdict == TAKEN || verdict == ANSWERED)
        return refused ? came : NULL;
    if (came == NULL)
        return "no answer";
    const char *flaw = error_flaw(came, world_sent(w, who), type, condition);
    return flaw == NULL ? NULL : came;
}

static unsigned judge(struct world *w, const char *who, enum verdict verdict, const char *request,
                      const char *circumstance)
{
    const char *flaw = wrong(w, who, verdict);
    if (flaw == NULL)
        return 0;
    print_error("%s, %s: expected %s %s\n  but: %s\n", request, circumstance, verdicts[verdict][0],
                verdicts[verdict][1], flaw);
    return 1;
}

/* ---- the room ---- */

/* From the whole service, as the operator wants it; NULL: nobody. */
static const char *const *banned;

static struct world *some_world(bool locked)
{
    static const char *const options[] = {"moderated=on", "persistent=on", "allow_register=on",
                                          NULL};
    static const char *const clients[] = {ROMEO, ROMEO_2, JULIET, PARIS, NURSE, TYBALT};
    struct world_config config = {.options = options, .banned = banned, .locked = locked};
    struct world *w = world_new(&config);
    for (unsigned i = 0; i < ARRAY_LEN(clients); i++)
        world_client(w, clients[i]);
    return w;
}

/* Romeo owns it, Juliet is a member, Paris a visitor, Tybalt banned; Juliet has said something, and
 * the nurse is invited. Neither she nor Romeo's other client is inside. */
static struct world *company(void)
{
    struct world *w = some_world(false);
    enters(w, ROMEO, "Romeo");
    sets(w, ROMEO,
         "<item jid='juliet@localhost' affiliation='member'/>"
         "<item jid='tybalt@localhost' affiliation='outcast'/>");
    enters(w, JULIET, "Juliet");
    enters(w, PARIS, "Paris");
    say(w, JULIET, MESSAGE(ROOM, GROUPCHAT, "<body>Who is there?</body>"));
    say(w, ROMEO, MESSAGE(ROOM, "", "<x xmlns='" NS_USER "'><invite to='nurse@localhost'/></x>"));
    hush(w);
    return w;
}

static struct world *no_room(void)
{
    return some_world(true); /* rooms are locked at first */
}

static struct world *locked_room(void)
{
    struct world *w = no_room();
    enters(w, ROMEO, "Romeo");
    return w;
}

static struct world *destroyed_room(void)
{
    struct world *w = company();
    say(w, ROMEO, IQ(ROOM, "set", QUERY(OWNER, "<destroy/>")));
    hush(w);
    return w;
}

/* ---- who asks, and of what room ---- */

struct circumstance {
    const char *name;
    struct world *(*begin)(void);
    const char *asker;
};

enum { STRANGER, OUTCAST, VISITOR, SECOND, ABSENT, LOCKED, DESTROYED, CIRCUMSTANCES };

static const struct circumstance circumstances[CIRCUMSTANCES] = {
    [STRANGER] = {"by a stranger, though invited", company, NURSE},
    [OUTCAST] = {"by an outcast", company, TYBALT},
    [VISITOR] = {"by a visitor", company, PARIS},
    [SECOND] = {"by the owner's client that is not inside", company, ROMEO_2},
    [ABSENT] = {"no such room", no_room, NURSE},
    [LOCKED] = {"the room is locked", locked_room, NURSE},
    [DESTROYED] = {"the room is destroyed", destroyed_room, ROMEO},
};

struct request {
    const char *name;
    const char *xml;
    enum verdict verdicts[CIRCUMSTANCES];
};

/* clang-format off */
static const struct request requests[] = {
    {"enter", PRESENCE(ROOM "/Own", "", JOIN),
     {TAKEN, FORBIDDEN, TAKEN, TAKEN, TAKEN, NOT_FOUND, GONE}},
    {"enter without saying so", PRESENCE(ROOM "/Own", "", ""),
     {ANSWERED, ANSWERED, TAKEN, ANSWERED, ANSWERED, ANSWERED, GONE}},
    {"presence to the room", PRESENCE(ROOM, "", ""),
     {JID_MALFORMED, JID_MALFORMED, ANSWERED, JID_MALFORMED, JID_MALFORMED, JID_MALFORMED, GONE}},
    {"probe", PRESENCE(ROOM "/Juliet", " type='probe'", ""),
     {OUTSIDE, OUTSIDE, ANSWERED, OUTSIDE, NOT_FOUND, NOT_FOUND, GONE}},
    {"leave", PRESENCE(ROOM "/Own", " type='unavailable'", ""),
     {SILENCE, SILENCE, TAKEN, SILENCE, SILENCE, SILENCE, SILENCE}},
    {"archive", IQ(ROOM, "set", "<query xmlns='urn:xmpp:mam:2'/>"),
     {UNAVAILABLE, FORBIDDEN, UNAVAILABLE, UNAVAILABLE, NOT_FOUND, NOT_FOUND, GONE}},
    {"archive's form", IQ(ROOM, "get", "<query xmlns='urn:xmpp:mam:2'/>"),
     {UNAVAILABLE, FORBIDDEN, UNAVAILABLE, UNAVAILABLE, NOT_FOUND, NOT_FOUND, GONE}},
    {"archive's metadata", IQ(ROOM, "get", "<metadata xmlns='urn:xmpp:mam:2'/>"),
     {UNAVAILABLE, FORBIDDEN, UNAVAILABLE, UNAVAILABLE, NOT_FOUND, NOT_FOUND, GONE}},
    {"presence error", PRESENCE(ROOM "/Own", " type='error'", ""),
     {SILENCE, SILENCE, TAKEN, SILENCE, SILENCE, SILENCE, SILENCE}},
    {"subscription", PRESENCE(ROOM, " type='subscribe'", ""),
     {SILENCE, SILENCE, SILENCE, SILENCE, SILENCE, SILENCE, SILENCE}},
    {"subject", MESSAGE(ROOM, GROUPCHAT, "<subject>New</subject>"),
     {OUTSIDE, OUTSIDE, FORBIDDEN, OUTSIDE, NOT_FOUND, NOT_FOUND, GONE}},
    {"message", MESSAGE(ROOM, GROUPCHAT, "<body>Hello</body>"),
     {OUTSIDE, OUTSIDE, FORBIDDEN, OUTSIDE, NOT_FOUND, NOT_FOUND, GONE}},
    {"message error", MESSAGE(ROOM, " type='error'", ""),
     {TAKEN, SILENCE, TAKEN, SILENCE, SILENCE, SILENCE, SILENCE}},
    {"private message that bounces",
     MESSAGE(ROOM "/Juliet", " type='error'", ERROR_OF("not-acceptable")),
     {SILENCE, SILENCE, SILENCE, SILENCE, SILENCE, SILENCE, SILENCE}},
    {"invitation", MESSAGE(ROOM, "", INVITE),
     {OUTSIDE, OUTSIDE, FORBIDDEN, TAKEN, NOT_FOUND, NOT_FOUND, GONE}},
    {"decline", MESSAGE(ROOM, "", DECLINE),
     {TAKEN, FORBIDDEN, NOT_FOUND, NOT_FOUND, NOT_FOUND, NOT_FOUND, GONE}},
    {"private message", MESSAGE(ROOM "/Juliet", " type='chat'", "<body>Hello</body>"),
     {OUTSIDE, OUTSIDE, SILENCE, OUTSIDE, NOT_FOUND, NOT_FOUND, GONE}},
    {"private groupchat", MESSAGE(ROOM "/Juliet", GROUPCHAT, "<body>Hello</body>"),
     {OUTSIDE, OUTSIDE, BAD_REQUEST, OUTSIDE, NOT_FOUND, NOT_FOUND, GONE}},
    {"request for voice", MESSAGE(ROOM, "", ASK_VOICE),
     {OUTSIDE, OUTSIDE, SILENCE, OUTSIDE, NOT_FOUND, NOT_FOUND, GONE}},
    {"consent", MESSAGE(ROOM, "", CONSENT),
     {OUTSIDE, OUTSIDE, FORBIDDEN, OUTSIDE, NOT_FOUND, NOT_FOUND, GONE}},
    {"self-ping", IQ(ROOM "/Romeo", "get", PING),
     {OUTSIDE, OUTSIDE, SILENCE, OUTSIDE, OUTSIDE, NOT_FOUND, GONE}},
    {"self-ping, of oneself", IQ(ROOM "/Paris", "get", PING),
     {OUTSIDE, OUTSIDE, ANSWERED, OUTSIDE, OUTSIDE, NOT_FOUND, GONE}},
    {"error for a ping nobody sent", IQ(ROOM, "error", ERROR_OF("item-not-found")),
     {SILENCE, SILENCE, SILENCE, SILENCE, SILENCE, SILENCE, SILENCE}},
    {"ping of the room", IQ(ROOM, "get", PING),
     {ANSWERED, ANSWERED, ANSWERED, ANSWERED, NOT_FOUND, NOT_FOUND, GONE}},
    {"request to an occupant", IQ(ROOM "/Juliet", "get", QUERY("jabber:iq:version", "")),
     {OUTSIDE, OUTSIDE, SILENCE, OUTSIDE, OUTSIDE, NOT_FOUND, GONE}},
    {"discovery of an occupant", IQ(ROOM "/Juliet", "get", QUERY(DISCO "#info", "")),
     {BAD_REQUEST, BAD_REQUEST, SILENCE, BAD_REQUEST, BAD_REQUEST, NOT_FOUND, GONE}},
    {"answer nobody asked for", IQ(ROOM "/Juliet", "result", ""),
     {SILENCE, SILENCE, SILENCE, SILENCE, SILENCE, SILENCE, SILENCE}},
    {"disco#info", IQ(ROOM, "get", QUERY(DISCO "#info", "")),
     {ANSWERED, ANSWERED, ANSWERED, ANSWERED, NOT_FOUND, NOT_FOUND, GONE}},
    {"disco#items", IQ(ROOM, "get", QUERY(DISCO "#items", "")),
     {ANSWERED, ANSWERED, ANSWERED, ANSWERED, NOT_FOUND, NOT_FOUND, GONE}},
    /* Of a service without a store; with one: feature/archive_test.c. */
    {"query of the archive", IQ(ROOM, "set", QUERY("urn:xmpp:mam:2", "")),
     {UNAVAILABLE, FORBIDDEN, UNAVAILABLE, UNAVAILABLE, NOT_FOUND, NOT_FOUND, GONE}},
    {"form of the archive", IQ(ROOM, "get", QUERY("urn:xmpp:mam:2", "")),
     {UNAVAILABLE, FORBIDDEN, UNAVAILABLE, UNAVAILABLE, NOT_FOUND, NOT_FOUND, GONE}},
    {"metadata of the archive", IQ(ROOM, "get", "<metadata xmlns='urn:xmpp:mam:2'/>"),
     {UNAVAILABLE, FORBIDDEN, UNAVAILABLE, UNAVAILABLE, NOT_FOUND, NOT_FOUND, GONE}},
    {"registration form", IQ(ROOM, "get", QUERY("jabber:iq:register", "")),
     {ANSWERED, FORBIDDEN, ANSWERED, ANSWERED, NOT_FOUND, NOT_FOUND, GONE}},
    {"registration", IQ(ROOM, "set", QUERY("jabber:iq:register", ENROL)),
     {TAKEN, FORBIDDEN, TAKEN, TAKEN, NOT_FOUND, NOT_FOUND, GONE}},
    {"unregistration", IQ(ROOM, "set", QUERY("jabber:iq:register", "<remove/>")),
     {UNREGISTERED, FORBIDDEN, UNREGISTERED, UNREGISTERED, NOT_FOUND, NOT_FOUND, GONE}},
    {"vCard", IQ(ROOM, "get", "<vCard xmlns='vcard-temp'/>"),
     {ANSWERED, ANSWERED, ANSWERED, ANSWERED, NOT_FOUND, NOT_FOUND, GONE}},
    {"new vCard", IQ(ROOM, "set", VCARD),
     {FORBIDDEN, FORBIDDEN, FORBIDDEN, TAKEN, NOT_FOUND, NOT_FOUND, GONE}},
    {"version", IQ(ROOM, "get", QUERY("jabber:iq:version", "")),
     {ANSWERED, ANSWERED, ANSWERED, ANSWERED, NOT_FOUND, NOT_FOUND, GONE}},
    {"moderation", IQ(ROOM, "set", MODERATE("1")),
     {FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, NOT_FOUND, NOT_FOUND, GONE}},
    {"moderation as it was before", IQ(ROOM, "set", FASTENED(" id='1'", RETRACT_0)),
     {FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, NOT_FOUND, NOT_FOUND, GONE}},
    {"kick", IQ(ROOM, "set", QUERY(ADMIN, KICK)),
     {FORBIDDEN, FORBIDDEN, FORBIDDEN, NOT_ALLOWED, NOT_FOUND, NOT_FOUND, GONE}},
    {"list of roles", IQ(ROOM, "get", QUERY(ADMIN, "<item role='visitor'/>")),
     {FORBIDDEN, FORBIDDEN, FORBIDDEN, ANSWERED, NOT_FOUND, NOT_FOUND, GONE}},
    {"ban", IQ(ROOM, "set", QUERY(ADMIN, BAN)),
     {FORBIDDEN, FORBIDDEN, FORBIDDEN, TAKEN, NOT_FOUND, NOT_FOUND, GONE}},
    {"list of members", IQ(ROOM, "get", QUERY(ADMIN, "<item affiliation='member'/>")),
     {FORBIDDEN, FORBIDDEN, FORBIDDEN, ANSWERED, NOT_FOUND, NOT_FOUND, GONE}},
    {"form of the room", IQ(ROOM, "get", QUERY(OWNER, "")),
     {FORBIDDEN, FORBIDDEN, FORBIDDEN, ANSWERED, NOT_FOUND, NOT_FOUND, GONE}},
    {"configuration", IQ(ROOM, "set", QUERY(OWNER, CONFIG)),
     {FORBIDDEN, FORBIDDEN, FORBIDDEN, TAKEN, NOT_FOUND, NOT_FOUND, GONE}},
    {"end of the room", IQ(ROOM, "set", QUERY(OWNER, "<destroy/>")),
     {FORBIDDEN, FORBIDDEN, FORBIDDEN, TAKEN, NOT_FOUND, NOT_FOUND, GONE}},
    {"order to the service", IQ(WORLD_SERVICE, "set", "<command xmlns='" COMMANDS "' node='" DESTROY
        "'><x xmlns='jabber:x:data' type='submit'>" FIELD("rooms", ROOM) "</x></command>"),
     {FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN, FORBIDDEN}},
    {"request nobody knows", IQ(ROOM, "get", QUERY("urn:example:unknown", "")),
     {UNAVAILABLE, UNAVAILABLE, UNAVAILABLE, UNAVAILABLE, NOT_FOUND, NOT_FOUND, GONE}},
};
/* clang-format on */

/* ---- which handlers they reach ---- */

enum { FEATURES_MAX = 64, HANDLERS_MAX = 16 };

static bool reached[FEATURES_MAX][HANDLERS_MAX];

static void note(const struct handler *handler)
{
    for (unsigned f = 0; f < features_count; f++) {
        const struct feature *feature = features_all[f];
        assert_true(f < FEATURES_MAX && feature->handler_count <= HANDLERS_MAX);
        for (unsigned i = 0; i < feature->handler_count; i++)
            reached[f][i] |= handler == &feature->handlers[i];
    }
}

/* What the room is going to do with that, if there is a room. */
static void note_handler(struct world *w, const char *who, const char *xml)
{
    const struct room *room = world_room(w, ROOM);
    if (room == NULL)
        return;
    struct arena *arena = arena_new(4096);
    struct stanza *stanza = stanza_parse(str_z(xml));
    struct str to = node_attr(stanza_root(stanza), NAME_TO);
    struct event event = {
        .kind = EV_STANZA,
        .stanza = {.stanza = stanza,
                   .from = jid_parse(arena, str_z(who)),
                   .to = jid_parse(arena, to)},
    };
    struct step step = {.arena = arena, .env = room->env};
    struct inbound in;
    assert_true(inbound_read(room, &step, &event, &in));
    note(features_handler(room, &in));
    stanza_free(stanza);
    arena_free(arena);
}

static unsigned not_reached(void)
{
    unsigned missing = 0;
    for (unsigned f = 0; f < features_count; f++) {
        for (unsigned i = 0; i < features_all[f]->handler_count; i++) {
            if (reached[f][i])
                continue;
            print_error("no row for handler %u of %s\n", i, features_all[f]->name);
            missing++;
        }
    }
    return missing;
}

/* @covers 0045#enter-banned.refused 0045#enter-locked.refused 0045#bizrules-message.refused
 * @covers 0045#bizrules-message.no-room 0045#register.no-room 0045#destroyroom.forbidden */
static void each_asker_of_each_room(void **state)
{
    unsigned failures = 0;
    (void)state;
    for (unsigned r = 0; r < ARRAY_LEN(requests); r++) {
        for (unsigned c = 0; c < CIRCUMSTANCES; c++) {
            const struct circumstance *in = &circumstances[c];
            struct world *w = in->begin();
            note_handler(w, in->asker, requests[r].xml);
            say(w, in->asker, requests[r].xml);
            failures += judge(w, in->asker, requests[r].verdicts[c], requests[r].name, in->name);
            world_free(w);
        }
    }
    failures += not_reached();
    assert_int_equal(failures, 0);
}

static bool wants_no_answer(const char *xml)
{
    static const char *const types[] = {"error", "result", "unavailable", "subscribe"};
    char type[24];
    for (unsigned i = 0; i < ARRAY_LEN(types); i++) {
        snprintf(type, sizeof(type), " type='%s'", types[i]);
        if (strstr(xml, type) != NULL)
            return true;
    }
    return false;
}

/* Who is banned from the service gets one answer to all it asks, whatever is there.
 * @covers 0045#enter-banned.refused */
static void each_request_of_the_banned(void **state)
{
    static const char *const names[] = {"nurse@localhost", NULL};
    static const unsigned hers[] = {STRANGER, ABSENT, LOCKED};
    unsigned failures = 0;
    (void)state;
    banned = names;
    for (unsigned r = 0; r < ARRAY_LEN(requests); r++) {
        for (unsigned i = 0; i < ARRAY_LEN(hers); i++) {
            const struct circumstance *in = &circumstances[hers[i]];
            enum verdict verdict = requests[r].verdicts[hers[i]];
            if (!wants_no_answer(requests[r].xml))
                verdict = FORBIDDEN;
            struct world *w = in->begin();
            say(w, NURSE, requests[r].xml);
            failures += judge(w, NURSE, verdict, requests[r].name, in->name);
            world_free(w);
        }
    }
    banned = NULL;
    assert_int_equal(failures, 0);
}

/* ---- what is asked ---- */

struct fault {
    const char *name;
    const char *xml; /* %s: `bytes` letters */
    size_t bytes;
    enum verdict verdict;
};

#define ITEM(attributes)    "<item " attributes "/>"
#define ADMIN_SET(items)    IQ(ROOM, "set", QUERY(ADMIN, items))
#define OWNER_SET(inside)   IQ(ROOM, "set", QUERY(OWNER, inside))
#define REGISTER(inside)    IQ(ROOM, "set", QUERY("jabber:iq:register", inside))
#define CONFIG_FORM(fields) FORM("submit", NS_X "#roomconfig", fields)
#define ENROL_FORM(fields)  FORM("submit", NS_X "#register", fields)
#define VOICE_FORM(fields)  FORM("submit", NS_X "#request", fields)
#define ROOMNAME            "muc#roomconfig_roomname"
#define ROOMNICK            "muc#register_roomnick"
#define REASON              "<reason>%s</reason>"

static const struct fault faults[] = {
    {"presence of no known type", PRESENCE(ROOM "/Own", " type='curious'", JOIN), 0, SILENCE},
    {"presence too large", PRESENCE(ROOM "/Romeo", "", "<status>%s</status>"), PRESENCE_BYTES_MAX,
     NOT_ACCEPTABLE},
    {"entering twice over", PRESENCE(ROOM "/Romeo", "", JOIN JOIN), 0, ANSWERED},
    {"entering, too large", PRESENCE(ROOM "/Romeo", "", JOIN "<status>%s</status>"),
     PRESENCE_BYTES_MAX, NOT_ACCEPTABLE},
    {"entering in another namespace", PRESENCE(ROOM "/Romeo", "", "<x xmlns='urn:example:muc'/>"),
     0, TAKEN},
    {"nickname too long", PRESENCE(ROOM "/%s", "", ""), NICK_CHARS_MAX + 1, JID_MALFORMED},
    {"nickname younger than Unicode 3.2", PRESENCE(ROOM "/\xf0\x9f\xa4\x96", "", ""), 0,
     JID_MALFORMED},
    {"nickname in use", PRESENCE(ROOM "/Juliet", "", ""), 0, CONFLICT},
    {"nickname of blanks", PRESENCE(ROOM "/ ", "", ""), 0, BLANK},
    {"change of nickname, too large", PRESENCE(ROOM "/Own", "", "<status>%s</status>"),
     PRESENCE_BYTES_MAX, NOT_ACCEPTABLE},

    {"subject too long", MESSAGE(ROOM, GROUPCHAT, "<subject>%s</subject>"), ROOM_SUBJECT_BYTES_MAX,
     NOT_ACCEPTABLE},
    {"subject of no type", MESSAGE(ROOM, "", "<subject>New</subject>"), 0, BAD_REQUEST},
    {"subject for a chat", MESSAGE(ROOM, " type='chat'", "<subject>New</subject>"), 0, BAD_REQUEST},
    {"subject in another namespace",
     MESSAGE(ROOM, GROUPCHAT, "<subject xmlns='urn:example:x'>New</subject>"), 0, ANSWERED},
    {"message of no type", MESSAGE(ROOM, "", "<body>Hello</body>"), 0, BAD_REQUEST},
    {"message for a chat", MESSAGE(ROOM, " type='chat'", "<body>Hello</body>"), 0, BAD_REQUEST},
    {"headline", MESSAGE(ROOM, " type='headline'", "<body>Hello</body>"), 0, BAD_REQUEST},
    {"message without anything", MESSAGE(ROOM, "", ""), 0, BAD_REQUEST},
    {"private message to nobody", MESSAGE(ROOM "/Nobody", " type='chat'", "<body>Hello</body>"), 0,
     NOT_FOUND},
    {"private message for all", MESSAGE(ROOM "/Juliet", GROUPCHAT, "<body>Hello</body>"), 0,
     BAD_REQUEST},

    {"invitation of nobody", MESSAGE(ROOM, "", X_USER("<invite/>")), 0, BAD_REQUEST},
    {"invitation in another namespace",
     MESSAGE(ROOM, "", "<x xmlns='urn:example:x'><invite to='guest@localhost'/></x>"), 0,
     BAD_REQUEST},
    {"invitation of a server", MESSAGE(ROOM, "", X_USER("<invite to='localhost'/>")), 0,
     JID_MALFORMED},
    {"invitation of nothing", MESSAGE(ROOM, "", X_USER("<invite to='@'/>")), 0, JID_MALFORMED},
    {"invitation of an outcast", MESSAGE(ROOM, "", X_USER("<invite to='tybalt@localhost'/>")), 0,
     FORBIDDEN},
    {"invitation with a novel",
     MESSAGE(ROOM, "", X_USER("<invite to='guest@localhost'>" REASON "</invite>")),
     REASON_BYTES_MAX + 1, BAD_REQUEST},
    {"invitation as a chat", MESSAGE(ROOM, " type='chat'", INVITE), 0, BAD_REQUEST},
    {"decline with a novel", MESSAGE(ROOM, "", X_USER("<decline>" REASON "</decline>")),
     REASON_BYTES_MAX + 1, BAD_REQUEST},
    {"decline to nothing", MESSAGE(ROOM, "", X_USER("<decline to='@'/>")), 0, JID_MALFORMED},

    {"form of nothing", MESSAGE(ROOM, "", "<x xmlns='jabber:x:data'/>"), 0, BAD_REQUEST},
    {"form of another kind", MESSAGE(ROOM, "", FORM("submit", "urn:example:form", "")), 0,
     BAD_REQUEST},
    {"form as a form", MESSAGE(ROOM, "", FORM("form", NS_X "#request", "")), 0, BAD_REQUEST},
    {"voice for nobody",
     MESSAGE(ROOM, "",
             VOICE_FORM(FIELD("muc#role", "participant") FIELD("muc#request_allow", "1"))),
     0, NOT_FOUND},
    {"voice with a field twice",
     MESSAGE(ROOM, "",
             VOICE_FORM(FIELD("muc#role", "participant") FIELD("muc#role", "participant"))),
     0, BAD_REQUEST},
    {"voice of another role", MESSAGE(ROOM, "", VOICE_FORM(FIELD("muc#role", "moderator"))), 0,
     BAD_REQUEST},
    {"consent to nobody", MESSAGE(ROOM, "", CONSENT), 0, NOT_FOUND},
    {"consent to nothing", MESSAGE(ROOM, "", ENROL_FORM("")), 0, BAD_REQUEST},

    {"request without anything", IQ(ROOM, "get", ""), 0, BAD_REQUEST},
    {"request with two things", IQ(ROOM, "get", PING PING), 0, BAD_REQUEST},
    {"request of no known type", IQ(ROOM, "fetch", PING), 0, BAD_REQUEST},
    {"request without id", "<iq to='" ROOM "' type='get'>" PING "</iq>", 0, BAD_REQUEST},
    {"request without id to an occupant", "<iq to='" ROOM "/Juliet' type='get'>" PING "</iq>", 0,
     BAD_REQUEST},
    {"request with too long an id", "<iq to='" ROOM "/Juliet' type='get' id='%s'>" PING "</iq>",
     RELAYED_ID_BYTES_MAX + 1, BAD_REQUEST},
    {"request to nobody", IQ(ROOM "/Nobody", "get", PING), 0, NOT_FOUND},
    {"ping that sets", IQ(ROOM, "set", PING), 0, UNAVAILABLE},
    {"ping in another namespace", IQ(ROOM, "get", "<ping xmlns='urn:example:ping'/>"), 0,
     UNAVAILABLE},
    {"vCard of another's", IQ(ROOM "/Juliet", "set", VCARD), 0, FORBIDDEN},

    {"disco that sets", IQ(ROOM, "set", QUERY(DISCO "#info", "")), 0, UNAVAILABLE},
    {"disco of a node that is not there",
     IQ(ROOM, "get", "<query xmlns='" DISCO "#info' node='nowhere'/>"), 0, NOT_FOUND},
    {"items of a node that is not there",
     IQ(ROOM, "get", "<query xmlns='" DISCO "#items' node='nowhere'/>"), 0, NOT_FOUND},
    {"items after nobody",
     IQ(ROOM, "get",
        QUERY(DISCO "#items",
              "<set xmlns='http://jabber.org/protocol/rsm'><after>nobody</after></set>")),
     0, NOT_FOUND},
    {"items of a number that is none",
     IQ(ROOM, "get",
        QUERY(DISCO "#items", "<set xmlns='http://jabber.org/protocol/rsm'><max>all</max></set>")),
     0, BAD_REQUEST},
    {"error of nothing", IQ(ROOM, "error", ""), 0, SILENCE},
    {"error twice over", IQ(ROOM, "error", ERROR_OF("gone") ERROR_OF("gone")), 0, SILENCE},
    {"error in another namespace", IQ(ROOM, "error", "<error xmlns='urn:example:x'/>"), 0, SILENCE},
    {"error for an id too long to be ours",
     "<iq to='" ROOM "' id='%s' type='error'>" ERROR_OF("gone") "</iq>", RELAYED_ID_BYTES_MAX + 1,
     SILENCE},
    {"answer to a ping nobody sent", IQ(ROOM, "result", PING), 0, SILENCE},
    {"version that sets", IQ(ROOM, "set", QUERY("jabber:iq:version", "")), 0, UNAVAILABLE},

    {"registration without a form", REGISTER(""), 0, BAD_REQUEST},
    {"registration with a form of another kind", REGISTER(CONFIG), 0, BAD_REQUEST},
    {"registration with a field twice",
     REGISTER(ENROL_FORM(FIELD(ROOMNICK, "A") FIELD(ROOMNICK, "B"))), 0, BAD_REQUEST},
    {"registration without a nickname", REGISTER(ENROL_FORM("")), 0, BAD_REQUEST},
    {"registration of too long a nickname", REGISTER(ENROL_FORM(FIELD(ROOMNICK, "%s"))),
     NICK_CHARS_MAX + 1, BAD_REQUEST},
    {"registration of another's nickname", REGISTER(ENROL_FORM(FIELD(ROOMNICK, "Juliet"))), 0,
     CONFLICT},
    {"registering and unregistering", REGISTER("<remove/>" ENROL), 0, BAD_REQUEST},

    {"vCard too large", IQ(ROOM, "set", "<vCard xmlns='vcard-temp'><FN>%s</FN></vCard>"),
     ROOM_VCARD_BYTES_MAX, NOT_ACCEPTABLE},
    {"vCard with no picture",
     IQ(ROOM, "set", "<vCard xmlns='vcard-temp'><PHOTO><BINVAL>!</BINVAL></PHOTO></vCard>"), 0,
     BAD_REQUEST},
    {"vCard with a picture twice",
     IQ(ROOM, "set",
        "<vCard "
        "xmlns='vcard-temp'><PHOTO><BINVAL>QQ==</BINVAL><BINVAL>QQ==</BINVAL></PHOTO></vCard>"),
     0, BAD_REQUEST},
    {"vCard in another namespace", IQ(ROOM, "set", "<vCard xmlns='urn:example:vcard'/>"), 0,
     UNAVAILABLE},

    {"moderation of nothing",
     IQ(ROOM, "set", "<moderate xmlns='urn:xmpp:message-moderate:1'>" RETRACT "</moderate>"), 0,
     BAD_REQUEST},
    {"moderation of what was never said", IQ(ROOM, "set", MODERATE("1")), 0, NOT_FOUND},
    {"moderation without saying what",
     IQ(ROOM, "set", "<moderate xmlns='urn:xmpp:message-moderate:1' id='1'/>"), 0, BAD_REQUEST},
    {"moderation with a novel",
     IQ(ROOM, "set",
        "<moderate xmlns='urn:xmpp:message-moderate:1' id='1'>" RETRACT REASON "</moderate>"),
     REASON_BYTES_MAX + 1, BAD_REQUEST},
    {"moderation that asks", IQ(ROOM, "get", MODERATE("1")), 0, UNAVAILABLE},

    {"query of an archive that is not kept", IQ(ROOM, "set", "<query xmlns='urn:xmpp:mam:2'/>"), 0,
     UNAVAILABLE},
    {"form of an archive that is not kept", IQ(ROOM, "get", "<query xmlns='urn:xmpp:mam:2'/>"), 0,
     UNAVAILABLE},
    {"metadata of an archive that is not kept",
     IQ(ROOM, "get", "<metadata xmlns='urn:xmpp:mam:2'/>"), 0, UNAVAILABLE},
    {"metadata of an archive, set", IQ(ROOM, "set", "<metadata xmlns='urn:xmpp:mam:2'/>"), 0,
     UNAVAILABLE},
    {"moderation as before, of nothing", IQ(ROOM, "set", FASTENED("", RETRACT_0)), 0, BAD_REQUEST},
    {"moderation as before, without saying what", IQ(ROOM, "set", FASTENED(" id='1'", "")), 0,
     BAD_REQUEST},
    {"moderation as before, of what was never said",
     IQ(ROOM, "set", FASTENED(" id='1'", RETRACT_0)), 0, NOT_FOUND},

    {"no item", ADMIN_SET(""), 0, BAD_REQUEST},
    {"item in another namespace",
     ADMIN_SET("<item xmlns='urn:example:x' nick='Juliet' role='none'/>"), 0, BAD_REQUEST},
    {"item without anything", ADMIN_SET("<item/>"), 0, BAD_REQUEST},
    {"role and affiliation", ADMIN_SET(ITEM("nick='Juliet' role='none' affiliation='none'")), 0,
     BAD_REQUEST},
    {"items of two kinds", ADMIN_SET(KICK BAN), 0, BAD_REQUEST},
    {"kick of nobody", ADMIN_SET(ITEM("role='none'")), 0, BAD_REQUEST},
    {"kick of who is not here", ADMIN_SET(ITEM("nick='Nobody' role='none'")), 0, NOT_FOUND},
    {"kick twice", ADMIN_SET(KICK KICK), 0, BAD_REQUEST},
    {"kick of oneself", ADMIN_SET(ITEM("nick='Romeo' role='none'")), 0, CONFLICT},
    {"kick, the second one of nobody", ADMIN_SET(KICK ITEM("nick='Nobody' role='none'")), 0,
     NOT_FOUND},
    {"kick with a novel", ADMIN_SET("<item nick='Juliet' role='none'>" REASON "</item>"),
     REASON_BYTES_MAX + 1, BAD_REQUEST},
    {"role that does not exist", ADMIN_SET(ITEM("nick='Juliet' role='king'")), 0, BAD_REQUEST},
    {"list of no role", IQ(ROOM, "get", QUERY(ADMIN, ITEM("role='none'"))), 0, BAD_REQUEST},
    {"list of a role that does not exist", IQ(ROOM, "get", QUERY(ADMIN, ITEM("role='king'"))), 0,
     BAD_REQUEST},
    {"list of two roles",
     IQ(ROOM, "get", QUERY(ADMIN, ITEM("role='visitor'") ITEM("role='moderator'"))), 0,
     BAD_REQUEST},

    {"ban of nobody", ADMIN_SET(ITEM("affiliation='outcast'")), 0, BAD_REQUEST},
    {"ban of nothing", ADMIN_SET(ITEM("affiliation='outcast' jid='@'")), 0, JID_MALFORMED},
    {"ban of an occupant's address", ADMIN_SET(ITEM("affiliation='outcast' jid='" ROOM "/Juliet'")),
     0, OUTSIDE},
    {"ban twice", ADMIN_SET(BAN BAN), 0, BAD_REQUEST},
    {"ban of oneself", ADMIN_SET(ITEM("affiliation='outcast' jid='romeo@localhost'")), 0, CONFLICT},
    {"ban, the second one of nothing", ADMIN_SET(BAN ITEM("affiliation='outcast' jid='@'")), 0,
     JID_MALFORMED},
    {"ban with a novel",
     ADMIN_SET("<item jid='juliet@localhost' affiliation='outcast'>" REASON "</item>"),
     REASON_BYTES_MAX + 1, BAD_REQUEST},
    {"affiliation that does not exist",
     ADMIN_SET(ITEM("jid='juliet@localhost' affiliation='king'")), 0, BAD_REQUEST},
    {"membership of a whole server", ADMIN_SET(ITEM("jid='localhost' affiliation='member'")), 0,
     OUTSIDE},
    {"membership with too long a nickname",
     ADMIN_SET(ITEM("jid='guest@localhost' affiliation='member' nick='%s'")), NICK_CHARS_MAX + 1,
     JID_MALFORMED},
    {"the last owner's end", ADMIN_SET(ITEM("jid='romeo@localhost' affiliation='admin'")), 0,
     CONFLICT},
    {"list of no affiliation", IQ(ROOM, "get", QUERY(ADMIN, ITEM("affiliation='none'"))), 0,
     BAD_REQUEST},
    {"list of an affiliation that does not exist",
     IQ(ROOM, "get", QUERY(ADMIN, ITEM("affiliation='king'"))), 0, BAD_REQUEST},

    {"configuration without a form", OWNER_SET(""), 0, BAD_REQUEST},
    {"configuration without type", OWNER_SET("<x xmlns='jabber:x:data'/>"), 0, BAD_REQUEST},
    {"configuration as a form", OWNER_SET(FORM("form", NS_X "#roomconfig", "")), 0, BAD_REQUEST},
    {"configuration of another kind", OWNER_SET(ENROL), 0, BAD_REQUEST},
    {"configuration in another namespace", IQ(ROOM, "set", QUERY("urn:example:x", CONFIG)), 0,
     UNAVAILABLE},
    {"configuration with a field twice",
     OWNER_SET(CONFIG_FORM(FIELD(ROOMNAME, "A") FIELD(ROOMNAME, "B"))), 0, BAD_REQUEST},
    {"configuration, the second value impossible",
     OWNER_SET(CONFIG_FORM(FIELD(ROOMNAME, "A") FIELD("muc#roomconfig_membersonly", "maybe"))), 0,
     NOT_ACCEPTABLE},
    {"configuration with too long a name", OWNER_SET(CONFIG_FORM(FIELD(ROOMNAME, "%s"))),
     ROOM_TEXT_BYTES_MAX + 1, NOT_ACCEPTABLE},
    {"configuration without an owner",
     OWNER_SET(CONFIG_FORM("<field var='muc#roomconfig_roomowners'/>")), 0, CONFLICT},
    {"configuration with an owner that is none",
     OWNER_SET(CONFIG_FORM(FIELD("muc#roomconfig_roomowners", "@"))), 0, NOT_ACCEPTABLE},

    {"end, and on at nothing", OWNER_SET("<destroy jid='@'/>"), 0, JID_MALFORMED},
    {"end with a novel", OWNER_SET("<destroy>" REASON "</destroy>"), REASON_BYTES_MAX + 1,
     BAD_REQUEST},
    {"end with too long a password", OWNER_SET("<destroy><password>%s</password></destroy>"),
     ROOM_TEXT_BYTES_MAX + 1, BAD_REQUEST},
    {"end twice", OWNER_SET("<destroy/><destroy/>"), 0, BAD_REQUEST},
    {"end, and go on", OWNER_SET("<destroy/>" CONFIG), 0, BAD_REQUEST},
    {"end in another namespace", OWNER_SET("<destroy xmlns='urn:example:x'/>"), 0, BAD_REQUEST},
    {"end that asks", IQ(ROOM, "get", QUERY(OWNER, "<destroy/>")), 0, UNAVAILABLE},
};

/* Where it says %s, so many letters. */
static char *filled(const char *xml, size_t bytes)
{
    const char *hole = bytes == 0 ? NULL : strstr(xml, "%s");
    if (hole == NULL)
        return text_of("%s", xml);
    char *letters = malloc(bytes + 1);
    assert_non_null(letters);
    memset(letters, 'a', bytes);
    letters[bytes] = '\0';
    char *text = text_of("%.*s%s%s", (int)(hole - xml), xml, letters, hole + 2);
    free(letters);
    return text;
}

/* @covers 0045#register.malformed 0045#register.conflict 0045#privatemessage.groupchat
 * @covers 0045#bizrules-iq.both 0045#bizrules-jids.invisible */
static void each_fault(void **state)
{
    unsigned failures = 0;
    (void)state;
    for (unsigned f = 0; f < ARRAY_LEN(faults); f++) {
        struct world *w = company();
        char *xml = filled(faults[f].xml, faults[f].bytes);
        say(w, ROMEO, xml);
        failures += judge(w, ROMEO, faults[f].verdict, faults[f].name, "by the owner");
        free(xml);
        world_free(w);
    }
    assert_int_equal(failures, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_asker_of_each_room),
        cmocka_unit_test(each_request_of_the_banned),
        cmocka_unit_test(each_fault),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
