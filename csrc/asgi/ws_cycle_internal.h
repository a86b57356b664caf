/* What ws_cycle.c (receive, events, life), ws_send.c (send) and ws_channel.c (next_event) share;
 * nobody else includes it. */
#ifndef CASGI_ASGI_WS_CYCLE_INTERNAL_H
#define CASGI_ASGI_WS_CYCLE_INTERNAL_H

#include "asgi/app_task.h"
#include "asgi/mailbox.h"
#include "asgi/response.h"
#include "asgi/ws_channel.h"
#include "server/websocket.h"

typedef struct {
    PyObject_HEAD
    struct bridge *bridge;
    PyObject *owner;             /* keeps the bridge */
    struct websocket *websocket; /* NULL when over */
    struct attached attached;    /* until then */
    PyObject *scope;
    struct mailbox mailbox;
    struct waiter_queue senders;
    uint64_t dropped;        /* group frames that the client was too slow for */
    struct response *denial; /* websocket.http.response.*, NULL unless it was started */
    struct app_task app_task;
    const struct ws_channel_ops *channel_ops;
    void *channel; /* borrowed; NULL without a channel layer */
    struct deferred
        channel_wake;         /* who waits is woken in the next turn, all of a fan-out together */
    bool has_waited;          /* since the last event of next_event() */
    bool is_yielding;         /* it waits for the loop to turn, not for an event */
    bool is_taking;           /* that, or it was woken since and has not gone on yet */
    bool is_channel_next;     /* the last event was the client's: it is the channel's turn */
    bool holds_channel_event; /* see ws_channel_holds_event() */
    bool is_started;
    bool is_accepted;
    bool is_closing;      /* on_close() came: the disconnect is in the mailbox, or was received */
    bool is_disconnected; /* the application has received websocket.disconnect */
    bool is_handling;     /* it has received a message and not asked for the next */
    bool is_paused;
    bool was_asked;   /* receive() was called */
    bool is_channels; /* by a consumer of Channels */
} WsCycleObject;

/* What receive() and next_event() give: the client's next event as a new reference, or NULL, see
 * pending_poll. */
PyObject *ws_cycle_poll_receive(PyObject *cycle);

/* The closing handshake goes on when the application has dealt with all that came before it. */
void ws_cycle_finish_close_if_done(WsCycleObject *self);

/* Prepares a cycle without a channel; ws_channel_release() is due when the WebSocket is gone, and
 * with the cycle.
 */
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
