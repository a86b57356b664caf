/* A growable run of bytes. Embedded in its owner; owns its memory, which is NULL while it is empty
 * and new. */
#ifndef CASGI_BASE_BUFFER_H
#define CASGI_BASE_BUFFER_H

#include "base/slice.h"
#include "base/status.h"

struct buffer {
    char *data;
    size_t length;
    size_t capacity;
};

#define BUFFER_EMPTY ((struct buffer){NULL, 0, 0})

/* Makes room for `extra` bytes behind the current ones. STATUS_NO_MEMORY leaves the buffer as it
 * was. */
int buffer_reserve(struct buffer *buffer, size_t extra);

/* Appends a copy of `bytes` (*borrows*). STATUS_NO_MEMORY leaves the buffer as it was. */
int buffer_append(struct buffer *buffer, struct slice bytes);

/* Drops the first `count` bytes (at most all) and moves the rest to the front. */
void buffer_consume(struct buffer *buffer, size_t count);

/* Frees the memory; the buffer is empty and usable afterwards. */
void buffer_release(struct buffer *buffer);

static inline struct slice buffer_slice(const struct buffer *buffer) {
    return (struct slice){buffer->data != NULL ? buffer->data : "", buffer->length};
}

#endif
