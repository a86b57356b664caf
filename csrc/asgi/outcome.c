/* Awaitables that are done. Each owns its value; the one for None is shared by every send() that
 * succeeded. */
#include "asgi/outcome.h"

#include "asgi/awaitable.h"
#include "asgi/bridge.h"

typedef struct {
    PyObject_HEAD
    PyObject *value;
    bool raises;
    bool yields; /* once, before it is done */
} OutcomeObject;

PyObject *outcome_new(struct module_state *state, PyObject *value, bool raises) {
    OutcomeObject *self = PyObject_GC_New(OutcomeObject, state->outcome_type);
    if (self == NULL) {
        return NULL;
    }
    self->value = Py_NewRef(value);
    self->raises = raises;
    self->yields = false;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

/* *Takes* the outcome; NULL is passed on. */
static PyObject *make_later(PyObject *outcome) {
    if (outcome != NULL) {
        ((OutcomeObject *)outcome)->yields = true;
    }
    return outcome;
}

PyObject *outcome_of_error(struct module_state *state, bool is_later) {
    PyObject *exception = bridge_take_exception();
    PyObject *outcome = outcome_new(state, exception, true);
    Py_XDECREF(exception);
    return is_later ? make_later(outcome) : outcome;
}

PyObject *outcome_none(struct module_state *state) {
    return Py_NewRef(state->ready);
}

PyObject *outcome_none_later(struct module_state *state) {
    return make_later(outcome_new(state, Py_None, false));
}

static PySendResult step(PyObject *op, PyObject **result) {
    OutcomeObject *self = (OutcomeObject *)op;
    if (self->yields) { /* a bare yield, after which asyncio goes on in its next round */
        self->yields = false;
        *result = Py_NewRef(Py_None);
        return PYGEN_NEXT;
    }
    if (self->raises) {
        awaitable_raise_again(self->value);
        *result = NULL;
        return PYGEN_ERROR;
    }
    *result = Py_NewRef(self->value);
    return PYGEN_RETURN;
}

static PySendResult am_send(PyObject *self, PyObject *Py_UNUSED(value), PyObject **result) {
    return step(self, result);
}

static PyObject *iternext(PyObject *self) {
    return awaitable_next(self, step);
}

static PyObject *outcome_send(PyObject *self, PyObject *Py_UNUSED(value)) {
    return awaitable_send(self, step);
}

static PyObject *outcome_throw(PyObject *Py_UNUSED(self), PyObject *const *args, Py_ssize_t nargs) {
    return awaitable_raise(args, nargs);
}

static PyObject *outcome_close(PyObject *Py_UNUSED(self), PyObject *Py_UNUSED(ignored)) {
    Py_RETURN_NONE;
}

static int traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((OutcomeObject *)op)->value);
    return 0;
}

static int clear(PyObject *op) {
    Py_CLEAR(((OutcomeObject *)op)->value);
    return 0;
}

static void dealloc(PyObject *op) {
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    (void)clear(op);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"send", outcome_send, METH_O, "Resumes the awaitable, as coroutine.send()."},
    {"throw", (PyCFunction)(void (*)(void))outcome_throw, METH_FASTCALL,
     "Raises inside, as coroutine.throw()."},
    {"close", outcome_close, METH_NOARGS, "Ends the awaitable, as coroutine.close()."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "An awaitable whose result, or exception, is known."},
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

PyType_Spec outcome_type_spec = {
    .name = "casgi._core.Outcome",
    .basicsize = sizeof(OutcomeObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
             Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};
