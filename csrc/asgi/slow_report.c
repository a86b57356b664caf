/* Reports of slow consumers. Owns references to the WebSocket that it is about and to its consumer,
 * and lets go of them only where Python code may run: in its timer, or when the loop is left. */
#include "asgi/slow_report.h"

#include "asgi/bridge.h"
#include "asgi/ws_channel.h"
#include "asgi/ws_cycle.h"
#include "base/limits.h"

static void tell(struct bridge *bridge, PyObject *cycle, PyObject *consumer) {
    struct slow_report *report = &bridge->slow_report;
    PyObject *callback = Py_XNewRef(report->callback);
    if (callback != NULL && callback != Py_None) {
        PyObject *result = PyObject_CallFunction(
            callback, "NsnKK", ws_channel_scope(cycle, consumer),
            slow_consumer_outcome_name(report->outcome), (Py_ssize_t)report->backlog,
            (unsigned long long)ws_cycle_dropped(cycle), (unsigned long long)(report->events - 1));
        Py_XDECREF(result);
        if (result == NULL) {
            bridge_report(bridge, "Exception in Server.on_slow_consumer");
        }
    }
    Py_XDECREF(callback);
}

static void on_timer(struct timer *timer) {
    struct bridge *bridge = LIST_OBJECT(timer, struct bridge, slow_report.timer);
    struct slow_report *report = &bridge->slow_report;
    PyObject *cycle = report->cycle;
    PyObject *consumer = report->consumer;
    if (cycle == NULL) {
        return;
    }
    PyObject *owner = Py_NewRef(bridge->owner); /* the callback may close the server */
    report->cycle = report->consumer = NULL;
    timer_start(bridge->event_loop, timer, LIMIT_SLOW_REPORT_SECONDS);
    tell(bridge, cycle, consumer);
    Py_DECREF(cycle);
    Py_XDECREF(consumer);
    Py_DECREF(owner);
}

void slow_report_init(struct slow_report *report) {
    timer_init(&report->timer, on_timer);
}

void slow_report_add(struct bridge *bridge, PyObject *cycle, enum slow_consumer_outcome outcome,
                     uint32_t count, size_t backlog) {
    struct slow_report *report = &bridge->slow_report;
    if (bridge->event_loop == NULL) {
        return;
    }
    if (report->cycle == NULL) {
        report->cycle = Py_NewRef(cycle);
        report->consumer = ws_channel_consumer(cycle);
        report->events = 0;
    }
    report->events += count;
    if (report->cycle == cycle) {
        report->outcome = outcome;
        report->backlog = backlog;
    }
    if (!timer_is_running(&report->timer)) {
        timer_start(bridge->event_loop, &report->timer, 0);
    }
}

void slow_report_stop(struct slow_report *report) {
    timer_stop(&report->timer);
    Py_CLEAR(report->cycle);
    Py_CLEAR(report->consumer);
}

int slow_report_traverse(struct slow_report *report, visitproc visit, void *arg) {
    Py_VISIT(report->callback);
    Py_VISIT(report->cycle);
    Py_VISIT(report->consumer);
    return 0;
}
