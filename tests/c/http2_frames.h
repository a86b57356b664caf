/* Frames of HTTP/2 for tests: a peer's, put together, and ours, told in words. */
#ifndef CASGI_TESTS_HTTP2_FRAMES_H
#define CASGI_TESTS_HTTP2_FRAMES_H

#include "record.h"

enum {
    FRAME_DATA,
    FRAME_HEADERS,
    FRAME_PRIORITY,
    FRAME_RST_STREAM,
    FRAME_SETTINGS,
    FRAME_PUSH_PROMISE,
    FRAME_PING,
    FRAME_GOAWAY,
    FRAME_WINDOW_UPDATE,
    FRAME_CONTINUATION
};
enum { FLAG_NONE = 0, FLAG_END_STREAM = 1, FLAG_ACK = 1, FLAG_END_HEADERS = 4 };

/* HPACK: fields of the static table, and a literal that stays out of the dynamic one. */
#define GET  "\x82"
#define POST "\x83"
#define HTTP "\x86"
#define ROOT "\x84"
#define AUTHORITY                                                                                  \
    "\x01\x01"                                                                                     \
    "a"
#define CONNECT                                                                                    \
    "\x02\x07"                                                                                     \
    "CONNECT"
#define WEBSOCKET "\x00\x09:protocol\x09websocket"
#define VERSION                                                                                    \
    "\x00\x15sec-websocket-version\x02"                                                            \
    "13"
#define PATH(length, path) "\x04" length path

static inline void put_frame(struct record *input, int type, int flags, unsigned id,
                             struct slice payload) {
    char head[9] = {0,
                    (char)(payload.length >> 8),
                    (char)payload.length,
                    (char)type,
                    (char)flags,
                    (char)(id >> 24),
                    (char)(id >> 16),
                    (char)(id >> 8),
                    (char)id};
    record_bytes(input, slice_of(head, sizeof(head)));
    record_bytes(input, payload);
}

/* The preface of a client, and its SETTINGS. */
static inline void put_preface(struct record *input) {
    record_bytes(input, SLICE_LITERAL("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    put_frame(input, FRAME_SETTINGS, FLAG_NONE, 0, SLICE_EMPTY);
}

static inline unsigned big_endian(const char *bytes, int count) {
    unsigned number = 0;
    for (int i = 0; i < count; i++) {
        number = number << 8 | (uint8_t)bytes[i];
    }
    return number;
}

/* Bytes of a body; `goes_on` when they stand right behind others of their stream, of which they
 * then become part. */
static inline void tell_data(struct record *told, unsigned id, struct slice payload,
                             const char *end, bool goes_on) {
    if (goes_on) {
        told->length -= 2; /* the quote and the semicolon */
    } else {
        record_add(told, "DATA %u \"", id);
    }
    record_bytes(told, payload);
    record_add(told, "\"%s;", end);
}

static inline void tell_frame(struct record *told, unsigned type, unsigned flags, unsigned id,
                              struct slice payload, bool goes_on) {
    const char *end = type < 2 && (flags & FLAG_END_STREAM) != 0 ? " end" : "";
    switch (type) {
    case FRAME_DATA:
        tell_data(told, id, payload, end, goes_on);
        break;
    case FRAME_HEADERS:
        record_add(told, "HEADERS %u%s;", id, end);
        break;
    case FRAME_RST_STREAM:
        record_add(told, "RST_STREAM %u %u;", id, big_endian(payload.data, 4));
        break;
    case FRAME_GOAWAY:
        record_add(told, "GOAWAY %u;", big_endian(payload.data + 4, 4));
        break;
    case FRAME_PING:
        record_add(told, "PING%s;", (flags & FLAG_ACK) != 0 ? " ack" : "");
        break;
    default: /* SETTINGS and WINDOW_UPDATE depend on when they were due */
        break;
    }
}

/* Tells what stands in `output`, which ends with a whole frame. */
static inline void tell_frames(struct record *told, struct slice output) {
    unsigned data_of = 0; /* the stream whose DATA was told last */
    while (output.length >= 9) {
        size_t length = big_endian(output.data, 3);
        CHECK(output.length >= 9 + length);
        if (output.length < 9 + length) {
            return;
        }
        unsigned type = (uint8_t)output.data[3];
        unsigned id = big_endian(output.data + 5, 4);
        tell_frame(told, type, (uint8_t)output.data[4], id, slice_of(output.data + 9, length),
                   type == FRAME_DATA && id == data_of);
        data_of = type == FRAME_DATA ? id : 0;
        output = slice_without_front(output, 9 + length);
    }
    CHECK(output.length == 0);
}

#endif
