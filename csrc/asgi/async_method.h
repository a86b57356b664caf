/* receive and send as an application gets them: bound methods that asyncio and asgiref take for
 * coroutine functions.
 *
 * asgiref's async_to_sync(send), which every sync consumer of Channels calls, warns of anything
 * else. */
#ifndef CASGI_ASGI_ASYNC_METHOD_H
#define CASGI_ASGI_ASYNC_METHOD_H

#include "state.h"

/* Returns new callable: `definition`, which is static and METH_O or METH_NOARGS, bound to `self`;
 * NULL with an exception. Keeps `self`. `on_dropped` (may be NULL) is called when nobody holds the
 * callable any more, in any thread and wherever a reference may be dropped: it only notes that. */
PyObject *async_method_new(struct module_state *state, PyObject *self,
                           const PyMethodDef *definition, void (*on_dropped)(PyObject *self));

/* Returns the object that `method` is bound to (*borrows*), NULL when it is none of these. */
PyObject *async_method_self(struct module_state *state, PyObject *method);

#endif
