/* The times of routes: bounded, by their names, and cut where a name is too long. */
#include "base/observations.h"

#include <stdio.h>
#include <string.h>

#include "check.h"

enum { ROUTES = 300, OWN = LIMIT_OBSERVED_ROUTES - 1 };

static struct observations observations; /* as in the memory that workers share: zeroed */

static struct slice text_of(const char *text) {
    return slice_of(text, strlen(text));
}

static void add_numbered(int number, uint64_t microseconds) {
    char name[32];
    int length = snprintf(name, sizeof(name), "route/%d", number);
    observations_add(&observations, slice_of(name, (size_t)length), microseconds);
}

static struct histogram *times_of(const char *name) {
    for (uint32_t i = 0; i < observations.route_count; i++) {
        if (strcmp(observations.routes[i].name, name) == 0) {
            return &observations.routes[i].times;
        }
    }
    return NULL;
}

static uint64_t sum_of(const struct histogram *times) {
    uint64_t sum = 0;
    for (int bucket = 0; times != NULL && bucket < HISTOGRAM_BUCKETS; bucket++) {
        sum += times->counts[bucket];
    }
    return sum;
}

static void check_too_many(void) {
    char long_name[1000];
    memset(long_name, 'x', sizeof(long_name));
    for (int i = 0; i < ROUTES; i++) {
        add_numbered(i, 3000);
    }
    add_numbered(1, 100000000);
    observations_add(&observations, slice_of(long_name, sizeof(long_name)), 0);
    CHECK(observations.route_count == LIMIT_OBSERVED_ROUTES);
    struct histogram *others = times_of("(other)");
    CHECK(sum_of(others) == ROUTES - OWN + 1);
    CHECK(others != NULL && others->microseconds == (ROUTES - OWN) * 3000);
    struct histogram *one = times_of("route/1");
    CHECK(sum_of(one) == 2 && one->counts[HISTOGRAM_BUCKETS - 1] == 1);
    int bucket = 0;
    while (histogram_bound(bucket) < 3000) {
        bucket++;
    }
    CHECK(one->counts[bucket] == 1);
}

static void check_cleared(void) {
    observations_clear(&observations);
    CHECK(observations.route_count == 0);
    add_numbered(2, 1);
    CHECK(sum_of(times_of("route/2")) == 1);
}

/* Two that begin alike are one when they are cut. */
static void check_cut(void) {
    char long_name[1000];
    memset(long_name, 'x', sizeof(long_name));
    observations_clear(&observations);
    observations_add(&observations, slice_of(long_name, sizeof(long_name)), 1);
    observations_add(&observations, slice_of(long_name, LIMIT_OBSERVED_NAME), 1);
    observations_add(&observations, text_of("x"), 1);
    CHECK(observations.route_count == 2);
    CHECK(strlen(observations.routes[0].name) == LIMIT_OBSERVED_NAME - 1);
    CHECK(sum_of(&observations.routes[0].times) == 2);
}

int main(void) {
    check_too_many();
    check_cleared();
    check_cut();
    return check_report();
}
