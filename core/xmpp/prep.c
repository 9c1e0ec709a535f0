/*
 * Two ways to the same result: bytes that are plain ASCII are judged by tables of our own,
 * everything else by ICU. ICU's profiles are immutable once open and are shared by all threads.
 */
#include "core/xmpp/prep.h"

#include "core/base/ensure.h"
#include "core/base/err.h"
#include "core/base/limits.h"

#include <arpa/inet.h>
#include <unicode/uchar.h>
#include <unicode/uidna.h>
#include <unicode/unorm2.h>
#include <unicode/usprep.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include <string.h>

/* What is longer before preparation is refused unseen; characters that are dropped must be few. */
#define INPUT_BYTES_MAX (2 * JID_PART_BYTES_MAX)

/* A label of a domain name, in ASCII form. */
#define LABEL_BYTES_MAX 63

/* A result of JID_PART_BYTES_MAX bytes has no more UTF-16 units than bytes. */
#define UNITS_MAX (INPUT_BYTES_MAX + 2)

static UStringPrepProfile *nodeprep, *nameprep, *resourceprep;
static UIDNA *idna;
static const UNormalizer2 *nickname_fold;

int prep_init(void)
{
    if (nodeprep != NULL)
        return ERR_OK;
    UErrorCode status = U_ZERO_ERROR;
    nodeprep = usprep_openByType(USPREP_RFC3920_NODEPREP, &status);
    nameprep = usprep_openByType(USPREP_RFC3491_NAMEPREP, &status);
    resourceprep = usprep_openByType(USPREP_RFC3920_RESOURCEPREP, &status);
    idna = uidna_openUTS46(UIDNA_CHECK_BIDI | UIDNA_CHECK_CONTEXTJ, &status);
    nickname_fold = unorm2_getNFKCCasefoldInstance(&status);
    if (U_SUCCESS(status))
        return ERR_OK;
    prep_fini();
    return ERR_UNSUPPORTED;
}

void prep_fini(void)
{
    if (nodeprep != NULL)
        usprep_close(nodeprep);
    if (nameprep != NULL)
        usprep_close(nameprep);
    if (resourceprep != NULL)
        usprep_close(resourceprep);
    if (idna != NULL)
        uidna_close(idna);
    nodeprep = nameprep = resourceprep = NULL;
    idna = NULL;
}

/* ---- between UTF-8 and ICU's UTF-16 ---- */

struct units {
    UChar at[UNITS_MAX];
    int32_t len;
};

static bool to_units(struct str text, struct units *units)
{
    if (text.len > INPUT_BYTES_MAX)
        return false;
    UErrorCode status = U_ZERO_ERROR;
    u_strFromUTF8(units->at, UNITS_MAX, &units->len, text.at, (int32_t)text.len, &status);
    return U_SUCCESS(status);
}

/* STR_NONE if it is empty or too long for a part of an address. */
static struct str from_units(struct arena *arena, const struct units *units)
{
    char *at = arena_raw(arena, JID_PART_BYTES_MAX + 1);
    int32_t len = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strToUTF8(at, JID_PART_BYTES_MAX + 1, &len, units->at, units->len, &status);
    if (U_FAILURE(status) || len == 0 || len > JID_PART_BYTES_MAX)
        return STR_NONE;
    return str_of(at, (size_t)len);
}

static bool apply(const UStringPrepProfile *profile, int32_t options, struct units *units)
{
    ensure(profile != NULL); /* prep_init() */
    struct units out;
    UErrorCode status = U_ZERO_ERROR;
    out.len =
        usprep_prepare(profile, units->at, units->len, out.at, UNITS_MAX, options, NULL, &status);
    if (U_FAILURE(status))
        return false;
    memcpy(units->at, out.at, sizeof(UChar) * (size_t)out.len);
    units->len = out.len;
    return true;
}

static struct str prepare(struct arena *arena, const UStringPrepProfile *profile, struct str text)
{
    struct units units;
    if (!to_units(text, &units) || !apply(profile, USPREP_ALLOW_UNASSIGNED, &units))
        return STR_NONE;
    struct str result = from_units(arena, &units);
    return str_eq(result, text) ? text : result;
}

/* ---- ASCII ---- */

/* Where a byte may stand and stay what it is; IN_NAME: in a domain, at the ends of a label too.
 * Most addresses are of such bytes alone, and two of them come with every stanza: one look at each
 * byte has to do. */
enum { IN_LOCAL = 1, IN_DOMAIN = 2, IN_RESOURCE = 4, IN_NAME = 8 };

/* clang-format off */
static const uint8_t plain[256] = {
    [' '] = 4, 5, 4, 5, 5, 5, 4, 4, 5, 5, 5, 5, 5, 7, 7, 4, /*  !"#$%&'()*+,-./ */
    ['0'] = 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 4, 5, 4, 5, 4, 5, /* 0123456789:;<=>? */
    ['@'] = 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, /* @ABCDEFGHIJKLMNO */
    ['P'] = 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 5, 5, 5, 5, 15, /* PQRSTUVWXYZ[\]^_ */
    ['`'] = 5, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, /* `abcdefghijklmno */
    ['p'] = 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 5, 5, 5, 5, 0, /* pqrstuvwxyz{|}~ */
};
/* clang-format on */

static bool is_plain(struct str text, unsigned where)
{
    unsigned all = where;
    for (size_t i = 0; i < text.len; i++)
        all &= plain[(unsigned char)text.at[i]];
    return all != 0 && text.len > 0 && text.len <= JID_PART_BYTES_MAX;
}

/* Dots and hyphens stand between others, never two together, which leaves out "xn--". */
static bool is_plain_domain(struct str text)
{
    unsigned all = IN_DOMAIN, apart = IN_NAME, before = 0;
    for (size_t i = 0; i < text.len; i++) {
        unsigned here = plain[(unsigned char)text.at[i]];
        all &= here;
        apart &= before | here;
        before = here;
    }
    return all != 0 && (apart & before) != 0 && text.len <= LABEL_BYTES_MAX;
}

static bool is_upper(char byte)
{
    return byte >= 'A' && byte <= 'Z';
}

static bool is_alnum(char byte)
{
    return is_upper(byte) || (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
}

static bool is_printable(char byte)
{
    return byte >= 0x20 && byte < 0x7f;
}

static bool is_ascii(struct str text)
{
    unsigned char all = 0;
    for (size_t i = 0; i < text.len; i++)
        all |= (unsigned char)text.at[i];
    return all < 0x80;
}

/* The text itself if there is nothing to do. */
static struct str lower_case(struct arena *arena, struct str text)
{
    size_t first = 0;
    while (first < text.len && !is_upper(text.at[first]))
        first++;
    if (first == text.len)
        return text;
    char *at = arena_raw(arena, text.len);
    for (size_t i = 0; i < text.len; i++)
        at[i] = is_upper(text.at[i]) ? (char)(text.at[i] + 32) : text.at[i];
    return str_of(at, text.len);
}

static bool fits(struct str text)
{
    return text.len > 0 && text.len <= JID_PART_BYTES_MAX;
}

/* ---- parts of an address ---- */

struct str prep_local(struct arena *arena, struct str text)
{
    if (!is_ascii(text))
        return prepare(arena, nodeprep, text);
    if (!fits(text))
        return STR_NONE;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_printable(text.at[i]) || memchr(" \"&'/:<>@", text.at[i], 9) != NULL)
            return STR_NONE;
    }
    return lower_case(arena, text);
}

bool prep_local_is_strict(struct str local)
{
    struct units units;
    return is_ascii(local) || (to_units(local, &units) && apply(nodeprep, USPREP_DEFAULT, &units));
}

struct str prep_resource(struct arena *arena, struct str text)
{
    if (!is_ascii(text))
        return prepare(arena, resourceprep, text);
    return is_plain(text, IN_RESOURCE) ? text : STR_NONE;
}

/* "[2001:db8::1]" */
static struct str prep_ipv6(struct arena *arena, struct str text)
{
    char bare[INET6_ADDRSTRLEN];
    size_t len = text.len - 2;
    struct in6_addr address;
    if (text.len < 4 || text.at[text.len - 1] != ']' || len >= sizeof(bare))
        return STR_NONE;
    memcpy(bare, text.at + 1, len);
    bare[len] = '\0';
    if (strlen(bare) != len || inet_pton(AF_INET6, bare, &address) != 1)
        return STR_NONE;
    return lower_case(arena, text);
}

/* Letters, digits, hyphens and, because hosts are named so, underscores. *coded: there is a label
 * in the ASCII form of another script. */
static bool labels_are_good(struct str text, bool *coded)
{
    size_t start = 0;
    *coded = false;
    for (size_t i = 0; i <= text.len; i++) {
        if (i < text.len && text.at[i] != '.') {
            if ((plain[(unsigned char)text.at[i]] & IN_DOMAIN) == 0 && !is_upper(text.at[i]))
                return false;
            continue;
        }
        size_t len = i - start;
        const char *label = text.at + start;
        if (len == 0 || len > LABEL_BYTES_MAX || label[0] == '-' || label[len - 1] == '-')
            return false;
        if (len > 4 && (label[0] | 32) == 'x' && (label[1] | 32) == 'n' && label[2] == '-' &&
            label[3] == '-')
            *coded = true;
        start = i + 1;
    }
    return true;
}

/* Nameprep, then every label as IDNA writes it for people: "xn--" forms and their originals are the
 * same domain and must compare equal. */
static struct str prep_idna(struct arena *arena, struct str text)
{
    struct units units, out;
    if (!to_units(text, &units) || !apply(nameprep, USPREP_ALLOW_UNASSIGNED, &units))
        return STR_NONE;
    UIDNAInfo info = UIDNA_INFO_INITIALIZER;
    UErrorCode status = U_ZERO_ERROR;
    out.len = uidna_nameToUnicode(idna, units.at, units.len, out.at, UNITS_MAX, &info, &status);
    if (U_FAILURE(status) || info.errors != 0)
        return STR_NONE;
    struct str result = from_units(arena, &out);
    bool coded;
    if (is_ascii(result) && !labels_are_good(result, &coded))
        return STR_NONE;
    for (size_t i = 0; i < result.len; i++) {
        bool ascii = (unsigned char)result.at[i] < 0x80;
        if (ascii && !is_alnum(result.at[i]) && memchr("-._", result.at[i], 3) == NULL)
            return STR_NONE;
    }
    return str_eq(result, text) ? text : result;
}

struct str prep_domain(struct arena *arena, struct str text)
{
    /* The dot of the root is not part of the name. */
    if (text.len > 1 && text.at[text.len - 1] == '.')
        text.len--;
    if (!is_ascii(text))
        return prep_idna(arena, text);
    if (!fits(text))
        return STR_NONE;
    if (text.at[0] == '[')
        return prep_ipv6(arena, text);
    bool coded;
    if (!labels_are_good(text, &coded))
        return STR_NONE;
    return coded ? prep_idna(arena, text) : lower_case(arena, text);
}

bool prep_is_plain(struct str local, struct str domain, struct str resource)
{
    return is_plain_domain(domain) && (!str_present(local) || is_plain(local, IN_LOCAL)) &&
           (!str_present(resource) || is_plain(resource, IN_RESOURCE));
}

/* ---- nicknames ---- */

static bool is_blank(UChar32 c)
{
    return u_isUWhiteSpace(c) || c == 0x2800; /* a Braille pattern without dots */
}

/* Takes no room, or turns what stands beside it around. */
static bool is_hidden(UChar32 c)
{
    return u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) ||
           u_hasBinaryProperty(c, UCHAR_BIDI_CONTROL);
}

/* Chooses between pictures of the same character; stringprep drops it. */
static bool is_selector(UChar32 c)
{
    return c >= 0xfe00 && c <= 0xfe0f;
}

struct nick_shape {
    unsigned chars;
    bool blank;  /* nothing to see */
    bool hidden; /* something hidden, selectors aside */
    bool padded;
};

static struct nick_shape shape_of(const struct units *units)
{
    struct nick_shape shape = {.blank = true};
    for (int32_t i = 0; i < units->len;) {
        UChar32 c;
        bool first = i == 0;
        U16_NEXT(units->at, i, units->len, c);
        bool last = i == units->len;
        shape.chars++;
        if (!is_blank(c) && !is_hidden(c) && !u_isISOControl(c))
            shape.blank = false;
        if (is_hidden(c) && !is_selector(c))
            shape.hidden = true;
        if (is_blank(c) && (first || last))
            shape.padded = true;
    }
    return shape;
}

static unsigned chars_max(const struct nick_rules *rules)
{
    return rules->chars_max > 0 ? rules->chars_max : NICK_CHARS_MAX;
}

static enum nick_verdict judge(const struct nick_shape *shape, const struct nick_rules *rules)
{
    if (shape->blank)
        return NICK_BLANK;
    if (shape->hidden || shape->padded || shape->chars > chars_max(rules))
        return NICK_INVALID;
    return NICK_OK;
}

static struct str without_spaces(struct str text)
{
    while (text.len > 0 && text.at[0] == ' ')
        text = str_of(text.at + 1, text.len - 1);
    while (text.len > 0 && text.at[text.len - 1] == ' ')
        text.len--;
    return text;
}

static enum nick_verdict prep_nick_ascii(struct str text, const struct nick_rules *rules,
                                         struct str *nick)
{
    bool blank = true, printable = true;
    for (size_t i = 0; i < text.len; i++) {
        if (!is_printable(text.at[i]))
            printable = false;
        if (is_printable(text.at[i]) && text.at[i] != ' ')
            blank = false;
    }
    if (blank)
        return NICK_BLANK;
    if (rules->trim)
        text = without_spaces(text);
    if (!printable || text.at[0] == ' ' || text.at[text.len - 1] == ' ' ||
        text.len > chars_max(rules))
        return NICK_INVALID;
    *nick = text;
    return NICK_OK;
}

/* No blank lies above U+FFFF. */
static void trim(struct units *units)
{
    int32_t from = 0;
    while (from < units->len && is_blank(units->at[from]))
        from++;
    while (units->len > from && is_blank(units->at[units->len - 1]))
        units->len--;
    units->len -= from;
    memmove(units->at, units->at + from, (size_t)units->len * sizeof(units->at[0]));
}

/* The FreeformClass (RFC 8264) of the Unicode that ICU knows, without what is not seen. */
static bool is_freeform(UChar32 c)
{
    const uint32_t categories =
        U_GC_L_MASK | U_GC_M_MASK | U_GC_N_MASK | U_GC_S_MASK | U_GC_P_MASK | U_GC_ZS_MASK;
    int32_t hangul = u_getIntPropertyValue(c, UCHAR_HANGUL_SYLLABLE_TYPE);
    bool old_jamo =
        hangul == U_HST_LEADING_JAMO || hangul == U_HST_VOWEL_JAMO || hangul == U_HST_TRAILING_JAMO;
    return (U_GET_GC_MASK(c) & categories) != 0 && !old_jamo;
}

static bool all_freeform(const struct units *units)
{
    for (int32_t i = 0; i < units->len;) {
        UChar32 c;
        U16_NEXT(units->at, i, units->len, c);
        if (!is_freeform(c))
            return false;
    }
    return true;
}

/* As addresses are prepared; strictly, or by what is assigned today. */
static bool prepare_nick(struct units *units, const struct nick_rules *rules)
{
    if (!rules->opaque)
        return apply(resourceprep, USPREP_DEFAULT, units);
    return apply(resourceprep, USPREP_ALLOW_UNASSIGNED, units) && all_freeform(units);
}

enum nick_verdict prep_nick(struct arena *arena, struct str text, const struct nick_rules *rules,
                            struct str *nick)
{
    *nick = STR_NONE;
    if (is_ascii(text))
        return prep_nick_ascii(text, rules, nick);

    struct units units;
    if (!to_units(text, &units))
        return NICK_INVALID;
    struct nick_shape shape = shape_of(&units);
    if (shape.blank)
        return NICK_BLANK;
    if (rules->trim) {
        trim(&units);
        shape = shape_of(&units);
    }
    if (shape.hidden || shape.padded || !prepare_nick(&units, rules))
        return NICK_INVALID;
    shape = shape_of(&units);
    enum nick_verdict verdict = judge(&shape, rules);
    if (verdict != NICK_OK)
        return verdict;
    struct str result = from_units(arena, &units);
    if (!str_present(result) || !str_present(prep_nick_key(arena, result)))
        return NICK_INVALID;
    *nick = str_eq(result, text) ? text : result;
    return NICK_OK;
}

/* One space for each run of white space, none at the ends. */
static void collapse(struct units *units)
{
    int32_t to = 0;
    bool gap = false;
    for (int32_t i = 0; i < units->len; i++) {
        UChar unit = units->at[i]; /* no white space lies above U+FFFF */
        if (u_isUWhiteSpace(unit)) {
            gap = to > 0;
            continue;
        }
        if (gap)
            units->at[to++] = ' ';
        gap = false;
        units->at[to++] = unit;
    }
    units->len = to;
}

static struct str nick_key_ascii(struct arena *arena, struct str nick)
{
    bool gap = false, as_is = true;
    for (size_t i = 0; i < nick.len && as_is; i++) {
        bool space = nick.at[i] == ' ';
        as_is = is_printable(nick.at[i]) && !is_upper(nick.at[i]) && !(space && (gap || i == 0));
        gap = space;
    }
    if (as_is && !gap)
        return nick;

    struct units units;
    for (size_t i = 0; i < nick.len; i++)
        units.at[i] = (UChar)(is_upper(nick.at[i]) ? nick.at[i] + 32 : nick.at[i]);
    units.len = (int32_t)nick.len;
    collapse(&units);
    return from_units(arena, &units);
}

struct str prep_nick_key(struct arena *arena, struct str nick)
{
    if (nick.len > JID_PART_BYTES_MAX)
        return STR_NONE;
    if (is_ascii(nick))
        return nick_key_ascii(arena, nick);

    struct units units, folded;
    ensure(nickname_fold != NULL); /* prep_init() */
    if (!to_units(nick, &units))
        return STR_NONE;
    UErrorCode status = U_ZERO_ERROR;
    folded.len =
        unorm2_normalize(nickname_fold, units.at, units.len, folded.at, UNITS_MAX, &status);
    if (U_FAILURE(status))
        return STR_NONE;
    collapse(&folded);
    return from_units(arena, &folded);
}
