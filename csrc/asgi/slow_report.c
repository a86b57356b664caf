/* Reports of slow consumers. Owns references to the WebSocket that it is about and to its consumer,
 * and lets go of them only where Python code may run: in its timer, or when the loop is left. */
#include "asgi/slow_report.h"

#include "base/limits.h"

static struct slow_consumer_event take(struct slow_report *report) {
    struct slow_consumer_event event = report->event;
    report->event.cycle = report->event.consumer = NULL;
    return event;
}

static void release(struct slow_consumer_event *event) {
    Py_XDECREF(event->cycle);
    Py_XDECREF(event->consumer);
}

static void on_timer(struct timer *timer) {
    struct slow_report *report = LIST_OBJECT(timer, struct slow_report, timer);
    struct slow_consumer_event event = take(report);
    if (event.cycle != NULL) {
        uint64_t events = report->events;
        report->events = 0;
        timer_start(report->event_loop, timer, LIMIT_SLOW_REPORT_SECONDS);
        report->on_due(report, &event, events);
        release(&event);
    }
}

void slow_report_init(struct slow_report *report, struct event_loop *event_loop,
                      void (*on_due)(struct slow_report *report,
                                     const struct slow_consumer_event *event, uint64_t events)) {
    *report = (struct slow_report){.event_loop = event_loop, .on_due = on_due};
    timer_init(&report->timer, on_timer);
}

void slow_report_add(struct slow_report *report, const struct slow_consumer_event *event,
                     uint32_t count) {
    if (report->event_loop == NULL) {
        return;
    }
    if (report->event.cycle == NULL) {
        report->event.cycle = Py_NewRef(event->cycle);
        report->event.consumer = Py_XNewRef(event->consumer);
    }
    report->events += count;
    if (report->event.cycle == event->cycle) {
        report->event.outcome = event->outcome;
        report->event.backlog = event->backlog;
    }
    if (!timer_is_running(&report->timer)) {
        timer_start(report->event_loop, &report->timer, 0);
    }
}

void slow_report_stop(struct slow_report *report) {
    report->event_loop = NULL;
    if (report->on_due != NULL) {
        timer_stop(&report->timer);
    }
    struct slow_consumer_event event = take(report);
    release(&event);
}

int slow_report_traverse(struct slow_report *report, visitproc visit, void *arg) {
    Py_VISIT(report->event.cycle);
    Py_VISIT(report->event.consumer);
    return 0;
}
