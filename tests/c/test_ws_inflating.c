/* Compressed messages, both ways: what a session inflates, whole, byte by byte and with the n-th
 * allocation failing, what it refuses, and what it holds when; and that what a sender compresses is
 * what a session inflates. */
#include <zlib.h>

#include "test_ws_bench.h"
#include "ws/ws_sender.h"

static const struct ws_deflate_terms no_takeover = {.server_window_bits = 15,
                                                    .client_window_bits = 15};
static const struct ws_deflate_terms takeover = {.server_window_bits = 15,
                                                 .client_window_bits = 15,
                                                 .server_has_takeover = true,
                                                 .client_has_takeover = true};

static void add_bytes(struct text *wire, unsigned first, const void *payload, size_t length) {
    wire_frame(wire, first, payload, length);
}

#define ADD(wire, first, literal) add_bytes(wire, first, literal, sizeof(literal) - 1)

static void test_rfc_examples(void) {
    struct text wire = {NULL, 0};
    ADD(&wire, 0xC1, "\xf2\x48\xcd\xc9\xc9\x07\x00");
    ADD(&wire, 0x41, "\xf2\x48\xcd");
    ADD(&wire, 0x89, "between");
    ADD(&wire, 0x80, "\xc9\xc9\x07\x00");
    ADD(&wire, 0xC1, "\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00");
    ADD(&wire, 0xC1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00");
    ADD(&wire, 0xC2, "\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00");
    expect(&wire, "text 5 Hello;ping 7 between;text 5 Hello;text 5 Hello;text 5 Hello;"
                  "binary 5 Hello;");
}

static void test_plain_and_empty_messages(void) {
    struct text wire = {NULL, 0};
    ADD(&wire, 0x81, "plain");
    ADD(&wire, 0xC1, "\x00"); /* an empty block, as RFC 7692 section 7.2.3.6 has it */
    ADD(&wire, 0xC1, "");     /* not even that */
    ADD(&wire, 0x41, "");     /* nor this */
    ADD(&wire, 0x80, "");
    ADD(&wire, 0xC2, "\x03\x00");     /* a last block, and nothing behind it */
    ADD(&wire, 0xC2, "\x03\x00\x00"); /* and with the block that RFC 7692 adds */
    ADD(&wire, 0xC1, "\xf2\x48\xcd\xc9\xc9\x07\x00");
    expect(&wire, "text 5 plain;text 0 ;text 0 ;text 0 ;binary 0 ;binary 0 ;text 5 Hello;");
}

static void test_takeover(void) {
    struct text wire = {NULL, 0};
    ADD(&wire, 0xC1, "\xf2\x48\xcd\xc9\xc9\x07\x00");
    ADD(&wire, 0x81, "not in the window");
    ADD(&wire, 0xC1, "\xf2\x00\x11\x00\x00");
    bench_terms = &takeover;
    expect(&wire, "text 5 Hello;text 17 not in the window;text 5 Hello;");
    /* behind a last block, a reference to what was before it */
    ADD(&wire, 0xC1, "\xf3\x48\xcd\xc9\xc9\x07\x00\x00");
    ADD(&wire, 0xC1, "\xf2\x00\x11\x00\x00");
    expect(&wire, "text 5 Hello;text 5 Hello;");
    bench_terms = &no_takeover;
    ADD(&wire, 0xC1, "\xf2\x48\xcd\xc9\xc9\x07\x00");
    ADD(&wire, 0xC1, "\xf2\x00\x11\x00\x00"); /* refers to a message that is forgotten */
    expect(&wire, "text 5 Hello;fail 1007;");
}

static void test_what_can_not_be_inflated(void) {
    static const char *const bad[] = {
        "\x07",                         /* a type of block that there is not */
        "\xff\xff\xff",                 /* as that, in the end */
        "\xf2\x48\xcd",                 /* ends inside a block */
        "\xf2\x48\xcd\xc9\xc9\x07",     /* at its end, without the start of an empty one */
        "\x72\x10\x01\x01\x01\x01\x01", /* some more */
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct text wire = {NULL, 0};
        add(&wire, 0xC2, bad[i]);
        add(&wire, 0x81, "never delivered");
        expect(&wire, "fail 1007;");
    }
}

static void test_where_the_bit_may_be(void) {
    struct text wire = {NULL, 0};
    ADD(&wire, 0x41, "\xf2\x48\xcd");
    ADD(&wire, 0xC0, "\xc9\xc9\x07\x00"); /* on a continuation */
    expect(&wire, "fail 1002;");
    ADD(&wire, 0xC9, "");
    expect(&wire, "fail 1002;");
    ADD(&wire, 0xC8, "");
    expect(&wire, "fail 1002;");
    ADD(&wire, 0xE1, "\xf2\x48\xcd\xc9\xc9\x07\x00"); /* with RSV2 */
    expect(&wire, "fail 1002;");
    bench_terms = NULL;
    ADD(&wire, 0xC1, "\xf2\x48\xcd\xc9\xc9\x07\x00");
    expect(&wire, "fail 1002;");
    bench_terms = &no_takeover;
}

static void test_utf8_is_looked_at_inflated(void) {
    struct text wire = {NULL, 0};
    ADD(&wire, 0xC1, "\x00\x02\x00\xfd\xff\xc3\x28\x00");
    expect(&wire, "fail 1007;");
    ADD(&wire, 0xC1, "\x00\x01\x00\xfe\xff\xc3\x00"); /* ends inside a character */
    expect(&wire, "fail 1007;");
    ADD(&wire, 0x41, "\x00\x01\x00\xfe\xff\xc3");
    ADD(&wire, 0x80, "\x00\x01\x00\xfe\xff\xa9\x00");
    ADD(&wire, 0xC2, "\x00\x02\x00\xfd\xff\xc3\x28\x00"); /* bytes may be anything */
    expect(&wire, "text 2 \xc3\xa9;binary 2 \xc3\x28;");
}

/* --- Sizes --- */

/* Appends a message of `length` equal bytes, compressed, in one frame. */
static void add_zeros(struct text *wire, size_t length) {
    static const struct ws_deflate_settings settings = {.window_bits = 15, .memory_level = 8};
    char *zeros = calloc(1, length);
    struct ws_deflater_pool *pool = ws_deflater_pool_new(&settings);
    struct frame *frame = ws_deflater_pool_frame(pool, 15, false, slice_of(zeros, length));
    CHECK(frame != NULL);
    size_t head = frame->length - 2 < 126 ? 2 : 4;
    add_bytes(wire, 0xC2, frame->data + head, frame->length - head);
    frame_unref(frame);
    ws_deflater_pool_free(pool);
    free(zeros);
}

static void test_bounded_while_inflating(void) {
    static const struct ws_session_limits limits = {.message_size = 1000};
    struct text wire = {NULL, 0};
    add_zeros(&wire, 1001);
    expect_limited(&limits, &wire, "fail 1009;");
    add_zeros(&wire, 10 * 1000 * 1000);
    struct bench bench;
    bench_open(&bench, &limits);
    feed(&bench, &wire, 0, wire.length / 2); /* of ten megabytes, most of which are there */
    CHECK(bench.session.is_ended && bench.session.message.data == NULL);
    bench_close(&bench);
    text_free(&wire);
}

static void test_as_large_as_the_limit(void) {
    static const struct ws_session_limits limits = {.message_size = 1000};
    char zeros[1000] = {0};
    struct text expected = {NULL, 0};
    text_add(&expected, "binary 1000 ", 12);
    text_add(&expected, zeros, sizeof(zeros));
    text_add(&expected, ";", 1);
    struct text wire = {NULL, 0};
    add_zeros(&wire, sizeof(zeros));
    run_every_way(&limits, &wire, &expected);
    text_free(&expected);
    text_free(&wire);
}

/* Frames whose bytes come to nothing are bounded as well. */
static void test_empty_blocks_without_end(void) {
    static const struct ws_session_limits limits = {.message_size = 1000};
    char blocks[2000];
    for (size_t i = 0; i < sizeof(blocks); i++) {
        blocks[i] = "\x00\x00\x00\xff\xff"[i % 5];
    }
    struct text wire = {NULL, 0};
    add_bytes(&wire, 0x42, blocks, sizeof(blocks));
    add_bytes(&wire, 0x80, blocks, sizeof(blocks));
    expect_limited(&limits, &wire, "fail 1009;");
}

static void test_limits_of_frames_and_fragments(void) {
    static const struct ws_session_limits frames = {.frame_size = 6};
    struct text wire = {NULL, 0};
    ADD(&wire, 0xC1, "\xf2\x48\xcd\xc9\xc9\x07\x00");
    expect_limited(&frames, &wire, "fail 1009;");
    static const struct ws_session_limits fragments = {.fragments = 2};
    ADD(&wire, 0x41, "");
    ADD(&wire, 0x00, "");
    ADD(&wire, 0x80, "\x00");
    expect_limited(&fragments, &wire, "fail 1008;");
}

/* --- What is held, and when --- */

static void test_inflaters_are_borrowed(void) {
    struct text wire = {NULL, 0};
    struct bench bench;
    ADD(&wire, 0x41, "\xf2\x48\xcd");
    size_t inside = wire.length;
    ADD(&wire, 0x80, "\xc9\xc9\x07\x00");
    bench_open(&bench, &no_limits);
    CHECK(counters_alive(COUNTER_ws_inflaters) == 0);
    feed(&bench, &wire, 0, inside);
    CHECK(counters_alive(COUNTER_ws_inflaters) == 1);
    feed(&bench, &wire, inside, wire.length);
    CHECK(counters_alive(COUNTER_ws_inflaters) == 0 && bench.session.inflater == NULL);
    bench_close(&bench);
    text_free(&wire);
}

/* --- What is sent, is read --- */

/* zlib's own view of a frame: appends what it inflates to, with the window of `bits`. */
static void inflate_frame(z_stream *stream, const struct frame *frame, struct text *out) {
    size_t head = (frame->data[1] & 0x7F) < 126 ? 2 : (frame->data[1] & 0x7F) == 126 ? 4 : 10;
    struct text bytes = {NULL, 0};
    char room[4096];
    text_add(&bytes, frame->data + head, frame->length - head);
    text_add(&bytes, "\x00\x00\xff\xff", 4);
    stream->next_in = (Bytef *)bytes.data;
    stream->avail_in = (uInt)bytes.length;
    do {
        stream->next_out = (Bytef *)room;
        stream->avail_out = sizeof(room);
        int result = inflate(stream, Z_SYNC_FLUSH);
        CHECK(result == Z_OK || result == Z_BUF_ERROR);
        text_add(out, room, sizeof(room) - stream->avail_out);
    } while (stream->avail_out == 0);
    CHECK(stream->avail_in == 0);
    text_free(&bytes);
}

static struct text new_words(size_t length, uint32_t seed) {
    static const char *const words[] = {"alpha ", "beta ", "gamma ", "delta ", "epsilon "};
    struct text text = {NULL, 0};
    while (text.length < length) {
        const char *word = words[random_next(&seed) % 5];
        text_add(&text, word, strlen(word));
        char noise = (char)('0' + random_next(&seed) % 10);
        text_add(&text, &noise, 1);
    }
    return text;
}

/* Windows of 8 bits too, which zlib has not: its of 9 refers no farther back. */
static void check_sender(const struct ws_deflate_settings *settings,
                         const struct ws_deflate_terms *terms) {
    struct ws_deflater_pool *pool = ws_deflater_pool_new(settings);
    struct ws_sender sender = {NULL, NULL, NULL};
    ws_sender_compress(&sender, pool, terms);
    z_stream stream = {0};
    CHECK(inflateInit2(&stream, -terms->server_window_bits) == Z_OK);
    for (uint32_t i = 0; i < 12; i++) {
        struct text message = new_words(20 + 900 * (size_t)i, i / 2);
        struct text inflated = {NULL, 0};
        struct slice payload = slice_of(message.data, message.length);
        struct ws_message group;
        ws_message_init(&group, true, payload);
        struct frame *frame = i % 4 == 3 ? frame_ref(ws_sender_group_frame(&sender, &group))
                                         : ws_sender_frame(&sender, true, payload);
        CHECK(frame != NULL);
        if ((uint8_t)frame->data[0] == 0xC1) {
            CHECK(frame->length < message.length);
            inflate_frame(&stream, frame, &inflated);
            CHECK(slice_equals(slice_of(inflated.data, inflated.length), payload));
        } else {
            CHECK((uint8_t)frame->data[0] == 0x81 && message.length < 200);
        }
        frame_unref(frame);
        ws_message_release(&group);
        text_free(&inflated);
        text_free(&message);
    }
    CHECK(counters_alive(COUNTER_ws_deflaters) == (terms->server_has_takeover ? 1 : 0));
    inflateEnd(&stream);
    ws_sender_release(&sender);
    ws_sender_release(&sender);
    ws_deflater_pool_free(pool);
    CHECK(counters_alive(COUNTER_ws_deflaters) == 0);
}

static void test_what_is_sent_is_read(void) {
    for (uint8_t bits = WS_WINDOW_BITS_LEAST; bits <= WS_WINDOW_BITS_MOST; bits++) {
        for (uint8_t level = 1; level <= 9; level += 4) {
            struct ws_deflate_settings settings = {
                .window_bits = bits, .memory_level = level, .least_size = 100};
            struct ws_deflate_terms terms = {.server_window_bits = bits, .client_window_bits = 15};
            check_sender(&settings, &terms);
            terms.server_has_takeover = true;
            check_sender(&settings, &terms);
        }
    }
}

static void test_takeover_is_smaller(void) {
    struct ws_deflate_settings settings = {.window_bits = 15, .memory_level = 8};
    struct ws_deflater_pool *pool = ws_deflater_pool_new(&settings);
    struct ws_sender sender = {NULL, NULL, NULL};
    ws_sender_compress(&sender, pool, &takeover);
    struct text message = new_words(1000, 7);
    struct slice payload = slice_of(message.data, message.length);
    struct frame *first = ws_sender_frame(&sender, true, payload);
    struct frame *second = ws_sender_frame(&sender, true, payload);
    CHECK(second->length < first->length / 4);
    frame_unref(first);
    frame_unref(second);
    text_free(&message);
    ws_sender_release(&sender);
    ws_deflater_pool_free(pool);
}

int main(void) {
    bench_prepare();
    bench_terms = &no_takeover;
    test_rfc_examples();
    test_plain_and_empty_messages();
    test_takeover();
    test_what_can_not_be_inflated();
    test_where_the_bit_may_be();
    test_utf8_is_looked_at_inflated();
    test_bounded_while_inflating();
    test_as_large_as_the_limit();
    test_empty_blocks_without_end();
    test_limits_of_frames_and_fragments();
    test_inflaters_are_borrowed();
    test_what_is_sent_is_read();
    test_takeover_is_smaller();
    return bench_report();
}
