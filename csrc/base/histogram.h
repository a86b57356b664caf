/* Times in fixed buckets, in memory that one process writes and others read: each number is whole,
 * while two of them may be of different moments. */
#ifndef CASGI_BASE_HISTOGRAM_H
#define CASGI_BASE_HISTOGRAM_H

#include <stdatomic.h>
#include <stdint.h>

/* The last bucket has no bound. */
enum { HISTOGRAM_BOUNDS = 14, HISTOGRAM_BUCKETS = HISTOGRAM_BOUNDS + 1 };

struct histogram {
    _Atomic uint64_t counts[HISTOGRAM_BUCKETS]; /* each of its bucket alone */
    _Atomic uint64_t microseconds;              /* of all */
};

/* Returns the microseconds up to which a bucket goes. */
uint64_t histogram_bound(int bucket);

/* Adds a time. One thread at a time. */
void histogram_add(struct histogram *histogram, uint64_t microseconds);

/* Makes it as it was at first. */
void histogram_clear(struct histogram *histogram);

#endif
