/*
 * Which broadcasts may wait for company in a large room, and which of them a later one replaces:
 * all that a room can tell everybody, each with its urgency.
 * @covers 0045#changepres
 */
#include "core/muc/room.h"
#include "tests/support/talk.h"

#define ADMIN(item)                                                                                \
    "<iq type='set' id='a'><query xmlns='http://jabber.org/protocol/muc#admin'>" item              \
    "</query></iq>"
#define FORM(type, fields)                                                                         \
    "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>" type                   \
    "</value></field>" fields "</x>"
#define FIELD(var, value) "<field var='" var "'><value>" value "</value></field>"
#define CONFIGURE(field)                                                                           \
    "<iq type='set' id='c'><query xmlns='http://jabber.org/protocol/muc#owner'>" FORM(             \
        "http://jabber.org/protocol/muc#roomconfig", field) "</query></iq>"
#define REGISTER(nick)                                                                             \
    "<iq type='set' id='r'><query xmlns='jabber:iq:register'>" FORM(                               \
        "http://jabber.org/protocol/muc#register",                                                 \
        FIELD("muc#register_roomnick", nick)) "</query>"                                           \
                                              "</iq>"
#define JULIET_3 "juliet@localhost/garden"
#define NURSE_2  "nurse@localhost/cellar"
#define MUC      "<x xmlns='" NS_X "'/>"

/*
 * Inside are Romeo (the owner), Juliet with two sessions, Paris, the
 * Nurse under two nicknames. Expected: a letter for each
 * broadcast, in order, p(rompt), l(asting) or s(tanding); twice where moderators see JIDs and
 * others do not.
 */
static const struct row {
    const char *what;
    const char *from;
    const char *to; /* behind the room's address */
    const char *xml;
    const char *urgencies;
} rows[] = {
    {"entry", "mercutio@localhost/1", "/Mercutio", "<presence>" MUC "</presence>", "ss"},
    {"entry that looks different", JULIET_3, "/Juliet",
     "<presence>" MUC "<show>xa</show></presence>", "ss"},
    {"entry that looks the same", JULIET_3, "/Juliet", "<presence>" MUC "</presence>", "s"},
    {"change", PARIS, "", "<presence><show>away</show></presence>", "ss"},
    {"no change", PARIS, "", "<presence/>", ""},
    {"everything again", PARIS, "", "<presence>" MUC "</presence>", ""},
    {"everything again, with a change", PARIS, "", "<presence><show>dnd</show>" MUC "</presence>",
     "ss"},
    {"leaving", PARIS, "", "<presence type='unavailable'/>", "ll"},
    {"leaving, another stays", JULIET_2, "", "<presence type='unavailable'/>", "l"},
    {"found gone", PARIS, "",
     "<presence type='error'><error type='cancel'>"
     "<recipient-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></presence>",
     "ll"},
    {"new nickname", PARIS, "/Count", "<presence/>", "llll"},
    {"new nickname, everything again", PARIS, "/Count", "<presence>" MUC "</presence>", "llll"},
    {"new nickname of one of two", JULIET_2, "/Capulet", "<presence/>", "pppp"},
    {"to another nickname of its own", NURSE_2, "/Nurse", "<presence/>", "pppp"},
    {"kick", ROMEO, "", ADMIN("<item nick='Paris' role='none'/>"), "ll"},
    {"ban", ROMEO, "", ADMIN("<item jid='paris@localhost' affiliation='outcast'/>"), "ll"},
    {"voice taken", ROMEO, "", ADMIN("<item nick='Paris' role='visitor'/>"), "pp"},
    {"new moderator", ROMEO, "", ADMIN("<item nick='Paris' role='moderator'/>"), "pp"},
    {"new member", ROMEO, "", ADMIN("<item jid='paris@localhost' affiliation='member'/>"), "pp"},
    {"new member who is not inside", ROMEO, "",
     ADMIN("<item jid='benvolio@localhost' affiliation='member'/>"), "p"},
    {"registration", PARIS, "", REGISTER("Count"), "ppllll"},
    {"message", PARIS, "", "<message type='groupchat'><body>o</body></message>", "p"},
    {"subject", ROMEO, "", "<message type='groupchat'><subject>s</subject></message>", "p"},
    {"new name of the room", ROMEO, "", CONFIGURE(FIELD("muc#roomconfig_roomname", "Hall")), "p"},
    {"participants no longer shown", ROMEO, "",
     CONFIGURE(FIELD("muc#roomconfig_presencebroadcast", "moderator")), "ppppppppp"},
    {"members only", ROMEO, "", CONFIGURE(FIELD("muc#roomconfig_membersonly", "1")), "llllllllp"},
};

static struct world *scene(void)
{
    static const char *const options[] = {"reserved_nick_only=on", "allow_register=on", NULL};
    struct world *world = world_with(options);
    world_client(world, NURSE);
    world_client(world, NURSE_2);
    enters(world, ROMEO, "Romeo");
    enters(world, JULIET, "Juliet");
    enters(world, JULIET_2, "Juliet");
    enters(world, PARIS, "Paris");
    enters(world, NURSE, "Nurse");
    enters(world, NURSE_2, "Angelica");
    return world;
}

/* One step of the room, which is not told to anybody. */
static void urgencies_of(struct room *room, const struct row *row, char *urgencies)
{
    struct arena *arena = arena_new(4096);
    struct step step = {.arena = arena, .env = room->env, .now_us = INT64_C(1767229200000000)};
    struct event event = {.kind = EV_STANZA};
    struct stanza *stanza = stanza_parse(str_z(row->xml));
    assert_non_null(stanza);
    event.stanza.stanza = stanza;
    event.stanza.from = jid_parse(arena, str_z(row->from));
    char to[100];
    snprintf(to, sizeof(to), ROOM "%s", row->to);
    event.stanza.to = jid_parse(arena, str_z(to));
    event.stanza.route = (struct route){99, 1, 0};
    muc_step(room, &event, &step);
    for (uint32_t i = 0; i < step.effects.count; i++) {
        const struct effect *effect = &step.effects.at[i];
        if (effect->kind == FX_BROADCAST)
            *urgencies++ = "pls"[effect->broadcast.tidings.urgency];
    }
    *urgencies = '\0';
    effects_release(&step.effects);
    stanza_free(stanza);
    arena_free(arena);
}

static void each_has_its_urgency(void **state)
{
    UNUSED(state);
    unsigned failed = 0;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        const struct row *row = &rows[i];
        struct world *world = scene();
        char urgencies[64];
        urgencies_of(world_room(world, ROOM), row, urgencies);
        if (strcmp(urgencies, row->urgencies) != 0) {
            print_error("%s: %s instead of %s\n", row->what, urgencies, row->urgencies);
            failed++;
        }
        world_free(world);
    }
    assert_int_equal(failed, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_its_urgency),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
