/* What there is to say of each application that runs, for whoever looks at them from outside. */
#ifndef CASGI_ASGI_CYCLE_LIST_H
#define CASGI_ASGI_CYCLE_LIST_H

#include "asgi/bridge.h"

/* Returns new list of (connection, scope, task, seconds, traffic), the latest last; NULL with an
 * exception. `connection` is the number of the connection, 0 when the client has gone; `traffic` is
 * None for a request, and for a WebSocket (messages in, messages out, bytes in, bytes out, unsent
 * bytes, lost messages). On any thread. */
PyObject *cycle_list_new(struct bridge *bridge);

#endif
