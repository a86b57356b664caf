/* One HTTP request of the application: its body arrives in `body` and leaves by receive(), then
 * comes http.disconnect; what send() is given goes to its response. */
#include "asgi/http_cycle.h"

#include "asgi/cycle.h"
#include "asgi/event.h"
#include "asgi/message.h"
#include "asgi/outcome.h"
#include "asgi/overdue.h"
#include "asgi/request_body.h"
#include "asgi/request_time.h"
#include "asgi/response.h"
#include "asgi/scope.h"
#include "base/counters.h"
#include "base/limits.h"

typedef struct {
    CycleObject cycle;
    struct response response; /* with the exchange, which is NULL when it is over */
    struct request_body body;
    struct request_time time;
    struct deferred wake;    /* the turn's reads are over: who receives gets them in one event */
    struct timer stop_timer; /* while the server stops: until a stream may be one that waits */
    uint64_t last_sent;      /* event_loop_now() */
    bool is_disconnected;
    bool is_left_open;            /* the application has returned, somebody may go on responding */
    bool is_stopping;             /* the server is */
    bool is_stop_reported;        /* by an http.disconnect, though the client is still there */
    uint8_t disconnects_received; /* times that the application has received http.disconnect */
} HttpCycleObject;

/* --- receive() --- */

static bool is_over(const HttpCycleObject *self) {
    return self->is_disconnected || self->is_stop_reported || self->response.exchange == NULL ||
           self->response.state == RESPONSE_COMPLETE;
}

/* The response is complete, but the application is still running. */
static bool is_answered(const HttpCycleObject *self) {
    return self->response.state == RESPONSE_COMPLETE && app_task_is_running(&self->cycle.app_task);
}

/* Whoever asks on now waits, as under daphne, until the application has ended. Several parts of an
 * application may ask whether the client has gone; one that just receives for ever must not keep
 * the loop from turning. */
static bool has_enough_disconnects(const HttpCycleObject *self) {
    int most = is_answered(self) ? 1 : LIMIT_DISCONNECT_EVENTS;
    return self->disconnects_received >= most && app_task_is_running(&self->cycle.app_task);
}

/* Something for receive() is there. */
static bool has_event(const HttpCycleObject *self) {
    return request_body_has_event(&self->body) || is_over(self);
}

/* A client may have ended only its own side: it still gets an answer, until the application knows
 * of its going. */
static bool is_known_to_have_left(const HttpCycleObject *self) {
    return self->is_disconnected && self->disconnects_received > 0 && !self->is_stop_reported;
}

/* Whoever waits in send() for a client that reads no more need not, once the application knows that
 * it has left. */
static void note_disconnect_received(HttpCycleObject *self) {
    self->disconnects_received += self->disconnects_received < LIMIT_DISCONNECT_EVENTS;
    if (is_known_to_have_left(self)) {
        waiter_queue_wake_all(&self->cycle.senders);
    }
    waiter_queue_pass_on(&self->cycle.receivers);
}

static PyObject *poll_receive(PyObject *op) {
    HttpCycleObject *self = (HttpCycleObject *)op;
    struct bridge *bridge = self->cycle.bridge;
    if (!has_event(self)) {
        self->body.is_paused = false;
        exchange_resume(self->response.exchange); /* lets the body come, and sends the 100 Continue
                                                     that it may wait for */
        return NULL;
    }
    if (request_body_has_event(&self->body)) {
        PyObject *event =
            request_body_take(&self->body, bridge->state, bridge->request_buffer_size);
        if (event != NULL && has_event(self)) {
            waiter_queue_pass_on(&self->cycle.receivers);
        }
        return event;
    }
    if (has_enough_disconnects(self)) {
        app_task_end_soon(&self->cycle.app_task);
        return NULL;
    }
    note_disconnect_received(self);
    return event_new(bridge->state, bridge->state->strings.http_disconnect);
}

static PyObject *receive(PyObject *op, PyObject *Py_UNUSED(argument)) {
    CycleObject *cycle = (CycleObject *)op;
    return pending_new(cycle->bridge, op, &cycle->receivers, poll_receive);
}

/* --- send() --- */

/* The client has gone: silence, as every server's for HTTP. An application that goes on sending,
 * and waits for nothing else, leaves the loop its turns, so that it can be cancelled. */
static PyObject *drop(HttpCycleObject *self) {
    return outcome_none_later(self->cycle.bridge->state);
}

/* That the client has ended its side is no reason to go on: what it reads more slowly than it is
 * sent would fill the memory. */
static PyObject *poll_drained(PyObject *op) {
    HttpCycleObject *self = (HttpCycleObject *)op;
    return response_is_congested(&self->response) && !is_known_to_have_left(self)
               ? NULL
               : Py_NewRef(Py_None);
}

/* Something was sent: a stream that begins while the server stops is looked at, too. */
static void note_sent(HttpCycleObject *self) {
    struct event_loop *event_loop = self->cycle.bridge->event_loop;
    if (event_loop == NULL || self->response.exchange == NULL) {
        return;
    }
    self->last_sent = event_loop_now(event_loop);
    if (self->is_stopping && !timer_is_running(&self->stop_timer) && !self->is_stop_reported) {
        timer_start(event_loop, &self->stop_timer, LIMIT_STREAM_PAUSE_SECONDS);
    }
}

/* The response is complete: send_body() of Channels promises that what follows is ignored. */
static PyObject *refuse_late(HttpCycleObject *self, PyObject *type) {
    if (cycle_drops_late_messages(&self->cycle)) {
        return drop(self);
    }
    return PyErr_Format(PyExc_RuntimeError, "unexpected ASGI message %R: the response is complete",
                        type);
}

typedef int (*response_take)(struct response *response, PyObject *message);

/* Returns what takes a message of this type, or NULL. The usual ones come first. */
static response_take find_take(const struct module_strings *strings, PyObject *type) {
    const struct {
        PyObject *type;
        response_take take;
    } takes[] = {
        {strings->http_response_body, response_take_body},
        {strings->http_response_start, response_take_start},
        {strings->http_response_pathsend, response_take_path},
        {strings->http_response_zerocopysend, response_take_file},
        {strings->http_response_trailers, response_take_trailers},
        {strings->http_response_early_hint, response_take_hint},
    };
    for (size_t i = 0; i < sizeof(takes) / sizeof(takes[0]); i++) {
        if (message_is(type, takes[i].type)) {
            return takes[i].take;
        }
    }
    return NULL;
}

static PyObject *take_message(PyObject *op, PyObject *message, PyObject *type) {
    HttpCycleObject *self = (HttpCycleObject *)op;
    response_take take = find_take(&self->cycle.bridge->state->strings, type);
    if (take == NULL) {
        PyErr_Format(PyExc_ValueError,
                     "unexpected ASGI message %R: an HTTP response is http.response.start and "
                     "http.response.body, or one of the extensions in scope['extensions']",
                     type);
        return NULL;
    }
    if (self->response.state == RESPONSE_COMPLETE) {
        return refuse_late(self, type);
    }
    if (is_known_to_have_left(self)) {
        return drop(self);
    }
    int status = take(&self->response, message);
    if (status == STATUS_CLOSED) {
        return drop(self);
    }
    note_sent(self);
    return status == STATUS_OK
               ? cycle_sent(&self->cycle, response_is_congested(&self->response), poll_drained)
               : NULL;
}

static PyObject *send(PyObject *op, PyObject *message) {
    return cycle_send(op, message, take_message);
}

/* --- The application's end --- */

/* Somebody waits for the rest of the response. */
static bool is_missing(const HttpCycleObject *self) {
    bool is_gone =
        self->is_disconnected || self->is_stop_reported || self->response.exchange == NULL;
    return self->response.state != RESPONSE_COMPLETE && !is_gone;
}

static void end(HttpCycleObject *self, PyObject *exception) {
    const char *missing =
        is_missing(self) ? "ASGI application returned without completing its response" : NULL;
    cycle_log_end(&self->cycle, exception, missing);
    if (exception == NULL && is_known_to_have_left(self)) {
        response_drop(&self->response);
    } else {
        response_fail(&self->response);
    }
    waiter_queue_pass_on(&self->cycle.receivers); /* a task that it left behind */
}

static void on_app_call(PyObject *op) {
    HttpCycleObject *self = (HttpCycleObject *)op;
    request_time_begin(&self->time, self->cycle.bridge);
}

/* A consumer's handle() may start a task that responds, and return: as under daphne that is no end,
 * as long as somebody is able to send. */
static void on_app_done(PyObject *op, PyObject *exception) {
    HttpCycleObject *self = (HttpCycleObject *)op;
    request_time_end(&self->time, self->cycle.bridge, self->cycle.scope);
    self->is_left_open = exception == NULL && is_missing(self) && self->cycle.can_send &&
                         cycle_drops_late_messages(&self->cycle);
    if (!self->is_left_open) {
        end(self, exception);
    }
}

/* What was left open by the application is ended when nobody can send any more. */
static void end_if_abandoned(HttpCycleObject *self) {
    if (self->is_left_open && !self->cycle.can_send) {
        self->is_left_open = false;
        end(self, NULL);
    }
}

/* There is no application to do it, and whoever was left behind need not be listening. */
static void give_up_what_is_left_open(HttpCycleObject *self) {
    if (self->is_left_open) {
        self->is_left_open = false;
        response_fail(&self->response);
    }
}

static void on_send_dropped(PyObject *op) {
    HttpCycleObject *self = (HttpCycleObject *)op;
    if (self->is_left_open && self->response.exchange != NULL) {
        event_loop_defer(self->cycle.bridge->event_loop, &self->wake);
    }
}

/* The application, all of it answered, may do more than to wait for what cannot come. */
static bool on_overdue(PyObject *op) {
    HttpCycleObject *self = (HttpCycleObject *)op;
    if (is_answered(self) && waiter_queue_is_empty(&self->cycle.receivers)) {
        return false;
    }
    overdue_report(&self->cycle.app_task);
    return true;
}

static void abort_exchange(PyObject *op) {
    exchange_abort(((HttpCycleObject *)op)->response.exchange);
}

static const struct exchange *exchange_of(PyObject *op) {
    return ((HttpCycleObject *)op)->response.exchange;
}

static const struct cycle_methods cycle_methods = {
    .receive = {"receive", receive, METH_NOARGS, NULL},
    .send = {"send", send, METH_O, NULL},
    .task_events = {.on_call = on_app_call, .on_done = on_app_done, .on_overdue = on_overdue},
    .abort = abort_exchange,
    .on_send_dropped = on_send_dropped,
    .exchange = exchange_of,
};

/* --- Events of the exchange --- */

static void on_body(void *owner, struct slice bytes, bool is_last) {
    HttpCycleObject *self = owner;
    if (request_body_append(&self->body, bytes, is_last) != STATUS_OK) {
        exchange_abort(self->response.exchange);
    } else if (!self->body.is_paused && request_body_is_full(&self->body)) {
        self->body.is_paused = true;
        exchange_pause(self->response.exchange);
    }
}

static void wake_receiver(HttpCycleObject *self) {
    if (has_event(self)) {
        waiter_queue_wake_one(&self->cycle.receivers);
    }
}

static void on_wake(struct deferred *deferred) {
    HttpCycleObject *self = LIST_OBJECT(deferred, HttpCycleObject, wake);
    Py_INCREF(self);
    event_loop_wake(self->cycle.bridge->event_loop);
    end_if_abandoned(self);
    wake_receiver(self);
    Py_DECREF(self);
}

static void on_ready(void *owner) {
    HttpCycleObject *self = owner;
    Py_INCREF(self);
    if (!self->cycle.app_task.was_started) {
        cycle_start(&self->cycle);
    } else if (self->body.state == BODY_ARRIVING) {
        event_loop_defer(self->cycle.bridge->event_loop, &self->wake);
    } else {
        wake_receiver(self);
    }
    Py_DECREF(self);
}

static void on_disconnect(void *owner) {
    HttpCycleObject *self = owner;
    Py_INCREF(self);
    self->is_disconnected = true;
    app_task_end_soon(&self->cycle.app_task);
    give_up_what_is_left_open(self);
    waiter_queue_wake_one(&self->cycle.receivers);
    Py_DECREF(self);
}

/* The server stops. A stream that waits for something to send might do so for ever: it gets
 * http.disconnect. One that is sending goes on to its end. */
static void stop_if_it_waits(HttpCycleObject *self) {
    struct bridge *bridge = self->cycle.bridge;
    if (!self->is_stopping || !response_is_under_way(&self->response)) {
        return;
    }
    double silent = (double)(event_loop_now(bridge->event_loop) - self->last_sent) / 1000.0;
    if (silent < LIMIT_STREAM_PAUSE_SECONDS || response_is_congested(&self->response)) {
        timer_start(bridge->event_loop, &self->stop_timer, LIMIT_STREAM_PAUSE_SECONDS);
        return;
    }
    self->is_stop_reported = true;
    give_up_what_is_left_open(self);
    waiter_queue_wake_one(&self->cycle.receivers);
}

static void on_stop_timer(struct timer *timer) {
    HttpCycleObject *self = LIST_OBJECT(timer, HttpCycleObject, stop_timer);
    Py_INCREF(self);
    stop_if_it_waits(self);
    Py_DECREF(self);
}

static void on_shutdown(void *owner) {
    HttpCycleObject *self = owner;
    Py_INCREF(self);
    self->is_stopping = true;
    stop_if_it_waits(self);
    Py_DECREF(self);
}

static void on_end(void *owner) {
    HttpCycleObject *self = owner;
    timer_stop(&self->stop_timer);
    deferred_cancel(&self->wake);
    self->response.exchange = NULL;
    cycle_detach(&self->cycle);
    if (self->cycle.app_task.was_started && self->response.state != RESPONSE_COMPLETE) {
        app_task_end_soon(&self->cycle.app_task);
    }
    waiter_queue_wake_all(&self->cycle.senders);
    waiter_queue_wake_one(&self->cycle.receivers);
    Py_DECREF(self);
}

static const struct exchange_events exchange_events = {
    .on_body = on_body,
    .on_ready = on_ready,
    .on_drain = cycle_on_drain,
    .on_disconnect = on_disconnect,
    .on_shutdown = on_shutdown,
    .on_end = on_end,
};

int http_cycle_begin(struct bridge *bridge, struct exchange *exchange) {
    HttpCycleObject *self = (HttpCycleObject *)cycle_new(
        bridge, bridge->state->http_cycle_type, scope_new(bridge, exchange, false), &cycle_methods);
    if (self == NULL) {
        bridge_report(bridge, "casgi could not take a request");
        return STATUS_NO_MEMORY;
    }
    counters_opened(COUNTER_http_cycles);
    response_init(&self->response, bridge, exchange);
    self->response.takes_trailers = true;
    request_body_init(&self->body);
    timer_init(&self->stop_timer, on_stop_timer);
    deferred_init(&self->wake, on_wake);
    bridge_attach(bridge, &self->cycle.attached, (PyObject *)self);
    exchange_attach(exchange, &exchange_events, self);
    PyObject_GC_Track(self);
    return STATUS_OK;
}

/* --- The type --- */

static int traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(((HttpCycleObject *)op)->time.matches);
    return cycle_traverse(op, visit, arg);
}

static void dealloc(PyObject *op) {
    HttpCycleObject *self = (HttpCycleObject *)op;
    PyObject_GC_UnTrack(op);
    response_release(&self->response);
    request_body_release(&self->body);
    request_time_release(&self->time);
    cycle_dealloc(op);
    counters_closed(COUNTER_http_cycles);
}

static PyMethodDef methods[] = {
    CYCLE_ON_TASK_DONE,
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "One HTTP request of the application."},
    {Py_tp_traverse, traverse},
    {Py_tp_clear, cycle_clear},
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
