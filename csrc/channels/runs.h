/* A message to a group as bytes, and with it what handlers that run once for all members have come
 * to in the process that sends it, so that they need not run in the others of the host:
 *
 *   0xC1 | size | message ... | run ... | run ...
 *   a run: fingerprint (16) | size | what was sent ...: 1 for text, 0 for bytes | size | bytes ...
 *
 * Sizes are uint32_t of this host. No message of msgpack begins with 0xC1; one without runs is
 * itself. No I/O, no Python here. */
#ifndef CASGI_CHANNELS_RUNS_H
#define CASGI_CHANNELS_RUNS_H

#include "base/buffer.h"
#include "ws/ws_message.h"

#define RUNS_FINGERPRINT 16

/* Bytes, all together: to run a handler takes less than to copy more. */
#define RUNS_MOST (64 * 1024)

/* A message, and its runs; all *borrowed* from the bytes. */
struct runs {
    struct slice message;
    struct slice rest; /* runs that were not read yet */
};

#define RUNS_NONE ((struct runs){SLICE_EMPTY, SLICE_EMPTY})

struct run {
    struct slice fingerprint;
    struct slice rest; /* what was sent, and was not read yet */
};

/* Reads the bytes (*borrows*). False when they are cut off. */
bool runs_open(struct slice bytes, struct runs *runs);

/* Take the next one off. False when there is none, or it is cut off. */
bool runs_next(struct runs *runs, struct run *run);
bool run_next(struct run *run, bool *is_text, struct slice *payload);

/* Writes a run behind those before, the first behind the message. STATUS_OK; STATUS_NO_MEMORY;
 * STATUS_TOO_LARGE: it does not fit, nothing is written. */
int runs_add(struct buffer *bytes, struct slice message, struct slice fingerprint,
             const struct ws_message *sent, size_t count);

#endif
