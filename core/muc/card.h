/*
 * A room's vCard: the element as its owner wrote it, and what is told of the pictures in it.
 * Reading one decides nothing; who may set it is core/muc/feature/vcard.c's matter.
 * @xep 0054 1.3.0 #usecases
 * @xep 0486 0.1.0 #multiple
 * @xep 0153 1.1.1 #bizrules-image
 */
#ifndef CORE_MUC_CARD_H
#define CORE_MUC_CARD_H

#include "core/base/limits.h"
#include "core/muc/muc.h"
#include "core/xml/stanza.h"

enum { PHOTO_HASH_CHARS = 40 };

struct photo_hash {
    char digits[PHOTO_HASH_CHARS]; /* SHA-1, in lower case */
};

struct card {
    struct str xml; /* <vCard xmlns='vcard-temp'>, serialised */
    unsigned photo_count;
    struct photo_hash photos[ROOM_VCARD_PHOTOS_MAX];
};

enum card_flaw {
    CARD_FITS,
    CARD_EMPTY, /* there is nothing in it: a vCard that is taken away */
    CARD_TOO_LARGE,
    CARD_TOO_MANY_PHOTOS,
    CARD_BAD_PHOTO, /* its data are no base64, or there twice */
};

/* Reads a <vCard/>; the text in the step's arena. `card` is complete if it is CARD_FITS. */
enum card_flaw card_read(struct step *step, const struct node *vcard, struct card *card);

/* Heap; NULL gives NULL. */
struct card *card_copy(const struct card *card);
void card_free(struct card *card); /* NULL allowed */

/* Two vCards that say the same; NULL: there is none. */
bool card_equal(const struct card *a, const struct card *b);

#endif
