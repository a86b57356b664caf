/* Times of routes, and the names of values. A route is written whole before it may be read. */
#include "base/observations.h"

#include <string.h>

static const struct slice others = SLICE_LITERAL("(other)");

const char *observations_value_name(enum observed value) {
    static const char *const names[] = {
#define OBSERVED_TEXT(name) #name,
        OBSERVED_VALUES(OBSERVED_TEXT)
#undef OBSERVED_TEXT
    };
    return names[value];
}

/* FNV-1a: routes are the project's own words, not a client's. */
static uint64_t hash_of(struct slice text) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < text.length; i++) {
        hash = (hash ^ (unsigned char)text.data[i]) * 0x100000001b3u;
    }
    return hash;
}

static struct observed_route *find(struct observations *observations, struct slice name,
                                   uint64_t hash, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        struct observed_route *route = &observations->routes[i];
        if (route->hash == hash && strlen(route->name) == name.length &&
            memcmp(route->name, name.data, name.length) == 0) {
            return route;
        }
    }
    return NULL;
}

static struct observed_route *begin(struct observations *observations, struct slice name,
                                    uint64_t hash, uint32_t count) {
    struct observed_route *route = &observations->routes[count];
    memcpy(route->name, name.data, name.length);
    route->name[name.length] = '\0';
    route->hash = hash;
    atomic_store_explicit(&observations->route_count, count + 1, memory_order_release);
    return route;
}

void observations_add(struct observations *observations, struct slice name, uint64_t microseconds) {
    if (name.length > LIMIT_OBSERVED_NAME - 1) {
        name.length = LIMIT_OBSERVED_NAME - 1;
    }
    uint64_t hash = hash_of(name);
    uint32_t count = atomic_load(&observations->route_count);
    struct observed_route *route = find(observations, name, hash, count);
    if (route == NULL && count < LIMIT_OBSERVED_ROUTES - 1) {
        route = begin(observations, name, hash, count);
    } else if (route == NULL) {
        route = count == LIMIT_OBSERVED_ROUTES
                    ? &observations->routes[count - 1]
                    : begin(observations, others, hash_of(others), count);
    }
    histogram_add(&route->times, microseconds);
}

void observations_count_objects(struct observations *observations) {
    for (int kind = 0; kind < COUNTER_COUNT; kind++) {
        long alive = counters_alive((enum counter)kind);
        atomic_store(&observations->objects[kind], alive > 0 ? (uint64_t)alive : 0);
    }
}

void observations_clear(struct observations *observations) {
    uint32_t count = atomic_exchange(&observations->route_count, 0);
    for (uint32_t i = 0; i < count; i++) {
        histogram_clear(&observations->routes[i].times);
    }
    for (int value = 0; value < OBSERVED_COUNT; value++) {
        atomic_store(&observations->values[value], 0);
    }
    for (int kind = 0; kind < COUNTER_COUNT; kind++) {
        atomic_store(&observations->objects[kind], 0);
    }
    histogram_clear(&observations->turns);
}
