/* What http1_connection.c (reading, the turns of requests) and http1_exchange.c (answering) share;
 * nobody else includes it. */
#ifndef CASGI_SERVER_HTTP1_INTERNAL_H
#define CASGI_SERVER_HTTP1_INTERNAL_H

#include "base/buffer.h"
#include "http/http1_parser.h"
#include "server/connection.h"
#include "server/exchange.h"

/* How the body of the current response is delimited (RFC 9112 section 6). */
enum framing { FRAMING_NONE, FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE };

/* Where a connection is between two heads, and which of the time-outs its timer is. */
enum http1_phase {
    HTTP1_HEAD,       /* a request is awaited, or its head half there: header_timeout */
    HTTP1_BUSY,       /* an exchange is under way: http_timeout */
    HTTP1_DISCARDING, /* the response was faster than the request's body: header_timeout */
    HTTP1_IDLE,       /* the next request may come, or not: keep_alive_timeout */
    HTTP1_LAST_LOOK   /* over, unless a request has come meanwhile */
};

struct http1_connection {
    struct exchange exchange;
    struct connection *connection;
    struct http1_parser *parser; /* NULL in a tunnel */
    struct buffer pending;       /* arrived, but not its turn yet */
    int64_t response_remaining;  /* of FRAMING_LENGTH */
    int64_t body_remaining;      /* bytes of the request's body to come; -1: not known */
    enum framing framing;
    enum http1_phase phase;
    bool is_parsing;       /* parse() is on the stack: it goes on by itself */
    bool is_ready_wanted;  /* something was delivered since the last on_ready() */
    bool is_paused;        /* the application does not want more */
    bool is_continue_owed; /* the client waits for 100 Continue */
    bool is_http10;
    bool is_head; /* HEAD: the response has no body */
    bool keeps_alive;
};

/* The exchange's operations on HTTP/1. */
extern const struct exchange_ops http1_exchange_ops;

static inline struct http1_connection *http1_of(const struct exchange *exchange) {
    return LIST_OBJECT(exchange, struct http1_connection, exchange);
}

static inline bool http1_is_usable(const struct http1_connection *http1) {
    return http1->connection->state == CONNECTION_OPEN;
}

/* Says what the timer is about, and starts it. */
void http1_set_phase(struct http1_connection *http1, enum http1_phase phase);

/* Whether the parser is there: inside a head, inside a body, or behind a request. */
static inline bool http1_reads(const struct http1_connection *http1,
                               enum http1_parser_state state) {
    return http1->parser != NULL && http1_parser_state(http1->parser) == state;
}

/* Starts or stops reading, as the state wants it. */
void http1_update_reading(struct http1_connection *http1);

/* The way is free for the bytes that came ahead of their turn: parses them. */
void http1_go_on(struct http1_connection *http1);

#endif
