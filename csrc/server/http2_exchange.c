/* Answering on one stream of HTTP/2, and its tunnel: the head, the parts of the body as the stream
 * takes them, the end. Owns nothing of its own: it works on the http2_stream whose exchange it is
 * given. */
#include "server/http2_internal.h"

#include "base/limits.h"
#include "base/memory.h"
#include "server/server.h"

/* --- The request --- */

static void send_continue(struct http2_stream *stream) {
    const struct http_response_head head = {.status = 100, .reason = SLICE_EMPTY};
    stream->is_continue_owed = false;
    (void)http2_session_inform(stream->http2->session, stream->id, &head);
    http2_flush(stream->http2);
}

static void pause_exchange(struct exchange *exchange) {
    http2_of(exchange)->is_paused = true;
}

static void resume_exchange(struct exchange *exchange) {
    struct http2_stream *stream = http2_of(exchange);
    if (stream->is_continue_owed && exchange->state == EXCHANGE_WAITING &&
        http2_stream_is_usable(stream)) {
        send_continue(stream);
    }
    http2_stream_resume(stream);
}

/* --- The response --- */

/* All is queued. The exchange is over; the stream when the peer has ended its side too. */
static void finish_response(struct http2_stream *stream) {
    exchange_end(&stream->exchange);
    if (!stream->has_body_ended) {
        http2_stream_resume(stream);
        http2_stream_await_end(stream);
    } else {
        timer_stop(&stream->timer);
    }
}

static void choose_framing(struct http2_stream *stream, const struct http_response_head *head,
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
    return http2_stream_is_usable(http2_of(exchange)) ? STATUS_OK : STATUS_CLOSED;
}

static int respond(struct exchange *exchange, const struct http_response_head *head,
                   const struct http_response_facts *facts, int64_t body_length) {
    struct http2_stream *stream = http2_of(exchange);
    struct server *server = http2_stream_server(stream);
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
        http2_flush_later(stream->http2); /* the session may be over */
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
static int account_body(struct http2_stream *stream, uint64_t length, bool is_last) {
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
static int check_part(struct http2_stream *stream, uint64_t length, bool is_last) {
    enum exchange_state state = stream->exchange.state;
    if (!http2_stream_is_usable(stream) || state == EXCHANGE_ENDED || stream->has_ended) {
        return STATUS_CLOSED;
    }
    if (state != EXCHANGE_RESPONDING && state != EXCHANGE_TUNNEL) {
        return STATUS_STATE;
    }
    return account_body(stream, length, is_last);
}

/* A part was queued, with this status, or can not be. */
static int finish_part(struct http2_stream *stream, int status, uint64_t length, bool is_last) {
    if (status == STATUS_INVALID || status == STATUS_NO_MEMORY) {
        http2_stream_reset(stream);
    }
    if (status != STATUS_OK) {
        return status;
    }
    stream->exchange.bytes_sent += stream->is_bodyless ? 0 : (int64_t)length;
    stream->has_ended = is_last;
    http2_stream_wake(stream);
    http2_flush(stream->http2);
    if (is_last) {
        finish_response(stream);
    }
    return STATUS_OK;
}

static int send_bytes(struct exchange *exchange, struct slice bytes, bool is_last) {
    struct http2_stream *stream = http2_of(exchange);
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
    struct http2_stream *stream = http2_of(exchange);
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
    struct http2_stream *stream = http2_of(exchange);
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
    struct http2_stream *stream = http2_of(exchange);
    int status = check_part(stream, 0, true);
    if (status == STATUS_OK && count > 0 && !stream->is_bodyless) {
        stream->trailers = http_fields_copy(fields, count);
        status = stream->trailers != NULL ? STATUS_OK : STATUS_NO_MEMORY;
    }
    return finish_part(stream, status, 0, true);
}

static int inform(struct exchange *exchange, const struct http_response_head *head) {
    struct http2_stream *stream = http2_of(exchange);
    int status = check_begin(exchange);
    if (status == STATUS_OK) {
        status = http2_session_inform(stream->http2->session, stream->id, head);
    }
    return finish_part(stream, status, 0, false);
}

static void abort_exchange(struct exchange *exchange) {
    http2_stream_reset(http2_of(exchange));
}

/* --- Tunnels and congestion --- */

static int queue_frame(struct exchange *exchange, struct frame *frame, bool may_be_dropped) {
    struct http2_stream *stream = http2_of(exchange);
    if (!http2_stream_is_usable(stream) || exchange->state != EXCHANGE_TUNNEL ||
        stream->has_ended) {
        frame_unref(frame);
        return STATUS_CLOSED;
    }
    exchange->bytes_sent += (int64_t)frame->length;
    int status = frame_queue_push(&stream->frames, frame, may_be_dropped);
    if (status == STATUS_OK) {
        http2_stream_wake(stream);
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
    struct http2_stream *stream = http2_of(exchange);
    size_t high_water = http2_stream_server(stream)->options.write_high_water;
    if (stream->frames.size <= high_water || !http2_stream_is_usable(stream)) {
        return false;
    }
    http2_write(stream->http2);
    stream->is_congested = stream->frames.size > high_water && http2_stream_is_usable(stream);
    return stream->is_congested;
}

static int open_tunnel(struct exchange *exchange, const struct http_response_head *head) {
    struct http2_stream *stream = http2_of(exchange);
    struct server *server = http2_stream_server(stream);
    int status = check_begin(exchange);
    if (status != STATUS_OK) {
        return status;
    }
    const struct http2_framing framing = {
        .content_length = -1, .date = server_date(server), .server = server->options.server_header};
    status = http2_session_respond(stream->http2->session, stream->id, head, &framing);
    if (status != STATUS_OK) {
        http2_flush_later(stream->http2); /* the session may be over */
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
    struct http2_stream *stream = http2_of(exchange);
    if (stream->has_ended || !http2_stream_is_usable(stream)) {
        return;
    }
    stream->has_ended = true;
    http2_stream_wake(stream);
    http2_flush(stream->http2);
    if (exchange->state == EXCHANGE_TUNNEL) {
        http2_stream_start_timer(stream, LIMIT_LINGER_SECONDS);
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
