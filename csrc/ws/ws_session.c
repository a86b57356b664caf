/* What the frames of one client mean, and whether they may come now. A session owns the message
 * that is being gathered and, inside a frame, a decoder of the pool; its owner owns the session. It
 * never sends: the answers (pong, close) are up to the owner.
 *
 * A frame's head is judged first, in begin_frame(); then its payload comes in pieces of at most
 * wslay's buffer, and the last piece of a frame ends a control frame, or with FIN a message. */
#include "ws/ws_session.h"

#include "base/limits.h"

/* RSV1 to RSV3 belong to extensions, and none is negotiated (RFC 6455 section 5.2).
 * permessage-deflate will allow RSV1 (4) on the first frame of a message. */
enum { ALLOWED_RESERVED_BITS = 0 };

enum { CONTROL_BIT = 0x8 };

void ws_session_init(struct ws_session *session, struct ws_decoder_pool *pool,
                     const struct ws_session_limits *limits, const struct ws_session_events *events,
                     void *owner) {
    *session = (struct ws_session){
        .events = events, .owner = owner, .pool = pool, .limits = limits, .message = BUFFER_EMPTY};
}

void ws_session_stop(struct ws_session *session) {
    session->is_ended = true;
}

static void give_back_decoder(struct ws_session *session) {
    struct ws_decoder *decoder = session->decoder;
    session->decoder = NULL;
    ws_decoder_pool_give(session->pool, decoder);
}

void ws_session_release(struct ws_session *session) {
    session->is_ended = true;
    give_back_decoder(session);
    buffer_release(&session->message);
}

static void fail(struct ws_session *session, int code, const char *reason) {
    session->is_ended = true;
    session->events->on_failure(session->owner, code, reason);
}

static bool is_control(const struct ws_head *head) {
    return (head->opcode & CONTROL_BIT) != 0;
}

/* Returns what is wrong with a frame of this head at this place, or NULL. Lengths, and what is said
 * of control frames, are wslay's to judge. */
static const char *find_violation(const struct ws_session *session, const struct ws_head *head) {
    if (!head->is_masked) {
        return "frame is not masked"; /* RFC 6455 section 5.1 */
    }
    if ((head->reserved & ~ALLOWED_RESERVED_BITS) != 0) {
        return "reserved bit is set";
    }
    bool is_inside_message = session->fragments > 0;
    switch (head->opcode) {
    case WS_CONTINUATION:
        return is_inside_message ? NULL : "continuation of no message";
    case WS_TEXT:
    case WS_BINARY:
        return is_inside_message ? "new message inside a fragmented one" : NULL;
    case WS_CLOSE:
    case WS_PING:
    case WS_PONG:
        return NULL;
    default:
        return "unknown opcode";
    }
}

static bool is_over(uint64_t size, size_t already, size_t limit) {
    return limit > 0 && size > limit - already;
}

/* Returns the close code for a data frame over a limit, and why in *reason, or 0. Too many
 * fragments is 1008: the message need not be "too big" (1009), its cost per byte is against our
 * policy. */
static int find_excess(const struct ws_session *session, const struct ws_head *head,
                       const char **reason) {
    const struct ws_session_limits *limits = session->limits;
    if (is_over(head->payload_length, 0, limits->frame_size)) {
        *reason = "frame is too large";
        return WS_CLOSE_TOO_LARGE;
    }
    if (is_over(head->payload_length, session->message.length, limits->message_size)) {
        *reason = "message is too large";
        return WS_CLOSE_TOO_LARGE;
    }
    size_t earned = session->message.length / LIMIT_WS_FRAGMENT_SIZE;
    if (limits->fragments > 0 && session->fragments >= limits->fragments + earned) {
        *reason = "message has too many fragments";
        return WS_CLOSE_POLICY;
    }
    return 0;
}

static enum ws_decoder_result read_piece(struct ws_session *session, struct slice *bytes,
                                         struct slice *piece) {
    enum ws_decoder_result result = ws_decoder_read_payload(session->decoder, bytes, piece);
    if (result == WS_DECODER_INVALID) {
        fail(session, WS_CLOSE_PROTOCOL_ERROR, "invalid frame head");
    }
    return result;
}

/* A head that is over a limit may be malformed on top, which is the graver fault: wslay is asked
 * first, without payload. */
static void refuse_size(struct ws_session *session, int code, const char *reason) {
    struct slice nothing = SLICE_EMPTY;
    struct slice piece;
    if (read_piece(session, &nothing, &piece) != WS_DECODER_INVALID) {
        fail(session, code, reason);
    }
}

/* Judges a whole head. False: the session has failed. */
static bool begin_frame(struct ws_session *session, const struct ws_head *head) {
    const char *reason = find_violation(session, head);
    if (reason != NULL) {
        fail(session, WS_CLOSE_PROTOCOL_ERROR, reason);
        return false;
    }
    if (is_control(head)) {
        return true;
    }
    int code = find_excess(session, head, &reason);
    if (code != 0) {
        refuse_size(session, code, reason);
        return false;
    }
    if (head->opcode != WS_CONTINUATION) {
        session->is_text = head->opcode == WS_TEXT;
    }
    session->fragments++;
    return true;
}

static void end_with_close(struct ws_session *session, struct slice payload) {
    if (payload.length == 0) {
        session->is_ended = true;
        session->events->on_close(session->owner, WS_CLOSE_NO_STATUS, SLICE_EMPTY);
        return;
    }
    if (payload.length == 1) {
        fail(session, WS_CLOSE_PROTOCOL_ERROR, "close frame with half a code");
        return;
    }
    const uint8_t *bytes = (const uint8_t *)payload.data;
    int code = bytes[0] << 8 | bytes[1];
    struct slice reason = slice_of(payload.data + 2, payload.length - 2);
    struct utf8_state utf8 = {0};
    if (!ws_close_code_is_sendable(code)) {
        fail(session, WS_CLOSE_PROTOCOL_ERROR, "invalid close code");
    } else if (!utf8_feed(&utf8, reason) || !utf8_is_complete(&utf8)) {
        fail(session, WS_CLOSE_INVALID_DATA, "close reason is not UTF-8");
    } else {
        session->is_ended = true;
        session->events->on_close(session->owner, code, reason);
    }
}

static void end_control(struct ws_session *session, uint8_t opcode, struct slice payload) {
    if (opcode == WS_PING) {
        session->events->on_ping(session->owner, payload);
    } else if (opcode == WS_PONG) {
        session->events->on_pong(session->owner, payload);
    } else {
        end_with_close(session, payload);
    }
}

/* Control frames come between the fragments of a message: in pieces, they are gathered apart. */
static void take_control_piece(struct ws_session *session, struct ws_decoder *decoder,
                               struct slice piece) {
    bool is_whole = ws_decoder_is_at_edge(decoder);
    if (!is_whole || decoder->control_length > 0) {
        memcpy(decoder->control + decoder->control_length, piece.data, piece.length);
        decoder->control_length = (uint8_t)(decoder->control_length + piece.length);
        piece = slice_of(decoder->control, decoder->control_length);
    }
    if (is_whole) {
        decoder->control_length = 0;
        end_control(session, decoder->head.opcode, piece);
    }
}

/* Detaches the message before it is handed on: the session stands between messages again. */
static void end_message(struct ws_session *session, struct slice payload) {
    if (session->is_text && !utf8_is_complete(&session->utf8)) {
        fail(session, WS_CLOSE_INVALID_DATA, "text ends inside a character");
        return;
    }
    struct buffer message = session->message;
    session->message = BUFFER_EMPTY;
    session->fragments = 0;
    session->events->on_message(session->owner, session->is_text, payload);
    buffer_release(&message);
}

/* Memory grows with what has arrived, never by what a head declares: a head costs an attacker 14
 * bytes. The buffer doubles, and pages of it that no byte has touched are not resident. */
static void take_data_piece(struct ws_session *session, struct ws_decoder *decoder,
                            struct slice piece) {
    if (session->is_text && !utf8_feed(&session->utf8, piece)) {
        fail(session, WS_CLOSE_INVALID_DATA, "text is not UTF-8");
        return;
    }
    bool is_last = ws_decoder_is_at_edge(decoder) && decoder->head.is_final;
    if (is_last && session->message.length == 0) {
        end_message(session, piece);
        return;
    }
    if (buffer_append(&session->message, piece) != STATUS_OK) {
        fail(session, WS_CLOSE_INTERNAL_ERROR, "out of memory");
        return;
    }
    if (is_last) {
        end_message(session, buffer_slice(&session->message));
    }
}

/* Reads on in the current frame, by its head, its first payload, or one more piece. */
static void read_frame(struct ws_session *session, struct slice *bytes) {
    struct ws_decoder *decoder = session->decoder;
    if (!decoder->is_in_payload) {
        if (!ws_decoder_read_head(decoder, bytes) || !begin_frame(session, &decoder->head)) {
            return;
        }
    }
    struct slice piece;
    if (read_piece(session, bytes, &piece) != WS_DECODER_PIECE) {
        return;
    }
    if (is_control(&decoder->head)) {
        take_control_piece(session, decoder, piece);
    } else {
        take_data_piece(session, decoder, piece);
    }
}

void ws_session_feed(struct ws_session *session, struct slice bytes) {
    while (bytes.length > 0 && !session->is_ended) {
        if (session->decoder == NULL) {
            session->decoder = ws_decoder_pool_take(session->pool);
            if (session->decoder == NULL) {
                fail(session, WS_CLOSE_INTERNAL_ERROR, "out of memory");
                break;
            }
        }
        read_frame(session, &bytes);
    }
    if (session->is_ended) {
        ws_session_release(session);
    } else if (session->decoder != NULL && ws_decoder_is_at_edge(session->decoder)) {
        give_back_decoder(session);
    }
}
