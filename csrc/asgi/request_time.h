/* How long the application takes for a request, from its call to its end, by the template of the
 * route: noted only while the server is observed (--metrics, --control).
 *
 * The route is what Django's resolver has matched, where the Server's `route_matches` says that
 * somebody notes that, or what a framework has left in the scope: "path_template", or "route" with
 * its "path". Embedded in the cycle of the request; never runs code of Python before the end. */
#ifndef CASGI_ASGI_REQUEST_TIME_H
#define CASGI_ASGI_REQUEST_TIME_H

#include "asgi/bridge.h"

struct request_time {
    uint64_t began;    /* event_loop_clock(); 0: is not noted */
    PyObject *matches; /* list of Django's; NULL when it does not tell */
};

/* The application is about to be called, in its own context, which is entered. */
void request_time_begin(struct request_time *request_time, struct bridge *bridge);

/* The application has ended; `scope` (*borrows*) is a dict. Runs Python code where there is a
 * route. Nothing when it has not begun, or the server is closed. */
void request_time_end(struct request_time *request_time, struct bridge *bridge, PyObject *scope);

/* Drops what it refers to. Idempotent. */
void request_time_release(struct request_time *request_time);

#endif
