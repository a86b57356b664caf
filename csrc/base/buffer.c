/* A growable run of bytes: doubles its memory, so that appending n bytes one by one costs O(n). */
#include "base/buffer.h"

#include <stdint.h>

#include "base/memory.h"

enum { FIRST_CAPACITY = 256 };

int buffer_reserve(struct buffer *buffer, size_t extra) {
    if (extra > SIZE_MAX / 2 - buffer->length) {
        return STATUS_NO_MEMORY;
    }
    size_t needed = buffer->length + extra;
    if (needed <= buffer->capacity) {
        return STATUS_OK;
    }
    size_t capacity = buffer->capacity > 0 ? buffer->capacity : FIRST_CAPACITY;
    while (capacity < needed) {
        capacity *= 2;
    }
    char *data = memory_resize(buffer->data, capacity);
    if (data == NULL) {
        return STATUS_NO_MEMORY;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return STATUS_OK;
}

int buffer_append(struct buffer *buffer, struct slice bytes) {
    if (bytes.length == 0) {
        return STATUS_OK;
    }
    int status = buffer_reserve(buffer, bytes.length);
    if (status == STATUS_OK) {
        memcpy(buffer->data + buffer->length, bytes.data, bytes.length);
        buffer->length += bytes.length;
    }
    return status;
}

void buffer_consume(struct buffer *buffer, size_t count) {
    if (count >= buffer->length) {
        buffer->length = 0;
        return;
    }
    buffer->length -= count;
    memmove(buffer->data, buffer->data + count, buffer->length);
}

void buffer_release(struct buffer *buffer) {
    memory_free(buffer->data);
    *buffer = BUFFER_EMPTY;
}
