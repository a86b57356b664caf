/* What a task waits for inside receive() or send(): a future in asyncio's protocol
 * (_asyncio_future_blocking), waiting its turn in a queue.
 *
 * Woken from a libuv callback while no application code runs, it steps its task right there,
 * without a trip through call_soon(). A task of another thread's loop is woken through that loop.
 */
#ifndef CASGI_ASGI_WAITER_H
#define CASGI_ASGI_WAITER_H

#include "asgi/bridge.h"

typedef struct WaiterObject WaiterObject;

/* Waiters in order of arrival; embedded. It owns a reference to each. */
struct waiter_queue {
    struct list waiters;
};

void waiter_queue_init(struct waiter_queue *queue);

static inline bool waiter_queue_is_empty(const struct waiter_queue *queue) {
    return list_is_empty(&queue->waiters);
}

/* Wakes the first waiter, if any: takes it off the queue, then runs or schedules its callback. May
 * run application code. */
void waiter_queue_wake_one(struct waiter_queue *queue);

/* As waiter_queue_wake_one(), but never runs application code: for whoever was woken and does not
 * take what there is. */
void waiter_queue_pass_on(struct waiter_queue *queue);

/* Wakes all of them. */
void waiter_queue_wake_all(struct waiter_queue *queue);

/* Visits, and drops without waking. */
int waiter_queue_traverse(struct waiter_queue *queue, visitproc visit, void *arg);
void waiter_queue_clear(struct waiter_queue *queue);

/* Returns new waiter at the end of the queue, or NULL with an exception. Keeps the bridge's owner.
 */
PyObject *waiter_new(struct bridge *bridge, struct waiter_queue *queue);

/* Takes it off its queue; returns true when it had been woken before (and whoever it was may have
 * to wake another). */
bool waiter_abandon(PyObject *waiter);

/* True until it is woken or cancelled. */
bool waiter_is_waiting(PyObject *waiter);

/* True when cancel() was called: awaiting goes on with CancelledError. */
bool waiter_is_cancelled(PyObject *waiter);

/* Raises its CancelledError; returns NULL. */
PyObject *waiter_raise_cancelled(PyObject *waiter);

#endif
