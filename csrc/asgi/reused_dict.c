/* Holds nothing: the last dict is its caller's. Runs no application code while it looks at one. */
#include "asgi/reused_dict.h"

static bool is_as_made(PyObject *value, const PyObject *expected) {
    if (expected != NULL) {
        return value == expected || expected == Py_None;
    }
    return PyDict_CheckExact(value) && Py_REFCNT(value) == 1 && PyDict_GET_SIZE(value) == 0;
}

/* Who else has it could change it at any time; who had it may have changed it. */
static bool can_be_given(PyObject *dict, const struct reused_dict_items *items) {
    if (Py_REFCNT(dict) != 1 || PyDict_GET_SIZE(dict) != (Py_ssize_t)items->count) {
        return false;
    }
    PyObject *key, *value;
    Py_ssize_t position = 0;
    for (size_t i = 0; PyDict_Next(dict, &position, &key, &value); i++) {
        if (key != items->keys[i] || !is_as_made(value, items->values[i])) {
            return false;
        }
    }
    return true;
}

static PyObject *make(const struct reused_dict_items *items) {
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < items->count; i++) {
        PyObject *value = items->values[i] != NULL ? Py_NewRef(items->values[i]) : PyDict_New();
        if (value == NULL || PyDict_SetItem(dict, items->keys[i], value) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(value);
    }
    return dict;
}

PyObject *reused_dict_get(PyObject **last, const struct reused_dict_items *items) {
    if (*last == NULL || !can_be_given(*last, items)) {
        Py_XSETREF(*last, make(items));
    }
    return Py_XNewRef(*last);
}
