/* The cork. Owns its queue of frames, never the stream. Writes nothing by itself but in
 * write_queue_flush(), at the end of a turn, and when the stream has taken what it was given. */
#include "net/write_queue.h"

#include "base/limits.h"
#include "base/list.h"

static void send_deferred(struct deferred *deferred);

void write_queue_init(struct write_queue *queue, struct stream *stream) {
    *queue = (struct write_queue){.stream = stream};
    deferred_init(&queue->deferred, send_deferred);
}

static bool is_closed(const struct write_queue *queue) {
    return queue->failure != STATUS_OK || queue->stream == NULL || queue->stream->closing;
}

/* What a stream_write() that is under way was given stays until it has ended. */
static int fail(struct write_queue *queue, int status) {
    if (queue->failure == STATUS_OK) {
        queue->failure = status == STATUS_CLOSED ? STATUS_CLOSED : STATUS_SYSTEM;
    }
    deferred_cancel(&queue->deferred);
    frame_queue_clear_behind_held(&queue->frames);
    return queue->failure;
}

/* As fail(), when no stream_write() is under way any more. */
static int fail_whole(struct write_queue *queue, int status) {
    frame_queue_clear(&queue->frames);
    return fail(queue, status);
}

int write_queue_extend(struct write_queue *queue, size_t length, char **bytes) {
    return is_closed(queue) ? STATUS_CLOSED : frame_queue_extend(&queue->frames, length, bytes);
}

void write_queue_trim(struct write_queue *queue, size_t unused) {
    frame_queue_trim(&queue->frames, unused);
}

int write_queue_append(struct write_queue *queue, struct slice bytes) {
    if (bytes.length == 0) {
        return is_closed(queue) ? STATUS_CLOSED : STATUS_OK;
    }
    char *room;
    int status = write_queue_extend(queue, bytes.length, &room);
    if (status == STATUS_OK) {
        memcpy(room, bytes.data, bytes.length);
    }
    return status;
}

static int push(struct write_queue *queue, struct frame *frame, bool may_be_dropped) {
    if (is_closed(queue)) {
        frame_unref(frame);
        return STATUS_CLOSED;
    }
    return frame_queue_push(&queue->frames, frame, may_be_dropped);
}

int write_queue_push(struct write_queue *queue, struct frame *frame) {
    return push(queue, frame, false);
}

int write_queue_push_droppable(struct write_queue *queue, struct frame *frame) {
    return push(queue, frame, true);
}

uint32_t write_queue_drop_oldest(struct write_queue *queue, size_t bytes) {
    return frame_queue_drop_oldest(&queue->frames, bytes);
}

/* Small ones go with what is around them. */
static int copy_file(struct write_queue *queue, const struct file_range *range) {
    char *room;
    int status = write_queue_extend(queue, range->length, &room);
    if (status != STATUS_OK) {
        return status;
    }
    ssize_t taken = file_read(range->file, room, range->length, range->offset);
    return taken == (ssize_t)range->length ? STATUS_OK : fail(queue, STATUS_SYSTEM);
}

int write_queue_push_file(struct write_queue *queue, struct file *file, uint64_t offset,
                          uint64_t length) {
    if (!is_closed(queue) && length > LIMIT_COPIED_BODY) {
        return frame_queue_push_file(&queue->frames, file, offset, length);
    }
    const struct file_range range = {file, offset, length};
    int status = is_closed(queue) ? STATUS_CLOSED
                 : length > 0     ? copy_file(queue, &range)
                                  : STATUS_OK;
    file_unref(file);
    return status;
}

/* The socket takes no more just now, or others have their turn: it is waited for with the front of
 * the queue. */
static int write_rest(struct write_queue *queue) {
    struct slice parts[STREAM_PARTS_MAX];
    size_t total;
    int status = frame_queue_load_front(&queue->frames, LIMIT_FILE_PIECE);
    if (status != STATUS_OK) {
        return fail(queue, status);
    }
    unsigned count = frame_queue_gather(&queue->frames, parts, STREAM_PARTS_MAX, &total);
    count = frame_queue_hold(&queue->frames, count);
    status = stream_write(queue->stream, parts, count);
    return status == STATUS_OK ? STATUS_OK : fail_whole(queue, status);
}

/* Sends what the stream takes of the file at the front, of `share` bytes at most. Returns the bytes
 * taken, with what it should have been in *wanted; or a status. */
static ssize_t send_file(struct write_queue *queue, struct file_range range, size_t share,
                         size_t *wanted) {
    range.length = range.length < share ? range.length : share;
    *wanted = range.length;
    ssize_t taken = stream_send_file(queue->stream, &range);
    if (taken != STATUS_STATE) {
        return taken;
    }
    int status = frame_queue_load_front(
        &queue->frames, range.length < LIMIT_FILE_PIECE ? range.length : LIMIT_FILE_PIECE);
    if (status != STATUS_OK) {
        return status;
    }
    struct slice piece;
    (void)frame_queue_gather(&queue->frames, &piece, 1, wanted);
    return stream_try_write(queue->stream, &piece, 1);
}

/* Bytes before a short file, the head of a response, leave with it: in a packet of their own they
 * cost as much as the file. A long one has the kernel cut it into packets that begin with its
 * pages. */
static ssize_t send_bytes(struct write_queue *queue, size_t *wanted) {
    struct slice parts[STREAM_PARTS_MAX];
    unsigned count = frame_queue_gather(&queue->frames, parts, STREAM_PARTS_MAX, wanted);
    queue->stream->has_more =
        *wanted < queue->frames.size && queue->frames.size <= LIMIT_FILE_PIECE;
    ssize_t taken = stream_try_write(queue->stream, parts, count);
    queue->stream->has_more = false;
    return taken;
}

static int send_now(struct write_queue *queue) {
    size_t share = LIMIT_FILE_SHARE; /* of files */
    while (queue->frames.size > 0) {
        struct file_range range;
        bool is_file = frame_queue_front_file(&queue->frames, &range);
        if (is_file && share == 0) {
            return write_rest(queue);
        }
        size_t wanted;
        ssize_t taken =
            is_file ? send_file(queue, range, share, &wanted) : send_bytes(queue, &wanted);
        if (taken < 0) {
            return fail(queue, (int)taken);
        }
        frame_queue_consume(&queue->frames, (size_t)taken);
        if ((size_t)taken < wanted) {
            return write_rest(queue);
        }
        share -= is_file ? (size_t)taken : 0;
    }
    return STATUS_OK;
}

/* True while a stream_write() is under way. */
static bool is_writing(const struct write_queue *queue) {
    return queue->frames.held > 0;
}

static void send_deferred(struct deferred *deferred) {
    struct write_queue *queue = LIST_OBJECT(deferred, struct write_queue, deferred);
    struct stream *stream = queue->stream;
    queue->waits_for_rest = false;
    if (is_closed(queue) || is_writing(queue)) {
        return;
    }
    int status = send_now(queue);
    if (!is_writing(queue)) {
        stream->events->on_written(stream->owner, status);
    }
}

/* Returns true once a turn, when the turn is not busy: the queue may write at once. */
static bool takes_turn(struct write_queue *queue) {
    struct event_loop *loop = queue->stream->loop;
    uint64_t turn = event_loop_turn_number(loop);
    if (queue->written_turn == turn || event_loop_is_busy(loop)) {
        return false;
    }
    queue->written_turn = turn;
    return true;
}

/* An idle queue gives the frame to the socket without putting it into its ring first: the way of
 * nearly every WebSocket message. */
static int send_directly(struct write_queue *queue, struct frame *frame) {
    struct slice part = frame_slice(frame);
    ssize_t taken = stream_try_write(queue->stream, &part, 1);
    if (taken < 0) {
        frame_unref(frame);
        return fail(queue, (int)taken);
    }
    if ((size_t)taken == part.length) {
        frame_unref(frame);
        return STATUS_OK;
    }
    if (frame_queue_push(&queue->frames, frame, false) != STATUS_OK) {
        return fail(queue, STATUS_CLOSED); /* a part of the frame is gone: nothing can follow it */
    }
    frame_queue_consume(&queue->frames, (size_t)taken);
    return write_rest(queue);
}

int write_queue_send(struct write_queue *queue, struct frame *frame) {
    if (is_closed(queue)) {
        frame_unref(frame);
        return STATUS_CLOSED;
    }
    if (queue->frames.count == 0 && frame->length > 0 && takes_turn(queue)) {
        return send_directly(queue, frame);
    }
    int status = write_queue_push(queue, frame);
    return status == STATUS_OK ? write_queue_flush(queue) : status;
}

/* Also what was to wait for longer. */
static void flush_at_end_of_turn(struct write_queue *queue) {
    if (queue->waits_for_rest) {
        deferred_cancel(&queue->deferred);
        queue->waits_for_rest = false;
    }
    event_loop_defer(queue->stream->loop, &queue->deferred);
}

int write_queue_flush(struct write_queue *queue) {
    if (is_closed(queue)) {
        return STATUS_CLOSED;
    }
    if (is_writing(queue)) {
        return STATUS_OK;
    }
    if (queue->frames.size == 0) {
        frame_queue_clear(&queue->frames); /* a tail frame that was trimmed to nothing */
        return STATUS_OK;
    }
    if (takes_turn(queue)) {
        return send_now(queue);
    }
    flush_at_end_of_turn(queue);
    return STATUS_OK;
}

int write_queue_flush_now(struct write_queue *queue) {
    if (is_closed(queue)) {
        return STATUS_CLOSED;
    }
    return is_writing(queue) ? STATUS_OK : send_now(queue);
}

void write_queue_flush_later(struct write_queue *queue) {
    if (is_closed(queue) || queue->frames.size == 0 || is_writing(queue)) {
        return;
    }
    if (queue->frames.size > LIMIT_WRITE_TOGETHER) {
        flush_at_end_of_turn(queue);
    } else if (list_is_empty(&queue->deferred.link)) {
        queue->waits_for_rest = true;
        event_loop_defer_to_rest(queue->stream->loop, &queue->deferred);
    }
}

int write_queue_on_written(struct write_queue *queue, int status) {
    if (queue->failure != STATUS_OK || status != STATUS_OK) {
        return fail_whole(queue, status);
    }
    if (!is_writing(queue)) {
        return STATUS_OK;
    }
    frame_queue_consume_held(&queue->frames);
    return is_closed(queue) ? STATUS_CLOSED : send_now(queue);
}

void write_queue_release(struct write_queue *queue) {
    deferred_cancel(&queue->deferred);
    frame_queue_clear(&queue->frames);
    queue->stream = NULL;
}
