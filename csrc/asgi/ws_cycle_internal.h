/* What ws_cycle.c (receive, events, life), ws_send.c (send) and ws_channel.c (next_event) share;
 * nobody else includes it. */
#ifndef CASGI_ASGI_WS_CYCLE_INTERNAL_H
#define CASGI_ASGI_WS_CYCLE_INTERNAL_H

#include "asgi/cycle.h"
#include "asgi/mailbox.h"
#include "asgi/response.h"
#include "server/websocket.h"

/* A WebSocket's life as its application knows it; ws_cycle.c has the diagram. */
enum ws_cycle_state {
    WS_CYCLE_CONNECTING,
    WS_CYCLE_OPEN,
    WS_CYCLE_CLOSING,
    WS_CYCLE_DISCONNECTED,
};

/* Where the application is with next_event(); ws_channel.c has the diagram. */
enum ws_channel_phase {
    WS_CHANNEL_WAITING,
    WS_CHANNEL_HANDLING,
    WS_CHANNEL_YIELDING,
    WS_CHANNEL_RESUMING,
};

/* The channel of the consumer. */
struct ws_channel {
    const struct ws_channel_ops *ops;
    void *channel;        /* borrowed; NULL without a channel layer */
    struct deferred wake; /* who waits is woken in the next turn, all of a fan-out together */
    enum ws_channel_phase phase;
    bool is_next;     /* the last event was the client's: it is the channel's turn */
    bool holds_event; /* see ws_channel_holds_event() */
};

typedef struct {
    CycleObject cycle;
    struct websocket *websocket; /* NULL when over */
    struct mailbox mailbox;
    struct ws_channel channel;
    struct response *denial; /* websocket.http.response.*, NULL unless it was started */
    uint64_t dropped;        /* group frames that the client was too slow for */
    enum ws_cycle_state state;
    bool is_handling; /* the application has received a message and not asked for the next */
} WsCycleObject;

/* What receive() and next_event() give: the client's next event as a new reference, or NULL, see
 * pending_poll. */
PyObject *ws_cycle_poll_receive(PyObject *cycle);

/* The closing handshake goes on when the application has dealt with all that came before it. */
void ws_cycle_finish_close_if_done(WsCycleObject *self);

/* Prepares a cycle without a channel; ws_channel_release() is due when the WebSocket is gone, and
 * with the cycle. */
void ws_channel_init(WsCycleObject *self);
void ws_channel_release(WsCycleObject *self);

/* The method next_event() of a WsCycle. */
PyObject *ws_channel_next_event(PyObject *cycle, PyObject *ignored);

/* The method _end_yield(): next_event() has waited for the loop to turn. */
PyObject *ws_channel_end_yield(PyObject *cycle, PyObject *ignored);

/* send(message) of a WsCycle: returns an awaitable, which raises what is wrong with the message.
 * NULL with an exception without memory. */
PyObject *ws_send(PyObject *cycle, PyObject *message);

#endif
