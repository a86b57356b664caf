/* The application as the server knows it: application_events whose owner is a struct bridge. And
 * all of its tasks together, for whoever embeds the bridge. */
#ifndef CASGI_ASGI_APPLICATION_H
#define CASGI_ASGI_APPLICATION_H

#include "asgi/bridge.h"
#include "server/application.h"

/* Every request becomes an HttpCycle, every WebSocket a WsCycle; bridge->on_idle() is called when
 * connections or tasks have come to 0. */
extern const struct application_events application_events;

/* Prepares a zeroed bridge; *takes* nothing. */
void application_init(struct bridge *bridge);

/* The bridge's fields are filled: from now on requests may come. Returns -1 with an exception. */
int application_open(struct bridge *bridge);

/* Cancels every task. Runs Python code. */
void application_cancel_all(struct bridge *bridge);

/* Returns new list of (request, task) of those that have not ended, the latest last; NULL with an
 * exception. */
PyObject *application_unfinished(struct bridge *bridge);

/* Lets go of the event loop, on which nothing must be left: tasks that have not ended go on without
 * their timers. Idempotent. */
void application_leave_loop(struct bridge *bridge);

#endif
