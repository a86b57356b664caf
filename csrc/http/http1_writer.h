/* HTTP/1.1 response heads and chunks into bytes (RFC 9112). Formats only: the rules are
 * response_head's, the order the exchange's. */
#ifndef CASGI_HTTP_HTTP1_WRITER_H
#define CASGI_HTTP_HTTP1_WRITER_H

#include "http/response_head.h"

/* How the server frames this response, beside what the application's headers say. */
struct http1_framing {
    /* Of the request and the response. RFC 9110 section 2.5 prefers 1.1 for every response, but
     * daphne answers a client of 1.0 in its own version, and whoever compares sees it. */
    uint8_t version_minor;
    bool chunked; /* adds Transfer-Encoding: chunked */
    int64_t
        content_length;  /* adds Content-Length, unless -1; only when the application gave none */
    bool close;          /* adds Connection: close */
    bool keep_alive;     /* adds Connection: keep-alive (to an HTTP/1.0 client that asked for it) */
    struct slice date;   /* adds Date, unless empty */
    struct slice server; /* adds Server, unless empty */
    struct slice upgrade; /* adds Connection: Upgrade and Upgrade: <this>, unless empty */
};

/* The size that http1_write_head() can need at most. */
size_t http1_head_bound(const struct http_response_head *head, const struct http1_framing *framing);

/* Writes the head with its empty line to `out` (room as above) and returns the bytes written. The
 * head must have passed http_response_head_check().
 *
 * The application's Connection, Transfer-Encoding, Keep-Alive, Proxy-Connection and Upgrade headers
 * are left out: they are hop-by-hop and the server's; Connection: close is honoured through
 * `framing`. So is a second Content-Length, and any with 1xx and 204, which have none. The server's
 * names are lower case, as ASGI has the application's. */
size_t http1_write_head(char *out, const struct http_response_head *head,
                        const struct http1_framing *framing);

#define HTTP1_CHUNK_HEAD_MAX 18

/* Writes "<hex length>\r\n" and returns the bytes written; a chunk ends with "\r\n". A length of 0
 * would end the body: write HTTP1_LAST_CHUNK then. */
size_t http1_write_chunk_head(char *out, size_t length);

/* The size that http1_write_trailers() needs. */
size_t http1_trailers_bound(const struct http_header *fields, size_t count);

/* Writes the last chunk with its trailer fields to `out` and returns the bytes written. The fields
 * must have passed http_response_trailers_check(). */
size_t http1_write_trailers(char *out, const struct http_header *fields, size_t count);

#define HTTP1_LAST_CHUNK SLICE_LITERAL("0\r\n\r\n")

#endif
