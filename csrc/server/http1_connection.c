/* HTTP/1.x on a connection. Owns its parser and the one exchange, which is used for each request in
 * turn; the bytes of requests that came ahead of their turn wait in `pending`. Application code
 * runs from on_ready() and the other events that say so, never inside the parser.
 *
 *   HEAD --head whole--> BUSY --response ended--> IDLE --first byte--> HEAD
 *                        BUSY --response ended before the body--> DISCARDING --last byte--> IDLE
 *                        BUSY --open_tunnel--> a tunnel, until the connection is over
 *   HEAD, IDLE --time-out, or the server shuts down--> LAST_LOOK --first byte--> HEAD
 *   any --connection_finish or connection_close--> over
 *
 * LAST_LOOK: a client that was told that the connection stays may have sent its next request
 * already; all that has come until the sockets were looked at once more is answered. While a
 * response is under way reading goes on, so that a client that leaves is noticed; what it sends
 * ahead is bounded. */
#include "server/http1_connection.h"

#include "base/limits.h"
#include "base/memory.h"
#include "server/http1_internal.h"
#include "server/server.h"
#include "server/websocket.h"

/* Bytes that a tunnel gets at once: it may stop the flow between two of these. */
enum { TUNNEL_PIECE = 4096 };

void http1_set_phase(struct http1_connection *http1, enum http1_phase phase) {
    const struct server *server = http1->connection->server;
    double seconds = 0;
    http1->phase = phase;
    switch (phase) {
    case HTTP1_HEAD:
    case HTTP1_DISCARDING:
        seconds = server->options.header_timeout;
        break;
    case HTTP1_IDLE:
        seconds = server->is_draining ? 0 : server->options.keep_alive_timeout;
        break;
    case HTTP1_BUSY:
        if (server->options.http_timeout < 0) {
            return; /* a timer that is still running finds the phase busy and does nothing */
        }
        seconds = server->options.http_timeout;
        break;
    case HTTP1_LAST_LOOK:
        break;
    }
    connection_set_timeout(http1->connection, seconds);
}

/* Reading stops while the application wants no more of the body, or the client has sent too much
 * ahead. */
void http1_update_reading(struct http1_connection *http1) {
    struct connection *connection = http1->connection;
    if (!http1_is_usable(http1) || connection->has_ended) {
        return;
    }
    if (http1->is_paused || http1->pending.length > LIMIT_PIPELINE_BYTES) {
        stream_read_stop(connection->stream);
    } else if (stream_read_start(connection->stream) != STATUS_OK) {
        connection_close(connection);
    }
}

/* What is answered when there is no request that could be. */
static const struct http_request_head NO_REQUEST = {
    .method = {"-", 1}, .target = {"-", 1}, .version_minor = 1};

static void begin_exchange(struct http1_connection *http1, const struct http_request_head *head) {
    exchange_begin(&http1->exchange, head);
    http1->is_continue_owed = head->expects_continue;
    http1->is_http10 = head->version_minor == 0;
    http1->is_head = slice_equals(head->method, SLICE_LITERAL("HEAD"));
    http1->keeps_alive = head->keeps_alive;
    http1->body_remaining = !head->has_body ? 0 : head->is_chunked ? -1 : head->content_length;
}

static void on_head(void *owner, const struct http_request_head *head) {
    struct http1_connection *http1 = owner;
    struct server *server = http1->connection->server;
    begin_exchange(http1, head);
    http1->is_ready_wanted = true;
    http1_set_phase(http1, HTTP1_BUSY);
    int status = STATUS_OK;
    if (head->upgrades_websocket) {
        http1->keeps_alive = false; /* a refused handshake ends its connection */
        websocket_offer(server, &http1->exchange);
    } else if (admission_begin_request(&http1->exchange)) {
        status = exchange_offer(&http1->exchange);
    }
    http1->exchange.request = NULL;
    if (status != STATUS_OK) {
        http1->keeps_alive = false;
        exchange_answer(&http1->exchange, 500, SLICE_LITERAL("Internal Server Error"), NULL);
    }
}

static void on_body(void *owner, struct slice bytes) {
    struct http1_connection *http1 = owner;
    http1->is_continue_owed = false;
    if (http1->body_remaining > 0) {
        http1->body_remaining -= (int64_t)bytes.length;
    }
    http1->is_ready_wanted |= exchange_deliver(&http1->exchange, bytes, false);
}

static void on_complete(void *owner) {
    struct http1_connection *http1 = owner;
    http1->is_continue_owed = false;
    http1->is_ready_wanted |= exchange_deliver(&http1->exchange, SLICE_EMPTY, true);
    if (http1->phase == HTTP1_DISCARDING) {
        http1_set_phase(http1, HTTP1_IDLE);
    }
}

static const struct http1_parser_events parser_events = {on_head, on_body, on_complete};

/* Lets the application act on what was delivered. */
static void make_ready(struct http1_connection *http1) {
    if (http1->is_ready_wanted) {
        http1->is_ready_wanted = false;
        exchange_make_ready(&http1->exchange);
    }
}

static void report_disconnect(struct http1_connection *http1) {
    http1->keeps_alive = false;
    exchange_disconnect(&http1->exchange);
}

/* The bytes are no HTTP: answers with the parser's status, as far as an answer can still be
 * distinguished from what was sent before. */
static void refuse(struct http1_connection *http1) {
    struct exchange *exchange = &http1->exchange;
    struct server *server = http1->connection->server;
    int status = http1_parser_error_status(http1->parser);
    const char *reason = http1_parser_error_reason(http1->parser);
    server_refuse(server, exchange_client(exchange), status, reason);
    bool had_request = exchange_is_active(exchange);
    report_disconnect(http1);
    if (!http1_is_usable(http1)) {
        return;
    }
    if (!had_request) {
        begin_exchange(http1, &NO_REQUEST);
    }
    if (exchange->state == EXCHANGE_WAITING) {
        exchange_answer(exchange, status, slice_of(reason, strlen(reason)), NULL);
    } else {
        exchange_abort(exchange);
    }
}

static void keep_pending(struct http1_connection *http1, struct slice bytes) {
    if (!http1_is_usable(http1) || bytes.length == 0) {
        return;
    }
    if (buffer_append(&http1->pending, bytes) != STATUS_OK) {
        connection_close(http1->connection);
        return;
    }
    http1_update_reading(http1);
}

static void deliver_to_tunnel(struct http1_connection *http1, struct slice bytes, bool is_last) {
    if (bytes.length > 0 || is_last) {
        (void)exchange_deliver(&http1->exchange, bytes, is_last);
    }
    exchange_make_ready(&http1->exchange);
}

/* Delivers piece by piece, until the tunnel wants no more for now; returns the rest. What comes in
 * one read can be ten thousand messages, each of which costs far more memory than its bytes. */
static struct slice fill_tunnel(struct http1_connection *http1, struct slice bytes) {
    do {
        size_t length = bytes.length < TUNNEL_PIECE ? bytes.length : TUNNEL_PIECE;
        deliver_to_tunnel(http1, slice_of(bytes.data, length), false);
        bytes = slice_without_front(bytes, length);
    } while (bytes.length > 0 && !http1->is_paused && http1_is_usable(http1));
    return bytes;
}

/* The next request has to wait: for the end of the one before, and for the client to read what it
 * was answered already, so that it can not make us keep more and more. on_drain() goes on. */
static bool has_to_wait(struct http1_connection *http1) {
    return exchange_is_active(&http1->exchange) || connection_is_congested(http1->connection);
}

/* Passes bytes to where they belong, until they are used up or must wait; returns those that must.
 * Not reentrant: a response that ends inside it leaves the next request to this loop. */
static struct slice parse(struct http1_connection *http1, struct slice bytes) {
    http1->is_parsing = true;
    while (http1_is_usable(http1)) {
        if (http1->exchange.state == EXCHANGE_TUNNEL) {
            bytes = fill_tunnel(http1, bytes);
            break;
        }
        if (http1_reads(http1, HTTP1_PARSER_COMPLETE)) {
            if (has_to_wait(http1)) {
                break;
            }
            http1_parser_next(http1->parser);
        }
        if (bytes.length == 0) {
            break;
        }
        bytes = slice_without_front(bytes, http1_parser_feed(http1->parser, bytes));
        make_ready(http1);
        if (http1_is_usable(http1) && http1_reads(http1, HTTP1_PARSER_FAILED)) {
            refuse(http1);
            break;
        }
    }
    http1->is_parsing = false;
    if (http1->phase >= HTTP1_IDLE && http1_is_usable(http1) &&
        http1_reads(http1, HTTP1_PARSER_HEAD) && !http1->connection->server->is_draining) {
        http1_set_phase(http1, HTTP1_HEAD);
    }
    return bytes;
}

/* The way is free for what came ahead. Its rest stays where it is: copied for each request, a
 * hundred kilobytes of them would cost more than their answers. */
void http1_go_on(struct http1_connection *http1) {
    struct slice rest = parse(http1, buffer_slice(&http1->pending));
    buffer_consume(&http1->pending, http1->pending.length - rest.length);
    if (http1->pending.length == 0) {
        buffer_release(&http1->pending);
    }
    http1_update_reading(http1);
}

static void on_bytes(void *protocol, struct slice bytes) {
    struct http1_connection *http1 = protocol;
    if (http1->pending.length > 0) {
        keep_pending(http1, bytes);
    } else {
        keep_pending(http1, parse(http1, bytes));
    }
}

/* --- The connection's events --- */

static void on_read_end(void *protocol, int status) {
    struct http1_connection *http1 = protocol;
    if (http1->exchange.state == EXCHANGE_TUNNEL) {
        deliver_to_tunnel(http1, SLICE_EMPTY, true);
    } else if (status != STATUS_OK) {
        connection_close(http1->connection);
    } else { /* a peer that only ended its side still gets the answers */
        report_disconnect(http1);
        if (!exchange_is_active(&http1->exchange) || !http1_reads(http1, HTTP1_PARSER_COMPLETE)) {
            connection_finish(http1->connection);
        }
    }
}

static void on_drain(void *protocol) {
    struct http1_connection *http1 = protocol;
    exchange_drain(&http1->exchange);
    if (!exchange_is_active(&http1->exchange) && http1->pending.length > 0 && !http1->is_parsing) {
        http1_go_on(http1);
    }
}

/* The application has had its time. */
static void time_out_exchange(struct http1_connection *http1) {
    struct exchange *exchange = &http1->exchange;
    if (!exchange_is_active(exchange) || http1->connection->server->options.http_timeout < 0) {
        return;
    }
    bool is_waiting = exchange->state == EXCHANGE_WAITING;
    report_disconnect(http1);
    if (is_waiting && exchange->state == EXCHANGE_WAITING) {
        exchange_answer(exchange, 503,
                        SLICE_LITERAL("Application failed to respond within time limit."), NULL);
    } else {
        exchange_abort(exchange);
    }
}

/* No request has come, or none is wanted. The last response may still be on its way to a slow
 * reader. A server that stops does not wait for a client that is as idle. */
static void end_idle(struct http1_connection *http1) {
    struct connection *connection = http1->connection;
    if (connection->server->is_draining && connection_has_sent_all(connection)) {
        connection_close(connection);
    } else {
        connection_finish(connection);
    }
}

/* The client still reads the last response: it is not idle yet. */
static void go_on_sending(struct http1_connection *http1) {
    connection_flush(http1->connection);
    if (http1_is_usable(http1)) {
        http1_set_phase(http1, HTTP1_IDLE);
    }
}

static void on_timeout(void *protocol) {
    struct http1_connection *http1 = protocol;
    struct connection *connection = http1->connection;
    switch (http1->phase) {
    case HTTP1_BUSY:
        time_out_exchange(http1);
        break;
    case HTTP1_HEAD:
        if (http1_reads(http1, HTTP1_PARSER_HEAD) && !connection->server->is_draining) {
            begin_exchange(http1, &NO_REQUEST);
            exchange_answer(&http1->exchange, 408, SLICE_LITERAL("Request Timeout"), NULL);
            break;
        } /* fall through */
    case HTTP1_IDLE:
        if (!connection->server->is_draining && !connection_has_sent_all(connection)) {
            go_on_sending(http1);
        } else {
            http1_set_phase(http1, HTTP1_LAST_LOOK);
        }
        break;
    case HTTP1_DISCARDING:
        connection_finish(connection);
        break;
    case HTTP1_LAST_LOOK:
        end_idle(http1);
    }
}

static void shut_down(void *protocol) {
    struct http1_connection *http1 = protocol;
    if (exchange_is_active(&http1->exchange)) {
        exchange_shut_down(&http1->exchange);
    } else if (http1->phase == HTTP1_DISCARDING) {
        connection_finish(http1->connection);
    } else if (http1->phase == HTTP1_HEAD) {
        connection_set_timeout(http1->connection,
                               connection_first_request_seconds(http1->connection));
    } else {
        http1_set_phase(http1, HTTP1_IDLE); /* which is over at once */
    }
}

static void on_closed(void *protocol) {
    struct http1_connection *http1 = protocol;
    report_disconnect(http1);
    exchange_end(&http1->exchange);
    http1_parser_free(http1->parser);
    buffer_release(&http1->pending);
    memory_free(http1);
}

static void *begin(struct connection *connection) {
    struct http1_connection *http1 = memory_allocate_zeroed(sizeof(*http1));
    if (http1 == NULL) {
        return NULL;
    }
    http1->connection = connection;
    http1->exchange.ops = &http1_exchange_ops;
    http1->exchange.connection = connection;
    const struct server_options *options = &connection->server->options;
    const struct http1_parser_limits limits = {options->max_head_size, options->max_headers};
    http1->parser = http1_parser_new(&limits, &parser_events, http1);
    if (http1->parser == NULL) {
        memory_free(http1);
        return NULL;
    }
    http1_set_phase(http1, HTTP1_HEAD);
    return http1;
}

const struct protocol_ops http1_connection_ops = {
    .name = "http/1.1",
    .begin = begin,
    .on_bytes = on_bytes,
    .on_read_end = on_read_end,
    .on_drain = on_drain,
    .on_timeout = on_timeout,
    .shutdown = shut_down,
    .on_closed = on_closed,
};
