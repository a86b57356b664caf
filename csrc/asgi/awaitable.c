/* Shared parts of the coroutine protocol. Holds no state. */
#include "asgi/awaitable.h"

/* Ends a generator-like object with `value` (taken). The value must not be mistaken for the
 * arguments of StopIteration. */
static PyObject *stop_iteration(PyObject *value) {
    PyObject *stop = PyObject_CallOneArg(PyExc_StopIteration, value);
    Py_DECREF(value);
    if (stop != NULL) {
        PyErr_SetObject(PyExc_StopIteration, stop);
        Py_DECREF(stop);
    }
    return NULL;
}

PyObject *awaitable_next(PyObject *self, awaitable_step step) {
    PyObject *result = NULL;
    PySendResult outcome = step(self, &result);
    if (outcome == PYGEN_RETURN && result != Py_None) {
        return stop_iteration(result);
    }
    if (outcome == PYGEN_RETURN) {
        Py_DECREF(result); /* no exception set: the iterator ended, with None */
        return NULL;
    }
    return result;
}

PyObject *awaitable_send(PyObject *self, awaitable_step step) {
    PyObject *result = NULL;
    PySendResult outcome = step(self, &result);
    return outcome == PYGEN_RETURN ? stop_iteration(result) : result;
}

void awaitable_raise_again(PyObject *exception) {
    PyObject *traceback = PyException_GetTraceback(exception);
    PyErr_Restore(Py_NewRef((PyObject *)Py_TYPE(exception)), Py_NewRef(exception), traceback);
}

PyObject *awaitable_raise(PyObject *const *args, Py_ssize_t nargs) {
    if (nargs < 1 || nargs > 3) {
        PyErr_SetString(PyExc_TypeError, "throw expected 1 to 3 arguments");
        return NULL;
    }
    if (PyExceptionInstance_Check(args[0])) {
        awaitable_raise_again(args[0]);
        return NULL;
    }
    if (!PyExceptionClass_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError,
                        "exceptions must be classes or instances deriving from BaseException");
        return NULL;
    }
    PyObject *value = nargs > 1 && args[1] != Py_None ? args[1] : NULL;
    PyObject *traceback = nargs > 2 && args[2] != Py_None ? args[2] : NULL;
    if (traceback != NULL && !PyTraceBack_Check(traceback)) {
        PyErr_SetString(PyExc_TypeError, "throw() third argument must be a traceback object");
        return NULL;
    }
    PyErr_Restore(Py_NewRef(args[0]), Py_XNewRef(value), Py_XNewRef(traceback));
    return NULL;
}
