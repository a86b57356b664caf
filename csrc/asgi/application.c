/* The server's events for the application: requests and WebSockets become cycles, the rest goes to
 * the callbacks of the Server object and to the log. Owns nothing: the bridge does. */
#include "asgi/application.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

#include "asgi/app_task.h"
#include "asgi/http_cycle.h"
#include "asgi/overdue.h"
#include "asgi/scope.h"
#include "asgi/ws_channel.h"
#include "asgi/ws_cycle.h"

/* --- Events of the server --- */

static int on_request(void *owner, struct exchange *exchange) {
    return http_cycle_begin(owner, exchange);
}

static int on_websocket(void *owner, struct websocket *websocket) {
    return ws_cycle_begin(owner, websocket);
}

static void on_connection_end(void *Py_UNUSED(owner), struct connection *connection) {
    scope_forget_connection(connection);
}

static void on_idle(void *owner) {
    struct bridge *bridge = owner;
    bridge->on_idle(bridge->owner);
}

/* Returns new, or NULL with an exception set. */
static PyObject *refusal_text(const char *host, int http_status, const char *reason) {
    if (http_status == 0) {
        return PyUnicode_FromFormat("Refused a TLS handshake of %s: %s", host, reason);
    }
    if (http_status == 503) { /* there would be a line for each, by the thousand */
        return PyUnicode_FromFormat(
            "Refused %s, and whoever else came in this second, with 503: %s", host, reason);
    }
    return PyUnicode_FromFormat("Refused an invalid request of %s with %d: %s", host, http_status,
                                reason);
}

static void on_refused(void *owner, const struct address *client, int http_status,
                       const char *reason) {
    const char *host = client->family == ADDRESS_UNIX ? "unix" : client->host;
    host = client->family == ADDRESS_NONE ? "unknown" : host;
    PyObject *message = refusal_text(host, http_status, reason);
    bridge_log(owner, http_status == 503 ? "warning" : "info", message, NULL);
    Py_XDECREF(message);
}

/* Returns new, or NULL with an exception set. */
static PyObject *exhaustion_text(int error) {
    if (error == EMFILE) {
        struct rlimit limit = {0, 0};
        (void)getrlimit(RLIMIT_NOFILE, &limit);
        return PyUnicode_FromFormat(
            "No connection can be accepted: all of the %llu descriptors that this process may have "
            "are open. Clients wait: raise the limit (LimitNOFILE= in a systemd unit, ulimit -n), "
            "or refuse some earlier with --max-connections",
            (unsigned long long)limit.rlim_cur);
    }
    return PyUnicode_FromFormat("No connection can be accepted: %s. Clients wait", strerror(error));
}

static void on_exhausted(void *owner, int error) {
    PyObject *message = exhaustion_text(error);
    bridge_log(owner, "error", message, NULL);
    Py_XDECREF(message);
}

static void on_log_lost(void *owner, int error) {
    PyObject *message = PyUnicode_FromFormat(
        "Lines of the access log are lost, which cannot be written: %s. Requests are answered all "
        "the same",
        strerror(error));
    bridge_log(owner, "error", message, NULL);
    Py_XDECREF(message);
}

const struct application_events application_events = {
    .on_request = on_request,
    .on_websocket = on_websocket,
    .on_connection_end = on_connection_end,
    .on_idle = on_idle,
    .on_refused = on_refused,
    .on_exhausted = on_exhausted,
    .on_log_lost = on_log_lost,
};

/* Calls Server.on_slow_consumer. */
static void on_slow_report(struct slow_report *report, const struct slow_consumer_event *event,
                           uint64_t events) {
    struct bridge *bridge = LIST_OBJECT(report, struct bridge, slow_report);
    PyObject *callback = Py_XNewRef(bridge->on_slow_consumer);
    if (callback == NULL || callback == Py_None) {
        Py_XDECREF(callback);
        return;
    }
    PyObject *owner = Py_NewRef(bridge->owner); /* the callback may close the server */
    PyObject *result = PyObject_CallFunction(
        callback, "NsnKK", ws_channel_scope(event->cycle, event->consumer),
        slow_consumer_outcome_name(event->outcome), (Py_ssize_t)event->backlog,
        (unsigned long long)ws_cycle_dropped(event->cycle), (unsigned long long)(events - 1));
    if (result == NULL) {
        bridge_report(bridge, "Exception in Server.on_slow_consumer");
    }
    Py_XDECREF(result);
    Py_DECREF(callback);
    Py_DECREF(owner);
}

/* Calls whoever looks at the server: see Scoreboard.watch(). */
static void on_tick(struct ticker *ticker) {
    struct bridge *bridge = LIST_OBJECT(ticker, struct bridge, ticker);
    PyObject *callback = Py_XNewRef(ticker->callback);
    if (callback == NULL) {
        return;
    }
    PyObject *owner = Py_NewRef(bridge->owner); /* the callback may close the server */
    Py_XDECREF(PyObject_CallNoArgs(callback));
    bridge_report(bridge, "Exception in what looks at the server once a second");
    Py_DECREF(callback);
    Py_DECREF(owner);
}

/* --- Its life --- */

void application_init(struct bridge *bridge) {
    list_init(&bridge->tasks);
    list_init(&bridge->attached);
}

int application_open(struct bridge *bridge) {
    slow_report_init(&bridge->slow_report, bridge->event_loop, on_slow_report);
    ticker_init(&bridge->ticker, bridge->event_loop, on_tick);
    bridge->start_catcher = app_task_new_catcher(bridge);
    return bridge->start_catcher == NULL ? -1 : 0;
}

/* A future with a cancel() of its own may end any of them meanwhile, or close the server, which
 * looks for all of them in its list. */
void application_cancel_all(struct bridge *bridge) {
    struct list *tasks = &bridge->tasks;
    for (size_t left = bridge->task_count; left > 0 && !list_is_empty(tasks); left--) {
        struct list *link = tasks->next;
        list_remove(link);
        list_append(tasks, link);
        app_task_cancel(LIST_OBJECT(link, struct app_task, link));
    }
}

PyObject *application_unfinished(struct bridge *bridge) {
    return overdue_list(bridge);
}

void application_leave_loop(struct bridge *bridge) {
    struct list *tasks = &bridge->tasks;
    for (struct list *link = tasks->next; link != tasks; link = link->next) {
        app_task_stop_timer(LIST_OBJECT(link, struct app_task, link));
    }
    bridge->event_loop = NULL;
    slow_report_stop(&bridge->slow_report);
    ticker_stop(&bridge->ticker);
}
