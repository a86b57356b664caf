/* What nghttp2 tells of what arrives: becomes events, or counts against the peer. Owns nothing. */
#include "http2/http2_internal.h"

#include "base/limits.h"

static void *stream_of(struct http2_session *session, int32_t id) {
    return nghttp2_session_get_stream_user_data(session->nghttp2, id);
}

/* --- What brings nothing --- */

static void take_glitch(struct http2_session *session, const char *reason) {
    if (!http2_budget_take(&session->glitches, session->now)) {
        http2_session_fail(session, NGHTTP2_ENHANCE_YOUR_CALM, reason);
    }
}

static void take_reset(struct http2_session *session, const char *reason) {
    if (!http2_budget_take(&session->resets, session->now)) {
        http2_session_fail(session, NGHTTP2_ENHANCE_YOUR_CALM, reason);
    }
}

/* A block that decodes into nothing is as long as it likes otherwise. */
static void count_block(struct http2_session *session, const struct http2_frame *frame) {
    session->is_in_head = (frame->flags & NGHTTP2_FLAG_END_HEADERS) == 0;
    session->block_size =
        frame->type == NGHTTP2_CONTINUATION ? session->block_size + frame->length : frame->length;
    if (session->block_size > LIMIT_HTTP2_BLOCK_FACTOR * session->limits.head_size) {
        http2_session_fail(session, NGHTTP2_ENHANCE_YOUR_CALM, "a header block without end");
    }
}

/* A body or a head for a stream that is not there any more. */
static void check_closed(struct http2_session *session, const struct http2_frame *frame) {
    if (nghttp2_session_find_stream(session->nghttp2, frame->id) != NULL ||
        frame->id > nghttp2_session_get_last_proc_stream_id(session->nghttp2)) {
        return;
    }
    enum http2_closed_by closed_by = http2_closed_find(&session->closed, frame->id);
    if (closed_by == HTTP2_CLOSED_BY_PEER) {
        http2_session_fail(session, NGHTTP2_STREAM_CLOSED, "a frame for a stream that has ended");
    } else if (closed_by == HTTP2_CLOSED_UNKNOWN && frame->type == NGHTTP2_HEADERS) {
        http2_session_fail(session, NGHTTP2_PROTOCOL_ERROR, "streams are not opened in order");
    }
}

/* What RFC 9218 has put in the place of these is nghttp2's; they must be right all the same. */
static void check_priority(struct http2_session *session, const struct http2_frame *frame) {
    if (frame->id == 0 || frame->dependency == frame->id) {
        http2_session_fail(session, NGHTTP2_PROTOCOL_ERROR, "a PRIORITY frame of itself");
    }
    take_glitch(session, "too many PRIORITY frames");
}

void http2_receive_judge(struct http2_session *session, const struct http2_frame *frame) {
    bool is_ack = (frame->flags & NGHTTP2_FLAG_ACK) != 0;
    switch (frame->type) {
    case NGHTTP2_DATA:
        check_closed(session, frame);
        if (frame->length == 0 && (frame->flags & NGHTTP2_FLAG_END_STREAM) == 0) {
            take_glitch(session, "too many empty DATA frames");
        }
        break;
    case NGHTTP2_HEADERS:
        check_closed(session, frame);
        count_block(session, frame);
        break;
    case NGHTTP2_CONTINUATION:
        take_glitch(session, "too many CONTINUATION frames");
        count_block(session, frame);
        break;
    case NGHTTP2_PRIORITY:
        check_priority(session, frame);
        break;
    case NGHTTP2_RST_STREAM:
        take_reset(session, "too many streams are broken off");
        break;
    case NGHTTP2_WINDOW_UPDATE:
        if (!http2_budget_take(&session->updates, session->now)) {
            http2_session_fail(session, NGHTTP2_ENHANCE_YOUR_CALM, "too many WINDOW_UPDATE frames");
        }
        break;
    default:
        if (!is_ack || (frame->type != NGHTTP2_SETTINGS && frame->type != NGHTTP2_PING)) {
            take_glitch(session, "too many frames that say nothing");
        }
    }
}

/* Streams that we have to break off are the peer's doing too, by whatever it did to them. */
static int on_frame_send(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *owner) {
    (void)nghttp2;
    struct http2_session *session = owner;
    if (frame->hd.type == NGHTTP2_RST_STREAM) {
        uint32_t code = frame->rst_stream.error_code;
        http2_closed_add(&session->closed, frame->hd.stream_id, true);
        if (code != NGHTTP2_NO_ERROR && code != NGHTTP2_INTERNAL_ERROR) {
            take_reset(session, "too many streams had to be broken off");
        }
    } else if (frame->hd.type == NGHTTP2_GOAWAY && frame->goaway.error_code != NGHTTP2_NO_ERROR) {
        http2_session_fail(session, frame->goaway.error_code,
                           nghttp2_http2_strerror(frame->goaway.error_code));
    }
    return 0;
}

/* --- Heads --- */

static int on_begin_headers(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *owner) {
    (void)nghttp2;
    (void)frame;
    http2_head_begin(&((struct http2_session *)owner)->head);
    return 0;
}

static int on_header(nghttp2_session *nghttp2, const nghttp2_frame *frame, const uint8_t *name,
                     size_t name_length, const uint8_t *value, size_t value_length, uint8_t flags,
                     void *owner) {
    (void)nghttp2;
    (void)flags;
    struct http2_session *session = owner;
    bool is_trailer = frame->headers.cat != NGHTTP2_HCAT_REQUEST;
    const struct http2_head_limits limits = {.size = is_trailer ? LIMIT_TRAILER_SIZE
                                                                : session->limits.head_size,
                                             .headers = session->limits.headers};
    http2_head_add(&session->head, &limits, slice_of((const char *)name, name_length),
                   slice_of((const char *)value, value_length));
    return 0;
}

static void end_body(struct http2_session *session, int32_t id) {
    void *stream = stream_of(session, id);
    if (stream != NULL) {
        session->events->on_body_end(stream);
    }
}

/* It may be sent again (RFC 9113 section 8.7), which browsers do by themselves. */
static void refuse_stream(struct http2_session *session, int32_t id) {
    (void)nghttp2_submit_rst_stream(session->nghttp2, NGHTTP2_FLAG_NONE, id,
                                    NGHTTP2_REFUSED_STREAM);
}

static void offer(struct http2_session *session, const nghttp2_frame_hd *hd) {
    if (session->open_streams >= session->limits.streams) {
        refuse_stream(session, hd->stream_id);
        return;
    }
    struct http_request_head request;
    bool has_body = (hd->flags & NGHTTP2_FLAG_END_STREAM) == 0;
    struct http_refusal refusal = http2_head_finish(&session->head, has_body, &request);
    void *stream = refusal.status == 0
                       ? session->events->on_request(session->owner, hd->stream_id, &request)
                       : session->events->on_refused(session->owner, hd->stream_id, refusal.status,
                                                     refusal.reason);
    if (stream == NULL) {
        refuse_stream(session, hd->stream_id);
        return;
    }
    session->open_streams++;
    (void)nghttp2_session_set_stream_user_data(session->nghttp2, hd->stream_id, stream);
    if (!has_body) {
        end_body(session, hd->stream_id);
    }
}

/* Trailer fields are checked, and dropped as those of HTTP/1.1. Too many of them are the peer's
 * doing, and cut by a code that counts as such. */
static void end_by_trailers(struct http2_session *session, const nghttp2_frame_hd *hd) {
    if (session->head.refusal.status != 0) {
        (void)nghttp2_submit_rst_stream(session->nghttp2, NGHTTP2_FLAG_NONE, hd->stream_id,
                                        NGHTTP2_ENHANCE_YOUR_CALM);
    } else if ((hd->flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        end_body(session, hd->stream_id);
    }
}

static int on_frame_recv(nghttp2_session *nghttp2, const nghttp2_frame *frame, void *owner) {
    (void)nghttp2;
    struct http2_session *session = owner;
    const nghttp2_frame_hd *hd = &frame->hd;
    if (session->failure != NULL) {
        return 0;
    }
    if (hd->type == NGHTTP2_HEADERS && frame->headers.cat == NGHTTP2_HCAT_REQUEST) {
        offer(session, hd);
    } else if (hd->type == NGHTTP2_HEADERS) {
        end_by_trailers(session, hd);
    } else if (hd->type == NGHTTP2_DATA && (hd->flags & NGHTTP2_FLAG_END_STREAM) != 0) {
        end_body(session, hd->stream_id);
    } else if (hd->type == NGHTTP2_PING && (hd->flags & NGHTTP2_FLAG_ACK) != 0) {
        session->is_end_known = true;
    }
    return 0;
}

/* --- Bodies and ends --- */

/* The connection's window is given back at once: one stream that nobody reads does not hold up the
 * others, and what waits of each is bounded by its own window. */
static int on_data(nghttp2_session *nghttp2, uint8_t flags, int32_t id, const uint8_t *data,
                   size_t length, void *owner) {
    (void)flags;
    struct http2_session *session = owner;
    void *stream = stream_of(session, id);
    if (nghttp2_session_consume_connection(nghttp2, length) == NGHTTP2_ERR_NOMEM) {
        return NGHTTP2_ERR_CALLBACK_FAILURE;
    }
    if (stream != NULL && length > 0) {
        session->events->on_body(stream, slice_of((const char *)data, length));
    }
    return 0;
}

static int on_stream_close(nghttp2_session *nghttp2, int32_t id, uint32_t code, void *owner) {
    struct http2_session *session = owner;
    (void)code;
    if (http2_closed_find(&session->closed, id) == HTTP2_CLOSED_UNKNOWN) {
        http2_closed_add(&session->closed, id, false);
    }
    void *stream = stream_of(session, id);
    if (stream != NULL) {
        session->open_streams--;
        (void)nghttp2_session_set_stream_user_data(nghttp2, id, NULL);
        session->events->on_closed(stream);
    }
    return 0;
}

void http2_receive_install(nghttp2_session_callbacks *callbacks) {
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_frame_send);
    nghttp2_session_callbacks_set_on_begin_headers_callback(callbacks, on_begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_frame_recv);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_data);
    nghttp2_session_callbacks_set_on_stream_close_callback(callbacks, on_stream_close);
}
