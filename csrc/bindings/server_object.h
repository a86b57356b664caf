/* What other bindings may ask of a Server object. */
#ifndef CASGI_BINDINGS_SERVER_OBJECT_H
#define CASGI_BINDINGS_SERVER_OBJECT_H

#include "asgi/bridge.h"

/* Returns the bridge of a Server that is not closed, *borrowed* from the object; NULL with an
 * exception when `object` is none. */
struct bridge *server_object_bridge(struct module_state *state, PyObject *object);

#endif
