/* latencies: how often each latency was seen, in whole microseconds. Owns nothing: each program has
 * its counters in static memory, of which only the pages that are used cost anything. */
#ifndef BENCH_LATENCIES_H
#define BENCH_LATENCIES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LATENCY_BUCKETS = 1 << 22 }; /* four seconds; the last bucket holds all that is slower */

struct latencies {
    uint64_t count;
    size_t highest; /* the highest bucket that was used */
    uint32_t buckets[LATENCY_BUCKETS];
};

static inline void latencies_clear(struct latencies *latencies) {
    memset(latencies->buckets, 0, (latencies->highest + 1) * sizeof *latencies->buckets);
    latencies->count = latencies->highest = 0;
}

static inline void latencies_add(struct latencies *latencies, uint64_t nanoseconds) {
    uint64_t microseconds = nanoseconds / 1000;
    size_t bucket = microseconds < LATENCY_BUCKETS ? (size_t)microseconds : LATENCY_BUCKETS - 1;
    latencies->buckets[bucket]++;
    latencies->count++;
    if (bucket > latencies->highest)
        latencies->highest = bucket;
}

/* Returns the microseconds that this share of the latencies does not exceed; 0 if there are none.
 */
static inline size_t latencies_percentile(const struct latencies *latencies, double share) {
    uint64_t wanted = (uint64_t)((double)latencies->count * share), seen = 0;
    for (size_t i = 0; i < latencies->highest; i++) {
        seen += latencies->buckets[i];
        if (seen > wanted)
            return i;
    }
    return latencies->highest;
}

#endif
