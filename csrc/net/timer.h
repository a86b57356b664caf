/* Timers by the thousand: a hierarchical timing wheel on one uv_timer_t. Start and stop are O(1), a
 * timer is embedded in its owner.
 *
 * Resolution TIMER_TICK_MS: a timer never fires early, and at most a tick (and the loop's lateness)
 * late. The wheel sleeps until the next slot that holds a timer. In a turn timers fire behind the
 * callbacks of the sockets, so that what has come in time is seen in time. */
#ifndef CASGI_NET_TIMER_H
#define CASGI_NET_TIMER_H

#include <stdint.h>

#include "base/list.h"
#include "net/event_loop.h"

#define TIMER_TICK_MS 16

struct timer {
    struct list link;
    uint64_t deadline; /* event_loop_now() at which it fires; 0 when it is not running */
    void (*fire)(struct timer *timer);
};

/* To be embedded: not running. */
void timer_init(struct timer *timer, void (*fire)(struct timer *timer));

/* Starts the timer, or moves it: fire() is called once, `seconds` from now. fire() may start it
 * again. */
void timer_start(struct event_loop *loop, struct timer *timer, double seconds);

/* Stops it; idempotent. A timer must be stopped before its owner is freed. */
void timer_stop(struct timer *timer);

static inline int timer_is_running(const struct timer *timer) {
    return timer->deadline != 0;
}

#endif
