/* zlib's raw deflate, a whole message at a time, and the pool. A deflater owns its z_stream, whose
 * memory comes from base/memory; the pool owns one deflater for each size of window that was asked
 * for. */
#include "ws/ws_deflater.h"

#include "base/buffer.h"
#include "base/counters.h"
#include "ws/ws_frame.h"
#include "ws/ws_zlib.h"

/* zlib takes a window of 8 bits for one of 9, which it does not fill: it refers to at most 250
 * bytes back (its window less 262, the most it looks ahead), so that a peer with 8 can follow. */
enum { ZLIB_BITS_LEAST = 9, SIZES = WS_WINDOW_BITS_MOST - ZLIB_BITS_LEAST + 1 };

/* What Z_SYNC_FLUSH writes last, and a message leaves out: the end of an empty block. */
enum { END_OF_BLOCK = 4 };

struct ws_deflater {
    z_stream stream;
};

struct ws_deflater_pool {
    const struct ws_deflate_settings *settings;
    struct ws_deflater *deflaters[SIZES];
};

static uint8_t zlib_bits(uint8_t window_bits) {
    return window_bits < ZLIB_BITS_LEAST ? ZLIB_BITS_LEAST : window_bits;
}

static struct ws_deflater *make(const struct ws_deflate_settings *settings, uint8_t window_bits) {
    struct ws_deflater *deflater = memory_allocate_zeroed(sizeof(*deflater));
    if (deflater == NULL) {
        return NULL;
    }
    deflater->stream.zalloc = ws_zlib_allocate;
    deflater->stream.zfree = ws_zlib_free;
    if (deflateInit2(&deflater->stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, -zlib_bits(window_bits),
                     settings->memory_level, Z_DEFAULT_STRATEGY) != Z_OK) {
        memory_free(deflater);
        return NULL;
    }
    return deflater;
}

static void destroy(struct ws_deflater *deflater) {
    (void)deflateEnd(&deflater->stream);
    memory_free(deflater);
}

struct ws_deflater_pool *ws_deflater_pool_new(const struct ws_deflate_settings *settings) {
    struct ws_deflater_pool *pool = memory_allocate_zeroed(sizeof(*pool));
    if (pool != NULL) {
        pool->settings = settings;
    }
    return pool;
}

void ws_deflater_pool_free(struct ws_deflater_pool *pool) {
    if (pool == NULL) {
        return;
    }
    for (size_t i = 0; i < SIZES; i++) {
        if (pool->deflaters[i] != NULL) {
            destroy(pool->deflaters[i]);
        }
    }
    memory_free(pool);
}

bool ws_deflater_pool_wants(const struct ws_deflater_pool *pool, size_t length) {
    return length > 0 && length >= pool->settings->least_size;
}

struct frame *ws_deflater_pool_frame(struct ws_deflater_pool *pool, uint8_t window_bits,
                                     bool is_text, struct slice payload) {
    struct ws_deflater **deflater = &pool->deflaters[zlib_bits(window_bits) - ZLIB_BITS_LEAST];
    if (*deflater == NULL) {
        *deflater = make(pool->settings, window_bits);
    }
    if (*deflater == NULL) {
        return NULL;
    }
    struct frame *frame = ws_deflater_frame(*deflater, is_text, payload);
    ws_deflater_forget(*deflater);
    return frame;
}

struct ws_deflater *ws_deflater_new(const struct ws_deflater_pool *pool, uint8_t window_bits) {
    struct ws_deflater *deflater = make(pool->settings, window_bits);
    if (deflater != NULL) {
        counters_opened(COUNTER_ws_deflaters);
    }
    return deflater;
}

void ws_deflater_free(struct ws_deflater *deflater) {
    if (deflater != NULL) {
        counters_closed(COUNTER_ws_deflaters);
        destroy(deflater);
    }
}

/* Compresses into `out`, which has room for as many bytes as the payload has. Returns how many it
 * has become without the end of the last block, or 0 when it would not be fewer. */
static size_t compress_whole(z_stream *stream, struct slice payload, char *out) {
    if (payload.length > UINT32_MAX) {
        return 0;
    }
    stream->next_in = (const Bytef *)payload.data;
    stream->avail_in = (uInt)payload.length;
    stream->next_out = (Bytef *)out;
    stream->avail_out = (uInt)payload.length;
    /* A flush is complete when room is left. */
    if (deflate(stream, Z_SYNC_FLUSH) != Z_OK || stream->avail_out == 0) {
        return 0;
    }
    return payload.length - stream->avail_out - END_OF_BLOCK;
}

struct frame *ws_deflater_frame(struct ws_deflater *deflater, bool is_text, struct slice payload) {
    struct buffer compressed = BUFFER_EMPTY;
    struct frame *frame = NULL;
    if (buffer_reserve(&compressed, payload.length) == STATUS_OK) {
        size_t length = compress_whole(&deflater->stream, payload, compressed.data);
        if (length > 0) {
            frame = ws_frame_new_deflated(is_text ? WS_TEXT : WS_BINARY,
                                          slice_of(compressed.data, length));
        }
        buffer_release(&compressed);
    }
    if (frame == NULL) {
        ws_deflater_forget(deflater);
    }
    return frame;
}

void ws_deflater_forget(struct ws_deflater *deflater) {
    (void)deflateReset(&deflater->stream);
}
