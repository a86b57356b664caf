/* Frames of a server (RFC 6455 section 5.2: never masked), encoded whole into one shareable struct
 * frame, and the vocabulary of frames: opcodes and close codes. */
#ifndef CASGI_WS_WS_FRAME_H
#define CASGI_WS_WS_FRAME_H

#include "base/frame.h"

/* RFC 6455 section 11.8. */
enum ws_opcode {
    WS_CONTINUATION = 0x0,
    WS_TEXT = 0x1,
    WS_BINARY = 0x2,
    WS_CLOSE = 0x8,
    WS_PING = 0x9,
    WS_PONG = 0xA
};

/* RFC 6455 section 7.4.1 and the IANA registry. */
enum ws_close_code {
    WS_CLOSE_NORMAL = 1000,
    WS_CLOSE_GOING_AWAY = 1001,
    WS_CLOSE_PROTOCOL_ERROR = 1002,
    WS_CLOSE_NO_STATUS = 1005, /* never on the wire: the close frame was empty */
    WS_CLOSE_ABNORMAL = 1006,  /* never on the wire: there was no close frame */
    WS_CLOSE_INVALID_DATA = 1007,
    WS_CLOSE_POLICY = 1008,
    WS_CLOSE_TOO_LARGE = 1009,
    WS_CLOSE_INTERNAL_ERROR = 1011,
    WS_CLOSE_SERVICE_RESTART = 1012
};

/* The longest frame head of a server: 2 bytes and an extended length of 8. */
#define WS_FRAME_HEAD_MAX 10

/* Writes the head of an unmasked, final frame and returns its length in bytes. */
size_t ws_frame_write_head(char out[WS_FRAME_HEAD_MAX], enum ws_opcode opcode,
                           size_t payload_length);

/* Returns new frame: head and a copy of the payload (*borrows*), or NULL without memory. A control
 * frame's payload is at most LIMIT_WS_CONTROL_PAYLOAD bytes: the caller's duty. */
struct frame *ws_frame_new(enum ws_opcode opcode, struct slice payload);

/* As ws_frame_new() with RSV1: the payload of a message is compressed (RFC 7692 section 6). */
struct frame *ws_frame_new_deflated(enum ws_opcode opcode, struct slice payload);

/* Returns new close frame with `code` and `reason` (*borrows*; UTF-8, cut at a character within
 * LIMIT_WS_CLOSE_REASON bytes), an empty one for WS_CLOSE_NO_STATUS, or NULL without memory. Any
 * other code goes out as it is: ask ws_close_code_is_sendable() first. */
struct frame *ws_frame_new_close(int code, struct slice reason);

/* True for a code that may stand in a close frame, in either direction (RFC 6455 section 7.4 and
 * the IANA registry: 1000-1003, 1007-1014, 3000-4999). */
bool ws_close_code_is_sendable(int code);

#endif
