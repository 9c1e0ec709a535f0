#include "tests/support/privacy.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADDRESS_MAX = 128, FORMS = 5, FORM_MAX = 2 * ADDRESS_MAX + 1, SHORTEST = 3 };

/* The ways an address may be written: as it is, in hexadecimal, in base64 behind 0, 1, 2 bytes. */
struct forms {
    char text[FORMS][FORM_MAX];
};

struct account {
    char address[ADDRESS_MAX];
    struct forms forms;
    bool disclosed; /* it has said it to all itself */
};

/* One session in one room. */
struct seat {
    char jid[2 * ADDRESS_MAX];
    char room[ADDRESS_MAX];
    bool inside;
    bool moderates;
};

struct place {
    char room[ADDRESS_MAX];
    bool open; /* hides no addresses */
    /* A form on its way that says so, or the contrary. */
    bool pending, pending_open;
    char asker[2 * ADDRESS_MAX], id[ADDRESS_MAX];
};

struct invited {
    char room[ADDRESS_MAX];
    const struct account *by, *whom;
};

struct held {
    char *report;
    const struct seat *viewer;
};

struct privacy {
    char service[ADDRESS_MAX];
    privacy_ranker *ranker;
    void *ranker_self;
    struct account **accounts;
    size_t account_count;
    struct forms common; /* what all addresses begin with; empty: nothing */
    struct seat **seats;
    size_t seat_count;
    struct place **places;
    size_t place_count;
    struct invited *invited;
    size_t invited_count;
    char sender[2 * ADDRESS_MAX]; /* of the last stanza */
    struct held *held;            /* wrong, unless the viewer is told within the step that it may */
    size_t held_count;
    char *breach;
    unsigned long searched, permitted;
};

static void *grown(void *list, size_t count, size_t size)
{
    /* Room for twice as much whenever a power of two is full. */
    if ((count & (count - 1)) != 0)
        return list;
    list = realloc(list, (count == 0 ? 1 : 2 * count) * size);
    if (list == NULL)
        abort();
    return list;
}

static void *zeroed(size_t size)
{
    void *fresh = calloc(1, size);
    if (fresh == NULL)
        abort();
    return fresh;
}

/* ---- reading stanzas: as written by us or by a library, so with either kind of quotes ---- */

/* The value of an attribute of the element that begins at `tag`; as it stands, escaped. */
static bool attribute(const char *tag, const char *name, char *value, size_t size)
{
    const char *end = strchr(tag, '>');
    size_t len = strlen(name);
    value[0] = '\0';
    for (const char *at = tag; end != NULL && (at = strstr(at, name)) != NULL && at < end; at++) {
        char quote = at[len] == '=' ? at[len + 1] : '\0';
        if ((quote != '\'' && quote != '"') || at[-1] != ' ')
            continue;
        const char *begin = at + len + 2, *stop = strchr(begin, quote);
        if (stop == NULL)
            return false;
        snprintf(value, size, "%.*s", (int)(stop - begin), begin);
        return true;
    }
    return false;
}

static bool has_status(const char *stanza, const char *code)
{
    char value[8];
    for (const char *at = stanza; (at = strstr(at, "<status code=")) != NULL; at++) {
        if (attribute(at, "code", value, sizeof(value)) && strcmp(value, code) == 0)
            return true;
    }
    return false;
}

static bool is_kind(const char *stanza, const char *kind)
{
    size_t len = strlen(kind);
    return stanza[0] == '<' && strncmp(stanza + 1, kind, len) == 0 &&
           (stanza[len + 1] == ' ' || stanza[len + 1] == '>');
}

static bool has_type(const char *stanza, const char *type)
{
    char value[32];
    return attribute(stanza, "type", value, sizeof(value)) && strcmp(value, type) == 0;
}

/* A presence about who receives it. */
static bool is_own(const char *stanza)
{
    return is_kind(stanza, "presence") && has_status(stanza, "110") && !has_type(stanza, "error");
}

static void bare_of(const char *jid, char *bare, size_t size)
{
    snprintf(bare, size, "%.*s", (int)strcspn(jid, "/"), jid);
}

/* ---- addresses, however they are written ---- */

static void hex(const char *text, char *out, size_t size)
{
    size_t at = 0;
    out[0] = '\0';
    for (; *text != '\0' && at + 2 < size; text++, at += 2)
        snprintf(out + at, size - at, "%02x", (unsigned char)*text);
}

/* The characters of base64 that depend on the text alone, if `before` bytes stand before it. */
static void base64(const char *text, size_t before, char *out, size_t size)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t bits = strlen(text) * 8, used = 0;
    size_t first = before == 0 ? 0 : before == 1 ? 4 : 2; /* bits that share a character */
    for (size_t bit = first; bit + 6 <= bits && used + 1 < size; bit += 6) {
        unsigned value = 0;
        for (size_t i = bit; i < bit + 6; i++)
            value = value << 1 | (((unsigned char)text[i / 8] >> (7 - i % 8)) & 1u);
        out[used++] = digits[value];
    }
    out[used] = '\0';
}

static void write_forms(const char *text, struct forms *forms)
{
    snprintf(forms->text[0], FORM_MAX, "%s", text);
    hex(text, forms->text[1], FORM_MAX);
    for (size_t before = 0; before < 3; before++)
        base64(text, before, forms->text[2 + before], FORM_MAX);
}

static void find_common(struct privacy *privacy)
{
    char common[ADDRESS_MAX];
    snprintf(common, sizeof(common), "%s", privacy->accounts[0]->address);
    for (size_t i = 1; i < privacy->account_count; i++) {
        size_t len = 0;
        while (common[len] != '\0' && common[len] == privacy->accounts[i]->address[len])
            len++;
        common[len] = '\0';
    }
    write_forms(strlen(common) < SHORTEST ? "" : common, &privacy->common);
}

static bool is_letter(char c)
{
    return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '-' || c == '_' ||
           (unsigned char)c >= 0x80;
}

/* As a whole address, not as part of a longer one. */
static bool stands_in(const char *stanza, const char *address)
{
    size_t len = strlen(address);
    for (const char *at = stanza; (at = strstr(at, address)) != NULL; at++) {
        char before = at == stanza ? '\0' : at[-1], after = at[len];
        bool longer = is_letter(before) || before == '.' || before == '@' || is_letter(after) ||
                      (after == '.' && is_letter(at[len + 1]));
        if (!longer)
            return true;
    }
    return false;
}

/* Without the resource, wherever it stands. */
static bool only_bare(const char *stanza, const char *address)
{
    size_t len = strlen(address);
    for (const char *at = stanza; (at = strstr(at, address)) != NULL; at++) {
        if (at[len] == '/')
            return false;
    }
    return true;
}

static bool mentions(const char *stanza, const struct account *account, const bool *likely)
{
    if (likely[0] && stands_in(stanza, account->address))
        return true;
    for (int form = 1; form < FORMS; form++) {
        if (likely[form] && strstr(stanza, account->forms.text[form]) != NULL)
            return true;
    }
    return false;
}

static struct account *account_of(const struct privacy *privacy, const char *jid)
{
    char bare[ADDRESS_MAX];
    bare_of(jid, bare, sizeof(bare));
    for (size_t i = 0; i < privacy->account_count; i++) {
        if (strcmp(privacy->accounts[i]->address, bare) == 0)
            return privacy->accounts[i];
    }
    return NULL;
}

/* ---- what is known ---- */

static struct seat *seat_of(struct privacy *privacy, const char *jid, const char *room)
{
    for (size_t i = 0; i < privacy->seat_count; i++) {
        struct seat *seat = privacy->seats[i];
        if (strcmp(seat->jid, jid) == 0 && strcmp(seat->room, room) == 0)
            return seat;
    }
    struct seat *seat = zeroed(sizeof(*seat));
    snprintf(seat->jid, sizeof(seat->jid), "%s", jid);
    snprintf(seat->room, sizeof(seat->room), "%s", room);
    privacy->seats = grown(privacy->seats, privacy->seat_count, sizeof(struct seat *));
    privacy->seats[privacy->seat_count++] = seat;
    return seat;
}

static struct place *place_of(struct privacy *privacy, const char *room)
{
    for (size_t i = 0; i < privacy->place_count; i++) {
        if (strcmp(privacy->places[i]->room, room) == 0)
            return privacy->places[i];
    }
    struct place *place = zeroed(sizeof(*place));
    snprintf(place->room, sizeof(place->room), "%s", room);
    privacy->places = grown(privacy->places, privacy->place_count, sizeof(struct place *));
    privacy->places[privacy->place_count++] = place;
    return place;
}

static bool hides_nothing(const struct place *place)
{
    return place->pending ? place->pending_open : place->open;
}

static bool has_invited(const struct privacy *privacy, const struct account *by,
                        const struct account *whom, const char *room)
{
    for (size_t i = 0; by != NULL && i < privacy->invited_count; i++) {
        const struct invited *invited = &privacy->invited[i];
        if (invited->by == by && invited->whom == whom && strcmp(invited->room, room) == 0)
            return true;
    }
    return false;
}

static enum privacy_rank rank_of(const struct privacy *privacy, const char *room,
                                 const struct account *account)
{
    return account == NULL ? PRIVACY_NONE
                           : privacy->ranker(privacy->ranker_self, room, account->address);
}

/* ---- judging ---- */

static bool list_is_for(const char *stanza, enum privacy_rank rank, bool open)
{
    bool owners = strstr(stanza, "affiliation='owner'") != NULL ||
                  strstr(stanza, "affiliation=\"owner\"") != NULL;
    bool form = strstr(stanza, "http://jabber.org/protocol/muc#owner") != NULL;
    bool roles = strstr(stanza, " role=") != NULL;
    if (form || (owners && !roles && !open))
        return rank >= PRIVACY_OWNER;
    return rank >= (open ? PRIVACY_MEMBER : PRIVACY_ADMIN);
}

static bool is_list(const char *stanza)
{
    return is_kind(stanza, "iq") && has_type(stanza, "result") &&
           (strstr(stanza, "http://jabber.org/protocol/muc#admin") != NULL ||
            strstr(stanza, "http://jabber.org/protocol/muc#owner") != NULL);
}

/* A message out of the archive, which the room itself sends to who has asked for it. */
static bool is_archived(const char *stanza, const char *room)
{
    char from[4 * ADDRESS_MAX];
    return is_kind(stanza, "message") && attribute(stanza, "from", from, sizeof(from)) &&
           strcmp(from, room) == 0 && strstr(stanza, "<result xmlns='urn:xmpp:mam:2'") != NULL;
}

/* May who sits (or does not) there read that address in this stanza? */
static bool permitted(struct privacy *privacy, const char *stanza, const struct seat *seat,
                      const struct account *about)
{
    const struct account *viewer = account_of(privacy, seat->jid);
    bool open = hides_nothing(place_of(privacy, seat->room));
    bool message = is_kind(stanza, "message");

    if (is_own(stanza))
        return false;
    if (seat->inside && (seat->moderates || open))
        return true;
    /* Who may read the archive need not be inside (0313 #business-storeret-muc-archives). */
    if (is_archived(stanza, seat->room))
        return open || rank_of(privacy, seat->room, viewer) >= PRIVACY_ADMIN;
    if (is_list(stanza))
        return list_is_for(stanza, rank_of(privacy, seat->room, viewer), open);
    if (message && strstr(stanza, "<invite ") != NULL && !has_type(stanza, "error"))
        return open || rank_of(privacy, seat->room, viewer) >= PRIVACY_ADMIN;
    if (message && strstr(stanza, "muc#register_allow") != NULL)
        return rank_of(privacy, seat->room, viewer) >= PRIVACY_ADMIN;
    /* What was named without a resource is told again without. */
    bool named = has_invited(privacy, viewer, about, seat->room);
    if (!message || !only_bare(stanza, about->address))
        return false;
    if (strstr(stanza, "<decline ") != NULL)
        return named || !seat_of(privacy, privacy->sender, seat->room)->inside;
    return named && strstr(stanza, "<invite ") != NULL;
}

static char *report(const struct seat *seat, const struct account *about, const char *stanza)
{
    char *text = NULL;
    const char *inside = !seat->inside ? "outside" : seat->moderates ? "a moderator" : "inside";
    if (asprintf(&text, "%s (%s) may not be told of %s, and is sent\n  %s", seat->jid, inside,
                 about->address, stanza) < 0)
        abort();
    return text;
}

static void hold(struct privacy *privacy, char *text, const struct seat *viewer)
{
    privacy->held = grown(privacy->held, privacy->held_count, sizeof(struct held));
    privacy->held[privacy->held_count++] = (struct held){text, viewer};
}

/* What the viewer was shown before was rightly shown. */
static void release(struct privacy *privacy, const struct seat *viewer)
{
    size_t kept = 0;
    for (size_t i = 0; i < privacy->held_count; i++) {
        if (privacy->held[i].viewer == viewer)
            free(privacy->held[i].report);
        else
            privacy->held[kept++] = privacy->held[i];
    }
    privacy->held_count = kept;
}

static void judge(struct privacy *privacy, const char *stanza, struct seat *seat)
{
    bool likely[FORMS], any = false;
    for (int form = 0; form < FORMS; form++) {
        likely[form] = strstr(stanza, privacy->common.text[form]) != NULL;
        any = any || likely[form];
    }
    for (size_t i = 0; any && i < privacy->account_count; i++) {
        const struct account *about = privacy->accounts[i];
        if (about == account_of(privacy, seat->jid) || !mentions(stanza, about, likely))
            continue;
        if (about->disclosed || permitted(privacy, stanza, seat, about)) {
            privacy->permitted++;
            continue;
        }
        /* What it may read of others may turn out in a moment; of itself it need not be told. */
        if (is_own(stanza) && privacy->breach == NULL)
            privacy->breach = report(seat, about, stanza);
        else if (!is_own(stanza))
            hold(privacy, report(seat, about, stanza), seat);
        return;
    }
}

/* ---- learning ---- */

static void learn_own_presence(struct privacy *privacy, const char *stanza, struct seat *seat)
{
    struct place *place = place_of(privacy, seat->room);
    const char *item = strstr(stanza, "<item");
    char role[16];
    if (item == NULL || !attribute(item, "role", role, sizeof(role)))
        return;
    bool gone = has_type(stanza, "unavailable") && !has_status(stanza, "303");
    seat->inside = !gone;
    seat->moderates = !gone && strcmp(role, "moderator") == 0;
    if (has_status(stanza, "100"))
        place->open = true;
    else if (has_status(stanza, "201"))
        place->open = false;
    if (seat->inside && (seat->moderates || hides_nothing(place)))
        release(privacy, seat);
}

static void learn_answer(struct privacy *privacy, const char *to, const char *stanza,
                         struct place *place)
{
    char id[ADDRESS_MAX];
    (void)privacy;
    if (!place->pending || strcmp(place->asker, to) != 0 ||
        !attribute(stanza, "id", id, sizeof(id)) || strcmp(place->id, id) != 0)
        return;
    if (has_type(stanza, "result"))
        place->open = place->pending_open;
    place->pending = false;
}

void privacy_received(struct privacy *privacy, const char *to, const char *stanza)
{
    char from[4 * ADDRESS_MAX], room[ADDRESS_MAX], address[2 * ADDRESS_MAX];
    if (to == NULL && attribute(stanza, "to", address, sizeof(address)))
        to = address;
    if (to == NULL || privacy->account_count == 0 || !attribute(stanza, "from", from, sizeof(from)))
        return;
    bare_of(from, room, sizeof(room));
    const char *at = strchr(room, '@');
    if (strcmp(at == NULL ? room : at + 1, privacy->service) != 0)
        return;
    struct seat *seat = seat_of(privacy, to, room);
    privacy->searched++;
    judge(privacy, stanza, seat);
    if (is_own(stanza))
        learn_own_presence(privacy, stanza, seat);
    else if (is_kind(stanza, "iq"))
        learn_answer(privacy, to, stanza, place_of(privacy, room));
    else if (has_status(stanza, "172"))
        place_of(privacy, room)->open = true;
    else if (has_status(stanza, "173"))
        place_of(privacy, room)->open = false;
}

/* Who has named somebody's address to the room is told it again when that somebody declines. */
static void learn_named(struct privacy *privacy, const char *from, const char *room,
                        const char *stanza, const char *element, const char *name)
{
    char jid[2 * ADDRESS_MAX];
    for (const char *at = stanza; (at = strstr(at, element)) != NULL; at++) {
        if (!attribute(at, name, jid, sizeof(jid)) || account_of(privacy, jid) == NULL)
            continue;
        const struct account *by = account_of(privacy, from), *whom = account_of(privacy, jid);
        if (has_invited(privacy, by, whom, room))
            continue;
        privacy->invited = grown(privacy->invited, privacy->invited_count, sizeof(struct invited));
        struct invited *invited = &privacy->invited[privacy->invited_count++];
        *invited = (struct invited){.by = by, .whom = whom};
        snprintf(invited->room, sizeof(invited->room), "%s", room);
    }
}

static void learn_form(struct privacy *privacy, const char *from, const char *room,
                       const char *stanza)
{
    const char *field = strstr(stanza, "muc#roomconfig_whois");
    if (field == NULL || strstr(stanza, "http://jabber.org/protocol/muc#owner") == NULL)
        return;
    const char *value = strstr(field, "<value>");
    struct place *place = place_of(privacy, room);
    place->pending = value != NULL;
    place->pending_open = value != NULL && strncmp(value + 7, "anyone", 6) == 0;
    snprintf(place->asker, sizeof(place->asker), "%s", from);
    (void)attribute(stanza, "id", place->id, sizeof(place->id));
}

void privacy_sent(struct privacy *privacy, const char *from, const char *stanza)
{
    char to[4 * ADDRESS_MAX], room[ADDRESS_MAX];
    while (*stanza == ' ' || *stanza == '\n' || *stanza == '\t')
        stanza++;
    if (!attribute(stanza, "to", to, sizeof(to)))
        return;
    bare_of(to, room, sizeof(room));
    snprintf(privacy->sender, sizeof(privacy->sender), "%s", from);
    struct account *sender = account_of(privacy, from);
    if (sender != NULL && (has_type(stanza, "groupchat") || has_type(stanza, "chat")))
        sender->disclosed = sender->disclosed || stands_in(stanza, sender->address);
    if (is_kind(stanza, "message"))
        learn_named(privacy, from, room, stanza, "<invite", "to");
    if (!is_kind(stanza, "iq"))
        return;
    learn_named(privacy, from, room, stanza, "<item", "jid");
    learn_form(privacy, from, room, stanza);
}

void privacy_gone(struct privacy *privacy, const char *full_jid)
{
    for (size_t i = 0; i < privacy->seat_count; i++) {
        if (strcmp(privacy->seats[i]->jid, full_jid) == 0)
            privacy->seats[i]->inside = privacy->seats[i]->moderates = false;
    }
}

void privacy_lost(struct privacy *privacy, const char *full_jid, const char *room)
{
    release(privacy, seat_of(privacy, full_jid, room));
}

void privacy_settled(struct privacy *privacy)
{
    for (size_t i = 0; i < privacy->held_count; i++) {
        if (privacy->breach == NULL)
            privacy->breach = privacy->held[i].report;
        else
            free(privacy->held[i].report);
    }
    privacy->held_count = 0;
}

/* ---- life ---- */

struct privacy *privacy_new(const char *service, privacy_ranker *ranker, void *self)
{
    struct privacy *privacy = zeroed(sizeof(*privacy));
    snprintf(privacy->service, sizeof(privacy->service), "%s", service);
    privacy->ranker = ranker;
    privacy->ranker_self = self;
    return privacy;
}

void privacy_account(struct privacy *privacy, const char *address)
{
    if (account_of(privacy, address) != NULL)
        return;
    struct account *account = zeroed(sizeof(*account));
    bare_of(address, account->address, sizeof(account->address));
    write_forms(account->address, &account->forms);
    privacy->accounts = grown(privacy->accounts, privacy->account_count, sizeof(struct account *));
    privacy->accounts[privacy->account_count++] = account;
    find_common(privacy);
}

void privacy_free(struct privacy *privacy)
{
    if (privacy == NULL)
        return;
    for (size_t i = 0; i < privacy->account_count; i++)
        free(privacy->accounts[i]);
    for (size_t i = 0; i < privacy->seat_count; i++)
        free(privacy->seats[i]);
    for (size_t i = 0; i < privacy->place_count; i++)
        free(privacy->places[i]);
    free(privacy->accounts);
    free(privacy->seats);
    free(privacy->places);
    free(privacy->invited);
    for (size_t i = 0; i < privacy->held_count; i++)
        free(privacy->held[i].report);
    free(privacy->held);
    free(privacy->breach);
    free(privacy);
}

const char *privacy_breach(const struct privacy *privacy)
{
    return privacy->breach;
}

unsigned long privacy_searched(const struct privacy *privacy)
{
    return privacy->searched;
}

unsigned long privacy_permitted(const struct privacy *privacy)
{
    return privacy->permitted;
}

bool privacy_room_is_open(const struct privacy *privacy, const char *room)
{
    for (size_t i = 0; i < privacy->place_count; i++) {
        if (strcmp(privacy->places[i]->room, room) == 0)
            return privacy->places[i]->open;
    }
    return false;
}
