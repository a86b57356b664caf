/* What the server of one loop has done since it began: counts that only grow, in one table.
 *
 * Only the loop's thread adds; any thread may read, without the GIL and without a lock. Each count
 * is whole, while two of them may be of different moments. */
#ifndef CASGI_BASE_METRICS_H
#define CASGI_BASE_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

/* METRIC(name): the name is also its key in Server.metrics(). */
#define METRIC_KINDS(METRIC)                                                                       \
    METRIC(connections)             /* accepted */                                                 \
    METRIC(requests)                /* begun, opening handshakes and refused ones included */      \
    METRIC(requests_refused)        /* before the application saw them, and TLS handshakes */      \
    METRIC(responses_failed)        /* with a status from 500 on */                                \
    METRIC(websockets)              /* accepted by the application */                              \
    METRIC(messages_received)       /* of WebSockets */                                            \
    METRIC(message_bytes_received)  /* their payload */                                            \
    METRIC(messages_sent)           /* to WebSockets, those of groups included */                  \
    METRIC(message_bytes_sent)      /* their payload, before any compression */                    \
    METRIC(group_messages_shared)   /* put into a WebSocket without its consumer having run */     \
    METRIC(group_messages_consumed) /* messages of channel layers that consumers took */           \
    METRIC(rate_closed)             /* WebSockets that have sent too much in too little time */    \
    METRIC(slow_closed)             /* WebSockets, by --slow-consumer close */                     \
    METRIC(slow_dropped_oldest)     /* messages, by --slow-consumer drop-oldest */                 \
    METRIC(slow_dropped_newest)     /* messages, by either dropping policy */

enum metric {
#define METRIC_NAME(name) METRIC_##name,
    METRIC_KINDS(METRIC_NAME)
#undef METRIC_NAME
        METRIC_COUNT
};

struct metrics {
    _Atomic uint64_t counts[METRIC_COUNT];
};

/* On the loop's thread only: one writer needs no locked instruction. */
static inline void metrics_add(struct metrics *metrics, enum metric kind, uint64_t count) {
    uint64_t before = atomic_load_explicit(&metrics->counts[kind], memory_order_relaxed);
    atomic_store_explicit(&metrics->counts[kind], before + count, memory_order_relaxed);
}

static inline uint64_t metrics_read(const struct metrics *metrics, enum metric kind) {
    return atomic_load_explicit(&metrics->counts[kind], memory_order_relaxed);
}

/* Copies every count, on the loop's thread. */
static inline void metrics_copy(struct metrics *to, const struct metrics *from) {
    for (int kind = 0; kind < METRIC_COUNT; kind++) {
        atomic_store_explicit(&to->counts[kind], metrics_read(from, (enum metric)kind),
                              memory_order_relaxed);
    }
}

/* Returns the name of a count, static. */
const char *metrics_name(enum metric kind);

#endif
