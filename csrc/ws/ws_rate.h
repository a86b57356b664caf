/* How many messages and bytes a second a WebSocket may send: as a bucket that fills at the rate.
 *
 * What comes in one go after a pause of our own (a loop that was held up) is no flood: the bucket
 * holds LIMIT_WS_RATE_SECONDS of the rate. No I/O, no clock, no memory. */
#ifndef CASGI_WS_WS_RATE_H
#define CASGI_WS_WS_RATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Of every WebSocket; 0 is no limit. */
struct ws_rate_limits {
    size_t messages;
    size_t bytes;
};

struct ws_rate {
    uint64_t counted_at; /* milliseconds */
    double messages;     /* that have come and are not drained yet */
    double bytes;
};

/* Counts a message that has come at `now` (milliseconds). Returns NULL, or what is too much
 * (static). */
const char *ws_rate_add(struct ws_rate *rate, const struct ws_rate_limits *limits, size_t bytes,
                        uint64_t now);

#endif
