/*
 * Whoever is not in the gallery as he looks now is in `stale`, with his number; those who have left
 * meanwhile, or come with that number, are told apart when the list is gone through.
 */
#include "core/muc/lineup.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "core/muc/presence.h"
#include "core/muc/room.h"

enum { STALE_FIRST = 16 };

struct view {
    struct gallery *gallery; /* NULL: nobody has looked yet */
    uint32_t broadcast;      /* the option it was made under */
    uint32_t *stale;         /* numbers of occupants */
    uint32_t stale_count, stale_cap;
};

struct lineup {
    struct view views[VIEWINGS];
};

/* Below, a list of references made for the newcomer alone costs less than keeping one. */
static uint32_t fewest(const struct room *room)
{
    return room->env->settings->lineup_from;
}

bool lineup_serves(const struct room *room)
{
    return room->occupant_count >= fewest(room);
}

static void view_drop(struct view *view)
{
    gallery_free(view->gallery);
    mem_free(view->stale);
    *view = (struct view){0};
}

void lineup_drop(struct room *room)
{
    if (room->lineup == NULL)
        return;
    for (unsigned i = 0; i < VIEWINGS; i++)
        view_drop(&room->lineup->views[i]);
    mem_free(room->lineup);
    room->lineup = NULL;
}

/* ---- what changes ---- */

static uint8_t bit(enum viewing viewing)
{
    return (uint8_t)(1u << viewing);
}

static void mark(struct room *room, struct occupant *occupant, enum viewing viewing)
{
    struct view *view = &room->lineup->views[viewing];
    if (view->gallery == NULL || (occupant->stale & bit(viewing)) != 0)
        return;
    /* They come and go and nobody looks: it is made anew when somebody does. */
    if (view->stale_count > room->occupants_size) {
        view_drop(view);
        return;
    }
    if (occupant->shown_at[viewing] != PLACE_NONE)
        gallery_set(view->gallery, occupant->shown_at[viewing], NULL);
    if (view->stale_count == view->stale_cap) {
        view->stale_cap = view->stale_cap == 0 ? STALE_FIRST : view->stale_cap * 2;
        view->stale = mem_grow(view->stale, sizeof(*view->stale) * view->stale_cap);
    }
    view->stale[view->stale_count++] = occupant->number;
    occupant->stale |= bit(viewing);
}

void lineup_changed(struct room *room, struct occupant *occupant)
{
    if (room->lineup == NULL)
        return;
    mark(room, occupant, VIEWING_ANON);
    mark(room, occupant, VIEWING_FULL);
}

void lineup_left(struct room *room, struct occupant *occupant)
{
    if (room->lineup == NULL)
        return;
    if (room->occupant_count < fewest(room) / 2) {
        lineup_drop(room);
        return;
    }
    for (unsigned i = 0; i < VIEWINGS; i++) {
        struct view *view = &room->lineup->views[i];
        if (view->gallery != NULL && occupant->shown_at[i] != PLACE_NONE)
            gallery_set(view->gallery, occupant->shown_at[i], NULL);
    }
}

/* ---- looking ---- */

static void show(struct room *room, struct step *step, struct occupant *occupant,
                 enum viewing viewing)
{
    struct view *view = &room->lineup->views[viewing];
    struct frame *frame = NULL;
    occupant->stale &= (uint8_t)~bit(viewing);
    if (presence_shown(room, occupant))
        frame = presence_kept(room, step, occupant, viewing == VIEWING_FULL);
    if (occupant->shown_at[viewing] != PLACE_NONE)
        gallery_set(view->gallery, occupant->shown_at[viewing], frame);
    else if (frame != NULL)
        occupant->shown_at[viewing] = gallery_add(view->gallery, frame);
}

static void make(struct room *room, struct step *step, enum viewing viewing)
{
    struct view *view = &room->lineup->views[viewing];
    view_drop(view);
    view->gallery = gallery_new();
    view->broadcast = room->options.broadcast;
    struct occupant *occupant;
    occupant_each (room, at, occupant) {
        occupant->shown_at[viewing] = PLACE_NONE;
        show(room, step, occupant, viewing);
    }
}

static void make_up(struct room *room, struct step *step, enum viewing viewing)
{
    struct view *view = &room->lineup->views[viewing];
    for (uint32_t i = 0; i < view->stale_count; i++) {
        struct occupant *occupant = room->occupants[view->stale[i]];
        if (occupant != NULL && (occupant->stale & bit(viewing)) != 0)
            show(room, step, occupant, viewing);
    }
    view->stale_count = 0;
}

/* Can what there is be brought up to date, and is that worth it? */
static bool is_usable(const struct room *room, const struct view *view)
{
    return view->gallery != NULL && view->broadcast == room->options.broadcast &&
           gallery_places(view->gallery) / 2 <= room->occupant_count + fewest(room);
}

struct showing *lineup_show(struct room *room, struct step *step, const struct occupant *viewer,
                            enum viewing viewing)
{
    if (room->lineup == NULL)
        room->lineup = MEM_NEW(struct lineup);
    struct view *view = &room->lineup->views[viewing];
    const struct occupant *same = room->occupants[viewer->group];
    uint32_t own[ROOM_NICKS_PER_ACCOUNT];
    unsigned count = 0;
    if (is_usable(room, view))
        make_up(room, step, viewing);
    else
        make(room, step, viewing);
    for (; same != NULL; same = same->same_account) {
        ensure(count < ARRAY_LEN(own));
        own[count++] = same->shown_at[viewing];
    }
    return gallery_show(view->gallery, own, count);
}

/* ---- for tests ---- */

static void check_view(const struct room *room, enum viewing viewing)
{
    const struct view *view = &room->lineup->views[viewing];
    uint32_t shown = 0, stale = 0, at = 0;
    const struct occupant *occupant;
    while ((occupant = occupant_next(room, &at)) != NULL) {
        const struct frame *kept = viewing == VIEWING_FULL ? occupant->full : occupant->anon;
        const struct frame *frame = gallery_at(view->gallery, occupant->shown_at[viewing]);
        bool is_stale = (occupant->stale & bit(viewing)) != 0;
        ensure(frame == NULL || (frame == kept && !is_stale));
        ensure(frame != NULL || is_stale || view->broadcast != room->options.broadcast ||
               !presence_shown(room, occupant));
        shown += frame != NULL;
        stale += is_stale;
    }
    ensure(shown == gallery_count(view->gallery) && stale <= view->stale_count);
}

void lineup_check(const struct room *room)
{
    for (unsigned i = 0; room->lineup != NULL && i < VIEWINGS; i++) {
        if (room->lineup->views[i].gallery != NULL)
            check_view(room, i);
    }
}
