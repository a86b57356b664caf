/* Facts: what stands under a name, what code a function has, of which type an object is. They are
 * looked at before each shared run, a hundred or more of them, so this is a loop over borrowed
 * pointers.
 *
 * A fact compares identities only. It never calls what it looks at; but a namespace whose keys are
 * no plain text may run their `__eq__`. */
#include "channels/facts.h"

/* Returns new reference to the namespace of a dict or a class. */
static PyObject *namespace_of(PyObject *holder) {
    if (PyType_Check(holder)) {
#if PY_VERSION_HEX >= 0x030C0000
        return PyType_GetDict((PyTypeObject *)holder);
#else
        return Py_XNewRef(((PyTypeObject *)holder)->tp_dict);
#endif
    }
    return PyDict_Check(holder) ? Py_NewRef(holder) : NULL;
}

/* 1, 0, or -1 with an exception. */
static int name_holds(enum fact_kind kind, PyObject *holder, PyObject *name, PyObject *value) {
    PyObject *names = namespace_of(holder);
    int holds = 0;
    if (names != NULL && kind == FACT_SIZE) {
        holds = PyDict_GET_SIZE(names) == PyLong_AsSsize_t(value);
    } else if (names != NULL) {
        PyObject *found = PyDict_GetItemWithError(names, name);
        holds = kind == FACT_ABSENT ? found == NULL : found == value;
        holds = found == NULL && PyErr_Occurred() ? -1 : holds;
    }
    Py_XDECREF(names);
    return holds;
}

static int is(PyObject *found, const PyObject *value) {
    return (found == NULL ? Py_None : found) == value;
}

static int has_attributes(PyObject *instance, const PyObject *attributes) {
    PyObject *found = PyObject_GenericGetDict(instance, NULL);
    Py_XDECREF(found); /* the instance keeps it */
    return found == NULL ? -1 : found == attributes;
}

/* A class keeps them outside of its namespace; they may be of a subclass of str. */
static int class_is_named(enum fact_kind kind, PyObject *holder, const PyObject *name) {
    if (!PyType_Check(holder) || !PyType_HasFeature((PyTypeObject *)holder, Py_TPFLAGS_HEAPTYPE)) {
        return 0;
    }
    PyHeapTypeObject *owner = (PyHeapTypeObject *)holder;
    return (kind == FACT_CLASS_NAME ? owner->ht_name : owner->ht_qualname) == name;
}

/* Its __init__() can be called again, and puts another function into it. */
static int wraps(PyObject *method, PyObject *name, const PyObject *function) {
    if (!Py_IS_TYPE(method, &PyStaticMethod_Type) && !Py_IS_TYPE(method, &PyClassMethod_Type) &&
        !Py_IS_TYPE(method, &PyProperty_Type)) {
        return 0;
    }
    PyObject *found = PyObject_GenericGetAttr(method, name);
    Py_XDECREF(found); /* the method keeps it */
    return found == NULL ? -1 : found == function;
}

PyObject *fact_namespace(const struct fact *fact) {
    bool is_about_names =
        fact->kind == FACT_NAME || fact->kind == FACT_ABSENT || fact->kind == FACT_SIZE;
    return is_about_names ? namespace_of(fact->holder) : NULL;
}

int fact_holds(const struct fact *fact) {
    PyObject *holder = fact->holder, *value = fact->value;
    switch (fact->kind) {
    case FACT_NAME:
    case FACT_ABSENT:
    case FACT_SIZE:
        return name_holds(fact->kind, holder, fact->name, value);
    case FACT_TYPE:
        return Py_IS_TYPE(holder, (PyTypeObject *)value);
    case FACT_MRO:
        return PyType_Check(holder) && ((PyTypeObject *)holder)->tp_mro == value;
    case FACT_CODE:
        return PyFunction_Check(holder) && PyFunction_GET_CODE(holder) == value;
    case FACT_DEFAULTS:
        return PyFunction_Check(holder) && is(PyFunction_GET_DEFAULTS(holder), value);
    case FACT_KEYWORD_DEFAULTS:
        return PyFunction_Check(holder) && is(PyFunction_GET_KW_DEFAULTS(holder), value);
    case FACT_CELL:
        return PyCell_Check(holder) && is(PyCell_GET(holder), value);
    case FACT_ATTRIBUTES:
        return has_attributes(holder, value);
    case FACT_CLASS_NAME:
    case FACT_QUALIFIED_NAME:
        return class_is_named(fact->kind, holder, value);
    case FACT_WRAPPED:
        return wraps(holder, fact->name, value);
    }
    return 0;
}

int fact_read(PyObject *tuple, struct fact *fact) {
    if (!PyTuple_Check(tuple) || PyTuple_GET_SIZE(tuple) != 4) {
        PyErr_SetString(PyExc_TypeError, "a fact is (kind, holder, name, value)");
        return -1;
    }
    long kind = PyLong_AsLong(PyTuple_GET_ITEM(tuple, 0));
    if (kind == -1 && PyErr_Occurred()) {
        return -1;
    }
    *fact = (struct fact){.kind = (enum fact_kind)kind,
                          .holder = PyTuple_GET_ITEM(tuple, 1),
                          .name = PyTuple_GET_ITEM(tuple, 2),
                          .value = PyTuple_GET_ITEM(tuple, 3)};
    return 0;
}

Py_ssize_t facts_first_broken(PyObject *facts) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(facts); i++) {
        struct fact fact;
        if (fact_read(PyTuple_GET_ITEM(facts, i), &fact) < 0) {
            return -2;
        }
        int status = fact_holds(&fact);
        if (status != 1) {
            return status < 0 || PyErr_Occurred() ? -2 : i;
        }
    }
    return -1;
}
