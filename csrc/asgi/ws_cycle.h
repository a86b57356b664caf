/* One WebSocket of the application: its receive() and send(). */
#ifndef CASGI_ASGI_WS_CYCLE_H
#define CASGI_ASGI_WS_CYCLE_H

#include "asgi/bridge.h"
#include "server/websocket.h"

extern PyType_Spec ws_cycle_type_spec;

/* Makes the cycle for a handshake, with its scope, and attaches it. Returns a status; what failed
 * was reported. Runs no application code. */
int ws_cycle_begin(struct bridge *bridge, struct websocket *websocket);

/* How many group frames it was too slow for. */
uint64_t ws_cycle_dropped(PyObject *cycle);

#endif
