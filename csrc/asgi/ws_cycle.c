/* One WebSocket of the application. What send() may do is the WebSocket's state:
 *
 *   state       accept        send          close               http.response.*  receive() gives
 *   CONNECTING  opens         RuntimeError  403                 answers instead  websocket.connect
 *   OPEN        RuntimeError  sends         close frame         RuntimeError     websocket.receive
 *   SETTLING    RuntimeError  sends         answers the close   RuntimeError     what came before
 *   CLOSED      gone          gone          gone                gone             disconnect, once
 *
 * "gone" is ClientDisconnected, an OSError, as ASGI 2.4 wants it, and silence for Channels'
 * consumers, which daphne brought up on it. Referenced by the WebSocket until its on_end(), by its
 * task while that runs, and by whoever holds receive or send. */
#include "asgi/ws_cycle.h"

#include "asgi/app_task.h"
#include "asgi/async_method.h"
#include "asgi/caller.h"
#include "asgi/group_message.h"
#include "asgi/mailbox.h"
#include "asgi/message.h"
#include "asgi/outcome.h"
#include "asgi/pending.h"
#include "asgi/response.h"
#include "asgi/scope.h"
#include "base/counters.h"
#include "base/limits.h"
#include "base/status.h"
#include "http/header_rules.h"

typedef struct {
    PyObject_HEAD struct bridge *bridge;
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

/* The closing handshake goes on when the application has dealt with all that came before it. */
static void settle_if_done(WsCycleObject *self) {
    if (self->is_closing && self->websocket != NULL && unread(self) == 0 && !self->is_handling) {
        websocket_settle(self->websocket);
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

static PyObject *poll_receive(PyObject *op) {
    WsCycleObject *self = (WsCycleObject *)op;
    self->is_handling = false;
    PyObject *event = mailbox_take(&self->mailbox);
    if (event == NULL) {
        if (self->is_disconnected) {
            waiter_queue_pass_on(&self->mailbox.receivers); /* all are to be told */
            PyErr_SetString(
                PyExc_RuntimeError,
                "websocket.disconnect was received already: there is nothing more to receive");
        }
        return NULL;
    }
    if (self->is_closing && self->mailbox.count == 0) {
        self->is_disconnected = true;
        waiter_queue_pass_on(&self->mailbox.receivers);
    } else {
        PyObject *type = PyDict_GetItem(event, self->bridge->state->strings.type);
        self->is_handling = type == self->bridge->state->strings.websocket_receive;
        mailbox_pass_on(&self->mailbox);
    }
    update_pressure(self);
    settle_if_done(self);
    return event;
}

static PyObject *receive(PyObject *op, PyObject *Py_UNUSED(argument)) {
    WsCycleObject *self = (WsCycleObject *)op;
    if (!self->was_asked) {
        self->was_asked = true;
        self->is_channels = caller_is_in_package("channels");
    }
    return pending_new(self->bridge, op, &self->mailbox.receivers, poll_receive);
}

/* --- send() --- */

static PyObject *raise_gone(WsCycleObject *self) {
    return bridge_raise_status(self->bridge, STATUS_CLOSED,
                               "the WebSocket is closed: nobody receives this message");
}

static PyObject *poll_drained(PyObject *op) {
    WsCycleObject *self = (WsCycleObject *)op;
    if (self->websocket != NULL && websocket_is_congested(self->websocket)) {
        return NULL;
    }
    if (self->is_closing && !self->is_channels) {
        return raise_gone(self);
    }
    Py_RETURN_NONE;
}

static PyObject *sent(WsCycleObject *self) {
    if (self->websocket != NULL && websocket_is_congested(self->websocket)) {
        return pending_new(self->bridge, (PyObject *)self, &self->senders, poll_drained);
    }
    return outcome_none(self->bridge->state);
}

/* After the close: an error, except for a consumer of Channels, whose disconnect() may send. */
static PyObject *gone(WsCycleObject *self) {
    if (self->is_channels || caller_is_in_package("channels")) {
        return outcome_none(self->bridge->state);
    }
    return raise_gone(self);
}

static PyObject *answer(WsCycleObject *self, int status, PyObject *type) {
    if (status == STATUS_OK) {
        return sent(self);
    }
    if (status == STATUS_CLOSED) {
        return gone(self);
    }
    if (status == STATUS_STATE) {
        PyErr_Format(PyExc_RuntimeError, "unexpected ASGI message %R: the WebSocket is %s", type,
                     self->is_accepted ? "accepted already" : "not accepted yet");
        return NULL;
    }
    return bridge_raise_status(self->bridge, status, "the message could not be sent");
}

static int check_subprotocol(struct slice subprotocol, PyObject *message) {
    if (subprotocol.length > 0 && !header_is_token(subprotocol)) {
        PyErr_Format(PyExc_ValueError,
                     "websocket.accept: the subprotocol must be a token (RFC 9110): %R", message);
        return -1;
    }
    return 0;
}

/* Headers that are the handshake's own. */
static int check_accept_headers(const struct response_start *start) {
    for (size_t i = 0; i < start->head.header_count; i++) {
        struct slice name = start->head.headers[i].name;
        if (slice_equals_ignoring_case(name, SLICE_LITERAL("sec-websocket-accept")) ||
            slice_equals_ignoring_case(name, SLICE_LITERAL("sec-websocket-extensions")) ||
            slice_equals_ignoring_case(name, SLICE_LITERAL("sec-websocket-protocol"))) {
            PyErr_Format(PyExc_ValueError,
                         "websocket.accept: the header %R is the server's; a subprotocol is chosen "
                         "by 'subprotocol'",
                         start->keepers[2 * i]);
            return -1;
        }
    }
    return 0;
}

static PyObject *send_accept(WsCycleObject *self, PyObject *message, PyObject *type) {
    struct slice subprotocol;
    PyObject *keeper;
    if (message_text(message, self->bridge->state->strings.subprotocol, &keeper, &subprotocol) <
        0) {
        return NULL;
    }
    struct response_start *start = check_subprotocol(subprotocol, message) < 0
                                       ? NULL
                                       : response_start_new(self->bridge, message, 101);
    PyObject *awaitable = NULL;
    if (start != NULL && check_accept_headers(start) == 0) {
        int status = self->websocket == NULL
                         ? STATUS_CLOSED
                         : websocket_accept(self->websocket, subprotocol, start->head.headers,
                                            start->head.header_count);
        self->is_accepted = self->is_accepted || status == STATUS_OK;
        awaitable = answer(self, status, type);
    }
    response_start_free(start);
    Py_XDECREF(keeper);
    return awaitable;
}

static PyObject *send_payload(WsCycleObject *self, PyObject *message, PyObject *type) {
    struct module_strings *strings = &self->bridge->state->strings;
    PyObject *text;
    PyObject *bytes = NULL;
    PyObject *awaitable = NULL;
    struct slice payload;
    if (message_text(message, strings->text, &text, &payload) < 0) {
        return NULL;
    }
    if (message_bytes(message, strings->bytes, &bytes) < 0) {
        goto done;
    }
    if ((text == NULL) == (bytes == NULL)) {
        PyErr_SetString(PyExc_ValueError, "websocket.send needs either 'text' or 'bytes'");
        goto done;
    }
    payload = bytes != NULL ? message_slice(bytes) : payload;
    int status = self->websocket == NULL ? STATUS_CLOSED
                                         : websocket_send(self->websocket, bytes == NULL, payload);
    awaitable = answer(self, status, type);
done:
    Py_XDECREF(text);
    Py_XDECREF(bytes);
    return awaitable;
}

static PyObject *close_with(WsCycleObject *self, int code, struct slice reason, PyObject *type) {
    if (self->websocket == NULL) {
        return gone(self);
    }
    if (!self->is_accepted) {
        return answer(self, websocket_deny(self->websocket, 403), type);
    }
    if (!ws_close_code_is_sendable(code)) {
        PyErr_Format(PyExc_ValueError,
                     "websocket.close: %d is no code that may be sent (RFC 6455 section 7.4)",
                     code);
        return NULL;
    }
    if (reason.length > LIMIT_WS_CLOSE_REASON) {
        PyErr_Format(PyExc_ValueError,
                     "websocket.close: the reason is longer than %d bytes of UTF-8",
                     LIMIT_WS_CLOSE_REASON);
        return NULL;
    }
    return answer(self, websocket_close(self->websocket, code, reason), type);
}

static PyObject *send_close(WsCycleObject *self, PyObject *message, PyObject *type) {
    struct module_strings *strings = &self->bridge->state->strings;
    int code = 0;
    struct slice reason;
    PyObject *keeper;
    if (message_int(message, strings->code, WS_CLOSE_NORMAL, &code) < 0 ||
        message_text(message, strings->reason, &keeper, &reason) < 0) {
        return NULL;
    }
    PyObject *awaitable = close_with(self, code, reason, type);
    Py_XDECREF(keeper);
    return awaitable;
}

static bool is_deniable(const WsCycleObject *self) {
    return self->denial == NULL && !self->is_accepted && self->websocket != NULL &&
           self->websocket->state == WEBSOCKET_CONNECTING;
}

static PyObject *send_denial_start(WsCycleObject *self, PyObject *message, PyObject *type) {
    struct response response;
    response_init(&response, self->bridge, NULL);
    bool was_deniable = is_deniable(self);
    if (was_deniable && response_take_start(&response, message) < 0) {
        return NULL;
    }
    if (!was_deniable || !is_deniable(self)) { /* reading the message may have changed that */
        response_release(&response);
        return answer(self, self->is_closing ? STATUS_CLOSED : STATUS_STATE, type);
    }
    self->denial = PyMem_New(struct response, 1);
    if (self->denial == NULL) {
        response_release(&response);
        return PyErr_NoMemory();
    }
    response.exchange = websocket_respond(self->websocket);
    *self->denial = response;
    return outcome_none(self->bridge->state);
}

static PyObject *send_denial_body(WsCycleObject *self, PyObject *message) {
    if (self->denial == NULL || self->denial->state == RESPONSE_COMPLETE) {
        PyErr_SetString(PyExc_RuntimeError,
                        self->denial == NULL
                            ? "websocket.http.response.start must be sent before its body"
                            : "the response is complete");
        return NULL;
    }
    return response_take_body(self->denial, message) < 0 ? NULL : sent(self);
}

static PyObject *send_group_message(WsCycleObject *self, PyObject *message, PyObject *type) {
    struct group_message group_message;
    PyObject *awaitable = NULL;
    if (self->is_closing) {
        return gone(self);
    }
    if (group_message_read(&group_message, self->bridge, message, type) == 0) {
        int status = self->websocket == NULL || self->is_closing
                         ? STATUS_CLOSED
                         : group_message_do(&group_message, self->websocket);
        awaitable = answer(self, status, type);
    }
    group_message_release(&group_message);
    return awaitable;
}

static PyObject *take_message(WsCycleObject *self, PyObject *message, PyObject *type) {
    struct module_strings *strings = &self->bridge->state->strings;
    bool is_known = message_is(type, strings->websocket_send) ||
                    message_is(type, strings->websocket_accept) ||
                    message_is(type, strings->websocket_close) ||
                    message_is(type, strings->websocket_http_response_start) ||
                    message_is(type, strings->websocket_http_response_body);
    if (group_message_is(self->bridge, type)) {
        return send_group_message(self, message, type);
    }
    if (!is_known) {
        PyErr_Format(PyExc_ValueError, "unexpected ASGI message %R on a WebSocket", type);
        return NULL;
    }
    if (self->websocket == NULL) {
        return gone(self);
    }
    if (message_is(type, strings->websocket_send)) {
        return send_payload(self, message, type);
    }
    if (message_is(type, strings->websocket_accept)) {
        return send_accept(self, message, type);
    }
    if (message_is(type, strings->websocket_close)) {
        return send_close(self, message, type);
    }
    return message_is(type, strings->websocket_http_response_start)
               ? send_denial_start(self, message, type)
               : send_denial_body(self, message);
}

static PyObject *send(PyObject *op, PyObject *message) {
    WsCycleObject *self = (WsCycleObject *)op;
    PyObject *type = message_type(self->bridge, message);
    PyObject *awaitable = type == NULL ? NULL : take_message(self, message, type);
    Py_XDECREF(type);
    return awaitable != NULL ? awaitable : outcome_of_error(self->bridge->state);
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
        websocket_settle(self->websocket);
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

static void start_application(WsCycleObject *self) {
    self->is_started = true;
    PyObject *op = (PyObject *)self;
    struct module_state *state = self->bridge->state;
    PyObject *receive_method = async_method_new(state, op, "receive", false, receive);
    PyObject *send_method = async_method_new(state, op, "send", true, send);
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
    } else {
        mailbox_wake(&self->mailbox);
    }
    settle_if_done(self);
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
    waiter_queue_pass_on(&self->mailbox.receivers); /* on_ready() need not follow in a fan-out */
    app_task_end_soon(&self->app_task);
}

static void on_end(void *owner) {
    WsCycleObject *self = owner;
    self->websocket = NULL;
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
    .on_end = on_end,
};

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
    self->denial = NULL;
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
