/* Which WebSockets are slow, reported to one callback: once a second at most, and never from inside
 * a fan-out.
 *
 *   QUIET  --slow_report_add--> DUE --timer, from the loop--> SILENT
 *   SILENT --a second, nothing new--> QUIET
 *   SILENT --slow_report_add--> DUE, when the second is over
 *
 * Embedded in the bridge. It refers to one WebSocket, the first that was slow since the last call;
 * the others are counted. */
#ifndef CASGI_ASGI_SLOW_REPORT_H
#define CASGI_ASGI_SLOW_REPORT_H

#include "net/timer.h"
#include "server/slow_consumer.h"
#include "state.h"

/* What is reported of one WebSocket. */
struct slow_consumer_event {
    PyObject *cycle;    /* the WebSocket; NULL: nothing to report */
    PyObject *consumer; /* its consumer, or NULL: gone soon when the WebSocket is closed */
    enum slow_consumer_outcome outcome;
    size_t backlog; /* its unsent bytes */
};

struct slow_report {
    struct timer timer;            /* until the next call may be made */
    struct event_loop *event_loop; /* borrowed; NULL when it is left */
    struct slow_consumer_event event;
    uint64_t events; /* of this WebSocket and all others since the last call */
    /* Makes the report; *borrows* the event. Runs Python code, which may do anything. */
    void (*on_due)(struct slow_report *report, const struct slow_consumer_event *event,
                   uint64_t events);
};

/* To be embedded in a bridge: quiet. *Borrows* the loop until slow_report_stop(). */
void slow_report_init(struct slow_report *report, struct event_loop *event_loop,
                      void (*on_due)(struct slow_report *report,
                                     const struct slow_consumer_event *event, uint64_t events));

/* Notes `count` events of a WebSocket (*keeps* the references of the first until it is reported).
 * Runs no Python code. */
void slow_report_add(struct slow_report *report, const struct slow_consumer_event *event,
                     uint32_t count);

/* The loop is left: what was not reported yet is forgotten. Idempotent. */
void slow_report_stop(struct slow_report *report);

int slow_report_traverse(struct slow_report *report, visitproc visit, void *arg);

#endif
