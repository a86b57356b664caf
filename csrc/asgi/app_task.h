/* The application's task for one request or WebSocket: a real asyncio.Task in a fresh copy of the
 * server's context.
 *
 *   new --start--> RUNNING --the task is done--> over (on_done)
 *                      |--end_soon--> after --application-close-timeout it is cancelled
 *
 * The first step runs at once, inside the read that brought the request, when the loop is ours and
 * no other application code runs; on any other loop, or with a task factory, the task begins as any
 * other task does. */
#ifndef CASGI_ASGI_APP_TASK_H
#define CASGI_ASGI_APP_TASK_H

#include "asgi/bridge.h"
#include "net/timer.h"

/* Events of the task, for the cycle; both *borrow*, and run Python code. */
struct app_task_events {
    /* The application is about to be called, in its own context, which is entered. May be NULL. */
    void (*on_call)(PyObject *cycle);
    /* The application has returned (`exception` NULL) or raised. Once; may free the cycle's last
     * reference afterwards. */
    void (*on_done)(PyObject *cycle, PyObject *exception);
    /* It has not ended in time after app_task_end_soon(). Returns false for an application that may
     * go on, until it is called again; true has it cancelled. */
    bool (*on_overdue)(PyObject *cycle);
};

struct app_task {
    struct list link; /* in bridge->tasks while running */
    struct timer close_timer;
    struct bridge *bridge;
    PyObject *cycle; /* the object that embeds this; a strong reference while running, else NULL */
    PyObject *task;  /* NULL when not running, or when it ended within its first step */
    PyObject *scope; /* NULL when not running */
    const struct app_task_events *events;
    bool was_started;
    bool is_ending;
};

/* *Borrows* the bridge and the events for the life of the cycle. */
void app_task_init(struct app_task *app_task, struct bridge *bridge,
                   const struct app_task_events *events);

/* Calls the application with `scope`, `receive` and `send` (*borrows*) and starts its task.
 * Whatever happens, on_done is called once, maybe before this returns. */
void app_task_start(struct app_task *app_task, PyObject *cycle, PyObject *scope, PyObject *receive,
                    PyObject *send);

static inline bool app_task_is_running(const struct app_task *app_task) {
    return app_task->cycle != NULL;
}

/* What the cycle's method _on_task_done(task) does: the task's done callback, which keeps the
 * cycle. Returns None. */
PyObject *app_task_on_task_done(struct app_task *app_task, PyObject *task);

/* Nobody waits for the application any more: it is cancelled if it has not ended in time. Before
 * the start it holds from then on. Idempotent. */
void app_task_end_soon(struct app_task *app_task);

/* Cancels it now. */
void app_task_cancel(struct app_task *app_task);

/* Returns new start catcher for the bridge's loop, or None where tasks begin at the loop's next
 * turn. See app_task.c. */
PyObject *app_task_new_catcher(struct bridge *bridge);

/* The server is closed, and with it the loop of the timer. */
void app_task_stop_timer(struct app_task *app_task);

/* Visits and drops the references, that to the cycle itself too. */
int app_task_traverse(struct app_task *app_task, visitproc visit, void *arg);
void app_task_clear(struct app_task *app_task);

#endif
