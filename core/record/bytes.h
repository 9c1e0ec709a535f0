/*
 * Numbers and texts as bytes: numbers of variable length (seven bits a byte, the lowest first, the
 * high bit says that more follow), texts with their length in front. Reading trusts nothing: what
 * does not fit marks the reader as bad, and from then on it gives nothing but zeros.
 */
#ifndef CORE_RECORD_BYTES_H
#define CORE_RECORD_BYTES_H

#include "core/base/str.h"

void put_byte(struct buf *out, unsigned byte);
void put_number(struct buf *out, uint64_t number);
void put_signed(struct buf *out, int64_t number); /* small ones are short, below zero too */
void put_text(struct buf *out, struct str text);  /* absent stays absent */

struct reader {
    const char *at;
    size_t left;
    bool bad;
};

struct reader reader_of(struct str bytes);
unsigned get_byte(struct reader *reader);
uint64_t get_number(struct reader *reader);
uint32_t get_number_32(struct reader *reader);
int64_t get_signed(struct reader *reader);
bool get_flag(struct reader *reader);
/* So many bytes as they are; borrowed. */
struct str get_raw(struct reader *reader, size_t len);
/* A text of any bytes, borrowed. */
struct str get_bytes(struct reader *reader);
/* A text that XML can carry: UTF-8, and of the control characters only tabs and ends of lines. */
struct str get_text(struct reader *reader);
/* How many of something follow, of which each takes a byte at least. */
uint32_t get_count(struct reader *reader);

#endif
