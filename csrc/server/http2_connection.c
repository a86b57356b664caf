/* HTTP/2 on a connection. Owns its session and its streams. Application code runs from
 * dispatch_notes() and from the exchange's operations, never while the session is on the stack:
 * what the session reports is noted, and dispatched when it has returned.
 *
 *   IDLE --first bytes of a head--> HEAD --head whole--> BUSY --last stream over--> IDLE
 *   IDLE --time-out--> GOAWAY, over           any --shutdown, GOAWAY--> LEAVING
 *   no stream yet, just accepted --shutdown--> FIRST --first stream, GOAWAY--> LEAVING
 *   FIRST --time-out--> GOAWAY, over
 *   LEAVING --the peer knows, or the timer--> no stream is taken --last stream over--> over
 *   any --the session has failed, or its peer has--> over
 *
 * Output waits in the streams until the session asks for it, which it does as long as the socket
 * takes it (connection_is_congested()). */
#include "server/http2_connection.h"

#include "base/limits.h"
#include "base/memory.h"
#include "server/http2_internal.h"
#include "server/server.h"
#include "server/websocket.h"

static void set_phase(struct http2_connection *http2, enum http2_phase phase) {
    const struct server_options *options = &http2->connection->server->options;
    double seconds = -1;
    if (http2->phase == phase && phase != HTTP2_IDLE) {
        return;
    }
    http2->phase = phase;
    switch (phase) {
    case HTTP2_IDLE:
        seconds = http2->has_begun ? options->keep_alive_timeout : options->header_timeout;
        break;
    case HTTP2_HEAD:
        seconds = options->header_timeout;
        break;
    case HTTP2_BUSY:
        break;
    case HTTP2_FIRST:
        seconds = connection_first_request_seconds(http2->connection);
        break;
    case HTTP2_LEAVING:
        seconds = LIMIT_DRAIN_HANDSHAKE_SECONDS;
        break;
    }
    connection_set_timeout(http2->connection, seconds);
}

static void update_phase(struct http2_connection *http2) {
    if (http2->phase >= HTTP2_FIRST || !http2_is_usable(http2)) {
        return;
    }
    if (http2_session_is_in_head(http2->session)) {
        set_phase(http2, HTTP2_HEAD);
    } else if (http2->exchange_count > 0) {
        set_phase(http2, HTTP2_BUSY);
    } else if (http2->phase != HTTP2_IDLE) {
        set_phase(http2, HTTP2_IDLE);
    }
}

/* --- What is noted and dispatched --- */

void http2_note(struct http2_stream *stream, enum http2_note note) {
    struct http2_connection *http2 = stream->http2;
    stream->notes |= note;
    if (list_is_empty(&stream->noted)) {
        list_append(&http2->noted, &stream->noted);
    }
    if (!http2->is_in_session) {
        http2_flush_later(http2);
    }
}

static void dispatch(struct http2_stream *stream) {
    unsigned notes = stream->notes;
    stream->notes &= HTTP2_NOTE_OVER;
    if ((notes & HTTP2_NOTE_OVER) != 0) {
        http2_stream_close(stream);
        return;
    }
    if ((notes & HTTP2_NOTE_DRAINED) != 0) {
        exchange_drain(&stream->exchange);
    }
    if ((notes & HTTP2_NOTE_READY) != 0) {
        http2_stream_make_ready(stream);
    }
}

/* Nothing more will be said on the connection: whoever waits is notified. */
static void finish(struct http2_connection *http2) {
    connection_finish(http2->connection);
    for (struct list *link = http2->exchanges.next; link != &http2->exchanges; link = link->next) {
        http2_note(LIST_OBJECT(link, struct http2_stream, link), HTTP2_NOTE_OVER);
    }
}

/* Dispatches what was noted, and what is noted meanwhile. Each may end any of the others, and stop
 * the server, which comes back to here: the outer call goes on then. */
static void dispatch_notes(struct http2_connection *http2) {
    if (http2->is_dispatching) {
        return;
    }
    http2->is_dispatching = true;
    while (!list_is_empty(&http2->noted)) {
        struct http2_stream *stream = LIST_OBJECT(http2->noted.next, struct http2_stream, noted);
        list_remove(&stream->noted);
        dispatch(stream);
    }
    http2->is_dispatching = false;
    update_phase(http2);
}

/* --- Output --- */

void http2_write(struct http2_connection *http2) {
    struct connection *connection = http2->connection;
    struct slice bytes;
    if (http2->is_in_session || !http2_is_usable(http2)) {
        return;
    }
    do {
        http2->is_paused = false;
        http2->is_in_session = true;
        int status = http2_session_output(http2->session, &bytes);
        http2->is_in_session = false;
        if (status == STATUS_OK) {
            status = write_queue_append(&connection->queue, bytes);
        }
        if (status != STATUS_OK) {
            connection_close(connection);
            return;
        }
    } while ((bytes.length > 0 || http2->is_paused) && !connection_is_congested(connection));
    connection_flush(connection);
    if (!list_is_empty(&http2->noted) || http2_session_is_over(http2->session)) {
        http2_flush_later(http2);
    }
}

void http2_flush_later(struct http2_connection *http2) {
    event_loop_defer(http2->connection->server->loop, &http2->deferred);
}

void http2_flush(struct http2_connection *http2) {
    struct event_loop *loop = http2->connection->server->loop;
    uint64_t turn = event_loop_turn_number(loop);
    bool may_be_last = http2->connection->has_ended; /* of what the peer's windows let through */
    if (http2->is_in_session || http2->written_turn == turn || may_be_last ||
        event_loop_is_busy(loop)) {
        http2_flush_later(http2);
    } else {
        http2->written_turn = turn;
        http2_write(http2);
    }
}

/* The peer has ended its side: all that the socket takes is sent, and no window will be opened for
 * the rest. */
static void cut_what_has_no_window(struct http2_connection *http2) {
    if (connection_is_congested(http2->connection)) {
        return;
    }
    for (struct list *link = http2->exchanges.next; link != &http2->exchanges; link = link->next) {
        struct http2_stream *stream = LIST_OBJECT(link, struct http2_stream, link);
        if (stream->frames.size > 0) {
            http2_stream_reset(stream);
        }
    }
}

/* Goes on with all there is to do, until there is nothing. */
static void go_on(struct http2_connection *http2) {
    dispatch_notes(http2);
    http2_write(http2);
    dispatch_notes(http2);
    if (http2_is_usable(http2) && http2_session_is_over(http2->session)) {
        finish(http2);
        dispatch_notes(http2);
    } else if (http2->connection->has_ended && http2->exchange_count == 0) {
        connection_finish(http2->connection);
    } else if (http2->connection->has_ended) {
        cut_what_has_no_window(http2);
    }
}

static void on_turn_end(struct deferred *deferred) {
    struct http2_connection *http2 = LIST_OBJECT(deferred, struct http2_connection, deferred);
    event_loop_wake(http2->connection->server->loop);
    go_on(http2);
}

/* --- Events of the session --- */

static void *begin_stream(struct http2_connection *http2, int32_t id,
                          const struct http_request_head *head) {
    struct http2_stream *stream = http2_stream_new(http2, id, head);
    http2->has_begun = true;
    if (stream != NULL) {
        http2_note(stream, HTTP2_NOTE_READY);
        update_phase(http2); /* it may be over before the session is off the stack */
    }
    return stream;
}

static void *on_request(void *owner, int32_t id, const struct http_request_head *head) {
    struct http2_connection *http2 = owner;
    struct server *server = http2->connection->server;
    struct http2_stream *stream = begin_stream(http2, id, head);
    if (stream == NULL) {
        return NULL;
    }
    struct exchange *exchange = &stream->exchange;
    int status = STATUS_OK;
    if (head->upgrades_websocket) {
        websocket_offer(server, exchange);
    } else if (admission_begin_request(exchange)) {
        status = exchange_offer(exchange);
    }
    exchange->request = NULL;
    if (status != STATUS_OK) {
        exchange_answer(exchange, 500, SLICE_LITERAL("Internal Server Error"), NULL);
    }
    return stream;
}

/* What is answered when there is no request that could be. */
static const struct http_request_head NO_REQUEST = {
    .method = {"-", 1}, .target = {"-", 1}, .version_major = 2, .content_length = -1};

static void *on_refused(void *owner, int32_t id, int status, const char *reason) {
    struct http2_connection *http2 = owner;
    struct http2_stream *stream = begin_stream(http2, id, &NO_REQUEST);
    if (stream != NULL) {
        stream->exchange.request = NULL;
        server_refuse(http2->connection->server, exchange_client(&stream->exchange), status,
                      reason);
        exchange_answer(&stream->exchange, status, slice_of(reason, strlen(reason)), NULL);
    }
    return stream;
}

static void on_body(void *stream, struct slice bytes) {
    http2_stream_on_body(stream, bytes);
}

static void on_body_end(void *stream) {
    http2_stream_on_body_end(stream);
}

static size_t on_pull(void *stream, size_t most, bool *is_last) {
    return http2_stream_on_pull(stream, most, is_last);
}

static const struct http_fields *on_trailers(void *stream) {
    return ((struct http2_stream *)stream)->trailers;
}

static int on_push(void *stream, struct slice head, size_t length) {
    return http2_stream_on_push(stream, head, length);
}

static void on_stream_closed(void *stream) {
    http2_note(stream, HTTP2_NOTE_OVER);
}

static void on_failure(void *owner, const char *reason) {
    struct connection *connection = ((struct http2_connection *)owner)->connection;
    server_refuse(connection->server, connection_peer(connection), 400, reason);
}

static const struct http2_session_events session_events = {
    .on_request = on_request,
    .on_refused = on_refused,
    .on_body = on_body,
    .on_body_end = on_body_end,
    .on_pull = on_pull,
    .on_trailers = on_trailers,
    .on_push = on_push,
    .on_closed = on_stream_closed,
    .on_failure = on_failure,
};

/* --- The connection's events --- */

/* Streams that the peer opens from now on are not taken. */
static void end_session(struct http2_connection *http2) {
    if (!http2->is_ended) {
        http2->is_ended = true;
        if (http2_session_end(http2->session) != STATUS_OK) {
            connection_close(http2->connection);
        }
    }
}

/* Says that the end comes: what the peer sends until it knows is still answered. */
static void announce_end(struct http2_connection *http2) {
    if (http2_session_announce_end(http2->session) != STATUS_OK) {
        connection_close(http2->connection);
        return;
    }
    set_phase(http2, HTTP2_LEAVING);
    go_on(http2);
}

static void on_bytes(void *protocol, struct slice bytes) {
    struct http2_connection *http2 = protocol;
    struct connection *connection = http2->connection;
    http2->is_in_session = true;
    int status = http2_session_feed(http2->session, bytes, connection->last_heard);
    http2->is_in_session = false;
    if (status == STATUS_NO_MEMORY) {
        connection_close(connection);
        return;
    }
    if (http2->phase == HTTP2_LEAVING && http2_session_is_end_known(http2->session)) {
        end_session(http2);
    }
    go_on(http2);
    if (http2->phase == HTTP2_FIRST && http2->has_begun && http2_is_usable(http2)) {
        announce_end(http2);
    }
}

/* A peer that only ended its side still gets the answers, as far as its windows let it. */
static void on_read_end(void *protocol, int status) {
    struct http2_connection *http2 = protocol;
    if (status != STATUS_OK) {
        connection_close(http2->connection);
        return;
    }
    struct list *exchanges = &http2->exchanges;
    http2->is_dispatching = true;
    for (size_t left = http2->exchange_count; left > 0 && !list_is_empty(exchanges); left--) {
        struct list *link = exchanges->next;
        list_remove(link);
        list_append(exchanges, link);
        exchange_disconnect(&LIST_OBJECT(link, struct http2_stream, link)->exchange);
        http2_stream_await_end(LIST_OBJECT(link, struct http2_stream, link));
    }
    http2->is_dispatching = false;
    go_on(http2);
}

static void on_drain(void *protocol) {
    go_on(protocol);
}

static size_t unsent(const void *protocol) {
    const struct http2_connection *http2 = protocol;
    size_t sum = 0;
    for (const struct list *link = http2->exchanges.next; link != &http2->exchanges;
         link = link->next) {
        sum += LIST_OBJECT(link, struct http2_stream, link)->frames.size;
    }
    return sum;
}

static void on_timeout(void *protocol) {
    struct http2_connection *http2 = protocol;
    end_session(http2);
    if (http2->phase != HTTP2_LEAVING) { /* nothing is under way, or a head that does not end */
        http2_write(http2);
        finish(http2);
    }
    go_on(http2);
}

/* A client that was just let in would send its first request elsewhere, where nobody may be. */
static void leave(void *protocol) {
    struct http2_connection *http2 = protocol;
    if (http2->phase == HTTP2_LEAVING) {
        return;
    }
    if (!http2->has_begun && connection_first_request_seconds(http2->connection) > 0) {
        set_phase(http2, HTTP2_FIRST);
    } else {
        announce_end(http2);
    }
}

static void shut_down(void *protocol) {
    struct http2_connection *http2 = protocol;
    leave(http2);
    if (!http2_is_usable(http2)) {
        return;
    }
    struct list *exchanges = &http2->exchanges;
    for (size_t left = http2->exchange_count; left > 0 && !list_is_empty(exchanges); left--) {
        struct list *link = exchanges->next;
        list_remove(link);
        list_append(exchanges, link);
        http2_stream_shut_down(LIST_OBJECT(link, struct http2_stream, link));
    }
    go_on(http2);
}

static void on_closed(void *protocol) {
    struct http2_connection *http2 = protocol;
    http2->is_dispatching = true; /* each is closed here, once */
    while (!list_is_empty(&http2->exchanges)) {
        http2_stream_close(LIST_OBJECT(http2->exchanges.next, struct http2_stream, link));
    }
    deferred_cancel(&http2->deferred);
    http2_session_free(http2->session);
    memory_free(http2);
}

static void *begin(struct connection *connection) {
    struct http2_connection *http2 = memory_allocate_zeroed(sizeof(*http2));
    if (http2 == NULL) {
        return NULL;
    }
    const struct server_options *options = &connection->server->options;
    const struct http2_session_limits limits = {
        .head_size = options->max_head_size,
        .headers = options->max_headers,
        .streams = options->http2_max_streams,
        .stream_window = options->http2_stream_window,
        .resets = options->http2_max_resets,
        .glitches = options->http2_max_glitches,
    };
    http2->connection = connection;
    list_init(&http2->exchanges);
    list_init(&http2->noted);
    deferred_init(&http2->deferred, on_turn_end);
    http2->session = http2_session_new(&limits, &session_events, http2);
    if (http2->session == NULL) {
        memory_free(http2);
        return NULL;
    }
    http2->phase = HTTP2_IDLE;
    set_phase(http2, HTTP2_IDLE);
    http2_flush_later(http2); /* our SETTINGS */
    return http2;
}

const struct protocol_ops http2_connection_ops = {
    .name = "h2",
    .preface = {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24},
    .begin = begin,
    .on_bytes = on_bytes,
    .on_read_end = on_read_end,
    .on_drain = on_drain,
    .unsent = unsent,
    .on_timeout = on_timeout,
    .leave = leave,
    .shutdown = shut_down,
    .on_closed = on_closed,
};
