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

/* Returns new tuple of what it has carried: messages in and out, bytes in and out, the bytes that
 * are unsent and ws_cycle_dropped(). All but the last 0 when it is over. NULL with MemoryError. */
PyObject *ws_cycle_traffic(PyObject *cycle);

#endif
