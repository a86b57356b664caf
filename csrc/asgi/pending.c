/* Awaitables that poll their owner. Each owns a reference to its owner, and to the waiter it has
 * yielded last. */
#include "asgi/pending.h"

#include "asgi/awaitable.h"

typedef struct {
    PyObject_HEAD
    struct bridge *bridge;
    struct waiter_queue *queue; /* in owner */
    pending_poll poll;
    PyObject *owner;
    PyObject *waiter; /* NULL unless suspended */
    bool is_finished;
} PendingObject;

PyObject *pending_new(struct bridge *bridge, PyObject *owner, struct waiter_queue *queue,
                      pending_poll poll) {
    PendingObject *self = PyObject_GC_New(PendingObject, bridge->state->pending_type);
    if (self == NULL) {
        return NULL;
    }
    self->bridge = bridge;
    self->queue = queue;
    self->poll = poll;
    self->owner = Py_NewRef(owner);
    self->waiter = NULL;
    self->is_finished = false;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

/* Lets go of the waiter. Who was woken but does not take what it was woken for passes the call on.
 */
static void drop_waiter(PendingObject *self, bool passes_on) {
    PyObject *waiter = self->waiter;
    self->waiter = NULL;
    if (waiter != NULL && waiter_abandon(waiter) && passes_on) {
        waiter_queue_pass_on(self->queue);
    }
    Py_XDECREF(waiter);
}

static PySendResult step(PyObject *op, PyObject **result) {
    PendingObject *self = (PendingObject *)op;
    *result = NULL;
    if (self->is_finished) {
        PyErr_SetString(PyExc_RuntimeError, "cannot reuse an awaitable that is finished already");
        return PYGEN_ERROR;
    }
    if (self->waiter != NULL && waiter_is_waiting(self->waiter)) {
        PyErr_SetString(PyExc_RuntimeError, "this awaitable is being awaited already");
        return PYGEN_ERROR;
    }
    if (self->waiter != NULL && waiter_is_cancelled(self->waiter)) {
        (void)waiter_raise_cancelled(self->waiter);
        self->is_finished = true;
        drop_waiter(self, false);
        return PYGEN_ERROR;
    }
    drop_waiter(self, false);
    struct event_loop *held = bridge_hold_loop(self->bridge);
    *result = self->poll(self->owner);
    bridge_let_go(held);
    if (*result != NULL || PyErr_Occurred()) {
        self->is_finished = true;
        return *result != NULL ? PYGEN_RETURN : PYGEN_ERROR;
    }
    self->waiter = waiter_new(self->bridge, self->queue);
    *result = Py_XNewRef(self->waiter);
    return *result != NULL ? PYGEN_NEXT : PYGEN_ERROR;
}

static PySendResult am_send(PyObject *self, PyObject *Py_UNUSED(value), PyObject **result) {
    return step(self, result);
}

static PyObject *iternext(PyObject *self) {
    return awaitable_next(self, step);
}

static PyObject *pending_send(PyObject *self, PyObject *Py_UNUSED(value)) {
    return awaitable_send(self, step);
}

static PyObject *pending_throw(PyObject *op, PyObject *const *args, Py_ssize_t nargs) {
    PendingObject *self = (PendingObject *)op;
    self->is_finished = true;
    drop_waiter(self, true);
    return awaitable_raise(args, nargs);
}

static PyObject *pending_close(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    PendingObject *self = (PendingObject *)op;
    self->is_finished = true;
    drop_waiter(self, true);
    Py_RETURN_NONE;
}

static int traverse(PyObject *op, visitproc visit, void *arg) {
    PendingObject *self = (PendingObject *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->owner);
    Py_VISIT(self->waiter);
    return 0;
}

static int clear(PyObject *op) {
    PendingObject *self = (PendingObject *)op;
    self->is_finished = true;
    drop_waiter(self, false);
    Py_CLEAR(self->owner);
    return 0;
}

static void dealloc(PyObject *op) {
    PendingObject *self = (PendingObject *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    if (self->waiter !=
        NULL) { /* the next one is woken by the loop, while an exception passes by */
        PyObject *error_type, *error, *traceback;
        PyErr_Fetch(&error_type, &error, &traceback);
        drop_waiter(self, true);
        PyErr_Restore(error_type, error, traceback);
    }
    Py_CLEAR(self->owner);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"send", pending_send, METH_O, "Resumes the awaitable, as coroutine.send()."},
    {"throw", (PyCFunction)(void (*)(void))pending_throw, METH_FASTCALL,
     "Raises inside, as coroutine.throw()."},
    {"close", pending_close, METH_NOARGS, "Ends the awaitable, as coroutine.close()."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "An awaitable that takes its result when it is resumed."},
    {Py_tp_traverse, traverse},
    {Py_tp_clear, clear},
    {Py_tp_dealloc, dealloc},
    {Py_am_await, PyObject_SelfIter},
    {Py_am_send, am_send},
    {Py_tp_iter, PyObject_SelfIter},
    {Py_tp_iternext, iternext},
    {Py_tp_methods, methods},
    {0, NULL},
};

PyType_Spec pending_type_spec = {
    .name = "casgi._core.Pending",
    .basicsize = sizeof(PendingObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
             Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};
