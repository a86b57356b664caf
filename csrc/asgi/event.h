/* Making the events that receive() gives: dicts with a "type". */
#ifndef CASGI_ASGI_EVENT_H
#define CASGI_ASGI_EVENT_H

#include "state.h"

/* Returns new event of this type (*borrows* an interned string), or NULL with an exception. */
PyObject *event_new(struct module_state *state, PyObject *type);

/* Adds event[key] = value. *Takes* both the event and the value, of which either may be NULL (an
 * exception is set then); returns the event, or NULL with an exception. */
PyObject *event_with(PyObject *event, PyObject *key, PyObject *value);

#endif
