/* next_event() of a WsCycle, and the channel attached to it. It is borrowed from whoever attached
 * it, who keeps the cycle meanwhile. */
#include "asgi/ws_channel.h"

#include "asgi/async_method.h"
#include "asgi/pending.h"
#include "asgi/ws_cycle_internal.h"
#include "server/server.h"

static PyObject *take_of_client(WsCycleObject *self) {
    return self->mailbox.count == 0 ? NULL : ws_cycle_poll_receive((PyObject *)self);
}

static PyObject *take_of_channel(WsCycleObject *self) {
    return self->channel == NULL ? NULL : self->channel_ops->take(self->channel);
}

PyObject *ws_channel_end_yield(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    WsCycleObject *self = (WsCycleObject *)op;
    self->is_yielding = false;
    waiter_queue_pass_on(&self->mailbox.receivers);
    Py_RETURN_NONE;
}

/* Has ws_channel_end_yield() called after the loop has turned. Without a WebSocket the cycle may be
 * on no libuv loop any more. Returns false when there is no loop at all. */
static bool end_yield_later(WsCycleObject *self) {
    if (self->websocket != NULL) {
        event_loop_defer(self->bridge->event_loop, &self->channel_wake);
        return true;
    }
    PyObject *method = PyObject_GetAttrString((PyObject *)self, "_end_yield");
    PyObject *handle =
        method == NULL || self->bridge->loop == NULL
            ? NULL
            : PyObject_CallMethodOneArg(self->bridge->loop, self->bridge->state->strings.call_soon,
                                        method);
    bool is_scheduled = handle != NULL;
    PyErr_Clear();
    Py_XDECREF(handle);
    Py_XDECREF(method);
    return is_scheduled;
}

/* Between two events the loop turns: what the first one's handler has started begins before the
 * second one is handled, as with the tasks that the original makes for each, and a consumer with
 * many events does not keep the loop for itself. Returns whether the caller has to wait for that.
 */
static bool yields_first(WsCycleObject *self) {
    bool has_waited = self->has_waited;
    bool has_event = self->mailbox.count > 0 ||
                     (self->channel != NULL && self->channel_ops->has_event(self->channel));
    self->has_waited = !has_event || !has_waited;
    if (has_event && !has_waited) {
        self->is_yielding = end_yield_later(self);
    }
    self->is_taking = self->is_yielding;
    return self->is_yielding;
}

static PyObject *poll_next(PyObject *op) {
    WsCycleObject *self = (WsCycleObject *)op;
    bool from_channel = self->is_channel_next;
    self->is_handling = false;
    if (yields_first(self)) {
        return NULL;
    }
    PyObject *event = from_channel ? take_of_channel(self) : take_of_client(self);
    if (event == NULL && !PyErr_Occurred()) {
        from_channel = !from_channel;
        event = from_channel ? take_of_channel(self) : take_of_client(self);
    }
    self->is_channel_next = event != NULL && !from_channel;
    self->holds_channel_event = self->is_channel_next && self->channel != NULL &&
                                self->channel_ops->has_event(self->channel);
    ws_cycle_finish_close_if_done(self);
    return event;
}

PyObject *ws_channel_next_event(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    WsCycleObject *self = (WsCycleObject *)op;
    self->was_asked = true;
    self->is_channels = true; /* nobody else asks */
    return pending_new(self->bridge, op, &self->mailbox.receivers, poll_next);
}

PyObject *ws_channel_cycle_of(struct module_state *state, PyObject *method) {
    PyObject *self = async_method_self(state, method);
    return self != NULL && Py_IS_TYPE(self, state->ws_cycle_type) ? self : NULL;
}

PyObject *ws_channel_loop(PyObject *cycle) {
    return ((WsCycleObject *)cycle)->bridge->loop;
}

PyObject *ws_channel_consumer(PyObject *cycle) {
    const WsCycleObject *self = (const WsCycleObject *)cycle;
    return self->channel == NULL ? NULL : Py_XNewRef(self->channel_ops->consumer(self->channel));
}

PyObject *ws_channel_scope(PyObject *cycle, PyObject *consumer) {
    const WsCycleObject *self = (const WsCycleObject *)cycle;
    PyObject *attributes = consumer == NULL ? NULL : PyObject_GenericGetDict(consumer, NULL);
    PyObject *scope = attributes == NULL
                          ? NULL
                          : PyDict_GetItemWithError(attributes, self->bridge->state->strings.scope);
    PyErr_Clear(); /* a consumer without a __dict__ */
    scope = Py_NewRef(scope != NULL && PyDict_CheckExact(scope) ? scope : self->scope);
    Py_XDECREF(attributes);
    return scope;
}

bool ws_channel_attach(PyObject *cycle, const struct ws_channel_ops *ops, void *channel) {
    WsCycleObject *self = (WsCycleObject *)cycle;
    if (self->channel != NULL) {
        return false;
    }
    self->channel = channel;
    self->channel_ops = ops;
    return true;
}

void ws_channel_detach(PyObject *cycle) {
    ((WsCycleObject *)cycle)->channel = NULL;
}

size_t ws_channel_most_groups(PyObject *cycle) {
    const struct server *server = ((WsCycleObject *)cycle)->bridge->server;
    return server == NULL ? 0 : server->options.websocket_max_groups;
}

bool ws_channel_is_open(PyObject *cycle) {
    const WsCycleObject *self = (const WsCycleObject *)cycle;
    return self->websocket != NULL && !self->is_closing;
}

bool ws_channel_is_idle(PyObject *cycle) {
    const WsCycleObject *self = (const WsCycleObject *)cycle;
    /* A handler that waits in receive() is among the receivers, too: has_waited tells. */
    return self->websocket != NULL && self->websocket->state == WEBSOCKET_OPEN &&
           self->mailbox.count == 0 && self->has_waited &&
           !waiter_queue_is_empty(&self->mailbox.receivers);
}

bool ws_channel_deliver(PyObject *cycle, struct frame *frame) {
    WsCycleObject *self = (WsCycleObject *)cycle;
    return self->websocket != NULL && websocket_deliver(self->websocket, frame);
}

static void wake(struct deferred *deferred) {
    WsCycleObject *self = LIST_OBJECT(deferred, WsCycleObject, channel_wake);
    bool was_yielding = self->is_yielding;
    self->is_yielding = false;
    self->holds_channel_event = self->is_channel_next;
    Py_INCREF(self);
    /* What is scheduled now must not wait for a descriptor. */
    event_loop_wake(self->bridge->event_loop);
    if (was_yielding) {
        waiter_queue_pass_on(&self->mailbox.receivers);
    } else {
        waiter_queue_wake_one(&self->mailbox.receivers);
    }
    Py_DECREF(self);
}

void ws_channel_init(WsCycleObject *self) {
    self->channel = NULL;
    self->channel_ops = NULL;
    self->is_channel_next = self->is_yielding = self->is_taking = self->holds_channel_event = false;
    self->has_waited = true; /* nothing was handled yet */
    deferred_init(&self->channel_wake, wake);
}

void ws_channel_release(WsCycleObject *self) {
    bool was_due = !list_is_empty(&self->channel_wake.link);
    deferred_cancel(&self->channel_wake);
    self->is_yielding = false;
    if (was_due) { /* a consumer may outlive its WebSocket */
        waiter_queue_pass_on(&self->mailbox.receivers);
    }
}

void ws_channel_wake(PyObject *cycle) {
    WsCycleObject *self = (WsCycleObject *)cycle;
    if (self->websocket != NULL) {
        event_loop_defer(self->bridge->event_loop, &self->channel_wake);
    } else {
        waiter_queue_pass_on(&self->mailbox.receivers);
    }
}

bool ws_channel_holds_event(PyObject *cycle) {
    const WsCycleObject *self = (const WsCycleObject *)cycle;
    return self->holds_channel_event || self->is_taking;
}
