/*
 * Snapshots of who hears and of who is shown: one thread changes both and hands them out, others
 * read them, some late, and give them back. Everything read is what was there when the snapshot was
 * taken; every reference comes back. What the owner writes lies next to what the others read: with
 * -DSAN=thread it is seen whether ever at the same place.
 */
#include "core/base/base.h"
#include "core/base/ensure.h"
#include "core/muc/gallery.h"
#include "core/muc/roster.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

enum { READERS = 2, WAITING = 32, INSIDE = 700, CHANGES = 6000 };

struct snapshot {
    struct roster *roster;
    struct showing *showing;
    uint32_t inside;
};

/* What waits for one reader; the lock orders nothing but the hand-over. */
struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct snapshot at[WAITING];
    unsigned count;
    bool over;
    pthread_t thread;
};

static struct queue queues[READERS];
static struct frame *frames[INSIDE];
static struct address *addresses[INSIDE];

static void put(struct queue *queue, struct snapshot snapshot)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->count == WAITING)
        pthread_cond_wait(&queue->changed, &queue->lock);
    queue->at[queue->count++] = snapshot;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

/* The newest first, so that others grow old. */
static bool take(struct queue *queue, struct snapshot *snapshot)
{
    pthread_mutex_lock(&queue->lock);
    while (queue->count == 0 && !queue->over)
        pthread_cond_wait(&queue->changed, &queue->lock);
    bool is_one = queue->count > 0;
    if (is_one)
        *snapshot = queue->at[--queue->count];
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
    return is_one;
}

static void read_roster(const struct snapshot *snapshot)
{
    uint32_t seen = 0, run;
    const struct roster_entry *entries;
    while ((run = roster_run(snapshot->roster, 0, seen, &entries)) > 0) {
        for (uint32_t i = 0; i < run; i++)
            ensure(entries[i].address == addresses[entries[i].session]);
        seen += run;
    }
    ensure(seen == snapshot->inside && roster_size(snapshot->roster) == seen);
}

static void read_showing(const struct snapshot *snapshot)
{
    uint32_t seen = 0;
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < showing_places(snapshot->showing); i++) {
        const struct frame *frame = showing_at(snapshot->showing, i);
        seen += frame != NULL;
        bytes += frame != NULL ? frame->size : 0;
    }
    ensure(seen == snapshot->inside && showing_count(snapshot->showing) == seen);
    ensure(showing_bytes(snapshot->showing) == bytes);
}

static void *read_all(void *self)
{
    struct snapshot snapshot;
    while (take(self, &snapshot)) {
        read_roster(&snapshot);
        read_showing(&snapshot);
        roster_unref(snapshot.roster);
        showing_free(snapshot.showing);
    }
    return NULL;
}

struct owner {
    struct roster *roster;
    struct gallery *gallery;
    uint32_t places[INSIDE]; /* PLACE_NONE: not inside */
    uint32_t inside;
};

static void come(struct owner *owner, uint32_t who)
{
    struct route route = {.slot = who, .generation = 1, .lane = 0};
    roster_add(&owner->roster, route, addresses[who], who, who, ROSTER_PARTICIPANT);
    owner->places[who] = gallery_add(owner->gallery, frame_ref(frames[who]));
    owner->inside++;
}

static void go(struct owner *owner, uint32_t who)
{
    roster_remove(&owner->roster, who);
    gallery_set(owner->gallery, owner->places[who], NULL);
    owner->places[who] = PLACE_NONE;
    owner->inside--;
}

static void change(struct owner *owner, uint32_t who)
{
    struct route route = {.slot = who, .generation = 2, .lane = 0};
    roster_update(&owner->roster, who, route, who, ROSTER_VISITOR);
    gallery_set(owner->gallery, owner->places[who], NULL);
    gallery_set(owner->gallery, owner->places[who], frame_ref(frames[who]));
}

static void hand_out(struct owner *owner, uint32_t random)
{
    put(&queues[random % READERS],
        (struct snapshot){roster_ref(owner->roster), gallery_show(owner->gallery, NULL, 0),
                          owner->inside});
}

/* Most of them come; now and then one goes or changes. */
static void run_owner(struct owner *owner)
{
    uint32_t random = 1;
    for (unsigned i = 0; i < CHANGES; i++) {
        random = random * 1664525 + 1013904223;
        uint32_t who = (random >> 8) % INSIDE;
        if (owner->places[who] == PLACE_NONE)
            come(owner, who);
        else if ((random >> 28) < 3 && owner->inside > 1)
            go(owner, who);
        else
            change(owner, who);
        hand_out(owner, random >> 20);
    }
}

static void begin_all(void)
{
    struct arena *arena = arena_new(4096);
    for (unsigned i = 0; i < INSIDE; i++) {
        char jid[40];
        struct fb fb;
        snprintf(jid, sizeof(jid), "u%u@localhost/r", i);
        addresses[i] = address_new(str_z(jid));
        fb_begin(&fb, arena, "presence", str_z(jid), STR_NONE, STR_NONE);
        frames[i] = fb_finish(&fb);
    }
    arena_free(arena);
    for (unsigned i = 0; i < READERS; i++) {
        struct queue *queue = &queues[i];
        pthread_mutex_init(&queue->lock, NULL);
        pthread_cond_init(&queue->changed, NULL);
        ensure(pthread_create(&queue->thread, NULL, read_all, queue) == 0);
    }
}

static void end_readers(void)
{
    for (unsigned i = 0; i < READERS; i++) {
        struct queue *queue = &queues[i];
        pthread_mutex_lock(&queue->lock);
        queue->over = true;
        pthread_cond_signal(&queue->changed);
        pthread_mutex_unlock(&queue->lock);
        pthread_join(queue->thread, NULL);
        pthread_cond_destroy(&queue->changed);
        pthread_mutex_destroy(&queue->lock);
    }
}

static void they_stay_as_they_were(void **state)
{
    UNUSED(state);
    static struct owner owner;
    begin_all();
    owner.roster = roster_new();
    owner.gallery = gallery_new();
    run_owner(&owner);
    /* the owner's references go first */
    roster_unref(owner.roster);
    gallery_free(owner.gallery);
    end_readers();
    for (unsigned i = 0; i < INSIDE; i++) {
        assert_int_equal(atomic_load(&frames[i]->refs), 1);
        assert_int_equal(atomic_load(&addresses[i]->refs), 1);
        frame_unref(frames[i]);
        address_unref(addresses[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_stay_as_they_were),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
