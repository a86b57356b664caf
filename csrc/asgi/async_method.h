/* receive and send as an application gets them: bound methods that asyncio and asgiref take for
 * coroutine functions.
 *
 * asgiref's async_to_sync(send), which every sync consumer of Channels calls, warns of anything
 * else. */
#ifndef CASGI_ASGI_ASYNC_METHOD_H
#define CASGI_ASGI_ASYNC_METHOD_H

#include "state.h"

/* `argument` is NULL for a method without one. Returns new reference, or NULL with an exception. */
typedef PyObject *(*async_method_call)(PyObject *self, PyObject *argument);

/* Returns new callable that passes its one argument, or none, on to call(self, argument); NULL with
 * an exception. `name` is static. Keeps `self`. */
PyObject *async_method_new(struct module_state *state, PyObject *self, const char *name,
                           bool has_argument, async_method_call call);

/* Returns the object that `method` is bound to (*borrows*), NULL when it is none of these. */
PyObject *async_method_self(struct module_state *state, PyObject *method);

#endif
