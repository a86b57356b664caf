/* A libuv loop that rides on a foreign running asyncio loop (uvloop, pytest-asyncio, Jupyter):
 * add_reader on libuv's backend descriptor, one timer handle, and call_soon when work was queued.
 */
#ifndef CASGI_LOOP_RIDER_H
#define CASGI_LOOP_RIDER_H

#include "net/event_loop.h"
#include "state.h"

extern PyType_Spec rider_type_spec;

/* Returns new Rider with an event loop of its own on the asyncio loop `loop`, or NULL with an
 * exception. */
PyObject *rider_new(struct module_state *state, PyObject *loop);

/* *Borrows*: hold the rider. */
struct event_loop *rider_event_loop(PyObject *rider);

/* Gets off the foreign loop and frees the event loop; everything on it must be closed. Idempotent.
 */
void rider_close(PyObject *rider);

#endif
