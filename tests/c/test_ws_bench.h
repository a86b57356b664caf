/* Ways to feed the same bytes to a session, for the tests of csrc/ws/ws_session.c: whole, byte by
 * byte and in random pieces, each piece ending at an unreadable page, and with the n-th allocation
 * failing for every n. Needs the failing allocator (-DCASGI_TEST_ALLOCATIONS). */
#ifndef CASGI_TESTS_TEST_WS_BENCH_H
#define CASGI_TESTS_TEST_WS_BENCH_H

#include "base/counters.h"
#include "base/memory.h"
#include "check.h"
#include "test_ws_support.h"

enum { LONGEST_PIECE = 1 << 18, RANDOM_SPLITS = 24, MOST_ALLOCATIONS = 1000 };

/* Every piece is fed from here, so that reading one byte past it would fault. */
static struct guarded guarded;

static void bench_prepare(void) {
    guarded = guarded_open(LONGEST_PIECE);
}

/* What main() returns. */
static int bench_report(void) {
    guarded_close(&guarded);
    return check_report();
}

static const struct ws_session_limits no_limits = {.message_size = 0};

/* The terms of compression of every session that is opened; NULL for none. */
static const struct ws_deflate_terms *bench_terms;

/* One session under test, with its own pools. */
struct bench {
    struct ws_decoder_pool *pool;
    struct ws_inflater_pool *inflaters;
    struct ws_session session;
    struct log log;
};

static void bench_open(struct bench *bench, const struct ws_session_limits *limits) {
    memset(bench, 0, sizeof(*bench));
    text_add(&bench->log.events, "", 0);
    bench->pool = ws_decoder_pool_new();
    CHECK(bench->pool != NULL);
    ws_session_init(&bench->session, bench->pool, limits, &log_events, &bench->log);
    bench->inflaters = ws_inflater_pool_new();
    CHECK(bench->inflaters != NULL);
    if (bench_terms != NULL) {
        ws_session_inflate(&bench->session, bench->inflaters, bench_terms);
    }
}

static void bench_close(struct bench *bench) {
    ws_session_release(&bench->session);
    ws_session_release(&bench->session);
    CHECK(bench->session.decoder == NULL);
    CHECK(bench->session.message.data == NULL);
    CHECK(counters_alive(COUNTER_ws_decoders) == 0);
    CHECK(counters_alive(COUNTER_ws_inflaters) == 0);
    ws_decoder_pool_free(bench->pool);
    ws_inflater_pool_free(bench->inflaters);
    text_free(&bench->log.events);
}

static void feed(struct bench *bench, const struct text *wire, size_t start, size_t end) {
    ws_session_feed(&bench->session,
                    guarded_place(&guarded, slice_of(wire->data + start, end - start)));
}

/* An ended session holds nothing; any other holds a decoder exactly inside a frame, which the edges
 * found here, independently of csrc/ws, tell. */
static void check_holding(struct bench *bench, bool is_at_edge) {
    bool is_idle = bench->session.is_ended || is_at_edge;
    CHECK((bench->session.decoder == NULL) == is_idle);
    CHECK(counters_alive(COUNTER_ws_decoders) == (is_idle ? 0 : 1));
    if (bench->session.is_ended || (is_at_edge && bench->session.fragments == 0)) {
        CHECK(bench->session.message.data == NULL);
        CHECK(bench->session.inflater == NULL || bench_terms->client_has_takeover);
    }
}

/* Returns where the masked frame that starts at `start` ends. */
static size_t frame_end(const struct text *wire, size_t start) {
    const uint8_t *head = (const uint8_t *)wire->data + start;
    if (start + 2 > wire->length) {
        return SIZE_MAX;
    }
    unsigned extended = (head[1] & 0x7F) == 127 ? 8 : (head[1] & 0x7F) == 126 ? 2 : 0;
    uint64_t length = extended == 0 ? head[1] & 0x7F : 0;
    if (start + 2 + extended > wire->length) {
        return SIZE_MAX;
    }
    for (unsigned i = 0; i < extended; i++) {
        length = length << 8 | head[2 + i];
    }
    return length > SIZE_MAX / 2 ? SIZE_MAX : start + 2 + extended + 4 + (size_t)length;
}

static bool is_edge(const struct text *wire, size_t offset) {
    size_t edge = 0;
    while (edge < offset) {
        edge = frame_end(wire, edge);
    }
    return edge == offset;
}

static void check_log(const struct bench *bench, const struct text *expected) {
    const struct text *events = &bench->log.events;
    bool is_same = events->length == expected->length &&
                   memcmp(events->data, expected->data, expected->length) == 0;
    if (!is_same && expected->length < 2000) {
        fprintf(stderr, "got      %s\nexpected %s\n", events->data, expected->data);
    }
    CHECK(is_same);
}

static void run_whole(const struct ws_session_limits *limits, const struct text *wire,
                      const struct text *expected) {
    struct bench bench;
    bench_open(&bench, limits);
    feed(&bench, wire, 0, wire->length);
    check_holding(&bench, is_edge(wire, wire->length));
    check_log(&bench, expected);
    bench_close(&bench);
}

static void run_bytes(const struct ws_session_limits *limits, const struct text *wire,
                      const struct text *expected) {
    struct bench bench;
    bench_open(&bench, limits);
    for (size_t i = 0; i < wire->length; i++) {
        feed(&bench, wire, i, i + 1);
        check_holding(&bench, is_edge(wire, i + 1));
    }
    check_log(&bench, expected);
    bench_close(&bench);
}

static void run_random(const struct ws_session_limits *limits, const struct text *wire,
                       const struct text *expected, uint32_t seed) {
    struct bench bench;
    bench_open(&bench, limits);
    for (size_t start = 0; start < wire->length;) {
        size_t most = wire->length - start;
        size_t length = 1 + random_next(&seed) % (most < 16 || seed % 3 == 0 ? most : 16);
        feed(&bench, wire, start, start + length);
        start += length;
    }
    check_log(&bench, expected);
    bench_close(&bench);
}

static bool starts_with(const struct text *text, const char *start, size_t length) {
    return text->length >= length && memcmp(text->data, start, length) == 0;
}

/* Either the failing allocation was not needed any more and the log is whole, or the session has
 * failed with 1011 behind a beginning of the log. */
static bool run_failing(const struct ws_session_limits *limits, const struct text *wire,
                        const struct text *expected, long n) {
    static const char no_memory[] = "fail 1011;";
    struct bench bench;
    bench_open(&bench, limits);
    size_t half = wire->length / 2;
    memory_set_failure(n);
    feed(&bench, wire, 0, half);
    feed(&bench, wire, half, wire->length);
    memory_set_failure(0);
    size_t length = bench.log.events.length;
    size_t tail = sizeof(no_memory) - 1;
    bool has_failed =
        length >= tail && strcmp(bench.log.events.data + length - tail, no_memory) == 0;
    if (has_failed) {
        CHECK(starts_with(expected, bench.log.events.data, length - tail));
        CHECK(bench.session.is_ended);
        CHECK(bench.session.decoder == NULL);
        CHECK(bench.session.message.data == NULL);
    } else {
        check_log(&bench, expected);
    }
    bench_close(&bench);
    return has_failed;
}

static void run_every_way(const struct ws_session_limits *limits, const struct text *wire,
                          const struct text *expected) {
    run_whole(limits, wire, expected);
    run_bytes(limits, wire, expected);
    for (uint32_t seed = 1; seed <= RANDOM_SPLITS; seed++) {
        run_random(limits, wire, expected, seed);
    }
    long n = 1;
    while (n < MOST_ALLOCATIONS && run_failing(limits, wire, expected, n)) {
        n++;
    }
    CHECK(n > 1 && n < MOST_ALLOCATIONS); /* the first allocation, a decoder's, was always needed */
}

/* Runs the wire every way and empties it. */
static void expect_limited(const struct ws_session_limits *limits, struct text *wire,
                           const char *events) {
    struct text expected = {NULL, 0};
    text_add(&expected, events, strlen(events));
    run_every_way(limits, wire, &expected);
    text_free(&expected);
    text_free(wire);
}

static void expect(struct text *wire, const char *events) {
    expect_limited(&no_limits, wire, events);
}

static void add(struct text *wire, unsigned first, const char *payload) {
    wire_frame(wire, first, payload, strlen(payload));
}

#endif
