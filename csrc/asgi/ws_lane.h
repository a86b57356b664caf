/* A second lane of events into a WebSocket's application: what a channel layer has for its
 * consumer, beside what the client sends.
 *
 * `next_event()` of a cycle gives the events of both, one of each in turn while both have some, the
 * client's first: the order in which Channels' own await_many_dispatch() looks at its two tasks. */
#ifndef CASGI_ASGI_WS_LANE_H
#define CASGI_ASGI_WS_LANE_H

#include "base/frame.h"
#include "state.h"

struct ws_lane_ops {
    /* True when take() would return one. */
    bool (*has_event)(void *lane);
    /* Returns the lane's first event, a new reference; NULL when there is none (no exception). */
    PyObject *(*take)(void *lane);
    /* The WebSocket is closed. Must run no application code. */
    void (*on_close)(void *lane);
    /* Returns the consumer that listens. *Borrows*. */
    PyObject *(*consumer)(void *lane);
};

/* Returns the cycle whose receive or send `method` is (*borrows*), NULL when it is no casgi
 * WebSocket's. */
PyObject *ws_lane_cycle_of(struct module_state *state, PyObject *method);

/* The asyncio loop of the cycle's server. *Borrows*. */
PyObject *ws_lane_loop(PyObject *cycle);

/* Attaches the only lane; *keeps* `lane` borrowed until ws_lane_detach(). False when there is one
 * already. */
bool ws_lane_attach(PyObject *cycle, const struct ws_lane_ops *ops, void *lane);
void ws_lane_detach(PyObject *cycle);

/* False once the WebSocket is closed, or its handshake refused. */
bool ws_lane_is_open(PyObject *cycle);

/* True while the application waits in next_event(), the WebSocket is open, and no event of the
 * client waits: then no handler of it is half-way. The lane itself is not looked at. */
bool ws_lane_is_idle(PyObject *cycle);

/* Returns the consumer that listens, a new reference, or NULL. Allocates nothing and runs no
 * application code. */
PyObject *ws_lane_consumer(PyObject *cycle);

/* Returns the scope in which it is known who the client is: that of `consumer` (may be NULL), which
 * middleware has added to, or else the one that the application was given. A new reference. */
PyObject *ws_lane_scope(PyObject *cycle, PyObject *consumer);

/* Puts a frame (*borrows*) into the write queue as a group's, see websocket_deliver(). Runs no
 * application code. */
bool ws_lane_deliver(PyObject *cycle, struct frame *frame);

/* The lane has an event: who waits is woken in the loop's next turn. Runs no application code. */
void ws_lane_wake(PyObject *cycle);

/* True while the lane's first event is on its way: Channels' own task for the lane has taken it by
 * then. That is when the client's event is being handled and the loop has turned since the lane had
 * its first; and while the next event only waits for the loop to turn. */
bool ws_lane_holds_event(PyObject *cycle);

#endif
