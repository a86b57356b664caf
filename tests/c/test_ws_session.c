/* The receiving half of a WebSocket on frames that are allowed, and what a session holds when,
 * shares, and leaves behind. Frames that are not allowed: test_ws_violations.c. */
#include "test_ws_bench.h"

static void test_rfc_examples(void) {
    /* RFC 6455 section 5.7: a single-frame masked text message and a masked pong */
    struct text wire = {NULL, 0};
    text_add(&wire, "\x81\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
    text_add(&wire, "\x8a\x85\x37\xfa\x21\x3d\x7f\x9f\x4d\x51\x58", 11);
    expect(&wire, "text 5 Hello;pong 5 Hello;");
    /* the fragmented one, masked as a client has to */
    add(&wire, 0x01, "Hel");
    add(&wire, 0x80, "lo");
    expect(&wire, "text 5 Hello;");
}

static void test_empty_messages_and_fragments(void) {
    struct text wire = {NULL, 0};
    add(&wire, 0x81, "");
    add(&wire, 0x82, "");
    add(&wire, 0x89, "");
    add(&wire, 0x8A, "");
    expect(&wire, "text 0 ;binary 0 ;ping 0 ;pong 0 ;");
    add(&wire, 0x01, "");
    add(&wire, 0x00, "");
    add(&wire, 0x80, "");
    expect(&wire, "text 0 ;");
    add(&wire, 0x02, "");
    add(&wire, 0x00, "ab");
    add(&wire, 0x00, "");
    add(&wire, 0x80, "");
    add(&wire, 0x81, "next");
    expect(&wire, "binary 2 ab;text 4 next;");
}

static void test_control_frames_between_fragments(void) {
    struct text wire = {NULL, 0};
    add(&wire, 0x01, "one ");
    add(&wire, 0x89, "p");
    add(&wire, 0x00, "two ");
    add(&wire, 0x8A, "q");
    add(&wire, 0x89, "");
    add(&wire, 0x80, "three");
    add(&wire, 0x88,
        "\x03\xe8"
        "bye");
    expect(&wire, "ping 1 p;pong 1 q;ping 0 ;text 13 one two three;close 1000 3 bye;");
    add(&wire, 0x01, "unfinished");
    add(&wire, 0x88, "");
    add(&wire, 0x80, "never delivered");
    add(&wire, 0x88, "");
    expect(&wire, "close 1005 0 ;");
}

static void test_longest_control_payload(void) {
    struct text wire = {NULL, 0};
    char payload[126];
    memset(payload, 'x', sizeof(payload));
    payload[125] = '\0';
    add(&wire, 0x89, payload);
    add(&wire, 0x8A, "a second one");
    add(&wire, 0x81, "after");
    char events[256];
    snprintf(events, sizeof(events), "ping 125 %s;pong 12 a second one;text 5 after;", payload);
    expect(&wire, events);
}

/* Around the lengths where the head, and wslay's buffer of 4 KiB, change. */
static void test_lengths(void) {
    static const size_t lengths[] = {1,    2,    124,  125,  126,  127,   128,   255,
                                     256,  4081, 4082, 4083, 4088, 4089,  4090,  4095,
                                     4096, 4097, 8191, 8192, 8193, 65535, 65536, 65537};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        size_t length = lengths[i];
        char *payload = malloc(length);
        CHECK(payload != NULL);
        for (size_t k = 0; k < length; k++) {
            payload[k] = (char)(k * 7 + k / 256);
        }
        struct text wire = {NULL, 0};
        struct text expected = {NULL, 0};
        char head[64];
        wire_frame(&wire, 0x82, payload, length);
        add(&wire, 0x89, "edge");
        text_add(&expected, head, (size_t)snprintf(head, sizeof(head), "binary %zu ", length));
        text_add(&expected, payload, length);
        text_add(&expected, ";ping 4 edge;", 13);
        run_whole(&no_limits, &wire, &expected);
        run_random(&no_limits, &wire, &expected, 5);
        run_random(&no_limits, &wire, &expected, 6);
        for (long n = 1; run_failing(&no_limits, &wire, &expected, n); n++) {
        }
        text_free(&wire);
        text_free(&expected);
        free(payload);
    }
}

static void test_text_of_every_character_length(void) {
    struct text wire = {NULL, 0};
    add(&wire, 0x81, "a\xc2\xa2\xe2\x82\xac\xf0\x90\x8d\x88");
    expect(&wire, "text 10 a\xc2\xa2\xe2\x82\xac\xf0\x90\x8d\x88;");
    /* a character cut in three, with a ping inside it */
    add(&wire, 0x01, "\xf0");
    add(&wire, 0x00, "\x90\x8d");
    add(&wire, 0x89, "\xff");
    add(&wire, 0x80, "\x88");
    expect(&wire, "ping 1 \xff;text 4 \xf0\x90\x8d\x88;");
    /* what one message leaves half-way is not carried into the next */
    add(&wire, 0x82, "\xf0\x90");
    add(&wire, 0x81, "ok");
    expect(&wire, "binary 2 \xf0\x90;text 2 ok;");
}

/* A length that is allowed but never comes: nothing is failed and nothing is allocated for it. */
static void test_huge_length_costs_nothing(void) {
    struct text wire = {NULL, 0};
    wire_head(&wire, 0x82, true, 8, (UINT64_C(1) << 63) - 1);
    wire_masked_payload(&wire, "0123456789", 10);
    struct bench bench;
    bench_open(&bench, &no_limits);
    feed(&bench, &wire, 0, wire.length - 10);
    CHECK(bench.session.message.capacity == 0);
    feed(&bench, &wire, wire.length - 10, wire.length);
    CHECK(bench.session.message.length == 10);
    CHECK(bench.session.message.capacity <= 4096);
    CHECK(bench.log.events.length == 0);
    CHECK(!bench.session.is_ended);
    bench_close(&bench);
    text_free(&wire);
}

static void check_fresh_session(struct ws_decoder_pool *pool, const struct text *wire,
                                const char *expected) {
    struct log log = {0};
    struct ws_session session;
    ws_session_init(&session, pool, &no_limits, &log_events, &log);
    ws_session_feed(&session, slice_of(wire->data, wire->length));
    CHECK(strcmp(log.events.data, expected) == 0);
    ws_session_release(&session);
    text_free(&log.events);
}

/* Sessions cut off at every byte leave nothing behind, nor anything in the pool for the next one.
 */
static void test_release_at_every_byte(void) {
    struct text wire = {NULL, 0};
    add(&wire, 0x01, "first ");
    add(&wire, 0x89, "ping");
    add(&wire, 0x80, "second");
    struct ws_decoder_pool *pool = ws_decoder_pool_new();
    for (size_t end = 0; end <= wire.length; end++) {
        struct log log = {0};
        struct ws_session session;
        ws_session_init(&session, pool, &no_limits, &log_events, &log);
        ws_session_feed(&session, slice_of(wire.data, end));
        ws_session_release(&session);
        CHECK(counters_alive(COUNTER_ws_decoders) == 0);
        ws_session_feed(&session, slice_of(wire.data, wire.length));
        CHECK(session.decoder == NULL && session.message.data == NULL);
        check_fresh_session(pool, &wire, "ping 4 ping;text 12 first second;");
        text_free(&log.events);
    }
    ws_decoder_pool_free(pool);
    text_free(&wire);
}

/* The hot path: once a decoder is in the pool, messages that come whole need no memory. */
static void test_whole_messages_need_no_memory(void) {
    struct text wire = {NULL, 0};
    add(&wire, 0x81, "Hello");
    add(&wire, 0x89, "ping");
    struct ws_decoder_pool *pool = ws_decoder_pool_new();
    check_fresh_session(pool, &wire, "text 5 Hello;ping 4 ping;");
    memory_set_failure(1);
    for (int i = 0; i < 100; i++) {
        check_fresh_session(pool, &wire, "text 5 Hello;ping 4 ping;");
    }
    memory_set_failure(0);
    ws_decoder_pool_free(pool);
    text_free(&wire);
}

/* More sessions inside a frame than the pool keeps, each with its own text, then all at an edge. */
static void test_many_sessions_share_a_pool(void) {
    enum { SESSIONS = 50 };
    struct ws_decoder_pool *pool = ws_decoder_pool_new();
    static struct ws_session sessions[SESSIONS];
    static struct log logs[SESSIONS];
    static struct text wires[SESSIONS];
    for (int i = 0; i < SESSIONS; i++) {
        char payload[32];
        snprintf(payload, sizeof(payload), "session number %02d", i);
        add(&wires[i], 0x81, payload);
        ws_session_init(&sessions[i], pool, &no_limits, &log_events, &logs[i]);
    }
    for (size_t offset = 0; offset < wires[0].length; offset++) {
        for (int i = 0; i < SESSIONS; i++) {
            ws_session_feed(&sessions[i], slice_of(wires[i].data + offset, 1));
        }
        bool is_last = offset + 1 == wires[0].length;
        CHECK(counters_alive(COUNTER_ws_decoders) == (is_last ? 0 : SESSIONS));
    }
    for (int i = 0; i < SESSIONS; i++) {
        char expected[64];
        snprintf(expected, sizeof(expected), "text 17 session number %02d;", i);
        CHECK(strcmp(logs[i].events.data, expected) == 0);
        ws_session_release(&sessions[i]);
        text_free(&logs[i].events);
        text_free(&wires[i]);
    }
    ws_decoder_pool_free(pool);
}

/* Returns how many of `count` sessions can be inside a frame before one needs an allocation. */
static int count_kept(struct ws_decoder_pool *pool, int count) {
    struct ws_session sessions[64];
    struct log logs[64] = {{.events = {NULL, 0}}};
    int kept = 0;
    memory_set_failure(1);
    for (int i = 0; i < count; i++) {
        ws_session_init(&sessions[i], pool, &no_limits, &log_events, &logs[i]);
        ws_session_feed(&sessions[i], SLICE_LITERAL("\x81"));
        if (kept == i && !sessions[i].is_ended) {
            kept++;
        }
    }
    memory_set_failure(0);
    for (int i = 0; i < count; i++) {
        ws_session_feed(&sessions[i], SLICE_LITERAL("\x80mask"));
        ws_session_release(&sessions[i]);
        text_free(&logs[i].events);
    }
    return kept;
}

/* A few are kept, however many were in use at once. */
static void test_pool_keeps_a_few(void) {
    struct ws_decoder_pool *pool = ws_decoder_pool_new();
    CHECK(count_kept(pool, 64) == 0);
    int kept = count_kept(pool, 64);
    CHECK(kept >= 4 && kept <= 16);
    CHECK(count_kept(pool, 64) == kept);
    ws_decoder_pool_free(pool);
}

static void test_pool_without_memory(void) {
    memory_set_failure(1);
    struct ws_decoder_pool *pool = ws_decoder_pool_new();
    memory_set_failure(0);
    CHECK(pool == NULL);
    ws_decoder_pool_free(pool);
}

int main(void) {
    bench_prepare();
    test_rfc_examples();
    test_empty_messages_and_fragments();
    test_control_frames_between_fragments();
    test_longest_control_payload();
    test_lengths();
    test_text_of_every_character_length();
    test_huge_length_costs_nothing();
    test_release_at_every_byte();
    test_whole_messages_need_no_memory();
    test_many_sessions_share_a_pool();
    test_pool_keeps_a_few();
    test_pool_without_memory();
    return bench_report();
}
