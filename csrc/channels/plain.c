/* Copying plain values, which runs no Python code, and others.
 *
 * Every new container may have the garbage collector run, and so whatever changes the original
 * meanwhile: what is being copied is held. */
#include "channels/plain.h"

/* What contains itself twice at each level is small, and its copy is not: leave that to deepcopy(),
 * which knows what it has copied. */
enum { DEEPEST = 64, MOST_VALUES = 100000 /* containers */ };

struct limits_left {
    int depth;
    int values;
};

static int copy_value(PyObject *value, PyObject **copy, struct limits_left *left);

static bool is_immutable(PyObject *value) {
    return value == Py_None || PyUnicode_CheckExact(value) || PyLong_CheckExact(value) ||
           PyFloat_CheckExact(value) || PyBool_Check(value) || PyBytes_CheckExact(value);
}

static int copy_list(PyObject *list, PyObject **copy, struct limits_left *left) {
    int is_plain = 1;
    PyObject *items = PyList_New(0);
    for (Py_ssize_t i = 0; items != NULL && is_plain == 1 && i < PyList_GET_SIZE(list); i++) {
        PyObject *item = NULL;
        is_plain = copy_value(PyList_GET_ITEM(list, i), &item, left);
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

static int copy_tuple(PyObject *tuple, PyObject **copy, struct limits_left *left) {
    Py_ssize_t size = PyTuple_GET_SIZE(tuple);
    PyObject *items = PyTuple_New(size);
    int is_plain = items == NULL ? -1 : 1;
    for (Py_ssize_t i = 0; is_plain == 1 && i < size; i++) {
        PyObject *item = NULL;
        is_plain = copy_value(PyTuple_GET_ITEM(tuple, i), &item, left);
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

static int copy_dict(PyObject *dict, PyObject **copy, struct limits_left *left) {
    PyObject *items = PyDict_New();
    int is_plain = items == NULL ? -1 : 1;
    Py_ssize_t position = 0;
    PyObject *key, *value;
    while (is_plain == 1 && PyDict_Next(dict, &position, &key, &value)) {
        PyObject *item = NULL;
        Py_INCREF(key);
        is_plain = PyUnicode_CheckExact(key) ? copy_value(value, &item, left) : 0;
        if (is_plain == 1 && PyDict_SetItem(items, key, item) < 0) {
            is_plain = -1;
        }
        Py_DECREF(key);
        Py_XDECREF(item);
    }
    *copy = is_plain == 1 ? items : NULL;
    if (is_plain != 1) {
        Py_XDECREF(items);
    }
    return is_plain;
}

static int copy_value(PyObject *value, PyObject **copy, struct limits_left *left) {
    if (is_immutable(value)) {
        *copy = Py_NewRef(value);
        return 1;
    }
    if (left->depth == 0 || left->values == 0) {
        return 0;
    }
    int is_plain = 0;
    left->depth--;
    left->values--;
    Py_INCREF(value);
    if (PyDict_CheckExact(value)) {
        is_plain = copy_dict(value, copy, left);
    } else if (PyList_CheckExact(value)) {
        is_plain = copy_list(value, copy, left);
    } else if (PyTuple_CheckExact(value)) {
        is_plain = copy_tuple(value, copy, left);
    }
    Py_DECREF(value);
    left->depth++;
    return is_plain;
}

int plain_copy(PyObject *value, PyObject **copy) {
    struct limits_left left = {.depth = DEEPEST, .values = MOST_VALUES};
    *copy = NULL;
    return copy_value(value, copy, &left);
}

PyObject *message_copy(struct module_state *state, PyObject *message) {
    PyObject *copy;
    return plain_copy(message, &copy) == 0 ? PyObject_CallOneArg(state->deepcopy, message) : copy;
}
