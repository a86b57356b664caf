/* What the frames of one client mean, and whether they may come now. A session owns the message
 * that is being gathered and, inside a frame, a decoder of the pool; its owner owns the session. It
 * never sends: the answers (pong, close) are up to the owner.
 *
 * A frame's head is judged first, in begin_frame(); then its payload comes in pieces of at most
 * wslay's buffer, and the last piece of a frame ends a control frame, or with FIN a message.
 * wslay's frame layer passes RSV bits on as they are: what they may be is judged here. */
#include "ws/ws_session.h"

#include "base/limits.h"

/* RSV1, in struct ws_head.reserved: the message that begins here is compressed (RFC 7692
 * section 6). */
enum { COMPRESSED_BIT = 4 };

enum { CONTROL_BIT = 0x8 };

void ws_session_init(struct ws_session *session, struct ws_decoder_pool *pool,
                     const struct ws_session_limits *limits, const struct ws_session_events *events,
                     void *owner) {
    *session = (struct ws_session){
        .events = events, .owner = owner, .pool = pool, .limits = limits, .message = BUFFER_EMPTY};
}

void ws_session_inflate(struct ws_session *session, struct ws_inflater_pool *inflaters,
                        const struct ws_deflate_terms *terms) {
    session->inflaters = inflaters;
    session->terms = terms;
}

static void give_back_decoder(struct ws_session *session) {
    struct ws_decoder *decoder = session->decoder;
    session->decoder = NULL;
    ws_decoder_pool_give(session->pool, decoder);
}

static void give_back_inflater(struct ws_session *session) {
    struct ws_inflater *inflater = session->inflater;
    session->inflater = NULL;
    ws_inflater_pool_give(session->inflaters, inflater);
}

void ws_session_release(struct ws_session *session) {
    session->is_ended = true;
    give_back_decoder(session);
    give_back_inflater(session);
    buffer_release(&session->message);
}

static void fail(struct ws_session *session, int code, const char *reason) {
    session->is_ended = true;
    session->events->on_failure(session->owner, code, reason);
}

static bool is_control(const struct ws_head *head) {
    return (head->opcode & CONTROL_BIT) != 0;
}

/* RSV1 to RSV3 belong to extensions (RFC 6455 section 5.2): permessage-deflate has the first one,
 * on the first frame of a message. */
static uint8_t allowed_reserved_bits(const struct ws_session *session, const struct ws_head *head) {
    bool begins_message = head->opcode == WS_TEXT || head->opcode == WS_BINARY;
    return session->terms != NULL && begins_message ? COMPRESSED_BIT : 0;
}

/* Returns what is wrong with a frame of this head at this place, or NULL. Lengths, and what is said
 * of control frames, are wslay's to judge. */
static const char *find_violation(const struct ws_session *session, const struct ws_head *head) {
    if (!head->is_masked) {
        return "frame is not masked"; /* RFC 6455 section 5.1 */
    }
    if ((head->reserved & ~allowed_reserved_bits(session, head)) != 0) {
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

static bool is_of_compressed(const struct ws_session *session, const struct ws_head *head) {
    return head->opcode == WS_CONTINUATION ? session->is_compressed
                                           : (head->reserved & COMPRESSED_BIT) != 0;
}

/* What a compressed message inflates to is seen while it comes. Its frames may be longer than that,
 * by what deflate adds at worst; more, without end, would only keep us busy. */
static bool is_message_over(const struct ws_session *session, const struct ws_head *head) {
    size_t limit = session->limits->message_size;
    if (!is_of_compressed(session, head)) {
        return is_over(head->payload_length, session->message.length, limit);
    }
    size_t already = head->opcode == WS_CONTINUATION ? session->compressed_size : 0;
    size_t most = limit + limit / LIMIT_WS_DEFLATE_GROWTH + LIMIT_WS_DEFLATE_EXTRA;
    return limit > 0 && is_over(head->payload_length, already, most);
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
    if (is_message_over(session, head)) {
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

/* Notes what kind of message begins. False: the session has failed. */
static bool begin_message(struct ws_session *session, const struct ws_head *head) {
    session->is_text = head->opcode == WS_TEXT;
    session->is_compressed = (head->reserved & COMPRESSED_BIT) != 0;
    session->compressed_size = 0;
    if (session->is_compressed && session->inflater == NULL) {
        session->inflater = ws_inflater_pool_take(session->inflaters);
        if (session->inflater == NULL) {
            fail(session, WS_CLOSE_INTERNAL_ERROR, "out of memory");
            return false;
        }
    }
    return true;
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
    if (head->opcode != WS_CONTINUATION && !begin_message(session, head)) {
        return false;
    }
    session->compressed_size += head->payload_length;
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
    if (session->is_compressed && !session->terms->client_has_takeover) {
        give_back_inflater(session);
    }
    struct buffer message = session->message;
    session->message = BUFFER_EMPTY;
    session->fragments = 0;
    session->events->on_message(session->owner, session->is_text, payload);
    buffer_release(&message);
}

/* False: the session has failed. */
static bool check_text(struct ws_session *session, struct slice piece) {
    if (session->is_text && !utf8_feed(&session->utf8, piece)) {
        fail(session, WS_CLOSE_INVALID_DATA, "text is not UTF-8");
        return false;
    }
    return true;
}

/* Memory grows with what has arrived, never by what a head declares: a head costs an attacker 14
 * bytes. The buffer doubles, and pages of it that no byte has touched are not resident. */
static void take_plain_piece(struct ws_session *session, struct slice piece, bool is_last) {
    if (!check_text(session, piece)) {
        return;
    }
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

static void fail_to_inflate(struct ws_session *session, int status) {
    if (status == STATUS_TOO_LARGE) {
        fail(session, WS_CLOSE_TOO_LARGE, "message is too large");
    } else if (status == STATUS_NO_MEMORY) {
        fail(session, WS_CLOSE_INTERNAL_ERROR, "out of memory");
    } else {
        fail(session, WS_CLOSE_INVALID_DATA, "message can not be inflated");
    }
}

/* What has come out is looked at before what went wrong behind it, so that the same bytes fail for
 * the same reason however they are cut. */
static void take_compressed_piece(struct ws_session *session, struct slice piece, bool is_last) {
    struct buffer *message = &session->message;
    size_t most = session->limits->message_size;
    size_t before = message->length;
    int status = ws_inflater_feed(session->inflater, piece, most, message);
    if (status == STATUS_OK && is_last) {
        status = ws_inflater_end(session->inflater, most, message);
    }
    if (!check_text(session, slice_without_front(buffer_slice(message), before))) {
        return;
    }
    if (status != STATUS_OK) {
        fail_to_inflate(session, status);
    } else if (is_last) {
        end_message(session, buffer_slice(message));
    }
}

static void take_data_piece(struct ws_session *session, struct ws_decoder *decoder,
                            struct slice piece) {
    bool is_last = ws_decoder_is_at_edge(decoder) && decoder->head.is_final;
    if (session->is_compressed) {
        take_compressed_piece(session, piece, is_last);
    } else {
        take_plain_piece(session, piece, is_last);
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
