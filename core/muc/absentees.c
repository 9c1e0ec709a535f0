/*
 * Rows that are not in the galleries as they should be are marked, and their nicknames are on a
 * list; whoever has got or lost the nickname meanwhile is told apart by his mark.
 */
#include "core/muc/absentees.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "core/muc/presence.h"
#include "core/muc/room.h"

enum { STALE_FIRST = 16 };

struct absentees {
    struct gallery *galleries[VIEWINGS]; /* NULL: nobody has looked yet */
    struct str *stale;                   /* heap: keys of nicknames */
    uint32_t stale_count, stale_cap;
};

/* Below, a list made for the newcomer alone costs less than keeping one. */
static uint32_t fewest(const struct room *room)
{
    return room->env->settings->lineup_from;
}

bool absentees_serve(const struct room *room)
{
    return room->reserved_nicks.count >= fewest(room);
}

/* Within one query a nickname may be reserved before who uses it is put out. */
bool is_absentee(const struct room *room, const struct affiliate *row)
{
    return occupant_by_account(room, row->jid) == NULL &&
           occupant_by_nick(room, row->nick_key) == NULL;
}

static void forget_stale(struct absentees *absentees)
{
    for (uint32_t i = 0; i < absentees->stale_count; i++)
        str_free(&absentees->stale[i]);
    absentees->stale_count = 0;
}

void absentees_drop(struct room *room)
{
    struct absentees *absentees = room->absentees;
    if (absentees == NULL)
        return;
    for (unsigned i = 0; i < VIEWINGS; i++)
        gallery_free(absentees->galleries[i]);
    forget_stale(absentees);
    mem_free(absentees->stale);
    mem_free(absentees);
    room->absentees = NULL;
}

/* ---- what changes ---- */

static void take_out(const struct absentees *absentees, const struct affiliate *row)
{
    for (unsigned i = 0; i < VIEWINGS; i++) {
        if (absentees->galleries[i] != NULL && row->shown_at[i] != PLACE_NONE)
            gallery_set(absentees->galleries[i], row->shown_at[i], NULL);
    }
}

void absentees_changed(struct room *room, struct affiliate *row)
{
    struct absentees *absentees = room->absentees;
    if (absentees == NULL || row->stale)
        return;
    /* They come and go and nobody looks: it is made anew when somebody does. */
    if (absentees->stale_count > room->reserved_nicks.count) {
        absentees_drop(room);
        return;
    }
    take_out(absentees, row);
    if (absentees->stale_count == absentees->stale_cap) {
        absentees->stale_cap = absentees->stale_cap == 0 ? STALE_FIRST : absentees->stale_cap * 2;
        absentees->stale =
            mem_grow(absentees->stale, sizeof(*absentees->stale) * absentees->stale_cap);
    }
    absentees->stale[absentees->stale_count++] = str_copy(row->nick_key);
    row->stale = true;
}

void absentees_removed(struct room *room, struct affiliate *row)
{
    if (room->absentees != NULL)
        take_out(room->absentees, row);
    for (unsigned i = 0; i < VIEWINGS; i++)
        row->shown_at[i] = PLACE_NONE;
    row->stale = false;
}

void absentees_moved(struct room *room, struct str account, struct str nick_key)
{
    if (room->absentees == NULL)
        return;
    if (room->occupant_count == 0 || room->reserved_nicks.count < fewest(room) / 2) {
        absentees_drop(room);
        return;
    }
    struct affiliate *row = room_affiliate(room, account);
    struct affiliate *owner = room_nick_owner(room, nick_key);
    if (row != NULL && str_present(row->nick))
        absentees_changed(room, row);
    if (owner != NULL)
        absentees_changed(room, owner);
}

/* ---- looking ---- */

static void show(const struct room *room, struct step *step, struct affiliate *row,
                 enum viewing viewing)
{
    struct gallery *gallery = room->absentees->galleries[viewing];
    struct frame *frame = NULL;
    if (is_absentee(room, row))
        frame = presence_absent(room, step, row, viewing == VIEWING_FULL);
    if (row->shown_at[viewing] != PLACE_NONE)
        gallery_set(gallery, row->shown_at[viewing], frame);
    else if (frame != NULL)
        row->shown_at[viewing] = gallery_add(gallery, frame);
}

static void make_up(struct room *room, struct step *step)
{
    struct absentees *absentees = room->absentees;
    for (uint32_t i = 0; i < absentees->stale_count; i++) {
        struct affiliate *row = room_nick_owner(room, absentees->stale[i]);
        if (row == NULL || !row->stale)
            continue;
        row->stale = false;
        for (unsigned viewing = 0; viewing < VIEWINGS; viewing++) {
            if (absentees->galleries[viewing] != NULL)
                show(room, step, row, viewing);
        }
    }
    forget_stale(absentees);
}

static void make(struct room *room, struct step *step, enum viewing viewing)
{
    struct gallery **gallery = &room->absentees->galleries[viewing];
    gallery_free(*gallery);
    *gallery = gallery_new();
    struct affiliate *row;
    map_each (&room->reserved_nicks, at, row) {
        row->stale = false;
        row->shown_at[viewing] = PLACE_NONE;
        show(room, step, row, viewing);
    }
}

/* Is there one that is not mostly empty places? */
static bool is_usable(const struct room *room, const struct gallery *gallery)
{
    return gallery != NULL &&
           gallery_places(gallery) / 2 <= room->reserved_nicks.count + fewest(room);
}

struct showing *absentees_show(struct room *room, struct step *step, enum viewing viewing)
{
    if (room->absentees == NULL)
        room->absentees = MEM_NEW(struct absentees);
    make_up(room, step);
    if (!is_usable(room, room->absentees->galleries[viewing]))
        make(room, step, viewing);
    return gallery_show(room->absentees->galleries[viewing], NULL, 0);
}

/* ---- for tests ---- */

static void check_gallery(const struct room *room, enum viewing viewing)
{
    const struct gallery *gallery = room->absentees->galleries[viewing];
    uint32_t shown = 0, stale = 0;
    const struct affiliate *row;
    map_each (&room->reserved_nicks, at, row) {
        bool is_shown = gallery_at(gallery, row->shown_at[viewing]) != NULL;
        ensure(is_shown == (!row->stale && is_absentee(room, row)));
        shown += is_shown;
        stale += row->stale;
    }
    ensure(shown == gallery_count(gallery) && stale <= room->absentees->stale_count);
}

void absentees_check(const struct room *room)
{
    for (unsigned i = 0; room->absentees != NULL && i < VIEWINGS; i++) {
        if (room->absentees->galleries[i] != NULL)
            check_gallery(room, i);
    }
}
