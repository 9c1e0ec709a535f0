#include "shard/window.h"

#include "core/base/ensure.h"
#include "core/base/limits.h"
#include "core/base/mem.h"

enum { WAITING_FIRST = 32 };

struct waiting {
    struct effect effect;        /* a list's frames are in `items` instead */
    struct delivery_item *items; /* heap */
    bool replaced;               /* nothing is left of it */
};

struct window {
    struct windows *windows;
    struct window *next, **link; /* of those in which something waits; NULL: not among them */
    uint64_t room;
    int64_t sent_us; /* presence went out last */
    struct waiting *at;
    uint32_t count;
    uint32_t cap;
    uint32_t steps;  /* that wait */
    uint64_t copies; /* and for how many recipients they are */
};

void windows_init(struct windows *windows, struct fanout *fanout)
{
    *windows = (struct windows){.fanout = fanout};
}

/* ---- one window ---- */

static struct window *window_new(struct windows *windows, const struct window_step *step)
{
    struct window *window = MEM_NEW(struct window);
    window->windows = windows;
    window->room = step->room;
    window->sent_us = step->now_us - PRESENCE_WINDOW_US;
    return window;
}

static void enlist(struct window *window)
{
    struct windows *windows = window->windows;
    window->next = windows->first;
    if (window->next != NULL)
        window->next->link = &window->next;
    window->link = &windows->first;
    windows->first = window;
}

static void delist(struct window *window)
{
    if (window->link == NULL)
        return;
    *window->link = window->next;
    if (window->next != NULL)
        window->next->link = window->link;
    window->link = NULL;
}

static void hand_over(const struct window *window, const struct waiting *waiting)
{
    struct fanout *fanout = window->windows->fanout;
    const struct effect *effect = &waiting->effect;
    if (effect->kind == FX_SEND)
        fanout_one(fanout, window->room, effect->send.route, effect->send.frame,
                   effect->send.address);
    else if (effect->kind == FX_SEND_LIST && effect->send_list.showing != NULL)
        fanout_showing(fanout, window->room, effect->send_list.route, effect->send_list.showing,
                       effect->send_list.address);
    else if (effect->kind == FX_SEND_LIST)
        fanout_items(fanout, window->room, effect->send_list.route, waiting->items,
                     effect->send_list.count, effect->send_list.address);
    else
        fanout_broadcast(fanout, window->room, effect->broadcast.frame, effect->broadcast.roster,
                         effect->broadcast.audience);
}

static void emptied(struct window *window)
{
    window->count = 0;
    window->steps = 0;
    window->copies = 0;
    delist(window);
}

static void flush(struct window *window, int64_t now_us)
{
    for (uint32_t i = 0; i < window->count; i++) {
        if (!window->at[i].replaced)
            hand_over(window, &window->at[i]);
    }
    window->sent_us = now_us;
    emptied(window);
}

static void drop(struct waiting *waiting)
{
    struct effect *effect = &waiting->effect;
    if (waiting->replaced)
        return;
    if (effect->kind == FX_SEND) {
        frame_unref(effect->send.frame);
        address_unref(effect->send.address);
    } else if (effect->kind == FX_SEND_LIST) {
        if (waiting->items != NULL)
            delivery_items_free(waiting->items, effect->send_list.count);
        showing_free(effect->send_list.showing);
        address_unref(effect->send_list.address);
    } else {
        frame_unref(effect->broadcast.frame);
        roster_unref(effect->broadcast.roster);
    }
}

void window_free(struct window *window)
{
    if (window == NULL)
        return;
    for (uint32_t i = 0; i < window->count; i++)
        drop(&window->at[i]);
    emptied(window);
    mem_free(window->at);
    mem_free(window);
}

/* ---- which way a step goes ---- */

enum way {
    WAY_NOW,
    WAY_TOGETHER, /* presence that may wait */
    WAY_BEHIND,   /* answers to one client: not in front of what waits */
};

static enum way way_of(const struct effects *effects)
{
    bool presence = false, hurry = false;
    for (uint32_t i = 0; i < effects->count; i++) {
        const struct effect *effect = &effects->at[i];
        switch (effect->kind) {
        case FX_BROADCAST:
            if (effect->broadcast.tidings.urgency == URGENCY_PROMPT)
                return WAY_NOW;
            presence = true;
            break;
        case FX_SEND:
            hurry |= frame_is(effect->send.frame, STR("message"));
            break;
        case FX_SEND_LIST:
            hurry = true;
            break;
        case FX_ROUTE:
        case FX_LOSS_HEARD:
            return WAY_NOW;
        case FX_TIMER:
        case FX_PUBLISH:
        case FX_COMMIT:
        case FX_APPEND:
        case FX_ASK:
        case FX_SESSION:
        case FX_TALLY:
        case FX_COMMAND:
        case FX_REPORT:
            break;
        }
    }
    if (presence)
        return WAY_TOGETHER;
    return hurry ? WAY_NOW : WAY_BEHIND;
}

struct window *window_for(struct windows *windows, struct window **window,
                          const struct window_step *step)
{
    bool waits = *window != NULL && (*window)->count > 0;
    bool small = step->sessions < PRESENCE_WINDOW_FROM;
    if (small && *window == NULL)
        return NULL;
    enum way way = small ? WAY_NOW : way_of(step->effects);
    if (waits && way == WAY_NOW)
        flush(*window, step->now_us);
    if (small) {
        window_free(*window);
        *window = NULL;
    }
    if (way != WAY_TOGETHER)
        return waits && way == WAY_BEHIND ? *window : NULL;

    if (*window == NULL)
        *window = window_new(windows, step);
    bool rush = step->now_us - (*window)->sent_us < PRESENCE_WINDOW_US;
    if (waits || (rush && !fanout_idle(windows->fanout)))
        return *window;
    (*window)->sent_us = step->now_us;
    return NULL;
}

/* ---- waiting ---- */

/* Goes back to what was last said about the occupant. A step says it twice where some see JIDs and
 * others do not: the two have different audiences, and each replaces its own. */
static void replace(struct window *window, uint32_t about, uint8_t any_of)
{
    for (uint32_t i = window->count; i-- > 0;) {
        struct waiting *earlier = &window->at[i];
        const struct effect *effect = &earlier->effect;
        if (earlier->replaced || effect->kind != FX_BROADCAST ||
            effect->broadcast.tidings.about != about)
            continue;
        if (effect->broadcast.tidings.urgency != URGENCY_STANDING)
            return;
        if (effect->broadcast.audience.any_of != any_of)
            continue;
        window->copies -= roster_size(effect->broadcast.roster);
        drop(earlier);
        earlier->replaced = true;
        return;
    }
}

static struct waiting *append(struct window *window)
{
    if (window->count == window->cap) {
        window->cap = window->cap == 0 ? WAITING_FIRST : window->cap * 2;
        window->at = mem_grow(window->at, sizeof(*window->at) * window->cap);
    }
    if (window->count == 0)
        enlist(window);
    struct waiting *waiting = &window->at[window->count++];
    *waiting = (struct waiting){0};
    return waiting;
}

static void hold_broadcast(struct window *window, const struct effect *effect)
{
    struct tidings tidings = effect->broadcast.tidings;
    ensure(tidings.urgency != URGENCY_PROMPT);
    if (tidings.urgency == URGENCY_STANDING)
        replace(window, tidings.about, effect->broadcast.audience.any_of);
    append(window)->effect = *effect;
    window->copies += roster_size(effect->broadcast.roster);
}

void window_hold(struct window *window, const struct effect *effect)
{
    if (effect->kind == FX_BROADCAST) {
        hold_broadcast(window, effect);
        return;
    }
    ensure(effect->kind == FX_SEND || effect->kind == FX_SEND_LIST);
    struct waiting *waiting = append(window);
    waiting->effect = *effect;
    if (effect->kind == FX_SEND_LIST && effect->send_list.showing != NULL) {
        window->copies += showing_count(effect->send_list.showing);
    } else if (effect->kind == FX_SEND_LIST) {
        waiting->items = delivery_items(effect->send_list.frames, effect->send_list.count);
        window->copies += effect->send_list.count;
    } else {
        window->copies++;
    }
}

void window_settle(struct window *window, int64_t now_us)
{
    window->steps++;
    if (window->steps >= PRESENCE_WINDOW_STEPS || window->copies >= PRESENCE_WINDOW_COPIES)
        flush(window, now_us);
}

/* ---- the clock ---- */

void windows_look(struct windows *windows, int64_t now_us)
{
    struct window *next;
    bool idle = fanout_idle(windows->fanout);
    for (struct window *window = windows->first; window != NULL; window = next) {
        next = window->next;
        if (idle || now_us - window->sent_us >= PRESENCE_WINDOW_US)
            flush(window, now_us);
    }
}

int windows_timeout_ms(const struct windows *windows, int64_t now_us)
{
    int64_t soonest = PRESENCE_WINDOW_US;
    if (windows->first == NULL)
        return -1;
    for (const struct window *window = windows->first; window != NULL; window = window->next) {
        int64_t left = window->sent_us + PRESENCE_WINDOW_US - now_us;
        soonest = left < soonest ? left : soonest;
    }
    return soonest <= 0 ? 0 : (int)((soonest + 999) / 1000);
}
