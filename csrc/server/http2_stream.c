/* One stream of HTTP/2: its life and its times, what arrives on it, what waits to be sent. Owns
 * what waits for the stream's window and for the connection's turn. Bytes go to the connection only
 * when the session asks for them, so that the streams share it as their priorities and windows say,
 * and what waits can be dropped. Answers nothing: that is http2_exchange.c. */
#include "server/http2_internal.h"

#include "base/counters.h"
#include "base/limits.h"
#include "base/memory.h"
#include "server/server.h"

/* Bytes that a tunnel gets at once, as in HTTP/1. */
enum { TUNNEL_PIECE = 4096 };

/* Pieces up to this size are copied into what the connection writes; larger ones are sent in place.
 */
enum { COPIED_PIECE = 2048 };

/* --- Times --- */

void http2_stream_start_timer(struct http2_stream *stream, double seconds) {
    if (seconds >= 0) {
        timer_start(http2_stream_server(stream)->loop, &stream->timer, seconds);
    } else {
        timer_stop(&stream->timer);
    }
}

void http2_stream_reset(struct http2_stream *stream) {
    if (!http2_stream_is_usable(stream)) {
        return;
    }
    if (stream->has_ended && stream->frames.size == 0) {
        http2_session_stop_body(stream->http2->session, stream->id);
    } else {
        http2_session_reset(stream->http2->session, stream->id);
    }
    http2_flush_later(stream->http2);
}

/* The application has had its time, or the peer has to end its side. */
static void on_timer(struct timer *timer) {
    struct http2_stream *stream = LIST_OBJECT(timer, struct http2_stream, timer);
    struct exchange *exchange = &stream->exchange;
    bool is_waiting = exchange->state == EXCHANGE_WAITING;
    if (stream->has_ended && stream->frames.size > 0) { /* on_stall() looks after it */
        http2_stream_start_timer(stream, LIMIT_LINGER_SECONDS);
        return;
    }
    if (exchange_is_active(exchange) && !stream->has_ended) {
        stream->http2->is_dispatching = true;
        exchange_disconnect(exchange);
        stream->http2->is_dispatching = false;
    }
    if (is_waiting && exchange->state == EXCHANGE_WAITING) {
        exchange_answer(exchange, 503,
                        SLICE_LITERAL("Application failed to respond within time limit."), NULL);
    } else {
        http2_stream_reset(stream);
    }
}

static void watch_stall(struct http2_stream *stream) {
    struct server *server = http2_stream_server(stream);
    double seconds = server_stall_seconds(server);
    if (!timer_is_running(&stream->stall) && seconds >= 0) {
        stream->stall_progress = stream->progress;
        stream->stall_others = stream->http2->progress;
        timer_start(server->loop, &stream->stall, seconds);
    }
}

/* The peer would take its bytes, but takes those of other streams first: their priority is higher,
 * or they were first (RFC 9218 section 10). */
static bool waits_for_others(const struct http2_stream *stream) {
    const struct http2_connection *http2 = stream->http2;
    return http2_session_has_window(http2->session, stream->id) &&
           !server_is_stalled(http2_stream_server(stream), http2->progress - stream->stall_others);
}

/* A peer that opens no window holds memory, and keeps an application in send(). */
static void on_stall(struct timer *timer) {
    struct http2_stream *stream = LIST_OBJECT(timer, struct http2_stream, stall);
    if (stream->frames.size == 0) {
        return;
    }
    uint64_t taken = stream->progress - stream->stall_progress;
    if (server_is_stalled(http2_stream_server(stream), taken) && !waits_for_others(stream)) {
        http2_stream_reset(stream);
    } else {
        watch_stall(stream);
    }
}

void http2_stream_await_end(struct http2_stream *stream) {
    const struct server *server = http2_stream_server(stream);
    bool may_go_on =
        !stream->is_upgrade && !server->is_draining && !stream->http2->connection->has_ended;
    if (!exchange_is_active(&stream->exchange) && !stream->has_body_ended) {
        http2_stream_start_timer(stream,
                                 may_go_on ? server->options.header_timeout : LIMIT_LINGER_SECONDS);
    }
}

void http2_stream_shut_down(struct http2_stream *stream) {
    timer_stop(&stream->stall);
    http2_stream_await_end(stream);
    if (stream->frames.size > 0) {
        watch_stall(stream);
    }
    exchange_shut_down(&stream->exchange);
}

/* --- Its life --- */

struct http2_stream *http2_stream_new(struct http2_connection *http2, int32_t id,
                                      const struct http_request_head *head) {
    struct http2_stream *stream = memory_allocate_zeroed(sizeof(*stream));
    if (stream == NULL) {
        return NULL;
    }
    stream->exchange.ops = &http2_exchange_ops;
    stream->exchange.connection = http2->connection;
    stream->http2 = http2;
    stream->id = id;
    stream->remaining = -1;
    stream->is_head = slice_equals(head->method, SLICE_LITERAL("HEAD"));
    stream->is_continue_owed = head->expects_continue;
    stream->is_upgrade = head->upgrades_websocket;
    list_init(&stream->noted);
    list_append(&http2->exchanges, &stream->link);
    http2->exchange_count++;
    timer_init(&stream->timer, on_timer);
    timer_init(&stream->stall, on_stall);
    exchange_begin(&stream->exchange, head);
    http2_stream_start_timer(stream, http2_stream_server(stream)->options.http_timeout);
    return stream;
}

void http2_stream_close(struct http2_stream *stream) {
    timer_stop(&stream->timer);
    timer_stop(&stream->stall);
    if (!stream->has_ended) {
        exchange_disconnect(&stream->exchange);
    }
    exchange_end(&stream->exchange);
    list_remove(&stream->link);
    list_remove(&stream->noted);
    stream->http2->exchange_count--;
    frame_queue_clear(&stream->frames);
    buffer_release(&stream->pending);
    memory_free(stream->trailers);
    memory_free(stream);
}

/* --- What arrives --- */

static void give_window_back(struct http2_stream *stream, size_t length) {
    if (length > 0 && http2_stream_is_usable(stream)) {
        http2_session_consume(stream->http2->session, stream->id, length);
        http2_flush_later(stream->http2);
    }
}

/* The answer was faster than the body: a client may send a moderate rest before it reads. */
static void discard(struct http2_stream *stream, size_t length) {
    stream->discarded += length;
    if (stream->discarded > LIMIT_DISCARDED_BODY) {
        http2_stream_reset(stream);
    } else {
        give_window_back(stream, length);
    }
}

/* A tunnel wants nothing while it is paused, nor before it is open. */
static bool takes_bytes(const struct http2_stream *stream) {
    return !stream->is_paused && stream->exchange.state == EXCHANGE_TUNNEL;
}

/* Delivers piece by piece until the tunnel wants no more for now: what comes at once can be
 * thousands of messages. */
static void fill_tunnel(struct http2_stream *stream, struct slice bytes) {
    while (bytes.length > 0 && takes_bytes(stream)) {
        size_t length = bytes.length < TUNNEL_PIECE ? bytes.length : TUNNEL_PIECE;
        (void)exchange_deliver(&stream->exchange, slice_of(bytes.data, length), false);
        bytes = slice_without_front(bytes, length);
        give_window_back(stream, length);
    }
    if (bytes.length > 0 && buffer_append(&stream->pending, bytes) != STATUS_OK) {
        http2_stream_reset(stream);
    }
}

void http2_stream_on_body(struct http2_stream *stream, struct slice bytes) {
    stream->is_continue_owed = false;
    if (!exchange_is_active(&stream->exchange)) {
        discard(stream, bytes.length);
        return;
    }
    http2_note(stream, HTTP2_NOTE_READY);
    if (stream->is_upgrade && stream->exchange.state != EXCHANGE_RESPONDING) {
        fill_tunnel(stream, bytes);
        return;
    }
    (void)exchange_deliver(&stream->exchange, bytes, false);
    if (stream->is_paused) {
        stream->unconsumed += bytes.length;
    } else {
        give_window_back(stream, bytes.length);
    }
}

/* Behind what came before it; to a tunnel not before it is open. */
static void deliver_end(struct http2_stream *stream) {
    bool is_open = !stream->is_upgrade || stream->exchange.state == EXCHANGE_TUNNEL;
    if (stream->is_end_owed && stream->pending.length == 0 && is_open) {
        stream->is_end_owed = false;
        (void)exchange_deliver(&stream->exchange, SLICE_EMPTY, true);
    }
}

void http2_stream_on_body_end(struct http2_stream *stream) {
    stream->is_continue_owed = false;
    stream->has_body_ended = stream->is_end_owed = true;
    deliver_end(stream);
    http2_note(stream, HTTP2_NOTE_READY);
}

/* What came while a tunnel was paused goes to it from the loop, not from inside its resuming. */
void http2_stream_resume(struct http2_stream *stream) {
    stream->is_paused = false;
    give_window_back(stream, stream->unconsumed);
    stream->unconsumed = 0;
    if (stream->pending.length > 0) {
        http2_note(stream, HTTP2_NOTE_READY);
    }
}

void http2_stream_make_ready(struct http2_stream *stream) {
    if (stream->pending.length > 0 && takes_bytes(stream)) {
        struct buffer pending = stream->pending;
        stream->pending = BUFFER_EMPTY;
        fill_tunnel(stream, buffer_slice(&pending));
        buffer_release(&pending);
    }
    deliver_end(stream);
    exchange_make_ready(&stream->exchange);
    if (stream->is_upgrade && stream->has_body_ended &&
        stream->exchange.state == EXCHANGE_WAITING) {
        exchange_disconnect(&stream->exchange); /* it has left before it was answered */
    }
}

/* --- What is sent --- */

void http2_stream_wake(struct http2_stream *stream) {
    if (stream->is_waiting) {
        stream->is_waiting = false;
        http2_session_resume(stream->http2->session, stream->id);
    }
    if (stream->frames.size > 0) {
        watch_stall(stream);
    }
}

/* A file is read when its turn has come, before its bytes are announced. */
size_t http2_stream_on_pull(struct http2_stream *stream, size_t most, bool *is_last) {
    struct slice parts[STREAM_PARTS_MAX];
    size_t length = 0;
    if (frame_queue_load_front(&stream->frames, most) != STATUS_OK) {
        http2_stream_reset(stream); /* what was promised is not there */
    } else {
        (void)frame_queue_gather(&stream->frames, parts, STREAM_PARTS_MAX, &length);
    }
    length = length < most ? length : most;
    *is_last = stream->has_ended && length == stream->frames.size;
    stream->is_waiting = length == 0 && !*is_last;
    return length;
}

static void release_frame(void *frame) {
    frame_unref(frame);
}

/* Hands a frame of the stream, or a part of it, to the connection. */
static int pass_on(struct write_queue *queue, struct frame *frame, struct slice part) {
    if (part.length <= COPIED_PIECE) {
        return write_queue_append(queue, part);
    }
    if (part.length == frame->length) {
        return write_queue_push(queue, frame_ref(frame));
    }
    struct frame *piece = frame_wrap(part, release_frame, frame_ref(frame));
    if (piece == NULL) {
        frame_unref(frame);
        return STATUS_NO_MEMORY;
    }
    return write_queue_push(queue, piece);
}

static int move(struct http2_stream *stream, struct write_queue *queue, size_t length) {
    while (length > 0) {
        struct slice part;
        struct frame *frame = frame_queue_front(&stream->frames, &part);
        part.length = part.length < length ? part.length : length;
        int status = pass_on(queue, frame, part);
        if (status != STATUS_OK) {
            return status;
        }
        length -= part.length;
        frame_queue_consume(&stream->frames, part.length);
    }
    return STATUS_OK;
}

int http2_stream_on_push(struct http2_stream *stream, struct slice head, size_t length) {
    struct write_queue *queue = &stream->http2->connection->queue;
    size_t high_water = http2_stream_server(stream)->options.write_high_water;
    int status = write_queue_append(queue, head);
    if (status == STATUS_OK) {
        status = move(stream, queue, length);
    }
    stream->progress += length;
    stream->http2->progress += length;
    if (stream->is_congested && stream->frames.size <= high_water / 2) {
        stream->is_congested = false;
        http2_note(stream, HTTP2_NOTE_DRAINED);
    }
    stream->http2->is_paused = write_queue_size(queue) > high_water;
    return status == STATUS_OK && stream->http2->is_paused ? STATUS_STATE : status;
}
