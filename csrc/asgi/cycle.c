/* What both kinds of cycles do in the same way. */
#include "asgi/cycle.h"

#include <string.h>

#include "asgi/async_method.h"
#include "asgi/message.h"
#include "asgi/outcome.h"
#include "asgi/scope.h"
#include "base/limits.h"

static void start_later(struct deferred *deferred) {
    CycleObject *self = LIST_OBJECT(deferred, CycleObject, start);
    Py_INCREF(self);
    event_loop_wake(self->bridge->event_loop);
    cycle_start(self);
    Py_DECREF(self);
}

PyObject *cycle_new(struct bridge *bridge, PyTypeObject *type, PyObject *scope,
                    const struct cycle_methods *methods) {
    CycleObject *self = scope == NULL ? NULL : PyObject_GC_New(CycleObject, type);
    if (self == NULL) {
        Py_XDECREF(scope);
        return NULL;
    }
    memset((char *)self + sizeof(PyObject), 0, (size_t)type->tp_basicsize - sizeof(PyObject));
    self->bridge = bridge;
    self->owner = Py_NewRef(bridge->owner);
    self->scope = scope;
    self->began = event_loop_now(bridge->event_loop);
    waiter_queue_init(&self->receivers);
    waiter_queue_init(&self->senders);
    self->methods = methods;
    app_task_init(&self->app_task, bridge, &methods->task_events);
    deferred_init(&self->start, start_later);
    self->drops_late_messages = bridge->drops_late_messages;
    return (PyObject *)self;
}

static void on_send_dropped(PyObject *op) {
    CycleObject *self = (CycleObject *)op;
    self->can_send = false;
    if (self->methods->on_send_dropped != NULL) {
        self->methods->on_send_dropped(op);
    }
}

static void start_here(CycleObject *self) {
    PyObject *op = (PyObject *)self;
    struct module_state *state = self->bridge->state;
    PyObject *receive = async_method_new(state, op, &self->methods->receive, NULL);
    PyObject *send = async_method_new(state, op, &self->methods->send, on_send_dropped);
    self->can_send = send != NULL;
    if (receive != NULL && send != NULL) {
        app_task_start(&self->app_task, op, self->scope, receive, send);
    } else {
        bridge_report(self->bridge, "casgi could not start an application");
        self->methods->abort(op);
    }
    Py_XDECREF(receive);
    Py_XDECREF(send);
}

void cycle_start(CycleObject *self) {
    if (bridge_is_on_other_thread(
            self->bridge)) { /* a response sent there was the last one's end */
        event_loop_defer(self->bridge->event_loop, &self->start);
    } else if (!self->app_task.was_started) {
        start_here(self);
    }
}

void cycle_detach(CycleObject *self) {
    deferred_cancel(&self->start);
    bridge_detach(&self->attached);
}

/* --- send() --- */

/* Of what is sent in answer to HEAD, for one, nothing stays here that would have to be read before
 * more can be sent: an application that streams on and on would keep the loop to itself. */
static bool has_sent_enough(CycleObject *self) {
    struct event_loop *loop = self->bridge->event_loop;
    uint64_t turn = loop == NULL ? 0 : event_loop_turn_number(loop);
    if (self->sent_turn != turn || self->sent_in_turn >= LIMIT_SENDS_IN_TURN) {
        self->sent_turn = turn;
        self->sent_in_turn = 0;
    }
    self->sent_in_turn++;
    return self->sent_in_turn >= LIMIT_SENDS_IN_TURN;
}

PyObject *cycle_sent(CycleObject *self, bool is_congested, pending_poll poll) {
    if (is_congested) {
        return pending_new(self->bridge, (PyObject *)self, &self->senders, poll);
    }
    struct module_state *state = self->bridge->state;
    return has_sent_enough(self) ? outcome_none_later(state) : outcome_none(state);
}

PyObject *cycle_send(PyObject *op, PyObject *message, cycle_take take) {
    struct bridge *bridge = ((CycleObject *)op)->bridge;
    PyObject *type = message_type(bridge, message);
    struct event_loop *held = bridge_hold_loop(bridge);
    PyObject *awaitable = type == NULL ? NULL : take(op, message, type);
    bridge_let_go(held);
    Py_XDECREF(type);
    return awaitable != NULL ? awaitable
                             : outcome_of_error(bridge->state, has_sent_enough((CycleObject *)op));
}

static CycleObject *cycle_of(struct module_state *state, PyObject *method) {
    PyObject *self = async_method_self(state, method);
    bool is_cycle = self != NULL && (Py_IS_TYPE(self, state->http_cycle_type) ||
                                     Py_IS_TYPE(self, state->ws_cycle_type));
    return is_cycle ? (CycleObject *)self : NULL;
}

int cycle_drop_late_messages(struct module_state *state, PyObject *receive) {
    CycleObject *self = cycle_of(state, receive);
    if (self != NULL) {
        self->drops_late_messages = true;
        return 0;
    }
    PyObject *token = PyContextVar_Set(state->drops_late_messages, Py_True);
    Py_XDECREF(token);
    return token == NULL ? -1 : 0;
}

bool cycle_drops_late_messages(const CycleObject *self) {
    PyObject *value = NULL;
    if (self->drops_late_messages) {
        return true;
    }
    if (PyContextVar_Get(self->bridge->state->drops_late_messages, Py_False, &value) < 0) {
        PyErr_Clear();
    }
    bool drops = value == Py_True;
    Py_XDECREF(value);
    return drops;
}

void cycle_on_drain(void *owner) {
    CycleObject *self = owner;
    Py_INCREF(self);
    waiter_queue_wake_all(&self->senders);
    Py_DECREF(self);
}

/* --- The application's end --- */

void cycle_log(CycleObject *self, const char *level, const char *text, PyObject *exception) {
    PyObject *request = scope_describe(self->bridge, self->scope);
    PyObject *message = request == NULL ? NULL : PyUnicode_FromFormat("%s: %U", text, request);
    bridge_log(self->bridge, level, message, exception);
    Py_XDECREF(request);
    Py_XDECREF(message);
}

/* It ended as it should when its client has gone: by ClientDisconnected, or cancelled. */
static bool is_expected(const CycleObject *self, PyObject *exception) {
    return bridge_is_client_disconnected(self->bridge, exception) ||
           (self->app_task.is_ending &&
            PyErr_GivenExceptionMatches(exception, self->bridge->state->cancelled_error));
}

void cycle_log_end(CycleObject *self, PyObject *exception, const char *missing) {
    if (exception != NULL && is_expected(self, exception)) {
        cycle_log(self, "debug", "ASGI application ended by its client's leaving", exception);
    } else if (exception != NULL) {
        cycle_log(self, "error", "Exception in ASGI application", exception);
    } else if (missing != NULL) {
        cycle_log(self, "error", missing, NULL);
    }
}

PyObject *cycle_on_task_done(PyObject *op, PyObject *task) {
    return app_task_on_task_done(&((CycleObject *)op)->app_task, task);
}

/* --- The type --- */

int cycle_traverse(PyObject *op, visitproc visit, void *arg) {
    CycleObject *self = (CycleObject *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->owner);
    Py_VISIT(self->scope);
    int result = app_task_traverse(&self->app_task, visit, arg);
    result = result != 0 ? result : waiter_queue_traverse(&self->receivers, visit, arg);
    return result != 0 ? result : waiter_queue_traverse(&self->senders, visit, arg);
}

int cycle_clear(PyObject *op) {
    CycleObject *self = (CycleObject *)op;
    waiter_queue_clear(&self->receivers);
    waiter_queue_clear(&self->senders);
    app_task_clear(&self->app_task);
    return 0;
}

void cycle_dealloc(PyObject *op) {
    CycleObject *self = (CycleObject *)op;
    PyTypeObject *type = Py_TYPE(op);
    (void)cycle_clear(op);
    Py_CLEAR(self->scope);
    Py_CLEAR(self->owner);
    type->tp_free(op);
    Py_DECREF(type);
}
