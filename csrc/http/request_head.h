/* A request's head as every HTTP version gives it: method, target, header fields. Slices into
 * memory of the parser that made it, valid until that goes on to its next request or is freed.
 *
 * HTTP/2 fits: its parser gives :path as the target, :authority as a "host" field in front, never
 * is_chunked, and upgrades_websocket for an extended CONNECT (RFC 8441). */
#ifndef CASGI_HTTP_REQUEST_HEAD_H
#define CASGI_HTTP_REQUEST_HEAD_H

#include <stdint.h>

#include "base/slice.h"

struct http_header {
    /* Lower case in requests; as the application gave it in responses. */
    struct slice name;
    /* Without spaces and tabs at its ends in requests. */
    struct slice value;
};

struct http_request_head {
    struct slice method;    /* as sent: upper-case letters and dashes */
    struct slice target;    /* request-target as sent */
    struct slice path;      /* its path, still percent-encoded; "*" for OPTIONS * */
    struct slice query;     /* behind '?', without it */
    struct slice scheme;    /* "http", or what an absolute-form target says: "http" or "https" */
    struct slice authority; /* what an absolute-form target says, else empty */
    uint8_t version_major;
    uint8_t version_minor;
    /* In the order of arrival, duplicates kept, names with an underscore dropped. The value of Host
     * is the authority when there is one. */
    const struct http_header *headers;
    size_t header_count;
    int64_t content_length; /* -1 when not given */
    bool is_chunked;
    bool has_body;           /* bytes will follow: Content-Length above 0, or chunked */
    bool keeps_alive;        /* the connection may serve another request (RFC 9112 section 9.3) */
    bool expects_continue;   /* Expect: 100-continue on HTTP/1.1, and a body to wait for */
    bool upgrades_websocket; /* Connection has upgrade and Upgrade has websocket (lists, any case):
                                the client wants a WebSocket, whether it may have one or not */
};

/* Returns the first header called `name` (lower case), or NULL. */
const struct http_header *http_request_head_find(const struct http_request_head *head,
                                                 struct slice name);

#endif
