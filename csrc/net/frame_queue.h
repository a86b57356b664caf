/* Frames in the order in which they are to leave: what is on its way to one stream (write_queue.h).
 * Knows no stream and writes nothing.
 *
 * Bytes come as frames, of which it keeps a reference until they are consumed, or as small copies,
 * which share one growing frame, the tail. Invariants: frames leave in the order of their coming;
 * `size` is the sum of their unconsumed bytes; the front may be *held* by whoever is writing it,
 * and then neither grows nor is dropped; only a held frame may be consumed in part while others
 * are dropped. Empty, it holds no memory. */
#ifndef CASGI_NET_FRAME_QUEUE_H
#define CASGI_NET_FRAME_QUEUE_H

#include <stdint.h>

#include "base/frame.h"
#include "base/status.h"

/* To be embedded; zeroed when new. */
struct frame_queue {
    struct frame **ring; /* references, behind it a byte for each: whether it may be dropped; NULL
                            while empty */
    uint32_t first, count, capacity;
    uint32_t held;      /* frames at the front */
    struct frame *tail; /* the last frame when copies may still be appended to it, else NULL */
    size_t tail_capacity;
    size_t offset; /* bytes of the first frame that are consumed */
    size_t size;
};

/* Appends a frame (*takes* the reference in every case). STATUS_OK, STATUS_NO_MEMORY. */
int frame_queue_push(struct frame_queue *queue, struct frame *frame, bool may_be_dropped);

/* Appends room for `length` bytes and sets *bytes to it; what is not used of it is given back with
 * frame_queue_trim() before any other call. STATUS_OK, STATUS_NO_MEMORY. */
int frame_queue_extend(struct frame_queue *queue, size_t length, char **bytes);
void frame_queue_trim(struct frame_queue *queue, size_t unused);

/* Fills `parts` from the front, with `room` of them at most. Returns how many, and the sum of their
 * bytes in *total. The bytes are *borrowed* until their frame is consumed. */
unsigned frame_queue_gather(const struct frame_queue *queue, struct slice *parts, unsigned room,
                            size_t *total);

/* Holds the first frames, `most` of them at most and at least one, but none behind a droppable one,
 * which would be out of reach. Returns how many. */
uint32_t frame_queue_hold(struct frame_queue *queue, uint32_t most);

/* Ends the holding, and consumes all that was held. */
void frame_queue_consume_held(struct frame_queue *queue);

/* Takes `count` bytes off the front, while nothing is held. */
void frame_queue_consume(struct frame_queue *queue, size_t count);

/* Drops the oldest droppable frames that are not held, until `bytes` are freed; all else keeps its
 * order. Returns how many were dropped: 0 when there are not enough of them. */
uint32_t frame_queue_drop_oldest(struct frame_queue *queue, size_t bytes);

/* Drops everything, also what is held. */
void frame_queue_clear(struct frame_queue *queue);

#endif
