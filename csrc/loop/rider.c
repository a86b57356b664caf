/* Rider: turns of a libuv loop inside somebody else's running asyncio loop.
 *
 * Owns its event loop; holds the foreign loop, which holds the rider through its callbacks until
 * rider_close(). A turn comes when libuv's descriptor is readable, when its next timer is due, and
 * soon after work was queued. It never waits and never gives the GIL up. */
#include "loop/rider.h"

#include "base/status.h"

typedef struct {
    PyObject_HEAD
    PyObject *asyncio_loop;
    PyObject *on_ready; /* the callbacks that the foreign loop is given */
    PyObject *on_soon;
    PyObject *timer;       /* its handle of the next call_later(), or NULL */
    uint64_t timer_is_due; /* event_loop_now() at which it fires */
    struct event_loop *loop;
    struct module_state *state;
    bool soon;    /* on_soon is waiting for its turn */
    bool closing; /* closed from inside a turn: the rest follows when the turn is over */
} RiderObject;

/* Asking the foreign loop for turns */

static int ask_soon(RiderObject *self) {
    if (self->soon) {
        return 0;
    }
    PyObject *handle = PyObject_CallMethodOneArg(self->asyncio_loop, self->state->strings.call_soon,
                                                 self->on_soon);
    if (handle == NULL) {
        return -1;
    }
    Py_DECREF(handle);
    self->soon = true;
    return 0;
}

static int drop_timer(RiderObject *self) {
    PyObject *timer = self->timer;
    if (timer == NULL) {
        return 0;
    }
    self->timer = NULL;
    PyObject *result = PyObject_CallMethodNoArgs(timer, self->state->strings.cancel);
    Py_DECREF(timer);
    Py_XDECREF(result);
    return result != NULL ? 0 : -1;
}

/* A timer that fires too early costs one idle turn: it is moved only when it would fire too late,
 * or has fired. */
static int ask_later(RiderObject *self, int milliseconds) {
    uint64_t now = event_loop_now(self->loop);
    uint64_t due = now + (uint64_t)milliseconds;
    if (self->timer != NULL && self->timer_is_due > now && self->timer_is_due <= due) {
        return 0;
    }
    if (drop_timer(self) != 0) {
        return -1;
    }
    PyObject *delay = PyFloat_FromDouble(milliseconds / 1e3);
    if (delay == NULL) {
        return -1;
    }
    self->timer = PyObject_CallMethodObjArgs(self->asyncio_loop, self->state->strings.call_later,
                                             delay, self->on_ready, NULL);
    self->timer_is_due = due;
    Py_DECREF(delay);
    return self->timer != NULL ? 0 : -1;
}

static int ask_next_turn(RiderObject *self) {
    int timeout = event_loop_timeout(self->loop);
    if (timeout == 0) {
        return ask_soon(self);
    }
    return timeout > 0 ? ask_later(self, timeout) : 0;
}

static void want_turn(void *owner) {
    RiderObject *self = owner;
    if (self->closing || ask_soon(self) == 0) {
        return;
    }
    /* asyncio and uvloop raise RuntimeError once they are closed, when nothing can be sent any
     * more. */
    if (PyErr_ExceptionMatches(PyExc_RuntimeError)) {
        PyErr_Clear();
    } else {
        PyErr_WriteUnraisable((PyObject *)self);
    }
}

/* Turns */

static void get_off(RiderObject *self);

static PyObject *turn(RiderObject *self) {
    if (self->loop == NULL) {
        Py_RETURN_NONE;
    }
    if (PyObject_HasAttrString(self->asyncio_loop, "_nest_patched")) { /* by nest_asyncio */
        event_loop_refuse_application(self->loop);
    }
    if (event_loop_turn(self->loop, 0) != STATUS_OK) { /* an application has run its loop again */
        event_loop_refuse_application(self->loop);
        Py_RETURN_NONE;
    }
    assert(!PyErr_Occurred());
    PyObject *interrupt = event_loop_take_interrupt(self->loop);
    int result = 0;
    if (self->closing) {
        get_off(self);
    } else {
        result = ask_next_turn(self);
    }
    if (interrupt != NULL) {
        PyErr_SetObject((PyObject *)Py_TYPE(interrupt), interrupt);
        Py_DECREF(interrupt);
        return NULL;
    }
    if (result != 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *rider_on_ready(PyObject *object, PyObject *Py_UNUSED(ignored)) {
    return turn((RiderObject *)object);
}

static PyObject *rider_on_soon(PyObject *object, PyObject *Py_UNUSED(ignored)) {
    RiderObject *self = (RiderObject *)object;
    self->soon = false;
    return turn(self);
}

static PyMethodDef on_ready_method = {"rider_on_ready", rider_on_ready, METH_NOARGS, NULL};
static PyMethodDef on_soon_method = {"rider_on_soon", rider_on_soon, METH_NOARGS, NULL};

/* Getting on and off */

static int call_with_descriptor(RiderObject *self, PyObject *method, PyObject *callback) {
    PyObject *descriptor = PyLong_FromLong(event_loop_descriptor(self->loop));
    if (descriptor == NULL) {
        return -1;
    }
    PyObject *result =
        PyObject_CallMethodObjArgs(self->asyncio_loop, method, descriptor, callback, NULL);
    Py_DECREF(descriptor);
    Py_XDECREF(result);
    return result != NULL ? 0 : -1;
}

static int get_on(RiderObject *self) {
    self->on_ready = PyCFunction_New(&on_ready_method, (PyObject *)self);
    self->on_soon = PyCFunction_New(&on_soon_method, (PyObject *)self);
    if (self->on_ready == NULL || self->on_soon == NULL) {
        return -1;
    }
    self->loop = event_loop_new();
    if (self->loop == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    event_loop_set_hooks(self->loop,
                         &(struct event_loop_hooks){.want_turn = want_turn, .owner = self});
    return call_with_descriptor(self, self->state->strings.add_reader, self->on_ready);
}

/* A foreign loop that is closed already refuses both calls, and has forgotten us. */
static void get_off(RiderObject *self) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (call_with_descriptor(self, self->state->strings.remove_reader, NULL) != 0) {
        PyErr_Clear();
    }
    if (drop_timer(self) != 0) {
        PyErr_Clear();
    }
    struct event_loop *loop = self->loop;
    self->loop = NULL;
    Py_XDECREF(event_loop_take_interrupt(loop));
    event_loop_free(loop);
    Py_CLEAR(self->on_ready);
    Py_CLEAR(self->on_soon);
    PyErr_Restore(type, value, traceback);
}

PyObject *rider_new(struct module_state *state, PyObject *loop) {
    PyTypeObject *type = state->rider_type;
    RiderObject *self = (RiderObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->state = state;
    self->asyncio_loop = Py_NewRef(loop);
    if (get_on(self) != 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

struct event_loop *rider_event_loop(PyObject *rider) {
    return ((RiderObject *)rider)->loop;
}

void rider_close(PyObject *rider) {
    RiderObject *self = (RiderObject *)rider;
    if (self->loop == NULL) {
        return;
    }
    self->closing = true;
    if (!event_loop_is_in_turn(self->loop)) {
        get_off(self);
    }
}

static int rider_traverse(RiderObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->asyncio_loop);
    Py_VISIT(self->on_ready);
    Py_VISIT(self->on_soon);
    Py_VISIT(self->timer);
    return 0;
}

static int rider_clear(RiderObject *self) {
    Py_CLEAR(self->asyncio_loop);
    Py_CLEAR(self->on_ready);
    Py_CLEAR(self->on_soon);
    Py_CLEAR(self->timer);
    return 0;
}

static void rider_dealloc(RiderObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->loop != NULL) {
        Py_XDECREF(event_loop_take_interrupt(self->loop));
        event_loop_free(self->loop);
    }
    rider_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyDoc_STRVAR(rider_doc,
             "Turns of casgi's event loop inside a running asyncio loop that is not ours.");

static PyType_Slot rider_slots[] = {
    {Py_tp_doc, (void *)rider_doc},
    {Py_tp_dealloc, rider_dealloc},
    {Py_tp_traverse, rider_traverse},
    {Py_tp_clear, rider_clear},
    {0, NULL},
};

PyType_Spec rider_type_spec = {
    .name = "casgi._core.Rider",
    .basicsize = sizeof(RiderObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
             Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = rider_slots,
};
