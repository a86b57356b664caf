/* Which WebSockets are slow, told to Server.on_slow_consumer: once a second at most, and never from
 * inside a fan-out.
 *
 *   QUIET --slow_report_add--> DUE --timer, from the loop--> SILENT --a second, nothing new-->
 * QUIET SILENT --slow_report_add--> DUE, when the second is over
 *
 * Embedded in the bridge. It refers to one WebSocket, the first that was slow since the last call;
 * the others are counted. */
#ifndef CASGI_ASGI_SLOW_REPORT_H
#define CASGI_ASGI_SLOW_REPORT_H

#include "net/timer.h"
#include "server/slow_consumer.h"
#include "state.h"

struct bridge;

struct slow_report {
    struct timer timer; /* until the next call may be made */
    PyObject *callback; /* Server.on_slow_consumer; NULL or None: nobody is told */
    PyObject *cycle;    /* the WebSocket; NULL when there is nothing to tell */
    PyObject *consumer; /* its, if it has one: gone soon when the WebSocket is closed */
    enum slow_consumer_outcome outcome;
    size_t backlog;  /* its unsent bytes */
    uint64_t events; /* of it and all others since the last call */
};

/* To be embedded in a bridge: quiet. */
void slow_report_init(struct slow_report *report);

/* Notes `count` events of a WsCycle (*keeps until* it is told). Runs no Python code. */
void slow_report_add(struct bridge *bridge, PyObject *cycle, enum slow_consumer_outcome outcome,
                     uint32_t count, size_t backlog);

/* The loop is left: what was not told yet is forgotten. Idempotent. */
void slow_report_stop(struct slow_report *report);

int slow_report_traverse(struct slow_report *report, visitproc visit, void *arg);

#endif
