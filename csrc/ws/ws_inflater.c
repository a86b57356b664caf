/* zlib's raw inflate, fed a message at a time, and the pool of free inflaters. An inflater owns its
 * z_stream, whose memory comes from base/memory; the pool owns the inflaters that nobody has taken.
 *
 * All have the largest window: it holds what was compressed for any smaller one, so that any
 * inflater does for any terms. */
#include "ws/ws_inflater.h"

#include "base/counters.h"
#include "base/memory.h"
#include "ws/ws_deflate.h"
#include "ws/ws_zlib.h"

/* Inflaters are needed only while a message is on its way; a few serve all whose messages come
 * whole. */
enum { POOL_SIZE = 8 };

/* zlib's flag in data_type: it stands between two blocks. */
enum { BETWEEN_BLOCKS = 128 };

/* Room that is made for what comes out, at a time. */
enum { LEAST_ROOM = 1024 };

struct ws_inflater {
    struct ws_inflater *next_free;
    z_stream stream;
    bool is_inside; /* something has come since the message, or the deflate stream, began */
};

struct ws_inflater_pool {
    struct ws_inflater *first;
    unsigned size;
};

static struct ws_inflater *inflater_new(void) {
    struct ws_inflater *inflater = memory_allocate_zeroed(sizeof(*inflater));
    if (inflater == NULL) {
        return NULL;
    }
    inflater->stream.zalloc = ws_zlib_allocate;
    inflater->stream.zfree = ws_zlib_free;
    if (inflateInit2(&inflater->stream, -WS_WINDOW_BITS_MOST) != Z_OK) {
        memory_free(inflater);
        return NULL;
    }
    return inflater;
}

static void inflater_free(struct ws_inflater *inflater) {
    (void)inflateEnd(&inflater->stream);
    memory_free(inflater);
}

struct ws_inflater_pool *ws_inflater_pool_new(void) {
    return memory_allocate_zeroed(sizeof(struct ws_inflater_pool));
}

void ws_inflater_pool_free(struct ws_inflater_pool *pool) {
    if (pool == NULL) {
        return;
    }
    while (pool->first != NULL) {
        struct ws_inflater *inflater = pool->first;
        pool->first = inflater->next_free;
        inflater_free(inflater);
    }
    memory_free(pool);
}

struct ws_inflater *ws_inflater_pool_take(struct ws_inflater_pool *pool) {
    struct ws_inflater *inflater = pool->first;
    if (inflater != NULL) {
        pool->first = inflater->next_free;
        pool->size--;
    } else {
        inflater = inflater_new();
    }
    if (inflater != NULL) {
        counters_opened(COUNTER_ws_inflaters);
    }
    return inflater;
}

void ws_inflater_pool_give(struct ws_inflater_pool *pool, struct ws_inflater *inflater) {
    if (inflater == NULL) {
        return;
    }
    counters_closed(COUNTER_ws_inflaters);
    if (pool->size == POOL_SIZE || inflateReset(&inflater->stream) != Z_OK) {
        inflater_free(inflater);
        return;
    }
    inflater->is_inside = false;
    inflater->next_free = pool->first;
    pool->first = inflater;
    pool->size++;
}

/* Gives zlib the rest of *out to write to, up to one byte above the limit, which is how it shows
 * that there is more. */
static int make_room(z_stream *stream, size_t most, struct buffer *out) {
    if (out->capacity == out->length && buffer_reserve(out, LEAST_ROOM) != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    size_t room = out->capacity - out->length;
    if (most > 0 && room > most - out->length) {
        room = most - out->length + 1;
    }
    stream->next_out = (Bytef *)out->data + out->length;
    stream->avail_out = room > UINT32_MAX ? UINT32_MAX : (uInt)room;
    return STATUS_OK;
}

/* A block that says that it is the last ends the deflate stream, not the message: what follows may
 * still refer to what came before (RFC 7692 section 7.2.3.4), so that the window stays. */
static int begin_stream(struct ws_inflater *inflater) {
    inflater->is_inside = false;
    return inflateResetKeep(&inflater->stream) == Z_OK ? STATUS_OK : STATUS_INVALID;
}

/* Inflates what stands in stream->next_in. */
static int run(struct ws_inflater *inflater, int flush, size_t most, struct buffer *out) {
    z_stream *stream = &inflater->stream;
    bool is_full = true;
    while (stream->avail_in > 0 || is_full) {
        if (make_room(stream, most, out) != STATUS_OK) {
            return STATUS_NO_MEMORY;
        }
        uInt room = stream->avail_out;
        inflater->is_inside |= stream->avail_in > 0;
        int result = inflate(stream, flush);
        out->length += room - stream->avail_out;
        if (most > 0 && out->length > most) {
            return STATUS_TOO_LARGE;
        }
        if (result == Z_STREAM_END && begin_stream(inflater) != STATUS_OK) {
            return STATUS_INVALID;
        }
        if (result == Z_MEM_ERROR) {
            return STATUS_NO_MEMORY;
        }
        if (result != Z_OK && result != Z_STREAM_END && result != Z_BUF_ERROR) {
            return STATUS_INVALID;
        }
        is_full = stream->avail_out == 0;
        if (flush == Z_BLOCK && (stream->data_type & BETWEEN_BLOCKS) != 0) {
            break;
        }
    }
    return STATUS_OK;
}

int ws_inflater_feed(struct ws_inflater *inflater, struct slice bytes, size_t most,
                     struct buffer *out) {
    while (bytes.length > 0) {
        size_t length = bytes.length > UINT32_MAX ? UINT32_MAX : bytes.length;
        inflater->stream.next_in = (const Bytef *)bytes.data;
        inflater->stream.avail_in = (uInt)length;
        int status = run(inflater, Z_SYNC_FLUSH, most, out);
        if (status != STATUS_OK) {
            return status;
        }
        bytes = slice_without_front(bytes, length);
    }
    return STATUS_OK;
}

/* The sender has left out the end of an empty block (RFC 7692 section 7.2.1). A message without a
 * byte, or whose last byte ends a stream, has no such block. */
int ws_inflater_end(struct ws_inflater *inflater, size_t most, struct buffer *out) {
    static const Bytef end_of_block[] = {0x00, 0x00, 0xFF, 0xFF};
    if (!inflater->is_inside) {
        return STATUS_OK;
    }
    z_stream *stream = &inflater->stream;
    stream->next_in = end_of_block;
    stream->avail_in = sizeof(end_of_block);
    int status = run(inflater, Z_BLOCK, most, out);
    if (status == STATUS_OK &&
        (stream->avail_in > 0 || (stream->data_type & BETWEEN_BLOCKS) == 0)) {
        status = STATUS_INVALID;
    }
    inflater->is_inside = false;
    return status;
}
