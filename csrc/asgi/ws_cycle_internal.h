/* What ws_cycle.c (receive, events, life) and ws_send.c (send) share; nobody else includes it. */
#ifndef CASGI_ASGI_WS_CYCLE_INTERNAL_H
#define CASGI_ASGI_WS_CYCLE_INTERNAL_H

#include "asgi/app_task.h"
#include "asgi/mailbox.h"
#include "asgi/response.h"
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
    struct response *denial; /* websocket.http.response.*, NULL unless it was started */
    struct app_task app_task;
    bool is_started;
    bool is_accepted;
    bool is_closing;      /* on_close() came: the disconnect is in the mailbox, or was received */
    bool is_disconnected; /* the application has received websocket.disconnect */
    bool is_handling;     /* it has received a message and not asked for the next */
    bool is_paused;
    bool was_asked;   /* receive() was called */
    bool is_channels; /* by a consumer of Channels */
} WsCycleObject;

/* send(message) of a WsCycle: returns an awaitable, which raises what is wrong with the message.
 * NULL with an exception without memory. */
PyObject *ws_send(PyObject *cycle, PyObject *message);

#endif
