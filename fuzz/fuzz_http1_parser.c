/* The HTTP/1 parser: however the bytes are cut, it tells the same, and touches only what it was
 * given.
 *
 * The first byte of the input seeds the cuts; two settings of the limits, so that they are reached
 * too. Each piece is a copy of its own, so that the sanitizer sees a byte read too far, or a slice
 * of a piece that is kept. */
#include "http_events.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SMALL_HEAD = 200, SMALL_COUNT = 8 };

static void open_events(struct http_events *events, uint8_t seed) {
    bool is_small = (seed & 1) != 0;
    if (!events_open(events, is_small ? SMALL_HEAD : LIMIT_HEAD_SIZE,
                     is_small ? SMALL_COUNT : LIMIT_HEADERS)) {
        abort();
    }
}

static void feed_copy(struct http_events *events, struct slice piece) {
    char *copy = malloc(piece.length);
    if (copy == NULL) {
        abort();
    }
    memcpy(copy, piece.data, piece.length);
    events_feed(events, slice_of(copy, piece.length));
    free(copy);
}

static void feed_pieces(struct http_events *events, struct slice input, uint32_t seed) {
    for (size_t used = 0; used < input.length;) {
        seed = seed * 1664525 + 1013904223;
        size_t length = 1 + (seed >> 24) % 7;
        length = length < input.length - used ? length : input.length - used;
        feed_copy(events, slice_of(input.data + used, length));
        used += length;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) {
        return 0;
    }
    struct slice input = slice_of((const char *)data + 1, size - 1);
    struct http_events whole;
    struct http_events cut;
    open_events(&whole, data[0]);
    open_events(&cut, data[0]);
    feed_copy(&whole, input);
    feed_pieces(&cut, input, data[0]);
    events_end(&whole);
    events_end(&cut);
    if (!slice_equals(events_text(&whole), events_text(&cut))) {
        fprintf(stderr, "---- whole\n%s\n---- cut\n%s\n", whole.text, cut.text);
        abort();
    }
    events_close(&whole);
    events_close(&cut);
    return 0;
}
