/* A response's head as the application gave it, for every HTTP version. Borrows all its bytes for
 * the call it is passed to. */
#ifndef CASGI_HTTP_RESPONSE_HEAD_H
#define CASGI_HTTP_RESPONSE_HEAD_H

#include "http/request_head.h"

struct http_response_head {
    int status;                        /* 100 to 999 */
    struct slice reason;               /* HTTP/1 reason phrase; empty: the registered one */
    const struct http_header *headers; /* in order, duplicates kept */
    size_t header_count;
    bool trailers; /* trailer fields will follow the body */
};

/* What the headers say that a server must know before it frames the body. */
struct http_response_facts {
    int64_t content_length; /* -1 when not given */
    bool has_date;
    bool has_server;
    bool has_transfer_encoding; /* the application's own is dropped: the server frames the body */
    bool closes;                /* Connection: close */
};

/* Checks every name and value and collects the facts. STATUS_OK, or STATUS_INVALID with *bad set to
 * the index of the first header that must not reach the wire (CR, LF, NUL or another control byte,
 * an empty or non-token name, a Content-Length that is no number or contradicts an earlier one), or
 * to header_count when it is the status or the reason phrase. */
int http_response_head_check(const struct http_response_head *head,
                             struct http_response_facts *facts, size_t *bad);

/* Checks the fields of a trailer section. STATUS_OK, or STATUS_INVALID with *bad set to the index
 * of the first that must not reach the wire: malformed, or one that says how the message is framed,
 * routed or to be read, which comes too late there (RFC 9110 section 6.5.1). */
int http_response_trailers_check(const struct http_header *fields, size_t count, size_t *bad);

/* Whether a field of the application's goes out. Hop-by-hop ones do not, nor does a second
 * Content-Length, nor any in a 1xx or 204, which have none (RFC 9110 section 8.6) though frameworks
 * put a zero there. */
bool http_response_head_sends(const struct http_response_head *head, size_t index);

/* Returns the registered reason phrase, or an empty slice. */
struct slice http_status_reason(int status);

#endif
