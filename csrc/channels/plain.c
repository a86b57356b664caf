/* Copying plain values, which runs no Python code, and others. */
#include "channels/plain.h"

enum { DEEPEST = 64 };

static int copy_value(PyObject *value, PyObject **copy, int depth);

static bool is_immutable(PyObject *value) {
    return value == Py_None || PyUnicode_CheckExact(value) || PyLong_CheckExact(value) ||
           PyFloat_CheckExact(value) || PyBool_Check(value) || PyBytes_CheckExact(value);
}

static int copy_list(PyObject *list, PyObject **copy, int depth) {
    int is_plain = 1;
    PyObject *items = PyList_New(0);
    for (Py_ssize_t i = 0; items != NULL && is_plain == 1 && i < PyList_GET_SIZE(list); i++) {
        PyObject *item = NULL;
        is_plain = copy_value(PyList_GET_ITEM(list, i), &item, depth);
        if (is_plain == 1 && PyList_Append(items, item) < 0) {
            is_plain = -1;
        }
        Py_XDECREF(item);
    }
    *copy = is_plain == 1 ? items : NULL;
    if (is_plain != 1) {
        Py_XDECREF(items);
    }
    return items == NULL ? -1 : is_plain;
}

static int copy_tuple(PyObject *tuple, PyObject **copy, int depth) {
    Py_ssize_t size = PyTuple_GET_SIZE(tuple);
    PyObject *items = PyTuple_New(size);
    int is_plain = items == NULL ? -1 : 1;
    for (Py_ssize_t i = 0; is_plain == 1 && i < size; i++) {
        PyObject *item = NULL;
        is_plain = copy_value(PyTuple_GET_ITEM(tuple, i), &item, depth);
        if (is_plain == 1) {
            PyTuple_SET_ITEM(items, i, item);
        }
    }
    *copy = is_plain == 1 ? items : NULL;
    if (is_plain != 1) {
        Py_XDECREF(items);
    }
    return is_plain;
}

static int copy_dict(PyObject *dict, PyObject **copy, int depth) {
    PyObject *items = PyDict_New();
    int is_plain = items == NULL ? -1 : 1;
    Py_ssize_t position = 0;
    PyObject *key, *value;
    while (is_plain == 1 && PyDict_Next(dict, &position, &key, &value)) {
        PyObject *item = NULL;
        is_plain = PyUnicode_CheckExact(key) ? copy_value(value, &item, depth) : 0;
        if (is_plain == 1 && PyDict_SetItem(items, key, item) < 0) {
            is_plain = -1;
        }
        Py_XDECREF(item);
    }
    *copy = is_plain == 1 ? items : NULL;
    if (is_plain != 1) {
        Py_XDECREF(items);
    }
    return is_plain;
}

static int copy_value(PyObject *value, PyObject **copy, int depth) {
    if (is_immutable(value)) {
        *copy = Py_NewRef(value);
        return 1;
    }
    if (depth == DEEPEST) {
        return 0;
    }
    if (PyDict_CheckExact(value)) {
        return copy_dict(value, copy, depth + 1);
    }
    if (PyList_CheckExact(value)) {
        return copy_list(value, copy, depth + 1);
    }
    return PyTuple_CheckExact(value) ? copy_tuple(value, copy, depth + 1) : 0;
}

int plain_copy(PyObject *value, PyObject **copy) {
    *copy = NULL;
    return copy_value(value, copy, 0);
}

PyObject *message_copy(struct module_state *state, PyObject *message) {
    PyObject *copy;
    return plain_copy(message, &copy) == 0 ? PyObject_CallOneArg(state->deepcopy, message) : copy;
}
