/* A ring of frames. Owns a reference to each, and the bytes of the tail until it is shared. */
#include "net/frame_queue.h"

#include <assert.h>

#include "base/memory.h"

enum { FIRST_RING_CAPACITY = 8 };

/* With its header a tail frame fills 1 KiB, which malloc keeps in its fastest bins; a queue that
 * needs more gets larger ones. */
#define FIRST_TAIL_CAPACITY   (1024 - sizeof(struct frame))
#define LARGEST_TAIL_CAPACITY (16 * 1024 - sizeof(struct frame))

/* --- The ring --- */

static uint32_t place_of(const struct frame_queue *queue, uint32_t index) {
    return (queue->first + index) & (queue->capacity - 1);
}

static struct frame *frame_at(const struct frame_queue *queue, uint32_t index) {
    return queue->ring[place_of(queue, index)];
}

/* The bytes behind the ring. */
static bool *marks_of(const struct frame_queue *queue) {
    return (bool *)(queue->ring + queue->capacity);
}

static bool is_droppable(const struct frame_queue *queue, uint32_t index) {
    return marks_of(queue)[place_of(queue, index)];
}

static void put_at(struct frame_queue *queue, uint32_t index, struct frame *frame,
                   bool may_be_dropped) {
    uint32_t place = place_of(queue, index);
    queue->ring[place] = frame;
    marks_of(queue)[place] = may_be_dropped;
}

static int grow_ring(struct frame_queue *queue) {
    struct frame_queue grown = *queue;
    grown.capacity = queue->capacity > 0 ? queue->capacity * 2 : FIRST_RING_CAPACITY;
    grown.first = 0;
    grown.ring = memory_allocate(grown.capacity * (sizeof(struct frame *) + sizeof(bool)));
    if (grown.ring == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < queue->count; i++) {
        put_at(&grown, i, frame_at(queue, i), is_droppable(queue, i));
    }
    memory_free(queue->ring);
    *queue = grown;
    return STATUS_OK;
}

static int push_back(struct frame_queue *queue, struct frame *frame, bool may_be_dropped) {
    if (queue->count == queue->capacity && grow_ring(queue) != STATUS_OK) {
        frame_unref(frame);
        return STATUS_NO_MEMORY;
    }
    put_at(queue, queue->count, frame, may_be_dropped);
    queue->count++;
    queue->size += frame->length;
    return STATUS_OK;
}

static void pop_front(struct frame_queue *queue) {
    struct frame *frame = frame_at(queue, 0);
    queue->first = place_of(queue, 1);
    queue->count--;
    queue->offset = 0;
    if (frame == queue->tail) {
        queue->tail = NULL;
    }
    frame_unref(frame);
}

int frame_queue_push(struct frame_queue *queue, struct frame *frame, bool may_be_dropped) {
    if (frame->length == 0) {
        frame_unref(frame);
        return STATUS_OK;
    }
    queue->tail = NULL;
    return push_back(queue, frame, may_be_dropped);
}

void frame_queue_clear(struct frame_queue *queue) {
    while (queue->count > 0) {
        pop_front(queue);
    }
    memory_free(queue->ring);
    queue->ring = NULL;
    queue->first = queue->capacity = queue->held = 0;
    queue->size = 0;
}

/* --- The tail --- */

/* Starts a tail frame with room for at least `length` bytes. */
static int start_tail(struct frame_queue *queue, size_t length) {
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

int frame_queue_extend(struct frame_queue *queue, size_t length, char **bytes) {
    if (queue->tail == NULL || queue->tail_capacity - queue->tail->length < length) {
        int status = start_tail(queue, length);
        if (status != STATUS_OK) {
            return status;
        }
    }
    *bytes = frame_bytes(queue->tail) + queue->tail->length;
    queue->tail->length += length;
    queue->size += length;
    return STATUS_OK;
}

void frame_queue_trim(struct frame_queue *queue, size_t unused) {
    queue->tail->length -= unused;
    queue->size -= unused;
}

/* --- The front --- */

unsigned frame_queue_gather(const struct frame_queue *queue, struct slice *parts, unsigned room,
                            size_t *total) {
    unsigned count = queue->count < room ? queue->count : room;
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

uint32_t frame_queue_hold(struct frame_queue *queue, uint32_t most) {
    uint32_t held = 1;
    while (held < most && held < queue->count && !is_droppable(queue, held)) {
        held++;
    }
    queue->held = held;
    if (held == queue->count) {
        queue->tail = NULL;
    }
    return held;
}

void frame_queue_consume(struct frame_queue *queue, size_t count) {
    assert(queue->held == 0);
    queue->size -= count;
    while (queue->count > 0) {
        size_t left = frame_at(queue, 0)->length - queue->offset;
        if (count < left) {
            queue->offset += count;
            return;
        }
        count -= left;
        pop_front(queue);
    }
    frame_queue_clear(queue);
}

void frame_queue_consume_held(struct frame_queue *queue) {
    struct slice parts[1];
    size_t length;
    for (; queue->held > 0; queue->held--) {
        (void)frame_queue_gather(queue, parts, 1, &length);
        queue->size -= length;
        pop_front(queue);
    }
    if (queue->count == 0) {
        frame_queue_clear(queue);
    }
}

/* --- Dropping --- */

/* Returns the index behind the shortest front of the queue in which droppable frames of at least
 * `bytes` wait, their sum in *found; 0 when there is none. */
static uint32_t find_droppable(const struct frame_queue *queue, size_t bytes, size_t *found) {
    *found = 0;
    for (uint32_t i = queue->held; i < queue->count; i++) {
        *found += is_droppable(queue, i) ? frame_at(queue, i)->length : 0;
        if (*found >= bytes) {
            return i + 1;
        }
    }
    return 0;
}

uint32_t frame_queue_drop_oldest(struct frame_queue *queue, size_t bytes) {
    size_t found;
    uint32_t looked_at = bytes > 0 ? find_droppable(queue, bytes, &found) : 0;
    uint32_t to = looked_at;
    if (looked_at == 0) {
        return 0;
    }
    assert(queue->offset == 0 || queue->held > 0);
    for (uint32_t from = looked_at; from-- > 0;) { /* what stays moves up, over what goes */
        struct frame *frame = frame_at(queue, from);
        if (from >= queue->held && is_droppable(queue, from)) {
            frame_unref(frame);
        } else {
            put_at(queue, --to, frame, is_droppable(queue, from));
        }
    }
    queue->first = place_of(queue, to);
    queue->count -= to;
    queue->size -= found;
    if (queue->count == 0) {
        frame_queue_clear(queue);
    }
    return to;
}
