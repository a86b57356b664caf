/* What a client can make the parser hold or read, and that it is refused as soon as the limit is
 * passed, not at the end. */
#include "http_runs.h"

enum { INPUT_SIZE = 200 * 1024 };

struct text {
    char *data;
    size_t length;
};

static void add(struct text *text, const char *piece, size_t times) {
    size_t length = strlen(piece);
    for (size_t i = 0; i < times && text->length + length <= INPUT_SIZE; i++) {
        memcpy(text->data + text->length, piece, length);
        text->length += length;
    }
}

static struct slice of(const struct text *text) {
    return slice_of(text->data, text->length);
}

/* Feeds it byte by byte and returns how many were fed until it failed; 0 when it did not. */
static size_t failing_length(struct http_run_limits limits, struct slice input, int status) {
    struct http_events events;
    size_t used = 0;
    CHECK(events_open(&events, limits.head_size, limits.headers));
    while (used < input.length && http1_parser_state(events.parser) != HTTP1_PARSER_FAILED) {
        events_feed(&events, slice_of(input.data + used, 1));
        used++;
    }
    bool has_failed = http1_parser_state(events.parser) == HTTP1_PARSER_FAILED;
    CHECK(!has_failed || http1_parser_error_status(events.parser) == status);
    events_close(&events);
    return has_failed ? used : 0;
}

static void check_request_line(struct text *text) {
    text->length = 0;
    add(text, "GET /", 1);
    add(text, "a", INPUT_SIZE);
    CHECK(failing_length(DEFAULT_LIMITS, of(text), 414) == LIMIT_HEAD_SIZE + 1);
    check_refused(DEFAULT_LIMITS, of(text), 414, "target without an end");
    text->length = 0;
    add(text, "A", INPUT_SIZE);
    check_refused(DEFAULT_LIMITS, of(text), 414, "method without an end");
}

static void check_head_size(struct text *text) {
    text->length = 0;
    add(text, "GET / HTTP/1.1\r\nHost: a\r\nX: ", 1);
    add(text, "a", INPUT_SIZE);
    CHECK(failing_length(DEFAULT_LIMITS, of(text), 431) == LIMIT_HEAD_SIZE + 1);
    check_refused(DEFAULT_LIMITS, of(text), 431, "value without an end");
    text->length = 0;
    add(text, "GET / HTTP/1.1\r\n", 1);
    add(text, "x", INPUT_SIZE);
    check_refused(DEFAULT_LIMITS, of(text), 431, "name without an end");
}

/* A head of exactly the limit passes, one of a byte more does not. */
static void check_exact_head(struct text *text) {
    const struct http_run_limits limits = {.head_size = 100, .headers = 10};
    for (int over = 0; over <= 1; over++) {
        text->length = 0;
        add(text, "GET / HTTP/1.1\r\nHost: a\r\nX: ", 1);
        add(text, "a", 100 - text->length - 4 + (size_t)over);
        add(text, "\r\n\r\n", 1);
        CHECK(text->length == 100 + (size_t)over);
        CHECK(failing_length(limits, of(text), 431) == (over ? text->length : 0));
        add(text, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 1);
        CHECK(failing_length(limits, of(text), 431) == (over ? 101 : 0));
    }
}

static void check_field_count(struct text *text) {
    const struct http_run_limits limits = {.head_size = LIMIT_HEAD_SIZE, .headers = 50};
    for (size_t count = 49; count <= 51; count++) {
        text->length = 0;
        add(text, "GET / HTTP/1.1\r\nHost: a\r\n", 1);
        add(text, "x_y: dropped but counted\r\n", count - 1);
        size_t last_line = text->length;
        add(text, "\r\n", 1);
        CHECK(failing_length(limits, of(text), 431) == (count > 50 ? last_line : 0));
    }
    check_refused(limits, of(text), 431, "fields");
    text->length = 0;
    add(text, "GET / HTTP/1.1\r\nHost: a\r\n", 1);
    add(text, "X: a\r\n", 5000);
    check_refused(DEFAULT_LIMITS, of(text), 431, "thousands of fields");
}

static void begin_chunked(struct text *text) {
    text->length = 0;
    add(text, "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", 1);
}

static void check_chunk_extensions(struct text *text) {
    begin_chunked(text);
    size_t head = text->length;
    add(text, "1;", 1);
    add(text, "a", INPUT_SIZE);
    CHECK(failing_length(DEFAULT_LIMITS, of(text), 400) == head + LIMIT_CHUNK_EXTENSION_SIZE + 1);
    check_refused(DEFAULT_LIMITS, of(text), 400, "extension without an end");
    begin_chunked(text);
    add(text, "0", INPUT_SIZE);
    check_refused(DEFAULT_LIMITS, of(text), 400, "zeros without an end");
    begin_chunked(text);
    add(text, "1;abcdefghijklmnopqrstuvwxyz\r\na\r\n", 5000);
    check_refused(DEFAULT_LIMITS, of(text), 400, "more extensions than data");
    begin_chunked(text);
    add(text,
        "40;signature=abcdefghijklmnopqrstuvwxyz\r\n"
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\r\n",
        1000);
    add(text, "1\r\na\r\n", 1000);
    CHECK(failing_length(DEFAULT_LIMITS, of(text), 400) == 0);
}

static void check_trailers(struct text *text) {
    begin_chunked(text);
    add(text, "0\r\n", 1);
    size_t before = text->length;
    add(text, "X: a\r\n", INPUT_SIZE);
    CHECK(failing_length(DEFAULT_LIMITS, of(text), 431) == before + LIMIT_TRAILER_SIZE + 1);
    check_refused(DEFAULT_LIMITS, of(text), 431, "trailers");
}

/* What can be told early is: another protocol may never send a line feed. */
static void check_early(void) {
    CHECK(failing_length(DEFAULT_LIMITS, SLICE_LITERAL("\x16\x03\x01"), 400) == 1);
    CHECK(failing_length(DEFAULT_LIMITS, SLICE_LITERAL("\rGET"), 400) == 2);
    CHECK(failing_length(DEFAULT_LIMITS, SLICE_LITERAL("\nGET"), 400) == 1);
    CHECK(failing_length(DEFAULT_LIMITS, SLICE_LITERAL("GE\xffT"), 400) == 3);
    CHECK(failing_length(DEFAULT_LIMITS, SLICE_LITERAL("GET /\r\n\r\n"), 400) == 7);
    CHECK(failing_length(DEFAULT_LIMITS, SLICE_LITERAL("PRI * HTTP/2.0\r\n\r\n"), 505) == 16);
    CHECK(failing_length(DEFAULT_LIMITS, SLICE_LITERAL("GET / HTTP/1.1\r\nA: b\n\r\n"), 400) == 21);
}

static void check_empty_lines(struct text *text) {
    text->length = 0;
    add(text, "\r\n", INPUT_SIZE / 2);
    check_refused(DEFAULT_LIMITS, of(text), 400, "empty lines");
}

/* A request after one with a large head: what was given back is taken again. */
static void check_large_then_small(struct text *text) {
    text->length = 0;
    for (int i = 0; i < 3; i++) {
        add(text, "GET / HTTP/1.1\r\nHost: a\r\n", 1);
        add(text,
            "X: "
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r"
            "\n",
            90);
        add(text, "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", 1);
    }
    uint64_t seed = 1;
    struct http_events events = run(DEFAULT_LIMITS, of(text), cut_whole, &seed);
    CHECK(strstr(events.text, "end idle") != NULL);
    check_all_ways(DEFAULT_LIMITS, of(text), events_text(&events), "large and small");
    events_close(&events);
}

int main(void) {
    struct text text = {malloc(INPUT_SIZE), 0};
    check_request_line(&text);
    check_head_size(&text);
    check_exact_head(&text);
    check_field_count(&text);
    check_chunk_extensions(&text);
    check_trailers(&text);
    check_early();
    check_empty_lines(&text);
    check_large_then_small(&text);
    free(text.data);
    return check_report();
}
