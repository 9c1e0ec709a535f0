/*
 * Who gets which presence. A rule says what is new about an occupant; here it becomes one frame per
 * kind of viewer and one audience each, never a loop over those inside.
 */
#include "core/muc/presence.h"

#include "core/base/ensure.h"
#include "core/muc/absentees.h"
#include "core/muc/presence_frame.h"
#include "core/muc/room.h"

enum { FLAGS_ALL = ROSTER_VISITOR | ROSTER_PARTICIPANT | ROSTER_MODERATOR };

/* In a smaller room frames are built when they are sent: that takes a fifth of a microsecond, while
 * two kept for each occupant would be half of what a room of two needs. */
enum { CACHE_FROM = 8 };

static const struct news no_news;

/* ---- the cache ---- */

void presence_drop_frames(struct occupant *occupant)
{
    frame_unref(occupant->full);
    frame_unref(occupant->anon);
    occupant->full = NULL;
    occupant->anon = NULL;
}

void presence_drop_cache(struct room *room, struct occupant *occupant)
{
    lineup_changed(room, occupant);
    presence_drop_frames(occupant);
}

/* Nothing in it but what the occupant's state says anyway. */
static bool is_plain(const struct news *news)
{
    return !news->unavailable && news->statuses == 0 && news->actor == NULL && news->only == NULL &&
           str_empty(news->reason) && str_empty(news->status_text) && str_empty(news->new_nick);
}

struct frame *presence_kept(struct room *room, struct step *step, struct occupant *occupant,
                            bool with_jids)
{
    struct frame **cached = with_jids ? &occupant->full : &occupant->anon;
    if (*cached == NULL)
        *cached = presence_frame(room, step, occupant, &no_news, with_jids ? COPY_FULL : COPY_ANON);
    return frame_ref(*cached);
}

/* The presence for others. Kept is what newcomers will be given; where they are shown no JIDs, the
 * copy for moderators would be half of what an occupant needs. A new reference. */
static struct frame *frame_for_others(struct room *room, struct step *step,
                                      struct occupant *occupant, const struct news *news,
                                      bool with_jids)
{
    bool wanted = occupant->full != NULL || !with_jids || room->options.whois == WHOIS_ANYONE;
    if (is_plain(news) && room->occupant_count >= CACHE_FROM && wanted)
        return presence_kept(room, step, occupant, with_jids);
    return presence_frame(room, step, occupant, news, with_jids ? COPY_FULL : COPY_ANON);
}

/* ---- who may see what ---- */

/* Enough of an occupant to know who sees it. */
struct face {
    enum role role;
    bool quiet;
};

static struct face face_of(const struct occupant *occupant)
{
    return (struct face){occupant->role, occupant->quiet};
}

static bool role_shown(const struct room_options *options, enum role role)
{
    switch (role) {
    case ROLE_VISITOR:
        return (options->broadcast & BROADCAST_VISITOR) != 0;
    case ROLE_PARTICIPANT:
        return (options->broadcast & BROADCAST_PARTICIPANT) != 0;
    case ROLE_MODERATOR:
        return (options->broadcast & BROADCAST_MODERATOR) != 0;
    case ROLE_NONE:
    case ROLE_COUNT:
        break;
    }
    never("nobody inside has that role");
}

static bool shown_by(const struct room_options *options, struct face face)
{
    return !face.quiet && role_shown(options, face.role);
}

bool presence_shown(const struct room *room, const struct occupant *occupant)
{
    return shown_by(&room->options, face_of(occupant));
}

bool presence_sees_jids(const struct room *room, const struct occupant *viewer)
{
    return room->options.whois == WHOIS_ANYONE || viewer->role == ROLE_MODERATOR;
}

static bool presence_sees(const struct room *room, const struct occupant *occupant,
                          const struct occupant *viewer)
{
    return presence_shown(room, occupant) || occupant_same(occupant, viewer) ||
           (room->options.see_all && viewer->role == ROLE_MODERATOR);
}

/* Roles that see it, as roster flags. */
static uint8_t viewers_by(const struct room_options *options, struct face face)
{
    if (shown_by(options, face))
        return FLAGS_ALL;
    return options->see_all ? ROSTER_MODERATOR : 0;
}

static uint8_t viewers_of(const struct room *room, const struct occupant *occupant)
{
    return viewers_by(&room->options, face_of(occupant));
}

/* ---- to others ---- */

static struct presence_parting copies_for(struct room *room, struct step *step,
                                          const struct occupant *about, const struct news *news,
                                          uint8_t viewers)
{
    struct occupant *occupant = room->occupants[about->number];
    struct presence_parting copies = {.tidings = {about->number, news->urgency}};
    copies.full_for = room->options.whois == WHOIS_ANYONE ? viewers : viewers & ROSTER_MODERATOR;
    copies.anon_for = (uint8_t)(viewers & ~copies.full_for);
    if (copies.full_for != 0)
        copies.full = frame_for_others(room, step, occupant, news, true);
    if (copies.anon_for != 0)
        copies.anon = frame_for_others(room, step, occupant, news, false);
    return copies;
}

static void send_copies(struct room *room, struct step *step, const struct presence_parting *copies,
                        uint32_t except)
{
    struct audience full = {copies->full_for == FLAGS_ALL ? 0 : copies->full_for, except};
    struct audience anon = {copies->anon_for, except};
    if (copies->full != NULL)
        effect_presence(step, copies->full, room->roster, full, copies->tidings);
    if (copies->anon != NULL)
        effect_presence(step, copies->anon, room->roster, anon, copies->tidings);
}

/* To all but its account. */
static void broadcast(struct room *room, struct step *step, const struct occupant *about,
                      const struct news *news, uint8_t viewers)
{
    if (room->session_count == about->session_count)
        return;
    struct presence_parting copies = copies_for(room, step, about, news, viewers);
    send_copies(room, step, &copies, about->group);
}

/* One copy for each other nickname of the account: as others who see JIDs are told, or without who
 * did it. */
static void to_account(struct room *room, struct step *step, const struct occupant *about,
                       const struct news *news)
{
    if (!occupant_has_others(about))
        return;
    struct occupant *occupant = room->occupants[about->number];
    struct frame *full = frame_for_others(room, step, occupant, news, true);
    struct frame *own = news->actor == NULL ? frame_ref(full)
                                            : presence_frame(room, step, occupant, news, COPY_OWN);
    for (const struct occupant *other = room->occupants[about->group]; other != NULL;
         other = other->same_account) {
        struct frame *copy = presence_sees_jids(room, other) ? full : own;
        if (other != about)
            occupant_send(step, other, frame_ref(copy));
    }
    frame_unref(full);
    frame_unref(own);
}

void presence_to_others(struct room *room, struct step *step, const struct occupant *occupant,
                        const struct news *news)
{
    if (news == NULL)
        news = &no_news;
    to_account(room, step, occupant, news);
    broadcast(room, step, occupant, news, viewers_of(room, occupant));
}

struct presence_parting presence_parting(struct room *room, struct step *step,
                                         const struct occupant *occupant, const struct news *news)
{
    return copies_for(room, step, occupant, news, viewers_of(room, occupant));
}

void presence_part(struct room *room, struct step *step, const struct presence_parting *parting)
{
    send_copies(room, step, parting, OCCUPANT_NONE);
}

/* ---- to itself ---- */

void presence_to_self(struct room *room, struct step *step, const struct occupant *occupant,
                      const struct session *session, const struct news *news)
{
    struct occupant *self = room->occupants[occupant->number];
    struct frame *shared = NULL;
    if (news == NULL)
        news = &no_news;
    bool ends_stay = news->unavailable && !news->keep_role && !str_present(news->new_nick);
    for (const struct session *to = occupant->sessions; to != NULL; to = to->next) {
        if (session != NULL && session != to)
            continue;
        struct frame *frame;
        if (to == news->id_for) {
            frame = presence_frame(room, step, self, news, COPY_SELF_ASKED);
        } else {
            if (shared == NULL)
                shared = presence_frame(room, step, self, news, COPY_SELF);
            frame = frame_ref(shared);
        }
        frame->farewell = ends_stay;
        effect_send(step, frame, to->route, to->address);
    }
    frame_unref(shared);
}

void presence_announce(struct room *room, struct step *step, const struct occupant *occupant,
                       const struct news *news)
{
    presence_to_self(room, step, occupant, NULL, news);
    presence_to_others(room, step, occupant, news);
}

void presence_sessions_changed(struct room *room, struct step *step,
                               const struct occupant *occupant, bool seen_changed,
                               enum urgency urgency)
{
    struct news news = {.urgency = urgency};
    uint8_t viewers = viewers_of(room, occupant);
    to_account(room, step, occupant, &news);
    if (!seen_changed && room->options.whois != WHOIS_ANYONE)
        viewers &= ROSTER_MODERATOR;
    broadcast(room, step, occupant, &news, viewers);
}

/* ---- lists for one viewer ---- */

struct listing {
    struct listed_frame *frames;
    uint32_t count;
    uint32_t cap;
};

static void listing_add(struct listing *listing, struct frame *frame)
{
    ensure(listing->count < listing->cap);
    listing->frames[listing->count++] = (struct listed_frame){frame, STR_NONE};
}

static struct listing listing_begin(struct step *step, uint32_t cap)
{
    return (struct listing){arena_raw(step->arena, sizeof(struct listed_frame) * cap), 0, cap};
}

static void listing_send(struct listing *listing, struct step *step, const struct session *to)
{
    effect_send_list(step, listing->frames, listing->count, to->route, to->address);
}

struct frame *presence_view(struct room *room, struct step *step, struct occupant *occupant,
                            const struct occupant *viewer)
{
    bool with_jids = occupant_same(occupant, viewer) || presence_sees_jids(room, viewer);
    if (room->occupant_count >= CACHE_FROM)
        return presence_kept(room, step, occupant, with_jids);
    return frame_for_others(room, step, occupant, &no_news, with_jids);
}

/* Affiliated accounts with a reserved nickname that are not inside (SEMANTICS 4.5). */
static void list_absent(struct room *room, struct step *step, const struct session *viewer)
{
    bool with_jids = presence_sees_jids(room, viewer->occupant);
    if (absentees_serve(room)) {
        effect_send_showing(step,
                            absentees_show(room, step, with_jids ? VIEWING_FULL : VIEWING_ANON),
                            viewer->route, viewer->address);
        return;
    }
    struct listing listing = listing_begin(step, room->reserved_nicks.count);
    const struct affiliate *row;
    map_each (&room->reserved_nicks, at, row) {
        if (is_absentee(room, row))
            listing_add(&listing, presence_absent(room, step, row, with_jids));
    }
    listing_send(&listing, step, viewer);
}

/* Does it see nobody but who is shown to everybody? */
static bool sees_what_is_shown(const struct room *room, const struct occupant *viewer)
{
    const struct room_options *options = &room->options;
    return !options->see_all || viewer->role != ROLE_MODERATOR ||
           (room->quiet_count == 0 && role_shown(options, ROLE_VISITOR) &&
            role_shown(options, ROLE_PARTICIPANT) && role_shown(options, ROLE_MODERATOR));
}

/* The other nicknames of the viewer's account, in a room where everybody is given the same of
 * others. */
static void list_own(struct room *room, struct step *step, const struct session *viewer)
{
    const struct occupant *self = viewer->occupant;
    if (!occupant_has_others(self))
        return;
    struct listing listing = listing_begin(step, ROOM_NICKS_PER_ACCOUNT);
    for (struct occupant *other = room->occupants[self->group]; other != NULL;
         other = other->same_account) {
        if (other != self)
            listing_add(&listing, presence_view(room, step, other, self));
    }
    listing_send(&listing, step, viewer);
}

/* Everybody else, from what is kept for newcomers. */
static void list_shown(struct room *room, struct step *step, const struct session *viewer)
{
    bool with_jids = presence_sees_jids(room, viewer->occupant);
    effect_send_showing(
        step, lineup_show(room, step, viewer->occupant, with_jids ? VIEWING_FULL : VIEWING_ANON),
        viewer->route, viewer->address);
}

static void list_present(struct room *room, struct step *step, const struct session *viewer)
{
    struct listing listing = listing_begin(step, room->occupant_count);
    struct occupant *occupant;
    occupant_each (room, at, occupant) {
        if (occupant != viewer->occupant && presence_sees(room, occupant, viewer->occupant))
            listing_add(&listing, presence_view(room, step, occupant, viewer->occupant));
    }
    listing_send(&listing, step, viewer);
}

void presence_list(struct room *room, struct step *step, const struct session *viewer)
{
    if (lineup_serves(room) && sees_what_is_shown(room, viewer->occupant)) {
        list_shown(room, step, viewer);
        list_own(room, step, viewer);
    } else {
        list_present(room, step, viewer);
    }
    if ((room->options.broadcast & BROADCAST_NONE) != 0)
        list_absent(room, step, viewer);
}

/* ---- after a change of standing ---- */

/* A moderator who saw hidden occupants ceases to: they go, with the role they have. */
static void list_hidden(struct room *room, struct step *step, const struct session *viewer)
{
    struct news hidden = {.unavailable = true, .keep_role = true};
    bool with_jids = presence_sees_jids(room, viewer->occupant);
    struct listing listing = listing_begin(step, room->occupant_count);
    struct occupant *occupant;
    occupant_each (room, at, occupant) {
        if (!occupant_same(occupant, viewer->occupant) && !presence_shown(room, occupant))
            listing_add(&listing, frame_for_others(room, step, occupant, &hidden, with_jids));
    }
    listing_send(&listing, step, viewer);
}

void presence_eyes_changed(struct room *room, struct step *step, const struct session *session,
                           enum role before)
{
    bool was = before == ROLE_MODERATOR, is = session->occupant->role == ROLE_MODERATOR;
    bool jids = room->options.whois != WHOIS_ANYONE;
    if (was == is || (!jids && !room->options.see_all))
        return;
    presence_list(room, step, session);
    if (was && room->options.see_all)
        list_hidden(room, step, session);
}

void presence_standing_changed(struct room *room, struct step *step, struct occupant *occupant,
                               enum role before, const struct news *news)
{
    if (news == NULL)
        news = &no_news;
    struct face then = {before, occupant->quiet};
    if (occupant->role == ROLE_MODERATOR)
        occupant_end_quiet(room, occupant);
    uint8_t saw = viewers_by(&room->options, then), see = viewers_of(room, occupant);
    struct news hidden = *news;
    hidden.unavailable = true;
    hidden.keep_role = true;

    presence_to_self(room, step, occupant, NULL, news);
    to_account(room, step, occupant, news);
    broadcast(room, step, occupant, news, see);
    broadcast(room, step, occupant, &hidden, (uint8_t)(saw & ~see));
    for (const struct session *session = occupant->sessions; session != NULL;
         session = session->next)
        presence_eyes_changed(room, step, session, before);
}

/* ---- after a change of what is shown ---- */

void presence_shown_changed(struct room *room, struct step *step, uint32_t broadcast_before,
                            bool see_all_before)
{
    static const struct news hidden = {.unavailable = true, .keep_role = true};
    struct room_options then = room->options;
    struct occupant *occupant;

    then.broadcast = broadcast_before;
    then.see_all = see_all_before;
    bool quiet_ends = room->quiet_count > 0 && !room_is_crowded(room);
    if (then.broadcast == room->options.broadcast && then.see_all == room->options.see_all &&
        !quiet_ends)
        return;
    occupant_each (room, at, occupant) {
        uint8_t saw = viewers_by(&then, face_of(occupant));
        if (quiet_ends)
            occupant_end_quiet(room, occupant);
        uint8_t see = viewers_of(room, occupant);
        broadcast(room, step, occupant, &no_news, (uint8_t)(see & ~saw));
        broadcast(room, step, occupant, &hidden, (uint8_t)(saw & ~see));
    }
}

/* ---- about accounts that are not inside ---- */

void presence_absent_affiliation(struct room *room, struct step *step, struct str bare_jid,
                                 enum affiliation affiliation, struct str reason, uint32_t statuses)
{
    if (room->session_count == 0)
        return;
    struct fb fb;
    fb_begin(&fb, step->arena, "message", jid_full(room->jid), STR_NONE, STR_NONE);
    fb_open(&fb, NAME_X, NS_MUC_USER);
    fb_statuses(&fb, statuses, false);
    fb_open(&fb, NAME_ITEM, NS_MUC_USER);
    fb_attr(&fb, "affiliation", affiliation_text(affiliation));
    if (room->options.absent_role)
        fb_attr(&fb, "role", role_text(ROLE_NONE));
    fb_attr(&fb, "jid", bare_jid);
    if (!str_empty(reason))
        fb_leaf(&fb, NAME_REASON, NS_MUC_USER, reason);
    fb_close(&fb);
    fb_close(&fb);
    uint8_t flags = room->options.whois == WHOIS_ANYONE ? 0 : ROSTER_MODERATOR;
    effect_broadcast(step, fb_finish(&fb), room->roster, (struct audience){flags, OCCUPANT_NONE});
}
