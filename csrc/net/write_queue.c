/* The cork. Owns its queue of frames, never the stream. Writes nothing by itself but in
 * write_queue_flush(), at the end of a turn, and when the stream has taken what it was given. */
#include "net/write_queue.h"

#include "base/list.h"

static void send_at_end_of_turn(struct deferred *deferred);

void write_queue_init(struct write_queue *queue, struct stream *stream) {
    *queue = (struct write_queue){.stream = stream};
    deferred_init(&queue->deferred, send_at_end_of_turn);
}

static bool is_closed(const struct write_queue *queue) {
    return queue->failed || queue->stream == NULL || queue->stream->closing;
}

static int fail(struct write_queue *queue) {
    queue->failed = true;
    deferred_cancel(&queue->deferred);
    frame_queue_clear(&queue->frames);
    return STATUS_CLOSED;
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

/* The socket takes no more just now: it is waited for with the front of the queue. */
static int write_rest(struct write_queue *queue) {
    struct slice parts[STREAM_PARTS_MAX];
    size_t total;
    unsigned count = frame_queue_gather(&queue->frames, parts, STREAM_PARTS_MAX, &total);
    count = frame_queue_hold(&queue->frames, count);
    return stream_write(queue->stream, parts, count) == STATUS_OK ? STATUS_OK : fail(queue);
}

static int send_now(struct write_queue *queue) {
    while (queue->frames.size > 0) {
        struct slice parts[STREAM_PARTS_MAX];
        size_t total;
        unsigned count = frame_queue_gather(&queue->frames, parts, STREAM_PARTS_MAX, &total);
        ssize_t taken = stream_try_write(queue->stream, parts, count);
        if (taken < 0) {
            return fail(queue);
        }
        frame_queue_consume(&queue->frames, (size_t)taken);
        if ((size_t)taken < total) {
            return write_rest(queue);
        }
    }
    return STATUS_OK;
}

/* True while a stream_write() is under way. */
static bool is_writing(const struct write_queue *queue) {
    return queue->frames.held > 0;
}

static void send_at_end_of_turn(struct deferred *deferred) {
    struct write_queue *queue = LIST_OBJECT(deferred, struct write_queue, deferred);
    struct stream *stream = queue->stream;
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
        return fail(queue);
    }
    if ((size_t)taken == part.length) {
        frame_unref(frame);
        return STATUS_OK;
    }
    if (frame_queue_push(&queue->frames, frame, false) != STATUS_OK) {
        return fail(queue); /* a part of the frame is gone: nothing can follow it */
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
    write_queue_flush_later(queue);
    return STATUS_OK;
}

int write_queue_flush_now(struct write_queue *queue) {
    if (is_closed(queue)) {
        return STATUS_CLOSED;
    }
    return is_writing(queue) ? STATUS_OK : send_now(queue);
}

void write_queue_flush_later(struct write_queue *queue) {
    if (!is_closed(queue) && queue->frames.size > 0 && !is_writing(queue)) {
        event_loop_defer(queue->stream->loop, &queue->deferred);
    }
}

int write_queue_on_written(struct write_queue *queue, int status) {
    if (queue->failed || status != STATUS_OK) {
        return fail(queue);
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
