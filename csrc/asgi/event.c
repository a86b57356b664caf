/* Making events. Holds nothing. */
#include "asgi/event.h"

PyObject *event_new(struct module_state *state, PyObject *type) {
    PyObject *event = PyDict_New();
    if (event != NULL && PyDict_SetItem(event, state->strings.type, type) < 0) {
        Py_CLEAR(event);
    }
    return event;
}

PyObject *event_with(PyObject *event, PyObject *key, PyObject *value) {
    if (event != NULL && (value == NULL || PyDict_SetItem(event, key, value) < 0)) {
        Py_CLEAR(event);
    }
    Py_XDECREF(value);
    return event;
}
