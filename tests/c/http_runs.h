/* Runs one input through the HTTP/1 parser in every way: whole, byte by byte, cut at random, at a
 * page's end, cut off at every byte, and with the n-th allocation failing for every n. All must
 * tell the same. */
#ifndef CASGI_TESTS_HTTP_RUNS_H
#define CASGI_TESTS_HTTP_RUNS_H

#include "base/memory.h"
#include "check.h"
#include "http_events.h"

enum { RANDOM_CUTS = 20, LONGEST_CUT = 40, LONGEST_FOR_EVERY_PREFIX = 1500 };

struct http_run_limits {
    size_t head_size;
    size_t headers;
};

#define DEFAULT_LIMITS ((struct http_run_limits){LIMIT_HEAD_SIZE, LIMIT_HEADERS})

/* How many bytes come next: `rest` is how many there are. */
typedef size_t (*cutter)(uint64_t *seed, size_t rest);

static inline size_t cut_whole(uint64_t *seed, size_t rest) {
    (void)seed;
    return rest;
}

static inline size_t cut_bytes(uint64_t *seed, size_t rest) {
    (void)seed;
    (void)rest;
    return 1;
}

static inline size_t cut_randomly(uint64_t *seed, size_t rest) {
    size_t length = 1 + check_random(seed) % LONGEST_CUT;
    return length < rest ? length : rest;
}

/* Feeds all of it and writes down the end. The caller closes the events. */
static inline struct http_events run(struct http_run_limits limits, struct slice input, cutter cut,
                                     uint64_t *seed) {
    struct http_events events;
    if (!events_open(&events, limits.head_size, limits.headers)) {
        events_put(&events, SLICE_LITERAL("no parser\n"));
        return events;
    }
    for (size_t used = 0; used < input.length;) {
        size_t length = cut(seed, input.length - used);
        events_feed(&events, slice_of(input.data + used, length));
        used += length;
    }
    events_end(&events);
    return events;
}

static inline void check_run(struct http_run_limits limits, struct slice input,
                             struct slice expected, cutter cut, uint64_t *seed, const char *row) {
    struct http_events events = run(limits, input, cut, seed);
    CHECK_TEXT_ROW(events_text(&events), expected, row);
    events_close(&events);
}

static inline void check_page_end(struct http_run_limits limits, struct slice input,
                                  struct slice expected, const char *row) {
    uint64_t seed = 1;
    struct guarded guarded = guarded_open(input.length);
    check_run(limits, guarded_place(&guarded, input), expected, cut_whole, &seed, row);
    size_t longest = input.length < LONGEST_FOR_EVERY_PREFIX ? input.length : 0;
    for (size_t length = 0; length < longest; length++) {
        struct slice prefix = slice_of(input.data, length);
        struct http_events whole = run(limits, guarded_place(&guarded, prefix), cut_whole, &seed);
        check_run(limits, prefix, events_text(&whole), cut_bytes, &seed, row);
        events_close(&whole);
    }
    guarded_close(&guarded);
}

/* Everything told before the memory went must be what is told otherwise. */
static inline void check_allocations(struct http_run_limits limits, struct slice input,
                                     struct slice expected, const char *row) {
    static const char failure[] = "end failed 503 out of memory\n";
    uint64_t seed = 1;
    for (long n = 1;; n++) {
        memory_set_failure(n);
        struct http_events events = run(limits, input, cut_randomly, &seed);
        memory_set_failure(0);
        struct slice text = events_text(&events);
        bool is_through = slice_equals(text, expected);
        if (!is_through && !slice_equals(text, SLICE_LITERAL("no parser\n"))) {
            size_t told = text.length - (sizeof(failure) - 1);
            bool is_clean = text.length >= sizeof(failure) - 1 && told <= expected.length &&
                            strcmp(text.data + told, failure) == 0 &&
                            memcmp(text.data, expected.data, told) == 0;
            CHECK_ROW(is_clean, row);
        }
        events_close(&events);
        if (is_through || check_failures > CHECK_FAILURES_SHOWN) {
            return;
        }
    }
}

/* All ways but the first, against what the first one told. */
static inline void check_all_ways(struct http_run_limits limits, struct slice input,
                                  struct slice expected, const char *row) {
    uint64_t seed = 0x9E3779B97F4A7C15;
    check_run(limits, input, expected, cut_bytes, &seed, row);
    for (int i = 0; i < RANDOM_CUTS; i++) {
        check_run(limits, input, expected, cut_randomly, &seed, row);
    }
    check_page_end(limits, input, expected, row);
    check_allocations(limits, input, expected, row);
}

/* The input must be told as `expected`, in every way. */
static inline void check_events(struct slice input, struct slice expected, const char *row) {
    uint64_t seed = 1;
    check_run(DEFAULT_LIMITS, input, expected, cut_whole, &seed, row);
    check_all_ways(DEFAULT_LIMITS, input, expected, row);
}

/* The input must be refused with this status, in every way, and alike. */
static inline void check_refused(struct http_run_limits limits, struct slice input, int status,
                                 const char *row) {
    uint64_t seed = 1;
    char wanted[32];
    snprintf(wanted, sizeof(wanted), "end failed %d ", status);
    struct http_events events = run(limits, input, cut_whole, &seed);
    struct slice text = events_text(&events);
    if (!CHECK_ROW(strstr(text.data, wanted) != NULL, row)) {
        fprintf(stderr, "     wanted %s, was told\n%s", wanted, text.data);
    }
    check_all_ways(limits, input, text, row);
    events_close(&events);
}

#endif
