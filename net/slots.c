#include "net/slots.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "net/component.h"

#include <stddef.h>

#define SLOTS_FIRST (2 * LINKS_MAX)

static void free_slot(struct slots *slots, uint32_t slot)
{
    slots->at[slot].next_free = 0;
    if (slots->last_free != 0)
        slots->at[slots->last_free].next_free = slot;
    else
        slots->first_free = slot;
    slots->last_free = slot;
}

static void grow(struct slots *slots, uint32_t size)
{
    slots->at = mem_grow(slots->at, sizeof(*slots->at) * size);
    for (uint32_t i = slots->size; i < size; i++) {
        bool of_link = component_has_slot(i);
        slots->at[i] = (struct slot){.generation = of_link ? COMPONENT_GENERATION : 1};
        if (!of_link)
            free_slot(slots, i);
    }
    slots->size = size;
}

void slots_init(struct slots *slots)
{
    *slots = (struct slots){0};
    grow(slots, SLOTS_FIRST);
}

void slots_fini(struct slots *slots)
{
    mem_free(slots->at);
    *slots = (struct slots){0};
}

void slots_take(struct slots *slots, struct conn *conn, uint32_t *slot, uint32_t *generation)
{
    if (slots->first_free == 0)
        grow(slots, slots->size * 2);
    *slot = slots->first_free;
    struct slot *taken = &slots->at[*slot];
    slots->first_free = taken->next_free;
    if (slots->first_free == 0)
        slots->last_free = 0;
    taken->conn = conn;
    *generation = taken->generation;
}

void slots_give(struct slots *slots, uint32_t slot)
{
    ensure(!component_has_slot(slot) && slot < slots->size && slots->at[slot].conn != NULL);
    slots->at[slot].conn = NULL;
    slots->at[slot].generation++;
    free_slot(slots, slot);
}

void slots_set_link(struct slots *slots, uint32_t slot, struct conn *conn)
{
    ensure(component_has_slot(slot));
    slots->at[slot].conn = conn;
}

struct conn *slots_find(const struct slots *slots, uint32_t slot, uint32_t generation)
{
    if (slot >= slots->size || slots->at[slot].generation != generation)
        return NULL;
    return slots->at[slot].conn;
}
