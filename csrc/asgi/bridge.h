/* What all requests of one server share on the Python side: the application, the asyncio loop, the
 * options of the bridge.
 *
 * Embedded in the Server object, which outlives every cycle because each cycle holds a reference to
 * it (bridge->owner). */
#ifndef CASGI_ASGI_BRIDGE_H
#define CASGI_ASGI_BRIDGE_H

#include "asgi/slow_report.h"
#include "asgi/ticker.h"
#include "base/list.h"
#include "net/event_loop.h"
#include "state.h"

struct server;

/* What an exchange or a WebSocket refers to, so that the garbage collector knows that
 * reference too: embedded in the cycle. */
struct attached {
    struct list link;
    PyObject *cycle; /* the object that embeds this */
};

/* Headers that come with nearly every request: see header_pairs.c. */
#define HEADER_PAIR_SLOTS 256

/* Dicts of scopes that are given again: see reused_dict.h; and those that scopes are copies of. */
enum scope_part {
    SCOPE_HTTP,
    SCOPE_WEBSOCKET,
    SCOPE_HTTP_VERSIONS,
    SCOPE_WEBSOCKET_VERSIONS,
    SCOPE_HTTP_EXTENSIONS,
    SCOPE_HTTPS_EXTENSIONS,
    SCOPE_WEBSOCKET_EXTENSIONS,
    SCOPE_WEBSOCKET_TLS_EXTENSIONS,
    SCOPE_PARTS
};

struct bridge {
    struct module_state *state;
    struct event_loop *event_loop; /* borrowed from the selector or the rider, which the Server
                                      holds; NULL once the server is closed */
    struct server *server;
    PyObject *owner;       /* the Server object that embeds this; borrowed */
    PyObject *application; /* ASGI 3 */
    PyObject *loop;        /* asyncio's */
    PyObject *context; /* contextvars.Context as of the Server's making: every application starts in
                          a copy of it */
    PyObject *logger;
    PyObject *lifespan_state; /* dict, or NULL */
    PyObject *root_path;      /* str */
    PyObject *start_catcher;  /* see app_task.c; NULL when the loop takes no eager start */
    PyObject *caught_start;
    PyObject *task_keywords;    /* dict: see app_task.c */
    PyObject *starting_context; /* borrowed: of the task whose start is to be caught */
    PyObject *header_pairs[HEADER_PAIR_SLOTS];
    PyObject *scope_parts[SCOPE_PARTS]; /* dict; NULL: there was no scope yet */
    PyObject *last_host;                /* str: behind a proxy all clients have the same */
    PyObject *last_server;              /* tuple: scope["server"] of the last connection */
    PyObject *last_certificate;         /* str: the PEM of the last TLS connection */
    PyObject *done_future;              /* asyncio.Future: see waiter.c; NULL until it is needed */
    void (*on_idle)(PyObject *owner);   /* the last task, or connection, has ended */
    struct list tasks;                  /* of struct app_task: running */
    struct list attached;               /* of struct attached: with an exchange */
    struct slow_report slow_report;
    struct ticker ticker;       /* of whoever looks at an observed server */
    PyObject *on_slow_consumer; /* Server's; NULL or None: nobody is notified */
    PyObject *on_overdue;       /* Server's; NULL or None: only logged */
    PyObject *route_matches;    /* Server's ContextVar; NULL or None: nobody notes them */
    size_t task_count;
    size_t request_buffer_size;
    double application_close_timeout;
    bool runs_on_selector;    /* the loop is asyncio's own on our Selector */
    bool drops_late_messages; /* of every cycle: see CycleObject */
};

/* Asks to run application code right here, as event_loop_enter_application(), and returns the loop
 * that is then to be left; NULL when the code must be scheduled. */
static inline struct event_loop *bridge_enter_application(struct bridge *bridge) {
    bool may_enter = bridge->event_loop != NULL && event_loop_enter_application(bridge->event_loop);
    return may_enter ? bridge->event_loop : NULL;
}

/* True on another thread than that of the server's loop. */
static inline bool bridge_is_on_other_thread(const struct bridge *bridge) {
    return bridge->event_loop != NULL && !event_loop_is_on_thread(bridge->event_loop);
}

/* Holds the loop while a cycle is in functions of the server, see event_loop_hold(); returns what
 * is to be let go afterwards: NULL once the server is closed. */
static inline struct event_loop *bridge_hold_loop(struct bridge *bridge) {
    if (bridge->event_loop != NULL) {
        event_loop_hold(bridge->event_loop);
    }
    return bridge->event_loop;
}
static inline void bridge_let_go(struct event_loop *held) {
    if (held != NULL) {
        event_loop_let_go(held);
    }
}

/* Notes that an exchange or a WebSocket refers to `cycle`, and that it does no more. Both leave the
 * reference itself to the caller. */
static inline void bridge_attach(struct bridge *bridge, struct attached *attached,
                                 PyObject *cycle) {
    attached->cycle = cycle;
    list_append(&bridge->attached, &attached->link);
}
static inline void bridge_detach(struct attached *attached) {
    list_remove(&attached->link);
}

/* Takes the exception set now: returns it as an instance with its traceback (new reference), and
 * clears it. */
PyObject *bridge_take_exception(void);

/* Logs through the logging module; the exception may be NULL (*borrows* both). Never raises.
 * `level` is a method name of Logger. Without a message (NULL) the exception set now, which kept it
 * from being made, is written instead and cleared. */
void bridge_log(struct bridge *bridge, const char *level, PyObject *message, PyObject *exception);

/* Reports the exception set now to loop.call_exception_handler(), or ends the turn with it when it
 * is a KeyboardInterrupt or SystemExit. Clears it. Every entry from C that runs Python ends here
 * when that fails. */
void bridge_report(struct bridge *bridge, const char *what);

/* As bridge_report() for a call to an asyncio loop (*borrows*), which when it is closed has nobody
 * left to call: that is no error to be reported. */
void bridge_report_loop(struct bridge *bridge, PyObject *loop, const char *what);

/* Sets the exception for a status below zero: ClientDisconnected for STATUS_CLOSED, MemoryError,
 * RuntimeError with `what` otherwise. Returns NULL. */
PyObject *bridge_raise_status(struct bridge *bridge, int status, const char *what);

/* True when the exception is a ClientDisconnected, or was raised from or because of one. */
bool bridge_is_client_disconnected(struct bridge *bridge, PyObject *exception);

/* Visits and drops the references. */
int bridge_traverse(struct bridge *bridge, visitproc visit, void *arg);
void bridge_clear(struct bridge *bridge);

#endif
