/* HTTP/2 on one connection (RFC 9113), on nghttp2: bytes in, events out, bytes out. No socket, no
 * clock, no Python.
 *
 *   OPEN --http2_session_announce_end--> ENDING --http2_session_end--> ENDED
 *   OPEN, ENDING --the peer breaks the protocol, or floods--> FAILED: GOAWAY says why
 *
 * nghttp2 keeps the states, windows, header compression and the order in which streams send. What
 * is ours: heads as every version gives them, and what a peer may do that brings nothing
 * (http2_budget.h). A stream that was offered belongs to whoever took it, until on_closed(). */
#ifndef CASGI_HTTP2_HTTP2_SESSION_H
#define CASGI_HTTP2_HTTP2_SESSION_H

#include "base/status.h"
#include "http/http_fields.h"
#include "http/request_head.h"
#include "http/response_head.h"

struct http2_session;

struct http2_session_limits {
    size_t head_size;     /* as LIMIT_HEAD_SIZE, counted as http2_head_limits does */
    size_t headers;       /* as LIMIT_HEADERS */
    size_t streams;       /* that are open at once */
    size_t stream_window; /* bytes that a peer may send on a stream ahead of the application */
    size_t resets;        /* streams that a peer may break off at once, see http2_budget.h */
    size_t glitches;      /* other things that bring nothing, at once */
};

/* Called from inside http2_session_feed() and http2_session_output(); slices are valid during the
 * call. The callee may respond, resume, reset and consume, but neither feed nor free the session,
 * nor ask for output. `stream` is what on_request() or on_refused() returned. */
struct http2_session_events {
    /* A request's head is whole and valid; its body and its end may follow. Returns what is passed
     * to the other events of this stream, or NULL to have it refused. */
    void *(*on_request)(void *owner, int32_t id, const struct http_request_head *head);
    /* A request that is to be answered with `status`. As on_request(). */
    void *(*on_refused)(void *owner, int32_t id, int status, const char *reason);
    /* A part of the body, which takes its part of the window: http2_session_consume() gives it
     * back. */
    void (*on_body)(void *stream, struct slice bytes);
    /* The request is whole. */
    void (*on_body_end)(void *stream);
    /* The stream may send: returns how many bytes of at most `most` it has, with *is_last when none
     * will follow. 0 without *is_last: it waits for http2_session_resume(). */
    size_t (*on_pull)(void *stream, size_t most, bool *is_last);
    /* Behind what on_pull() called the last: the trailer fields, *borrowed* for the call; NULL when
     * there are none. */
    const struct http_fields *(*on_trailers)(void *stream);
    /* To be sent now, in one piece: `head`, then the `length` bytes that on_pull() named. Returns
     * STATUS_OK; STATUS_STATE to have http2_session_output() return after it; STATUS_NO_MEMORY. */
    int (*on_push)(void *stream, struct slice head, size_t length);
    /* The stream is over. The last call. */
    void (*on_closed)(void *stream);
    /* The peer has broken the protocol, or floods: `reason` (static) is for the log, and GOAWAY is
     * among the output. Once. */
    void (*on_failure)(void *owner, const char *reason);
};

/* What the server adds to a response's head. */
struct http2_framing {
    int64_t content_length; /* adds content-length, unless -1 */
    struct slice date;      /* adds date, unless empty */
    struct slice server;    /* adds server, unless empty */
    bool is_last;           /* no body follows */
};

/* Returns new session of a server, with its SETTINGS among the output; NULL without memory.
 * *Borrows* events, and owner, for its life; copies the limits. */
struct http2_session *http2_session_new(const struct http2_session_limits *limits,
                                        const struct http2_session_events *events, void *owner);

/* Frees it; NULL is allowed. No event comes. */
void http2_session_free(struct http2_session *session);

/* Feeds bytes (*borrows*); all of them are used. `now` is any clock's milliseconds. STATUS_OK;
 * STATUS_PROTOCOL when the session has failed, of which the output tells the peer;
 * STATUS_NO_MEMORY. */
int http2_session_feed(struct http2_session *session, struct slice bytes, uint64_t now);

/* Makes the next bytes that are to be sent, in *bytes, valid until the next call: empty when there
 * are none, or on_push() wanted a pause. STATUS_OK, STATUS_NO_MEMORY. */
int http2_session_output(struct http2_session *session, struct slice *bytes);

/* Nothing more will come or go: close the connection behind what was sent. */
bool http2_session_is_over(struct http2_session *session);

/* True inside a header block, which nothing may interrupt. */
bool http2_session_is_in_head(const struct http2_session *session);

/* Says that the session ends soon, while streams that are on their way are still taken; and, a
 * round trip later (on_pong of the ping that goes with it), that no more are. */
int http2_session_announce_end(struct http2_session *session);
int http2_session_end(struct http2_session *session);

/* True when a round trip has passed since the end was announced. */
bool http2_session_is_end_known(const struct http2_session *session);

/* --- One stream --- */

/* Begins the response; unless is_last, on_pull() will be asked for its body. The head must have
 * passed http_response_head_check(); borrowed for the call. STATUS_OK, STATUS_NO_MEMORY. */
int http2_session_respond(struct http2_session *session, int32_t id,
                          const struct http_response_head *head,
                          const struct http2_framing *framing);

/* Sends an interim response (RFC 9110 section 15.2) before the other. As above. */
int http2_session_inform(struct http2_session *session, int32_t id,
                         const struct http_response_head *head);

/* A stream that had nothing to send has something. */
void http2_session_resume(struct http2_session *session, int32_t id);

/* True when the peer's window of the stream is open, whatever the connection's is. */
bool http2_session_has_window(const struct http2_session *session, int32_t id);

/* Cuts a stream in both directions; on_closed() follows. */
void http2_session_reset(struct http2_session *session, int32_t id);

/* The same of one that was answered whole: the rest of the request is not wanted (RFC 9113
 * section 8.1). */
void http2_session_stop_body(struct http2_session *session, int32_t id);

/* Gives `length` bytes of the stream's window back. */
void http2_session_consume(struct http2_session *session, int32_t id, size_t length);

#endif
