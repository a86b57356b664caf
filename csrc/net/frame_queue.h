/* Frames and ranges of files in the order in which they are to leave: what is on its way to one
 * stream (write_queue.h). Knows no stream and writes nothing.
 *
 * Bytes come as frames, of which it keeps a reference until they are consumed, or as small copies,
 * which share one growing frame, the tail. A range of a file stays one until it is at the front and
 * whoever writes sends it from there, or has it loaded, piece by piece. Invariants: what comes
 * first leaves first; `size` is the sum of the unconsumed bytes, those of files too; the front may
 * be *held* by whoever is writing it, and then neither grows nor is dropped. Empty, it
 * holds no memory. */
#ifndef CASGI_NET_FRAME_QUEUE_H
#define CASGI_NET_FRAME_QUEUE_H

#include <stdint.h>

#include "base/frame.h"
#include "base/status.h"
#include "net/file.h"

union frame_queue_entry {
    struct frame *frame;
    struct file_range *range; /* owned, with its reference to the file */
};

/* To be embedded; zeroed when new. */
struct frame_queue {
    union frame_queue_entry
        *ring; /* behind it a byte for each: which kind it is; NULL while empty */
    uint32_t first, count, capacity;
    uint32_t held;      /* frames at the front */
    struct frame *tail; /* the last frame when copies may still be appended to it, else NULL */
    size_t tail_capacity;
    size_t offset; /* bytes of the first entry that are consumed */
    size_t size;
};

/* Appends a frame (*takes* the reference in every case). STATUS_OK, STATUS_NO_MEMORY. */
int frame_queue_push(struct frame_queue *queue, struct frame *frame, bool may_be_dropped);

/* Appends `length` bytes of the file from `offset` on (*takes* the reference in every case).
 * STATUS_OK, STATUS_NO_MEMORY. */
int frame_queue_push_file(struct frame_queue *queue, struct file *file, uint64_t offset,
                          uint64_t length);

/* Appends room for `length` bytes and sets *bytes to it; what is not used of it is given back with
 * frame_queue_trim() before any other call. STATUS_OK, STATUS_NO_MEMORY. */
int frame_queue_extend(struct frame_queue *queue, size_t length, char **bytes);
void frame_queue_trim(struct frame_queue *queue, size_t unused);

/* True when a range of a file is at the front: *range (*borrows*) is what is left of it. */
bool frame_queue_front_file(const struct frame_queue *queue, struct file_range *range);

/* When a file is at the front: reads its beginning, `most` bytes of it at most, into a frame that
 * takes its place. STATUS_OK; STATUS_NO_MEMORY; STATUS_SYSTEM when it can not be read or has become
 * shorter: what was announced can not be sent. */
int frame_queue_load_front(struct frame_queue *queue, size_t most);

/* Fills `parts` from the front, with `room` of them at most, up to the first file. Returns how
 * many, and the sum of their bytes in *total. The bytes are *borrowed* until their frame is
 * consumed. */
unsigned frame_queue_gather(const struct frame_queue *queue, struct slice *parts, unsigned room,
                            size_t *total);

/* Returns the first frame, *borrowed*, and in *part what of it is not consumed. Not of an empty
 * queue, nor when a file is at the front. */
struct frame *frame_queue_front(const struct frame_queue *queue, struct slice *part);

/* Holds the first frames, `most` of them (as gathered) at most and at least one, but none behind a
 * droppable one, which would be out of reach. Returns how many. */
uint32_t frame_queue_hold(struct frame_queue *queue, uint32_t most);

/* Ends the holding, and consumes all that was held. */
void frame_queue_consume_held(struct frame_queue *queue);

/* Takes `count` bytes off the front, while nothing is held. A frame that is consumed in part is not
 * dropped any more. */
void frame_queue_consume(struct frame_queue *queue, size_t count);

/* Drops the oldest droppable frames that are not held, until `bytes` are freed; all else keeps its
 * order. Returns how many were dropped: 0 when there are not enough of them. */
uint32_t frame_queue_drop_oldest(struct frame_queue *queue, size_t bytes);

/* Drops everything, also what is held: nobody writes it any more. */
void frame_queue_clear(struct frame_queue *queue);

/* Drops everything but what is held. */
void frame_queue_clear_behind_held(struct frame_queue *queue);

#endif
