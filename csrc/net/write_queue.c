/* Bytes on their way to one stream. Owns a reference to each frame in its ring, never the stream.
 * Writes nothing by itself but in write_queue_flush(), at the end of a turn, and when the stream
 * has taken what it was given. */
#include "net/write_queue.h"

#include <assert.h>

#include "base/list.h"
#include "base/memory.h"

enum { FIRST_RING_CAPACITY = 8 };

/* With its header a tail frame fills 1 KiB, which malloc keeps in its fastest bins; a queue that
 * needs more gets larger ones. */
#define FIRST_TAIL_CAPACITY   (1024 - sizeof(struct frame))
#define LARGEST_TAIL_CAPACITY (16 * 1024 - sizeof(struct frame))

static void send_at_end_of_turn(struct deferred *deferred);

void write_queue_init(struct write_queue *queue, struct stream *stream) {
    *queue = (struct write_queue){.stream = stream};
    deferred_init(&queue->deferred, send_at_end_of_turn);
}

static struct frame *frame_at(const struct write_queue *queue, uint32_t index) {
    return queue->frames[(queue->first + index) & (queue->capacity - 1)];
}

/* The bytes behind the ring. */
static bool *marks_of(const struct write_queue *queue) {
    return (bool *)(queue->frames + queue->capacity);
}

static bool is_droppable(const struct write_queue *queue, uint32_t index) {
    return marks_of(queue)[(queue->first + index) & (queue->capacity - 1)];
}

static void put_at(struct write_queue *queue, uint32_t index, struct frame *frame,
                   bool may_be_dropped) {
    uint32_t place = (queue->first + index) & (queue->capacity - 1);
    queue->frames[place] = frame;
    marks_of(queue)[place] = may_be_dropped;
}

static bool is_closed(const struct write_queue *queue) {
    return queue->failed || queue->stream == NULL || queue->stream->closing;
}

static int grow_ring(struct write_queue *queue) {
    uint32_t capacity = queue->capacity > 0 ? queue->capacity * 2 : FIRST_RING_CAPACITY;
    struct write_queue grown = *queue;
    grown.frames = memory_allocate(capacity * (sizeof(struct frame *) + sizeof(bool)));
    if (grown.frames == NULL) {
        return STATUS_NO_MEMORY;
    }
    grown.capacity = capacity;
    grown.first = 0;
    for (uint32_t i = 0; i < queue->count; i++) {
        put_at(&grown, i, frame_at(queue, i), is_droppable(queue, i));
    }
    memory_free(queue->frames);
    queue->frames = grown.frames;
    queue->capacity = capacity;
    queue->first = 0;
    return STATUS_OK;
}

static int push_back(struct write_queue *queue, struct frame *frame, bool may_be_dropped) {
    if (queue->count == queue->capacity && grow_ring(queue) != STATUS_OK) {
        frame_unref(frame);
        return STATUS_NO_MEMORY;
    }
    put_at(queue, queue->count, frame, may_be_dropped);
    queue->count++;
    queue->queued += frame->length;
    return STATUS_OK;
}

static void pop_front(struct write_queue *queue) {
    struct frame *frame = frame_at(queue, 0);
    queue->first = (queue->first + 1) & (queue->capacity - 1);
    queue->count--;
    queue->offset = 0;
    if (frame == queue->tail) {
        queue->tail = NULL;
    }
    frame_unref(frame);
}

static void drop_all(struct write_queue *queue) {
    while (queue->count > 0) {
        pop_front(queue);
    }
    queue->queued = 0;
    queue->in_flight = 0;
    memory_free(queue->frames);
    queue->frames = NULL;
    queue->first = queue->capacity = 0;
}

static int fail(struct write_queue *queue) {
    queue->failed = true;
    deferred_cancel(&queue->deferred);
    drop_all(queue);
    return STATUS_CLOSED;
}

/* Starts a tail frame with room for at least `length` bytes. */
static int start_tail(struct write_queue *queue, size_t length) {
    size_t capacity = queue->tail == NULL ? FIRST_TAIL_CAPACITY : queue->tail_capacity * 2;
    if (capacity > LARGEST_TAIL_CAPACITY) {
        capacity = LARGEST_TAIL_CAPACITY;
    }
    if (capacity < length) {
        capacity = length;
    }
    struct frame *tail = frame_new(capacity);
    if (tail == NULL) {
        return STATUS_NO_MEMORY;
    }
    tail->length = 0;
    int status = push_back(queue, tail, false);
    if (status == STATUS_OK) {
        queue->tail = tail;
        queue->tail_capacity = capacity;
    }
    return status;
}

int write_queue_extend(struct write_queue *queue, size_t length, char **bytes) {
    if (is_closed(queue)) {
        return STATUS_CLOSED;
    }
    if (queue->tail == NULL || queue->tail_capacity - queue->tail->length < length) {
        int status = start_tail(queue, length);
        if (status != STATUS_OK) {
            return status;
        }
    }
    *bytes = frame_bytes(queue->tail) + queue->tail->length;
    queue->tail->length += length;
    queue->queued += length;
    return STATUS_OK;
}

void write_queue_trim(struct write_queue *queue, size_t unused) {
    queue->tail->length -= unused;
    queue->queued -= unused;
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
    if (frame->length == 0) {
        frame_unref(frame);
        return STATUS_OK;
    }
    queue->tail = NULL;
    return push_back(queue, frame, may_be_dropped);
}

int write_queue_push(struct write_queue *queue, struct frame *frame) {
    return push(queue, frame, false);
}

int write_queue_push_droppable(struct write_queue *queue, struct frame *frame) {
    return push(queue, frame, true);
}

/* Returns the index behind the shortest front of the queue in which droppable frames of at least
 * `bytes` wait, their sum in *found; 0 when there is none. */
static uint32_t find_droppable(const struct write_queue *queue, size_t bytes, size_t *found) {
    *found = 0;
    for (uint32_t i = queue->in_flight; i < queue->count; i++) {
        *found += is_droppable(queue, i) ? frame_at(queue, i)->length : 0;
        if (*found >= bytes) {
            return i + 1;
        }
    }
    return 0;
}

uint32_t write_queue_drop_oldest(struct write_queue *queue, size_t bytes) {
    size_t found;
    uint32_t looked_at = bytes > 0 ? find_droppable(queue, bytes, &found) : 0;
    uint32_t to = looked_at;
    if (looked_at == 0) {
        return 0;
    }
    assert(queue->offset == 0 || queue->in_flight > 0);
    for (uint32_t from = looked_at; from-- > 0;) { /* what stays moves up, over what goes */
        struct frame *frame = frame_at(queue, from);
        if (from >= queue->in_flight && is_droppable(queue, from)) {
            frame_unref(frame);
        } else {
            put_at(queue, --to, frame, is_droppable(queue, from));
        }
    }
    queue->first = (queue->first + to) & (queue->capacity - 1);
    queue->count -= to;
    queue->queued -= found;
    if (queue->count == 0) {
        drop_all(queue);
    }
    return to;
}

uint64_t write_queue_taken(const struct write_queue *queue) {
    uint64_t taken = queue->written;
    for (uint32_t i = 0; i < queue->in_flight; i++) {
        taken += frame_at(queue, i)->length;
    }
    return queue->in_flight == 0 ? taken : taken - queue->offset - stream_unwritten(queue->stream);
}

/* Drops `count` written bytes from the front, and with them the frames that are done. */
static void consume(struct write_queue *queue, size_t count) {
    queue->queued -= count;
    queue->written += count;
    while (queue->count > 0) {
        size_t left = frame_at(queue, 0)->length - queue->offset;
        if (count < left) {
            queue->offset += count;
            return;
        }
        count -= left;
        pop_front(queue);
    }
    drop_all(queue);
}

/* Fills `parts` from the front of the queue. Returns their number, and the sum of their bytes in
 * *total. */
static unsigned gather(const struct write_queue *queue, struct slice *parts, size_t *total) {
    unsigned count = queue->count < STREAM_PARTS_MAX ? queue->count : STREAM_PARTS_MAX;
    *total = 0;
    for (unsigned i = 0; i < count; i++) {
        parts[i] = frame_slice(frame_at(queue, i));
        if (i == 0) {
            parts[i].data += queue->offset;
            parts[i].length -= queue->offset;
        }
        *total += parts[i].length;
    }
    return count;
}

/* Returns how many of the first `count` frames, at least one, come before a droppable one: what has
 * been handed over is out of reach. */
static unsigned undroppable_front(const struct write_queue *queue, unsigned count) {
    unsigned front = 1;
    while (front < count && !is_droppable(queue, front)) {
        front++;
    }
    return front;
}

/* The socket takes no more just now: libuv waits for it with the front of the queue. */
static int write_rest(struct write_queue *queue) {
    struct slice parts[STREAM_PARTS_MAX];
    size_t total;
    unsigned count = undroppable_front(queue, gather(queue, parts, &total));
    if (stream_write(queue->stream, parts, count) != STATUS_OK) {
        return fail(queue);
    }
    queue->in_flight = count;
    if (count == queue->count) {
        queue->tail = NULL;
    }
    return STATUS_OK;
}

static int send_now(struct write_queue *queue) {
    while (queue->queued > 0) {
        struct slice parts[STREAM_PARTS_MAX];
        size_t total;
        unsigned count = gather(queue, parts, &total);
        ssize_t taken = stream_try_write(queue->stream, parts, count);
        if (taken < 0) {
            return fail(queue);
        }
        consume(queue, (size_t)taken);
        if ((size_t)taken < total) {
            return write_rest(queue);
        }
    }
    return STATUS_OK;
}

static void send_at_end_of_turn(struct deferred *deferred) {
    struct write_queue *queue = LIST_OBJECT(deferred, struct write_queue, deferred);
    struct stream *stream = queue->stream;
    if (is_closed(queue) || queue->in_flight > 0) {
        return;
    }
    int status = send_now(queue);
    if (queue->in_flight == 0) {
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
    queue->written += (uint64_t)taken;
    if ((size_t)taken == part.length) {
        frame_unref(frame);
        return STATUS_OK;
    }
    if (push_back(queue, frame, false) != STATUS_OK) {
        return fail(queue); /* a part of the frame is gone: nothing can follow it */
    }
    queue->offset = (size_t)taken;
    queue->queued -= (size_t)taken;
    return write_rest(queue);
}

int write_queue_send(struct write_queue *queue, struct frame *frame) {
    if (is_closed(queue)) {
        frame_unref(frame);
        return STATUS_CLOSED;
    }
    if (queue->count == 0 && frame->length > 0 && takes_turn(queue)) {
        return send_directly(queue, frame);
    }
    int status = write_queue_push(queue, frame);
    return status == STATUS_OK ? write_queue_flush(queue) : status;
}

int write_queue_flush(struct write_queue *queue) {
    if (is_closed(queue)) {
        return STATUS_CLOSED;
    }
    if (queue->in_flight > 0) {
        return STATUS_OK;
    }
    if (queue->queued == 0) {
        drop_all(queue); /* a tail frame that was trimmed to nothing */
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
    return queue->in_flight > 0 ? STATUS_OK : send_now(queue);
}

void write_queue_flush_later(struct write_queue *queue) {
    if (!is_closed(queue) && queue->queued > 0 && queue->in_flight == 0) {
        event_loop_defer(queue->stream->loop, &queue->deferred);
    }
}

int write_queue_on_written(struct write_queue *queue, int status) {
    if (queue->failed || status != STATUS_OK) {
        return fail(queue);
    }
    if (queue->in_flight == 0) {
        return STATUS_OK;
    }
    size_t written = 0;
    for (uint32_t i = 0; i < queue->in_flight; i++) {
        written += frame_at(queue, i)->length;
    }
    written -= queue->offset;
    queue->in_flight = 0;
    consume(queue, written);
    return is_closed(queue) ? STATUS_CLOSED : send_now(queue);
}

void write_queue_release(struct write_queue *queue) {
    deferred_cancel(&queue->deferred);
    drop_all(queue);
    queue->stream = NULL;
}
