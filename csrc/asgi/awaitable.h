/* What our awaitables have in common: they stand in for coroutines (collections.abc.Coroutine), so
 * that create_task(), wait_for() and shield() take them. `await` uses am_send on Python 3.11 and
 * tp_iternext from 3.12 on; a step function serves both. */
#ifndef CASGI_ASGI_AWAITABLE_H
#define CASGI_ASGI_AWAITABLE_H

#include "state.h"

/* One step: PYGEN_NEXT with what the task is to wait for, PYGEN_RETURN with the result, PYGEN_ERROR
 * with an exception set. */
typedef PySendResult (*awaitable_step)(PyObject *self, PyObject **result);

/* tp_iternext made of a step. */
PyObject *awaitable_next(PyObject *self, awaitable_step step);

/* coroutine.send() made of a step. */
PyObject *awaitable_send(PyObject *self, awaitable_step step);

/* Sets the exception that the arguments of coroutine.throw(type_or_exception[, value[, traceback]])
 * name; returns NULL always. */
PyObject *awaitable_raise(PyObject *const *args, Py_ssize_t nargs);

/* Raises `exception` (an instance, *borrows*) anew, with its own traceback. */
void awaitable_raise_again(PyObject *exception);

#endif
