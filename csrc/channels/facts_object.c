/* casgi._core.Facts: facts that are looked at again and again, for each message, read once. Holds
 * the tuple of them, from which the array borrows.
 *
 * A fact about a namespace that has not changed since it held is not looked at again, where dicts
 * have a version: in Python before 3.13. */
#include "channels/facts.h"

extern PyType_Spec facts_type_spec;

struct known_fact {
    struct fact fact;
    PyObject *names;  /* dict: the namespace that it is about, owned; NULL: it is about none */
    uint64_t version; /* of `names`, when the fact held last; 0: not known */
};

typedef struct {
    PyObject_VAR_HEAD
    PyObject *tuple;
    struct known_fact facts[];
} FactsObject;

/* Never that of another state of the same dict; 0 where dicts have none. */
static uint64_t version_of(PyObject *names) {
#if PY_VERSION_HEX < 0x030D0000
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    return names == NULL ? 0 : ((PyDictObject *)names)->ma_version_tag;
#pragma GCC diagnostic pop
#else
    (void)names;
    return 0;
#endif
}

static PyObject *facts_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"", NULL};
    PyObject *tuple;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!:Facts", names, &PyTuple_Type, &tuple)) {
        return NULL;
    }
    FactsObject *self = (FactsObject *)type->tp_alloc(type, PyTuple_GET_SIZE(tuple)); /* zeroed */
    if (self == NULL) {
        return NULL;
    }
    self->tuple = Py_NewRef(tuple);
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(tuple); i++) {
        struct known_fact *known = &self->facts[i];
        if (fact_read(PyTuple_GET_ITEM(tuple, i), &known->fact) < 0) {
            Py_DECREF(self);
            return NULL;
        }
        known->names = fact_namespace(&known->fact);
    }
    return (PyObject *)self;
}

PyDoc_STRVAR(hold_doc, "hold() -> bool\n\nWhether all of them do.");

static PyObject *hold(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    FactsObject *self = (FactsObject *)op;
    for (Py_ssize_t i = 0; i < Py_SIZE(self); i++) {
        struct known_fact *known = &self->facts[i];
        uint64_t version = version_of(known->names);
        if (version != 0 && version == known->version) {
            continue;
        }
        int status = fact_holds(&known->fact);
        if (status != 1) {
            return status < 0 || PyErr_Occurred() ? NULL : Py_NewRef(Py_False);
        }
        known->version = version;
    }
    Py_RETURN_TRUE;
}

static int traverse(PyObject *op, visitproc visit, void *arg) {
    FactsObject *self = (FactsObject *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->tuple);
    for (Py_ssize_t i = 0; i < Py_SIZE(self); i++) {
        Py_VISIT(self->facts[i].names);
    }
    return 0;
}

/* The tuple goes with the object only: the array borrows from it. Its cycles are broken at what it
 * refers to. */
static void dealloc(PyObject *op) {
    FactsObject *self = (FactsObject *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    for (Py_ssize_t i = 0; i < Py_SIZE(self); i++) {
        Py_CLEAR(self->facts[i].names);
    }
    Py_CLEAR(self->tuple);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"hold", hold, METH_NOARGS, hold_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_new, facts_new},
    {Py_tp_traverse, traverse},
    {Py_tp_methods, methods},
    {Py_tp_dealloc, dealloc},
    {0, NULL},
};

PyType_Spec facts_type_spec = {
    .name = "casgi._core.Facts",
    .basicsize = sizeof(FactsObject),
    .itemsize = sizeof(struct known_fact),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
