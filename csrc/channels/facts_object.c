/* casgi._core.Facts: facts that are looked at again and again, for each message, read once. Holds
 * the tuple of them, from which the arrays borrow.
 *
 * Where dicts have a version (in Python before 3.13) the facts about names are not looked at again
 * as long as no namespace has changed since all of them held: that is one comparison for each
 * namespace. */
#include "channels/facts.h"

extern PyType_Spec facts_type_spec;

/* What some facts are about. */
struct namespace {
    PyObject *names;  /* dict, owned */
    uint64_t version; /* when all facts held last; 0: not known */
};

typedef struct {
    PyObject_HEAD
    PyObject *tuple;
    struct fact *about_names, *others;
    size_t about_names_count, others_count;
    struct namespace *namespaces;
    size_t namespace_count;
} FactsObject;

/* Never that of another state of the same dict; 0 where dicts have none. */
static uint64_t version_of(PyObject *names) {
#if PY_VERSION_HEX < 0x030D0000
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
    return ((PyDictObject *)names)->ma_version_tag;
#pragma GCC diagnostic pop
#else
    (void)names;
    return 0;
#endif
}

/* --- Making --- */

/* *Takes* the reference to the dict. */
static void add_namespace(FactsObject *self, PyObject *names) {
    for (size_t i = 0; i < self->namespace_count; i++) {
        if (self->namespaces[i].names == names) {
            Py_DECREF(names);
            return;
        }
    }
    self->namespaces[self->namespace_count++] = (struct namespace){names, 0};
}

static int add_fact(FactsObject *self, PyObject *tuple) {
    struct fact fact;
    if (fact_read(tuple, &fact) < 0) {
        return -1;
    }
    PyObject *names = fact_namespace(&fact);
    if (names == NULL) {
        self->others[self->others_count++] = fact;
        return 0;
    }
    self->about_names[self->about_names_count++] = fact;
    add_namespace(self, names);
    return 0;
}

static PyObject *facts_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"", NULL};
    PyObject *tuple;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!:Facts", names, &PyTuple_Type, &tuple)) {
        return NULL;
    }
    FactsObject *self = (FactsObject *)type->tp_alloc(type, 0); /* zeroed */
    if (self == NULL) {
        return NULL;
    }
    size_t count = (size_t)PyTuple_GET_SIZE(tuple);
    self->tuple = Py_NewRef(tuple);
    self->about_names = PyMem_Calloc(count, sizeof(*self->about_names));
    self->others = PyMem_Calloc(count, sizeof(*self->others));
    self->namespaces = PyMem_Calloc(count, sizeof(*self->namespaces));
    if (self->about_names == NULL || self->others == NULL || self->namespaces == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    for (size_t i = 0; i < count; i++) {
        if (add_fact(self, PyTuple_GET_ITEM(tuple, (Py_ssize_t)i)) < 0) {
            Py_DECREF(self);
            return NULL;
        }
    }
    return (PyObject *)self;
}

/* --- Looking --- */

/* 1, 0, or -1 with an exception. */
static int hold_all(const struct fact *facts, size_t count) {
    int status = 1;
    for (size_t i = 0; status == 1 && i < count; i++) {
        status = fact_holds(&facts[i]);
    }
    return status < 0 || (status == 0 && PyErr_Occurred()) ? -1 : status;
}

static bool is_unchanged(const struct namespace *namespace) {
    return namespace->version != 0 && namespace->version == version_of(namespace->names);
}

static int names_hold(FactsObject *self) {
    size_t unchanged = 0;
    while (unchanged < self->namespace_count && is_unchanged(&self->namespaces[unchanged])) {
        unchanged++;
    }
    if (unchanged == self->namespace_count) {
        return 1;
    }
    for (size_t i = 0; i < self->namespace_count; i++) { /* looking may change them */
        self->namespaces[i].version = version_of(self->namespaces[i].names);
    }
    int status = hold_all(self->about_names, self->about_names_count);
    if (status != 1) {
        self->namespaces[0].version = 0;
    }
    return status;
}

PyDoc_STRVAR(hold_doc, "hold() -> bool\n\nWhether all of them do.");

static PyObject *hold(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    FactsObject *self = (FactsObject *)op;
    int status = names_hold(self);
    status = status == 1 ? hold_all(self->others, self->others_count) : status;
    return status < 0 ? NULL : PyBool_FromLong(status);
}

static int traverse(PyObject *op, visitproc visit, void *arg) {
    FactsObject *self = (FactsObject *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->tuple);
    for (size_t i = 0; i < self->namespace_count; i++) {
        Py_VISIT(self->namespaces[i].names);
    }
    return 0;
}

/* The tuple goes with the object only: the arrays borrow from it. Its cycles are broken at what it
 * refers to. */
static void dealloc(PyObject *op) {
    FactsObject *self = (FactsObject *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    for (size_t i = 0; i < self->namespace_count; i++) {
        Py_CLEAR(self->namespaces[i].names);
    }
    PyMem_Free(self->namespaces);
    PyMem_Free(self->about_names);
    PyMem_Free(self->others);
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
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
