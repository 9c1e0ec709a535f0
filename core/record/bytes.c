#include "core/record/bytes.h"

enum { SEVEN_BITS = 0x7f, MORE = 0x80 };

/* ---- writing ---- */

void put_byte(struct buf *out, unsigned byte)
{
    buf_addc(out, (char)(unsigned char)byte);
}

void put_number(struct buf *out, uint64_t number)
{
    while (number > SEVEN_BITS) {
        put_byte(out, (unsigned)(number & SEVEN_BITS) | MORE);
        number >>= 7;
    }
    put_byte(out, (unsigned)number);
}

void put_signed(struct buf *out, int64_t number)
{
    uint64_t bits = (uint64_t)number;
    put_number(out, number < 0 ? ~(bits << 1) : bits << 1);
}

void put_text(struct buf *out, struct str text)
{
    put_number(out, str_present(text) ? (uint64_t)text.len + 1 : 0);
    buf_add(out, text);
}

/* ---- reading ---- */

struct reader reader_of(struct str bytes)
{
    return (struct reader){bytes.at, bytes.len, false};
}

struct str get_raw(struct reader *reader, size_t len)
{
    if (reader->bad || len > reader->left) {
        reader->bad = true;
        return STR_NONE;
    }
    struct str raw = str_of(reader->at, len);
    reader->at += len;
    reader->left -= len;
    return raw;
}

unsigned get_byte(struct reader *reader)
{
    struct str raw = get_raw(reader, 1);
    return reader->bad ? 0 : (unsigned char)raw.at[0];
}

uint64_t get_number(struct reader *reader)
{
    uint64_t number = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        uint64_t byte = get_byte(reader);
        uint64_t bits = byte & SEVEN_BITS;
        /* Of the tenth byte there is room for one bit. */
        if (reader->bad || bits << shift >> shift != bits)
            break;
        number |= bits << shift;
        if ((byte & MORE) == 0)
            return number;
    }
    reader->bad = true;
    return 0;
}

uint32_t get_number_32(struct reader *reader)
{
    uint64_t number = get_number(reader);
    if (number > UINT32_MAX) {
        reader->bad = true;
        return 0;
    }
    return (uint32_t)number;
}

int64_t get_signed(struct reader *reader)
{
    uint64_t bits = get_number(reader);
    uint64_t number = bits >> 1;
    return (int64_t)((bits & 1) != 0 ? ~number : number);
}

bool get_flag(struct reader *reader)
{
    unsigned byte = get_byte(reader);
    reader->bad = reader->bad || byte > 1;
    return byte == 1;
}

struct str get_bytes(struct reader *reader)
{
    uint64_t len = get_number(reader);
    if (len == 0)
        return STR_NONE;
    if (len - 1 > reader->left) {
        reader->bad = true;
        return STR_NONE;
    }
    return get_raw(reader, (size_t)(len - 1));
}

static bool xml_carries(struct str text)
{
    for (size_t i = 0; i < text.len; i++) {
        unsigned char byte = (unsigned char)text.at[i];
        if (byte < 0x20 && byte != '\t' && byte != '\n' && byte != '\r')
            return false;
    }
    return str_is_utf8(text);
}

struct str get_text(struct reader *reader)
{
    struct str text = get_bytes(reader);
    if (xml_carries(text))
        return text;
    reader->bad = true;
    return STR_NONE;
}

uint32_t get_count(struct reader *reader)
{
    uint64_t count = get_number(reader);
    if (count > reader->left || count > UINT32_MAX) {
        reader->bad = true;
        return 0;
    }
    return (uint32_t)count;
}
