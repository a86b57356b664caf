/* HTTP/1.x on a connection. Owns its parser and the one exchange, which is used for each request in
 * turn; the bytes of requests that came ahead of their turn wait in `pending`. Application code
 * runs from on_ready() and the other events that say so, never inside the parser.
 *
 *   READING --request whole, response ended, connection kept--> READING
 *   READING --open_tunnel--> TUNNEL        any --connection_finish or connection_close--> over
 *
 * While a response is under way reading goes on, so that a client that leaves is noticed; what it
 * sends ahead is bounded. */
#include "server/http1_connection.h"

#include "base/counters.h"
#include "base/limits.h"
#include "base/memory.h"
#include "server/http1_internal.h"
#include "server/server.h"
#include "server/websocket.h"

/* Bytes that a tunnel gets at once: it may stop the flow between two of these. */
enum { TUNNEL_PIECE = 4096 };

void http1_set_phase(struct http1_connection *http1, enum timer_phase phase) {
    const struct server_options *options = &http1->connection->server->options;
    http1->phase = phase;
    if (phase == PHASE_HEAD) {
        connection_set_timeout(http1->connection, options->header_timeout);
    } else if (phase == PHASE_IDLE) {
        connection_set_timeout(http1->connection, options->keep_alive_timeout);
    } else if (options->http_timeout >= 0) {
        connection_set_timeout(http1->connection, options->http_timeout);
    } /* else: a timer that is still running finds the phase busy and does nothing */
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

/* Returns new, or NULL. */
static struct forwarded *forwarded_of(struct connection *connection,
                                      const struct http_request_head *head) {
    const struct server *server = connection->server;
    const struct forwarding *forwarding = &server->options.forwarding;
    bool is_on = forwarding->address_header[0] != '\0' && connection_is_trusted(connection);
    return is_on ? forwarded_new(forwarding, &server->trusted, head) : NULL;
}

static void begin_exchange(struct http1_connection *http1, const struct http_request_head *head) {
    struct exchange *exchange = &http1->exchange;
    exchange->events = NULL;
    exchange->owner = NULL;
    exchange->request = head;
    exchange->state = EXCHANGE_WAITING;
    exchange->status = 0;
    exchange->bytes_sent = 0;
    exchange->is_disconnected = false;
    http1->is_exchange_active = true;
    http1->is_request_complete = false;
    http1->is_ready_wanted = true;
    http1->is_continue_owed = head->expects_continue;
    http1->is_http10 = head->version_minor == 0;
    http1->is_head = slice_equals(head->method, SLICE_LITERAL("HEAD"));
    http1->keeps_alive = head->keeps_alive;
    http1->discarded = 0;
    counters_opened(COUNTER_exchanges);
    exchange->forwarded = forwarded_of(http1->connection, head);
    const struct access_log *log = &http1->connection->server->access_log;
    if (access_log_is_on(log)) {
        exchange->access_request = access_log_remember(log, head);
    }
}

static void answer_plainly(struct exchange *exchange, int status, struct slice text) {
    struct http_header type = {SLICE_LITERAL("content-type"),
                               SLICE_LITERAL("text/plain; charset=utf-8")};
    struct http_response_head head = {
        .status = status, .reason = SLICE_EMPTY, .headers = &type, .header_count = 1};
    struct http_response_facts facts = {.content_length = -1};
    if (exchange_respond(exchange, &head, &facts, (int64_t)text.length) == STATUS_OK &&
        text.length > 0) {
        (void)exchange_send(exchange, text, true);
    }
}

static void on_head(void *owner, const struct http_request_head *head) {
    struct http1_connection *http1 = owner;
    struct server *server = http1->connection->server;
    begin_exchange(http1, head);
    http1_set_phase(http1, PHASE_BUSY);
    int status = STATUS_OK;
    if (head->upgrades_websocket) {
        http1->keeps_alive = false; /* a refused handshake ends its connection */
        websocket_offer(server, &http1->exchange);
    } else {
        status = server->application->on_request(server->owner, &http1->exchange);
    }
    http1->exchange.request = NULL;
    if (status != STATUS_OK) {
        http1->keeps_alive = false;
        answer_plainly(&http1->exchange, 500, SLICE_LITERAL("Internal Server Error"));
    }
}

static void on_body(void *owner, struct slice bytes) {
    struct http1_connection *http1 = owner;
    http1->is_continue_owed = false;
    if (http1->exchange.events != NULL) {
        http1->is_ready_wanted = true;
        http1->exchange.events->on_body(http1->exchange.owner, bytes, false);
        return;
    }
    http1->discarded += bytes.length;
    if (http1->discarded > LIMIT_DISCARDED_BODY) {
        connection_finish(http1->connection);
    }
}

static void on_complete(void *owner) {
    struct http1_connection *http1 = owner;
    http1->is_request_complete = true;
    http1->is_continue_owed = false;
    if (http1->exchange.events != NULL) {
        http1->is_ready_wanted = true;
        http1->exchange.events->on_body(http1->exchange.owner, SLICE_EMPTY, true);
    }
    if (!http1->is_exchange_active) {
        http1_set_phase(http1, PHASE_IDLE); /* the response was faster than the rest of the body */
    }
}

static const struct http1_parser_events parser_events = {on_head, on_body, on_complete};

/* Lets the application act on what was delivered. */
static void make_ready(struct http1_connection *http1) {
    struct exchange *exchange = &http1->exchange;
    if (http1->is_ready_wanted) {
        http1->is_ready_wanted = false;
        if (exchange->events != NULL) {
            exchange->events->on_ready(exchange->owner);
        }
    }
}

static void report_disconnect(struct http1_connection *http1) {
    struct exchange *exchange = &http1->exchange;
    http1->keeps_alive = false;
    if (http1->is_exchange_active && !exchange->is_disconnected) {
        exchange->is_disconnected = true;
        if (exchange->events != NULL) {
            exchange->events->on_disconnect(exchange->owner);
        }
    }
}

/* The bytes are no HTTP: answers with the parser's status, as far as an answer can still be told
 * from what was sent before. */
static void refuse(struct http1_connection *http1) {
    struct server *server = http1->connection->server;
    int status = http1_parser_error_status(http1->parser);
    const char *reason = http1_parser_error_reason(http1->parser);
    server->application->on_refused(server->owner, http1->connection, status, reason);
    bool had_request = http1->is_exchange_active;
    report_disconnect(http1);
    if (!http1_is_usable(http1)) {
        return;
    }
    http1->keeps_alive = false;
    if (!had_request) {
        begin_exchange(http1, &NO_REQUEST);
        http1->is_ready_wanted = false;
    }
    if (http1->exchange.state == EXCHANGE_WAITING) {
        answer_plainly(&http1->exchange, status, slice_of(reason, strlen(reason)));
    } else {
        exchange_abort(&http1->exchange);
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
    struct exchange *exchange = &http1->exchange;
    if (exchange->events != NULL && (bytes.length > 0 || is_last)) {
        exchange->events->on_body(exchange->owner, bytes, is_last);
    }
    if (exchange->events != NULL) {
        exchange->events->on_ready(exchange->owner);
    }
}

static struct slice without_front(struct slice bytes, size_t count) {
    return slice_of(bytes.data + count, bytes.length - count);
}

/* Delivers piece by piece, until the tunnel wants no more for now; returns the rest. What comes in
 * one read can be ten thousand messages, each of which costs far more memory than its bytes. */
static struct slice fill_tunnel(struct http1_connection *http1, struct slice bytes) {
    do {
        size_t length = bytes.length < TUNNEL_PIECE ? bytes.length : TUNNEL_PIECE;
        deliver_to_tunnel(http1, slice_of(bytes.data, length), false);
        bytes = without_front(bytes, length);
    } while (bytes.length > 0 && !http1->is_paused && http1_is_usable(http1));
    return bytes;
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
        if (http1_parser_state(http1->parser) == HTTP1_PARSER_COMPLETE) {
            if (http1->is_exchange_active) {
                break;
            }
            http1_parser_next(http1->parser);
        }
        if (bytes.length == 0) {
            break;
        }
        bytes = without_front(bytes, http1_parser_feed(http1->parser, bytes));
        make_ready(http1);
        if (http1_is_usable(http1) && http1->parser != NULL &&
            http1_parser_state(http1->parser) == HTTP1_PARSER_FAILED) {
            refuse(http1);
            break;
        }
    }
    http1->is_parsing = false;
    if (http1_is_usable(http1) && http1->parser != NULL && http1->phase == PHASE_IDLE &&
        http1_parser_state(http1->parser) == HTTP1_PARSER_HEAD) {
        http1_set_phase(http1, PHASE_HEAD);
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
    } else { /* who only ended his side still gets the answers */
        report_disconnect(http1);
        if (!http1->is_exchange_active || !http1->is_request_complete) {
            connection_finish(http1->connection);
        }
    }
}

static void on_drain(void *protocol) {
    struct http1_connection *http1 = protocol;
    if (http1->exchange.events != NULL) {
        http1->exchange.events->on_drain(http1->exchange.owner);
    }
}

static void on_timeout(void *protocol) {
    struct http1_connection *http1 = protocol;
    if (http1->phase == PHASE_BUSY) {
        if (http1->is_exchange_active && http1->connection->server->options.http_timeout >= 0) {
            bool is_waiting = http1->exchange.state == EXCHANGE_WAITING;
            report_disconnect(http1);
            if (is_waiting && http1->exchange.state == EXCHANGE_WAITING) {
                answer_plainly(&http1->exchange, 503,
                               SLICE_LITERAL("Application failed to respond within time limit."));
            } else {
                exchange_abort(&http1->exchange);
            }
        }
    } else if (http1->parser != NULL && http1_parser_state(http1->parser) == HTTP1_PARSER_HEAD) {
        begin_exchange(http1, &NO_REQUEST);
        http1->is_ready_wanted = false;
        answer_plainly(&http1->exchange, 408, SLICE_LITERAL("Request Timeout"));
    } else { /* the last response may still be on its way to a slow reader */
        connection_finish(http1->connection);
    }
}

static void shut_down(void *protocol) {
    struct http1_connection *http1 = protocol;
    if (http1->exchange.state == EXCHANGE_TUNNEL || http1->is_exchange_active) {
        http1->keeps_alive = false;
        if (http1->exchange.events != NULL && http1->exchange.events->on_shutdown != NULL) {
            http1->exchange.events->on_shutdown(http1->exchange.owner);
        }
    } else {
        connection_finish(http1->connection);
    }
}

static void on_closed(void *protocol) {
    struct http1_connection *http1 = protocol;
    report_disconnect(http1);
    http1_end_exchange(http1);
    http1_parser_free(http1->parser);
    buffer_release(&http1->pending);
    memory_free(http1);
}

const struct protocol_ops http1_connection_ops = {
    .on_bytes = on_bytes,
    .on_read_end = on_read_end,
    .on_drain = on_drain,
    .on_timeout = on_timeout,
    .shutdown = shut_down,
    .on_closed = on_closed,
};

void *http1_connection_new(struct connection *connection) {
    struct http1_connection *http1 = memory_allocate_zeroed(sizeof(*http1));
    if (http1 == NULL) {
        return NULL;
    }
    http1->connection = connection;
    http1->exchange.ops = &http1_exchange_ops;
    http1->exchange.connection = connection;
    http1->exchange.state = EXCHANGE_ENDED;
    http1->parser =
        http1_parser_new(&connection->server->options.head_limits, &parser_events, http1);
    if (http1->parser == NULL) {
        memory_free(http1);
        return NULL;
    }
    http1_set_phase(http1, PHASE_HEAD);
    return http1;
}
