/* Blocks, each behind a link of the list. Owns those that are not freed yet. */
#include "http2/http2_memory.h"

#include <stdalign.h>
#include <stdint.h>
#include <string.h>

#include "base/memory.h"

struct block {
    struct list link;
    alignas(max_align_t) char bytes[];
};

static struct block *block_of(void *bytes) {
    return bytes != NULL ? LIST_OBJECT(bytes, struct block, bytes) : NULL;
}

/* Resizes a block, or makes one of NULL. The old one stays when there is no memory. */
static void *resize(void *bytes, size_t size, void *owner) {
    struct http2_memory *memory = owner;
    struct block *block = block_of(bytes);
    if (block != NULL) {
        list_remove(&block->link);
    }
    struct block *resized = memory_resize(block, sizeof(*block) + size);
    if (resized != NULL || block != NULL) {
        list_append(&memory->blocks, resized != NULL ? &resized->link : &block->link);
    }
    memory->has_failed |= resized == NULL;
    return resized != NULL ? resized->bytes : NULL;
}

static void *allocate(size_t size, void *owner) {
    return resize(NULL, size, owner);
}

static void *allocate_zeroed(size_t count, size_t size, void *owner) {
    void *bytes = resize(NULL, count * size, owner);
    if (bytes != NULL) {
        memset(bytes, 0, count * size);
    }
    return bytes;
}

static void release(void *bytes, void *owner) {
    (void)owner;
    struct block *block = block_of(bytes);
    if (block != NULL) {
        list_remove(&block->link);
        memory_free(block);
    }
}

nghttp2_mem http2_memory_functions(struct http2_memory *memory) {
    return (nghttp2_mem){.mem_user_data = memory,
                         .malloc = allocate,
                         .free = release,
                         .calloc = allocate_zeroed,
                         .realloc = resize};
}

void http2_memory_release(struct http2_memory *memory) {
    while (!list_is_empty(&memory->blocks)) {
        struct block *block = LIST_OBJECT(memory->blocks.next, struct block, link);
        list_remove(&block->link);
        memory_free(block);
    }
}
