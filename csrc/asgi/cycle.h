/* What a request and a WebSocket of the application have in common: the scope, the task, who waits
 * in receive() and send(), the end in the log. HttpCycle and WsCycle begin with this struct.
 *
 *   made, attached --cycle_start--> the task runs --> it is done
 *         |                                               both: freed with the last reference
 *         `--the exchange or WebSocket ends: detached-->
 *
 * Referenced by the exchange or WebSocket until its on_end(), by its task while that runs, and by
 * whoever holds receive or send. Either may end first; each looks whether the other is there. */
#ifndef CASGI_ASGI_CYCLE_H
#define CASGI_ASGI_CYCLE_H

#include "asgi/app_task.h"
#include "asgi/pending.h"

typedef struct {
    PyObject_HEAD
    struct bridge *bridge;
    PyObject *owner; /* keeps the bridge */
    PyObject *scope;
    struct attached attached;
    struct waiter_queue receivers;
    struct waiter_queue senders; /* waiting for the client to read */
    struct app_task app_task;
    uint64_t began; /* event_loop_now() when it was made */
    const struct cycle_methods *methods;
    struct deferred start;    /* due when another thread has asked for it */
    uint64_t sent_turn;       /* event_loop_turn_number() of the last send() */
    uint32_t sent_in_turn;    /* calls of send() in that turn that have not waited */
    bool can_send;            /* somebody holds the method send */
    bool drops_late_messages; /* what is sent too late is dropped without an error */
} CycleObject;

struct exchange;

/* The methods that the application is given, and what the end of its task means. */
struct cycle_methods {
    PyMethodDef receive;
    PyMethodDef send;
    struct app_task_events task_events;
    /* The application could not be called: gives up what it was to answer. */
    void (*abort)(PyObject *cycle);
    /* Nobody holds send any more. Runs no application code. May be NULL. */
    void (*on_send_dropped)(PyObject *cycle);
    /* What it answers, NULL when that is over. *Borrows*. */
    const struct exchange *(*exchange)(PyObject *cycle);
};

/* Returns new object of `type`, its own part of which is for the caller to fill before
 * PyObject_GC_Track(); NULL with an exception. *Takes* the scope in every case; NULL is passed on.
 */
PyObject *cycle_new(struct bridge *bridge, PyTypeObject *type, PyObject *scope,
                    const struct cycle_methods *methods);

/* Calls the application and starts its task, unless that was done: at once, or in the loop's next
 * turn when another thread asks. Runs application code. */
void cycle_start(CycleObject *self);

/* The exchange or WebSocket that referred to it is over. The reference is the caller's to drop. */
void cycle_detach(CycleObject *self);

/* What send() returns for a message that was taken: an awaitable that is done, or one that waits
 * while the client does not read (until `poll` says so). NULL with an exception. */
PyObject *cycle_sent(CycleObject *self, bool is_congested, pending_poll poll);

/* The way of a message: `take` returns an awaitable, or NULL with an exception, which is raised
 * where send() is awaited. Who has sent LIMIT_SENDS_IN_TURN times waits for the loop's next turn.
 */
typedef PyObject *(*cycle_take)(PyObject *self, PyObject *message, PyObject *type);
PyObject *cycle_send(PyObject *self, PyObject *message, cycle_take take);

/* True when a message that comes too late is to be dropped without an error: daphne does so, and
 * Channels' consumers were brought up on it. */
bool cycle_drops_late_messages(const CycleObject *self);

/* Has late messages dropped for the cycle whose `receive` this is; behind a wrapper of receive(),
 * where the cycle can not be seen, for what is sent in the current context. Returns -1 with an
 * exception. */
int cycle_drop_late_messages(struct module_state *state, PyObject *receive);

/* Everybody who waits in send() looks anew: as on_drain() of an exchange. */
void cycle_on_drain(void *self);

/* Logs `text` with the request; the exception may be NULL (*borrows*). */
void cycle_log(CycleObject *self, const char *level, const char *text, PyObject *exception);

/* Logs how the application ended. `missing` says what it left undone, NULL: nothing. */
void cycle_log_end(CycleObject *self, PyObject *exception, const char *missing);

/* The type's slots: to be called by those of the objects that begin with a cycle. */
int cycle_traverse(PyObject *self, visitproc visit, void *arg);
int cycle_clear(PyObject *self);
void cycle_dealloc(PyObject *self);

/* The method that both types have. */
PyObject *cycle_on_task_done(PyObject *self, PyObject *task);
#define CYCLE_ON_TASK_DONE                                                                         \
    { "_on_task_done", cycle_on_task_done, METH_O, NULL }

#endif
