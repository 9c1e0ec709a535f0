/*
 * A book of sheets, counted, of which the gallery and its snapshots hold one each. A sheet is 64
 * words: its head, then places; so the places 0, 64, 128, ... do not exist.
 *
 * Who appends writes into sheets, and into a book, that others may hold: at places beyond what any
 * of them looks at, since a snapshot notes how many there were. Only a newest book is appended to,
 * and places are never used again, so no two books disagree about a place behind both of their
 * ends.
 */
#include "core/muc/gallery.h"

#include "core/base/base.h"
#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "core/base/refs.h"

#include <assert.h>
#include <string.h>

enum { SHEET_WORDS = 64, BOOK_FIRST = 4 };

struct sheet {
    _Atomic uint32_t refs;
    uint32_t used; /* words, the head included; the owner's, and of who frees it */
    struct frame *frames[SHEET_WORDS - 1];
};

static_assert(sizeof(struct sheet) == SHEET_WORDS * sizeof(void *), "the head is one word");

struct book {
    _Atomic uint32_t refs;
    uint32_t cap;
    uint32_t count; /* the owner's, and of who frees it */
    struct sheet *sheets[];
};

struct gallery {
    struct book *book;
    uint32_t places;
    uint32_t count;
    uint64_t bytes;
};

struct showing {
    struct book *book;
    uint32_t places;
    uint32_t count;
    uint64_t bytes;
    unsigned except_count;
    uint32_t except[];
};

/* ---- counting ---- */

static struct frame **word_of(struct sheet *sheet, uint32_t word)
{
    return &sheet->frames[word - 1];
}

static void sheet_unref(struct sheet *sheet)
{
    if (!refs_let_go(&sheet->refs))
        return;
    for (uint32_t word = 1; word < sheet->used; word++)
        frame_unref(*word_of(sheet, word));
    mem_free(sheet);
}

static void book_unref(struct book *book)
{
    if (!refs_let_go(&book->refs))
        return;
    for (uint32_t i = 0; i < book->count; i++)
        sheet_unref(book->sheets[i]);
    mem_free(book);
}

static struct book *book_alloc(uint32_t cap)
{
    struct book *book = mem_raw(sizeof(*book) + sizeof(struct sheet *) * cap);
    atomic_init(&book->refs, 1);
    book->cap = cap;
    book->count = 0;
    return book;
}

/* A book of the gallery's own with the same sheets. */
static void book_copy(struct gallery *gallery, uint32_t cap)
{
    struct book *old = gallery->book;
    struct book *copy = book_alloc(cap);
    for (uint32_t i = 0; i < old->count; i++) {
        refs_hold(&old->sheets[i]->refs);
        copy->sheets[i] = old->sheets[i];
    }
    copy->count = old->count;
    book_unref(old);
    gallery->book = copy;
}

static struct sheet *sheet_mine(struct gallery *gallery, uint32_t i)
{
    if (!refs_held_alone(&gallery->book->refs))
        book_copy(gallery, gallery->book->cap);
    struct sheet *old = gallery->book->sheets[i];
    if (refs_held_alone(&old->refs))
        return old;
    struct sheet *copy = mem_raw(sizeof(*copy));
    atomic_init(&copy->refs, 1);
    copy->used = old->used;
    for (uint32_t word = 1; word < old->used; word++) {
        struct frame *frame = *word_of(old, word);
        *word_of(copy, word) = frame != NULL ? frame_ref(frame) : NULL;
    }
    sheet_unref(old);
    gallery->book->sheets[i] = copy;
    return copy;
}

/* NULL where there is nothing; `place` may be one that does not exist. */
static struct frame *frame_at(const struct book *book, uint32_t place)
{
    uint32_t word = place % SHEET_WORDS;
    return word != 0 ? book->sheets[place / SHEET_WORDS]->frames[word - 1] : NULL;
}

/* ---- the owner's ---- */

struct gallery *gallery_new(void)
{
    struct gallery *gallery = MEM_NEW(struct gallery);
    gallery->book = book_alloc(BOOK_FIRST);
    return gallery;
}

void gallery_free(struct gallery *gallery)
{
    if (gallery == NULL)
        return;
    book_unref(gallery->book);
    mem_free(gallery);
}

static void new_sheet(struct gallery *gallery)
{
    if (gallery->book->count == gallery->book->cap)
        book_copy(gallery, gallery->book->cap * 2);
    struct sheet *sheet = mem_raw(sizeof(*sheet));
    atomic_init(&sheet->refs, 1);
    sheet->used = 1;
    gallery->book->sheets[gallery->book->count++] = sheet;
    gallery->places++;
}

static void count_in(struct gallery *gallery, const struct frame *frame)
{
    gallery->count++;
    gallery->bytes += frame->size;
}

uint32_t gallery_add(struct gallery *gallery, struct frame *frame)
{
    ensure(gallery->places < UINT32_MAX - 1);
    if (gallery->places % SHEET_WORDS == 0)
        new_sheet(gallery);
    uint32_t place = gallery->places++;
    struct sheet *sheet = gallery->book->sheets[place / SHEET_WORDS];
    *word_of(sheet, place % SHEET_WORDS) = frame;
    sheet->used = place % SHEET_WORDS + 1;
    count_in(gallery, frame);
    return place;
}

void gallery_set(struct gallery *gallery, uint32_t place, struct frame *frame)
{
    ensure(place % SHEET_WORDS != 0 && place < gallery->places);
    struct frame *before = frame_at(gallery->book, place);
    if (before == NULL && frame == NULL)
        return;
    struct frame **word = word_of(sheet_mine(gallery, place / SHEET_WORDS), place % SHEET_WORDS);
    if (before != NULL) {
        gallery->count--;
        gallery->bytes -= before->size;
        frame_unref(before);
    }
    *word = frame;
    if (frame != NULL)
        count_in(gallery, frame);
}

uint32_t gallery_count(const struct gallery *gallery)
{
    return gallery->count;
}

uint32_t gallery_places(const struct gallery *gallery)
{
    return gallery->places;
}

struct frame *gallery_at(const struct gallery *gallery, uint32_t place)
{
    return place != PLACE_NONE ? frame_at(gallery->book, place) : NULL;
}

/* ---- snapshots ---- */

struct showing *gallery_show(const struct gallery *gallery, const uint32_t *except, unsigned count)
{
    struct showing *showing = mem_raw(sizeof(*showing) + sizeof(*except) * count);
    showing->book = gallery->book;
    showing->places = gallery->places;
    showing->count = gallery->count;
    showing->bytes = gallery->bytes;
    showing->except_count = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct frame *frame = gallery_at(gallery, except[i]);
        if (frame == NULL)
            continue;
        showing->count--;
        showing->bytes -= frame->size;
        showing->except[showing->except_count++] = except[i];
    }
    if (showing->count == 0) {
        mem_free(showing);
        return NULL;
    }
    refs_hold(&showing->book->refs);
    return showing;
}

void showing_free(struct showing *showing)
{
    if (showing == NULL)
        return;
    book_unref(showing->book);
    mem_free(showing);
}

uint32_t showing_places(const struct showing *showing)
{
    return showing != NULL ? showing->places : 0;
}

struct frame *showing_at(const struct showing *showing, uint32_t place)
{
    for (unsigned i = 0; i < showing->except_count; i++) {
        if (showing->except[i] == place)
            return NULL;
    }
    return frame_at(showing->book, place);
}

uint32_t showing_count(const struct showing *showing)
{
    return showing != NULL ? showing->count : 0;
}

uint64_t showing_bytes(const struct showing *showing)
{
    return showing != NULL ? showing->bytes : 0;
}
