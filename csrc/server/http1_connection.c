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
#include "http/http1_parser.h"
#include "http/http1_writer.h"
#include "server/exchange.h"
#include "server/server.h"
#include "server/websocket.h"

/* How the body of the current response is delimited (RFC 9112 section 6). */
enum framing { FRAMING_NONE, FRAMING_LENGTH, FRAMING_CHUNKED, FRAMING_CLOSE };

/* What the connection's timer is about. */
enum timer_phase { PHASE_HEAD, PHASE_IDLE, PHASE_BUSY };

struct http1_connection {
    struct exchange exchange;
    struct connection *connection;
    struct http1_parser *parser; /* NULL in a tunnel */
    struct buffer pending;       /* arrived, but not its turn yet */
    int64_t response_remaining;  /* of FRAMING_LENGTH */
    size_t discarded;            /* body bytes dropped since the response ended */
    enum framing framing;
    enum timer_phase phase;
    bool is_parsing;      /* parse() is on the stack: it goes on by itself */
    bool is_ready_wanted; /* something was delivered since the last on_ready() */
    bool is_request_complete;
    bool is_exchange_active; /* between on_head() and the end of the response */
    bool is_paused;          /* the application does not want more */
    bool is_continue_owed;   /* the client waits for 100 Continue */
    bool is_http10;
    bool is_head; /* HEAD: the response has no body */
    bool keeps_alive;
};

static void parse(struct http1_connection *http1, struct slice bytes);

static struct http1_connection *http1_of(const struct exchange *exchange) {
    return LIST_OBJECT(exchange, struct http1_connection, exchange);
}

static bool is_usable(const struct http1_connection *http1) {
    return http1->connection->state == CONNECTION_OPEN;
}

/* --- Reading
 * -----------------------------------------------------------------------------------------------------------
 */

static void set_phase(struct http1_connection *http1, enum timer_phase phase) {
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
static void update_reading(struct http1_connection *http1) {
    struct connection *connection = http1->connection;
    if (!is_usable(http1) || connection->has_ended) {
        return;
    }
    if (http1->is_paused || http1->pending.length > LIMIT_PIPELINE_BYTES) {
        stream_read_stop(connection->stream);
    } else if (stream_read_start(connection->stream) != STATUS_OK) {
        connection_close(connection);
    }
}

static void remember_request_line(struct http1_connection *http1,
                                  const struct http_request_head *head) {
    struct slice method = head->method;
    struct slice target = head->target;
    char *line = memory_allocate(method.length + target.length + 2);
    http1->exchange.request_line = line;
    if (line != NULL) {
        memcpy(line, method.data, method.length);
        line[method.length] = ' ';
        memcpy(line + method.length + 1, target.data, target.length);
        line[method.length + 1 + target.length] = '\0';
    }
}

/* What is answered when there is no request that could be. */
static const struct http_request_head NO_REQUEST = {
    .method = {"-", 1}, .target = {"-", 1}, .version_minor = 1};

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
    if (access_log_is_on(&http1->connection->server->access_log)) {
        remember_request_line(http1, head);
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
    set_phase(http1, PHASE_BUSY);
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
        set_phase(http1, PHASE_IDLE); /* the response was faster than the rest of the body */
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
    if (!is_usable(http1)) {
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
    if (buffer_append(&http1->pending, bytes) != STATUS_OK) {
        connection_close(http1->connection);
        return;
    }
    update_reading(http1);
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

/* Passes bytes to where they belong, until they are used up or must wait. Not reentrant: a response
 * that ends inside it leaves the next request to this loop. */
static void parse(struct http1_connection *http1, struct slice bytes) {
    http1->is_parsing = true;
    while (is_usable(http1)) {
        if (http1->exchange.state == EXCHANGE_TUNNEL) {
            deliver_to_tunnel(http1, bytes, false);
            break;
        }
        if (http1_parser_state(http1->parser) == HTTP1_PARSER_COMPLETE) {
            if (http1->is_exchange_active) {
                keep_pending(http1, bytes);
                break;
            }
            http1_parser_next(http1->parser);
        }
        if (bytes.length == 0) {
            break;
        }
        size_t used = http1_parser_feed(http1->parser, bytes);
        bytes = slice_of(bytes.data + used, bytes.length - used);
        make_ready(http1);
        if (is_usable(http1) && http1->parser != NULL &&
            http1_parser_state(http1->parser) == HTTP1_PARSER_FAILED) {
            refuse(http1);
            break;
        }
    }
    http1->is_parsing = false;
    if (is_usable(http1) && http1->parser != NULL && http1->phase == PHASE_IDLE &&
        http1_parser_state(http1->parser) == HTTP1_PARSER_HEAD) {
        set_phase(http1, PHASE_HEAD);
    }
}

/* The way is free for what came ahead. */
static void go_on(struct http1_connection *http1) {
    struct buffer pending = http1->pending;
    http1->pending = BUFFER_EMPTY;
    parse(http1, buffer_slice(&pending));
    buffer_release(&pending);
    update_reading(http1);
}

static void on_bytes(void *protocol, struct slice bytes) {
    struct http1_connection *http1 = protocol;
    if (http1->pending.length > 0) {
        keep_pending(http1, bytes);
    } else {
        parse(http1, bytes);
    }
}

/* --- Responding
 * --------------------------------------------------------------------------------------------------------
 */

static void log_response(struct http1_connection *http1) {
    struct exchange *exchange = &http1->exchange;
    struct connection *connection = http1->connection;
    char *line = exchange->request_line;
    if (line == NULL) {
        return;
    }
    char *space = strchr(line, ' ');
    if (connection->peer != NULL && space != NULL && exchange->status != 0 &&
        exchange->state != EXCHANGE_TUNNEL) {
        struct slice method = slice_of(line, (size_t)(space - line));
        struct slice target = slice_of(space + 1, strlen(space + 1));
        access_log_add(&connection->server->access_log, connection->peer, method, target,
                       exchange->status, exchange->bytes_sent);
    }
    memory_free(line);
    exchange->request_line = NULL;
}

/* Nobody answers through this exchange any more. */
static void end_exchange(struct http1_connection *http1) {
    struct exchange *exchange = &http1->exchange;
    if (!http1->is_exchange_active) {
        return;
    }
    http1->is_exchange_active = false;
    log_response(http1);
    exchange->state = EXCHANGE_ENDED;
    const struct exchange_events *events = exchange->events;
    exchange->events = NULL;
    counters_closed(COUNTER_exchanges);
    if (events != NULL) {
        events->on_end(exchange->owner);
    }
}

/* The last byte of the response is queued: the next request, or the end. */
static void finish_response(struct http1_connection *http1) {
    struct connection *connection = http1->connection;
    end_exchange(http1);
    if (!http1->keeps_alive || connection->has_ended || connection->server->is_draining) {
        connection_finish(connection);
        return;
    }
    http1->is_paused = false;
    set_phase(http1, http1->is_request_complete ? PHASE_IDLE : PHASE_HEAD);
    if (!http1->is_parsing) {
        go_on(http1);
    }
}

static void choose_framing(struct http1_connection *http1, const struct http_response_head *head,
                           const struct http_response_facts *facts, int64_t body_length,
                           struct http1_framing *framing) {
    int64_t length = facts->content_length >= 0 ? facts->content_length : body_length;
    bool is_bodyless =
        http1->is_head || head->status < 200 || head->status == 204 || head->status == 304;
    http1->response_remaining = length;
    framing->content_length = -1;
    if (is_bodyless) {
        http1->framing = FRAMING_NONE;
    } else if (length >= 0) {
        http1->framing = FRAMING_LENGTH;
    } else if (http1->is_http10) {
        http1->framing = FRAMING_CLOSE;
        http1->keeps_alive = false;
    } else {
        http1->framing = FRAMING_CHUNKED;
        framing->chunked = true;
    }
    bool may_have_length = head->status >= 200 && head->status != 204 && head->status != 304;
    if (facts->content_length < 0 && length >= 0 && may_have_length &&
        (!http1->is_head || length > 0)) {
        framing->content_length = length;
    }
}

static int write_head(struct http1_connection *http1, const struct http_response_head *head,
                      struct http1_framing *framing) {
    struct write_queue *queue = &http1->connection->queue;
    size_t bound = http1_head_bound(head, framing);
    char *out = NULL;
    int status = write_queue_extend(queue, bound, &out);
    if (status == STATUS_OK) {
        write_queue_trim(queue, bound - http1_write_head(out, head, framing));
    }
    return status;
}

static int respond(struct exchange *exchange, const struct http_response_head *head,
                   const struct http_response_facts *facts, int64_t body_length) {
    struct http1_connection *http1 = http1_of(exchange);
    struct server *server = http1->connection->server;
    if (exchange->state != EXCHANGE_WAITING) {
        return exchange->state == EXCHANGE_ENDED ? STATUS_CLOSED : STATUS_STATE;
    }
    if (!is_usable(http1)) {
        return STATUS_CLOSED;
    }
    struct http1_framing framing = {.version_minor = http1->is_http10 ? 0 : 1};
    choose_framing(http1, head, facts, body_length, &framing);
    if (facts->closes || server->is_draining || http1->is_continue_owed) {
        http1->keeps_alive = false; /* a client that was not told to continue may or may not send
                                       its body: start anew */
    }
    if (head->status == 426) { /* must name what to upgrade to (RFC 9110 section 15.5.22) */
        framing.upgrade = SLICE_LITERAL("websocket");
    }
    framing.close = !http1->keeps_alive;
    framing.keep_alive = http1->keeps_alive && http1->is_http10;
    framing.date = facts->has_date ? SLICE_EMPTY : server_date(server);
    framing.server = facts->has_server ? SLICE_EMPTY : server->options.server_header;
    int status = write_head(http1, head, &framing);
    if (status != STATUS_OK) {
        return status;
    }
    exchange->state = EXCHANGE_RESPONDING;
    exchange->status = head->status;
    if (body_length == 0) {
        return exchange_send(exchange, SLICE_EMPTY, true);
    }
    return STATUS_OK;
}

/* Cuts the response in a way that the client can not take for its end. */
static void abort_exchange(struct exchange *exchange) {
    struct http1_connection *http1 = http1_of(exchange);
    http1->keeps_alive = false;
    if (!is_usable(http1)) {
        return;
    }
    if (exchange->state != EXCHANGE_WAITING && http1->framing == FRAMING_CLOSE) {
        connection_reset(http1->connection);
    } else {
        connection_finish(http1->connection);
    }
}

/* Checks that `length` more bytes keep what the head said. */
static int account_body(struct http1_connection *http1, size_t length, bool is_last) {
    if (http1->framing != FRAMING_LENGTH) {
        return STATUS_OK;
    }
    if ((uint64_t)length > (uint64_t)http1->response_remaining) {
        return STATUS_INVALID;
    }
    http1->response_remaining -= (int64_t)length;
    return is_last && http1->response_remaining > 0 ? STATUS_INVALID : STATUS_OK;
}

/* Queues one part of the body, from `frame` (taken) or else from `bytes`, with what the framing
 * puts around it. */
static int queue_body(struct http1_connection *http1, struct slice bytes, struct frame *frame,
                      bool is_last) {
    struct write_queue *queue = &http1->connection->queue;
    int status = STATUS_OK;
    bool is_chunk = http1->framing == FRAMING_CHUNKED && bytes.length > 0;
    if (is_chunk) {
        char head[HTTP1_CHUNK_HEAD_MAX];
        status =
            write_queue_append(queue, slice_of(head, http1_write_chunk_head(head, bytes.length)));
    }
    if (status == STATUS_OK && http1->framing != FRAMING_NONE) {
        status = frame != NULL ? write_queue_push(queue, frame) : write_queue_append(queue, bytes);
        frame = NULL;
    }
    frame_unref(frame);
    if (status == STATUS_OK && is_chunk) {
        status = write_queue_append(queue, SLICE_LITERAL("\r\n"));
    }
    if (status == STATUS_OK && is_last && http1->framing == FRAMING_CHUNKED) {
        status = write_queue_append(queue, HTTP1_LAST_CHUNK);
    }
    return status;
}

static int send_part(struct exchange *exchange, struct slice bytes, struct frame *frame,
                     bool is_last) {
    struct http1_connection *http1 = http1_of(exchange);
    int status = STATUS_OK;
    if (!is_usable(http1) || exchange->state == EXCHANGE_ENDED) {
        status = STATUS_CLOSED;
    } else if (exchange->state != EXCHANGE_RESPONDING && exchange->state != EXCHANGE_TUNNEL) {
        status = STATUS_STATE;
    } else {
        status = account_body(http1, bytes.length, is_last);
    }
    if (status != STATUS_OK) {
        frame_unref(frame);
        if (status == STATUS_INVALID) {
            abort_exchange(exchange);
        }
        return status;
    }
    if (http1->framing != FRAMING_NONE) {
        exchange->bytes_sent += (int64_t)bytes.length;
    }
    if (frame != NULL && exchange->state == EXCHANGE_TUNNEL) {
        status = write_queue_send(&http1->connection->queue, frame);
    } else {
        status = queue_body(http1, bytes, frame, is_last);
        if (status == STATUS_OK) {
            status = write_queue_flush(&http1->connection->queue);
        }
    }
    if (status != STATUS_OK) {
        connection_close(http1->connection);
    } else if (is_last) {
        finish_response(http1);
    }
    return status;
}

static int send_bytes(struct exchange *exchange, struct slice bytes, bool is_last) {
    return send_part(exchange, bytes, NULL, is_last);
}

static int send_frame(struct exchange *exchange, struct frame *frame, bool is_last) {
    return send_part(exchange, frame_slice(frame), frame, is_last);
}

/* --- Tunnels and flow control
 * ------------------------------------------------------------------------------------------ */

static int queue_frame(struct exchange *exchange, struct frame *frame) {
    struct http1_connection *http1 = http1_of(exchange);
    if (!is_usable(http1) || exchange->state != EXCHANGE_TUNNEL) {
        frame_unref(frame);
        return STATUS_CLOSED;
    }
    exchange->bytes_sent += (int64_t)frame->length;
    int status = write_queue_push(&http1->connection->queue, frame);
    if (status == STATUS_OK) {
        write_queue_flush_later(&http1->connection->queue);
    }
    return status;
}

static size_t queued(const struct exchange *exchange) {
    return write_queue_size(&http1_of(exchange)->connection->queue);
}

static int open_tunnel(struct exchange *exchange, const struct http_response_head *head) {
    struct http1_connection *http1 = http1_of(exchange);
    struct server *server = http1->connection->server;
    if (exchange->state != EXCHANGE_WAITING || !is_usable(http1)) {
        return is_usable(http1) ? STATUS_STATE : STATUS_CLOSED;
    }
    struct http1_framing framing = {
        .version_minor = 1, .content_length = -1, .upgrade = SLICE_LITERAL("websocket")};
    framing.date = server_date(server);
    framing.server = server->options.server_header;
    int status = write_head(http1, head, &framing);
    if (status == STATUS_OK) {
        status = write_queue_flush(&http1->connection->queue);
    }
    if (status != STATUS_OK) {
        connection_close(http1->connection);
        return status;
    }
    exchange->state = EXCHANGE_TUNNEL;
    exchange->status = head->status;
    http1->framing = FRAMING_CLOSE;
    connection_set_timeout(http1->connection, -1);
    http1_parser_free(http1->parser);
    http1->parser = NULL;
    return STATUS_OK;
}

static void end_tunnel(struct exchange *exchange) {
    connection_finish(http1_of(exchange)->connection);
}

static void pause_exchange(struct exchange *exchange) {
    struct http1_connection *http1 = http1_of(exchange);
    http1->is_paused = true;
    update_reading(http1);
}

static void resume_exchange(struct exchange *exchange) {
    struct http1_connection *http1 = http1_of(exchange);
    if (http1->is_continue_owed && exchange->state == EXCHANGE_WAITING && is_usable(http1)) {
        http1->is_continue_owed = false;
        if (write_queue_append(&http1->connection->queue,
                               SLICE_LITERAL("HTTP/1.1 100 Continue\r\n\r\n")) == STATUS_OK) {
            (void)write_queue_flush(&http1->connection->queue);
        }
    }
    http1->is_paused = false;
    if (exchange->state == EXCHANGE_TUNNEL && http1->pending.length > 0 && !http1->is_parsing) {
        go_on(http1);
    } else {
        update_reading(http1);
    }
}

static bool is_congested(struct exchange *exchange) {
    return connection_is_congested(http1_of(exchange)->connection);
}

static const struct exchange_ops exchange_ops = {
    .respond = respond,
    .send = send_bytes,
    .send_frame = send_frame,
    .queue_frame = queue_frame,
    .queued = queued,
    .open_tunnel = open_tunnel,
    .end_tunnel = end_tunnel,
    .pause = pause_exchange,
    .resume = resume_exchange,
    .abort = abort_exchange,
    .is_congested = is_congested,
};

/* --- The connection's events
 * ------------------------------------------------------------------------------------------- */

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
                abort_exchange(&http1->exchange);
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
    end_exchange(http1);
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
    http1->exchange.ops = &exchange_ops;
    http1->exchange.connection = connection;
    http1->exchange.state = EXCHANGE_ENDED;
    http1->parser =
        http1_parser_new(&connection->server->options.head_limits, &parser_events, http1);
    if (http1->parser == NULL) {
        memory_free(http1);
        return NULL;
    }
    set_phase(http1, PHASE_HEAD);
    return http1;
}
