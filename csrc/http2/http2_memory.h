/* nghttp2's memory: base/memory, with a list of what is allocated. Out of memory, nghttp2 1.52
 * leaves frames behind that it would free twice, and does not always say so: whoever has called it
 * looks here, and then frees all of it without asking nghttp2. */
#ifndef CASGI_HTTP2_HTTP2_MEMORY_H
#define CASGI_HTTP2_HTTP2_MEMORY_H

#include <nghttp2/nghttp2.h>

#include "base/list.h"

/* Embedded in its owner. */
struct http2_memory {
    struct list blocks;
    bool has_failed; /* an allocation: nghttp2 must not be called any more */
};

static inline void http2_memory_init(struct http2_memory *memory) {
    list_init(&memory->blocks);
    memory->has_failed = false;
}

/* Returns the functions for nghttp2, which *borrow* `memory` for the session's life. */
nghttp2_mem http2_memory_functions(struct http2_memory *memory);

/* Frees what nghttp2 has not freed. */
void http2_memory_release(struct http2_memory *memory);

#endif
