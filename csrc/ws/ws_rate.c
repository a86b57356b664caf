/* The rate of one WebSocket. Embedded in it; never looks at payloads. */
#include "ws/ws_rate.h"

#include "base/limits.h"

/* Takes what the rate allows for so many seconds out of what was counted. */
static double drained(double counted, size_t rate, double seconds) {
    double left = counted - (double)rate * seconds;
    return left > 0 ? left : 0;
}

static bool is_over(double counted, size_t rate) {
    return rate > 0 && counted > (double)rate * LIMIT_WS_RATE_SECONDS;
}

const char *ws_rate_add(struct ws_rate *rate, const struct ws_rate_limits *limits, size_t bytes,
                        uint64_t now) {
    if (limits->messages == 0 && limits->bytes == 0) {
        return NULL;
    }
    double seconds = (double)(now - rate->counted_at) / 1000.0;
    rate->counted_at = now;
    rate->messages = drained(rate->messages, limits->messages, seconds) + 1;
    rate->bytes = drained(rate->bytes, limits->bytes, seconds) + (double)bytes;
    if (is_over(rate->messages, limits->messages)) {
        return "too many messages";
    }
    return is_over(rate->bytes, limits->bytes) ? "too many bytes" : NULL;
}
