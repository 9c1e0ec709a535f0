#include "net/cuts.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "net/component.h"

struct cut {
    uint64_t room;
    uint64_t links; /* by slot */
};

static struct str key_of(const uint64_t *room)
{
    return str_of((const char *)room, sizeof(*room));
}

static uint64_t bit_of(uint32_t slot)
{
    ensure(component_has_slot(slot));
    return UINT64_C(1) << slot;
}

void cuts_init(struct cuts *cuts, struct proxy *proxy, const struct hash_key *hash_key)
{
    cuts->proxy = proxy;
    map_init(&cuts->rooms, hash_key);
}

void cuts_fini(struct cuts *cuts)
{
    struct cut *cut;
    map_each (&cuts->rooms, at, cut)
        mem_free(cut);
    map_fini(&cuts->rooms);
}

void cuts_cut(struct cuts *cuts, uint64_t room, struct route link)
{
    if (room == 0)
        return;
    struct cut *cut = map_get(&cuts->rooms, key_of(&room));
    if (cut == NULL) {
        cut = MEM_NEW(struct cut);
        cut->room = room;
        map_put(&cuts->rooms, key_of(&cut->room), cut);
    }
    if ((cut->links & bit_of(link.slot)) != 0)
        return;
    cut->links |= bit_of(link.slot);
    proxy_link_loss(cuts->proxy, room, link);
}

bool cuts_has(const struct cuts *cuts, uint64_t room, uint32_t slot)
{
    if (cuts_is_empty(cuts))
        return false;
    const struct cut *cut = map_get(&cuts->rooms, key_of(&room));
    return cut != NULL && (cut->links & bit_of(slot)) != 0;
}

void cuts_heal(struct cuts *cuts, uint64_t room, uint32_t slot)
{
    struct cut *cut = map_get(&cuts->rooms, key_of(&room));
    ensure(cut != NULL && (cut->links & bit_of(slot)) != 0);
    cut->links &= ~bit_of(slot);
    if (cut->links != 0)
        return;
    map_remove(&cuts->rooms, key_of(&room));
    mem_free(cut);
}
