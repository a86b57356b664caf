/* zlib, with its memory from base/memory. Included only by what compresses and inflates. */
#ifndef CASGI_WS_WS_ZLIB_H
#define CASGI_WS_WS_ZLIB_H

#define ZLIB_CONST /* input is not written to */
#include <zlib.h>

#include <stdint.h>

#include "base/memory.h"

/* zlib's alloc_func and free_func. */
static inline void *ws_zlib_allocate(void *opaque, unsigned count, unsigned size) {
    (void)opaque;
    return (uint64_t)count * size > SIZE_MAX ? NULL : memory_allocate((size_t)count * size);
}

static inline void ws_zlib_free(void *opaque, void *memory) {
    (void)opaque;
    memory_free(memory);
}

#endif
