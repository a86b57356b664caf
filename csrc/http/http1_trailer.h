/* Trailer fields behind the last chunk (RFC 9112 section 7.1.2): checked, and dropped, since
 * nothing here uses them and some must not be merged into the head. */
#ifndef CASGI_HTTP_HTTP1_TRAILER_H
#define CASGI_HTTP_HTTP1_TRAILER_H

#include "base/slice.h"
#include "http/http_refusal.h"

enum http1_trailer_state {
    HTTP1_TRAILER_LINE, /* at the start of a line */
    HTTP1_TRAILER_NAME,
    HTTP1_TRAILER_VALUE,
    HTTP1_TRAILER_LINE_FEED, /* of a field's line */
    HTTP1_TRAILER_LAST_LINE_FEED,
    HTTP1_TRAILER_END
};

/* Embedded in its owner; zeroed when new. Keeps no bytes. */
struct http1_trailer {
    enum http1_trailer_state state;
    size_t length;
};

/* Takes bytes up to the empty line, at which the state is HTTP1_TRAILER_END, and stores how many in
 * *used. 400 for anything malformed, 431 above LIMIT_TRAILER_SIZE. */
struct http_refusal http1_trailer_feed(struct http1_trailer *trailer, struct slice bytes,
                                       size_t *used);

#endif
