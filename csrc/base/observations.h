/* What is observed of a server while somebody asks for it (--metrics, --control), beside what it
 * always counts: how long its turns last, how long requests take by their route, and values that
 * are looked at once a second. Lies in the memory that workers share; one process writes. */
#ifndef CASGI_BASE_OBSERVATIONS_H
#define CASGI_BASE_OBSERVATIONS_H

#include "base/counters.h"
#include "base/histogram.h"
#include "base/limits.h"
#include "base/slice.h"

/* OBSERVED(name): the name is also its key in Python. pyshim/casgi/status/exposition.py says which
 * of them only grow. */
#define OBSERVED_VALUES(OBSERVED)                                                                  \
    OBSERVED(websockets)       /* that are open */                                                 \
    OBSERVED(tasks)            /* of the application that run */                                   \
    OBSERVED(groups)           /* that have members in this process */                             \
    OBSERVED(group_members)    /* of all of them */                                                \
    OBSERVED(largest_group)    /* its members */                                                   \
    OBSERVED(unsent_bytes)     /* that wait for clients */                                         \
    OBSERVED(channel_messages) /* of channel layers that wait for consumers */                     \
    OBSERVED(python_blocks)    /* of memory that Python's own allocator has given out */           \
    OBSERVED(threads)          /* of Django's requests */                                          \
    OBSERVED(threads_waiting)  /* requests that wait for one of these */                           \
    OBSERVED(thread_waits)     /* requests that have had to */                                     \
    OBSERVED(layer_gaps)       /* times that a layer may have lost messages */                     \
    OBSERVED(layer_dropped)    /* messages of groups for channels that were full */

enum observed {
#define OBSERVED_NAME(name) OBSERVED_##name,
    OBSERVED_VALUES(OBSERVED_NAME)
#undef OBSERVED_NAME
        OBSERVED_COUNT
};

struct observed_route {
    char name[LIMIT_OBSERVED_NAME]; /* NUL-terminated */
    uint64_t hash;
    struct histogram times;
};

struct observations {
    struct histogram turns;
    _Atomic uint64_t values[OBSERVED_COUNT];
    _Atomic uint64_t objects[COUNTER_COUNT]; /* of the process: base/counters.h */
    _Atomic uint32_t route_count;            /* of those that may be read */
    struct observed_route routes[LIMIT_OBSERVED_ROUTES];
};

/* Returns the name of a value, static. */
const char *observations_value_name(enum observed value);

/* Adds the time that a request of a route took. Names that are too long are cut; the last place is
 * that of all routes which have none of their own. */
void observations_add(struct observations *observations, struct slice route, uint64_t microseconds);

/* Notes how many objects of each kind the process has. */
void observations_count_objects(struct observations *observations);

/* Makes them as they were at first. */
void observations_clear(struct observations *observations);

#endif
