/* The channel of a WebSocket's consumer, as the cycle knows it: a second source of events for the
 * application, beside what the client sends.
 *
 * `next_event()` of a cycle gives the events of both, one of each in turn while both have some, the
 * client's first: the order in which Channels' own await_many_dispatch() looks at its two tasks. */
#ifndef CASGI_ASGI_WS_CHANNEL_H
#define CASGI_ASGI_WS_CHANNEL_H

#include "state.h"
#include "ws/ws_message.h"

struct ws_channel_ops {
    /* True when take() would return one. */
    bool (*has_event)(void *channel);
    /* Returns the channel's first event, a new reference; NULL when there is none (no exception).
     */
    PyObject *(*take)(void *channel);
    /* Returns the consumer that listens. *Borrows*. */
    PyObject *(*consumer)(void *channel);
};

/* Returns the cycle whose receive or send `method` is (*borrows*), NULL when it is no casgi
 * WebSocket's. */
PyObject *ws_channel_cycle_of(struct module_state *state, PyObject *method);

/* The asyncio loop of the cycle's server. *Borrows*. */
PyObject *ws_channel_loop(PyObject *cycle);

/* Attaches the only channel; *keeps* `channel` borrowed until ws_channel_detach(). False when there
 * is one already. */
bool ws_channel_attach(PyObject *cycle, const struct ws_channel_ops *ops, void *channel);
void ws_channel_detach(PyObject *cycle);

/* How many groups its WebSocket may be in; 0: no limit. */
size_t ws_channel_most_groups(PyObject *cycle);

/* False once the WebSocket is closed, or its handshake refused. */
bool ws_channel_is_open(PyObject *cycle);

/* True while the application waits in next_event(), the WebSocket is open, and no event of the
 * client waits: then no handler of it is half-way. The channel itself is not looked at. */
bool ws_channel_is_idle(PyObject *cycle);

/* Returns the consumer that listens (*borrows*), or NULL. Runs no application code. */
PyObject *ws_channel_consumer(PyObject *cycle);

/* Returns the scope in which it is known who the client is: that of `consumer` (may be NULL), which
 * middleware has added to, or else the one that the application was given. Returns new reference.
 */
PyObject *ws_channel_scope(PyObject *cycle, PyObject *consumer);

/* Puts a message (*borrows*) into the write queue as a group's, see websocket_deliver(), and what
 * it may run. Returns whether it was taken. */
bool ws_channel_deliver(PyObject *cycle, struct ws_message *message);

/* The channel has an event: who waits is woken in the loop's next turn. Runs no application code.
 */
void ws_channel_wake(PyObject *cycle);

/* True while the channel's first event is on its way: Channels' own task for the channel has taken
 * it by then. That is when the loop has turned since the channel had its first and the application
 * waits, or handles the client's event; and while the next event only waits for the loop to turn.
 */
bool ws_channel_holds_event(PyObject *cycle);

#endif
