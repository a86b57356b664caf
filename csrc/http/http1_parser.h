/* HTTP/1.x requests out of bytes (RFC 9112), on llhttp in its strict mode: no socket, no clock, no
 * Python.
 *
 * It stops behind each request, so that pipelined requests wait in their bytes until the one before
 * has been answered. What llhttp lets pass and RFC 9112 or the advisories of other servers forbid
 * is refused here, with the HTTP status to answer: 400 for anything malformed, 414 and 431 for
 * sizes, 417 for an unknown Expect, 501 for a method that is none or a transfer coding, 505 for a
 * version other than 1.0 and 1.1, 503 when there is no memory. The events do not depend on how the
 * bytes were cut, except that a body comes in as many pieces as it likes. */
#ifndef CASGI_HTTP_HTTP1_PARSER_H
#define CASGI_HTTP_HTTP1_PARSER_H

#include "base/status.h"
#include "http/request_head.h"

struct http1_parser;

struct http1_parser_limits {
    size_t head_size; /* bytes of request line and headers together */
    size_t headers;   /* number of header fields */
};

/* Called from inside http1_parser_feed(); slices are valid during the call, except the head's,
 * which are valid until http1_parser_next() or http1_parser_free(). The callee must not feed, reset
 * or free the parser. */
struct http1_parser_events {
    /* The head is whole and valid. */
    void (*on_head)(void *owner, const struct http_request_head *head);
    /* A part of the body, chunk coding removed; never empty. */
    void (*on_body)(void *owner, struct slice bytes);
    /* The request is whole; feed returns behind it. */
    void (*on_complete)(void *owner);
};

enum http1_parser_state {
    HTTP1_PARSER_IDLE, /* between requests: not a byte of the next one has been seen (empty lines do
                          not count) */
    HTTP1_PARSER_HEAD, /* inside request line or headers */
    HTTP1_PARSER_BODY, /* inside the body */
    HTTP1_PARSER_COMPLETE, /* behind a request: http1_parser_next() goes on */
    HTTP1_PARSER_FAILED    /* refused: http1_parser_error_status() says how */
};

/* Returns new parser, or NULL. *Borrows* events, and owner, for its life; copies the limits. */
struct http1_parser *http1_parser_new(const struct http1_parser_limits *limits,
                                      const struct http1_parser_events *events, void *owner);

/* Feeds bytes (*borrows*). Returns how many were used: all of them, or fewer when the request is
 * complete (of an upgrade that is right behind the head: what follows belongs to the new protocol)
 * or failed. Uses none unless the state is IDLE, HEAD or BODY. */
size_t http1_parser_feed(struct http1_parser *parser, struct slice bytes);

/* From COMPLETE to IDLE: the head's slices become invalid, some memory is kept for the next
 * request. */
void http1_parser_next(struct http1_parser *parser);

enum http1_parser_state http1_parser_state(const struct http1_parser *parser);

/* In FAILED: the HTTP status to answer, and why in a few words (static text); 0 and empty before.
 */
int http1_parser_error_status(const struct http1_parser *parser);
const char *http1_parser_error_reason(const struct http1_parser *parser);

/* Frees the parser; NULL is allowed. */
void http1_parser_free(struct http1_parser *parser);

#endif
