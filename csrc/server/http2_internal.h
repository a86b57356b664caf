/* What http2_connection.c (bytes in and out, the life of streams) and http2_exchange.c (answering
 * on one) share; nobody else includes it. */
#ifndef CASGI_SERVER_HTTP2_INTERNAL_H
#define CASGI_SERVER_HTTP2_INTERNAL_H

#include "base/buffer.h"
#include "http2/http2_session.h"
#include "net/frame_queue.h"
#include "server/connection.h"
#include "server/exchange.h"

/* What the connection's timer is about. */
enum http2_phase {
    HTTP2_IDLE,   /* no stream is open: keep_alive_timeout, header_timeout before the first */
    HTTP2_HEAD,   /* a header block is half there: header_timeout */
    HTTP2_BUSY,   /* streams have times of their own */
    HTTP2_FIRST,  /* the server ends, the first stream is awaited: connection_first_request_seconds
                   */
    HTTP2_LEAVING /* the end was announced, the peer's answer is awaited */
};

struct http2_connection {
    struct connection *connection;
    struct http2_session *session;
    struct list exchanges; /* all of them */
    struct list noted;     /* those with notes */
    size_t exchange_count;
    struct deferred deferred; /* output, and what was noted, at the end of the turn */
    uint64_t written_turn;    /* turn of the last output that did not wait for its end */
    uint64_t progress;        /* bytes of all streams that were given to the connection */
    enum http2_phase phase;
    bool is_in_session;  /* the session is on the stack: nothing may be asked of it */
    bool is_dispatching; /* an exchange is notified, its stream looked at afterwards: none is freed
                          */
    bool is_paused;      /* on_push() has stopped the output */
    bool has_begun;      /* a stream was opened */
    bool is_ended;       /* no stream is taken any more */
};

/* Of what the exchange is notified once the session is off the stack: application code runs then.
 */
enum http2_note { HTTP2_NOTE_READY = 1, HTTP2_NOTE_DRAINED = 2, HTTP2_NOTE_OVER = 4 };

/* One stream. Its exchange may end before it, and it is freed when both are over. */
struct http2_stream {
    struct exchange exchange;
    struct http2_connection *http2;
    struct list link;             /* in http2->exchanges */
    struct list noted;            /* in http2->noted, when it has notes */
    struct frame_queue frames;    /* not given to the connection yet */
    struct buffer pending;        /* of a tunnel: arrived while it was paused */
    struct http_fields *trailers; /* owned; NULL: none */
    struct timer timer;           /* http_timeout; then what the peer has to end its side */
    struct timer stall;           /* running since bytes waited */
    uint64_t stall_progress;      /* progress when it was started */
    uint64_t stall_others;        /* that of all streams then */
    uint64_t progress;            /* bytes that were given to the connection */
    size_t unconsumed;            /* bytes of the window that are not given back yet */
    int64_t remaining;            /* bytes that the Content-Length promises; -1: none does */
    size_t discarded;             /* of a body that nobody reads */
    int32_t id;
    unsigned notes;
    bool is_head; /* HEAD: the response has no body */
    bool is_bodyless;
    bool is_upgrade;       /* an extended CONNECT: what comes is for the tunnel */
    bool is_continue_owed; /* the client waits for 100 Continue */
    bool is_paused;        /* the application does not want more */
    bool is_congested;     /* was above the high-water mark and has not drained since */
    bool is_waiting;       /* had nothing to send when it was asked */
    bool has_ended;        /* our last byte is queued */
    bool has_body_ended;   /* the peer's last byte has come */
    bool is_end_owed;      /* of which the exchange was not notified */
};

/* The exchange's operations on HTTP/2. */
extern const struct exchange_ops http2_exchange_ops;

static inline struct http2_stream *http2_of(const struct exchange *exchange) {
    return LIST_OBJECT(exchange, struct http2_stream, exchange);
}

static inline bool http2_is_usable(const struct http2_connection *http2) {
    return http2->connection->state == CONNECTION_OPEN;
}

/* Has the exchange notified once the session is off the stack, at the end of the turn at the
 * latest. */
void http2_note(struct http2_stream *stream, enum http2_note note);

/* Sends what there is: at once if nothing was in this turn and it is not busy, else at its end. */
void http2_flush(struct http2_connection *http2);

/* Sends at the end of the turn. */
void http2_flush_later(struct http2_connection *http2);

/* Gives the session's output to the connection, as much as that takes. */
void http2_write(struct http2_connection *http2);

/* --- http2_stream.c, for the connection --- */

/* Returns new stream, its exchange begun with `head` (*borrows* for the call), or NULL. */
struct http2_stream *http2_stream_new(struct http2_connection *http2, int32_t id,
                                      const struct http_request_head *head);

/* Passes what waits to the tunnel, if it wants it, and lets the application act. */
void http2_stream_make_ready(struct http2_stream *stream);

/* A part of the body has come, or all of it has. */
void http2_stream_on_body(struct http2_stream *stream, struct slice bytes);
void http2_stream_on_body_end(struct http2_stream *stream);

/* The session asks for bytes, and takes them (http2_session_events). */
size_t http2_stream_on_pull(struct http2_stream *stream, size_t most, bool *is_last);
int http2_stream_on_push(struct http2_stream *stream, struct slice head, size_t length);

/* Tells that nobody waits for the answer, and that the exchange is over, as far as it is not; and
 * frees the stream. Application code runs. */
void http2_stream_close(struct http2_stream *stream);

/* The server stops: a peer that takes nothing is not waited for as long as usual. */
void http2_stream_shut_down(struct http2_stream *stream);

/* --- http2_stream.c, for the exchange --- */

static inline struct server *http2_stream_server(const struct http2_stream *stream) {
    return stream->http2->connection->server;
}

static inline bool http2_stream_is_usable(const struct http2_stream *stream) {
    return http2_is_usable(stream->http2) && (stream->notes & HTTP2_NOTE_OVER) == 0;
}

/* Starts its timer; `seconds` below 0 stops it. */
void http2_stream_start_timer(struct http2_stream *stream, double seconds);

/* Breaks a stream that is answered off, unless its peer ends its side in time: a moment for one
 * that has nothing more to say, longer for the rest of a body. */
void http2_stream_await_end(struct http2_stream *stream);

/* Something to send is there, or the end is: the session asks for it. */
void http2_stream_wake(struct http2_stream *stream);

/* The application wants more, or does not care for the rest: the window is given back. */
void http2_stream_resume(struct http2_stream *stream);

/* Cuts the stream, in a way that the client can not take for the end of a response that is not all
 * sent. on_closed() follows. */
void http2_stream_reset(struct http2_stream *stream);

#endif
