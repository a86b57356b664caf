/* The streams of a session that were closed last, and by whom: a peer that has ended a stream must
 * send nothing more on it, while one whose stream we have cut does not know of it yet (RFC 9113
 * section 5.1). nghttp2 forgets streams that are closed. */
#ifndef CASGI_HTTP2_HTTP2_CLOSED_H
#define CASGI_HTTP2_HTTP2_CLOSED_H

#include <stdbool.h>
#include <stdint.h>

/* As many as can be open at once by default, and some: what is on its way belongs to one of them.
 */
enum { HTTP2_CLOSED_KEPT = 128 };

enum http2_closed_by { HTTP2_CLOSED_UNKNOWN, HTTP2_CLOSED_BY_PEER, HTTP2_CLOSED_BY_US };

/* Embedded in its owner; zeroed when new. */
struct http2_closed {
    int32_t ids[HTTP2_CLOSED_KEPT]; /* negative: by us */
    unsigned next;
};

static inline void http2_closed_add(struct http2_closed *closed, int32_t id, bool is_by_us) {
    closed->ids[closed->next] = is_by_us ? -id : id;
    closed->next = (closed->next + 1) % HTTP2_CLOSED_KEPT;
}

/* Returns who closed the stream, UNKNOWN when it was not closed, or long ago. */
static inline enum http2_closed_by http2_closed_find(const struct http2_closed *closed,
                                                     int32_t id) {
    for (unsigned i = 0; i < HTTP2_CLOSED_KEPT; i++) {
        if (closed->ids[i] == id || closed->ids[i] == -id) {
            return closed->ids[i] > 0 ? HTTP2_CLOSED_BY_PEER : HTTP2_CLOSED_BY_US;
        }
    }
    return HTTP2_CLOSED_UNKNOWN;
}

#endif
