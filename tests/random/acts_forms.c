/*
 * What is asked for by forms: configuration and end, invitations, voice.
 */
#include "tests/random/talk.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define OWNER   "http://jabber.org/protocol/muc#owner"
#define CONFIG  "http://jabber.org/protocol/muc#roomconfig"
#define USER    "http://jabber.org/protocol/muc#user"
#define REQUEST "http://jabber.org/protocol/muc#request"

/* ---- configuration ---- */

static void form_begin(struct talk *talk, int room, const char *type)
{
    talk_write(talk,
               "<iq type='set' id='%s' to='%s'><query xmlns='" OWNER "'>"
               "<x xmlns='jabber:x:data' type='%s'>",
               talk->id, cast_rooms[room], type);
}

static void form_end(struct talk *talk)
{
    talk_write(talk, "</x></query></iq>");
}

struct switch_field {
    const char *var;
    size_t offset;
    unsigned on_one_in; /* so rarely is it switched on */
};

#define SWITCH(var, member, often)                                                                 \
    {                                                                                              \
        var, offsetof(struct model_options, member), often                                         \
    }

static const struct switch_field switches[] = {
    SWITCH("muc#roomconfig_persistentroom", persistent, 2),
    SWITCH("muc#roomconfig_membersonly", members_only, 4),
    SWITCH("muc#roomconfig_moderatedroom", moderated, 2),
    SWITCH("muc#roomconfig_changesubject", change_subject, 2),
    SWITCH("muc#roomconfig_allowinvites", allow_invites, 2),
    SWITCH("{xmpp:prosody.im}muc#allow_unaffiliated_register", allow_register, 2),
    SWITCH("muc#roomconfig_allow_query_users", allow_query, 2),
    SWITCH("{xmpp:prosody.im}muc#allow_modpm", moderator_pm, 2),
    SWITCH("muc#roomconfig_allowvisitornickchange", visitor_nick_change, 2),
    SWITCH("x-reserved_nick_only", reserved_nick_only, 3),
    SWITCH("x-allow_many_sessions", many_sessions, 2),
    SWITCH("muc#roomconfig_allowvoicerequests", voice_requests, 2),
    SWITCH("x-presencebroadcast_moderators_see_all", see_all, 2),
    SWITCH("public_list", lists_occupants, 2),
    SWITCH("muc#roomconfig_enablelogging", logged, 2),
    SWITCH("x-conceal", conceal, 2),
    SWITCH("x-approve_registration", approve_registration, 2),
};

enum { SWITCHES = sizeof(switches) / sizeof(switches[0]) };

static void set_switch(struct talk *talk, struct model_options *options)
{
    const struct switch_field *chosen = &switches[pick(talk, SWITCHES)];
    bool on = rarely(talk, chosen->on_one_in);
    *(bool *)((char *)options + chosen->offset) = on;
    talk_field(talk, chosen->var, on ? "1" : "0");
}

static void set_shown(struct talk *talk, struct model_options *options)
{
    static const char *const names[] = {"none", "visitor", "participant", "moderator"};
    options->shown = rarely(talk, 2) ? 14 : pick(talk, 16);
    talk_write(talk, "<field var='muc#roomconfig_presencebroadcast'>");
    for (unsigned i = 0; i < 4; i++) {
        if ((options->shown & 1u << i) != 0)
            talk_write(talk, "<value>%s</value>", names[i]);
    }
    talk_write(talk, "</field>");
}

static void set_readers(struct talk *talk, struct model_options *options)
{
    static const char *const names[] = {"", "visitor", "participant", "moderator"};
    options->list_readers = pick(talk, 8) << 1;
    talk_write(talk, "<field var='muc#roomconfig_getmemberlist'>");
    for (unsigned i = 1; i < 4; i++) {
        if ((options->list_readers & 1u << i) != 0)
            talk_write(talk, "<value>%s</value>", names[i]);
    }
    talk_write(talk, "</field>");
}

static void set_questions(struct talk *talk, struct model_options *options)
{
    options->questions = rarely(talk, 2) ? 0 : pick(talk, 1u << CAST_QUESTIONS);
    talk_write(talk, "<field var='x-register_fields'>");
    for (unsigned i = 0; i < CAST_QUESTIONS; i++) {
        if ((options->questions & 1u << i) != 0)
            talk_write(talk, "<value>%s</value>", cast_questions[i].option);
    }
    talk_write(talk, "</field>");
}

static void set_whois(struct talk *talk, struct model_options *options)
{
    options->anyone_sees_jids = rarely(talk, 3);
    talk_field(talk, "muc#roomconfig_whois", options->anyone_sees_jids ? "anyone" : "moderators");
}

static void set_password(struct talk *talk, struct model_options *options)
{
    options->password = rarely(talk, 2) ? 0 : (int)pick(talk, CAST_PASSWORDS);
    talk_field(talk, "muc#roomconfig_roomsecret", cast_passwords[options->password]);
    if (!rarely(talk, 4))
        return;
    options->password = 0;
    talk_field(talk, "muc#roomconfig_passwordprotectedroom", "0");
}

static void set_max(struct talk *talk, struct model_options *options)
{
    static const char *const texts[] = {"none", "2", "5"};
    static const unsigned sizes[] = {0, 2, 5};
    unsigned choice = rarely(talk, 2) ? 0 : pick(talk, 3);
    options->max = sizes[choice];
    talk_field(talk, "muc#roomconfig_maxusers", texts[choice]);
}

static void set_history(struct talk *talk, struct model_options *options)
{
    static const char *const texts[] = {"20", "0", "1", "4", "10"};
    static const unsigned lengths[] = {MODEL_SAID, 0, 1, 4, 10};
    unsigned choice = rarely(talk, 2) ? 0 : pick(talk, 5);
    options->history = lengths[choice];
    talk_field(talk, "muc#roomconfig_historylength", texts[choice]);
}

static void set_quiet(struct talk *talk, struct model_options *options)
{
    options->quiet_above = rarely(talk, 2) ? 0 : 5;
    talk_field(talk, "x-presence_quiet_above", options->quiet_above == 0 ? "0" : "5");
}

static void set_pm(struct talk *talk, struct model_options *options)
{
    static const char *const texts[] = {"anyone", "participants", "moderators", "none",
                                        "affiliated"};
    options->pm = (int)pick(talk, 5);
    talk_field(talk, "muc#roomconfig_allowpm", texts[options->pm]);
}

static void set_visitor_pm(struct talk *talk, struct model_options *options)
{
    static const char *const texts[] = {"anyone", "moderators", "nobody"};
    options->visitor_pm = (int)pick(talk, 3);
    talk_field(talk, "allow_private_messages_from_visitors", texts[options->visitor_pm]);
}

static void set_newcomers(struct talk *talk, struct model_options *options)
{
    static const char *const texts[] = {"automatic", "visitor", "participant"};
    options->newcomers = rarely(talk, 2) ? M_OUTSIDE : (enum model_role)pick(talk, 3);
    talk_field(talk, "x-newcomers", texts[options->newcomers]);
}

static void set_equals(struct talk *talk, struct model_options *options)
{
    options->equals_safe = rarely(talk, 2);
    talk_field(talk, "x-kick_equals", options->equals_safe ? "0" : "1");
}

static void set_hidden(struct talk *talk, struct model_options *options)
{
    options->hidden = rarely(talk, 2);
    talk_field(talk, "muc#roomconfig_publicroom", options->hidden ? "0" : "1");
}

/* So much that nobody ever has to wait, but is counted (who waits: acts_flood.c). */
static void set_rates(struct talk *talk, struct model_options *options)
{
    bool limited = rarely(talk, 2);
    (void)options;
    talk_field(talk, "x-message_rate", limited ? "1000" : "0");
    talk_field(talk, "x-message_burst", "1000");
    talk_field(talk, "x-presence_rate", limited ? "6000" : "0");
}

static void set_wait(struct talk *talk, struct model_options *options)
{
    unsigned seconds = rarely(talk, 2) ? 0 : 60;
    options->wait_us = seconds * INT64_C(1000000);
    talk_field(talk, "muc#roomconfig_voicerequestmininterval", seconds == 0 ? "0" : "60");
}

/* Only where there is a store. */
static void set_archive(struct talk *talk, struct model_options *options)
{
    options->archived = talk->durable && rarely(talk, 2);
    talk_field(talk, "muc#roomconfig_enablearchiving", options->archived ? "1" : "0");
}

static void write_nonsense(struct talk *talk)
{
    static const char *const wrong[][2] = {
        {"muc#roomconfig_whois", "somebody"},        {"muc#roomconfig_maxusers", "-5"},
        {"muc#roomconfig_membersonly", "perhaps"},   {"muc#roomconfig_enablearchiving", "1"},
        {"muc#roomconfig_allowpm", "the cat"},       {"muc#roomconfig_historylength", "many"},
        {"muc#roomconfig_presencebroadcast", "mob"}, {"muc#roominfo_contactjid", "a@@b"},
    };
    unsigned choice = pick(talk, sizeof(wrong) / sizeof(wrong[0]));
    /* A field twice would make it no form at all. */
    while (strstr(talk->text, wrong[choice][0]) != NULL)
        choice = (choice + 1) % (sizeof(wrong) / sizeof(wrong[0]));
    bool archive = strcmp(wrong[choice][0], "muc#roomconfig_enablearchiving") == 0;
    talk_field(talk, wrong[choice][0], archive && talk->durable ? "perhaps" : wrong[choice][1]);
}

typedef void setter(struct talk *talk, struct model_options *options);

void act_configure(struct talk *talk, int client, int room)
{
    static setter *const setters[] = {set_switch,     set_switch,    set_switch,    set_switch,
                                      set_shown,      set_whois,     set_max,       set_password,
                                      set_pm,         set_hidden,    set_wait,      set_readers,
                                      set_visitor_pm, set_quiet,     set_newcomers, set_equals,
                                      set_rates,      set_questions, set_archive,   set_history};
    enum { SETTERS = sizeof(setters) / sizeof(setters[0]) };
    struct model_form form = {.options = talk_room(talk, room)->options};
    unsigned first = pick(talk, SETTERS), second = pick(talk, SETTERS);
    form.wrong_type = rarely(talk, 40);
    form.impossible = rarely(talk, 20);
    talk_begin(talk);
    form_begin(talk, room, "submit");
    talk_field(talk, "FORM_TYPE", form.wrong_type ? "urn:another:form" : CONFIG);
    setters[first](talk, &form.options);
    if (rarely(talk, 2) && setters[first] != setters[second])
        setters[second](talk, &form.options);
    if (form.impossible)
        write_nonsense(talk);
    form_end(talk);
    unsigned refused = model_configure(&talk->model, talk_room(talk, room), client, &form);
    talk_send(talk, client, room, refused, ANSWER_REQUEST);
    talk_end(talk);
}

/* An instant room: the form with nothing in it. */
void act_open(struct talk *talk, int client, int room)
{
    struct model_form form = {.options = talk_room(talk, room)->options};
    talk_begin(talk);
    form_begin(talk, room, "submit");
    if (rarely(talk, 2))
        talk_field(talk, "FORM_TYPE", CONFIG);
    form_end(talk);
    unsigned refused = model_configure(&talk->model, talk_room(talk, room), client, &form);
    talk_send(talk, client, room, refused, ANSWER_REQUEST);
    talk_end(talk);
}

static void write_staff(struct talk *talk, const char *var, unsigned entries, bool bad)
{
    talk_write(talk, "<field var='%s'>", var);
    for (int i = 0; i < CAST_ENTRIES; i++) {
        if ((entries & 1u << i) != 0)
            talk_write(talk, "<value>%s</value>", cast_entries[i].address);
    }
    if (bad)
        talk_write(talk, "<value>%s</value>", "home.example");
    talk_write(talk, "</field>");
}

/* The complete lists of owners, of admins, or of both. */
void act_staff(struct talk *talk, int client, int room)
{
    struct model_form form = {.options = talk_room(talk, room)->options};
    form.has_owners = !rarely(talk, 3);
    form.has_admins = !form.has_owners || rarely(talk, 2);
    form.owners = form.has_owners ? pick(talk, 32) & pick(talk, 32) : 0;
    form.admins = form.has_admins ? pick(talk, 32) & pick(talk, 32) : 0;
    form.bad_staff = rarely(talk, 20);
    if (form.has_owners && !rarely(talk, 3))
        form.owners |= 1u << (cast_account_of[client] % 5);
    if (form.has_owners && rarely(talk, 4)) /* a server, which may be there already */
        form.owners |= 1u << (CAST_PEOPLE - 1);
    talk_begin(talk);
    form_begin(talk, room, "submit");
    talk_field(talk, "FORM_TYPE", CONFIG);
    if (rarely(talk, 3))
        set_whois(talk, &form.options);
    if (form.has_owners)
        write_staff(talk, "muc#roomconfig_roomowners", form.owners, form.bad_staff);
    if (form.has_admins)
        write_staff(talk, "muc#roomconfig_roomadmins", form.admins, form.bad_staff);
    form_end(talk);
    unsigned refused = model_configure(&talk->model, talk_room(talk, room), client, &form);
    talk_send(talk, client, room, refused, ANSWER_REQUEST);
    talk_end(talk);
}

void act_cancel(struct talk *talk, int client, int room)
{
    talk_begin(talk);
    form_begin(talk, room, "cancel");
    form_end(talk);
    unsigned refused = model_cancel(&talk->model, talk_room(talk, room), client);
    talk_send(talk, client, room, refused, ANSWER_REQUEST);
    talk_end(talk);
}

void act_owner_form(struct talk *talk, int client, int room)
{
    talk_begin(talk);
    talk_write(talk, "<iq type='get' id='%s' to='%s'><query xmlns='" OWNER "'/></iq>", talk->id,
               cast_rooms[room]);
    unsigned refused = model_owner(&talk->model, talk_room(talk, room), client);
    talk_send(talk, client, room, refused, ANSWER_REQUEST);
    talk_end(talk);
}

void act_destroy(struct talk *talk, int client, int room)
{
    bool bad = rarely(talk, 8);
    if (!rarely(talk, 6)) {
        act_owner_form(talk, client, room);
        return;
    }
    talk_begin(talk);
    talk_write(talk,
               "<iq type='set' id='%s' to='%s'><query xmlns='" OWNER "'><destroy jid='%s'>"
               "<reason>enough</reason></destroy></query></iq>",
               talk->id, cast_rooms[room], bad ? "@@" : "cellar@" CAST_SERVICE);
    unsigned refused = model_destroy(&talk->model, talk_room(talk, room), client, bad);
    talk_send(talk, client, room, refused, ANSWER_REQUEST);
    talk_end(talk);
}

/* ---- the vCard ---- */

static void check_card(struct talk *talk, const struct model_room *believed)
{
    char expected[60] = "<vCard xmlns='vcard-temp'/>";
    if (believed->card != MODEL_NOTHING)
        snprintf(expected, sizeof(expected), "<FN>card %d</FN>", believed->card);
    if (talk->frame_count != 1 || strstr(talk->frames[0].stanza, expected) == NULL)
        talk_fail(talk, "the room's vCard should be %s", expected);
}

void act_card(struct talk *talk, int client, int room)
{
    static const int cards[] = {MODEL_NOTHING, MODEL_WRONG, 1, 2};
    struct model_room *believed = talk_room(talk, room);
    bool ask = rarely(talk, 3);
    int card = cards[pick(talk, sizeof(cards) / sizeof(cards[0]))], before = believed->card;
    talk_begin(talk);
    talk_write(talk, "<iq type='%s' id='%s' to='%s'><vCard xmlns='vcard-temp'>",
               ask ? "get" : "set", talk->id, cast_rooms[room]);
    if (!ask && card == MODEL_WRONG)
        talk_write(talk, "<PHOTO><BINVAL>*</BINVAL></PHOTO>");
    else if (!ask && card != MODEL_NOTHING)
        talk_write(talk, "<FN>card %d</FN>", card);
    talk_write(talk, "</vCard></iq>");
    unsigned refused =
        ask ? model_closed(believed, client) : model_card(&talk->model, believed, client, card);
    if (ask && refused == 0 && model_secret(&talk->model, believed, client))
        refused = R_ITEM_NOT_FOUND;
    talk_send(talk, client, room, refused, ANSWER_REQUEST);
    if (ask && refused == 0)
        check_card(talk, believed);
    talk_heard_by(talk, believed->card != before ? talk_everybody(believed) : 0,
                  "<status code='104'/>");
    talk_end(talk);
}

/* ---- invitations ---- */

static const char *guest_address(int entry)
{
    if (entry == MODEL_WRONG)
        return "@@";
    return entry == MODEL_OURS ? "lounge@" CAST_SERVICE "/Ada" : cast_entries[entry].address;
}

/* Each guest is written to once, at all its clients; as a message of the room. */
static void check_invited(struct talk *talk, const int *entries, unsigned count, bool refused)
{
    unsigned expected = 0, came = 0;
    for (unsigned i = 0; !refused && i < count; i++) {
        for (int client = 0; client < CAST_CLIENTS; client++)
            expected |= cast_account_of[client] == entries[i] ? 1u << client : 0;
    }
    for (unsigned i = 0; i < talk->frame_count; i++) {
        const struct talk_frame *frame = &talk->frames[i];
        if (strstr(frame->stanza, "<invite ") == NULL || frame->client == CAST_NOBODY)
            continue;
        if ((came & 1u << frame->client) != 0)
            talk_fail(talk, "%s is invited twice", cast_clients[frame->client]);
        came |= 1u << frame->client;
    }
    if (came != expected)
        talk_fail(talk, "invited were %x, expected %x", came, expected);
}

void act_invite(struct talk *talk, int client, int room)
{
    unsigned count = rarely(talk, 4) ? 1 + pick(talk, 3) : 1;
    int entries[3];
    talk_begin(talk);
    talk_write(talk, "<message id='%s' to='%s'><x xmlns='" USER "'>", talk->id, cast_rooms[room]);
    for (unsigned i = 0; i < count; i++) {
        entries[i] = (int)pick(talk, CAST_ENTRIES);
        if (rarely(talk, 20))
            entries[i] = rarely(talk, 2) ? MODEL_NOTHING : MODEL_WRONG;
        if (rarely(talk, 30))
            entries[i] = MODEL_OURS;
        talk_write(talk, "<invite");
        if (entries[i] != MODEL_NOTHING)
            talk_write(talk, " to='%s'", guest_address(entries[i]));
        talk_write(talk, "><reason>come</reason></invite>");
    }
    talk_write(talk, "</x></message>");
    unsigned refused = model_invite(&talk->model, talk_room(talk, room), client, entries, count);
    talk_send(talk, client, room, refused, ANSWER_REFUSAL);
    for (unsigned i = 0; refused == 0 && i < count; i++)
        talk_room(talk, room)->rows[entries[i]].invited_in = talk->step;
    check_invited(talk, entries, count, refused != 0);
    talk_end(talk);
}

void act_decline(struct talk *talk, int client, int room)
{
    int nick = rarely(talk, 3) ? (int)pick(talk, CAST_NICKS) : MODEL_NOTHING;
    int entry = nick >= 0 || rarely(talk, 4) ? MODEL_NOTHING : (int)pick(talk, CAST_ENTRIES);
    int by = talk_room(talk, room)->rows[cast_account_of[client]].invited_by;
    if (entry >= 0 && by != CAST_NOBODY && !rarely(talk, 3))
        entry = by;
    talk_begin(talk);
    talk_write(talk, "<message id='%s' to='%s'><x xmlns='" USER "'><decline", talk->id,
               cast_rooms[room]);
    if (nick >= 0)
        talk_write(talk, " to='%s/%s'", cast_rooms[room], cast_nicks[nick].xml);
    else if (entry >= 0)
        talk_write(talk, " to='%s'", cast_entries[entry].address);
    talk_write(talk, "><reason>busy</reason></decline></x></message>");
    unsigned refused = model_decline(&talk->model, talk_room(talk, room), client, nick, entry);
    talk_send(talk, client, room, refused, ANSWER_REFUSAL);
    talk_end(talk);
}

/* The server of who was invited sends the invitation back. */
void act_invite_bounces(struct talk *talk, int client, int room)
{
    struct model_room *believed = talk_room(talk, room);
    const struct model_occupant *self = model_inside(believed, client);
    unsigned long invited_in = believed->rows[cast_account_of[client]].invited_in;
    bool right = invited_in != 0 && !rarely(talk, 4); /* has the invitation's id */
    unsigned hearers = 0, heard = 0;
    if (self != NULL)
        return;
    talk_begin(talk);
    if (right)
        snprintf(talk->id, sizeof(talk->id), "q%lu", invited_in);
    talk_write(talk,
               "<message type='error' id='%s' to='%s'><error type='cancel'><not-allowed "
               "xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
               "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>%s wants no invitations</text>"
               "</error></message>",
               talk->id, cast_rooms[room], cast_clients[client]);
    int inviter = right ? model_invite_bounced(believed, client) : CAST_NOBODY;
    hearers = talk_clients(model_account(believed, inviter));
    if (!world_stanza(talk->world, cast_clients[client], talk->text))
        talk_fail(talk, "the stanza of the test cannot be sent");
    talk_believe(talk);
    for (unsigned i = 0; i < talk->frame_count; i++)
        heard |= talk->frames[i].client == CAST_NOBODY ? 0 : 1u << talk->frames[i].client;
    if (heard != hearers)
        talk_fail(talk, "that an invitation came back was told %x, expected %x", heard, hearers);
    talk_end(talk);
}

/* ---- voice ---- */

static void voice_begin(struct talk *talk, int room)
{
    talk_write(talk,
               "<message id='%s' to='%s'><x xmlns='jabber:x:data' type='submit'>"
               "<field var='FORM_TYPE'><value>" REQUEST "</value></field>",
               talk->id, cast_rooms[room]);
    talk_field(talk, "muc#role", "participant");
}

void act_ask_voice(struct talk *talk, int client, int room)
{
    talk_begin(talk);
    voice_begin(talk, room);
    talk_write(talk, "</x></message>");
    unsigned refused = model_ask_voice(&talk->model, talk_room(talk, room), client);
    talk_send(talk, client, room, refused, ANSWER_REFUSAL);
    talk_end(talk);
}

void act_grant_voice(struct talk *talk, int client, int room)
{
    struct model_room *believed = talk_room(talk, room);
    const struct model_occupant *some = &believed->occupants[pick(talk, MODEL_OCCUPANTS)];
    int nick = (int)pick(talk, CAST_NICKS), entry = (int)pick(talk, CAST_PEOPLE);
    bool allow = !rarely(talk, 6);
    if (some->account != CAST_NOBODY && !rarely(talk, 6)) {
        nick = some->nick;
        entry = some->account;
    }
    talk_begin(talk);
    voice_begin(talk, room);
    talk_field(talk, "muc#jid", cast_entries[entry].address);
    talk_field(talk, "muc#roomnick", cast_nicks[nick].xml);
    talk_field(talk, "muc#request_allow", allow ? "true" : "false");
    talk_write(talk, "</x></message>");
    unsigned refused = model_grant_voice(&talk->model, believed, client, nick, entry, allow);
    talk_send(talk, client, room, refused, ANSWER_REFUSAL);
    talk_end(talk);
}
