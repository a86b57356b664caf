/* One WebSocket of the application: its events wait in the mailbox for receive(); what send() does
 * is in ws_send.c, with the table of what it may do.
 *
 *   CONNECTING --accept--> OPEN --on_close--> CLOSING
 *   CONNECTING --on_close--> CLOSING
 *   CLOSING --receive() gives the disconnect, or the application ends--> DISCONNECTED
 *
 * In CLOSING websocket.disconnect stands last in the mailbox, behind messages that came before. */
#include "asgi/ws_cycle.h"

#include "asgi/event.h"
#include "asgi/overdue.h"
#include "asgi/scope.h"
#include "asgi/ws_channel.h"
#include "asgi/ws_cycle_internal.h"
#include "base/counters.h"
#include "base/limits.h"

/* --- receive() --- */

/* Messages that the application has not received. */
static uint32_t unread(const WsCycleObject *self) {
    uint32_t count = self->mailbox.count;
    return self->state == WS_CYCLE_CLOSING && count > 0 ? count - 1 : count;
}

void ws_cycle_finish_close_if_done(WsCycleObject *self) {
    if (self->state >= WS_CYCLE_CLOSING && self->websocket != NULL && unread(self) == 0 &&
        !self->is_handling) {
        websocket_finish_close(self->websocket);
    }
}

static bool holds_more_than(const struct mailbox *mailbox, uint32_t messages, size_t bytes) {
    return mailbox->count > messages || mailbox->bytes > bytes;
}

/* Reading stops above the limits, and goes on at half of them. */
static void update_pressure(WsCycleObject *self) {
    if (self->websocket == NULL) {
        return;
    }
    const struct mailbox *mailbox = &self->mailbox;
    bool is_paused = self->websocket->is_paused;
    if (!is_paused && self->state == WS_CYCLE_OPEN &&
        holds_more_than(mailbox, LIMIT_MAILBOX_MESSAGES, LIMIT_MAILBOX_BYTES)) {
        websocket_pause(self->websocket);
    } else if (is_paused &&
               !holds_more_than(mailbox, LIMIT_MAILBOX_MESSAGES / 2, LIMIT_MAILBOX_BYTES / 2)) {
        websocket_resume(self->websocket);
    }
}

static bool is_message(const WsCycleObject *self, PyObject *event) {
    struct module_strings *strings = &self->cycle.bridge->state->strings;
    return PyDict_GetItemWithError(event, strings->type) == strings->websocket_receive;
}

/* Whoever took an event has the next receiver take the next one. */
static void pass_on(WsCycleObject *self) {
    if (self->mailbox.count > 0) {
        waiter_queue_pass_on(&self->cycle.receivers);
    }
}

/* Whoever asks on waits until the application has ended, as under daphne: it may be a consumer that
 * still waits for its channel. A task left behind would wait for ever. */
static PyObject *nothing_to_receive(WsCycleObject *self) {
    if (self->state == WS_CYCLE_DISCONNECTED && !app_task_is_running(&self->cycle.app_task)) {
        waiter_queue_pass_on(&self->cycle.receivers); /* each of them gets this */
        PyErr_SetString(PyExc_RuntimeError,
                        "websocket.disconnect was received already, and the application has "
                        "ended: there is nothing more to receive");
    }
    return NULL;
}

PyObject *ws_cycle_poll_receive(PyObject *op) {
    WsCycleObject *self = (WsCycleObject *)op;
    self->is_handling = false;
    PyObject *event = mailbox_take(&self->mailbox);
    if (event == NULL) {
        return nothing_to_receive(self);
    }
    if (self->state == WS_CYCLE_CLOSING && self->mailbox.count == 0) {
        self->state = WS_CYCLE_DISCONNECTED;
    } else {
        self->is_handling = is_message(self, event);
        pass_on(self);
    }
    update_pressure(self);
    ws_cycle_finish_close_if_done(self);
    return event;
}

static PyObject *receive(PyObject *op, PyObject *Py_UNUSED(argument)) {
    CycleObject *cycle = (CycleObject *)op;
    return pending_new(cycle->bridge, op, &cycle->receivers, ws_cycle_poll_receive);
}

/* --- The application's end --- */

static void on_app_done(PyObject *op, PyObject *exception) {
    WsCycleObject *self = (WsCycleObject *)op;
    bool is_answered = self->denial != NULL && self->denial->state == RESPONSE_COMPLETE;
    bool is_missing = self->state < WS_CYCLE_CLOSING && !is_answered;
    cycle_log_end(&self->cycle, exception,
                  is_missing ? "ASGI application returned without closing its WebSocket" : NULL);
    self->is_handling = false;
    mailbox_clear(&self->mailbox);
    if (self->state >= WS_CYCLE_CLOSING) { /* a task that it left behind still waits: in vain */
        self->state = WS_CYCLE_DISCONNECTED;
        waiter_queue_pass_on(&self->cycle.receivers);
    }
    if (self->denial != NULL) {
        response_fail(self->denial);
    } else if (self->websocket != NULL && self->state == WS_CYCLE_CONNECTING) {
        (void)websocket_deny(self->websocket, 500);
    } else if (self->websocket != NULL && self->state == WS_CYCLE_OPEN) {
        (void)websocket_close(self->websocket, WS_CLOSE_INTERNAL_ERROR, SLICE_EMPTY);
        pass_on(self);
    } else if (self->websocket != NULL) {
        websocket_finish_close(self->websocket);
    }
}

static bool on_overdue(PyObject *op) {
    overdue_report(&((CycleObject *)op)->app_task);
    return true;
}

static void abort_websocket(PyObject *op) {
    websocket_abort(((WsCycleObject *)op)->websocket);
}

static const struct exchange *exchange_of(PyObject *op) {
    const struct websocket *websocket = ((WsCycleObject *)op)->websocket;
    return websocket == NULL ? NULL : websocket->exchange;
}

static const struct cycle_methods cycle_methods = {
    .receive = {"receive", receive, METH_NOARGS, NULL},
    .send = {"send", ws_send, METH_O, NULL},
    .task_events = {.on_done = on_app_done, .on_overdue = on_overdue},
    .abort = abort_websocket,
    .exchange = exchange_of,
};

/* --- Events of the WebSocket --- */

static void put(WsCycleObject *self, PyObject *event, size_t bytes) {
    if (mailbox_put(&self->mailbox, event, bytes) < 0) {
        bridge_report(self->cycle.bridge, "casgi has no memory for a message");
        if (self->websocket != NULL) {
            websocket_abort(self->websocket);
        }
    }
}

static void on_message(void *owner, bool is_text, struct slice payload) {
    WsCycleObject *self = owner;
    struct app_task *app_task = &self->cycle.app_task;
    if (app_task->was_started && !app_task_is_running(app_task)) {
        return; /* the application has returned; the close frame is on its way */
    }
    struct module_state *state = self->cycle.bridge->state;
    PyObject *value = is_text ? PyUnicode_DecodeUTF8(payload.data, (Py_ssize_t)payload.length, NULL)
                              : PyBytes_FromStringAndSize(payload.data, (Py_ssize_t)payload.length);
    PyObject *event = event_new(state, state->strings.websocket_receive);
    event = event_with(event, is_text ? state->strings.text : state->strings.bytes, value);
    put(self, event, payload.length);
    update_pressure(self);
}

static void on_ready(void *owner) {
    WsCycleObject *self = owner;
    Py_INCREF(self);
    if (!self->cycle.app_task.was_started) {
        cycle_start(&self->cycle);
    } else if (self->channel.phase != WS_CHANNEL_YIELDING && self->mailbox.count > 0) {
        waiter_queue_wake_one(&self->cycle.receivers);
    }
    ws_cycle_finish_close_if_done(self);
    Py_DECREF(self);
}

/* Somebody may still receive: the application, or a task that it left behind. */
static bool has_audience(const WsCycleObject *self) {
    return !self->cycle.app_task.was_started || app_task_is_running(&self->cycle.app_task) ||
           !waiter_queue_is_empty(&self->cycle.receivers);
}

static void on_unanswered(void *owner) {
    cycle_log(owner, "warning",
              "The application has neither accepted nor closed the WebSocket in time "
              "(--websocket-connect-timeout), which is refused with 403: a connect() of one's own "
              "has to await self.accept()",
              NULL);
}

static void on_close(void *owner, int code, struct slice reason) {
    WsCycleObject *self = owner;
    struct module_state *state = self->cycle.bridge->state;
    struct module_strings *strings = &state->strings;
    PyObject *event = event_new(state, strings->websocket_disconnect);
    event = event_with(event, strings->code, PyLong_FromLong(code));
    event = event_with(event, strings->reason,
                       PyUnicode_DecodeUTF8(reason.data, (Py_ssize_t)reason.length, "replace"));
    if (has_audience(self)) {
        self->state = WS_CYCLE_CLOSING;
        put(self, event, 0);
    } else {
        self->state = WS_CYCLE_DISCONNECTED;
        Py_XDECREF(event);
    }
    waiter_queue_pass_on(&self->cycle.receivers); /* on_ready() need not follow in a fan-out */
    waiter_queue_pass_on(&self->cycle.senders);   /* a peer that closes may take nothing more */
    app_task_end_soon(&self->cycle.app_task);
}

static void on_slow(void *owner, enum slow_consumer_outcome outcome, uint32_t count,
                    size_t backlog) {
    WsCycleObject *self = owner;
    self->dropped += outcome == SLOW_CONSUMER_CLOSED ? 0 : count;
    struct slow_consumer_event event = {.cycle = (PyObject *)self,
                                        .consumer = ws_channel_consumer((PyObject *)self),
                                        .outcome = outcome,
                                        .backlog = backlog};
    slow_report_add(&self->cycle.bridge->slow_report, &event, count);
}

static void on_end(void *owner) {
    WsCycleObject *self = owner;
    self->websocket = NULL;
    ws_channel_release(self);
    cycle_detach(&self->cycle);
    if (self->denial != NULL) {
        self->denial->exchange = NULL;
    }
    waiter_queue_wake_all(&self->cycle.senders);
    if (self->mailbox.count > 0) {
        waiter_queue_wake_one(&self->cycle.receivers);
    }
    Py_DECREF(self);
}

static const struct websocket_events websocket_events = {
    .on_message = on_message,
    .on_ready = on_ready,
    .on_drain = cycle_on_drain,
    .on_unanswered = on_unanswered,
    .on_close = on_close,
    .on_slow = on_slow,
    .on_end = on_end,
};

uint64_t ws_cycle_dropped(PyObject *cycle) {
    return ((WsCycleObject *)cycle)->dropped;
}

PyObject *ws_cycle_traffic(PyObject *op) {
    WsCycleObject *self = (WsCycleObject *)op;
    const struct exchange *exchange = exchange_of(op);
    struct access_traffic traffic = {0};
    if (self->websocket != NULL) {
        traffic = self->websocket->traffic;
    }
    return Py_BuildValue(
        "KKKKnK", (unsigned long long)traffic.messages_in, (unsigned long long)traffic.messages_out,
        (unsigned long long)traffic.bytes_in, (unsigned long long)traffic.bytes_out,
        (Py_ssize_t)(exchange == NULL ? 0 : exchange_queued(exchange)),
        (unsigned long long)self->dropped);
}

/* Returns new cycle with its first event, or NULL with an exception. */
static WsCycleObject *make(struct bridge *bridge, struct websocket *websocket) {
    struct module_state *state = bridge->state;
    PyObject *scope = scope_new(bridge, websocket->exchange, true);
    WsCycleObject *self =
        (WsCycleObject *)cycle_new(bridge, state->ws_cycle_type, scope, &cycle_methods);
    if (self == NULL) {
        return NULL;
    }
    counters_opened(COUNTER_ws_cycles);
    self->websocket = websocket;
    mailbox_init(&self->mailbox);
    ws_channel_init(self);
    PyObject_GC_Track(self);
    PyObject *connect = event_new(state, state->strings.websocket_connect);
    if (mailbox_put(&self->mailbox, connect, 0) < 0) {
        Py_CLEAR(self);
    }
    return self;
}

int ws_cycle_begin(struct bridge *bridge, struct websocket *websocket) {
    WsCycleObject *self = make(bridge, websocket);
    if (self == NULL) {
        bridge_report(bridge, "casgi could not take a WebSocket");
        return STATUS_NO_MEMORY;
    }
    bridge_attach(bridge, &self->cycle.attached, (PyObject *)self);
    websocket_attach(websocket, &websocket_events, self);
    return STATUS_OK;
}

/* --- The type --- */

static int traverse(PyObject *op, visitproc visit, void *arg) {
    int result = cycle_traverse(op, visit, arg);
    return result != 0 ? result : mailbox_traverse(&((WsCycleObject *)op)->mailbox, visit, arg);
}

static int clear(PyObject *op) {
    mailbox_clear(&((WsCycleObject *)op)->mailbox);
    return cycle_clear(op);
}

static void dealloc(PyObject *op) {
    WsCycleObject *self = (WsCycleObject *)op;
    PyObject_GC_UnTrack(op);
    mailbox_clear(&self->mailbox);
    (void)cycle_clear(op);
    ws_channel_release(self);
    if (self->denial != NULL) {
        response_release(self->denial);
        PyMem_Free(self->denial);
    }
    cycle_dealloc(op);
    counters_closed(COUNTER_ws_cycles);
}

static PyMethodDef methods[] = {
    CYCLE_ON_TASK_DONE,
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
