/* One WebSocket once its handshake is done: messages, keep-alive, closing. Made by
 * websocket_handshake.c, owned by itself, freed by on_exchange_end(). It sits on its exchange and
 * knows nothing of the HTTP version or the socket below; every frame that arrives goes through its
 * session. Never calls the application but by its events. */
#include "server/websocket.h"

#include "base/counters.h"
#include "base/limits.h"
#include "base/memory.h"
#include "server/server.h"
#include "server/websocket_internal.h"

static void free_websocket(struct websocket *websocket) {
    list_remove(&websocket->link);
    websocket->server->websocket_count--;
    timer_stop(&websocket->timer);
    timer_stop(&websocket->lifetime);
    ws_session_release(&websocket->session);
    ws_sender_release(&websocket->sender);
    memory_free(websocket);
    counters_closed(COUNTER_websockets);
}

void websocket_log_event(const struct websocket *websocket, enum access_event event) {
    const struct exchange *exchange = websocket->exchange;
    if (exchange->access_request != NULL) {
        struct access_entry entry = {.event = event,
                                     .peer = exchange_client(exchange),
                                     .request = exchange->access_request,
                                     .traffic =
                                         event == ACCESS_WSDISCONNECT ? &websocket->traffic : NULL,
                                     .size = -1,
                                     .status = -1};
        access_log_add(&websocket->server->access_log, &entry);
    }
}

void websocket_report_close(struct websocket *websocket, enum websocket_state next, int code,
                            struct slice reason) {
    bool was_connecting = websocket->state == WEBSOCKET_CONNECTING;
    websocket->state = next;
    if (!websocket->is_reported) {
        websocket->is_reported = true;
        timer_stop(&websocket->lifetime);
        groups_leave_all(&websocket->server->groups, &websocket->member);
        websocket->traffic.close_code = code;
        websocket_log_event(websocket, was_connecting ? ACCESS_WSREJECT : ACCESS_WSDISCONNECT);
        if (websocket->events != NULL) {
            websocket->events->on_close(websocket->owner, code, reason);
        }
    }
}

/* --- Timers --- */

void websocket_start_timer(struct websocket *websocket, double seconds) {
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
    const struct exchange *exchange = websocket->exchange;
    return websocket->is_paused || exchange_last_heard(exchange) >= websocket->ping_sent ||
           (websocket->ping_progress > 0 &&
            exchange_progress(exchange) != websocket->ping_progress);
}

/* Sends a ping, and remembers where the peer is with the bytes that it must take before. Returns
 * false when it can not be sent. */
static bool send_ping(struct websocket *websocket) {
    struct exchange *exchange = websocket->exchange;
    uint64_t now = event_loop_now(websocket->server->loop);
    websocket->ping_sent = now > 0 ? now : 1;
    exchange_flush(exchange); /* what waits then waits for the peer, not for the end of the turn */
    websocket->ping_progress = exchange_queued(exchange) > 0 ? exchange_progress(exchange) : 0;
    return send_control(websocket, ws_frame_new(WS_PING, SLICE_EMPTY));
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
        if (!send_ping(websocket)) {
            return;
        }
        next = options->ping_timeout >= 0 && options->ping_timeout < next ? options->ping_timeout
                                                                          : next;
    } else if (options->ping_timeout >= 0) {
        next = options->ping_timeout - waited;
    }
    websocket_start_timer(websocket, next);
}

void websocket_make_ready(struct websocket *websocket) {
    if (websocket->events != NULL) {
        websocket->events->on_ready(websocket->owner);
    }
}

/* The application did not answer the handshake in time. */
static void refuse_unanswered(struct websocket *websocket) {
    websocket_report_close(websocket, WEBSOCKET_CLOSED, WS_CLOSE_ABNORMAL, SLICE_EMPTY);
    if (websocket->events != NULL && websocket->events->on_unanswered != NULL) {
        websocket->events->on_unanswered(websocket->owner);
    }
    (void)websocket_answer_denied(websocket, 403);
}

static void on_timer(struct timer *timer) {
    struct websocket *websocket = LIST_OBJECT(timer, struct websocket, timer);
    switch (websocket->state) {
    case WEBSOCKET_CONNECTING:
        refuse_unanswered(websocket);
        break;
    case WEBSOCKET_OPEN:
        keep_alive(websocket);
        break;
    case WEBSOCKET_CLOSE_WAIT:
        websocket_finish_close(websocket);
        break;
    default: /* the peer did not answer our close frame */
        websocket_abort(websocket);
    }
}

static void on_lifetime(struct timer *timer) {
    struct websocket *websocket = LIST_OBJECT(timer, struct websocket, lifetime);
    (void)websocket_close(websocket, WS_CLOSE_NORMAL, SLICE_EMPTY);
    websocket_make_ready(websocket);
}

/* --- What arrives --- */

/* Nothing more will be taken from the peer: it closed, or broke the protocol. `code` is both what
 * the application receives and what the peer is sent. */
static void end_receiving(struct websocket *websocket, int code, struct slice reason) {
    if (websocket->state == WEBSOCKET_OPEN) {
        websocket->close_code = (uint16_t)code;
        websocket_start_timer(websocket, LIMIT_CLOSE_WAIT_SECONDS);
        websocket_report_close(websocket, WEBSOCKET_CLOSE_WAIT, code, reason);
    } else if (websocket->state == WEBSOCKET_CLOSING) {
        websocket->state = WEBSOCKET_CLOSED;
        exchange_end_tunnel(websocket->exchange);
    }
}

static void on_message(void *owner, bool is_text, struct slice payload) {
    struct websocket *websocket = owner;
    struct metrics *metrics = &websocket->server->metrics;
    websocket->traffic.messages_in++;
    websocket->traffic.bytes_in += payload.length;
    metrics_add(metrics, METRIC_messages_received, 1);
    metrics_add(metrics, METRIC_message_bytes_received, payload.length);
    if (websocket->state != WEBSOCKET_OPEN || websocket->events == NULL) {
        return;
    }
    const struct server *server = websocket->server;
    const char *too_much = ws_rate_add(&websocket->rate, &server->ws_limits.rate, payload.length,
                                       event_loop_now(server->loop));
    if (too_much != NULL) {
        metrics_add(metrics, METRIC_rate_closed, 1);
        end_receiving(websocket, WS_CLOSE_POLICY, slice_of(too_much, strlen(too_much)));
    } else {
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

/* A peer that sends pings and does not read the pongs is not read from until it does: they would
 * queue up without bound. */
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
    (void)payload; /* a sign of life, which the exchange has noted */
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
        websocket_report_close(websocket, WEBSOCKET_CLOSED, WS_CLOSE_ABNORMAL, SLICE_EMPTY);
    }
    if (websocket->state !=
        WEBSOCKET_CLOSE_WAIT) { /* what the application still answers may be read */
        websocket->state = WEBSOCKET_CLOSED;
        exchange_end_tunnel(websocket->exchange);
    }
}

static void on_exchange_ready(void *owner) {
    websocket_make_ready(owner);
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
    websocket_report_close(websocket, WEBSOCKET_CLOSED, WS_CLOSE_ABNORMAL, SLICE_EMPTY);
    timer_stop(&websocket->timer);
    /* A denial that is completed here ends the exchange, and frees us. */
    websocket_make_ready(websocket);
    exchange_abort(exchange); /* there is nothing left to answer */
}

static void on_exchange_shutdown(void *owner) {
    websocket_shutdown(owner);
}

static void on_exchange_end(void *owner) {
    struct websocket *websocket = owner;
    websocket_report_close(websocket, WEBSOCKET_CLOSED, WS_CLOSE_ABNORMAL, SLICE_EMPTY);
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

/* --- Its making --- */

struct websocket *websocket_new(struct server *server, struct exchange *exchange) {
    struct websocket *websocket = memory_allocate_zeroed(sizeof(*websocket));
    if (websocket == NULL) {
        return NULL;
    }
    counters_opened(COUNTER_websockets);
    websocket->server = server;
    list_append(&server->websockets, &websocket->link);
    server->websocket_count++;
    websocket->exchange = exchange;
    websocket->state = WEBSOCKET_CONNECTING;
    member_init(&websocket->member, server->options.websocket_max_groups);
    timer_init(&websocket->timer, on_timer);
    timer_init(&websocket->lifetime, on_lifetime);
    ws_session_init(&websocket->session, server->ws_decoders, &server->ws_limits, &session_events,
                    websocket);
    exchange_attach(exchange, &exchange_events, websocket);
    return websocket;
}

/* --- What the application sends --- */

/* The status of a send in this state. While it waits to close, the application still answers what
 * came before the close frame. */
static int sendable(const struct websocket *websocket) {
    switch (websocket->state) {
    case WEBSOCKET_CONNECTING:
        return STATUS_STATE;
    case WEBSOCKET_OPEN:
    case WEBSOCKET_CLOSE_WAIT:
        return STATUS_OK;
    default:
        return STATUS_CLOSED;
    }
}

static void count_sent(struct websocket *websocket, size_t payload_length) {
    struct metrics *metrics = &websocket->server->metrics;
    websocket->traffic.messages_out++;
    websocket->traffic.bytes_out += payload_length;
    metrics_add(metrics, METRIC_messages_sent, 1);
    metrics_add(metrics, METRIC_message_bytes_sent, payload_length);
}

int websocket_send(struct websocket *websocket, bool is_text, struct slice payload) {
    int status = sendable(websocket);
    if (status != STATUS_OK) {
        return status;
    }
    struct frame *frame = ws_sender_frame(&websocket->sender, is_text, payload);
    if (frame == NULL) {
        return STATUS_NO_MEMORY;
    }
    count_sent(websocket, payload.length);
    return exchange_send_frame(websocket->exchange, frame, false);
}

bool websocket_deliver(struct websocket *websocket, struct ws_message *message) {
    struct frame *frame = websocket->state == WEBSOCKET_OPEN
                              ? ws_sender_group_frame(&websocket->sender, message)
                              : NULL;
    if (frame == NULL || !slow_consumer_make_room(websocket, frame->length)) {
        return false;
    }
    count_sent(websocket, message->payload.length);
    bool may_be_dropped = websocket->server->options.slow_consumer == SLOW_CONSUMER_DROP_OLDEST;
    return exchange_queue_frame(websocket->exchange, frame_ref(frame), may_be_dropped) == STATUS_OK;
}

static void await_close_frame(struct websocket *websocket) {
    websocket_start_timer(websocket, websocket->server->is_draining
                                         ? LIMIT_DRAIN_HANDSHAKE_SECONDS
                                         : LIMIT_CLOSE_HANDSHAKE_SECONDS);
}

int websocket_close(struct websocket *websocket, int code, struct slice reason) {
    int status = sendable(websocket);
    if (status != STATUS_OK) {
        return status;
    }
    if (websocket->state == WEBSOCKET_CLOSE_WAIT) {
        websocket_finish_close(websocket);
        return STATUS_OK;
    }
    struct frame *frame = ws_frame_new_close(code, reason);
    if (frame == NULL) {
        return STATUS_NO_MEMORY;
    }
    websocket->state = WEBSOCKET_CLOSING; /* first: what follows may have others close it, too */
    await_close_frame(websocket);
    status = exchange_send_frame(websocket->exchange, frame, false);
    websocket->is_paused = websocket->is_flooded = false;
    exchange_resume(
        websocket->exchange); /* the peer's close frame stands behind whatever it has sent */
    websocket_report_close(websocket, WEBSOCKET_CLOSING, code, reason);
    return status;
}

void websocket_finish_close(struct websocket *websocket) {
    if (websocket->state != WEBSOCKET_CLOSE_WAIT) {
        return;
    }
    websocket->state = WEBSOCKET_CLOSED;
    timer_stop(&websocket->timer);
    (void)send_control(websocket, ws_frame_new_close(websocket->close_code, SLICE_EMPTY));
    exchange_end_tunnel(websocket->exchange);
    if (websocket->events != NULL) {
        websocket->events->on_drain(websocket->owner); /* nobody waits for room any more */
    }
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
    return sendable(websocket) == STATUS_OK && exchange_is_congested(websocket->exchange);
}

void websocket_shutdown(struct websocket *websocket) {
    if (websocket->state == WEBSOCKET_CONNECTING) {
        (void)websocket_deny(websocket, 503);
    } else if (websocket->state == WEBSOCKET_CLOSE_WAIT) {
        websocket_finish_close(websocket);
    } else if (websocket->state == WEBSOCKET_CLOSING) {
        await_close_frame(websocket);
    } else if (websocket_close(websocket, WS_CLOSE_SERVICE_RESTART, SLICE_EMPTY) == STATUS_OK) {
        websocket_make_ready(websocket);
    }
}

void websocket_abort(struct websocket *websocket) {
    exchange_abort(websocket->exchange);
    if (websocket->state != WEBSOCKET_CLOSED) {
        websocket_report_close(websocket, WEBSOCKET_CLOSED, WS_CLOSE_ABNORMAL, SLICE_EMPTY);
        timer_stop(&websocket->timer);
        websocket_make_ready(websocket);
    }
}
