/* A ring of frames and ranges of files. Owns a reference to each, and the bytes of the tail until
 * it is shared. */
#include "net/frame_queue.h"

#include <assert.h>

#include "base/memory.h"

enum { FIRST_RING_CAPACITY = 8 };

/* With its header a tail frame fills 1 KiB, which malloc keeps in its fastest bins; a queue that
 * needs more gets larger ones. */
#define FIRST_TAIL_CAPACITY   (1024 - sizeof(struct frame))
#define LARGEST_TAIL_CAPACITY (16 * 1024 - sizeof(struct frame))

enum kind { KEPT_FRAME, DROPPABLE_FRAME, FILE_RANGE };

/* --- The ring --- */

static uint32_t place_of(const struct frame_queue *queue, uint32_t index) {
    return (queue->first + index) & (queue->capacity - 1);
}

static union frame_queue_entry entry_at(const struct frame_queue *queue, uint32_t index) {
    return queue->ring[place_of(queue, index)];
}

/* The bytes behind the ring. */
static uint8_t *kinds_of(const struct frame_queue *queue) {
    return (uint8_t *)(queue->ring + queue->capacity);
}

static enum kind kind_at(const struct frame_queue *queue, uint32_t index) {
    return kinds_of(queue)[place_of(queue, index)];
}

static size_t length_at(const struct frame_queue *queue, uint32_t index) {
    union frame_queue_entry entry = entry_at(queue, index);
    return kind_at(queue, index) == FILE_RANGE ? entry.range->length : entry.frame->length;
}

static void put_at(struct frame_queue *queue, uint32_t index, union frame_queue_entry entry,
                   enum kind kind) {
    uint32_t place = place_of(queue, index);
    queue->ring[place] = entry;
    kinds_of(queue)[place] = (uint8_t)kind;
}

static void release(union frame_queue_entry entry, enum kind kind) {
    if (kind == FILE_RANGE) {
        file_unref(entry.range->file);
        memory_free(entry.range);
    } else {
        frame_unref(entry.frame);
    }
}

static int grow_ring(struct frame_queue *queue) {
    struct frame_queue grown = *queue;
    grown.capacity = queue->capacity > 0 ? queue->capacity * 2 : FIRST_RING_CAPACITY;
    grown.first = 0;
    grown.ring = memory_allocate(grown.capacity * (sizeof(*grown.ring) + sizeof(uint8_t)));
    if (grown.ring == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (uint32_t i = 0; i < queue->count; i++) {
        put_at(&grown, i, entry_at(queue, i), kind_at(queue, i));
    }
    memory_free(queue->ring);
    *queue = grown;
    return STATUS_OK;
}

/* Takes the entry in every case. */
static int push_back(struct frame_queue *queue, union frame_queue_entry entry, enum kind kind) {
    if (queue->count == queue->capacity && grow_ring(queue) != STATUS_OK) {
        release(entry, kind);
        return STATUS_NO_MEMORY;
    }
    put_at(queue, queue->count++, entry, kind);
    queue->size += length_at(queue, queue->count - 1);
    return STATUS_OK;
}

static void pop_front(struct frame_queue *queue) {
    union frame_queue_entry entry = entry_at(queue, 0);
    enum kind kind = kind_at(queue, 0);
    queue->first = place_of(queue, 1);
    queue->count--;
    queue->offset = 0;
    if (kind != FILE_RANGE && entry.frame == queue->tail) {
        queue->tail = NULL;
    }
    release(entry, kind);
}

int frame_queue_push(struct frame_queue *queue, struct frame *frame, bool may_be_dropped) {
    if (frame->length == 0) {
        frame_unref(frame);
        return STATUS_OK;
    }
    queue->tail = NULL;
    return push_back(queue, (union frame_queue_entry){.frame = frame},
                     may_be_dropped ? DROPPABLE_FRAME : KEPT_FRAME);
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

void frame_queue_clear_behind_held(struct frame_queue *queue) {
    if (queue->held == 0) {
        frame_queue_clear(queue);
        return;
    }
    while (queue->count > queue->held) {
        uint32_t last = queue->count - 1;
        queue->size -= length_at(queue, last);
        release(entry_at(queue, last), kind_at(queue, last));
        queue->count = last;
    }
    queue->tail = NULL;
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
    int status = push_back(queue, (union frame_queue_entry){.frame = tail}, KEPT_FRAME);
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

/* --- Files --- */

int frame_queue_push_file(struct frame_queue *queue, struct file *file, uint64_t offset,
                          uint64_t length) {
    struct file_range *range = length > 0 ? memory_allocate(sizeof(*range)) : NULL;
    if (range == NULL) {
        file_unref(file);
        return length > 0 ? STATUS_NO_MEMORY : STATUS_OK;
    }
    *range = (struct file_range){file, offset, length};
    queue->tail = NULL;
    return push_back(queue, (union frame_queue_entry){.range = range}, FILE_RANGE);
}

bool frame_queue_front_file(const struct frame_queue *queue, struct file_range *range) {
    if (queue->count == 0 || kind_at(queue, 0) != FILE_RANGE) {
        return false;
    }
    *range = *entry_at(queue, 0).range;
    range->offset += queue->offset;
    range->length -= queue->offset;
    return true;
}

/* Puts the frame before the file at the front, of which it holds the beginning, or in its place
 * when it holds all that is left. *Takes* it in every case. */
static int split_front(struct frame_queue *queue, struct frame *frame) {
    struct file_range *range = entry_at(queue, 0).range;
    size_t begun = queue->offset + frame->length;
    if (begun < range->length && queue->count == queue->capacity && grow_ring(queue) != STATUS_OK) {
        frame_unref(frame);
        return STATUS_NO_MEMORY;
    }
    queue->offset = 0;
    range->offset += begun;
    range->length -= begun;
    if (range->length == 0) {
        release(entry_at(queue, 0), FILE_RANGE);
    } else {
        queue->first = place_of(queue, queue->capacity - 1);
        queue->count++;
    }
    put_at(queue, 0, (union frame_queue_entry){.frame = frame}, KEPT_FRAME);
    return STATUS_OK;
}

int frame_queue_load_front(struct frame_queue *queue, size_t most) {
    struct file_range range;
    if (!frame_queue_front_file(queue, &range)) {
        return STATUS_OK;
    }
    struct frame *frame = frame_new(range.length < most ? range.length : most);
    if (frame == NULL) {
        return STATUS_NO_MEMORY;
    }
    ssize_t taken = file_read(range.file, frame_bytes(frame), frame->length, range.offset);
    if (taken <= 0) {
        frame_unref(frame);
        return STATUS_SYSTEM;
    }
    frame->length = (size_t)taken;
    return split_front(queue, frame);
}

/* --- The front --- */

unsigned frame_queue_gather(const struct frame_queue *queue, struct slice *parts, unsigned room,
                            size_t *total) {
    unsigned count = 0;
    *total = 0;
    for (; count < queue->count && count < room && kind_at(queue, count) != FILE_RANGE; count++) {
        parts[count] = frame_slice(entry_at(queue, count).frame);
        if (count == 0) {
            parts[0] = slice_without_front(parts[0], queue->offset);
        }
        *total += parts[count].length;
    }
    return count;
}

struct frame *frame_queue_front(const struct frame_queue *queue, struct slice *part) {
    size_t length;
    (void)frame_queue_gather(queue, part, 1, &length);
    return entry_at(queue, 0).frame;
}

uint32_t frame_queue_hold(struct frame_queue *queue, uint32_t most) {
    uint32_t held = 1;
    while (held < most && held < queue->count && kind_at(queue, held) == KEPT_FRAME) {
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
        size_t left = length_at(queue, 0) - queue->offset;
        if (count < left) {
            queue->offset += count;
            if (queue->offset > 0 && kind_at(queue, 0) == DROPPABLE_FRAME) {
                put_at(queue, 0, entry_at(queue, 0), KEPT_FRAME);
            }
            return;
        }
        count -= left;
        pop_front(queue);
    }
    frame_queue_clear(queue);
}

void frame_queue_consume_held(struct frame_queue *queue) {
    for (; queue->held > 0; queue->held--) {
        queue->size -= length_at(queue, 0) - queue->offset;
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
        *found += kind_at(queue, i) == DROPPABLE_FRAME ? length_at(queue, i) : 0;
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
    assert(queue->offset == 0 || queue->held > 0 || kind_at(queue, 0) != DROPPABLE_FRAME);
    for (uint32_t from = looked_at; from-- > 0;) { /* what stays moves up, over what goes */
        union frame_queue_entry entry = entry_at(queue, from);
        enum kind kind = kind_at(queue, from);
        if (from >= queue->held && kind == DROPPABLE_FRAME) {
            frame_unref(entry.frame);
        } else {
            put_at(queue, --to, entry, kind);
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
