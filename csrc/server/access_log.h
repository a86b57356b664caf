/* The access log: one NCSA-like line for each response and each WebSocket event, as daphne writes
 * them, gathered and written once a turn.
 *
 *   127.0.0.1:40312 - - [23/Nov/2026:21:30:00] "GET /rooms/" 200 1234
 *   127.0.0.1:40314 - - [23/Nov/2026:21:30:01] "WSCONNECT /ws/lobby/" - -
 *
 * Control bytes and quotes of a path are escaped (\x0a), so that no client can write a line of its
 * own. */
#ifndef CASGI_SERVER_ACCESS_LOG_H
#define CASGI_SERVER_ACCESS_LOG_H

#include <stdint.h>

#include "base/buffer.h"
#include "net/address.h"
#include "net/event_loop.h"

struct access_log {
    struct event_loop *loop;
    struct deferred deferred;
    struct buffer lines;
    int descriptor; /* -1: off; borrowed */
    int64_t second; /* of `stamp` */
    char stamp[32];
};

void access_log_init(struct access_log *log, struct event_loop *loop, int descriptor);

static inline bool access_log_is_on(const struct access_log *log) {
    return log->descriptor >= 0;
}

/* Adds a line: `request` is "METHOD path" or "WSCONNECT path"; a negative status or size prints as
 * "-". *Borrows* everything. */
void access_log_add(struct access_log *log, const struct address *peer, struct slice method,
                    struct slice path, int status, int64_t size);

/* Writes what is left and lets go of the descriptor. */
void access_log_close(struct access_log *log);

#endif
