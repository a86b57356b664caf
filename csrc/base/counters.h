/* How many objects of each kind are alive, process-wide: a test asserts that all are zero when
 * everything is closed.
 *
 * The only mutable static data of casgi: several loops in one process count into the same table,
 * hence the atomics. */
#ifndef CASGI_BASE_COUNTERS_H
#define CASGI_BASE_COUNTERS_H

#define COUNTER_KINDS(X)                                                                           \
    X(event_loops)                                                                                 \
    X(listeners)                                                                                   \
    X(streams)                                                                                     \
    X(tls_streams)                                                                                 \
    X(proxy_streams)                                                                               \
    X(frames)                                                                                      \
    X(files)                                                                                       \
    X(connections)                                                                                 \
    X(exchanges)                                                                                   \
    X(groups)                                                                                      \
    X(websockets)                                                                                  \
    X(ws_decoders)                                                                                 \
    X(ws_inflaters)                                                                                \
    X(ws_deflaters)                                                                                \
    X(http_cycles)                                                                                 \
    X(ws_cycles)                                                                                   \
    X(channels)                                                                                    \
    X(hub_peers)

enum counter {
#define COUNTER_NAME(name) COUNTER_##name,
    COUNTER_KINDS(COUNTER_NAME)
#undef COUNTER_NAME
        COUNTER_COUNT
};

void counters_opened(enum counter kind);
void counters_closed(enum counter kind);

/* Returns how many objects of the kind are alive. */
long counters_alive(enum counter kind);

/* Returns the kind's name, static. */
const char *counters_name(enum counter kind);

#endif
