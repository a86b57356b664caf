/* Counting times. From half a millisecond, below which nobody waits, to ten seconds, which is too
 * long for anything. */
#include "base/histogram.h"

static const uint64_t bounds[HISTOGRAM_BOUNDS] = {
    500,    1000,   2500,   5000,    10000,   25000,   50000,
    100000, 250000, 500000, 1000000, 2500000, 5000000, 10000000,
};

uint64_t histogram_bound(int bucket) {
    return bounds[bucket];
}

/* One writer needs no locked instruction. */
static void add(_Atomic uint64_t *number, uint64_t more) {
    uint64_t before = atomic_load_explicit(number, memory_order_relaxed);
    atomic_store_explicit(number, before + more, memory_order_relaxed);
}

void histogram_add(struct histogram *histogram, uint64_t microseconds) {
    int bucket = 0;
    while (bucket < HISTOGRAM_BOUNDS && microseconds > bounds[bucket]) {
        bucket++;
    }
    add(&histogram->counts[bucket], 1);
    add(&histogram->microseconds, microseconds);
}

void histogram_clear(struct histogram *histogram) {
    for (int bucket = 0; bucket < HISTOGRAM_BUCKETS; bucket++) {
        atomic_store(&histogram->counts[bucket], 0);
    }
    atomic_store(&histogram->microseconds, 0);
}
