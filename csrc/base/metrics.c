/* Names of the counts. */
#include "base/metrics.h"

const char *metrics_name(enum metric kind) {
    static const char *const names[] = {
#define METRIC_NAME(name) #name,
        METRIC_KINDS(METRIC_NAME)
#undef METRIC_NAME
    };
    return names[kind];
}
