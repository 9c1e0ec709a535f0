#include "tests/random/talk.h"

#include "core/muc/room.h"
#include "tests/random/agree.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FORGED_ITEM "<item affiliation='owner' role='moderator' nick='forged'/>"

static const char *const conditions[R_COUNT] = {
    "bad-request",         "conflict",
    "forbidden",           "gone",
    "item-not-found",      "jid-malformed",
    "not-acceptable",      "not-allowed",
    "not-authorized",      "registration-required",
    "resource-constraint", "service-unavailable",
};

void talk_fail(struct talk *talk, const char *format, ...)
{
    va_list args;
    fflush(stdout);
    fprintf(stderr, "\nseed %llu, step %lu: ", (unsigned long long)talk->seed, talk->step);
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fprintf(stderr, "\n  after: %.2000s\n  again: converse --seed %llu --steps %lu\n", talk->text,
            (unsigned long long)talk->seed, talk->step);
    exit(1);
}

/* ---- what the conversation begins with ---- */

static struct model_options usual(void)
{
    return (struct model_options){
        .allow_invites = true,
        .allow_query = true,
        .visitor_nick_change = true,
        .many_sessions = true,
        .history = MODEL_SAID,
        .voice_requests = true,
        .list_readers = 1u << M_PARTICIPANT | 1u << M_MODERATOR,
        .shown = 1u << M_VISITOR | 1u << M_PARTICIPANT | 1u << M_MODERATOR,
        .pm = M_PM_ANYONE,
    };
}

/* What new rooms are like differs from conversation to conversation. */
static struct model_options choose_defaults(struct talk *talk, const char **options)
{
    struct model_options defaults = usual();
    unsigned count = 0;
    defaults.persistent = rarely(talk, 2);
    defaults.moderated = rarely(talk, 3);
    defaults.anyone_sees_jids = rarely(talk, 4);
    defaults.members_only = rarely(talk, 6);
    defaults.archived = talk->durable && rarely(talk, 3);
    if (defaults.persistent)
        options[count++] = "persistent=on";
    if (defaults.archived)
        options[count++] = "archive=on";
    if (defaults.moderated)
        options[count++] = "moderated=on";
    if (defaults.anyone_sees_jids)
        options[count++] = "whois=anyone";
    if (defaults.members_only)
        options[count++] = "members_only=on";
    defaults.approve_registration = rarely(talk, 2);
    if (defaults.approve_registration)
        options[count++] = "approve_registration=on";
    defaults.questions = rarely(talk, 2) ? 1u << 0 | 1u << 4 : 0;
    if (defaults.questions != 0)
        options[count++] = "register_fields=first,faqentry";
    defaults.allow_register = !rarely(talk, 3);
    if (defaults.allow_register)
        options[count++] = "allow_register=on";
    options[count++] = "ping_minutes=1440"; /* days may pass in one act */
    options[count] = NULL;
    return defaults;
}

static enum privacy_rank rank(void *self, const char *room, const char *account)
{
    struct talk *talk = self;
    int entry = 0, at = 0;
    while (at < CAST_ROOMS && strcmp(cast_rooms[at], room) != 0)
        at++;
    while (entry < CAST_PEOPLE && strcmp(cast_entries[entry].address, account) != 0)
        entry++;
    if (at == CAST_ROOMS || entry == CAST_PEOPLE)
        return PRIVACY_NONE;
    bool ended = talk->model.ended_at == at;
    const struct model_room *believed = ended ? &talk->model.ended : &talk->model.rooms[at];
    switch (model_affiliation(&talk->model, believed, entry)) {
    case M_OWNER:
        return PRIVACY_OWNER;
    case M_ADMIN:
        return PRIVACY_ADMIN;
    case M_MEMBER:
        return PRIVACY_MEMBER;
    case M_NONE:
    case M_OUTCAST:
        break;
    }
    return PRIVACY_NONE;
}

/* ---- what comes ---- */

static int room_of(const char *stanza)
{
    char from[200];
    (void)stanza_attribute(stanza, "from", from, sizeof(from));
    for (int i = 0; i < CAST_ROOMS; i++) {
        size_t len = strlen(cast_rooms[i]);
        if (strncmp(from, cast_rooms[i], len) == 0 && (from[len] == '/' || from[len] == '\0'))
            return i;
    }
    return CAST_NOBODY;
}

static void digest(struct talk *talk, const char *stanza)
{
    uint64_t sum = talk->digest;
    for (; *stanza != '\0'; stanza++)
        sum = (sum ^ (unsigned char)*stanza) * UINT64_C(1099511628211);
    talk->digest = sum;
}

static void on_received(void *self, const char *to, const char *stanza)
{
    struct talk *talk = self;
    if (talk->frame_count == talk->frame_cap) {
        talk->frame_cap = talk->frame_cap == 0 ? TALK_FRAMES_MIN : 2 * talk->frame_cap;
        talk->frames = realloc(talk->frames, talk->frame_cap * sizeof(struct talk_frame));
        if (talk->frames == NULL)
            abort();
    }
    struct talk_frame *frame = &talk->frames[talk->frame_count++];
    frame->client = to == NULL ? CAST_NOBODY : cast_client_named(to);
    frame->room = room_of(stanza);
    frame->stanza = stanza;
    digest(talk, stanza);
    if (talk->frames_shown)
        printf("        %24s < %s\n", to == NULL ? "" : to, stanza);
    privacy_received(talk->privacy, to, stanza);
}

static void on_sent(void *self, const char *from, const char *stanza)
{
    struct talk *talk = self;
    if (talk->print)
        printf("%6lu  %-24s > %s\n", talk->step, from, stanza);
    privacy_sent(talk->privacy, from, stanza);
}

static void on_gone(void *self, const char *full_jid)
{
    struct talk *talk = self;
    if (talk->print)
        printf("%6lu  %-24s   (its connection ends)\n", talk->step, full_jid);
    privacy_gone(talk->privacy, full_jid);
}

static void on_settled(void *self)
{
    struct talk *talk = self;
    privacy_settled(talk->privacy);
}

/* ---- birth and end ---- */

/* Mostly everybody; else some accounts and domains, whose addresses go into `names`. */
static unsigned choose_some(struct talk *talk, const char **names)
{
    unsigned entries = pick(talk, 1u << CAST_ENTRIES), count = 0;
    for (unsigned i = 0; i < CAST_ENTRIES; i++) {
        if ((entries & 1u << i) != 0)
            names[count++] = cast_entries[i].address;
    }
    names[count] = NULL;
    return entries;
}

/* Nobody but one account, or one domain, or (mostly) nobody at all: somebody has to come. */
static unsigned choose_banned(struct talk *talk, const char **names)
{
    unsigned entry = pick(talk, CAST_ENTRIES);
    names[0] = rarely(talk, 3) ? cast_entries[entry].address : NULL;
    names[1] = NULL;
    return names[0] == NULL ? 0 : 1u << entry;
}

/* What holds for all rooms: in the words of the core, and in those of the model. */
struct service {
    const char *options[12], *admins[2], *banned[2];
    const char *creators[CAST_ENTRIES + 1], *keepers[CAST_ENTRIES + 1], *listers[CAST_ENTRIES + 1];
    struct world_config config;
    struct model_rules rules;
};

static void choose_permit(struct talk *talk, const char **names, unsigned *entries,
                          const char *const **config)
{
    bool limited = rarely(talk, 4);
    *entries = limited ? choose_some(talk, names) : ~0u;
    *config = limited ? names : NULL;
}

static void choose_service(struct talk *talk, struct service *service)
{
    struct world_config *config = &service->config;
    struct model_rules *rules = &service->rules;
    int admin = rarely(talk, 2) ? (int)pick(talk, CAST_PEOPLE) : CAST_NOBODY;
    rules->defaults = choose_defaults(talk, service->options);
    rules->service_admin = admin;
    rules->locked = config->locked = rarely(talk, 2);
    rules->banned = choose_banned(talk, service->banned);
    rules->trims_nicks = config->nick.trim = rarely(talk, 3);
    rules->recent_nicks = config->nick.opaque = rarely(talk, 3);
    rules->short_nicks = rarely(talk, 3);
    config->nick.chars_max = rules->short_nicks ? CAST_NICK_SHORT : 0;
    service->admins[0] = admin == CAST_NOBODY ? NULL : cast_entries[admin].address;
    service->admins[1] = NULL;
    config->options = service->options;
    config->admins = service->admins;
    config->banned = service->banned;
    config->durable = talk->durable;
    config->lineup_from = rarely(talk, 2) ? 1 + pick(talk, 4) : 0;
    choose_permit(talk, service->creators, &rules->creators, &config->create);
    choose_permit(talk, service->keepers, &rules->keepers, &config->persistent);
    choose_permit(talk, service->listers, &rules->listers, &config->listed);
}

struct talk *talk_new(uint64_t seed, bool print, bool frames)
{
    struct service service = {.config = {.locked = false}};
    struct talk *talk = calloc(1, sizeof(*talk));
    if (talk == NULL)
        abort();
    talk->seed = seed;
    talk->random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    talk->print = print;
    talk->frames_shown = frames;
    talk->durable = seed % 2 == 0;
    choose_service(talk, &service);
    model_init(&talk->model, &service.rules);
    talk->world = world_new(&service.config);
    talk->privacy = privacy_new(CAST_SERVICE, rank, talk);
    for (int i = 0; i < CAST_PEOPLE; i++)
        privacy_account(talk->privacy, cast_entries[i].address);
    const struct world_onlooker onlooker = {talk, on_sent, on_received, on_gone, on_settled};
    world_look_on(talk->world, &onlooker);
    for (int i = 0; i < CAST_CLIENTS; i++) {
        world_client(talk->world, cast_clients[i]);
        for (int room = 0; room < CAST_ROOMS; room++)
            picture_forget(&talk->pictures[i][room]);
    }
    return talk;
}

void talk_free(struct talk *talk)
{
    world_free(talk->world);
    privacy_free(talk->privacy);
    free(talk->frames);
    free(talk);
}

/* ---- a step ---- */

const char *talk_extra(struct talk *talk, int room)
{
    static const char *const extras[] = {
        "",
        "",
        "<store xmlns='urn:xmpp:hints'/>",
        "<no-store xmlns='urn:xmpp:hints'/>",
        "<x xmlns='http://jabber.org/protocol/muc#user'><status code='110'/>" FORGED_ITEM "</x>",
        "<x xmlns='http://jabber.org/protocol/muc'><password>forged</password></x>",
        "<occupant-id xmlns='urn:xmpp:occupant-id:0' id='forged'/>",
        "<stanza-id xmlns='urn:xmpp:sid:0' by='%s' id='forged'/>",
        "<hats xmlns='urn:xmpp:hats:0'><hat title='forged' uri='forged'/></hats>",
        "<delay xmlns='urn:xmpp:delay' from='%s' stamp='2002-09-10T23:08:25Z'>forged</delay>",
        "<active xmlns='http://jabber.org/protocol/chatstates'/>",
        "<x xmlns='jabber:x:delay' from='%s' stamp='20020910T23:08:25'>forged</x>",
        ("<retract xmlns='urn:xmpp:message-retract:1' id='a'><moderated by='forged' "
         "xmlns='urn:xmpp:message-moderate:1'/></retract>"),
    };
    const char *extra = extras[pick(talk, sizeof(extras) / sizeof(extras[0]))];
    const char *gap = strstr(extra, "%s");
    if (gap == NULL)
        return extra;
    snprintf(talk->extra, sizeof(talk->extra), "%.*s%s%s", (int)(gap - extra), extra,
             cast_rooms[room], gap + 2);
    return talk->extra;
}

void talk_begin(struct talk *talk)
{
    talk->step++;
    snprintf(talk->id, sizeof(talk->id), "q%lu", talk->step);
    talk->len = 0;
    talk->text[0] = '\0';
    talk->frame_count = 0;
    talk->prober = CAST_NOBODY;
    talk->replaces = false;
    talk->model_then = talk->model;
    model_next(&talk->model, world_now(talk->world) + 1000);
}

void talk_write(struct talk *talk, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int len = vsnprintf(talk->text + talk->len, sizeof(talk->text) - talk->len, format, args);
    va_end(args);
    if (len < 0 || talk->len + (unsigned)len >= sizeof(talk->text))
        talk_fail(talk, "the stanza of the test is too long");
    talk->len += (unsigned)len;
}

void talk_field(struct talk *talk, const char *var, const char *value)
{
    talk_write(talk, "<field var='%s'><value>%s</value></field>", var, value);
}

/* The condition of an error, as in model.h; 0: none that is known. */
static unsigned condition_of(const char *stanza)
{
    const char *error = strstr(stanza, "<error ");
    char element[100];
    for (int i = 0; error != NULL && i < R_COUNT; i++) {
        snprintf(element, sizeof(element), "<%s xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'",
                 conditions[i]);
        if (strstr(error, element) != NULL)
            return 1u << i;
    }
    return 0;
}

static void expected_text(unsigned refused, char *text, size_t size)
{
    size_t len = 0;
    snprintf(text, size, "to be done");
    for (int i = 0; i < R_COUNT; i++) {
        if ((refused & 1u << i) != 0 && len < size)
            len += (size_t)snprintf(text + len, size - len, "%s%s", len == 0 ? "" : " or ",
                                    conditions[i]);
    }
}

/* The answer to the stanza in hand, or NULL. */
static const char *find_answer(struct talk *talk, int client, int room)
{
    const char *answer = NULL;
    char id[TALK_ID];
    for (unsigned i = 0; i < talk->frame_count; i++) {
        const char *stanza = talk->frames[i].stanza;
        bool answers = stanza_is(stanza, "iq", "result") || stanza_is(stanza, "iq", "error") ||
                       stanza_is(stanza, "message", "error") ||
                       stanza_is(stanza, "presence", "error");
        if (talk->frames[i].client != client || talk->frames[i].room != room || !answers ||
            !stanza_attribute(stanza, "id", id, sizeof(id)) || strcmp(id, talk->id) != 0)
            continue;
        if (answer != NULL)
            talk_fail(talk, "a second answer\n  %s", stanza);
        answer = stanza;
    }
    return answer;
}

/* Who refuses says so, and the error comes from the address that was asked. */
static void check_refusal(struct talk *talk, const char *answer, int room)
{
    char value[300], to[300];
    const char *error = strstr(answer, "<error ");
    if (!stanza_attribute(error, "by", value, sizeof(value)) ||
        strcmp(value, cast_rooms[room]) != 0)
        talk_fail(talk, "the refusal does not say by whom\n  %s", answer);
    if (!stanza_attribute(error, "type", value, sizeof(value)))
        talk_fail(talk, "the refusal has no type\n  %s", answer);
    (void)stanza_attribute(talk->text, "to", to, sizeof(to));
    (void)stanza_attribute(answer, "from", value, sizeof(value));
    if (strcmp(value, to) != 0)
        talk_fail(talk, "the refusal comes from another address than %s\n  %s", to, answer);
}

static void check_answer(struct talk *talk, int client, int room, unsigned refused,
                         enum talk_answer wanted)
{
    const char *answer = find_answer(talk, client, room);
    bool is_error = answer != NULL && strstr(answer, " type='error'") != NULL;
    unsigned condition = is_error ? condition_of(answer) : 0;
    char expected[300];

    expected_text(refused, expected, sizeof(expected));
    talk->done += refused == 0;
    talk->refused += refused != 0;
    for (int i = 0; i < R_COUNT; i++)
        talk->by_refusal[i] += (condition & 1u << i) != 0;
    if (is_error)
        check_refusal(talk, answer, room);
    if (wanted == ANSWER_ANY)
        return;
    if (answer == NULL && (wanted == ANSWER_REQUEST || (refused != 0 && wanted != ANSWER_NONE)))
        talk_fail(talk, "no answer, expected %s", expected);
    if (answer != NULL && (wanted == ANSWER_NONE || (!is_error && wanted != ANSWER_REQUEST)))
        talk_fail(talk, "an answer to what wants none\n  %s", answer);
    if (answer != NULL && is_error != (refused != 0))
        talk_fail(talk, "expected %s, and the answer is\n  %s", expected, answer);
    if (is_error && (condition & refused) == 0)
        talk_fail(talk, "expected %s, and the answer is\n  %s", expected, answer);
}

void talk_believe(struct talk *talk)
{
    for (unsigned i = 0; i < talk->frame_count; i++) {
        const struct talk_frame *frame = &talk->frames[i];
        if (frame->client == CAST_NOBODY || frame->room == CAST_NOBODY)
            continue;
        const char *wrong = picture_hear(&talk->pictures[frame->client][frame->room], frame->stanza,
                                         frame->client == talk->prober);
        if (wrong != NULL)
            talk_fail(talk, "%s %s\n  %s", cast_clients[frame->client], wrong, frame->stanza);
    }
}

void talk_send(struct talk *talk, int client, int room, unsigned refused, enum talk_answer answer)
{
    enum talk_store store = talk_store_choose(talk, room);
    if (!world_stanza(talk->world, cast_clients[client], talk->text))
        talk_fail(talk, "the stanza of the test cannot be sent");
    talk_store_settle(talk, room, store);
    talk_believe(talk);
    talk_store_check(talk, client, room, store);
    check_answer(talk, client, room, refused, answer);
}

void talk_send_as(struct talk *talk, const char *from)
{
    if (!world_stanza_from(talk->world, from, talk->text))
        talk_fail(talk, "the stanza of the test cannot be sent");
    talk_believe(talk);
}

void talk_heard_by(struct talk *talk, unsigned clients, const char *mark)
{
    unsigned heard = 0;
    for (unsigned i = 0; i < talk->frame_count; i++) {
        const struct talk_frame *frame = &talk->frames[i];
        if (strstr(frame->stanza, mark) == NULL || strstr(frame->stanza, " type='error'") != NULL)
            continue;
        if (frame->client == CAST_NOBODY)
            talk_fail(talk, "somebody who is not there hears %s", frame->stanza);
        if ((heard & 1u << frame->client) != 0)
            talk_fail(talk, "%s hears it twice", cast_clients[frame->client]);
        heard |= 1u << frame->client;
        talk->heard++;
    }
    for (int i = 0; i < CAST_CLIENTS; i++) {
        bool should = (clients & 1u << i) != 0, did = (heard & 1u << i) != 0;
        if (should != did)
            talk_fail(talk, "%s %s it", cast_clients[i],
                      should ? "should hear, and does not hear," : "should not hear, and hears,");
    }
}

/* ---- what has to hold after every step ---- */

static bool is_exit(const struct talk_frame *frame, const struct model_exit *gone)
{
    return frame->client == gone->client && frame->room == gone->room &&
           stanza_is(frame->stanza, "presence", "unavailable") &&
           stanza_has_status(frame->stanza, 110) && !stanza_has_status(frame->stanza, 303);
}

/* Who was put out was told so, why, and once. */
static void check_exits(struct talk *talk)
{
    static const int codes[] = {301, 307, 321, 322, 332, 333};
    for (unsigned i = 0; i < talk->model.exit_count; i++) {
        const struct model_exit *gone = &talk->model.exits[i];
        const char *told = NULL;
        for (unsigned f = 0; f < talk->frame_count; f++) {
            if (!is_exit(&talk->frames[f], gone))
                continue;
            if (told != NULL)
                talk_fail(talk, "%s is told twice", cast_clients[gone->client]);
            told = talk->frames[f].stanza;
        }
        if (told == NULL || strstr(told, " role='none'") == NULL)
            talk_fail(talk, "%s is not told that it is outside", cast_clients[gone->client]);
        for (size_t c = 0; c < sizeof(codes) / sizeof(codes[0]); c++) {
            if (stanza_has_status(told, codes[c]) != (codes[c] == gone->status))
                talk_fail(talk, "%s is to be told %d and is told\n  %s", cast_clients[gone->client],
                          gone->status, told);
        }
        talk->put_out += gone->status != 0;
    }
}

static void check_room(struct talk *talk, int room)
{
    const struct room *real = world_room(talk->world, cast_rooms[room]);
    struct model_room *believed = talk_room(talk, room);
    const char *about, *wrong = agree(real, &talk->model, believed);
    talk->lined_up += real != NULL && real->lineup != NULL;
    if (wrong != NULL)
        talk_fail(talk, "%s: %s", cast_rooms[room], wrong);
    for (int client = 0; client < CAST_CLIENTS; client++) {
        struct picture *picture = &talk->pictures[client][room];
        picture->left = false;
        wrong = picture_compare(picture, &talk->model, believed, client, &about);
        if (wrong != NULL)
            talk_fail(talk, "%s in %s %s %s", cast_clients[client], cast_rooms[room], wrong, about);
    }
    if (model_count(believed) > 0 &&
        privacy_room_is_open(talk->privacy, cast_rooms[room]) != believed->options.anyone_sees_jids)
        talk_fail(talk, "%s was not said to %s addresses, or the contrary", cast_rooms[room],
                  believed->options.anyone_sees_jids ? "show" : "hide");
}

static void check_nothing_forged(struct talk *talk)
{
    for (unsigned i = 0; i < talk->frame_count; i++) {
        const char *stanza = talk->frames[i].stanza;
        if (strstr(stanza, "forged") != NULL)
            talk_fail(talk, "what only a room may say was taken from a client\n  %s", stanza);
    }
}

void talk_end(struct talk *talk)
{
    check_exits(talk);
    check_nothing_forged(talk);
    for (int room = 0; room < CAST_ROOMS; room++)
        check_room(talk, room);
    if (privacy_breach(talk->privacy) != NULL)
        talk_fail(talk, "%s", privacy_breach(talk->privacy));
    world_forget(talk->world);
    talk->frame_count = 0;
}

void talk_shutdown(struct talk *talk)
{
    talk_begin(talk);
    talk->step--; /* it follows the last one, however many there are */
    talk_write(talk, "(the service stops)");
    model_shutdown(&talk->model);
    world_shutdown(talk->world);
    talk_believe(talk);
    talk_end(talk);
}

unsigned talk_clients(const struct model_occupant *occupant)
{
    unsigned clients = 0;
    for (unsigned s = 0; occupant != NULL && s < occupant->count; s++)
        clients |= 1u << occupant->sessions[s].client;
    return clients;
}

unsigned talk_everybody(const struct model_room *room)
{
    unsigned clients = 0;
    for (int i = 0; i < MODEL_OCCUPANTS; i++) {
        if (room->occupants[i].account != CAST_NOBODY)
            clients |= talk_clients(&room->occupants[i]);
    }
    return clients;
}

unsigned talk_count_items(struct talk *talk)
{
    unsigned items = 0;
    for (unsigned i = 0; i < talk->frame_count; i++) {
        const char *at = talk->frames[i].stanza;
        while ((at = strstr(at, "<item ")) != NULL) {
            items++;
            at++;
        }
    }
    return items;
}
