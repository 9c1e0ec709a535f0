/*
 * The calendar by arithmetic: no time zone, no C library, the same on every machine. Years count
 * from March, so that the leap day is the last of its year, in eras of 400 years with equally many
 * days.
 */
#include "core/xmpp/stamp.h"

#include "core/xml/frame.h"

#define SECOND_US    INT64_C(1000000)
#define DAY_S        86400
#define ERA_DAYS     146097
#define DAYS_TO_1970 719468 /* from 0000-03-01 */

struct civil {
    int64_t year;
    int month, day;
};

static int64_t floor_div(int64_t number, int64_t by)
{
    int64_t quotient = number / by;
    return number % by < 0 ? quotient - 1 : quotient;
}

static struct civil civil_from_days(int64_t days)
{
    days += DAYS_TO_1970;
    int64_t era = floor_div(days, ERA_DAYS);
    int64_t day = days - era * ERA_DAYS;
    int64_t year = (day - day / 1460 + day / 36524 - day / 146096) / 365;
    day -= year * 365 + year / 4 - year / 100;
    int march = (int)((5 * day + 2) / 153);
    struct civil civil = {
        .year = year + era * 400,
        .month = march < 10 ? march + 3 : march - 9,
        .day = (int)(day - (153 * march + 2) / 5 + 1),
    };
    if (civil.month <= 2)
        civil.year++;
    return civil;
}

static int64_t days_from_civil(struct civil civil)
{
    int64_t year = civil.month <= 2 ? civil.year - 1 : civil.year;
    int64_t era = floor_div(year, 400);
    int64_t in_era = year - era * 400;
    int march = civil.month > 2 ? civil.month - 3 : civil.month + 9;
    int64_t day = (153 * march + 2) / 5 + civil.day - 1;
    return era * ERA_DAYS + in_era * 365 + in_era / 4 - in_era / 100 + day - DAYS_TO_1970;
}

/* ---- writing ---- */

/* Digits by hand: who enters is sent a stamp with each message of the history, and printf() would
 * take longer than all the rest of that. */
static void add_number(struct buf *out, unsigned number, unsigned digits)
{
    char *at = buf_reserve(out, digits);
    for (unsigned i = digits; i > 0; i--, number /= 10)
        at[i - 1] = (char)('0' + number % 10);
    out->len += digits;
}

static void add_date(struct buf *out, struct civil civil)
{
    if (civil.year >= 0 && civil.year <= 9999)
        add_number(out, (unsigned)civil.year, 4);
    else
        buf_addf(out, "%04lld", (long long)civil.year);
    buf_addc(out, '-');
    add_number(out, (unsigned)civil.month, 2);
    buf_addc(out, '-');
    add_number(out, (unsigned)civil.day, 2);
}

static void add_time(struct buf *out, unsigned second_of_day)
{
    add_number(out, second_of_day / 3600, 2);
    buf_addc(out, ':');
    add_number(out, second_of_day / 60 % 60, 2);
    buf_addc(out, ':');
    add_number(out, second_of_day % 60, 2);
}

struct str stamp_text(struct arena *arena, int64_t time_us)
{
    int64_t seconds = floor_div(time_us, SECOND_US);
    int64_t days = floor_div(seconds, DAY_S);
    unsigned micros = (unsigned)(time_us - seconds * SECOND_US);
    struct buf out;
    buf_init(&out, arena);
    add_date(&out, civil_from_days(days));
    buf_addc(&out, 'T');
    add_time(&out, (unsigned)(seconds - days * DAY_S));
    if (micros != 0) {
        buf_addc(&out, '.');
        add_number(&out, micros, 6);
    }
    buf_addc(&out, 'Z');
    return buf_str(&out);
}

/* ---- reading ---- */

/* Takes `digits` decimal digits off the front. */
static bool take_number(struct str *text, size_t digits, int *number)
{
    uint64_t value;
    if (text->len < digits || !str_to_u64(str_of(text->at, digits), &value))
        return false;
    *number = (int)value;
    *text = str_of(text->at + digits, text->len - digits);
    return true;
}

static bool take_byte(struct str *text, char byte)
{
    if (text->len == 0 || text->at[0] != byte)
        return false;
    *text = str_of(text->at + 1, text->len - 1);
    return true;
}

static int days_in_month(int64_t year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return month == 2 && leap ? 29 : days[month - 1];
}

/* ".5", ".123456789": what is finer than a microsecond is cut off. */
static bool take_fraction(struct str *text, int64_t *micros)
{
    *micros = 0;
    if (!take_byte(text, '.'))
        return true;
    int64_t unit = SECOND_US / 10;
    int digit, count = 0;
    for (; take_number(text, 1, &digit); count++, unit /= 10)
        *micros += digit * unit;
    return count > 0;
}

static bool take_zone(struct str *text, int *minutes)
{
    *minutes = 0;
    if (take_byte(text, 'Z'))
        return true;
    bool west = text->len > 0 && text->at[0] == '-';
    int hour, minute;
    if (!take_byte(text, west ? '-' : '+') || !take_number(text, 2, &hour) ||
        !take_byte(text, ':') || !take_number(text, 2, &minute) || hour > 14 || minute > 59)
        return false;
    *minutes = (west ? -1 : 1) * (hour * 60 + minute);
    return true;
}

bool stamp_parse(struct str text, int64_t *time_us)
{
    int year, month, day, hour, minute, second, zone;
    int64_t micros;
    if (!take_number(&text, 4, &year) || !take_byte(&text, '-') || !take_number(&text, 2, &month) ||
        !take_byte(&text, '-') || !take_number(&text, 2, &day) || !take_byte(&text, 'T') ||
        !take_number(&text, 2, &hour) || !take_byte(&text, ':') ||
        !take_number(&text, 2, &minute) || !take_byte(&text, ':') ||
        !take_number(&text, 2, &second) || !take_fraction(&text, &micros) ||
        !take_zone(&text, &zone) || text.len > 0)
        return false;
    bool date = month >= 1 && month <= 12 && day >= 1 && day <= days_in_month(year, month);
    /* 60: a leap second counts as the one that follows. */
    if (!date || hour > 23 || minute > 59 || second > 60)
        return false;
    int64_t days = days_from_civil((struct civil){.year = year, .month = month, .day = day});
    int64_t seconds = days * DAY_S + hour * 3600 + (minute - zone) * 60 + second;
    *time_us = seconds * SECOND_US + micros;
    return true;
}

struct str stamp_delay(struct arena *arena, struct str from, int64_t time_us)
{
    struct fb fb;
    fb_begin_fragment(&fb, arena);
    fb_open(&fb, NAME_DELAY, NS_DELAY);
    fb_attr(&fb, "from", from);
    fb_attr_plain(&fb, STR("stamp"), stamp_text(arena, time_us));
    fb_close(&fb);
    return fb_finish_fragment(&fb);
}
