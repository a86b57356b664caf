/* Calls a Python callable once a second on a timer of the core. One of asyncio's would have each
 * turn of its loop look at the clock, in Python: more than all else that is observed costs.
 *
 * Embedded in the bridge; owns the callable. */
#ifndef CASGI_ASGI_TICKER_H
#define CASGI_ASGI_TICKER_H

#include "net/timer.h"
#include "state.h"

struct ticker {
    struct timer timer;
    struct event_loop *event_loop; /* borrowed; NULL when it is left */
    PyObject *callback;            /* NULL: nobody is called */
    /* Calls it. Runs Python code, which may do anything. */
    void (*on_tick)(struct ticker *ticker);
};

/* To be embedded in a bridge: nobody is called. *Borrows* the loop until ticker_stop(). */
void ticker_init(struct ticker *ticker, struct event_loop *event_loop,
                 void (*on_tick)(struct ticker *ticker));

/* Has `callback` (*keeps*) called from now on, a second later first, and nobody else. Nothing once
 * the loop is left. */
void ticker_start(struct ticker *ticker, PyObject *callback);

/* The loop is left: nobody is called any more. Idempotent. */
void ticker_stop(struct ticker *ticker);

#endif
