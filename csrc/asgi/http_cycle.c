/* One HTTP request of the application: its body arrives in `body` and leaves by receive(), then
 * comes http.disconnect; what send() is given goes to its response.
 *
 * Referenced by the exchange until its on_end(), by its task while that runs, and by whoever holds
 * receive or send. The exchange may end before the task (background work) or after it; each looks
 * whether the other is still there. */
#include "asgi/http_cycle.h"

#include "asgi/app_task.h"
#include "asgi/async_method.h"
#include "asgi/caller.h"
#include "asgi/message.h"
#include "asgi/outcome.h"
#include "asgi/pending.h"
#include "asgi/response.h"
#include "asgi/scope.h"
#include "base/buffer.h"
#include "base/counters.h"
#include "base/limits.h"
#include "base/status.h"

typedef struct {
    PyObject_HEAD
    struct bridge *bridge;
    PyObject *owner; /* keeps the bridge */
    PyObject *scope;
    struct response response; /* with the exchange, which is NULL when it is over */
    struct attached attached; /* until then */
    struct buffer body;       /* arrived, not received yet */
    struct waiter_queue receivers;
    struct waiter_queue senders; /* waiting for the client to read */
    struct app_task app_task;
    bool is_started;       /* the application was called */
    bool is_body_complete; /* nothing more will arrive */
    bool is_body_received; /* the application has had the last part */
    bool is_disconnected;
    bool is_paused;
    uint8_t disconnects_received; /* times that the application has received http.disconnect */
} HttpCycleObject;

/* --- receive() --- */

static PyObject *body_event(HttpCycleObject *self) {
    struct module_strings *strings = &self->bridge->state->strings;
    size_t length = self->body.length < self->bridge->request_buffer_size
                        ? self->body.length
                        : self->bridge->request_buffer_size;
    bool has_more = length < self->body.length || !self->is_body_complete;
    PyObject *event = PyDict_New();
    PyObject *bytes = length == 0 ? Py_NewRef(self->bridge->state->empty_bytes)
                                  : PyBytes_FromStringAndSize(self->body.data, (Py_ssize_t)length);
    if (event == NULL || bytes == NULL ||
        PyDict_SetItem(event, strings->type, strings->http_request) < 0 ||
        PyDict_SetItem(event, strings->body, bytes) < 0 ||
        PyDict_SetItem(event, strings->more_body, has_more ? Py_True : Py_False) < 0) {
        Py_XDECREF(bytes);
        Py_XDECREF(event);
        return NULL;
    }
    Py_DECREF(bytes);
    buffer_consume(&self->body, length);
    self->is_body_received = !has_more;
    if (self->body.length == 0) {
        buffer_release(&self->body);
    }
    return event;
}

static PyObject *disconnect_event(HttpCycleObject *self) {
    struct module_strings *strings = &self->bridge->state->strings;
    PyObject *event = PyDict_New();
    if (event != NULL && PyDict_SetItem(event, strings->type, strings->http_disconnect) < 0) {
        Py_CLEAR(event);
    }
    return event;
}

static bool is_over(const HttpCycleObject *self) {
    return self->is_disconnected || self->response.exchange == NULL ||
           self->response.state == RESPONSE_COMPLETE;
}

/* The response is complete, but the application is still running. */
static bool is_answered(const HttpCycleObject *self) {
    return self->response.state == RESPONSE_COMPLETE && app_task_is_running(&self->app_task);
}

/* Whoever asks on now waits, as under daphne, until the application has ended. Several parts of an
 * application may ask whether the client has gone; one that just receives for ever must not keep
 * the loop from turning. */
static bool has_enough_disconnects(const HttpCycleObject *self) {
    int most = is_answered(self) ? 1 : LIMIT_DISCONNECT_EVENTS;
    return self->disconnects_received >= most && app_task_is_running(&self->app_task);
}

/* A part of the body, or its end, is there for receive(). */
static bool has_body_event(const HttpCycleObject *self) {
    return !self->is_body_received && (self->body.length > 0 || self->is_body_complete);
}

/* Something for receive() is there. */
static bool has_event(const HttpCycleObject *self) {
    return has_body_event(self) || is_over(self);
}

static PyObject *poll_receive(PyObject *op) {
    HttpCycleObject *self = (HttpCycleObject *)op;
    if (!has_event(self)) {
        self->is_paused = false;
        exchange_resume(self->response.exchange); /* lets the body come, and sends the 100 Continue
                                                     that it may wait for */
        return NULL;
    }
    if (has_body_event(self)) {
        PyObject *event = body_event(self);
        if (event != NULL && has_event(self)) {
            waiter_queue_pass_on(&self->receivers);
        }
        return event;
    }
    if (has_enough_disconnects(self)) {
        app_task_end_soon(&self->app_task);
        return NULL;
    }
    self->disconnects_received += self->disconnects_received < LIMIT_DISCONNECT_EVENTS;
    waiter_queue_pass_on(&self->receivers);
    return disconnect_event(self);
}

static PyObject *receive(PyObject *op, PyObject *Py_UNUSED(argument)) {
    HttpCycleObject *self = (HttpCycleObject *)op;
    return pending_new(self->bridge, op, &self->receivers, poll_receive);
}

/* --- send() --- */

static PyObject *raise_gone(HttpCycleObject *self) {
    return bridge_raise_status(self->bridge, STATUS_CLOSED,
                               "the client has gone: nobody receives this response");
}

static PyObject *poll_drained(PyObject *op) {
    HttpCycleObject *self = (HttpCycleObject *)op;
    bool is_open = self->response.exchange != NULL && !self->is_disconnected;
    if (is_open && exchange_is_congested(self->response.exchange)) {
        return NULL;
    }
    if (!is_open && self->response.state != RESPONSE_COMPLETE) {
        return raise_gone(self);
    }
    Py_RETURN_NONE;
}

/* What send() returns when the message was taken: an awaitable that is ready, or one that waits for
 * the client to read. */
static PyObject *sent(HttpCycleObject *self) {
    if (self->response.exchange != NULL && exchange_is_congested(self->response.exchange)) {
        return pending_new(self->bridge, (PyObject *)self, &self->senders, poll_drained);
    }
    return outcome_none(self->bridge->state);
}

static PyObject *take_message(HttpCycleObject *self, PyObject *message, PyObject *type) {
    struct module_strings *strings = &self->bridge->state->strings;
    bool is_body = message_is(type, strings->http_response_body);
    if (!is_body && !message_is(type, strings->http_response_start)) {
        PyErr_Format(PyExc_ValueError,
                     "unexpected ASGI message %R: an HTTP response is http.response.start and "
                     "http.response.body",
                     type);
        return NULL;
    }
    if (self->response.state == RESPONSE_COMPLETE) {
        if (caller_is_in_package("channels")) { /* send_body() promises that it is ignored */
            return outcome_none(self->bridge->state);
        }
        PyErr_Format(PyExc_RuntimeError, "unexpected ASGI message %R: the response is complete",
                     type);
        return NULL;
    }
    /* A client may have ended only its own side: it still gets an answer, until the application
     * knows of its going. */
    if (self->disconnects_received > 0) {
        return raise_gone(self);
    }
    int result = is_body ? response_take_body(&self->response, message)
                         : response_take_start(&self->response, message);
    return result < 0 ? NULL : sent(self);
}

static PyObject *send(PyObject *op, PyObject *message) {
    HttpCycleObject *self = (HttpCycleObject *)op;
    PyObject *type = message_type(self->bridge, message);
    PyObject *awaitable = type == NULL ? NULL : take_message(self, message, type);
    Py_XDECREF(type);
    return awaitable != NULL ? awaitable : outcome_of_error(self->bridge->state);
}

/* --- The application's end --- */

/* Logs `text` with the request, e.g. "Exception in ASGI application: GET '/x'". */
static void log_request(HttpCycleObject *self, const char *level, const char *text,
                        PyObject *exception) {
    PyObject *request = scope_describe(self->bridge, self->scope);
    PyObject *message = request == NULL ? NULL : PyUnicode_FromFormat("%s: %U", text, request);
    bridge_log(self->bridge, level, message, exception);
    Py_XDECREF(request);
    Py_XDECREF(message);
}

/* The application ended as it should when its client has gone: by ClientDisconnected, or cancelled.
 */
static bool is_expected(const HttpCycleObject *self, PyObject *exception) {
    return bridge_is_client_disconnected(self->bridge, exception) ||
           (self->app_task.is_ending &&
            PyErr_GivenExceptionMatches(exception, self->bridge->state->cancelled_error));
}

static void on_app_done(PyObject *op, PyObject *exception) {
    HttpCycleObject *self = (HttpCycleObject *)op;
    bool is_gone = self->is_disconnected || self->response.exchange == NULL;
    if (exception != NULL && is_expected(self, exception)) {
        log_request(self, "debug", "ASGI application ended by its client's leaving", exception);
    } else if (exception != NULL) {
        log_request(self, "error", "Exception in ASGI application", exception);
    } else if (self->response.state != RESPONSE_COMPLETE && !is_gone) {
        log_request(self, "error", "ASGI application returned without completing its response",
                    NULL);
    }
    response_fail(&self->response);
    waiter_queue_pass_on(&self->receivers); /* a task that it left behind */
}

/* The application, all of it answered, does more than to wait for what cannot come. */
static bool is_excused(PyObject *op) {
    const HttpCycleObject *self = (const HttpCycleObject *)op;
    return is_answered(self) && waiter_queue_is_empty(&self->receivers);
}

static PyObject *on_task_done(PyObject *op, PyObject *task) {
    return app_task_on_task_done(&((HttpCycleObject *)op)->app_task, task);
}

/* --- Events of the exchange --- */

static void on_body(void *owner, struct slice bytes, bool is_last) {
    HttpCycleObject *self = owner;
    if (buffer_append(&self->body, bytes) != STATUS_OK) {
        exchange_abort(self->response.exchange);
        return;
    }
    self->is_body_complete = self->is_body_complete || is_last;
    if (!is_last && !self->is_paused && self->body.length > LIMIT_RECEIVE_BUFFER) {
        self->is_paused = true;
        exchange_pause(self->response.exchange);
    }
}

static const PyMethodDef receive_definition = {"receive", receive, METH_NOARGS, NULL};
static const PyMethodDef send_definition = {"send", send, METH_O, NULL};

static void start_application(HttpCycleObject *self) {
    self->is_started = true;
    PyObject *op = (PyObject *)self;
    struct module_state *state = self->bridge->state;
    PyObject *receive_method = async_method_new(state, op, &receive_definition);
    PyObject *send_method = async_method_new(state, op, &send_definition);
    if (receive_method != NULL && send_method != NULL) {
        app_task_start(&self->app_task, op, self->scope, receive_method, send_method);
    } else {
        bridge_report(self->bridge, "casgi could not start an application");
        exchange_abort(self->response.exchange);
    }
    Py_XDECREF(receive_method);
    Py_XDECREF(send_method);
}

static void on_ready(void *owner) {
    HttpCycleObject *self = owner;
    Py_INCREF(self);
    if (!self->is_started) {
        start_application(self);
    } else if (has_event(self)) {
        waiter_queue_wake_one(&self->receivers);
    }
    Py_DECREF(self);
}

static void on_drain(void *owner) {
    HttpCycleObject *self = owner;
    Py_INCREF(self);
    waiter_queue_wake_all(&self->senders);
    Py_DECREF(self);
}

static void on_disconnect(void *owner) {
    HttpCycleObject *self = owner;
    Py_INCREF(self);
    self->is_disconnected = true;
    app_task_end_soon(&self->app_task);
    waiter_queue_wake_all(&self->senders);
    waiter_queue_wake_one(&self->receivers);
    Py_DECREF(self);
}

static void on_end(void *owner) {
    HttpCycleObject *self = owner;
    self->response.exchange = NULL;
    bridge_detach(&self->attached);
    if (self->is_started && self->response.state != RESPONSE_COMPLETE) {
        app_task_end_soon(&self->app_task);
    }
    waiter_queue_wake_all(&self->senders);
    waiter_queue_wake_one(&self->receivers);
    Py_DECREF(self);
}

static const struct exchange_events exchange_events = {
    .on_body = on_body,
    .on_ready = on_ready,
    .on_drain = on_drain,
    .on_disconnect = on_disconnect,
    .on_end = on_end,
};

int http_cycle_begin(struct bridge *bridge, struct exchange *exchange) {
    PyObject *scope = scope_new(bridge, exchange, false);
    HttpCycleObject *self =
        scope == NULL ? NULL : PyObject_GC_New(HttpCycleObject, bridge->state->http_cycle_type);
    if (self == NULL) {
        Py_XDECREF(scope);
        bridge_report(bridge, "casgi could not take a request");
        return STATUS_NO_MEMORY;
    }
    counters_opened(COUNTER_http_cycles);
    self->bridge = bridge;
    self->owner = Py_NewRef(bridge->owner);
    response_init(&self->response, bridge, exchange);
    self->scope = scope;
    self->body = BUFFER_EMPTY;
    waiter_queue_init(&self->receivers);
    waiter_queue_init(&self->senders);
    app_task_init(&self->app_task, bridge, on_app_done);
    self->app_task.is_excused = is_excused;
    self->disconnects_received = 0;
    self->is_started = self->is_body_complete = self->is_body_received = self->is_disconnected =
        self->is_paused = false;
    bridge_attach(bridge, &self->attached, (PyObject *)self);
    exchange_attach(exchange, &exchange_events, self);
    PyObject_GC_Track(self);
    return STATUS_OK;
}

/* --- The type --- */

static int traverse(PyObject *op, visitproc visit, void *arg) {
    HttpCycleObject *self = (HttpCycleObject *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->owner);
    Py_VISIT(self->scope);
    int result = app_task_traverse(&self->app_task, visit, arg);
    result = result != 0 ? result : waiter_queue_traverse(&self->receivers, visit, arg);
    return result != 0 ? result : waiter_queue_traverse(&self->senders, visit, arg);
}

static int clear(PyObject *op) {
    HttpCycleObject *self = (HttpCycleObject *)op;
    waiter_queue_clear(&self->receivers);
    waiter_queue_clear(&self->senders);
    app_task_clear(&self->app_task);
    return 0;
}

static void dealloc(PyObject *op) {
    HttpCycleObject *self = (HttpCycleObject *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    (void)clear(op);
    response_release(&self->response);
    buffer_release(&self->body);
    Py_CLEAR(self->scope);
    Py_CLEAR(self->owner);
    type->tp_free(op);
    Py_DECREF(type);
    counters_closed(COUNTER_http_cycles);
}

static PyMethodDef methods[] = {
    {"_on_task_done", on_task_done, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "One HTTP request of the application."},
    {Py_tp_traverse, traverse},
    {Py_tp_clear, clear},
    {Py_tp_dealloc, dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

PyType_Spec http_cycle_type_spec = {
    .name = "casgi._core.HttpCycle",
    .basicsize = sizeof(HttpCycleObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
             Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};
