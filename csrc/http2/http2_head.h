/* Collects the fields of one header block as they are decoded, and makes the request's head of them
 * (RFC 9113 section 8.3; RFC 8441). Blocks never interleave, so that a session has one of these.
 *
 * What is over a limit is counted and not kept: a block of a few kilobytes can decode into
 * megabytes. Names and values were looked at by nghttp2; what applications must not be given is
 * refused here, with the same statuses as in HTTP/1.1. */
#ifndef CASGI_HTTP2_HTTP2_HEAD_H
#define CASGI_HTTP2_HTTP2_HEAD_H

#include "base/buffer.h"
#include "http/http_refusal.h"
#include "http/request_head.h"

struct http2_head_limits {
    size_t size;    /* bytes of all names and values, and 32 a field (RFC 9113 section 6.5.2) */
    size_t headers; /* fields that are no pseudo-header fields */
};

/* Embedded in its owner; zeroed when new. */
struct http2_head {
    struct buffer text;                             /* names and values */
    struct http_header *fields;                     /* owned; the first is kept for Host */
    size_t count, capacity;                         /* of fields, the first included */
    size_t size;                                    /* as its limit counts */
    size_t header_count;                            /* as its limit counts */
    struct slice method, path, authority, protocol; /* in text; data is NULL when not given */
    struct buffer cookie;                           /* the crumbs of several fields, joined */
    struct http_refusal refusal;
};

/* Begins a block; what the last one was is gone. */
void http2_head_begin(struct http2_head *head);

/* Takes a field (*borrows*). Once it refuses, it keeps no more, and only counts. */
void http2_head_add(struct http2_head *head, const struct http2_head_limits *limits,
                    struct slice name, struct slice value);

/* The block is whole: fills in `request`, whose slices are valid until the next
 * http2_head_begin(). `has_body` says that bytes will follow. */
struct http_refusal http2_head_finish(struct http2_head *head, bool has_body,
                                      struct http_request_head *request);

/* Gives the memory back. */
void http2_head_release(struct http2_head *head);

#endif
