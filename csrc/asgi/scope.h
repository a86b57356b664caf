/* The scope of a request or WebSocket, as the ASGI specification 3.0 (HTTP 2.3, WebSocket 2.5) lays
 * it down. */
#ifndef CASGI_ASGI_SCOPE_H
#define CASGI_ASGI_SCOPE_H

#include "asgi/bridge.h"
#include "server/exchange.h"

/* Returns new scope dict for exchange->request, "http" or "websocket"; NULL with an exception.
 * Nothing in it is shared with another scope but immutable objects, the state dict's values and the
 * addresses' tuples. */
PyObject *scope_new(struct bridge *bridge, struct exchange *exchange, bool is_websocket);

/* Drops what the scopes of a connection shared (connection->context). */
void scope_forget_connection(struct connection *connection);

/* Returns new "METHOD path" text of a scope for log lines; NULL with an exception. */
PyObject *scope_describe(struct bridge *bridge, PyObject *scope);

#endif
