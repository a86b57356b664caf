/* Frames of bytes that a test has: casgi makes its own where the bytes arise. */
#ifndef CASGI_TESTS_FRAME_COPY_H
#define CASGI_TESTS_FRAME_COPY_H

#include "base/frame.h"

/* Returns new frame with a copy of `bytes`, or NULL. */
static inline struct frame *frame_copy(struct slice bytes) {
    struct frame *frame = frame_new(bytes.length);
    if (frame != NULL && bytes.length > 0) {
        memcpy(frame_bytes(frame), bytes.data, bytes.length);
    }
    return frame;
}

#endif
