/* Bound methods with the marks of a coroutine function. Each owns a reference to the object it is
 * bound to. */
#include "asgi/async_method.h"

#include <stddef.h>
#include <structmember.h>

typedef struct {
    PyObject_HEAD
    vectorcallfunc vectorcall;
    const PyMethodDef *definition;
    void (*on_dropped)(PyObject *self);
    PyObject *self;
    struct module_state *state;
} AsyncMethodObject;

static PyObject *vectorcall(PyObject *op, PyObject *const *args, size_t nargsf, PyObject *kwnames) {
    AsyncMethodObject *method = (AsyncMethodObject *)op;
    bool has_argument = method->definition->ml_flags == METH_O;
    Py_ssize_t count = PyVectorcall_NARGS(nargsf);
    bool has_keywords = kwnames != NULL && PyTuple_GET_SIZE(kwnames) > 0;
    if (count != (has_argument ? 1 : 0) || has_keywords) {
        PyErr_Format(PyExc_TypeError, "%s() takes %s", method->definition->ml_name,
                     has_argument ? "one positional argument, the message" : "no arguments");
        return NULL;
    }
    return method->definition->ml_meth(method->self, has_argument ? args[0] : NULL);
}

PyObject *async_method_new(struct module_state *state, PyObject *self,
                           const PyMethodDef *definition, void (*on_dropped)(PyObject *self)) {
    AsyncMethodObject *method = PyObject_GC_New(AsyncMethodObject, state->async_method_type);
    if (method == NULL) {
        return NULL;
    }
    method->vectorcall = vectorcall;
    method->definition = definition;
    method->on_dropped = on_dropped;
    method->self = Py_NewRef(self);
    method->state = state;
    PyObject_GC_Track(method);
    return (PyObject *)method;
}

PyObject *async_method_self(struct module_state *state, PyObject *method) {
    return Py_IS_TYPE(method, state->async_method_type) ? ((AsyncMethodObject *)method)->self
                                                        : NULL;
}

static int traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((AsyncMethodObject *)op)->self);
    return 0;
}

static int clear(PyObject *op) {
    (void)op; /* a cycle through `self` is broken there: a method without its object could not be
                 called */
    return 0;
}

static void dealloc(PyObject *op) {
    AsyncMethodObject *method = (AsyncMethodObject *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    if (method->on_dropped != NULL) { /* which may call the loop, while an exception passes by */
        PyObject *error_type, *error, *traceback;
        PyErr_Fetch(&error_type, &error, &traceback);
        method->on_dropped(method->self);
        PyErr_Restore(error_type, error, traceback);
    }
    Py_CLEAR(method->self);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyObject *represent(PyObject *op) {
    AsyncMethodObject *method = (AsyncMethodObject *)op;
    return PyUnicode_FromFormat("<method %s of %R>", method->definition->ml_name, method->self);
}

static PyObject *get_name(PyObject *op, void *Py_UNUSED(closure)) {
    return PyUnicode_FromString(((AsyncMethodObject *)op)->definition->ml_name);
}

/* asyncio's mark, which is looked for on Python 3.11 */
static PyObject *get_coroutine_mark(PyObject *op, void *Py_UNUSED(closure)) {
    return Py_NewRef(((AsyncMethodObject *)op)->state->coroutine_mark);
}

/* inspect's, which is looked for from 3.12 on */
static PyObject *get_inspect_mark(PyObject *op, void *Py_UNUSED(closure)) {
    return Py_NewRef(((AsyncMethodObject *)op)->state->inspect_mark);
}

static PyGetSetDef getset[] = {
    {"__name__", get_name, NULL, NULL, NULL},
    {"_is_coroutine", get_coroutine_mark, NULL, NULL, NULL},
    {"_is_coroutine_marker", get_inspect_mark, NULL, NULL, NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef members[] = {
    {"__vectorcalloffset__", T_PYSSIZET, offsetof(AsyncMethodObject, vectorcall), READONLY, NULL},
    {"__self__", T_OBJECT, offsetof(AsyncMethodObject, self), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "receive or send of one request or WebSocket."},
    {Py_tp_traverse, traverse},
    {Py_tp_clear, clear},
    {Py_tp_dealloc, dealloc},
    {Py_tp_repr, represent},
    {Py_tp_call, PyVectorcall_Call},
    {Py_tp_members, members},
    {Py_tp_getset, getset},
    {0, NULL},
};

PyType_Spec async_method_type_spec = {
    .name = "casgi._core.AsyncMethod",
    .basicsize = sizeof(AsyncMethodObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_HAVE_VECTORCALL |
             Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};
