/* Heads of frames. Owns nothing. */
#include "http2/http2_frames.h"

enum { LENGTH_AT = 0, TYPE_AT = 3, FLAGS_AT = 4, ID_AT = 5, PRIORITY = 2 };

static uint32_t big_endian(const uint8_t *bytes, unsigned count) {
    uint32_t number = 0;
    for (unsigned i = 0; i < count; i++) {
        number = number << 8 | bytes[i];
    }
    return number;
}

static int32_t stream_id(const uint8_t *bytes) {
    return (int32_t)(big_endian(bytes, 4) & INT32_MAX);
}

/* Bytes that are wanted before a frame is judged. */
static unsigned wanted(const struct http2_frames *frames) {
    bool has_dependency = frames->have >= HTTP2_FRAME_HEAD && frames->head[TYPE_AT] == PRIORITY &&
                          big_endian(frames->head + LENGTH_AT, 3) >= HTTP2_DEPENDENCY_SIZE;
    return has_dependency ? HTTP2_FRAME_HEAD + HTTP2_DEPENDENCY_SIZE : HTTP2_FRAME_HEAD;
}

/* Takes bytes of a head; returns how many. */
static size_t take_head(struct http2_frames *frames, struct slice bytes) {
    size_t used = 0;
    while (used < bytes.length && frames->have < wanted(frames)) {
        frames->head[frames->have++] = (uint8_t)bytes.data[used++];
    }
    return used;
}

static void read_head(struct http2_frames *frames, struct http2_frame *frame) {
    const uint8_t *head = frames->head;
    bool has_dependency = frames->have > HTTP2_FRAME_HEAD;
    *frame = (struct http2_frame){
        .length = big_endian(head + LENGTH_AT, 3),
        .type = head[TYPE_AT],
        .flags = head[FLAGS_AT],
        .id = stream_id(head + ID_AT),
        .dependency = has_dependency ? stream_id(head + HTTP2_FRAME_HEAD) : 0,
    };
    frames->left = frame->length - (frames->have - HTTP2_FRAME_HEAD);
    frames->have = 0;
}

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

size_t http2_frames_next(struct http2_frames *frames, struct slice bytes, struct http2_frame *frame,
                         bool *is_begun) {
    *is_begun = false;
    if (frames->preface_have < HTTP2_PREFACE_SIZE) {
        size_t used = smaller(HTTP2_PREFACE_SIZE - frames->preface_have, bytes.length);
        frames->preface_have += (unsigned)used;
        return used;
    }
    size_t used = 0;
    if (frames->left == 0) {
        used = take_head(frames, bytes);
        if (frames->have < wanted(frames)) {
            return used;
        }
        read_head(frames, frame);
        *is_begun = true;
    }
    size_t payload = smaller(frames->left, bytes.length - used);
    frames->left -= (uint32_t)payload;
    return used + payload;
}
