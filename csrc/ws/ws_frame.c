/* Encoding of a server's frames. Owns nothing: every frame made here is the caller's.
 *
 * wslay's frame layer only receives here. wslay_frame_send() needs a context of 4 KiB per sender
 * and a callback for the head and one for the payload, and writes to one receiver; a server's head
 * is 2 to 10 bytes without a mask, and a frame that is encoded once can be shared by many sockets.
 */
#include "ws/ws_frame.h"

#include "base/limits.h"

enum {
    FINAL_BIT = 0x80,
    RSV1_BIT = 0x40,
    LENGTH_IN_2_BYTES = 126,
    LENGTH_IN_8_BYTES = 127,
    CLOSE_CODE_SIZE = 2,
};

static void write_big_endian(char *out, uint64_t number, size_t size) {
    for (size_t i = size; i-- > 0; number >>= 8) {
        out[i] = (char)(number & 0xFF);
    }
}

size_t ws_frame_write_head(char out[WS_FRAME_HEAD_MAX], enum ws_opcode opcode,
                           size_t payload_length) {
    out[0] = (char)(FINAL_BIT | opcode);
    if (payload_length < LENGTH_IN_2_BYTES) {
        out[1] = (char)payload_length;
        return 2;
    }
    if (payload_length <= UINT16_MAX) {
        out[1] = LENGTH_IN_2_BYTES;
        write_big_endian(out + 2, payload_length, 2);
        return 4;
    }
    out[1] = LENGTH_IN_8_BYTES;
    write_big_endian(out + 2, payload_length, 8);
    return WS_FRAME_HEAD_MAX;
}

struct frame *ws_frame_new(enum ws_opcode opcode, struct slice payload) {
    char head[WS_FRAME_HEAD_MAX];
    size_t head_length = ws_frame_write_head(head, opcode, payload.length);
    if (payload.length > SIZE_MAX - head_length) {
        return NULL;
    }
    struct frame *frame = frame_new(head_length + payload.length);
    if (frame == NULL) {
        return NULL;
    }
    memcpy(frame_bytes(frame), head, head_length);
    if (payload.length > 0) {
        memcpy(frame_bytes(frame) + head_length, payload.data, payload.length);
    }
    return frame;
}

struct frame *ws_frame_new_deflated(enum ws_opcode opcode, struct slice payload) {
    struct frame *frame = ws_frame_new(opcode, payload);
    if (frame != NULL) {
        *frame_bytes(frame) |= RSV1_BIT;
    }
    return frame;
}

/* The longest start of `text` within `limit` bytes that cuts no character in two. */
static size_t length_within(struct slice text, size_t limit) {
    if (text.length <= limit) {
        return text.length;
    }
    size_t length = limit;
    while (length > 0 && ((uint8_t)text.data[length] & 0xC0) == 0x80) {
        length--;
    }
    return length;
}

struct frame *ws_frame_new_close(int code, struct slice reason) {
    if (code == WS_CLOSE_NO_STATUS) {
        return ws_frame_new(WS_CLOSE, SLICE_EMPTY);
    }
    char payload[LIMIT_WS_CONTROL_PAYLOAD];
    size_t reason_length = length_within(reason, LIMIT_WS_CLOSE_REASON);
    write_big_endian(payload, (uint64_t)code, CLOSE_CODE_SIZE);
    if (reason_length > 0) {
        memcpy(payload + CLOSE_CODE_SIZE, reason.data, reason_length);
    }
    return ws_frame_new(WS_CLOSE, slice_of(payload, CLOSE_CODE_SIZE + reason_length));
}

bool ws_close_code_is_sendable(int code) {
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}
