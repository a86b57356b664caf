/* Reading the values of an ASGI message (a dict), with errors that say which key of which message
 * is wrong. A key whose value is None is as one that is absent.
 *
 * Reading may run Python code (the __eq__ of another key, a __bool__), which may change the message
 * or send another: what was read is held by references, and the state is looked at afterwards. */
#ifndef CASGI_ASGI_MESSAGE_H
#define CASGI_ASGI_MESSAGE_H

#include "asgi/bridge.h"
#include "base/slice.h"

/* Returns new reference to message["type"], a str; NULL with TypeError or KeyError. */
PyObject *message_type(struct bridge *bridge, PyObject *message);

/* True when the type is this interned string. */
bool message_is(PyObject *type, PyObject *expected);

/* Sets *value to a new reference to message[key], NULL when it is absent or None. Returns -1 with
 * an exception. */
int message_find(PyObject *message, PyObject *key, PyObject **value);

/* Sets *number to message[key], or to `missing`. Returns -1 with an exception when it is no int. */
int message_int(PyObject *message, PyObject *key, int missing, int *number);

/* Sets *truth to the truth of message[key], false when absent. Returns -1 with an exception. */
int message_bool(PyObject *message, PyObject *key, bool *truth);

/* Sets *bytes to a new reference to message[key] as bytes (bytes-like objects are copied), or to
 * NULL when absent. Returns -1 with TypeError. */
int message_bytes(PyObject *message, PyObject *key, PyObject **bytes);

/* Returns new reference to a bytes-like object as bytes of no derived class, whose __del__ would
 * run wherever the core lets go of it. NULL with an exception. */
PyObject *message_exact_bytes(PyObject *object);

/* Sets *value to a new reference to message[key], a str, and *text to its UTF-8, which *borrows*
 * from it; NULL and empty when absent. Returns -1 with TypeError or UnicodeEncodeError. */
int message_text(PyObject *message, PyObject *key, PyObject **value, struct slice *text);

/* The bytes of a bytes object. */
static inline struct slice message_slice(PyObject *bytes) {
    return slice_of(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
}

/* Frame release for a bytes object that a frame was wrapped around. Needs the GIL, as everything
 * above net/ has it. */
void message_release_bytes(void *bytes);

#endif
