/* Reading ASGI messages. Holds nothing. */
#include "asgi/message.h"

PyObject *message_type(struct bridge *bridge, PyObject *message) {
    if (!PyDict_Check(message)) {
        PyErr_Format(PyExc_TypeError, "an ASGI message must be a dict, not %.100s",
                     Py_TYPE(message)->tp_name);
        return NULL;
    }
    PyObject *type = Py_XNewRef(PyDict_GetItemWithError(message, bridge->state->strings.type));
    if (type == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_SetString(PyExc_KeyError, "an ASGI message needs the key 'type'");
        }
        return NULL;
    }
    if (!PyUnicode_Check(type)) {
        PyErr_Format(PyExc_TypeError, "an ASGI message's 'type' must be a str, not %.100s",
                     Py_TYPE(type)->tp_name);
        Py_CLEAR(type);
    }
    return type;
}

bool message_is(PyObject *type, PyObject *expected) {
    return type == expected || PyUnicode_Compare(type, expected) == 0;
}

int message_find(PyObject *message, PyObject *key, PyObject **value) {
    *value = Py_XNewRef(PyDict_GetItemWithError(message, key));
    int result = *value == NULL && PyErr_Occurred() ? -1 : 0;
    if (*value == Py_None) {
        Py_CLEAR(*value);
    }
    return result;
}

static int wrong_type(PyObject *key, const char *wanted, PyObject *value) {
    PyErr_Format(PyExc_TypeError, "an ASGI message's %R must be %s, not %.100s", key, wanted,
                 Py_TYPE(value)->tp_name);
    return -1;
}

static int to_int(PyObject *key, PyObject *value, int *number) {
    if (!PyLong_Check(value)) {
        return wrong_type(key, "an int", value);
    }
    long long_value = PyLong_AsLong(value); /* also an enum.IntEnum such as http.HTTPStatus */
    if (long_value == -1 && PyErr_Occurred()) {
        return -1;
    }
    *number = long_value > 1000000 || long_value < -1000000 ? -1 : (int)long_value;
    return 0;
}

int message_int(PyObject *message, PyObject *key, int missing, int *number) {
    PyObject *value;
    *number = missing;
    if (message_find(message, key, &value) < 0) {
        return -1;
    }
    int result = value == NULL ? 0 : to_int(key, value, number);
    Py_XDECREF(value);
    return result;
}

int message_bool(PyObject *message, PyObject *key, bool *truth) {
    PyObject *value;
    *truth = false;
    if (message_find(message, key, &value) < 0) {
        return -1;
    }
    int result = value == NULL ? 0 : PyObject_IsTrue(value);
    Py_XDECREF(value);
    *truth = result > 0;
    return result < 0 ? -1 : 0;
}

/* Sets *bytes to what is in `value` (*takes* it; NULL gives NULL). */
static int to_bytes(PyObject *key, PyObject *value, PyObject **bytes) {
    *bytes = NULL;
    if (value == NULL) {
        return 0;
    }
    if (PyBytes_Check(value) || PyByteArray_Check(value) || PyMemoryView_Check(value)) {
        *bytes = message_exact_bytes(value);
    } else {
        (void)wrong_type(key, "bytes", value);
    }
    Py_DECREF(value);
    return *bytes == NULL ? -1 : 0;
}

int message_bytes(PyObject *message, PyObject *key, PyObject **bytes) {
    PyObject *value;
    int result = message_find(message, key, &value);
    return to_bytes(key, value, bytes) < 0 ? -1 : result;
}

PyObject *message_exact_bytes(PyObject *object) {
    return PyBytes_CheckExact(object) ? Py_NewRef(object) : PyBytes_FromObject(object);
}

int message_text(PyObject *message, PyObject *key, PyObject **value, struct slice *text) {
    *text = SLICE_EMPTY;
    if (message_find(message, key, value) < 0) {
        return -1;
    }
    if (*value == NULL) {
        return 0;
    }
    Py_ssize_t length;
    const char *data = NULL;
    if (PyUnicode_Check(*value)) {
        data = PyUnicode_AsUTF8AndSize(*value, &length);
    } else {
        (void)wrong_type(key, "a str", *value);
    }
    if (data == NULL) {
        Py_CLEAR(*value);
        return -1;
    }
    *text = slice_of(data, (size_t)length);
    return 0;
}

void message_release_bytes(void *bytes) {
    Py_DECREF((PyObject *)bytes);
}
