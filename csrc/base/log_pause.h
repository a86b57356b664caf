/* A line of the log that would come by the thousand: it is written, and then not for a while. */
#ifndef CASGI_BASE_LOG_PAUSE_H
#define CASGI_BASE_LOG_PAUSE_H

#include <stdbool.h>
#include <stdint.h>

/* All zero: nothing was written yet. */
struct log_pause {
    uint64_t began; /* milliseconds of the loop's time, 0: not yet */
};

/* Whether the line is due `now`, in milliseconds: a pause of so many seconds begins if so. */
static inline bool log_pause_is_over(struct log_pause *pause, uint64_t now, uint64_t seconds) {
    if (pause->began != 0 && now - pause->began < seconds * 1000) {
        return false;
    }
    pause->began = now > 0 ? now : 1;
    return true;
}

#endif
