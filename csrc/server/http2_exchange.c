/* Answering on one stream of HTTP/2, and its tunnel. Owns what waits for the stream's window and
 * for the connection's turn. Bytes go to the connection only when the session asks for them, so
 * that the streams share it as their priorities and windows say, and what waits can be dropped. */
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

static struct server *server_of(const struct http2_exchange *stream) {
    return stream->http2->connection->server;
}

static bool is_usable(const struct http2_exchange *stream) {
    return http2_is_usable(stream->http2) && (stream->notes & HTTP2_NOTE_OVER) == 0;
}

/* --- Times --- */

static void start_timer(struct http2_exchange *stream, double seconds) {
    if (seconds >= 0) {
        timer_start(server_of(stream)->loop, &stream->timer, seconds);
    } else {
        timer_stop(&stream->timer);
    }
}

/* Cuts the stream, in a way that the client can not take for the end of a response that is not all
 * sent. */
static void reset(struct http2_exchange *stream) {
    if (!is_usable(stream)) {
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
    struct http2_exchange *stream = LIST_OBJECT(timer, struct http2_exchange, timer);
    struct exchange *exchange = &stream->exchange;
    bool is_waiting = exchange->state == EXCHANGE_WAITING;
    if (exchange_is_active(exchange) && !stream->has_ended) {
        exchange_disconnect(exchange);
    }
    if (is_waiting && exchange->state == EXCHANGE_WAITING) {
        exchange_answer(exchange, 503,
                        SLICE_LITERAL("Application failed to respond within time limit."), NULL);
    } else {
        reset(stream);
    }
}

static void watch_stall(struct http2_exchange *stream) {
    if (!timer_is_running(&stream->stall)) {
        struct server *server = server_of(stream);
        stream->stall_progress = stream->progress;
        timer_start(server->loop, &stream->stall,
                    server->is_draining ? LIMIT_DRAIN_STALL_SECONDS : LIMIT_STALL_SECONDS);
    }
}

/* A peer that opens no window holds memory, and keeps an application in send(). */
static void on_stall(struct timer *timer) {
    struct http2_exchange *stream = LIST_OBJECT(timer, struct http2_exchange, stall);
    if (stream->frames.size == 0) {
        return;
    }
    if (stream->progress == stream->stall_progress) {
        reset(stream);
    } else {
        watch_stall(stream);
    }
}

void http2_exchange_shut_down(struct http2_exchange *stream) {
    timer_stop(&stream->stall);
    if (stream->frames.size > 0) {
        watch_stall(stream);
    }
    exchange_shut_down(&stream->exchange);
}

/* --- Its life --- */

struct http2_exchange *http2_exchange_new(struct http2_connection *http2, int32_t id,
                                          const struct http_request_head *head) {
    struct http2_exchange *stream = memory_allocate_zeroed(sizeof(*stream));
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
    start_timer(stream, server_of(stream)->options.http_timeout);
    return stream;
}

void http2_exchange_close(struct http2_exchange *stream) {
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

static void give_window_back(struct http2_exchange *stream, size_t length) {
    if (length > 0 && is_usable(stream)) {
        http2_session_consume(stream->http2->session, stream->id, length);
        http2_flush_later(stream->http2);
    }
}

/* The answer was faster than the body: a client may send a moderate rest before it reads. */
static void discard(struct http2_exchange *stream, size_t length) {
    stream->discarded += length;
    if (stream->discarded > LIMIT_DISCARDED_BODY) {
        reset(stream);
    } else {
        give_window_back(stream, length);
    }
}

/* A tunnel wants nothing while it is paused, nor before it is open. */
static bool takes_bytes(const struct http2_exchange *stream) {
    return !stream->is_paused && stream->exchange.state == EXCHANGE_TUNNEL;
}

/* Delivers piece by piece until the tunnel wants no more for now: what comes at once can be
 * thousands of messages. */
static void fill_tunnel(struct http2_exchange *stream, struct slice bytes) {
    while (bytes.length > 0 && takes_bytes(stream)) {
        size_t length = bytes.length < TUNNEL_PIECE ? bytes.length : TUNNEL_PIECE;
        (void)exchange_deliver(&stream->exchange, slice_of(bytes.data, length), false);
        bytes = slice_without_front(bytes, length);
        give_window_back(stream, length);
    }
    if (bytes.length > 0 && buffer_append(&stream->pending, bytes) != STATUS_OK) {
        reset(stream);
    }
}

void http2_exchange_on_body(struct http2_exchange *stream, struct slice bytes) {
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

void http2_exchange_on_body_end(struct http2_exchange *stream) {
    stream->is_continue_owed = false;
    stream->has_body_ended = true;
    if (stream->pending.length == 0) {
        (void)exchange_deliver(&stream->exchange, SLICE_EMPTY, true);
        http2_note(stream, HTTP2_NOTE_READY);
    }
}

static void send_continue(struct http2_exchange *stream) {
    const struct http_response_head head = {.status = 100, .reason = SLICE_EMPTY};
    stream->is_continue_owed = false;
    (void)http2_session_inform(stream->http2->session, stream->id, &head);
    http2_flush(stream->http2);
}

static void pause_exchange(struct exchange *exchange) {
    http2_of(exchange)->is_paused = true;
}

/* What came while the tunnel was paused goes to it from the loop, not from inside its resuming. */
static void resume_exchange(struct exchange *exchange) {
    struct http2_exchange *stream = http2_of(exchange);
    if (stream->is_continue_owed && exchange->state == EXCHANGE_WAITING && is_usable(stream)) {
        send_continue(stream);
    }
    stream->is_paused = false;
    give_window_back(stream, stream->unconsumed);
    stream->unconsumed = 0;
    if (stream->pending.length > 0) {
        http2_note(stream, HTTP2_NOTE_READY);
    }
}

void http2_exchange_make_ready(struct http2_exchange *stream) {
    if (stream->pending.length > 0 && takes_bytes(stream)) {
        struct buffer pending = stream->pending;
        stream->pending = BUFFER_EMPTY;
        fill_tunnel(stream, buffer_slice(&pending));
        buffer_release(&pending);
        if (stream->has_body_ended && stream->pending.length == 0) {
            (void)exchange_deliver(&stream->exchange, SLICE_EMPTY, true);
        }
    }
    exchange_make_ready(&stream->exchange);
}

/* --- What is sent --- */

/* Something to send is there: the session asks for it. */
static void wake(struct http2_exchange *stream) {
    if (stream->is_waiting) {
        stream->is_waiting = false;
        http2_session_resume(stream->http2->session, stream->id);
    }
    if (stream->frames.size > 0) {
        watch_stall(stream);
    }
}

/* A file is read when its turn has come, before its bytes are announced. */
size_t http2_exchange_on_pull(struct http2_exchange *stream, size_t most, bool *is_last) {
    struct slice parts[STREAM_PARTS_MAX];
    size_t length = 0;
    if (frame_queue_load_front(&stream->frames, most) != STATUS_OK) {
        reset(stream); /* what was promised is not there */
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

static int move(struct http2_exchange *stream, struct write_queue *queue, size_t length) {
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

int http2_exchange_on_push(struct http2_exchange *stream, struct slice head, size_t length) {
    struct write_queue *queue = &stream->http2->connection->queue;
    size_t high_water = server_of(stream)->options.write_high_water;
    int status = write_queue_append(queue, head);
    if (status == STATUS_OK) {
        status = move(stream, queue, length);
    }
    stream->progress += length;
    if (stream->is_congested && stream->frames.size <= high_water / 2) {
        stream->is_congested = false;
        http2_note(stream, HTTP2_NOTE_DRAINED);
    }
    stream->http2->is_paused = write_queue_size(queue) > high_water;
    return status == STATUS_OK && stream->http2->is_paused ? STATUS_STATE : status;
}

/* --- The response --- */

/* All is queued. The exchange is over; the stream when the peer has ended its side too. */
static void finish_response(struct http2_exchange *stream) {
    exchange_end(&stream->exchange);
    if (!stream->has_body_ended) {
        stream->is_paused = false;
        give_window_back(stream, stream->unconsumed);
        stream->unconsumed = 0;
        start_timer(stream, server_of(stream)->options.header_timeout);
    } else {
        timer_stop(&stream->timer);
    }
}

static void choose_framing(struct http2_exchange *stream, const struct http_response_head *head,
                           const struct http_response_facts *facts, int64_t body_length,
                           struct http2_framing *framing) {
    int64_t length = facts->content_length >= 0 ? facts->content_length : body_length;
    bool may_have_length = head->status >= 200 && head->status != 204 && head->status != 304;
    stream->is_bodyless = stream->is_head || !may_have_length;
    stream->remaining = stream->is_bodyless ? -1 : length;
    framing->is_last = body_length == 0 || (stream->is_bodyless && body_length > 0);
    framing->content_length = -1;
    if (facts->content_length < 0 && length >= 0 && may_have_length &&
        (!stream->is_head || length > 0)) {
        framing->content_length = length;
    }
}

static int check_begin(const struct exchange *exchange) {
    if (exchange->state != EXCHANGE_WAITING) {
        return exchange->state == EXCHANGE_ENDED ? STATUS_CLOSED : STATUS_STATE;
    }
    return is_usable(http2_of(exchange)) ? STATUS_OK : STATUS_CLOSED;
}

static int respond(struct exchange *exchange, const struct http_response_head *head,
                   const struct http_response_facts *facts, int64_t body_length) {
    struct http2_exchange *stream = http2_of(exchange);
    struct server *server = server_of(stream);
    int status = check_begin(exchange);
    if (status != STATUS_OK) {
        return status;
    }
    struct http2_framing framing = {.date = facts->has_date ? SLICE_EMPTY : server_date(server),
                                    .server = facts->has_server ? SLICE_EMPTY
                                                                : server->options.server_header};
    choose_framing(stream, head, facts, body_length, &framing);
    status = http2_session_respond(stream->http2->session, stream->id, head, &framing);
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

/* Checks that `length` more bytes keep what the head said. */
static int account_body(struct http2_exchange *stream, uint64_t length, bool is_last) {
    if (stream->remaining < 0) {
        return STATUS_OK;
    }
    if (length > (uint64_t)stream->remaining) {
        return STATUS_INVALID;
    }
    stream->remaining -= (int64_t)length;
    return is_last && stream->remaining > 0 ? STATUS_INVALID : STATUS_OK;
}

/* Whether a part can follow: the states, and what the head has said. */
static int check_part(struct http2_exchange *stream, uint64_t length, bool is_last) {
    enum exchange_state state = stream->exchange.state;
    if (!is_usable(stream) || state == EXCHANGE_ENDED || stream->has_ended) {
        return STATUS_CLOSED;
    }
    if (state != EXCHANGE_RESPONDING && state != EXCHANGE_TUNNEL) {
        return STATUS_STATE;
    }
    return account_body(stream, length, is_last);
}

/* A part was queued, with this status, or can not be. */
static int finish_part(struct http2_exchange *stream, int status, uint64_t length, bool is_last) {
    if (status == STATUS_INVALID || status == STATUS_NO_MEMORY) {
        reset(stream);
    }
    if (status != STATUS_OK) {
        return status;
    }
    stream->exchange.bytes_sent += stream->is_bodyless ? 0 : (int64_t)length;
    stream->has_ended = is_last;
    wake(stream);
    http2_flush(stream->http2);
    if (is_last) {
        finish_response(stream);
    }
    return STATUS_OK;
}

static int send_bytes(struct exchange *exchange, struct slice bytes, bool is_last) {
    struct http2_exchange *stream = http2_of(exchange);
    int status = check_part(stream, bytes.length, is_last);
    if (status == STATUS_OK && bytes.length > 0 && !stream->is_bodyless) {
        char *room;
        status = frame_queue_extend(&stream->frames, bytes.length, &room);
        if (status == STATUS_OK) {
            memcpy(room, bytes.data, bytes.length);
        }
    }
    return finish_part(stream, status, bytes.length, is_last);
}

static int send_frame(struct exchange *exchange, struct frame *frame, bool is_last) {
    struct http2_exchange *stream = http2_of(exchange);
    size_t length = frame->length;
    int status = check_part(stream, length, is_last);
    if (status == STATUS_OK && !stream->is_bodyless) {
        status = frame_queue_push(&stream->frames, frame, false);
    } else {
        frame_unref(frame);
    }
    return finish_part(stream, status, length, is_last);
}

static int send_file(struct exchange *exchange, const struct file_range *range, bool is_last) {
    struct http2_exchange *stream = http2_of(exchange);
    int status = check_part(stream, range->length, is_last);
    if (status == STATUS_OK && !stream->is_bodyless) {
        status = frame_queue_push_file(&stream->frames, range->file, range->offset, range->length);
    } else {
        file_unref(range->file);
    }
    return finish_part(stream, status, range->length, is_last);
}

/* Behind what waits: they are given to the session when that has been sent. */
static int send_trailers(struct exchange *exchange, const struct http_header *fields,
                         size_t count) {
    struct http2_exchange *stream = http2_of(exchange);
    int status = check_part(stream, 0, true);
    if (status == STATUS_OK && count > 0 && !stream->is_bodyless) {
        stream->trailers = http_fields_copy(fields, count);
        status = stream->trailers != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    }
    return finish_part(stream, status, 0, true);
}

static int inform(struct exchange *exchange, const struct http_response_head *head) {
    struct http2_exchange *stream = http2_of(exchange);
    int status = check_begin(exchange);
    if (status == STATUS_OK) {
        status = http2_session_inform(stream->http2->session, stream->id, head);
    }
    return finish_part(stream, status, 0, false);
}

static void abort_exchange(struct exchange *exchange) {
    reset(http2_of(exchange));
}

/* --- Tunnels and congestion --- */

static int queue_frame(struct exchange *exchange, struct frame *frame, bool may_be_dropped) {
    struct http2_exchange *stream = http2_of(exchange);
    if (!is_usable(stream) || exchange->state != EXCHANGE_TUNNEL || stream->has_ended) {
        frame_unref(frame);
        return STATUS_CLOSED;
    }
    exchange->bytes_sent += (int64_t)frame->length;
    int status = frame_queue_push(&stream->frames, frame, may_be_dropped);
    if (status == STATUS_OK) {
        wake(stream);
        http2_flush_later(stream->http2);
    }
    return status;
}

static uint32_t drop_oldest(struct exchange *exchange, size_t bytes) {
    struct frame_queue *frames = &http2_of(exchange)->frames;
    size_t before = frames->size;
    uint32_t dropped = frame_queue_drop_oldest(frames, bytes);
    exchange->bytes_sent -= (int64_t)(before - frames->size);
    return dropped;
}

static void flush(struct exchange *exchange) {
    http2_write(http2_of(exchange)->http2);
}

static size_t queued(const struct exchange *exchange) {
    return http2_of(exchange)->frames.size;
}

static uint64_t progress(const struct exchange *exchange) {
    return http2_of(exchange)->progress;
}

static bool is_congested(struct exchange *exchange) {
    struct http2_exchange *stream = http2_of(exchange);
    size_t high_water = server_of(stream)->options.write_high_water;
    if (stream->frames.size <= high_water || !is_usable(stream)) {
        return false;
    }
    http2_write(stream->http2);
    stream->is_congested = stream->frames.size > high_water && is_usable(stream);
    return stream->is_congested;
}

static int open_tunnel(struct exchange *exchange, const struct http_response_head *head) {
    struct http2_exchange *stream = http2_of(exchange);
    struct server *server = server_of(stream);
    int status = check_begin(exchange);
    if (status != STATUS_OK) {
        return status;
    }
    const struct http2_framing framing = {
        .content_length = -1, .date = server_date(server), .server = server->options.server_header};
    status = http2_session_respond(stream->http2->session, stream->id, head, &framing);
    if (status != STATUS_OK) {
        return status;
    }
    exchange->state = EXCHANGE_TUNNEL;
    exchange->status = head->status;
    timer_stop(&stream->timer);
    http2_note(stream, HTTP2_NOTE_READY); /* for what came behind the request */
    http2_flush(stream->http2);
    return STATUS_OK;
}

/* The stream goes when the peer has ended its side, too, or has had a moment to. */
static void end_tunnel(struct exchange *exchange) {
    struct http2_exchange *stream = http2_of(exchange);
    if (stream->has_ended || !is_usable(stream)) {
        return;
    }
    stream->has_ended = true;
    wake(stream);
    http2_flush(stream->http2);
    if (exchange->state == EXCHANGE_TUNNEL) {
        start_timer(stream, LIMIT_LINGER_SECONDS);
    }
}

const struct exchange_ops http2_exchange_ops = {
    .inform = inform,
    .respond = respond,
    .send = send_bytes,
    .send_frame = send_frame,
    .send_file = send_file,
    .send_trailers = send_trailers,
    .queue_frame = queue_frame,
    .drop_oldest = drop_oldest,
    .flush = flush,
    .queued = queued,
    .progress = progress,
    .is_congested = is_congested,
    .open_tunnel = open_tunnel,
    .end_tunnel = end_tunnel,
    .pause = pause_exchange,
    .resume = resume_exchange,
    .abort = abort_exchange,
};
