/*
 * The window: in a large room, presence that comes close upon presence waits for what comes next,
 * so that a rush of comings, goings and changes goes out as one batch: each recipient is written to
 * once, and a presence that another has made worthless by then is not written at all.
 *
 * What waits    Whole steps, with all they sent, in their order: the newcomer's list with the news
 *               of its coming. Presence that comes when none went out for PRESENCE_WINDOW_US is not
 *               held: who changes alone is seen at once, and starts the clock for the next. Nor is
 *               any held while the lanes have nothing to do: it would be written no cheaper later.
 * How long      Until the lanes are done with what they were given before, or the clock is out, or
 *               PRESENCE_WINDOW_STEPS or _COPIES are together.
 * Order         A room's output leaves in the order in which it was made. A message, a list asked
 *               for, or whatever changes who sees what (URGENCY_PROMPT) takes all that waits along,
 *               in front of it; answers to one client queue up behind.
 * Replaced      URGENCY_STANDING by a later one about the same occupant for the same audience, with
 *               nothing of URGENCY_LASTING about that occupant in between. Nobody misses it:
 * whoever was to hear the first and is still there hears the second, since roles do not change
 *               inside a window; whoever comes in between is given a list built at that moment, and
 *               hears the second after it; whoever goes in between needs neither.
 * Never lost    A room that shrinks, is destroyed or shut down hands over what waits first.
 * Small rooms   Below PRESENCE_WINDOW_FROM sessions nothing of this happens.
 */
#ifndef SHARD_WINDOW_H
#define SHARD_WINDOW_H

#include "shard/fanout.h"

struct window; /* of one room */

struct windows { /* of one shard */
    struct fanout *fanout;
    struct window *first; /* of those in which something waits */
};

void windows_init(struct windows *windows, struct fanout *fanout);

struct window_step {
    const struct effects *effects;
    uint64_t room;
    uint32_t sessions; /* in the room, after the step */
    int64_t now_us;
};

/* Where the deliveries of a step wait: each goes to window_hold(), then window_settle(). NULL: they
 * go out now; what waited has been handed over. *window is the room's, at first NULL. */
struct window *window_for(struct windows *windows, struct window **window,
                          const struct window_step *step);
/* FX_SEND, FX_SEND_LIST, FX_BROADCAST. References are TAKEN, texts copied. */
void window_hold(struct window *window, const struct effect *effect);
void window_settle(struct window *window, int64_t now_us);

/* Hands over what need not wait any longer. Towards the end of each cycle. */
void windows_look(struct windows *windows, int64_t now_us);
/* Milliseconds until then; -1: nothing waits. */
int windows_timeout_ms(const struct windows *windows, int64_t now_us);

/* What still waits is dropped. NULL allowed. */
void window_free(struct window *window);

#endif
