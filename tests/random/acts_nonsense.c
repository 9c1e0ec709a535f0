/*
 * Stanzas that mean nothing, or not what they seem to: whatever is answered, they change nothing.
 */
#include "tests/random/talk.h"

#include <string.h>

#define STANZAS "urn:ietf:params:xml:ns:xmpp-stanzas"

/* Requests: %s are the id and where to. Each has to be answered. */
static const char *const requests[] = {
    "<iq type='get' id='%s' to='%s'><strange xmlns='to:us'/></iq>",
    "<iq type='set' id='%s' to='%s'><query xmlns='http://jabber.org/protocol/muc#admin'/></iq>",
    "<iq type='set' id='%s' to='%s'><query xmlns='http://jabber.org/protocol/muc#owner'/></iq>",
    "<iq type='set' id='%s' to='%s'><query xmlns='http://jabber.org/protocol/muc#nothing'>"
    "<item nick='Ada' role='none'/></query></iq>",
    "<iq type='set' id='%s' to='%s'><query xmlns='http://jabber.org/protocol/muc#admin'>"
    "<item xmlns='http://jabber.org/protocol/muc#user' nick='Ada' role='none'/></query></iq>",
    "<iq type='get' id='%s' to='%s'><query xmlns='http://jabber.org/protocol/muc#admin'>"
    "<item role='visitor'/><item role='moderator'/></query></iq>",
    "<iq type='get' id='%s' to='%s'><query xmlns='http://jabber.org/protocol/muc#admin'>"
    "<item role='visitor' affiliation='member'/></query></iq>",
    "<iq type='set' id='%s' to='%s'><query xmlns='http://jabber.org/protocol/muc#owner'>"
    "<x xmlns='jabber:x:data' type='result'/></query></iq>",
    "<iq type='set' id='%s' to='%s'><query xmlns='http://jabber.org/protocol/muc#owner'>"
    "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
    "<value>http://jabber.org/protocol/muc#roomconfig</value></field>"
    "<field var='muc#roomconfig_whois'><value>anyone</value></field>"
    "<field var='muc#roomconfig_whois'><value>moderators</value></field></x></query></iq>",
    "<iq type='set' id='%s' to='%s'><query xmlns='jabber:iq:register'><remove/><x/></query></iq>",
    "<iq type='set' id='%s' to='%s'><query xmlns='jabber:iq:register'/></iq>",
    "<iq type='set' id='%s' to='%s'><query xmlns='http://jabber.org/protocol/muc#admin'>"
    "<item nick='Ada' role='none'/></query><query xmlns='http://jabber.org/protocol/muc#admin'>"
    "<item nick='Bob' role='none'/></query></iq>",
    "<iq type='set' id='%s' to='%s'/>",
    "<iq type='nonsense' id='%s' to='%s'><query xmlns='http://jabber.org/protocol/muc#admin'>"
    "<item nick='Ada' role='none'/></query></iq>",
    "<iq type='set' id='%s' to='%s'><destroy xmlns='http://jabber.org/protocol/muc#owner'/></iq>",
    "<iq type='set' id='%s' to='%s'><vCard xmlns='to:us'/></iq>",
};

/* Messages and presences: refused or passed over. */
static const char *const others[] = {
    "<message id='%s' to='%s'/>",
    "<message id='%s' to='%s'><body>to nobody</body></message>",
    "<message type='chat' id='%s' to='%s'><body>to nobody</body></message>",
    "<message type='nonsense' id='%s' to='%s'><body>to nobody</body></message>",
    "<message id='%s' to='%s'><x xmlns='http://jabber.org/protocol/muc#user'/></message>",
    "<message id='%s' to='%s'><x xmlns='http://jabber.org/protocol/muc#user'>"
    "<item nick='Ada' role='none'/></x></message>",
    "<message id='%s' to='%s'><x xmlns='http://jabber.org/protocol/muc'>"
    "<invite to='zq17bert@home.example'/></x></message>",
    "<message id='%s' to='%s'><invite xmlns='http://jabber.org/protocol/muc#user' "
    "to='zq17bert@home.example'/></message>",
    "<message id='%s' to='%s'><x xmlns='jabber:x:data' type='submit'/></message>",
    "<message id='%s' to='%s'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
    "<value>http://jabber.org/protocol/muc#roomconfig</value></field></x></message>",
    "<message id='%s' to='%s'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'>"
    "<value>http://jabber.org/protocol/muc#register</value></field><field "
    "var='muc#register_allow'><value>1</value></field></x></message>",
    "<message id='%s' to='%s'><received xmlns='urn:xmpp:receipts' id='x'/></message>",
    "<message type='groupchat' xmlns='jabber:strange' id='%s' to='%s'><body>x</body></message>",
    "<presence type='subscribe' id='%s' to='%s'/>",
    "<presence type='unsubscribed' id='%s' to='%s'/>",
    "<presence type='nonsense' id='%s' to='%s'>"
    "<x xmlns='http://jabber.org/protocol/muc'/></presence>",
    "<presence xmlns='jabber:strange' id='%s' to='%s'>"
    "<x xmlns='http://jabber.org/protocol/muc'/></presence>",
    "<nonsense id='%s' to='%s'/>",
};

/* Answers to nothing: never answered, whoever they are from. */
static const char *const answers[] = {
    "<iq type='result' id='%s' to='%s'/>",
    "<iq type='error' id='%s' to='%s'><error type='cancel'/></iq>",
    "<message type='error' id='%s' to='%s/nobody of that name'><error type='cancel'>"
    "<not-allowed xmlns='" STANZAS "'/></error></message>",
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

void act_nonsense(struct talk *talk, int client, int room)
{
    unsigned choice = pick(talk, COUNT(requests) + COUNT(others) + COUNT(answers));
    enum talk_answer answer = ANSWER_ANY;
    const char *format;
    if (choice < COUNT(requests)) {
        format = requests[choice];
    } else if (choice < COUNT(requests) + COUNT(others)) {
        format = others[choice - COUNT(requests)];
    } else {
        format = answers[choice - COUNT(requests) - COUNT(others)];
        answer = ANSWER_NONE;
    }
    talk_begin(talk);
    for (; *format != '\0'; format++) {
        if (*format != '%')
            talk_write(talk, "%c", *format);
        else if (strstr(talk->text, " id='") != NULL && strstr(talk->text, " to='") != NULL)
            talk_write(talk, "%s", cast_rooms[room]);
        else
            talk_write(talk, "%s", talk->id);
        format += *format == '%';
    }
    talk_send(talk, client, room, 0, answer);
    if (choice < COUNT(requests) && talk->frame_count != 1)
        talk_fail(talk, "%u stanzas follow from a request without sense", talk->frame_count);
    for (unsigned i = 0; i < talk->frame_count; i++) {
        if (talk->frames[i].client != client)
            talk_fail(talk, "somebody else hears of nonsense\n  %s", talk->frames[i].stanza);
    }
    talk_end(talk);
}

/* Nobody, or those anybody may know of. */
static void check_occupants_listed(struct talk *talk, int room)
{
    const struct model_room *believed = talk_room(talk, room);
    unsigned expected = 0;
    for (int i = 0; believed->options.lists_occupants && i < MODEL_OCCUPANTS; i++) {
        const struct model_occupant *occupant = &believed->occupants[i];
        expected += occupant->account != CAST_NOBODY && model_shown(believed, occupant);
    }
    if (talk_count_items(talk) != expected)
        talk_fail(talk, "%u occupants are listed, expected %u", talk_count_items(talk), expected);
}

/* What anybody may ask a room for, unless it is kept secret. */
void act_ask_room(struct talk *talk, int client, int room)
{
    static const char *const questions[] = {
        "<query xmlns='http://jabber.org/protocol/disco#info'/>",
        "<query xmlns='http://jabber.org/protocol/disco#items'/>",
        "<query xmlns='http://jabber.org/protocol/disco#info' node='x-roomuser-item'/>",
        "<ping xmlns='urn:xmpp:ping'/>",
    };
    struct model_room *believed = talk_room(talk, room);
    unsigned question = pick(talk, COUNT(questions));
    talk_begin(talk);
    talk_write(talk, "<iq type='get' id='%s' to='%s'>%s</iq>", talk->id, cast_rooms[room],
               questions[question]);
    unsigned refused = model_closed(believed, client);
    if (refused == 0 && question < 3 && model_secret(&talk->model, believed, client))
        refused = R_ITEM_NOT_FOUND;
    talk_send(talk, client, room, refused, ANSWER_REQUEST);
    if (refused == 0 && question == 1)
        check_occupants_listed(talk, room);
    talk_end(talk);
}

/* From addresses that cannot be inside: of an account without a client, of a server, of somebody
 * nobody knows. */
void act_stranger(struct talk *talk, int client, int room)
{
    static const char *const stanzas[] = {
        "<presence to='%s/Ada'><x xmlns='http://jabber.org/protocol/muc'/></presence>",
        "<presence to='%s/Ada' type='unavailable'/>",
        "<message to='%s' type='groupchat'><body>let me in</body></message>",
        "<message to='%s' type='groupchat'><subject>mine</subject></message>",
        "<message to='%s/Ada' type='chat'><body>psst</body></message>",
        "<iq to='%s' type='get' id='s'><query "
        "xmlns='http://jabber.org/protocol/disco#items'/></iq>",
        "<iq to='%s/Ada' type='get' id='s'><vCard xmlns='vcard-temp'/></iq>",
        "<message to='%s/Ada' type='error'><error type='cancel'><item-not-found xmlns='" STANZAS
        "'/>"
        "</error></message>",
    };
    const char *from[] = {cast_entries[cast_account_of[client]].address, "home.example",
                          "nobody@elsewhere.example"};
    const char *who = from[pick(talk, 3)];
    talk_begin(talk);
    const char *format = stanzas[pick(talk, COUNT(stanzas))];
    const char *gap = strstr(format, "%s");
    talk_write(talk, "%.*s%s%s", (int)(gap - format), format, cast_rooms[room], gap + 2);
    talk_send_as(talk, who);
    for (unsigned i = 0; i < talk->frame_count; i++) {
        if (talk->frames[i].client != CAST_NOBODY)
            talk_fail(talk, "somebody hears of a stranger\n  %s", talk->frames[i].stanza);
    }
    talk_end(talk);
}
