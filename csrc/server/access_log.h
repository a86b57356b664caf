/* The access log: one line for each response and each WebSocket event, in the format that
 * access_format.h reads, gathered and written once a turn. NCSA's lines are daphne's:
 *
 *   127.0.0.1:40312 - - [23/Nov/2026:21:30:00] "GET /rooms/" 200 1234
 *   127.0.0.1:40314 - - [23/Nov/2026:21:30:01] "WSCONNECT /ws/lobby/" - - */
#ifndef CASGI_SERVER_ACCESS_LOG_H
#define CASGI_SERVER_ACCESS_LOG_H

#include <sys/stat.h>

#include "http/request_head.h"
#include "net/event_loop.h"
#include "server/access_format.h"

struct access_log {
    struct event_loop *loop;
    struct deferred deferred;
    struct buffer lines;
    bool is_cut;          /* `lines` begins with the rest of one that is half written, */
    struct stat cut_file; /* in this file */
    int error;            /* errno of lines that were lost and not yet reported; 0: none */
    void (*on_lost)(void *owner, int error);
    void *owner;
    struct access_stamps stamps;
    int descriptor; /* -1: off; borrowed */
    struct access_format format;
};

/* Copies the format, *borrows* the rest. `on_lost` is called at the end of a turn in which lines
 * could not be written, for what an errno says. */
void access_log_init(struct access_log *log, struct event_loop *loop, int descriptor,
                     const struct access_format *format, void (*on_lost)(void *owner, int error),
                     void *owner);

static inline bool access_log_is_on(const struct access_log *log) {
    return log->descriptor >= 0;
}

/* *Returns new*, for memory_free(): what later lines say of a request, or NULL without memory. The
 * request begins now. */
struct access_request *access_log_remember(const struct access_log *log,
                                           const struct http_request_head *head);

/* Adds the line of an entry (*borrows*), whose duration it fills in. */
void access_log_add(struct access_log *log, struct access_entry *entry);

/* Drops what is left, and is off from now on. */
void access_log_discard(struct access_log *log);

/* Writes what is left and lets go of the descriptor. */
void access_log_close(struct access_log *log);

#endif
