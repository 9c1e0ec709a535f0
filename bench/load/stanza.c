#include "bench/load/stanza.h"

#include "bench/load/util.h"

#include <stdlib.h>
#include <string.h>

#define FIXED_MAX 512 /* all but addresses and padding */

void speech_init(struct speech *speech, const struct names *names, bool with_from,
                 size_t body_bytes)
{
    *speech = (struct speech){.names = names, .with_from = with_from};
    size_t before = MARK_DIGITS + 1;
    speech->padding_size = body_bytes > before ? body_bytes - before : 0;
    speech->padding = must_alloc(speech->padding_size + 1);
    for (size_t i = 0; i < speech->padding_size; i++)
        speech->padding[i] = "the quick brown fox jumps over the lazy dog "[i % 44];
    speech->stanza_max = FIXED_MAX + sizeof(*names) + speech->padding_size;
}

void speech_free(struct speech *speech)
{
    free(speech->padding);
}

#define PUT(at, literal) put((at), literal, sizeof(literal) - 1)

static char *put(char *at, const char *text, size_t size)
{
    memcpy(at, text, size);
    return at + size;
}

static char *put_number(char *at, uint32_t number)
{
    char digits[MARK_DIGITS];
    unsigned count = 0;
    do {
        digits[count++] = (char)('0' + number % 10);
        number /= 10;
    } while (number > 0);
    while (count > 0)
        *at++ = digits[--count];
    return at;
}

/* Always of the same width: all stanzas of a kind have one size. */
static char *put_mark(char *at, uint32_t mark)
{
    for (unsigned i = MARK_DIGITS; i > 0; i--) {
        at[i - 1] = (char)('0' + mark % 10);
        mark /= 10;
    }
    return at + MARK_DIGITS;
}

static char *put_from(const struct speech *s, char *at, uint32_t user)
{
    if (!s->with_from)
        return at;
    at = PUT(at, " from='u");
    at = put_number(at, user);
    at = put(at, s->names->user_tail, s->names->user_tail_size);
    return PUT(at, "'");
}

static char *put_room(const struct speech *s, char *at, uint32_t room)
{
    at = PUT(at, " to='r");
    at = put_number(at, room);
    return put(at, s->names->room_tail, s->names->room_tail_size);
}

/* Around the <status> with the mark stand the rest of the start tag and of the stanza. */
struct around {
    const char *before, *behind;
};

static size_t write_presence(const struct speech *s, char *out, uint32_t user, uint32_t room,
                             uint32_t mark, struct around around)
{
    char *at = PUT(out, "<presence");
    at = put_from(s, at, user);
    at = put_room(s, at, room);
    at = PUT(at, "/u");
    at = put_number(at, user);
    at = put(at, around.before, strlen(around.before));
    if (mark != NUMBER_NONE) {
        at = PUT(at, "<status>");
        at = put_mark(at, mark);
        at = PUT(at, "</status>");
    }
    at = put(at, around.behind, strlen(around.behind));
    return (size_t)(at - out);
}

size_t speech_enter(const struct speech *s, char *out, uint32_t user, uint32_t room, uint32_t mark)
{
    struct around around = {"'>", "<x xmlns='http://jabber.org/protocol/muc'/></presence>"};
    return write_presence(s, out, user, room, mark, around);
}

size_t speech_leave(const struct speech *s, char *out, uint32_t user, uint32_t room, uint32_t mark)
{
    struct around around = {"' type='unavailable'>", "</presence>"};
    return write_presence(s, out, user, room, mark, around);
}

size_t speech_update(const struct speech *s, char *out, uint32_t user, uint32_t room, uint32_t mark)
{
    struct around around = {"'><show>away</show>", "</presence>"};
    return write_presence(s, out, user, room, mark, around);
}

size_t speech_message(const struct speech *s, char *out, uint32_t user, uint32_t room,
                      uint32_t mark)
{
    char *at = PUT(out, "<message");
    at = put_from(s, at, user);
    at = put_room(s, at, room);
    at = PUT(at, "' type='groupchat' id='m");
    at = put_mark(at, mark);
    at = PUT(at, "'><body>");
    at = put_mark(at, mark);
    at = PUT(at, " ");
    at = put(at, s->padding, s->padding_size);
    at = PUT(at, "</body></message>");
    return (size_t)(at - out);
}

size_t speech_change(const struct speech *s, char *out, uint32_t user, uint32_t room, uint32_t mark,
                     bool member)
{
    const char *affiliation = member ? "member" : "none";
    char *at = PUT(out, "<iq");
    at = put_from(s, at, user);
    at = put_room(s, at, room);
    at = PUT(at, "' type='set' id='m");
    at = put_mark(at, mark);
    at =
        PUT(at, "'><query xmlns='http://jabber.org/protocol/muc#admin'><item jid='guest@elsewhere' "
                "affiliation='");
    at = put(at, affiliation, strlen(affiliation));
    at = PUT(at, "'/></query></iq>");
    return (size_t)(at - out);
}
