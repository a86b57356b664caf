/* The second's timer. Lets go of the callable only where Python code may run. */
#include "asgi/ticker.h"

#include "base/limits.h"

static void on_timer(struct timer *timer) {
    struct ticker *ticker = LIST_OBJECT(timer, struct ticker, timer);
    timer_start(ticker->event_loop, timer, LIMIT_TICK_SECONDS);
    ticker->on_tick(ticker);
}

void ticker_init(struct ticker *ticker, struct event_loop *event_loop,
                 void (*on_tick)(struct ticker *ticker)) {
    *ticker = (struct ticker){.event_loop = event_loop, .on_tick = on_tick};
    timer_init(&ticker->timer, on_timer);
}

void ticker_start(struct ticker *ticker, PyObject *callback) {
    if (ticker->event_loop != NULL) {
        timer_start(ticker->event_loop, &ticker->timer, LIMIT_TICK_SECONDS);
        Py_XSETREF(ticker->callback, Py_NewRef(callback));
    }
}

void ticker_stop(struct ticker *ticker) {
    ticker->event_loop = NULL;
    if (ticker->on_tick != NULL) {
        timer_stop(&ticker->timer);
    }
    Py_CLEAR(ticker->callback);
}
