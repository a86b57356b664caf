/* Lifetime counters, relaxed atomics: exact when the threads that count have stopped, which is when
 * tests read them. */
#include "base/counters.h"

#include <stdatomic.h>

static atomic_long alive[COUNTER_COUNT];

static const char *const names[COUNTER_COUNT] = {
#define COUNTER_NAME(name) #name,
    COUNTER_KINDS(COUNTER_NAME)
#undef COUNTER_NAME
};

void counters_opened(enum counter kind) {
    atomic_fetch_add_explicit(&alive[kind], 1, memory_order_relaxed);
}

void counters_closed(enum counter kind) {
    atomic_fetch_sub_explicit(&alive[kind], 1, memory_order_relaxed);
}

long counters_alive(enum counter kind) {
    return atomic_load_explicit(&alive[kind], memory_order_relaxed);
}

const char *counters_name(enum counter kind) {
    return names[kind];
}
