/* Reading the values of an ASGI message (a dict), with errors that say which key of which message
 * is wrong. */
#ifndef CASGI_ASGI_MESSAGE_H
#define CASGI_ASGI_MESSAGE_H

#include "asgi/bridge.h"
#include "base/slice.h"

/* Returns message["type"], a str (*borrowed*); NULL with TypeError or KeyError. */
PyObject *message_type(struct bridge *bridge, PyObject *message);

/* True when the type is this interned string. */
bool message_is(PyObject *type, PyObject *expected);

/* Sets *value to message[key] (*borrowed*), NULL when it is absent or None. Returns -1 with an
 * exception. */
int message_find(PyObject *message, PyObject *key, PyObject **value);

/* Sets *number to message[key], or to `missing`. Returns -1 with an exception when it is no int. */
int message_int(PyObject *message, PyObject *key, int missing, int *number);

/* Sets *truth to the truth of message[key], false when absent. Returns -1 with an exception. */
int message_bool(PyObject *message, PyObject *key, bool *truth);

/* Sets *bytes to a new reference to message[key] as bytes (bytes-like objects are copied), or to
 * NULL when absent. Returns -1 with TypeError. */
int message_bytes(PyObject *message, PyObject *key, PyObject **bytes);

/* As message_bytes() for the body of a response, where None is a mistake too. */
int message_body(PyObject *message, PyObject *key, PyObject **bytes);

/* Sets *text to the UTF-8 of message[key] (*borrowed* from the message), empty when absent. Returns
 * -1 with TypeError or UnicodeEncodeError. */
int message_text(PyObject *message, PyObject *key, struct slice *text);

/* The bytes of a bytes object. */
static inline struct slice message_slice(PyObject *bytes) {
    return slice_of(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
}

/* Frame release for a bytes object that a frame was wrapped around. Needs the GIL, as everything
 * above net/ has it. */
void message_release_bytes(void *bytes);

#endif
