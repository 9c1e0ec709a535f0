/*
 * Two lock-free hash tables: rooms by JID, one entry each, which stands in the catalogue as well;
 * sessions by bare JID, as many entries as the account has sessions. Entries are immutable save the
 * few atomic fields that one owner writes; what changes otherwise is replaced. An entry that was
 * taken out is freed after a grace period.
 *
 * The tables do not grow: a hundred thousand sessions make chains of six, and nobody has to wait
 * for, or be afraid of, a thread that resizes.
 */
#include "shard/directory.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"
#include "shard/catalogue.h"
#include "shard/runtime/rcu.h"

#include <stdatomic.h>
#include <urcu/rculfhash.h>

enum { BUCKETS = 16384 };

static_assert(sizeof(((struct session_found *)0)->resource) > JID_PART_BYTES_MAX,
              "every resource fits, and its NUL");

struct listing {
    struct cds_lfht_node node;
    struct rcu_head later;
    struct jid *jid; /* bare */
    struct str name; /* heap */
    _Atomic uint32_t occupants;
};

struct directory_session {
    struct cds_lfht_node node;
    struct rcu_head later;
    struct jid *jid; /* full */
    struct route route;
    uint64_t number; /* a newer session of the same JID has a higher one */
    _Atomic bool available;
    _Atomic int8_t priority;
};

struct directory {
    struct hash_key hash_key;
    struct cds_lfht *rooms;
    struct catalogue *catalogue; /* the same rooms, sorted */
    struct cds_lfht *sessions;
    struct tallies *tallies;
    _Atomic uint32_t room_count;
    _Atomic uint64_t sessions_ever;
    struct str local; /* set at start, as are the links */
    struct directory_link {
        struct str service;
        struct route route;
    } links[LINKS_MAX];
    unsigned link_count;
    _Atomic uint64_t links_up; /* a bit for each */
};

static struct cds_lfht *table_new(void)
{
    struct cds_lfht *table =
        cds_lfht_new_flavor(BUCKETS, BUCKETS, BUCKETS, 0, &urcu_memb_flavor, NULL);
    ensure(table != NULL);
    return table;
}

struct directory *directory_new(const struct hash_key *hash_key)
{
    struct directory *directory = MEM_NEW(struct directory);
    directory->hash_key = *hash_key;
    directory->rooms = table_new();
    directory->catalogue = catalogue_new();
    directory->sessions = table_new();
    directory->tallies = tallies_new(hash_key);
    return directory;
}

static unsigned long hash_of(const struct directory *directory, struct str key)
{
    return (unsigned long)hash_str(&directory->hash_key, key);
}

/* ---- entries ---- */

static struct listing *listing_of(struct cds_lfht_node *node)
{
    if (node == NULL)
        return NULL;
    handover_take(node);
    return container_of(node, struct listing, node);
}

static struct directory_session *session_of(struct cds_lfht_node *node)
{
    if (node == NULL)
        return NULL;
    handover_take(node);
    return container_of(node, struct directory_session, node);
}

static void listing_release(struct rcu_head *head)
{
    rcu_later_begin(head);
    struct listing *listing = container_of(head, struct listing, later);
    jid_free(listing->jid);
    str_free(&listing->name);
    mem_free(listing);
}

static void session_release(struct rcu_head *head)
{
    rcu_later_begin(head);
    struct directory_session *session = container_of(head, struct directory_session, later);
    jid_free(session->jid);
    mem_free(session);
}

static int listing_matches(struct cds_lfht_node *node, const void *key)
{
    return jid_eq(listing_of(node)->jid, key);
}

static int session_matches(struct cds_lfht_node *node, const void *key)
{
    const struct str *bare = key;
    return str_eq(jid_bare(session_of(node)->jid), *bare);
}

/* Nobody reads any more: grace periods are for order, not for need. */
static void empty(struct cds_lfht *table, void (*drop)(struct cds_lfht_node *node))
{
    struct cds_lfht_iter iter;
    rcu_section_begin();
    cds_lfht_first(table, &iter);
    for (;;) {
        struct cds_lfht_node *node = cds_lfht_iter_get_node(&iter);
        if (node == NULL)
            break;
        cds_lfht_next(table, &iter);
        ensure(cds_lfht_del(table, node) == 0);
        drop(node);
    }
    rcu_section_end();
}

static void listing_drop(struct cds_lfht_node *node)
{
    rcu_later(&listing_of(node)->later, listing_release);
}

static void session_drop(struct cds_lfht_node *node)
{
    rcu_later(&session_of(node)->later, session_release);
}

void directory_free(struct directory *directory)
{
    if (directory == NULL)
        return;
    tallies_free(directory->tallies);
    catalogue_free(directory->catalogue);
    empty(directory->rooms, listing_drop);
    empty(directory->sessions, session_drop);
    rcu_finish_later();
    ensure(cds_lfht_destroy(directory->rooms, NULL) == 0);
    ensure(cds_lfht_destroy(directory->sessions, NULL) == 0);
    mem_free(directory);
}

struct tallies *directory_tallies(const struct directory *directory)
{
    return directory->tallies;
}

/* ---- where JIDs live ---- */

void directory_set_local(struct directory *directory, struct str domain)
{
    directory->local = domain;
}

void directory_add_link(struct directory *directory, struct str domain, struct route route)
{
    ensure(directory->link_count < LINKS_MAX);
    directory->links[directory->link_count++] = (struct directory_link){domain, route};
}

/* link_count: none of them. */
static unsigned link_number(const struct directory *directory, struct route route)
{
    unsigned number = 0;
    while (number < directory->link_count && !route_eq(directory->links[number].route, route))
        number++;
    return number;
}

void directory_link_up(struct directory *directory, struct route route, bool up)
{
    unsigned number = link_number(directory, route);
    ensure(number < directory->link_count);
    uint64_t bit = UINT64_C(1) << number;
    if (up)
        atomic_fetch_or_explicit(&directory->links_up, bit, memory_order_relaxed);
    else
        atomic_fetch_and_explicit(&directory->links_up, ~bit, memory_order_relaxed);
}

static bool is_up(const struct directory *directory, unsigned number)
{
    uint64_t up = atomic_load_explicit(&directory->links_up, memory_order_relaxed);
    return (up >> number & 1) != 0;
}

struct route directory_link_any(const struct directory *directory, struct str domain)
{
    for (unsigned i = 0; i < directory->link_count; i++) {
        if (is_up(directory, i) && str_eq(directory->links[i].service, domain))
            return directory->links[i].route;
    }
    return ROUTE_NONE;
}

struct route directory_link_now(const struct directory *directory, struct route route)
{
    unsigned number = link_number(directory, route);
    if (number == directory->link_count || is_up(directory, number))
        return route;
    return directory_link_any(directory, directory->links[number].service);
}

struct route directory_link_home(const struct directory *directory, struct str domain)
{
    struct route route = directory_link_any(directory, domain);
    for (unsigned i = 0; i < directory->link_count && route.lane == LANE_NONE; i++) {
        if (str_eq(directory->links[i].service, domain))
            route = directory->links[i].route;
    }
    return route;
}

bool directory_has_links(const struct directory *directory, struct str domain)
{
    for (unsigned i = 0; i < directory->link_count; i++) {
        if (str_eq(directory->links[i].service, domain))
            return true;
    }
    return false;
}

bool directory_is_local(const struct directory *directory, const struct jid *jid)
{
    return str_present(directory->local) && str_eq(jid_domain(jid), directory->local);
}

/* ---- rooms ---- */

static struct listing *listing_find(struct directory *directory, const struct jid *jid)
{
    struct cds_lfht_iter iter;
    cds_lfht_lookup(directory->rooms, hash_of(directory, jid_full(jid)), listing_matches, jid,
                    &iter);
    return listing_of(cds_lfht_iter_get_node(&iter));
}

static void listing_put(struct directory *directory, const struct jid *jid, struct str name,
                        uint32_t occupants)
{
    struct listing *listing = MEM_NEW(struct listing);
    listing->jid = jid_copy(jid);
    listing->name = str_copy(name);
    atomic_init(&listing->occupants, occupants);
    handover_give(&listing->node);
    struct cds_lfht_node *before = cds_lfht_add_replace(
        directory->rooms, hash_of(directory, jid_full(jid)), listing_matches, jid, &listing->node);
    catalogue_put(directory->catalogue, listing->jid, listing);
    if (before != NULL)
        listing_drop(before);
    else
        atomic_fetch_add_explicit(&directory->room_count, 1, memory_order_relaxed);
}

void directory_room(struct directory *directory, const struct jid *jid, bool listed,
                    struct str name, uint32_t occupants)
{
    ensure(jid_is_bare(jid));
    rcu_section_begin();
    struct listing *listing = listing_find(directory, jid);
    if (!listed && listing != NULL) {
        ensure(cds_lfht_del(directory->rooms, &listing->node) == 0);
        catalogue_remove(directory->catalogue, jid);
        listing_drop(&listing->node);
        atomic_fetch_sub_explicit(&directory->room_count, 1, memory_order_relaxed);
    } else if (listed && listing != NULL && str_eq(listing->name, name)) {
        /* The usual case, somebody entered or left: nothing to replace. */
        atomic_store_explicit(&listing->occupants, occupants, memory_order_relaxed);
    } else if (listed) {
        listing_put(directory, jid, name, occupants);
    }
    rcu_section_end();
}

uint32_t directory_room_count(const struct directory *directory)
{
    return atomic_load_explicit(&directory->room_count, memory_order_relaxed);
}

struct listing_page directory_page(struct directory *directory, struct arena *arena,
                                   const struct listing_query *query)
{
    rcu_section_begin();
    struct catalogue_page found = catalogue_page(directory->catalogue, arena, query);
    struct listed_room *rooms = ARENA_NEW_ARRAY(arena, struct listed_room, found.count);
    for (uint32_t i = 0; i < found.count; i++) {
        const struct listing *listing = found.entries[i];
        rooms[i] = (struct listed_room){
            .jid = jid_make(arena, jid_local(listing->jid), jid_domain(listing->jid), STR_NONE),
            .name = str_in(arena, listing->name),
            .occupants = atomic_load_explicit(&listing->occupants, memory_order_relaxed),
        };
    }
    rcu_section_end();
    return (struct listing_page){rooms, found.count, found.first_index, found.total};
}

/* ---- sessions ---- */

struct directory_session *directory_session_add(struct directory *directory, const struct jid *full,
                                                struct route route)
{
    ensure(!jid_is_bare(full));
    struct directory_session *session = MEM_NEW(struct directory_session);
    session->jid = jid_copy(full);
    session->route = route;
    session->number = atomic_fetch_add_explicit(&directory->sessions_ever, 1, memory_order_relaxed);
    handover_give(&session->node);
    rcu_section_begin();
    cds_lfht_add(directory->sessions, hash_of(directory, jid_bare(full)), &session->node);
    rcu_section_end();
    return session;
}

void directory_session_presence(struct directory_session *session, bool available, int8_t priority)
{
    atomic_store_explicit(&session->priority, priority, memory_order_relaxed);
    atomic_store_explicit(&session->available, available, memory_order_release);
}

void directory_session_remove(struct directory *directory, struct directory_session *session)
{
    rcu_section_begin();
    ensure(cds_lfht_del(directory->sessions, &session->node) == 0);
    session_drop(&session->node);
    rcu_section_end();
}

/* Walks the sessions of an account, inside a read section: the first with `from` NULL, then the one
 * after it. */
static struct directory_session *session_walk(struct directory *directory, struct str bare,
                                              struct cds_lfht_iter *iter, bool begin)
{
    if (begin)
        cds_lfht_lookup(directory->sessions, hash_of(directory, bare), session_matches, &bare,
                        iter);
    else
        cds_lfht_next_duplicate(directory->sessions, session_matches, &bare, iter);
    return session_of(cds_lfht_iter_get_node(iter));
}

/* While a session is being replaced there are two of that JID: the newer one counts. */
static const struct directory_session *newest_of(struct directory *directory,
                                                 const struct jid *full)
{
    const struct directory_session *newest = NULL;
    struct cds_lfht_iter iter;
    for (struct directory_session *session = session_walk(directory, jid_bare(full), &iter, true);
         session != NULL; session = session_walk(directory, jid_bare(full), &iter, false)) {
        if (jid_eq(session->jid, full) && (newest == NULL || session->number > newest->number))
            newest = session;
    }
    return newest;
}

bool directory_session_find(struct directory *directory, const struct jid *full,
                            struct route *route)
{
    rcu_section_begin();
    const struct directory_session *newest = newest_of(directory, full);
    if (newest != NULL)
        *route = newest->route;
    rcu_section_end();
    return newest != NULL;
}

unsigned directory_sessions_replaced(struct directory *directory, const struct jid *full,
                                     struct route *routes, unsigned max)
{
    unsigned count = 0;
    struct cds_lfht_iter iter;
    rcu_section_begin();
    const struct directory_session *newest = newest_of(directory, full);
    for (struct directory_session *session = session_walk(directory, jid_bare(full), &iter, true);
         session != NULL && count < max;
         session = session_walk(directory, jid_bare(full), &iter, false)) {
        /* A still newer one may have come meanwhile: it looks for itself. */
        if (jid_eq(session->jid, full) && session->number < newest->number)
            routes[count++] = session->route;
    }
    rcu_section_end();
    return count;
}

/* Where in `kept` a session goes: in the place of an older one with its JID, else at the end. */
static unsigned place_for(const struct directory_session **kept, unsigned count,
                          const struct directory_session *session)
{
    unsigned at = 0;
    while (at < count && !jid_eq(kept[at]->jid, session->jid))
        at++;
    return at;
}

static void session_copy(struct session_found *to, const struct directory_session *from)
{
    to->route = from->route;
    to->available = atomic_load_explicit(&from->available, memory_order_acquire);
    to->priority = atomic_load_explicit(&from->priority, memory_order_relaxed);
    struct str resource = jid_resource(from->jid);
    memcpy(to->resource, resource.at, resource.len);
    to->resource[resource.len] = '\0';
}

unsigned directory_sessions(struct directory *directory, struct str bare,
                            struct session_found *found, unsigned max)
{
    const struct directory_session *kept[RESOURCES_PER_ACCOUNT];
    struct cds_lfht_iter iter;
    unsigned count = 0;
    if (max > RESOURCES_PER_ACCOUNT)
        max = RESOURCES_PER_ACCOUNT;
    rcu_section_begin();
    for (struct directory_session *session = session_walk(directory, bare, &iter, true);
         session != NULL; session = session_walk(directory, bare, &iter, false)) {
        unsigned at = place_for(kept, count, session);
        if (at < count && kept[at]->number > session->number)
            continue;
        if (at == max)
            continue;
        kept[at] = session;
        if (at == count)
            count++;
    }
    for (unsigned i = 0; i < count; i++)
        session_copy(&found[i], kept[i]);
    rcu_section_end();
    return count;
}

/* ---- the way to a JID ---- */

static unsigned reach_account(struct directory *directory, const struct jid *to,
                              struct route *routes, unsigned max)
{
    struct session_found *found = MEM_NEW_ARRAY(struct session_found, RESOURCES_PER_ACCOUNT);
    unsigned sessions = directory_sessions(directory, jid_bare(to), found, RESOURCES_PER_ACCOUNT);
    unsigned count = 0;
    for (unsigned i = 0; i < sessions && count < max; i++) {
        if (found[i].available && found[i].priority >= 0)
            routes[count++] = found[i].route;
    }
    mem_free(found);
    return count;
}

/* What is up may be down a moment later: then its lane drops what comes and tells the room. */
static unsigned reach_link(const struct directory *directory, const struct way *way,
                           struct route *routes)
{
    unsigned origin = link_number(directory, way->origin);
    bool back = origin < directory->link_count && is_up(directory, origin) &&
                str_eq(directory->links[origin].service, way->service);
    routes[0] = back ? way->origin : directory_link_any(directory, way->service);
    return routes[0].lane != LANE_NONE ? 1 : 0;
}

unsigned directory_reach(struct directory *directory, const struct way *way, struct route *routes,
                         unsigned max)
{
    if (max == 0)
        return 0;
    if (!directory_is_local(directory, way->to))
        return reach_link(directory, way, routes);
    if (jid_is_bare(way->to))
        return reach_account(directory, way->to, routes, max);
    return directory_session_find(directory, way->to, &routes[0]) ? 1 : 0;
}
