/* One WebSocket of the application: its events wait in the mailbox for receive(); what send() does
 * is in ws_send.c, with the table of states.
 *
 * Referenced by the WebSocket until its on_end(), by its task while that runs, and by whoever holds
 * receive or send. */
#include "asgi/ws_cycle.h"

#include "asgi/async_method.h"
#include "asgi/caller.h"
#include "asgi/pending.h"
#include "asgi/scope.h"
#include "asgi/ws_cycle_internal.h"
#include "base/counters.h"
#include "base/limits.h"
#include "base/status.h"

/* --- receive() --- */

static PyObject *event_of_type(PyObject *type_key, PyObject *type) {
    PyObject *event = PyDict_New();
    if (event != NULL && PyDict_SetItem(event, type_key, type) < 0) {
        Py_CLEAR(event);
    }
    return event;
}

/* Adds event[key] = value (taken); drops the event on failure. */
static PyObject *with_value(PyObject *event, PyObject *key, PyObject *value) {
    if (event != NULL && (value == NULL || PyDict_SetItem(event, key, value) < 0)) {
        Py_CLEAR(event);
    }
    Py_XDECREF(value);
    return event;
}

/* Messages that the application has not received. */
static uint32_t unread(const WsCycleObject *self) {
    uint32_t disconnect = self->is_closing && !self->is_disconnected ? 1 : 0;
    return self->mailbox.count - (self->mailbox.count > 0 ? disconnect : 0);
}

void ws_cycle_finish_close_if_done(WsCycleObject *self) {
    if (self->is_closing && self->websocket != NULL && unread(self) == 0 && !self->is_handling) {
        websocket_finish_close(self->websocket);
    }
}

static void update_pressure(WsCycleObject *self) {
    bool is_full =
        self->mailbox.count > LIMIT_MAILBOX_MESSAGES || self->mailbox.bytes > LIMIT_MAILBOX_BYTES;
    if (self->websocket == NULL || is_full == self->is_paused) {
        return;
    }
    if (is_full) {
        self->is_paused = true;
        websocket_pause(self->websocket);
    } else if (self->mailbox.count <= LIMIT_MAILBOX_MESSAGES / 2) {
        self->is_paused = false;
        websocket_resume(self->websocket);
    }
}

PyObject *ws_cycle_poll_receive(PyObject *op) {
    WsCycleObject *self = (WsCycleObject *)op;
    self->is_handling = false;
    PyObject *event = mailbox_take(&self->mailbox);
    if (event == NULL) {
        /* Whoever asks on waits until the application has ended, as under daphne: it may be a
         * consumer that still waits for its channel. A task left behind would wait for ever. */
        if (self->is_disconnected && !app_task_is_running(&self->app_task)) {
            waiter_queue_pass_on(&self->mailbox.receivers); /* all are to be told */
            PyErr_SetString(PyExc_RuntimeError,
                            "websocket.disconnect was received already, and the application has "
                            "ended: there is nothing more to receive");
        }
        return NULL;
    }
    if (self->is_closing && self->mailbox.count == 0) {
        self->is_disconnected = true;
    } else {
        PyObject *type = PyDict_GetItem(event, self->bridge->state->strings.type);
        self->is_handling = type == self->bridge->state->strings.websocket_receive;
        mailbox_pass_on(&self->mailbox);
    }
    update_pressure(self);
    ws_cycle_finish_close_if_done(self);
    return event;
}

static PyObject *receive(PyObject *op, PyObject *Py_UNUSED(argument)) {
    WsCycleObject *self = (WsCycleObject *)op;
    if (!self->was_asked) {
        self->was_asked = true;
        self->is_channels = caller_is_in_package("channels");
    }
    return pending_new(self->bridge, op, &self->mailbox.receivers, ws_cycle_poll_receive);
}

/* --- The application's end --- */

static void log_websocket(WsCycleObject *self, const char *level, const char *text,
                          PyObject *exception) {
    PyObject *request = scope_describe(self->bridge, self->scope);
    PyObject *message = request == NULL ? NULL : PyUnicode_FromFormat("%s: %U", text, request);
    bridge_log(self->bridge, level, message, exception);
    Py_XDECREF(request);
    Py_XDECREF(message);
}

static void report_end(WsCycleObject *self, PyObject *exception) {
    if (exception == NULL) {
        if (!self->is_closing &&
            (self->denial == NULL || self->denial->state != RESPONSE_COMPLETE)) {
            log_websocket(self, "error", "ASGI application returned without closing its WebSocket",
                          NULL);
        }
        return;
    }
    bool is_cancelled =
        PyErr_GivenExceptionMatches(exception, self->bridge->state->cancelled_error);
    bool is_quiet = bridge_is_client_disconnected(self->bridge, exception) ||
                    (self->is_closing && is_cancelled);
    log_websocket(self, is_quiet ? "debug" : "error",
                  is_quiet ? "ASGI application ended by its client's leaving"
                           : "Exception in ASGI application",
                  exception);
}

static void on_app_done(PyObject *op, PyObject *exception) {
    WsCycleObject *self = (WsCycleObject *)op;
    report_end(self, exception);
    self->is_handling = false;
    self->is_disconnected = self->is_closing;
    mailbox_drop_events(&self->mailbox);
    if (self->is_disconnected) { /* a task that it left behind still waits: in vain */
        waiter_queue_pass_on(&self->mailbox.receivers);
    }
    if (self->denial != NULL) {
        response_fail(self->denial);
    } else if (self->websocket != NULL && !self->is_accepted) {
        (void)websocket_deny(self->websocket, 500);
    } else if (self->websocket != NULL && self->is_closing) {
        websocket_finish_close(self->websocket);
    } else if (self->websocket != NULL) {
        (void)websocket_close(self->websocket, WS_CLOSE_INTERNAL_ERROR, SLICE_EMPTY);
        mailbox_pass_on(&self->mailbox);
    }
}

static PyObject *on_task_done(PyObject *op, PyObject *task) {
    return app_task_on_task_done(&((WsCycleObject *)op)->app_task, task);
}

/* --- Events of the WebSocket --- */

static void put(WsCycleObject *self, PyObject *event, size_t bytes) {
    if (mailbox_put(&self->mailbox, event, bytes) < 0) {
        bridge_report(self->bridge, "casgi has no memory for a message");
        if (self->websocket != NULL) {
            websocket_abort(self->websocket);
        }
    }
}

static void on_message(void *owner, bool is_text, struct slice payload) {
    WsCycleObject *self = owner;
    struct module_strings *strings = &self->bridge->state->strings;
    if (self->is_started && !app_task_is_running(&self->app_task)) {
        return; /* the application has returned; the close frame is on its way */
    }
    PyObject *value = is_text ? PyUnicode_DecodeUTF8(payload.data, (Py_ssize_t)payload.length, NULL)
                              : PyBytes_FromStringAndSize(payload.data, (Py_ssize_t)payload.length);
    PyObject *event = event_of_type(strings->type, strings->websocket_receive);
    event = with_value(event, is_text ? strings->text : strings->bytes, value);
    put(self, event, payload.length);
    update_pressure(self);
}

static const PyMethodDef receive_definition = {"receive", receive, METH_NOARGS, NULL};
static const PyMethodDef send_definition = {"send", ws_send, METH_O, NULL};

static void start_application(WsCycleObject *self) {
    self->is_started = true;
    PyObject *op = (PyObject *)self;
    struct module_state *state = self->bridge->state;
    PyObject *receive_method = async_method_new(state, op, &receive_definition);
    PyObject *send_method = async_method_new(state, op, &send_definition);
    if (receive_method != NULL && send_method != NULL) {
        app_task_start(&self->app_task, op, self->scope, receive_method, send_method);
    } else {
        bridge_report(self->bridge, "casgi could not start an application");
        websocket_abort(self->websocket);
    }
    Py_XDECREF(receive_method);
    Py_XDECREF(send_method);
}

static void on_ready(void *owner) {
    WsCycleObject *self = owner;
    Py_INCREF(self);
    if (!self->is_started) {
        start_application(self);
    } else if (!self->is_yielding) {
        mailbox_wake(&self->mailbox);
    }
    ws_cycle_finish_close_if_done(self);
    Py_DECREF(self);
}

static void on_drain(void *owner) {
    WsCycleObject *self = owner;
    Py_INCREF(self);
    waiter_queue_wake_all(&self->senders);
    Py_DECREF(self);
}

/* Somebody may still receive: the application, or a task that it left behind. */
static bool has_audience(const WsCycleObject *self) {
    return !self->is_started || app_task_is_running(&self->app_task) ||
           !waiter_queue_is_empty(&self->mailbox.receivers);
}

static void on_close(void *owner, int code, struct slice reason) {
    WsCycleObject *self = owner;
    struct module_strings *strings = &self->bridge->state->strings;
    PyObject *event = event_of_type(strings->type, strings->websocket_disconnect);
    event = with_value(event, strings->code, PyLong_FromLong(code));
    event = with_value(event, strings->reason,
                       PyUnicode_DecodeUTF8(reason.data, (Py_ssize_t)reason.length, "replace"));
    self->is_closing = true;
    if (has_audience(self)) {
        put(self, event, 0);
    } else {
        self->is_disconnected = true;
        Py_XDECREF(event);
    }
    if (self->channel != NULL) {
        self->channel_ops->on_close(self->channel);
    }
    waiter_queue_pass_on(&self->mailbox.receivers); /* on_ready() need not follow in a fan-out */
    app_task_end_soon(&self->app_task);
}

static void on_slow(void *owner, enum slow_consumer_outcome outcome, uint32_t count,
                    size_t backlog) {
    WsCycleObject *self = owner;
    self->dropped += outcome == SLOW_CONSUMER_CLOSED ? 0 : count;
    slow_report_add(self->bridge, (PyObject *)self, outcome, count, backlog);
}

static void on_end(void *owner) {
    WsCycleObject *self = owner;
    self->websocket = NULL;
    ws_channel_release(self);
    bridge_detach(&self->attached);
    if (self->denial != NULL) {
        self->denial->exchange = NULL;
    }
    waiter_queue_wake_all(&self->senders);
    mailbox_wake(&self->mailbox);
    Py_DECREF(self);
}

static const struct websocket_events websocket_events = {
    .on_message = on_message,
    .on_ready = on_ready,
    .on_drain = on_drain,
    .on_close = on_close,
    .on_slow = on_slow,
    .on_end = on_end,
};

uint64_t ws_cycle_dropped(PyObject *cycle) {
    return ((WsCycleObject *)cycle)->dropped;
}

int ws_cycle_begin(struct bridge *bridge, struct websocket *websocket) {
    struct module_strings *strings = &bridge->state->strings;
    PyObject *scope = scope_new(bridge, websocket->exchange, true);
    PyObject *connect = event_of_type(strings->type, strings->websocket_connect);
    WsCycleObject *self = scope == NULL || connect == NULL
                              ? NULL
                              : PyObject_GC_New(WsCycleObject, bridge->state->ws_cycle_type);
    if (self == NULL) {
        Py_XDECREF(scope);
        Py_XDECREF(connect);
        bridge_report(bridge, "casgi could not take a WebSocket");
        return STATUS_NO_MEMORY;
    }
    counters_opened(COUNTER_ws_cycles);
    self->bridge = bridge;
    self->owner = Py_NewRef(bridge->owner);
    self->websocket = websocket;
    self->scope = scope;
    mailbox_init(&self->mailbox);
    waiter_queue_init(&self->senders);
    self->dropped = 0;
    self->denial = NULL;
    ws_channel_init(self);
    app_task_init(&self->app_task, bridge, on_app_done);
    self->is_started = self->is_accepted = self->is_closing = self->is_disconnected = false;
    self->is_handling = self->is_paused = self->was_asked = self->is_channels = false;
    PyObject_GC_Track(self);
    if (mailbox_put(&self->mailbox, connect, 0) < 0) {
        bridge_report(bridge, "casgi could not take a WebSocket");
        Py_DECREF(self);
        return STATUS_NO_MEMORY;
    }
    bridge_attach(bridge, &self->attached, (PyObject *)self);
    websocket_attach(websocket, &websocket_events, self);
    return STATUS_OK;
}

/* --- The type --- */

static int traverse(PyObject *op, visitproc visit, void *arg) {
    WsCycleObject *self = (WsCycleObject *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->owner);
    Py_VISIT(self->scope);
    int result = app_task_traverse(&self->app_task, visit, arg);
    result = result != 0 ? result : mailbox_traverse(&self->mailbox, visit, arg);
    return result != 0 ? result : waiter_queue_traverse(&self->senders, visit, arg);
}

static int clear(PyObject *op) {
    WsCycleObject *self = (WsCycleObject *)op;
    mailbox_clear(&self->mailbox);
    waiter_queue_clear(&self->senders);
    app_task_clear(&self->app_task);
    return 0;
}

static void dealloc(PyObject *op) {
    WsCycleObject *self = (WsCycleObject *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    (void)clear(op);
    ws_channel_release(self);
    if (self->denial != NULL) {
        response_release(self->denial);
        PyMem_Free(self->denial);
    }
    Py_CLEAR(self->scope);
    Py_CLEAR(self->owner);
    type->tp_free(op);
    Py_DECREF(type);
    counters_closed(COUNTER_ws_cycles);
}

static PyMethodDef methods[] = {
    {"_on_task_done", on_task_done, METH_O, NULL},
    {"_end_yield", ws_channel_end_yield, METH_NOARGS, NULL},
    {"next_event", ws_channel_next_event, METH_NOARGS,
     "next_event() -> awaitable of the next event of the client, or of the channel that listens."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "One WebSocket of the application."},
    {Py_tp_traverse, traverse},
    {Py_tp_clear, clear},
    {Py_tp_dealloc, dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

PyType_Spec ws_cycle_type_spec = {
    .name = "casgi._core.WsCycle",
    .basicsize = sizeof(WsCycleObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
             Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};
