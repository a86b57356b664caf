/* What other bindings may ask of a Server object. */
#ifndef CASGI_BINDINGS_SERVER_OBJECT_H
#define CASGI_BINDINGS_SERVER_OBJECT_H

#include "asgi/bridge.h"

/* Returns the bridge of a Server that is not closed, *borrowed* from the object; NULL with an
 * exception when `object` is none. */
struct bridge *server_object_bridge(struct module_state *state, PyObject *object);

/* Lets a Server hold a reference to what it uses, for its life. Returns -1 with MemoryError. */
int server_object_keep(PyObject *server, PyObject *used);

#endif
