/* The inside of an event loop, for the files of net/ only. */
#ifndef CASGI_NET_EVENT_LOOP_INTERNAL_H
#define CASGI_NET_EVENT_LOOP_INTERNAL_H

#include <uv.h>

#include "base/limits.h"
#include "net/event_loop.h"

struct event_loop {
    uv_loop_t uv;
    uv_async_t wakeup;   /* a turn is wanted by another thread */
    int wait_end;        /* eventfd that ends the wait; -1: none, `wakeup` does */
    uv_thread_t thread;  /* that takes the turns */
    uv_prepare_t keeper; /* does nothing: uv_run() looks at nothing when no handle is active */
    struct event_loop_hooks hooks;
    struct turn_report *turn_report; /* borrowed; NULL: nobody */
    struct list deferred;
    struct list at_rest; /* of struct deferred, too */
    uint64_t at_rest_since;
    struct timer_wheel *timers;
    void *interrupt;
    uint64_t turn_number;
    uint32_t reads;        /* in this turn so far */
    uint32_t open_handles; /* streams and listeners that were not asked to close */
    bool in_turn;
    _Atomic bool is_waiting; /* in the wait of a turn, for other threads to see */
    _Atomic bool ends_wait;  /* `wait_end` was written to and not yet read */
    bool woken;              /* libuv made a callback in this turn */
    bool skips_wait;         /* event_loop_skip_wait() was called since the last turn's end */
    bool turn_wanted;        /* want_turn() was called since the last turn */
    uint32_t holders;        /* see event_loop_hold() */
    bool in_application;
    bool refuses_application;
    bool closing;
    char read_buffer[LIMIT_READ_SIZE]; /* whatever stream is being read: its bytes live for one
                                          callback */
};

/* Returns new wheel on `loop`, or NULL. */
struct timer_wheel *timer_wheel_new(struct event_loop *loop);

/* Fires the timers that are due. Called when the sockets have been looked at: a loop that was held
 * up for longer than somebody's time sees first what they have sent meanwhile. */
void timer_wheel_fire(struct timer_wheel *wheel);

/* Closes the wheel, which must be empty; it frees itself from the loop's next turn. */
void timer_wheel_close(struct timer_wheel *wheel);

#endif
