#include "net/slots.h"

#include "core/base/ensure.h"
#include "core/base/mem.h"
#include "net/component.h"

#include <stddef.h>

#define SLOTS_FIRST 64

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
        slots->at[i] = (struct slot){.generation = 1};
        if (i != COMPONENT_SLOT)
            free_slot(slots, i);
    }
    slots->size = size;
}

void slots_init(struct slots *slots)
{
    *slots = (struct slots){0};
    grow(slots, SLOTS_FIRST);
    slots->at[COMPONENT_SLOT].generation = COMPONENT_GENERATION;
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
    ensure(slot != COMPONENT_SLOT && slot < slots->size && slots->at[slot].conn != NULL);
    slots->at[slot].conn = NULL;
    slots->at[slot].generation++;
    free_slot(slots, slot);
}

void slots_set_link(struct slots *slots, struct conn *conn)
{
    slots->at[COMPONENT_SLOT].conn = conn;
}

struct conn *slots_find(const struct slots *slots, uint32_t slot, uint32_t generation)
{
    if (slot >= slots->size || slots->at[slot].generation != generation)
        return NULL;
    return slots->at[slot].conn;
}
