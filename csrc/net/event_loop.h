/* One libuv loop and what casgi hangs on it: the end-of-turn flush list, the timing wheel, the
 * shared read buffer, and the hooks by which whoever drives the loop (loop/selector, loop/rider) is
 * notified when it may block.
 *
 * A *turn* is one event_loop_turn(): what the application does between two turns belongs to the
 * turn before. No other folder but loop/ sees uv.h.
 *
 * All of net/ happens on the thread that takes the turns, or on another one while a lock keeps that
 * thread out of here: the GIL, which it gives up only between before_block() and after_block(), and
 * in Python code, before which whoever is outside a turn holds the loop. What another thread queues
 * then has the loop turn at once. */
#ifndef CASGI_NET_EVENT_LOOP_H
#define CASGI_NET_EVENT_LOOP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/slice.h"

struct event_loop;
struct timer_wheel;

/* What the driver of the loop wants to know; all are called with `owner`, any may be NULL. */
struct event_loop_hooks {
    /* The turn is going to wait: the GIL can go. Not called in a turn that finds something to do,
     * or whose timeout is 0. */
    void (*before_block)(void *owner);
    /* The wait is over, before any callback: the GIL must be back. Once per before_block(). */
    void (*after_block)(void *owner);
    /* Work was queued outside a turn (bytes to flush, a handle to start or close): a turn is wanted
     * soon. Called at most once until the next turn. A driver that takes a turn after every round
     * of callbacks anyway leaves it NULL. */
    void (*want_turn)(void *owner);
    void *owner;
    /* The driver gives a turn a timeout other than 0 when it has nothing to do itself: the loop
     * knows when it rests. */
    bool lets_rest;
};

/* Something that is to be done once at the end of the current turn. Embedded in its owner. */
struct deferred {
    struct list link;
    void (*run)(struct deferred *deferred);
};

/* Who wants to know when turns begin and when they wait. Embedded in its owner. */
struct turn_report {
    void (*report)(struct turn_report *report, bool is_waiting);
};

/* Returns new loop, or NULL. */
struct event_loop *event_loop_new(void);

/* Sets the hooks (copied). */
void event_loop_set_hooks(struct event_loop *loop, const struct event_loop_hooks *hooks);

/* Calls `report` (*borrows* until it is replaced by NULL) as each turn begins, before its wait and
 * after it. */
void event_loop_set_turn_report(struct event_loop *loop, struct turn_report *report);

/* Nanoseconds of the system's monotonic clock, which all processes share; a system call. */
uint64_t event_loop_clock(void);

/* Runs one turn: the deferred work, then the callbacks of everything that is ready; if there is
 * nothing, waits at most `timeout_ms` (0: not at all; negative: without limit) and looks again. A
 * signal ends the wait early. Not reentrant: STATUS_STATE from inside a turn. */
int event_loop_turn(struct event_loop *loop, int64_t timeout_ms);

/* While somebody holds the loop a turn does nothing: whoever is in the middle of a function of
 * net/, server/ or asgi/, outside a turn, may run Python code there, and what a turn would free,
 * close or answer has to stay until it is back. Calls nest. A turn that finds the loop held waits a
 * moment, without the GIL, for the thread that holds it. */
void event_loop_hold(struct event_loop *loop);
void event_loop_let_go(struct event_loop *loop);
bool event_loop_is_held(const struct event_loop *loop);

/* One turn without waiting in which event_loop_enter_application() says no: for whoever is
 * application code itself and cannot wait for the driver's next turn, and for a driver that has
 * application code of its own to run first. STATUS_STATE from inside a turn. */
int event_loop_turn_within_application(struct event_loop *loop);

/* True in a turn that has read from many sockets: what is written now should leave together. */
bool event_loop_is_busy(const struct event_loop *loop);

/* True on the thread that takes the turns, or took the last. */
bool event_loop_is_on_thread(const struct event_loop *loop);

/* True inside event_loop_turn(). */
bool event_loop_is_in_turn(const struct event_loop *loop);

/* Milliseconds until the loop wants its next turn: 0 at once, negative when only a descriptor can
 * bring work. For a driver that waits elsewhere, on event_loop_descriptor(). */
int event_loop_timeout(struct event_loop *loop);

/* The descriptor that becomes readable when a turn has something to do. */
int event_loop_descriptor(const struct event_loop *loop);

/* In a forked child: the handles' descriptors lead nowhere from now on, and the loop has an epoll
 * of its own, so that nothing the child does reaches the parent's connections and its loop. */
void event_loop_leave_to_parent(struct event_loop *loop);

/* Tells that work was queued: calls want_turn if none was asked for since the last turn, or wakes
 * the loop from another thread. Cheap; every function of net/ that needs the loop to run again
 * calls it. */
void event_loop_want_turn(struct event_loop *loop);

/* From any thread, signal handlers of Python included: the wait of this turn ends at once, or that
 * of the next. A system call once for each turn at most. */
void event_loop_unblock(struct event_loop *loop);

/* Under the lock that before_block() lets go of, while the loop does not wait: the driver has work,
 * so this turn, or else the next, does not wait. No system call. */
void event_loop_skip_wait(struct event_loop *loop);

/* From any thread: whether a turn waits, which it may just have ceased to do. Under the lock that
 * before_block() lets go of: if not, it does not before that lock is free again. */
bool event_loop_is_waiting(const struct event_loop *loop);

/* Runs `deferred` at the end of this turn (before the next poll); queueing it twice runs it once.
 */
void event_loop_defer(struct event_loop *loop, struct deferred *deferred);

/* Runs `deferred` before the loop next waits, or two milliseconds later if it does not come to
 * that: what a busy loop has for somebody outside leaves together. As event_loop_defer() on a loop
 * whose driver does not let it rest. */
void event_loop_defer_to_rest(struct event_loop *loop, struct deferred *deferred);

/* Whether its driver lets it rest. */
bool event_loop_rests(const struct event_loop *loop);

/* To be embedded: not queued. */
void deferred_init(struct deferred *deferred, void (*run)(struct deferred *deferred));

/* Takes it off the queue; idempotent. */
void deferred_cancel(struct deferred *deferred);

/* Every callback that libuv makes calls this first, and deferred work that runs application code: a
 * turn in which something happened does not go on to wait. */
void event_loop_wake(struct event_loop *loop);

/* Milliseconds of a monotonic clock, as of the start of this turn's callbacks; no system call. */
uint64_t event_loop_now(const struct event_loop *loop);

/* Brings that clock up to date: for a loop that is turned now and then only. */
void event_loop_update_time(struct event_loop *loop);

/* The number of this turn: tells whether something happened in the same turn. */
uint64_t event_loop_turn_number(const struct event_loop *loop);

/* The wheel on which all timers of this loop stand. *Borrows*: lives as long as the loop. */
struct timer_wheel *event_loop_timers(struct event_loop *loop);

/* Asks to run application code right here. True when a callback of this turn asks and no
 * application code is running on this loop: the caller then runs it and calls
 * event_loop_leave_application(). False between turns, inside application code and on another
 * thread: it must be scheduled. */
bool event_loop_enter_application(struct event_loop *loop);
void event_loop_leave_application(struct event_loop *loop);

/* From now on event_loop_enter_application() always says no: for applications that run the driver's
 * loop from within themselves, and so must not run within a turn. */
void event_loop_refuse_application(struct event_loop *loop);
bool event_loop_refuses_application(const struct event_loop *loop);

/* Ends the turn early and leaves `interrupt` (opaque; a KeyboardInterrupt or SystemExit of the
 * application) for the driver, who takes it after the turn. Returns false when one is already
 * waiting: the caller keeps it then. */
bool event_loop_interrupt(struct event_loop *loop, void *interrupt);
void *event_loop_take_interrupt(struct event_loop *loop);

/* The libuv loop (uv_loop_t *), for net/ and loop/ only. */
void *event_loop_uv(struct event_loop *loop);

/* True while a stream or listener is on the loop that was not asked to close. */
bool event_loop_is_in_use(const struct event_loop *loop);

/* Frees the loop, not from inside a turn. Every stream, listener and timer must be closed; runs
 * turns that do not block until libuv has let go of its handles. A loop in use is not freed: its
 * memory is given up rather than pulled away under its streams. */
void event_loop_free(struct event_loop *loop);

#endif
