/* Immutable, reference-counted bytes on their way to one or many sockets.
 *
 * A broadcast encodes one frame and every member's write queue holds a reference to it: a slow
 * member costs a pointer, not a copy. A frame either carries its bytes behind itself or borrows
 * those of an owner (a Python bytes object) whom it releases with the last reference. References
 * are not atomic: a frame stays on the thread of its loop. */
#ifndef CASGI_BASE_FRAME_H
#define CASGI_BASE_FRAME_H

#include <stdint.h>

#include "base/slice.h"

struct frame {
    uint32_t references;
    size_t length;
    const char *data;
    void (*release)(void *owner); /* NULL when the bytes stand behind the frame */
    void *owner;
};

/* Returns new frame of `length` bytes that the caller fills through frame_bytes() before sharing
 * it, or NULL. */
struct frame *frame_new(size_t length);

/* Returns new frame around `bytes`, which `owner` keeps alive until release(owner); *takes* the
 * owner. On NULL (no memory) the owner stays the caller's. */
struct frame *frame_wrap(struct slice bytes, void (*release)(void *owner), void *owner);

/* The writable bytes of a frame made by frame_new() that nobody else has seen yet. */
static inline char *frame_bytes(struct frame *frame) {
    return (char *)(frame + 1);
}

/* Returns the same frame with one more reference. */
static inline struct frame *frame_ref(struct frame *frame) {
    frame->references++;
    return frame;
}

/* Gives one reference back; the last one frees the frame and releases its owner. NULL is allowed.
 */
void frame_unref(struct frame *frame);

static inline struct slice frame_slice(const struct frame *frame) {
    return (struct slice){frame->data, frame->length};
}

#endif
