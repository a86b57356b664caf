/* A server's metrics as Python sees them. */
#ifndef CASGI_BINDINGS_SERVER_METRICS_H
#define CASGI_BINDINGS_SERVER_METRICS_H

#include "server/server.h"
#include "state.h"

/* Return new dict of counts by name: all of base/metrics.h, and those of slow consumers by outcome.
 * `server` may be NULL: all 0. NULL with MemoryError. */
PyObject *server_metrics_all(const struct server *server);
PyObject *server_metrics_slow_consumers(const struct server *server);

/* Returns new float: how long the turn of its loop lasts by now, 0 while it waits, or is not
 * observed. `server` may be NULL. */
PyObject *server_metrics_turn_seconds(const struct server *server);

#endif
