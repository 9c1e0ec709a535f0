#include "core/muc/card.h"

#include "core/base/mem.h"
#include "core/xml/frame.h"

enum { SHA1_BYTES = PHOTO_HASH_CHARS / 2 };

/* A picture that lies elsewhere (EXTVAL), or was taken away, has no data and so no hash. */
static enum card_flaw read_photo(struct step *step, const struct node *photo, struct card *card)
{
    const struct muc_crypto *crypto = step->env->crypto;
    struct str text = node_text(node_find(photo, NAME_BINVAL, NS_VCARD), step->arena);
    uint8_t bytes[SHA1_BYTES];

    if (node_count(photo, NAME_BINVAL, NS_VCARD) > 1)
        return CARD_BAD_PHOTO;
    if (str_empty(str_trim(text)))
        return CARD_FITS;
    if (card->photo_count == ROOM_VCARD_PHOTOS_MAX)
        return CARD_TOO_MANY_PHOTOS;
    if (!crypto->photo_hash(crypto->self, step->arena, text, bytes))
        return CARD_BAD_PHOTO;
    hex_write(card->photos[card->photo_count++].digits, bytes, sizeof(bytes));
    return CARD_FITS;
}

enum card_flaw card_read(struct step *step, const struct node *vcard, struct card *card)
{
    enum card_flaw flaw = CARD_FITS;
    struct fb fb;

    *card = (struct card){.photo_count = 0};
    if (node_first(vcard) == NULL)
        return CARD_EMPTY;
    fb_begin_fragment(&fb, step->arena);
    fb_node(&fb, vcard);
    card->xml = fb_finish_fragment(&fb);
    if (card->xml.len > ROOM_VCARD_BYTES_MAX)
        return CARD_TOO_LARGE;
    node_each (vcard, child) {
        if (node_is(child, NAME_PHOTO, NS_VCARD))
            flaw = read_photo(step, child, card);
        if (flaw != CARD_FITS)
            return flaw;
    }
    return CARD_FITS;
}

struct card *card_copy(const struct card *card)
{
    if (card == NULL)
        return NULL;
    struct card *copy = MEM_NEW(struct card);
    *copy = *card;
    copy->xml = str_copy(card->xml);
    return copy;
}

void card_free(struct card *card)
{
    if (card == NULL)
        return;
    str_free(&card->xml);
    mem_free(card);
}

bool card_equal(const struct card *a, const struct card *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return str_eq(a->xml, b->xml);
}
