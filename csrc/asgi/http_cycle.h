/* One HTTP request of the application: its receive() and send(). */
#ifndef CASGI_ASGI_HTTP_CYCLE_H
#define CASGI_ASGI_HTTP_CYCLE_H

#include "asgi/bridge.h"
#include "server/exchange.h"

extern PyType_Spec http_cycle_type_spec;

/* Makes the cycle that answers the exchange, with its scope, and attaches it. Returns a status;
 * what failed was reported. Runs no application code. */
int http_cycle_begin(struct bridge *bridge, struct exchange *exchange);

#endif
