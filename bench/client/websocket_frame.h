/* websocket_frame: the small part of RFC 6455 framing (section 5.2) that the load clients and the
 * floor need: unfragmented frames with payloads up to 65,535 bytes, masked from the client only,
 * compressed from the server only (RFC 7692).
 * Borrows all memory and keeps none. */
#ifndef BENCH_WEBSOCKET_FRAME_H
#define BENCH_WEBSOCKET_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { OPCODE_TEXT = 0x1, OPCODE_CLOSE = 0x8, OPCODE_PING = 0x9, OPCODE_PONG = 0xA };

enum {
    FRAME_FINAL_BIT = 0x80,
    FRAME_DEFLATED_BIT = 0x40,
    FRAME_MASK_BIT = 0x80,
    FRAME_CONTROL_MAX = 125,   /* also the longest payload whose length takes no extra bytes */
    FRAME_PAYLOAD_MAX = 65535, /* the 64-bit length is never used */
    FRAME_HEADER_MAX = 8,      /* 2 bytes, a 16-bit length, the mask */
};

enum frame_status { FRAME_WHOLE, FRAME_INCOMPLETE, FRAME_UNEXPECTED };

struct frame {
    uint8_t opcode;
    bool is_deflated;
    const uint8_t *payload; /* borrowed from the input */
    size_t payload_length;
    size_t length; /* header and payload */
};

/* Writes a final frame at target, which has room for FRAME_HEADER_MAX + length bytes.
 * Returns the frame's length. */
static inline size_t frame_write(uint8_t *target, uint8_t opcode, const uint8_t *payload,
                                 size_t length) {
    size_t header_length = 2;
    target[0] = FRAME_FINAL_BIT | opcode;
    if (length <= FRAME_CONTROL_MAX) {
        target[1] = (uint8_t)(FRAME_MASK_BIT | length);
    } else {
        target[1] = FRAME_MASK_BIT | 126;
        target[2] = (uint8_t)(length >> 8);
        target[3] = (uint8_t)length;
        header_length = 4;
    }
    uint8_t *mask = target + header_length;
    uint32_t random_bits = (uint32_t)random(); /* a benchmark's mask need not be unpredictable */
    memcpy(mask, &random_bits, sizeof random_bits);
    for (size_t i = 0; i < length; i++)
        mask[4 + i] = payload[i] ^ mask[i % 4];
    return header_length + 4 + length;
}

/* Reads the frame at the start of bytes; fills frame only when it is whole. */
static inline enum frame_status frame_read(const uint8_t *bytes, size_t length,
                                           struct frame *frame) {
    if (length < 2)
        return FRAME_INCOMPLETE;
    size_t header_length = 2, payload_length = bytes[1];
    if (!(bytes[0] & FRAME_FINAL_BIT) || payload_length > 126) /* fragmented; masked or 64-bit */
        return FRAME_UNEXPECTED;
    if (payload_length == 126) {
        if (length < 4)
            return FRAME_INCOMPLETE;
        header_length = 4;
        payload_length = (size_t)bytes[2] << 8 | bytes[3];
    }
    if (length < header_length + payload_length)
        return FRAME_INCOMPLETE;
    frame->opcode = bytes[0] & 0x0F;
    frame->is_deflated = (bytes[0] & FRAME_DEFLATED_BIT) != 0;
    frame->payload = bytes + header_length;
    frame->payload_length = payload_length;
    frame->length = header_length + payload_length;
    return FRAME_WHOLE;
}

/* Turns the masked frame at the start of bytes, if it is whole, into an unmasked one in place, four
 * bytes shorter, and fills frame with that; what lies behind it moves up, and *length with it. */
static inline enum frame_status frame_unmask(uint8_t *bytes, size_t *length, struct frame *frame) {
    if (*length < 2)
        return FRAME_INCOMPLETE;
    size_t payload_length = bytes[1] & ~FRAME_MASK_BIT, header_length = 2;
    if (!(bytes[1] & FRAME_MASK_BIT) || payload_length > 126)
        return FRAME_UNEXPECTED;
    if (payload_length == 126) {
        if (*length < 4)
            return FRAME_INCOMPLETE;
        payload_length = (size_t)bytes[2] << 8 | bytes[3];
        header_length = 4;
    }
    if (*length < header_length + 4 + payload_length)
        return FRAME_INCOMPLETE;
    uint8_t mask[4], *payload = bytes + header_length;
    memcpy(mask, payload, sizeof mask);
    *length -= sizeof mask;
    memmove(payload, payload + sizeof mask, *length - header_length);
    for (size_t i = 0; i < payload_length; i++)
        payload[i] ^= mask[i % 4];
    bytes[1] &= (uint8_t)~FRAME_MASK_BIT;
    return frame_read(bytes, *length, frame);
}

#endif
