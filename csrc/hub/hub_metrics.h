/* What a hub counts, in one table for its loop that any thread reads without the GIL and without a
 * lock. Only the hub's thread writes. */
#ifndef CASGI_HUB_HUB_METRICS_H
#define CASGI_HUB_HUB_METRICS_H

#include <stdatomic.h>
#include <stdint.h>

/* METRIC(name): the name is also its key in Hub.metrics(). */
#define HUB_METRIC_KINDS(METRIC)                                                                   \
    METRIC(peers)         /* processes that are connected now */                                   \
    METRIC(topics)        /* announced now, each once in its project */                            \
    METRIC(waiting)       /* messages that wait in channels now */                                 \
    METRIC(waiting_bytes) /* theirs */                                                             \
    METRIC(unread_bytes)  /* that processes have not read yet, now */                              \
    METRIC(connected)     /* processes, ever */                                                    \
    METRIC(refused)       /* of another version, or one too many */                                \
    METRIC(published)     /* frames to topics */                                                   \
    METRIC(delivered)     /* frames of topics, once for each process that got them */              \
    METRIC(dropped)       /* frames that a process which did not keep up did not get */            \
    METRIC(gaps)          /* times that a process was notified of it */                            \
    METRIC(sent)          /* messages to channels */                                               \
    METRIC(received)      /* messages of channels that a process took */                           \
    METRIC(expired)       /* messages of channels that nobody took in time */

enum hub_metric {
#define HUB_METRIC_NAME(name) HUB_METRIC_##name,
    HUB_METRIC_KINDS(HUB_METRIC_NAME)
#undef HUB_METRIC_NAME
        HUB_METRIC_COUNT
};

struct hub_metrics {
    _Atomic uint64_t counts[HUB_METRIC_COUNT];
};

/* On the hub's thread only: one writer needs no locked instruction. `count` may be negative. */
static inline void hub_metrics_add(struct hub_metrics *metrics, enum hub_metric kind,
                                   int64_t count) {
    uint64_t before = atomic_load_explicit(&metrics->counts[kind], memory_order_relaxed);
    atomic_store_explicit(&metrics->counts[kind], before + (uint64_t)count, memory_order_relaxed);
}

static inline uint64_t hub_metrics_read(const struct hub_metrics *metrics, enum hub_metric kind) {
    return atomic_load_explicit(&metrics->counts[kind], memory_order_relaxed);
}

#endif
