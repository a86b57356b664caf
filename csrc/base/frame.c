/* Reference-counted bytes. Frames own their bytes, or the owner that was given with them; never the
 * sockets. */
#include "base/frame.h"

#include "base/counters.h"
#include "base/memory.h"

struct frame *frame_new(size_t length) {
    if (length > SIZE_MAX - sizeof(struct frame)) {
        return NULL;
    }
    struct frame *frame = memory_allocate(sizeof(*frame) + length);
    if (frame == NULL) {
        return NULL;
    }
    *frame = (struct frame){.references = 1, .length = length, .data = (const char *)(frame + 1)};
    counters_opened(COUNTER_frames);
    return frame;
}

struct frame *frame_wrap(struct slice bytes, void (*release)(void *owner), void *owner) {
    struct frame *frame = frame_new(0);
    if (frame != NULL) {
        frame->data = bytes.data;
        frame->length = bytes.length;
        frame->release = release;
        frame->owner = owner;
    }
    return frame;
}

void frame_unref(struct frame *frame) {
    if (frame == NULL || --frame->references > 0) {
        return;
    }
    if (frame->release != NULL) {
        frame->release(frame->owner);
    }
    memory_free(frame);
    counters_closed(COUNTER_frames);
}
