/* The policy for slow consumers. Holds nothing: the metrics are the server's, the frames the
 * exchange's. Never judges by what the socket was not offered yet. Never calls the application, but
 * closing notifies it by an event, and where Python objects are made the garbage collector may run
 * finalizers of its. */
#include "server/slow_consumer.h"

#include "server/server.h"
#include "server/websocket.h"

const char *slow_consumer_outcome_name(enum slow_consumer_outcome outcome) {
    static const char *const names[] = {
        [SLOW_CONSUMER_CLOSED] = "closed",
        [SLOW_CONSUMER_DROPPED_OLDEST] = "dropped_oldest",
        [SLOW_CONSUMER_DROPPED_NEWEST] = "dropped_newest",
    };
    return names[outcome];
}

enum metric slow_consumer_metric(enum slow_consumer_outcome outcome) {
    static const enum metric metrics[] = {
        [SLOW_CONSUMER_CLOSED] = METRIC_slow_closed,
        [SLOW_CONSUMER_DROPPED_OLDEST] = METRIC_slow_dropped_oldest,
        [SLOW_CONSUMER_DROPPED_NEWEST] = METRIC_slow_dropped_newest,
    };
    return metrics[outcome];
}

/* Returns how many bytes must go before `length` more fit. An empty queue takes any frame. */
static size_t excess(const struct websocket *websocket, size_t length) {
    size_t limit = websocket->server->options.write_backlog_limit;
    size_t backlog = exchange_queued(websocket->exchange);
    if (backlog == 0 || (backlog <= limit && length <= limit - backlog)) {
        return 0;
    }
    return length < limit ? backlog - (limit - length) : backlog;
}

static void note(struct websocket *websocket, enum slow_consumer_outcome outcome, uint32_t count,
                 size_t backlog) {
    metrics_add(&websocket->server->metrics, slow_consumer_metric(outcome), count);
    if (websocket->events != NULL) {
        websocket->events->on_slow(websocket->owner, outcome, count, backlog);
    }
}

/* Runs the policy, given what is missing. */
static bool apply(struct websocket *websocket, size_t missing) {
    enum slow_consumer_policy policy = websocket->server->options.slow_consumer;
    size_t backlog = exchange_queued(websocket->exchange);
    if (policy == SLOW_CONSUMER_CLOSE) {
        note(websocket, SLOW_CONSUMER_CLOSED, 1, backlog);
        (void)websocket_close(websocket, WS_CLOSE_POLICY, SLICE_LITERAL("too slow for its groups"));
        return false;
    }
    uint32_t dropped = policy == SLOW_CONSUMER_DROP_OLDEST
                           ? exchange_drop_oldest(websocket->exchange, missing)
                           : 0;
    if (dropped > 0) {
        note(websocket, SLOW_CONSUMER_DROPPED_OLDEST, dropped, backlog);
        return true;
    }
    note(websocket, SLOW_CONSUMER_DROPPED_NEWEST, 1, backlog);
    return false;
}

bool slow_consumer_make_room(struct websocket *websocket, size_t length) {
    if (excess(websocket, length) == 0) {
        return true;
    }
    exchange_flush(websocket->exchange); /* a burst within one turn is nobody's slowness */
    size_t missing = excess(websocket, length);
    return missing == 0 || apply(websocket, missing);
}
