/* One WebSocket. Made by websocket_offer(), owned by itself, freed by on_exchange_end(). It sits on
 * its exchange and knows nothing of the HTTP version or the socket below; every frame that arrives
 * goes through its session. Never calls the application but by its events. */
#include "server/websocket.h"

#include "base/counters.h"
#include "base/limits.h"
#include "base/memory.h"
#include "server/connection.h"
#include "server/server.h"
#include "ws/ws_handshake.h"

static void free_websocket(struct websocket *websocket) {
    timer_stop(&websocket->timer);
    timer_stop(&websocket->lifetime);
    ws_session_release(&websocket->session);
    memory_free(websocket);
    counters_closed(COUNTER_websockets);
}

static void log_event(const struct websocket *websocket, const char *event) {
    struct exchange *exchange = websocket->exchange;
    const char *line = exchange->request_line;
    const char *path = line != NULL ? strchr(line, ' ') : NULL;
    if (path != NULL && exchange->connection->peer != NULL) {
        access_log_add(&websocket->server->access_log, exchange->connection->peer,
                       slice_of(event, strlen(event)), slice_of(path + 1, strcspn(path + 1, "?")),
                       -1, -1);
    }
}

/* Tells the application once that no message will follow. */
static void report_close(struct websocket *websocket, int code, struct slice reason) {
    if (!websocket->is_reported) {
        websocket->is_reported = true;
        timer_stop(&websocket->lifetime);
        groups_leave_all(&websocket->server->groups, &websocket->member);
        log_event(websocket,
                  websocket->state == WEBSOCKET_CONNECTING ? "WSREJECT" : "WSDISCONNECT");
        if (websocket->events != NULL) {
            websocket->events->on_close(websocket->owner, code, reason);
        }
    }
}

/* --- Timers --- */

static void start_timer(struct websocket *websocket, double seconds) {
    if (seconds >= 0) {
        timer_start(websocket->server->loop, &websocket->timer, seconds);
    } else {
        timer_stop(&websocket->timer);
    }
}

static bool send_control(struct websocket *websocket, struct frame *frame) {
    return frame != NULL && exchange_send_frame(websocket->exchange, frame, false) == STATUS_OK;
}

/* Any byte since the ping is a sign of life, and so is our own refusal to read, and that the peer
 * takes bytes which the ping stands behind. */
static bool has_shown_life(const struct websocket *websocket) {
    const struct connection *connection = websocket->exchange->connection;
    return websocket->is_paused || connection->last_heard >= websocket->ping_sent ||
           (websocket->ping_unwritten > 0 &&
            stream_unwritten(connection->stream) != websocket->ping_unwritten);
}

/* Sends a ping when the interval is over, and gives up on a peer that shows no sign of life for the
 * ping timeout. */
static void keep_alive(struct websocket *websocket) {
    const struct server_options *options = &websocket->server->options;
    uint64_t now = event_loop_now(websocket->server->loop);
    if (websocket->ping_sent > 0 && has_shown_life(websocket)) {
        websocket->ping_sent = 0;
    }
    double waited = websocket->ping_sent > 0 ? (double)(now - websocket->ping_sent) / 1000.0 : 0;
    if (websocket->ping_sent > 0 && options->ping_timeout >= 0 && waited >= options->ping_timeout) {
        websocket_abort(websocket);
        return;
    }
    double next = options->ping_interval;
    if (websocket->ping_sent == 0) {
        websocket->ping_sent = now > 0 ? now : 1;
        if (!send_control(websocket, ws_frame_new(WS_PING, SLICE_EMPTY))) {
            return;
        }
        websocket->ping_unwritten = stream_unwritten(websocket->exchange->connection->stream);
        next = options->ping_timeout >= 0 && options->ping_timeout < next ? options->ping_timeout
                                                                          : next;
    } else if (options->ping_timeout >= 0) {
        next = options->ping_timeout - waited;
    }
    start_timer(websocket, next);
}

static void make_ready(struct websocket *websocket) {
    if (websocket->events != NULL) {
        websocket->events->on_ready(websocket->owner);
    }
}

static void on_timer(struct timer *timer) {
    struct websocket *websocket = LIST_OBJECT(timer, struct websocket, timer);
    switch (websocket->state) {
    case WEBSOCKET_CONNECTING: /* the application did not answer the handshake in time */
        (void)websocket_deny(websocket, 403);
        break;
    case WEBSOCKET_OPEN:
        keep_alive(websocket);
        break;
    case WEBSOCKET_SETTLING:
        websocket_settle(websocket);
        break;
    default: /* the peer did not answer our close frame */
        websocket_abort(websocket);
    }
}

static void on_lifetime(struct timer *timer) {
    struct websocket *websocket = LIST_OBJECT(timer, struct websocket, lifetime);
    (void)websocket_close(websocket, WS_CLOSE_NORMAL, SLICE_EMPTY);
    make_ready(websocket);
}

/* --- What arrives --- */

static void on_message(void *owner, bool is_text, struct slice payload) {
    struct websocket *websocket = owner;
    if (websocket->state == WEBSOCKET_OPEN && websocket->events != NULL) {
        websocket->events->on_message(websocket->owner, is_text, payload);
    }
}

static void update_reading(struct websocket *websocket) {
    if (websocket->is_paused || websocket->is_flooded) {
        exchange_pause(websocket->exchange);
    } else {
        exchange_resume(websocket->exchange);
    }
}

/* Who sends pings and does not read the pongs is not read until he does: they would wait here
 * without bound. */
static void on_ping(void *owner, struct slice payload) {
    struct websocket *websocket = owner;
    if (websocket->state == WEBSOCKET_OPEN &&
        send_control(websocket, ws_frame_new(WS_PONG, payload)) &&
        exchange_is_congested(websocket->exchange)) {
        websocket->is_flooded = true;
        update_reading(websocket);
    }
}

static void on_pong(void *owner, struct slice payload) {
    (void)owner;
    (void)payload; /* a sign of life, which connection->last_heard has noted */
}

/* Nothing more will be taken from the peer: it closed, or broke the protocol. `code` is both what
 * the application is told and what the peer is sent. */
static void end_receiving(struct websocket *websocket, int code, struct slice reason) {
    if (websocket->state == WEBSOCKET_OPEN) {
        report_close(websocket, code, reason);
        websocket->state = WEBSOCKET_SETTLING;
        websocket->close_code = (uint16_t)code;
        start_timer(websocket, LIMIT_SETTLE_SECONDS);
    } else if (websocket->state == WEBSOCKET_CLOSING) {
        websocket->state = WEBSOCKET_CLOSED;
        exchange_end_tunnel(websocket->exchange);
    }
}

static void on_peer_close(void *owner, int code, struct slice reason) {
    end_receiving(owner, code, reason);
}

static void on_failure(void *owner, int code, const char *reason) {
    end_receiving(owner, code, slice_of(reason, strlen(reason)));
}

static const struct ws_session_events session_events = {on_message, on_ping, on_pong, on_peer_close,
                                                        on_failure};

/* --- Events of the exchange --- */

static void on_exchange_body(void *owner, struct slice bytes, bool is_last) {
    struct websocket *websocket = owner;
    if (websocket->exchange->state != EXCHANGE_TUNNEL) {
        return; /* the end of the handshake request */
    }
    ws_session_feed(&websocket->session, bytes);
    if (!is_last) {
        return;
    }
    if (websocket->state == WEBSOCKET_OPEN) {
        report_close(websocket, WS_CLOSE_ABNORMAL, SLICE_EMPTY);
    }
    if (websocket->state !=
        WEBSOCKET_SETTLING) { /* settling: what the application still answers may be read */
        websocket->state = WEBSOCKET_CLOSED;
        exchange_end_tunnel(websocket->exchange);
    }
}

static void on_exchange_ready(void *owner) {
    make_ready(owner);
}

static void on_exchange_drain(void *owner) {
    struct websocket *websocket = owner;
    if (websocket->is_flooded) {
        websocket->is_flooded = false;
        update_reading(websocket);
    }
    if (websocket->events != NULL) {
        websocket->events->on_drain(websocket->owner);
    }
}

/* The connection is gone, or the client left before the answer. */
static void on_exchange_disconnect(void *owner) {
    struct websocket *websocket = owner;
    struct exchange *exchange = websocket->exchange;
    report_close(websocket, WS_CLOSE_ABNORMAL, SLICE_EMPTY);
    websocket->state = WEBSOCKET_CLOSED;
    timer_stop(&websocket->timer);
    make_ready(websocket);    /* a denial that is completed here ends the exchange, and frees us */
    exchange_abort(exchange); /* there is nothing left to answer */
}

static void on_exchange_shutdown(void *owner) {
    websocket_shutdown(owner);
}

static void on_exchange_end(void *owner) {
    struct websocket *websocket = owner;
    report_close(websocket, WS_CLOSE_ABNORMAL, SLICE_EMPTY);
    const struct websocket_events *events = websocket->events;
    websocket->events = NULL;
    if (events != NULL) {
        events->on_end(websocket->owner);
    }
    free_websocket(websocket);
}

static const struct exchange_events exchange_events = {
    .on_body = on_exchange_body,
    .on_ready = on_exchange_ready,
    .on_drain = on_exchange_drain,
    .on_disconnect = on_exchange_disconnect,
    .on_shutdown = on_exchange_shutdown,
    .on_end = on_exchange_end,
};

/* --- The handshake --- */

static void refuse(struct exchange *exchange, int status, struct slice text) {
    struct http_header headers[] = {
        {SLICE_LITERAL("content-type"), SLICE_LITERAL("text/plain; charset=utf-8")},
        {SLICE_LITERAL("sec-websocket-version"), SLICE_LITERAL("13")}};
    struct http_response_head head = {.status = status,
                                      .reason = SLICE_EMPTY,
                                      .headers = headers,
                                      .header_count = status == 426 ? 2 : 1};
    struct http_response_facts facts = {.content_length = -1, .closes = true};
    if (exchange_respond(exchange, &head, &facts, (int64_t)text.length) == STATUS_OK &&
        text.length > 0) {
        (void)exchange_send(exchange, text, true);
    }
}

/* Returns the value of the only header called `name`; one of length 0 when there is none, or more
 * than one. */
static struct slice only_value(const struct http_request_head *head, struct slice name) {
    struct slice value = SLICE_EMPTY;
    size_t count = 0;
    for (size_t i = 0; i < head->header_count; i++) {
        if (slice_equals(head->headers[i].name, name)) {
            value = head->headers[i].value;
            count++;
        }
    }
    return count == 1 ? value : SLICE_EMPTY;
}

void websocket_offer(struct server *server, struct exchange *exchange) {
    const struct http_request_head *head = exchange->request;
    bool is_get = slice_equals(head->method, SLICE_LITERAL("GET"));
    if (!is_get || head->has_body || (head->version_major == 1 && head->version_minor == 0)) {
        refuse(exchange, 400,
               SLICE_LITERAL("A WebSocket begins with GET on HTTP/1.1, without a body "
                             "(RFC 6455 section 4.1)."));
        return;
    }
    if (!ws_handshake_version_is_supported(
            only_value(head, SLICE_LITERAL("sec-websocket-version")))) {
        refuse(exchange, 426,
               SLICE_LITERAL("This server speaks WebSocket version 13 only (RFC 6455)."));
        return;
    }
    struct slice key = only_value(head, SLICE_LITERAL("sec-websocket-key"));
    if (!ws_handshake_key_is_valid(key)) {
        refuse(exchange, 400,
               SLICE_LITERAL(
                   "Sec-WebSocket-Key must be the base64 of 16 bytes (RFC 6455 section 4.1)."));
        return;
    }
    struct websocket *websocket = memory_allocate_zeroed(sizeof(*websocket));
    if (websocket == NULL) {
        refuse(exchange, 503, SLICE_EMPTY);
        return;
    }
    counters_opened(COUNTER_websockets);
    websocket->server = server;
    websocket->exchange = exchange;
    websocket->state = WEBSOCKET_CONNECTING;
    member_init(&websocket->member);
    timer_init(&websocket->timer, on_timer);
    timer_init(&websocket->lifetime, on_lifetime);
    ws_session_init(&websocket->session, server->ws_decoders, &server->options.ws_limits,
                    &session_events, websocket);
    ws_handshake_accept(key, websocket->accept);
    exchange_attach(exchange, &exchange_events, websocket);
    log_event(websocket, "WSCONNECTING");
    if (server->application->on_websocket(server->owner, websocket) != STATUS_OK) {
        (void)websocket_deny(websocket, 500);
        return;
    }
    start_timer(websocket, server->options.websocket_connect_timeout);
}

int websocket_accept(struct websocket *websocket, struct slice subprotocol,
                     const struct http_header *headers, size_t header_count) {
    if (websocket->state != WEBSOCKET_CONNECTING) {
        return websocket->state == WEBSOCKET_CLOSED ? STATUS_CLOSED : STATUS_STATE;
    }
    struct http_header *all = memory_allocate((header_count + 2) * sizeof(*all));
    if (all == NULL) {
        return STATUS_NO_MEMORY;
    }
    size_t count = 0;
    all[count++] = (struct http_header){SLICE_LITERAL("sec-websocket-accept"),
                                        slice_of(websocket->accept, WS_ACCEPT_LENGTH)};
    if (subprotocol.length > 0) {
        all[count++] = (struct http_header){SLICE_LITERAL("sec-websocket-protocol"), subprotocol};
    }
    if (header_count > 0) {
        memcpy(all + count, headers, header_count * sizeof(*all));
    }
    struct http_response_head head = {
        .status = 101, .reason = SLICE_EMPTY, .headers = all, .header_count = count + header_count};
    websocket->state = WEBSOCKET_OPEN;
    int status = exchange_open_tunnel(websocket->exchange, &head);
    memory_free(all);
    if (status != STATUS_OK) {
        websocket->state = WEBSOCKET_CONNECTING;
        return status;
    }
    log_event(websocket, "WSCONNECT");
    start_timer(websocket, websocket->server->options.ping_interval);
    if (websocket->server->options.websocket_timeout >= 0) {
        timer_start(websocket->server->loop, &websocket->lifetime,
                    websocket->server->options.websocket_timeout);
    }
    if (websocket->server->is_draining) {
        websocket_shutdown(websocket);
    } else {
        exchange_resume(websocket->exchange); /* frames that came with the handshake */
    }
    return STATUS_OK;
}

int websocket_deny(struct websocket *websocket, int http_status) {
    if (websocket->state != WEBSOCKET_CONNECTING) {
        return websocket->state == WEBSOCKET_CLOSED ? STATUS_CLOSED : STATUS_STATE;
    }
    report_close(websocket, WS_CLOSE_ABNORMAL, SLICE_EMPTY);
    websocket->state = WEBSOCKET_CLOSED;
    timer_stop(&websocket->timer);
    make_ready(websocket);
    struct http_response_head head = {.status = http_status, .reason = SLICE_EMPTY};
    struct http_response_facts facts = {.content_length = -1};
    return exchange_respond(websocket->exchange, &head, &facts, 0);
}

struct exchange *websocket_respond(struct websocket *websocket) {
    if (websocket->state != WEBSOCKET_CONNECTING) {
        return NULL;
    }
    websocket->state = WEBSOCKET_CLOSED;
    timer_stop(&websocket->timer);
    return websocket->exchange;
}

/* --- What the application sends --- */

/* The status of a send in this state. While settling the application still answers what came before
 * the close frame. */
static int sendable(const struct websocket *websocket) {
    switch (websocket->state) {
    case WEBSOCKET_CONNECTING:
        return STATUS_STATE;
    case WEBSOCKET_OPEN:
    case WEBSOCKET_SETTLING:
        return STATUS_OK;
    default:
        return STATUS_CLOSED;
    }
}

int websocket_send(struct websocket *websocket, bool is_text, struct slice payload) {
    int status = sendable(websocket);
    if (status != STATUS_OK) {
        return status;
    }
    struct frame *frame = ws_frame_new(is_text ? WS_TEXT : WS_BINARY, payload);
    return frame == NULL ? STATUS_NO_MEMORY
                         : exchange_send_frame(websocket->exchange, frame, false);
}

int websocket_send_frame(struct websocket *websocket, struct frame *frame) {
    int status = sendable(websocket);
    if (status != STATUS_OK) {
        frame_unref(frame);
        return status;
    }
    return exchange_send_frame(websocket->exchange, frame, false);
}

bool websocket_deliver(struct websocket *websocket, struct frame *frame) {
    if (websocket->state != WEBSOCKET_OPEN) {
        return false;
    }
    size_t backlog = exchange_queued(websocket->exchange);
    if (backlog > 0 && backlog + frame->length > websocket->server->options.write_backlog) {
        (void)websocket_close(websocket, WS_CLOSE_POLICY, SLICE_LITERAL("too slow for its groups"));
        return false;
    }
    return exchange_queue_frame(websocket->exchange, frame_ref(frame)) == STATUS_OK;
}

int websocket_close(struct websocket *websocket, int code, struct slice reason) {
    int status = sendable(websocket);
    if (status != STATUS_OK) {
        return status;
    }
    if (websocket->state == WEBSOCKET_SETTLING) {
        websocket_settle(websocket);
        return STATUS_OK;
    }
    struct frame *frame = ws_frame_new_close(code, reason);
    if (frame == NULL) {
        return STATUS_NO_MEMORY;
    }
    report_close(websocket, code, reason);
    websocket->state = WEBSOCKET_CLOSING;
    start_timer(websocket, LIMIT_CLOSE_HANDSHAKE_SECONDS);
    status = exchange_send_frame(websocket->exchange, frame, false);
    websocket->is_paused = websocket->is_flooded = false;
    exchange_resume(
        websocket->exchange); /* the peer's close frame stands behind whatever it has sent */
    return status;
}

void websocket_settle(struct websocket *websocket) {
    if (websocket->state != WEBSOCKET_SETTLING) {
        return;
    }
    websocket->state = WEBSOCKET_CLOSED;
    timer_stop(&websocket->timer);
    (void)send_control(websocket, ws_frame_new_close(websocket->close_code, SLICE_EMPTY));
    exchange_end_tunnel(websocket->exchange);
}

void websocket_pause(struct websocket *websocket) {
    websocket->is_paused = true;
    update_reading(websocket);
}

void websocket_resume(struct websocket *websocket) {
    if (websocket->is_paused) {
        websocket->is_paused = false;
        update_reading(websocket);
    }
}

bool websocket_is_congested(struct websocket *websocket) {
    return exchange_is_congested(websocket->exchange);
}

void websocket_shutdown(struct websocket *websocket) {
    if (websocket->state == WEBSOCKET_CONNECTING) {
        (void)websocket_deny(websocket, 503);
    } else if (websocket->state == WEBSOCKET_SETTLING) {
        websocket_settle(websocket);
    } else if (websocket_close(websocket, WS_CLOSE_SERVICE_RESTART, SLICE_EMPTY) == STATUS_OK) {
        make_ready(websocket);
    }
}

void websocket_abort(struct websocket *websocket) {
    exchange_abort(websocket->exchange);
    if (websocket->state != WEBSOCKET_CLOSED) {
        report_close(websocket, WS_CLOSE_ABNORMAL, SLICE_EMPTY);
        websocket->state = WEBSOCKET_CLOSED;
        timer_stop(&websocket->timer);
        make_ready(websocket);
    }
}
