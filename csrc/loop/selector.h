/* The libuv loop as asyncio's selector: asyncio.SelectorEventLoop(Selector()) is the loop of a
 * casgi process.
 *
 * It has the interface of selectors.BaseSelector. Whoever has streams or listeners on its event
 * loop holds the selector and closes them before it is closed. */
#ifndef CASGI_LOOP_SELECTOR_H
#define CASGI_LOOP_SELECTOR_H

#include "net/event_loop.h"
#include "state.h"

extern PyType_Spec selector_type_spec;

/* Makes Selector a virtual subclass of selectors.BaseSelector, once its type is in the state.
 * Returns 0, or -1 with an exception. */
int selector_type_register(struct module_state *state);

/* The event loop of a Selector, or NULL when `object` is none or is closed (no exception set).
 * *Borrows*: hold the selector, and from selector_hold() to selector_release() its loop stays also
 * when it is closed. */
struct event_loop *selector_event_loop(struct module_state *state, PyObject *object);
void selector_hold(PyObject *selector);
void selector_release(PyObject *selector);

#endif
