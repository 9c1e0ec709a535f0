/*
 * A roster is three levels of counted pieces: root -> part per lane -> chunks of entries. A change
 * copies the one chunk, the one part's list of chunks and the root, each only if somebody else
 * holds it.
 *
 *   density   all chunks of a part but the last are full, so a position is chunk * 64 + offset;
 *             removing moves the part's last entry into the gap
 *
 *   adding    writes behind the last entry, into a chunk that others may hold: at a position that
 *             none of them looks at, since each knows its part's size. Removing copies the last
 *             chunk if others hold it, so a position they know is not written again
 *
 *   finding   the owner keeps session number -> (lane, position) beside the newest root; the index
 *             moves along when the root is copied, readers of older roots never look at it
 *
 *   small     a chunk starts with two entries, so a room of two costs a few hundred bytes
 */
#include "core/muc/roster.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "core/base/refs.h"

#include <string.h>

enum { CHUNK_ENTRIES = 64, CHUNK_FIRST = 2, PLACES_FIRST = 2, PART_FIRST = 1 };

struct chunk {
    _Atomic uint32_t refs;
    uint16_t count; /* the owner's, and of who frees it */
    uint16_t cap;
    struct roster_entry entries[];
};

struct part {
    _Atomic uint32_t refs;
    uint16_t lane;
    uint32_t size; /* entries */
    uint32_t chunk_count;
    uint32_t chunk_cap;
    struct chunk *chunks[];
};

struct place {
    uint32_t position;
    uint16_t lane; /* LANE_NONE: that session is not in */
};

struct roster {
    _Atomic uint32_t refs;
    uint32_t size;
    uint32_t part_count;
    uint32_t place_count;
    struct place *places; /* owner only; NULL in a root that has been replaced */
    struct part *parts[];
};

/* ---- counting ---- */

static void chunk_unref(struct chunk *chunk)
{
    if (!refs_let_go(&chunk->refs))
        return;
    for (uint16_t i = 0; i < chunk->count; i++)
        address_unref(chunk->entries[i].address);
    mem_free(chunk);
}

static void part_unref(struct part *part)
{
    if (!refs_let_go(&part->refs))
        return;
    for (uint32_t i = 0; i < part->chunk_count; i++)
        chunk_unref(part->chunks[i]);
    mem_free(part);
}

static struct roster *root_alloc(uint32_t part_count)
{
    struct roster *roster =
        mem_raw(sizeof(*roster) + sizeof(struct part *) * (part_count == 0 ? 1 : part_count));
    atomic_init(&roster->refs, 1);
    roster->size = 0;
    roster->part_count = part_count;
    roster->place_count = 0;
    roster->places = NULL;
    return roster;
}

struct roster *roster_new(void)
{
    return root_alloc(0);
}

struct roster *roster_ref(struct roster *roster)
{
    refs_hold(&roster->refs);
    return roster;
}

void roster_unref(struct roster *roster)
{
    if (roster == NULL || !refs_let_go(&roster->refs))
        return;
    for (uint32_t i = 0; i < roster->part_count; i++)
        part_unref(roster->parts[i]);
    mem_free(roster->places);
    mem_free(roster);
}

/* ---- copy on write: each returns a piece that only the caller's roster holds ---- */

static struct roster *root_mine(struct roster **roster)
{
    struct roster *old = *roster;
    if (refs_held_alone(&old->refs))
        return old;
    struct roster *copy = root_alloc(old->part_count);
    copy->size = old->size;
    copy->places = old->places;
    copy->place_count = old->place_count;
    old->places = NULL;
    old->place_count = 0;
    for (uint32_t i = 0; i < old->part_count; i++) {
        copy->parts[i] = old->parts[i];
        refs_hold(&copy->parts[i]->refs);
    }
    roster_unref(old);
    *roster = copy;
    return copy;
}

static struct part *part_alloc(uint16_t lane, uint32_t cap)
{
    struct part *part = mem_raw(sizeof(*part) + sizeof(struct chunk *) * cap);
    atomic_init(&part->refs, 1);
    part->lane = lane;
    part->size = 0;
    part->chunk_count = 0;
    part->chunk_cap = cap;
    return part;
}

static struct part *part_mine(struct part **slot)
{
    struct part *old = *slot;
    if (refs_held_alone(&old->refs))
        return old;
    struct part *copy = part_alloc(old->lane, old->chunk_cap);
    copy->size = old->size;
    copy->chunk_count = old->chunk_count;
    for (uint32_t i = 0; i < old->chunk_count; i++) {
        copy->chunks[i] = old->chunks[i];
        refs_hold(&copy->chunks[i]->refs);
    }
    part_unref(old);
    *slot = copy;
    return copy;
}

static struct chunk *chunk_alloc(uint16_t cap)
{
    struct chunk *chunk = mem_raw(sizeof(*chunk) + sizeof(struct roster_entry) * cap);
    atomic_init(&chunk->refs, 1);
    chunk->count = 0;
    chunk->cap = cap;
    return chunk;
}

static struct chunk *chunk_mine(struct chunk **slot)
{
    struct chunk *old = *slot;
    if (refs_held_alone(&old->refs))
        return old;
    struct chunk *copy = chunk_alloc(old->cap);
    copy->count = old->count;
    for (uint16_t i = 0; i < old->count; i++) {
        copy->entries[i] = old->entries[i];
        address_ref(copy->entries[i].address);
    }
    chunk_unref(old);
    *slot = copy;
    return copy;
}

/* ---- finding ---- */

static struct part **part_slot(struct roster *roster, uint16_t lane)
{
    for (uint32_t i = 0; i < roster->part_count; i++) {
        if (roster->parts[i]->lane == lane)
            return &roster->parts[i];
    }
    return NULL;
}

static const struct part *part_find(const struct roster *roster, uint16_t lane)
{
    for (uint32_t i = 0; i < roster->part_count; i++) {
        if (roster->parts[i]->lane == lane)
            return roster->parts[i];
    }
    return NULL;
}

static struct place *place_of(struct roster *roster, uint32_t session)
{
    ensure(session < roster->place_count && roster->places[session].lane != LANE_NONE);
    return &roster->places[session];
}

static void place_set(struct roster *roster, uint32_t session, struct place place)
{
    if (session >= roster->place_count) {
        uint32_t count = roster->place_count == 0 ? PLACES_FIRST : roster->place_count;
        while (count <= session)
            count *= 2;
        roster->places = mem_grow(roster->places, sizeof(struct place) * count);
        for (uint32_t i = roster->place_count; i < count; i++)
            roster->places[i] = (struct place){0, LANE_NONE};
        roster->place_count = count;
    }
    roster->places[session] = place;
}

/* ---- changes ---- */

/* The part of a lane, made if there is none; the roster is the caller's alone. */
static struct part **part_need(struct roster **root, uint16_t lane)
{
    struct part **slot = part_slot(*root, lane);
    if (slot != NULL)
        return slot;
    uint32_t count = (*root)->part_count + 1;
    struct roster *grown = mem_grow(*root, sizeof(*grown) + sizeof(struct part *) * count);
    grown->parts[count - 1] = part_alloc(lane, PART_FIRST);
    grown->part_count = count;
    *root = grown;
    return &grown->parts[count - 1];
}

/* The last chunk of the part, with room for one more entry. The part is the caller's alone. */
static struct chunk *part_room(struct part **slot)
{
    struct part *part = part_mine(slot);
    uint32_t last = part->chunk_count;
    if (last == 0 || part->chunks[last - 1]->count == CHUNK_ENTRIES) {
        if (part->chunk_count == part->chunk_cap) {
            part->chunk_cap *= 2;
            part = mem_grow(part, sizeof(*part) + sizeof(struct chunk *) * part->chunk_cap);
            *slot = part;
        }
        part->chunks[part->chunk_count++] = chunk_alloc(last == 0 ? CHUNK_FIRST : CHUNK_ENTRIES);
        return part->chunks[last];
    }
    struct chunk *chunk = part->chunks[last - 1];
    if (chunk->count < chunk->cap)
        return chunk;
    chunk = chunk_mine(&part->chunks[last - 1]);
    chunk->cap = chunk->cap * 2 > CHUNK_ENTRIES ? CHUNK_ENTRIES : (uint16_t)(chunk->cap * 2);
    chunk = mem_grow(chunk, sizeof(*chunk) + sizeof(struct roster_entry) * chunk->cap);
    part->chunks[last - 1] = chunk;
    return chunk;
}

void roster_add(struct roster **roster, struct route route, struct address *address,
                uint32_t session, uint32_t account, uint8_t flags)
{
    ensure(account < ROSTER_OCCUPANTS_MAX && route.lane != LANE_NONE);
    root_mine(roster);
    struct part **slot = part_need(roster, route.lane);
    struct chunk *chunk = part_room(slot);
    struct roster *root = *roster;
    ensure(session >= root->place_count || root->places[session].lane == LANE_NONE);
    chunk->entries[chunk->count++] = (struct roster_entry){
        .address = address_ref(address),
        .slot = route.slot,
        .generation = route.generation,
        .session = session,
        .account_flags = account << 8 | flags,
    };
    place_set(root, session, (struct place){(*slot)->size, route.lane});
    (*slot)->size++;
    root->size++;
}

static void part_drop(struct roster *root, struct part **slot)
{
    part_unref(*slot);
    *slot = root->parts[root->part_count - 1];
    root->part_count--;
}

void roster_remove(struct roster **roster, uint32_t session)
{
    struct roster *root = root_mine(roster);
    struct place place = *place_of(root, session);
    struct part **slot = part_slot(root, place.lane);
    struct part *part = part_mine(slot);
    struct chunk *last = chunk_mine(&part->chunks[part->chunk_count - 1]);
    struct chunk *chunk = chunk_mine(&part->chunks[place.position / CHUNK_ENTRIES]);
    struct roster_entry *entry = &chunk->entries[place.position % CHUNK_ENTRIES];
    ensure(entry->session == session);
    address_unref(entry->address);
    *entry = last->entries[--last->count];
    root->places[entry->session].position = place.position;
    root->places[session] = (struct place){0, LANE_NONE};
    part->size--;
    root->size--;
    if (last->count > 0)
        return;
    chunk_unref(last);
    if (--part->chunk_count == 0)
        part_drop(root, slot);
}

void roster_update(struct roster **roster, uint32_t session, struct route route, uint32_t account,
                   uint8_t flags)
{
    ensure(account < ROSTER_OCCUPANTS_MAX && route.lane != LANE_NONE);
    struct roster *root = root_mine(roster);
    struct place place = *place_of(root, session);
    struct part *part = part_mine(part_slot(root, place.lane));
    struct chunk *chunk = chunk_mine(&part->chunks[place.position / CHUNK_ENTRIES]);
    struct roster_entry *entry = &chunk->entries[place.position % CHUNK_ENTRIES];
    ensure(entry->session == session);
    if (place.lane == route.lane) {
        entry->slot = route.slot;
        entry->generation = route.generation;
        entry->account_flags = account << 8 | flags;
        return;
    }
    struct address *address = address_ref(entry->address);
    roster_remove(roster, session);
    roster_add(roster, route, address, session, account, flags);
    address_unref(address);
}

/* ---- reading ---- */

uint32_t roster_size(const struct roster *roster)
{
    return roster->size;
}

unsigned roster_lanes(const struct roster *roster)
{
    return roster->part_count;
}

uint16_t roster_lane_at(const struct roster *roster, unsigned i)
{
    ensure(i < roster->part_count);
    return roster->parts[i]->lane;
}

uint32_t roster_lane_size(const struct roster *roster, uint16_t lane)
{
    const struct part *part = part_find(roster, lane);
    return part != NULL ? part->size : 0;
}

uint32_t roster_run(const struct roster *roster, uint16_t lane, uint32_t at,
                    const struct roster_entry **entries)
{
    const struct part *part = part_find(roster, lane);
    if (part == NULL || at >= part->size)
        return 0;
    const struct chunk *chunk = part->chunks[at / CHUNK_ENTRIES];
    uint32_t offset = at % CHUNK_ENTRIES;
    *entries = &chunk->entries[offset];
    uint32_t run = CHUNK_ENTRIES - offset;
    return run < part->size - at ? run : part->size - at;
}
