/*
 * What those who enter are shown: the presences of a room in one array, of which each of them gets
 * a snapshot. A snapshot costs the same however many are inside, so thousands of lists that wait
 * for their turn hold little more than one.
 *
 * A presence has a place for as long as its gallery exists; an empty place is skipped. New places
 * come at the end, where no snapshot looks, so they cost nothing; to change one that a snapshot may
 * see, its sheet is copied.
 *
 *                gallery_*    showing_*
 *   owner shard     ok           ok
 *   lanes           NO           ok      (of the snapshot they hold)
 */
#ifndef CORE_MUC_GALLERY_H
#define CORE_MUC_GALLERY_H

#include "core/xml/frame.h"

#define PLACE_NONE 0u /* never the place of a presence */

struct gallery;
struct showing; /* a snapshot for one viewer */

struct gallery *gallery_new(void);
void gallery_free(struct gallery *gallery); /* NULL allowed; snapshots live on */

/* Frames are TAKEN. */
uint32_t gallery_add(struct gallery *gallery, struct frame *frame);
void gallery_set(struct gallery *gallery, uint32_t place, struct frame *frame); /* NULL: empty it */
/* Presences there are, and places there have been. */
uint32_t gallery_count(const struct gallery *gallery);
uint32_t gallery_places(const struct gallery *gallery);
struct frame *gallery_at(const struct gallery *gallery, uint32_t place); /* borrowed; NULL: empty */

/* All that is there now but the presences at these places, each named once; PLACE_NONE and places
 * that are empty leave nothing out. NULL: nothing remains. */
struct showing *gallery_show(const struct gallery *gallery, const uint32_t *except, unsigned count);
void showing_free(struct showing *showing); /* NULL allowed; any thread */

/* Walk them: places from 0 to showing_places() - 1. NULL counts as an empty one. */
uint32_t showing_places(const struct showing *showing);
struct frame *showing_at(const struct showing *showing, uint32_t place); /* borrowed; NULL: empty */
uint32_t showing_count(const struct showing *showing);
uint64_t showing_bytes(const struct showing *showing); /* of all frames */

#endif
