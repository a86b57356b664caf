/* next_event() of a WsCycle, and the channel attached to it, which is borrowed from whoever
 * attached it, who keeps the cycle meanwhile.
 *
 *   WAITING --an event comes--> HANDLING --next_event(), nothing there--> WAITING
 *   HANDLING --next_event(), an event is there--> YIELDING --the loop has turned--> RESUMING
 *   RESUMING --the event is given--> HANDLING
 *
 * Between two events the loop turns: what the first one's handler has started begins before the
 * second one is handled, as with the tasks that the original makes for each, and a consumer with
 * many events does not keep the loop for itself. */
#include "asgi/ws_channel.h"

#include "asgi/async_method.h"
#include "asgi/ws_cycle_internal.h"
#include "server/server.h"

static bool has_event(const struct ws_channel *channel) {
    return channel->channel != NULL && channel->ops->has_event(channel->channel);
}

static PyObject *take_from(WsCycleObject *self, bool is_channel) {
    struct ws_channel *channel = &self->channel;
    if (is_channel) {
        return channel->channel == NULL ? NULL : channel->ops->take(channel->channel);
    }
    return self->mailbox.count == 0 ? NULL : ws_cycle_poll_receive((PyObject *)self);
}

/* The loop has turned; who waits may go on. Returns whether somebody waited for that. */
static bool resume(WsCycleObject *self) {
    bool was_yielding = self->channel.phase == WS_CHANNEL_YIELDING;
    if (was_yielding) {
        self->channel.phase = WS_CHANNEL_RESUMING;
    }
    return was_yielding;
}

PyObject *ws_channel_end_yield(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    WsCycleObject *self = (WsCycleObject *)op;
    (void)resume(self);
    waiter_queue_pass_on(&self->cycle.receivers);
    Py_RETURN_NONE;
}

/* Has ws_channel_end_yield() called after the loop has turned. Without a WebSocket the cycle may be
 * on no libuv loop any more. Returns false when there is no loop at all. */
static bool end_yield_later(WsCycleObject *self) {
    struct bridge *bridge = self->cycle.bridge;
    if (self->websocket != NULL) {
        event_loop_defer(bridge->event_loop, &self->channel.wake);
        return true;
    }
    PyObject *method = PyObject_GetAttrString((PyObject *)self, "_end_yield");
    PyObject *handle =
        method == NULL || bridge->loop == NULL
            ? NULL
            : PyObject_CallMethodOneArg(bridge->loop, bridge->state->strings.call_soon, method);
    bool is_scheduled = handle != NULL;
    PyErr_Clear();
    Py_XDECREF(handle);
    Py_XDECREF(method);
    return is_scheduled;
}

/* Returns whether the caller has to wait for the loop to turn. */
static bool yields_first(WsCycleObject *self) {
    struct ws_channel *channel = &self->channel;
    bool has_any = self->mailbox.count > 0 || has_event(channel);
    if (has_any && channel->phase == WS_CHANNEL_HANDLING && end_yield_later(self)) {
        channel->phase = WS_CHANNEL_YIELDING;
        return true;
    }
    return false;
}

static PyObject *poll_next(PyObject *op) {
    WsCycleObject *self = (WsCycleObject *)op;
    struct ws_channel *channel = &self->channel;
    self->is_handling = false;
    if (channel->phase == WS_CHANNEL_HANDLING && !channel->holds_event) {
        channel->is_next = false; /* what came too late to be taken waits behind the client's */
    }
    if (yields_first(self)) {
        return NULL;
    }
    bool from_channel = channel->is_next;
    PyObject *event = take_from(self, from_channel);
    if (event == NULL && !PyErr_Occurred()) {
        from_channel = !from_channel;
        event = take_from(self, from_channel);
    }
    channel->phase = event != NULL ? WS_CHANNEL_HANDLING : WS_CHANNEL_WAITING;
    if (event != NULL && from_channel && self->websocket != NULL) {
        metrics_add(&self->websocket->server->metrics, METRIC_group_messages_consumed, 1);
    }
    channel->is_next = event != NULL && !from_channel;
    channel->holds_event = channel->is_next && has_event(channel);
    ws_cycle_finish_close_if_done(self);
    return event;
}

PyObject *ws_channel_next_event(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    CycleObject *cycle = (CycleObject *)op;
    return pending_new(cycle->bridge, op, &cycle->receivers, poll_next);
}

PyObject *ws_channel_cycle_of(struct module_state *state, PyObject *method) {
    PyObject *self = async_method_self(state, method);
    return self != NULL && Py_IS_TYPE(self, state->ws_cycle_type) ? self : NULL;
}

PyObject *ws_channel_loop(PyObject *cycle) {
    return ((CycleObject *)cycle)->bridge->loop;
}

PyObject *ws_channel_consumer(PyObject *cycle) {
    const struct ws_channel *channel = &((const WsCycleObject *)cycle)->channel;
    return channel->channel == NULL ? NULL : channel->ops->consumer(channel->channel);
}

PyObject *ws_channel_scope(PyObject *op, PyObject *consumer) {
    const CycleObject *cycle = (const CycleObject *)op;
    PyObject *attributes = consumer == NULL ? NULL : PyObject_GenericGetDict(consumer, NULL);
    PyObject *scope =
        attributes == NULL
            ? NULL
            : PyDict_GetItemWithError(attributes, cycle->bridge->state->strings.scope);
    PyErr_Clear(); /* a consumer without a __dict__ */
    scope = Py_NewRef(scope != NULL && PyDict_CheckExact(scope) ? scope : cycle->scope);
    Py_XDECREF(attributes);
    return scope;
}

bool ws_channel_attach(PyObject *cycle, const struct ws_channel_ops *ops, void *channel) {
    WsCycleObject *self = (WsCycleObject *)cycle;
    if (self->channel.channel != NULL) {
        return false;
    }
    self->channel.channel = channel;
    self->channel.ops = ops;
    return true;
}

void ws_channel_detach(PyObject *cycle) {
    ((WsCycleObject *)cycle)->channel.channel = NULL;
}

size_t ws_channel_most_groups(PyObject *cycle) {
    const struct server *server = ((WsCycleObject *)cycle)->cycle.bridge->server;
    return server == NULL ? 0 : server->options.websocket_max_groups;
}

bool ws_channel_is_open(PyObject *cycle) {
    const WsCycleObject *self = (const WsCycleObject *)cycle;
    return self->websocket != NULL && self->state < WS_CYCLE_CLOSING;
}

bool ws_channel_is_idle(PyObject *cycle) {
    const WsCycleObject *self = (const WsCycleObject *)cycle;
    /* A handler that waits in receive() is among the receivers, too: the phase says which. */
    return self->websocket != NULL && self->websocket->state == WEBSOCKET_OPEN &&
           self->mailbox.count == 0 && self->channel.phase != WS_CHANNEL_HANDLING &&
           !waiter_queue_is_empty(&self->cycle.receivers);
}

bool ws_channel_deliver(PyObject *cycle, struct ws_message *message) {
    struct websocket *websocket = ((WsCycleObject *)cycle)->websocket;
    struct event_loop *held = bridge_hold_loop(((CycleObject *)cycle)->bridge);
    bool is_taken = websocket != NULL && websocket_deliver(websocket, message);
    if (is_taken) {
        metrics_add(&websocket->server->metrics, METRIC_group_messages_shared, 1);
    }
    bridge_let_go(held);
    return is_taken;
}

static void wake(struct deferred *deferred) {
    WsCycleObject *self = LIST_OBJECT(deferred, WsCycleObject, channel.wake);
    bool was_yielding = resume(self);
    self->channel.holds_event = self->channel.is_next || self->channel.phase == WS_CHANNEL_WAITING;
    Py_INCREF(self);
    /* What is scheduled now must not wait for a descriptor. */
    event_loop_wake(self->cycle.bridge->event_loop);
    if (was_yielding) {
        waiter_queue_pass_on(&self->cycle.receivers);
    } else {
        waiter_queue_wake_one(&self->cycle.receivers);
    }
    Py_DECREF(self);
}

void ws_channel_init(WsCycleObject *self) {
    self->channel = (struct ws_channel){.phase = WS_CHANNEL_WAITING}; /* nothing was handled yet */
    deferred_init(&self->channel.wake, wake);
}

void ws_channel_release(WsCycleObject *self) {
    bool was_due = !list_is_empty(&self->channel.wake.link);
    deferred_cancel(&self->channel.wake);
    (void)resume(self);
    if (was_due) { /* a consumer may outlive its WebSocket */
        waiter_queue_pass_on(&self->cycle.receivers);
    }
}

void ws_channel_wake(PyObject *cycle) {
    WsCycleObject *self = (WsCycleObject *)cycle;
    if (self->websocket != NULL) {
        event_loop_defer(self->cycle.bridge->event_loop, &self->channel.wake);
    } else {
        waiter_queue_pass_on(&self->cycle.receivers);
    }
}

bool ws_channel_holds_event(PyObject *cycle) {
    const struct ws_channel *channel = &((const WsCycleObject *)cycle)->channel;
    return channel->holds_event || channel->phase == WS_CHANNEL_YIELDING ||
           channel->phase == WS_CHANNEL_RESUMING;
}
