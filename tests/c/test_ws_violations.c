/* The receiving half of a WebSocket on everything that must fail: heads, order, UTF-8, close
 * payloads, sizes. What stood before the violation is delivered, what follows is not. */
#include "test_ws_bench.h"

/* A good message stands before every bad frame, in the same packet, and must come out. */
static struct text after_good_message(void) {
    struct text wire = {NULL, 0};
    add(&wire, 0x81, "good");
    return wire;
}

static void expect_failure_after_good(struct text *wire, int code) {
    add(wire, 0x81, "never delivered");
    char events[64];
    snprintf(events, sizeof(events), "text 4 good;fail %d;", code);
    expect(wire, events);
}

static void expect_refused(unsigned first, const void *payload, size_t length, int code) {
    struct text wire = after_good_message();
    wire_frame(&wire, first, payload, length);
    expect_failure_after_good(&wire, code);
}

static void test_bad_first_bytes(void) {
    for (unsigned first = 0; first < 256; first++) {
        unsigned opcode = first & 0xF;
        bool is_known = opcode <= 2 || (opcode >= 8 && opcode <= 10);
        bool is_good =
            (first & 0x70) == 0 && is_known && opcode != 0 && !((first & 0x80) == 0 && opcode >= 8);
        if (!is_good) {
            expect_refused(first, "x", 1, 1002);
            expect_refused(first, "", 0, 1002);
        }
    }
}

static void test_reserved_bits_inside_a_message(void) {
    static const unsigned firsts[] = {0x40, 0xC0, 0xA0, 0x90, 0xC9, 0xF8};
    for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
        struct text wire = after_good_message();
        add(&wire, 0x01, "start");
        add(&wire, firsts[i], "x");
        expect_failure_after_good(&wire, 1002);
    }
}

static void test_unmasked(void) {
    static const unsigned firsts[] = {0x81, 0x82, 0x88, 0x89, 0x8A, 0x01, 0x80};
    for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
        struct text wire = after_good_message();
        wire_head(&wire, firsts[i], false, 0, 3);
        text_add(&wire, "abc", 3);
        expect_failure_after_good(&wire, 1002);
        wire = after_good_message();
        wire_head(&wire, firsts[i], false, 0, 0); /* two bytes tell it all */
        expect(&wire, "text 4 good;fail 1002;");
    }
}

static void test_order_of_fragments(void) {
    expect_refused(0x80, "continues nothing", 17, 1002);
    expect_refused(0x00, "continues nothing", 17, 1002);
    static const unsigned firsts[] = {0x81, 0x82, 0x01, 0x02};
    for (size_t i = 0; i < sizeof(firsts) / sizeof(firsts[0]); i++) {
        struct text wire = after_good_message();
        add(&wire, 0x01, "start");
        add(&wire, firsts[i], "new");
        expect_failure_after_good(&wire, 1002);
    }
    /* after a message has ended nothing is to be continued */
    struct text wire = after_good_message();
    add(&wire, 0x01, "a");
    add(&wire, 0x80, "b");
    add(&wire, 0x80, "c");
    expect(&wire, "text 4 good;text 2 ab;fail 1002;");
}

static void test_control_frames_too_long_or_in_fragments(void) {
    char payload[126];
    memset(payload, 'x', sizeof(payload));
    for (unsigned opcode = 0x8; opcode <= 0xA; opcode++) {
        expect_refused(0x80 | opcode, payload, 126, 1002);
        expect_refused(opcode, payload, 5, 1002);
        expect_refused(opcode, payload, 0, 1002);
    }
}

static void expect_head_refused(unsigned extended, uint64_t length, int code,
                                const struct ws_session_limits *limits) {
    struct text wire = after_good_message();
    wire_head(&wire, 0x82, true, extended, length);
    text_add(&wire, "mask", 4);
    char events[64];
    snprintf(events, sizeof(events), "text 4 good;fail %d;", code);
    expect_limited(limits, &wire, events);
}

static void test_lengths_not_minimal(void) {
    static const struct ws_session_limits small = {
        .message_size = 100, .frame_size = 100, .fragments = 1};
    const struct ws_session_limits *both[] = {&no_limits, &small};
    for (int i = 0; i < 2; i++) {
        expect_head_refused(2, 0, 1002, both[i]);
        expect_head_refused(2, 125, 1002, both[i]);
        expect_head_refused(8, 0, 1002, both[i]);
        expect_head_refused(8, 126, 1002, both[i]);
        expect_head_refused(8, 65535, 1002, both[i]);
        expect_head_refused(8, UINT64_C(1) << 63, 1002, both[i]);
        expect_head_refused(8, UINT64_MAX, 1002, both[i]);
    }
}

/* ---- UTF-8 ---- */

static void test_bad_utf8(void) {
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xe0\x80\x80",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xf0\x80\x80\x80",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xfe",
        "\xff",
        "\xc3(",
        "\xe2\x82(",
        "\xf0\x90\x8d(",
        "ok\xed\xa0\x80-edited",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect_refused(0x81, bad[i], strlen(bad[i]), 1007);
        expect_refused(0x01, bad[i], strlen(bad[i]), 1007);
    }
}

static void test_incomplete_utf8(void) {
    static const char *const cut[] = {"\xc2", "\xe2\x82", "a\xf0\x90\x8d"};
    for (size_t i = 0; i < sizeof(cut) / sizeof(cut[0]); i++) {
        expect_refused(0x81, cut[i], strlen(cut[i]), 1007);
        struct text wire = after_good_message();
        add(&wire, 0x01, cut[i]);
        add(&wire, 0x80, "");
        expect_failure_after_good(&wire, 1007);
    }
}

/* Returns after how many bytes of the wire, one by one, the session has failed; 0: it has not. */
static size_t failing_offset(const struct text *wire, int code) {
    char expected[32];
    snprintf(expected, sizeof(expected), "fail %d;", code);
    struct bench bench;
    bench_open(&bench, &no_limits);
    size_t offset = 0;
    while (offset < wire->length && !bench.session.is_ended) {
        feed(&bench, wire, offset, offset + 1);
        offset++;
    }
    CHECK(strcmp(bench.log.events.data, bench.session.is_ended ? expected : "") == 0);
    size_t result = bench.session.is_ended ? offset : 0;
    bench_close(&bench);
    return result;
}

/* Autobahn 6.4: the failure comes with the bad byte, neither with the end of its frame or message.
 */
static void test_utf8_fails_at_the_byte(void) {
    static const char start[] = "\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5";
    static const char bad[] = "\xf4\x90\x80\x80"
                              "edited";
    struct text wire = {NULL, 0};
    add(&wire, 0x01, start);
    size_t second = wire.length;
    add(&wire, 0x80, bad);
    CHECK(failing_offset(&wire, 1007) == second + 6 + 2);
    text_free(&wire);
    char whole[64];
    snprintf(whole, sizeof(whole), "%s%s", start, bad);
    add(&wire, 0x81, whole);
    CHECK(failing_offset(&wire, 1007) == 6 + strlen(start) + 2);
    text_free(&wire);
    add(&wire, 0x01, "\xf4"); /* the bad byte is in another frame than its character's start */
    second = wire.length;
    add(&wire, 0x00, "\x90 and more");
    CHECK(failing_offset(&wire, 1007) == second + 6 + 1);
    text_free(&wire);
}

/* ---- close frames ---- */

static void expect_close(int code, const char *reason, const char *events) {
    struct text wire = {NULL, 0};
    char payload[128] = {(char)(code >> 8), (char)(code & 0xFF)};
    size_t length = strlen(reason);
    memcpy(payload + 2, reason, length);
    wire_frame(&wire, 0x88, payload, 2 + length);
    add(&wire, 0x81, "never delivered");
    add(&wire, 0x88, "");
    expect(&wire, events);
}

static void test_close_codes(void) {
    static const int good[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
                               1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999};
    static const int bad[] = {0,    1,    999,  1004, 1005, 1006, 1015,
                              1016, 1100, 2000, 2999, 5000, 65535};
    char events[64];
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        snprintf(events, sizeof(events), "close %d 6 w\xc3\xa9hy!;", good[i]);
        expect_close(good[i], "w\xc3\xa9hy!", events);
        snprintf(events, sizeof(events), "close %d 0 ;", good[i]);
        expect_close(good[i], "", events);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        expect_close(bad[i], "", "fail 1002;");
        expect_close(bad[i], "reason", "fail 1002;");
    }
}

static void test_close_payloads(void) {
    struct text wire = {NULL, 0};
    add(&wire, 0x88, "\x03");
    expect(&wire, "fail 1002;");
    /* what an earlier frame left in the buffer must not complete the code: 0x03E8 is 1000 */
    wire_frame(&wire, 0x82, "\0\xe8", 2);
    add(&wire, 0x88, "\x03");
    struct text expected = {NULL, 0};
    text_add(&expected, "binary 2 \0\xe8;fail 1002;", 22);
    run_every_way(&no_limits, &wire, &expected);
    text_free(&expected);
    text_free(&wire);
    expect_close(1000, "\xff", "fail 1007;");
    expect_close(1000, "cut \xe2\x82", "fail 1007;");
    expect_close(1000, "surrogate \xed\xa0\x80", "fail 1007;");
    char reason[124];
    memset(reason, 'r', sizeof(reason));
    reason[123] = '\0';
    char events[256];
    snprintf(events, sizeof(events), "close 1000 123 %s;", reason);
    expect_close(1000, reason, events);
}

/* ---- limits ---- */

static const struct ws_session_limits limits = {
    .message_size = 20, .frame_size = 12, .fragments = 4};

static void test_sizes_within_limits(void) {
    struct text wire = {NULL, 0};
    add(&wire, 0x81, "123456789012");
    add(&wire, 0x01, "1234567890");
    add(&wire, 0x89, "a ping is no data frame: no limit");
    add(&wire, 0x80, "1234567890");
    expect_limited(&limits, &wire,
                   "text 12 123456789012;ping 33 a ping is no data frame: no limit;"
                   "text 20 12345678901234567890;");
}

/* The head alone is enough: no byte of payload comes. */
static void test_frame_over_limit(void) {
    expect_head_refused(0, 13, 1009, &limits);
    expect_head_refused(2, 126, 1009, &limits);
    expect_head_refused(2, 65535, 1009, &limits);
    expect_head_refused(8, 65536, 1009, &limits);
    expect_head_refused(8, (UINT64_C(1) << 63) - 1, 1009, &limits);
    static const struct ws_session_limits default_limits = {
        .message_size = 1 << 20, .frame_size = 1 << 20, .fragments = 1024};
    expect_head_refused(8, (1 << 20) + 1, 1009, &default_limits);
}

static void test_message_over_limit(void) {
    struct text wire = {NULL, 0};
    add(&wire, 0x01, "1234567890");
    add(&wire, 0x00, "1234567890");
    wire_head(&wire, 0x80, true, 0, 1);
    text_add(&wire, "mask", 4);
    expect_limited(&limits, &wire, "fail 1009;");
    static const struct ws_session_limits only_message = {.message_size = 20};
    expect_head_refused(0, 21, 1009, &only_message);
    expect_head_refused(8, (UINT64_C(1) << 63) - 1, 1009, &only_message);
}

static void test_fragments_over_limit(void) {
    struct text wire = {NULL, 0};
    for (int message = 0; message < 5; message++) { /* counted anew for each message */
        add(&wire, 0x01, "a");
        add(&wire, 0x00, "");
        add(&wire, 0x00, "b");
        add(&wire, 0x80, "c");
    }
    expect_limited(&limits, &wire, "text 3 abc;text 3 abc;text 3 abc;text 3 abc;text 3 abc;");
    add(&wire, 0x01, "");
    for (int fragment = 0; fragment < 3; fragment++) {
        add(&wire, 0x00, "");
    }
    add(&wire, 0x80, ""); /* empty ones count too */
    expect_limited(&limits, &wire, "fail 1008;");
}

int main(void) {
    bench_prepare();
    test_bad_first_bytes();
    test_reserved_bits_inside_a_message();
    test_unmasked();
    test_order_of_fragments();
    test_control_frames_too_long_or_in_fragments();
    test_lengths_not_minimal();
    test_bad_utf8();
    test_incomplete_utf8();
    test_utf8_fails_at_the_byte();
    test_close_codes();
    test_close_payloads();
    test_sizes_within_limits();
    test_frame_over_limit();
    test_message_over_limit();
    test_fragments_over_limit();
    return bench_report();
}
