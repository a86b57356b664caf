/* What was published, as a dict. */
#include "channels/published.h"

PyObject *published_message(struct published *published) {
    if (published->message != NULL) {
        return published->message;
    }
    struct slice bytes = published->runs.message;
    PyObject *message =
        PyObject_CallFunction(published->unpack, "y#", bytes.data, (Py_ssize_t)bytes.length);
    if (message != NULL && !PyDict_Check(message)) {
        PyErr_Format(PyExc_TypeError, "a message to a group must be a dict, not %R", message);
        Py_CLEAR(message);
    }
    published->message = message;
    return message;
}

void published_release(struct published *published) {
    Py_CLEAR(published->message);
}
