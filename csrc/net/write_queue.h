/* What is to be sent on one stream: the cork over a queue of frames and files.
 *
 * A flush gathers everything up to a file into one writev; a file goes by sendfile(2) where the
 * stream can, else in pieces. At most one stream_write() is under way; its frames
 * are held at the front of the queue until on_written(). Empty, it holds no memory of its own. */
#ifndef CASGI_NET_WRITE_QUEUE_H
#define CASGI_NET_WRITE_QUEUE_H

#include "net/frame_queue.h"
#include "net/stream.h"

struct write_queue {
    struct stream *stream;    /* borrowed */
    struct deferred deferred; /* the flush at the end of the turn, or at the loop's rest */
    struct frame_queue frames;
    uint64_t written_turn; /* turn of the last direct write */
    bool waits_for_rest;
    int failure; /* why everything is dropped: STATUS_CLOSED, the peer takes no more;
                    STATUS_SYSTEM, a file has become shorter, or there is no memory */
};

/* Initialises an empty queue for `stream` (*borrows*). */
void write_queue_init(struct write_queue *queue, struct stream *stream);

/* Appends a copy of `bytes`; nothing is written yet. STATUS_OK, STATUS_NO_MEMORY, or STATUS_CLOSED
 * once the peer is gone. */
int write_queue_append(struct write_queue *queue, struct slice bytes);

/* Appends room for `length` bytes and sets *bytes to it, for a writer that formats in place;
 * shorter use is given back with write_queue_trim() before any other call. */
int write_queue_extend(struct write_queue *queue, size_t length, char **bytes);
void write_queue_trim(struct write_queue *queue, size_t unused);

/* Appends a reference to `frame` (*takes* one reference, in every case); nothing is written yet.
 * Statuses as above. */
int write_queue_push(struct write_queue *queue, struct frame *frame);

/* Appends `length` bytes of the file from `offset` on (*takes* one reference, in every case), which
 * count as unwritten until they are sent. Small ones are read at once. Statuses as above, and
 * STATUS_SYSTEM when the file is shorter, after which nothing can follow. */
int write_queue_push_file(struct write_queue *queue, struct file *file, uint64_t offset,
                          uint64_t length);

/* As write_queue_push() of a frame that write_queue_drop_oldest() may take out again. */
int write_queue_push_droppable(struct write_queue *queue, struct frame *frame);

/* Drops the oldest droppable frames that wait whole, also for libuv, until `bytes` are freed; all
 * else keeps its order. Returns how many were dropped: 0 when there are not enough of them. */
uint32_t write_queue_drop_oldest(struct write_queue *queue, size_t bytes);

/* Sends: at once if nothing was written directly in this turn, no write is under way and the turn
 * is not busy (event_loop_is_busy()), otherwise at the end of the turn, together with what comes
 * until then. STATUS_CLOSED once the peer is gone, STATUS_SYSTEM when a file ends too early. */
int write_queue_flush(struct write_queue *queue);

/* write_queue_push() and write_queue_flush() in one. */
int write_queue_send(struct write_queue *queue, struct frame *frame);

/* Sends at once what the socket takes, whatever was written in this turn: before the size is looked
 * at. Statuses as above. */
int write_queue_flush_now(struct write_queue *queue);

/* Sends when the loop rests, much already at the end of the turn: for a fan-out, where one call
 * writes to thousands, and many follow each other. */
void write_queue_flush_later(struct write_queue *queue);

/* The owner's stream_events.on_written passes on to this. Statuses as above. */
int write_queue_on_written(struct write_queue *queue, int status);

/* True when something that was announced is missing: the peer must not take the end for one. */
static inline bool write_queue_is_torn(const struct write_queue *queue) {
    return queue->failure == STATUS_SYSTEM;
}

/* Unwritten bytes. */
static inline size_t write_queue_size(const struct write_queue *queue) {
    return queue->frames.size;
}

/* Drops everything and lets go of the stream, which must be closed (frames under way with libuv
 * stay referenced until on_closed: call it from there). Idempotent. */
void write_queue_release(struct write_queue *queue);

#endif
