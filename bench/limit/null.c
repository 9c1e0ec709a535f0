/*
 * stentor-null: the least that can be called a conference service, as the measure of what is
 * possible. A component (XEP-0114) in one thread that finds `to`, `from` and the type of a stanza,
 * keeps a list of listeners for each room, and splices each listener's `to` into the same bytes,
 * 256 KiB a write.
 *
 * It knows joining (everybody's presence, one's own with 110, an empty subject), presence,
 * groupchat and leaving; other requests get an empty result. With --history N it keeps the last
 * messages of each room, ready to be written, for who enters; with --quiet nobody is told who else
 * is in a room. It has no roles and no errors, checks nothing, and trusts that no attribute holds a
 * '>' and no stanza an element of its own name.
 */
#include "bench/limit/link.h"

#include "core/base/mem.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>

/* One cache line each, so that a fan-out reads memory in order and copies without a loop. */
#define JID_BYTES_MAX 62
struct listener {
    uint16_t size;
    char jid[JID_BYTES_MAX];
};

/* What a fan-out does not need: the two ends of a listener's own presence. */
struct occupant {
    struct str head; /* <presence from='room/nick' to=' */
    struct str tail; /* '>...<x ...><item .../>, to be ended by OTHERS_END or SELF_END */
};

/* A message as it will be told to who comes later, but for his address. */
struct said {
    struct str head, tail;
};

struct room {
    struct str name;
    struct said *said; /* a ring; NULL: nothing was said, or no history is kept */
    uint32_t said_count;
    struct listener *listeners;
    struct occupant *occupants;
    uint32_t count, room_for;
};

/* A listener's place, found by room and address. */
struct seat {
    struct room *room; /* NULL: free */
    uint32_t at;
    uint32_t hash;
};

struct seats {
    struct seat *at;
    uint32_t count, mask;
};

struct null {
    struct link link;
    struct seats seats;
    struct room **rooms; /* open addressing by name */
    uint32_t rooms_count, rooms_mask;
    uint32_t history; /* messages kept for each room */
    bool quiet;
    struct buf head, tail;
};

struct in {
    struct str kind; /* message, presence, iq */
    struct str from, to, type, id;
    struct str room, nick; /* the two parts of `to` */
    struct str inside;     /* between the tags */
};

#define OTHERS_END STR("</x></presence>")
#define SELF_END   STR("<status code='110'/></x></presence>")

static uint32_t hash_of(struct str text, uint32_t hash)
{
    for (size_t i = 0; i < text.len; i++)
        hash = (hash ^ (unsigned char)text.at[i]) * 16777619u;
    return hash ^ hash >> 15;
}

static struct str put(char **at, struct str text)
{
    memcpy(*at, text.at, text.len);
    *at += text.len;
    return text;
}

/* ---- rooms and seats ---- */

static uint32_t room_slot(const struct null *null, struct str name)
{
    uint32_t slot = hash_of(name, 2166136261u) & null->rooms_mask;
    while (null->rooms[slot] != NULL && !str_eq(null->rooms[slot]->name, name))
        slot = (slot + 1) & null->rooms_mask;
    return slot;
}

/* Rooms stay, also when empty: a room that is entered again is the same to those who measure. */
static struct room *room_find_or_make(struct null *null, struct str name)
{
    uint32_t slot = room_slot(null, name);
    if (null->rooms[slot] != NULL)
        return null->rooms[slot];
    if (++null->rooms_count * 2 > null->rooms_mask) {
        struct room **old = null->rooms;
        uint32_t old_mask = null->rooms_mask;
        null->rooms_mask = null->rooms_mask * 2 + 1;
        null->rooms = MEM_NEW_ARRAY(struct room *, (size_t)null->rooms_mask + 1);
        for (uint32_t i = 0; i <= old_mask; i++)
            if (old[i] != NULL)
                null->rooms[room_slot(null, old[i]->name)] = old[i];
        mem_free(old);
        slot = room_slot(null, name);
    }
    struct room *room = MEM_NEW(struct room);
    room->name = str_copy(name);
    null->rooms[slot] = room;
    return room;
}

static bool seat_is(const struct seat *seat, struct str room, struct str jid)
{
    const struct listener *listener = &seat->room->listeners[seat->at];
    return listener->size == jid.len && memcmp(listener->jid, jid.at, jid.len) == 0 &&
           str_eq(seat->room->name, room);
}

/* The seat, or the free place where it would be. */
static struct seat *seat_find(const struct seats *seats, struct str room, struct str jid)
{
    uint32_t hash = hash_of(jid, hash_of(room, 2166136261u));
    uint32_t slot = hash & seats->mask;
    while (seats->at[slot].room != NULL &&
           (seats->at[slot].hash != hash || !seat_is(&seats->at[slot], room, jid)))
        slot = (slot + 1) & seats->mask;
    seats->at[slot].hash = hash;
    return &seats->at[slot];
}

static void seats_grow(struct seats *seats)
{
    struct seat *old = seats->at;
    uint32_t old_mask = seats->mask;
    seats->mask = seats->mask * 2 + 1;
    seats->at = MEM_NEW_ARRAY(struct seat, (size_t)seats->mask + 1);
    for (uint32_t i = 0; i <= old_mask; i++) {
        uint32_t slot = old[i].hash & seats->mask;
        if (old[i].room == NULL)
            continue;
        while (seats->at[slot].room != NULL)
            slot = (slot + 1) & seats->mask;
        seats->at[slot] = old[i];
    }
    mem_free(old);
}

/* Frees a place and moves what stood behind it up, so that no search ends too early. */
static void seat_free(struct seats *seats, struct seat *seat)
{
    uint32_t hole = (uint32_t)(seat - seats->at);
    seats->at[hole].room = NULL;
    for (uint32_t i = (hole + 1) & seats->mask; seats->at[i].room != NULL;
         i = (i + 1) & seats->mask) {
        uint32_t from_home = (i - (seats->at[i].hash & seats->mask)) & seats->mask;
        if (from_home < ((i - hole) & seats->mask))
            continue;
        seats->at[hole] = seats->at[i];
        seats->at[i].room = NULL;
        hole = i;
    }
    seats->count--;
}

/* ---- writing ---- */

/* head, the listener's address, rest. */
static inline void write_to(struct link *link, struct str head, const struct listener *listener,
                            struct str rest)
{
    char *at = link_room(link, head.len + sizeof(listener->jid) + rest.len);
    char *start = at;
    put(&at, head);
    memcpy(at, listener->jid, sizeof(listener->jid));
    at += listener->size;
    put(&at, rest);
    link->used += (size_t)(at - start);
}

static void check_size(struct str head, struct str rest)
{
    if (head.len + JID_BYTES_MAX + rest.len > LINK_BUFFER_BYTES)
        link_die("a stanza does not fit the buffer");
}

static void write_to_all(struct link *link, struct str head, const struct room *room,
                         struct str rest, uint32_t except)
{
    check_size(head, rest);
    for (uint32_t i = 0; i < room->count; i++)
        if (i != except)
            write_to(link, head, &room->listeners[i], rest);
}

static void add_id(struct buf *out, struct str id)
{
    if (!str_present(id))
        return;
    buf_addz(out, " id='");
    buf_add(out, id);
    buf_addz(out, "'");
}

/* ---- what stanzas do ---- */

/* What a presence says about its sender: all but the element that asked for entry. */
static struct str presence_tail(struct null *null, const struct in *in)
{
    struct str before = in->inside, after = STR("");
    const char *found = memmem(before.at, before.len, "<x xmlns=", 9);
    if (found != NULL) {
        const char *end = before.at + before.len;
        const char *close = memchr(found, '>', (size_t)(end - found));
        if (close[-1] != '/')
            close = (const char *)memmem(close, (size_t)(end - close), "</x>", 4) + 3;
        before.len = (size_t)(found - before.at);
        after = str_of(close + 1, (size_t)(end - close - 1));
    }
    null->tail.len = 0;
    buf_addz(&null->tail, ">");
    buf_add(&null->tail, before);
    buf_add(&null->tail, after);
    buf_addz(&null->tail, LINK_OCCUPANT_ID);
    buf_addz(&null->tail, "<x xmlns='http://jabber.org/protocol/muc#user'>"
                          "<item affiliation='none' role='participant'/>");
    return buf_str(&null->tail);
}

static void occupant_add(struct null *null, struct seat *seat, const struct in *in)
{
    struct room *room = room_find_or_make(null, in->room);
    if (room->count == room->room_for) {
        room->room_for = room->room_for == 0 ? 4 : room->room_for * 2;
        room->listeners = mem_grow(room->listeners, room->room_for * sizeof(struct listener));
        room->occupants = mem_grow(room->occupants, room->room_for * sizeof(struct occupant));
    }
    struct listener *listener = &room->listeners[room->count];
    if (in->from.len > JID_BYTES_MAX)
        link_die("an address longer than %d bytes: %.*s", JID_BYTES_MAX, (int)in->from.len,
                 in->from.at);
    listener->size = (uint16_t)in->from.len;
    memcpy(listener->jid, in->from.at, in->from.len);

    null->head.len = 0;
    buf_addz(&null->head, "<presence from='");
    buf_add(&null->head, in->to);
    buf_addz(&null->head, "' to='");
    struct occupant *occupant = &room->occupants[room->count];
    occupant->head = str_copy(buf_str(&null->head));
    occupant->tail = str_copy(presence_tail(null, in));
    seat->room = room;
    seat->at = room->count++;
    if (++null->seats.count * 2 > null->seats.mask)
        seats_grow(&null->seats);
}

/* The sender's presence to everybody, with his `id` and 110 to himself. */
static void tell_presence(struct null *null, const struct room *room, uint32_t at,
                          const struct in *in)
{
    const struct occupant *occupant = &room->occupants[at];
    struct buf *rest = &null->tail;
    rest->len = 0;
    buf_addz(rest, "'");
    add_id(rest, in->id);
    buf_add(rest, occupant->tail);
    size_t stem = rest->len;
    buf_add(rest, OTHERS_END);
    if (!null->quiet)
        write_to_all(&null->link, occupant->head, room, buf_str(rest), at);
    rest->len = stem;
    buf_add(rest, SELF_END);
    write_to(&null->link, occupant->head, &room->listeners[at], buf_str(rest));
}

/* ---- history ---- */

static void keep(struct null *null, struct room *room)
{
    static const char end[] = "</message>";
    if (null->history == 0)
        return;
    if (room->said == NULL)
        room->said = MEM_NEW_ARRAY(struct said, null->history);
    struct said *said = &room->said[room->said_count++ % null->history];
    str_free(&said->head);
    str_free(&said->tail);
    said->head = str_copy(buf_str(&null->head));
    null->tail.len -= sizeof(end) - 1;
    buf_addz(&null->tail, "<delay xmlns='urn:xmpp:delay' from='");
    buf_add(&null->tail, room->name);
    buf_addz(&null->tail, "' stamp='2026-11-01T00:00:00Z'/>");
    buf_addz(&null->tail, end);
    said->tail = str_copy(buf_str(&null->tail));
}

static void tell_history(struct null *null, const struct room *room, const struct listener *me)
{
    uint32_t count = room->said_count < null->history ? room->said_count : null->history;
    for (uint32_t i = room->said_count - count; i < room->said_count; i++) {
        const struct said *said = &room->said[i % null->history];
        check_size(said->head, said->tail);
        write_to(&null->link, said->head, me, said->tail);
    }
}

static void join(struct null *null, struct seat *seat, const struct in *in)
{
    occupant_add(null, seat, in);
    struct room *room = seat_find(&null->seats, in->room, in->from)->room;
    uint32_t mine = room->count - 1;
    const struct listener *me = &room->listeners[mine];
    struct link *link = &null->link;
    for (uint32_t i = 0; i < mine && !null->quiet; i++) {
        const struct occupant *other = &room->occupants[i];
        size_t size = other->head.len + sizeof(me->jid) + 1 + other->tail.len + OTHERS_END.len;
        char *at = link_room(link, size);
        char *start = at;
        put(&at, other->head);
        memcpy(at, me->jid, sizeof(me->jid));
        at += me->size;
        *at++ = '\'';
        put(&at, other->tail);
        put(&at, OTHERS_END);
        link->used += (size_t)(at - start);
    }
    tell_presence(null, room, mine, in);
    tell_history(null, room, me);
    null->head.len = 0;
    buf_addz(&null->head, "<message type='groupchat' from='");
    buf_add(&null->head, in->room);
    buf_addz(&null->head, "' to='");
    write_to(link, buf_str(&null->head), me, STR("'><subject/></message>"));
}

static void leave(struct null *null, struct seat *seat, const struct in *in)
{
    struct room *room = seat->room;
    uint32_t at = seat->at;
    struct occupant *occupant = &room->occupants[at];
    str_free(&occupant->tail);
    occupant->tail =
        str_copy(STR(" type='unavailable'><x xmlns='http://jabber.org/protocol/muc#user'>"
                     "<item affiliation='none' role='none'/>"));
    tell_presence(null, room, at, in);
    str_free(&occupant->head);
    str_free(&occupant->tail);
    seat_free(&null->seats, seat);
    if (at == --room->count)
        return;
    struct listener *last = &room->listeners[room->count];
    seat_find(&null->seats, room->name, str_of(last->jid, last->size))->at = at;
    room->listeners[at] = *last;
    room->occupants[at] = room->occupants[room->count];
}

static void on_presence(struct null *null, const struct in *in)
{
    struct seat *seat = seat_find(&null->seats, in->room, in->from);
    bool available = !str_present(in->type);
    if (seat->room == NULL) {
        if (available && !str_empty(in->nick))
            join(null, seat, in);
        return;
    }
    if (!available) {
        leave(null, seat, in);
        return;
    }
    struct occupant *occupant = &seat->room->occupants[seat->at];
    str_free(&occupant->tail);
    occupant->tail = str_copy(presence_tail(null, in));
    tell_presence(null, seat->room, seat->at, in);
}

static void on_message(struct null *null, const struct in *in)
{
    const struct seat *seat = seat_find(&null->seats, in->room, in->from);
    if (seat->room == NULL || !str_eqz(in->type, "groupchat"))
        return;
    struct room *room = seat->room;
    struct str mine = room->occupants[seat->at].head; /* <presence from='room/nick' to=' */
    null->head.len = 0;
    buf_addz(&null->head, "<message type='groupchat'");
    add_id(&null->head, in->id);
    buf_add(&null->head, str_of(mine.at + 9, mine.len - 9));
    null->tail.len = 0;
    buf_addz(&null->tail, "'>");
    buf_add(&null->tail, in->inside);
    buf_addz(&null->tail, LINK_OCCUPANT_ID LINK_STANZA_ID);
    buf_add(&null->tail, room->name);
    buf_addz(&null->tail, "'/></message>");
    write_to_all(&null->link, buf_str(&null->head), room, buf_str(&null->tail), UINT32_MAX);
    keep(null, room);
}

static void on_iq(struct null *null, const struct in *in)
{
    if (!str_eqz(in->type, "get") && !str_eqz(in->type, "set"))
        return;
    null->head.len = 0;
    buf_addf(&null->head, "<iq type='result' from='%.*s' to='%.*s' id='%.*s'/>", (int)in->to.len,
             in->to.at, (int)in->from.len, in->from.at, (int)in->id.len, in->id.at);
    link_put(&null->link, buf_str(&null->head));
}

/* ---- reading ---- */

/* The attributes of a start tag; `at` stands behind the element's name, `end` on its '>'. */
static void read_attributes(struct in *in, const char *at, const char *end)
{
    for (;;) {
        const char *equals = memchr(at, '=', (size_t)(end - at));
        if (equals == NULL || equals + 1 >= end)
            return;
        while (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')
            at++;
        struct str name = str_of(at, (size_t)(equals - at));
        const char *value = equals + 2;
        const char *close = memchr(value, equals[1], (size_t)(end - value));
        if (close == NULL)
            link_die("an attribute without an end");
        struct str text = str_of(value, (size_t)(close - value));
        if (str_eq(name, STR("from")))
            in->from = text;
        else if (str_eq(name, STR("to")))
            in->to = text;
        else if (str_eq(name, STR("type")))
            in->type = text;
        else if (str_eq(name, STR("id")))
            in->id = text;
        at = close + 1;
    }
}

/* One stanza at `at`: its size, or 0 if it is not complete yet. */
static size_t read_stanza(struct in *in, const char *at, const char *end)
{
    const char *tag_end = memchr(at, '>', (size_t)(end - at));
    if (tag_end == NULL)
        return 0;
    const char *name_end = at + 1;
    while (name_end < tag_end && *name_end != ' ' && *name_end != '/')
        name_end++;
    *in = (struct in){.kind = str_of(at + 1, (size_t)(name_end - at - 1)), .inside = STR("")};
    const char *after = tag_end + 1;
    if (tag_end[-1] != '/') {
        char close[16] = "</";
        if (in->kind.len > 8)
            return (size_t)(after - at);
        memcpy(close + 2, in->kind.at, in->kind.len);
        close[in->kind.len + 2] = '>';
        const char *found = memmem(after, (size_t)(end - after), close, in->kind.len + 3);
        if (found == NULL)
            return 0;
        in->inside = str_of(after, (size_t)(found - after));
        after = found + in->kind.len + 3;
    }
    read_attributes(in, name_end, tag_end);
    const char *slash = in->to.len == 0 ? NULL : memchr(in->to.at, '/', in->to.len);
    in->room = in->to;
    if (slash != NULL) {
        in->room.len = (size_t)(slash - in->to.at);
        in->nick = str_of(slash + 1, in->to.len - in->room.len - 1);
    }
    return (size_t)(after - at);
}

/* Everything complete in `input`; what is left moves to its start. False at the stream's end. */
static bool handle_all(struct null *null, struct buf *input)
{
    const char *at = input->at, *end = input->at + input->len;
    struct in in;
    while (at < end) {
        if (*at != '<') {
            at++;
            continue;
        }
        if (end - at > 1 && at[1] == '/')
            return false;
        size_t size = read_stanza(&in, at, end);
        if (size == 0)
            break;
        at += size;
        if (str_eq(in.kind, STR("message")))
            on_message(null, &in);
        else if (str_eq(in.kind, STR("presence")))
            on_presence(null, &in);
        else if (str_eq(in.kind, STR("iq")))
            on_iq(null, &in);
    }
    input->len = (size_t)(end - at);
    memmove(input->at, at, input->len);
    return true;
}

struct options {
    const char *host, *secret, *domain;
    uint16_t port;
    unsigned history;
    bool quiet;
};

static struct options read_options(int argc, char **argv)
{
    static const struct option known[] = {{"host", required_argument, NULL, 'h'},
                                          {"port", required_argument, NULL, 'p'},
                                          {"secret", required_argument, NULL, 's'},
                                          {"domain", required_argument, NULL, 'd'},
                                          {"history", required_argument, NULL, 'n'},
                                          {"quiet", no_argument, NULL, 'q'},
                                          {NULL, 0, NULL, 0}};
    struct options options = {
        .host = "127.0.0.1", .secret = "secret", .domain = "conference.localhost", .port = 5347};
    for (int c; (c = getopt_long(argc, argv, "", known, NULL)) != -1;) {
        if (c == 'h') {
            options.host = optarg;
        } else if (c == 'p') {
            options.port = (uint16_t)atoi(optarg);
        } else if (c == 's') {
            options.secret = optarg;
        } else if (c == 'd') {
            options.domain = optarg;
        } else if (c == 'q') {
            options.quiet = true;
        } else if (c == 'n') {
            options.history = (unsigned)strtoul(optarg, NULL, 10);
        } else {
            fprintf(stderr, "usage: stentor-null [--host HOST] [--port PORT] [--secret SECRET] "
                            "[--domain DOMAIN] [--history MESSAGES] [--quiet]\n");
            exit(2);
        }
    }
    return options;
}

int main(int argc, char **argv)
{
    static struct null null;
    struct options options = read_options(argc, argv);
    null.history = options.history;
    null.quiet = options.quiet;
    null.seats.mask = 1023;
    null.seats.at = MEM_NEW_ARRAY(struct seat, 1024);
    null.rooms_mask = 1023;
    null.rooms = MEM_NEW_ARRAY(struct room *, 1024);
    struct buf input;
    buf_init(&input, NULL);
    buf_init(&null.head, NULL);
    buf_init(&null.tail, NULL);
    link_connect(&null.link, options.host, options.port);
    link_handshake(&null.link, options.domain, options.secret, &input);
    while (handle_all(&null, &input)) {
        link_flush(&null.link);
        if (!link_read(&null.link, &input))
            break;
    }
    link_flush(&null.link);
    buf_free(&input);
    return 0;
}
