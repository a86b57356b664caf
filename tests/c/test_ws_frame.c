/* Encoding of a server's frames: the examples of RFC 6455 section 5.7, the lengths where the head
 * changes, close frames, allocation failures. */
#include <stdint.h>
#include <stdlib.h>

#include "base/counters.h"
#include "base/memory.h"
#include "check.h"
#include "ws/ws_frame.h"

static void check_frame(struct frame *frame, const char *expected, size_t length) {
    CHECK(frame != NULL);
    CHECK(slice_equals(frame_slice(frame), slice_of(expected, length)));
    frame_unref(frame);
}

static void test_rfc_examples(void) {
    check_frame(ws_frame_new(WS_TEXT, SLICE_LITERAL("Hello")), "\x81\x05Hello", 7);
    check_frame(ws_frame_new(WS_PING, SLICE_LITERAL("Hello")), "\x89\x05Hello", 7);
    check_frame(ws_frame_new(WS_PONG, SLICE_EMPTY), "\x8a\x00", 2);
}

static void check_head(size_t payload_length, const char *expected, size_t length) {
    char head[WS_FRAME_HEAD_MAX];
    memset(head, 0x55, sizeof(head));
    CHECK(ws_frame_write_head(head, WS_BINARY, payload_length) == length);
    CHECK(memcmp(head, expected, length) == 0);
    for (size_t i = length; i < sizeof(head); i++) {
        CHECK(head[i] == 0x55);
    }
}

static void test_heads(void) {
    check_head(0, "\x82\x00", 2);
    check_head(125, "\x82\x7d", 2);
    check_head(126, "\x82\x7e\x00\x7e", 4);
    check_head(256, "\x82\x7e\x01\x00", 4); /* RFC 6455 section 5.7: 256 bytes in a single frame */
    check_head(65535, "\x82\x7e\xff\xff", 4);
    check_head(65536, "\x82\x7f\x00\x00\x00\x00\x00\x01\x00\x00", 10); /* and 64 KiB */
    check_head(0x123456789A, "\x82\x7f\x00\x00\x00\x12\x34\x56\x78\x9a", 10);
}

static void test_payload_is_copied(void) {
    static const size_t lengths[] = {1, 125, 126, 65535, 65536, 100000};
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        char *payload = malloc(lengths[i]);
        CHECK(payload != NULL);
        for (size_t k = 0; k < lengths[i]; k++) {
            payload[k] = (char)(k * 31);
        }
        char head[WS_FRAME_HEAD_MAX];
        size_t head_length = ws_frame_write_head(head, WS_BINARY, lengths[i]);
        struct frame *frame = ws_frame_new(WS_BINARY, slice_of(payload, lengths[i]));
        CHECK(frame != NULL);
        CHECK(frame->length == head_length + lengths[i]);
        CHECK(memcmp(frame->data, head, head_length) == 0);
        CHECK(memcmp(frame->data + head_length, payload, lengths[i]) == 0);
        frame_unref(frame);
        free(payload);
    }
}

static void test_close_frames(void) {
    check_frame(ws_frame_new_close(WS_CLOSE_NO_STATUS, SLICE_LITERAL("unsaid")), "\x88\x00", 2);
    check_frame(ws_frame_new_close(1000, SLICE_EMPTY), "\x88\x02\x03\xe8", 4);
    check_frame(ws_frame_new_close(4999, SLICE_LITERAL("bye")),
                "\x88\x05\x13\x87"
                "bye",
                7);
}

/* A reason of `text` repeated must be cut to `kept` bytes: whole characters within 123. */
static void check_reason_cut(const char *text, size_t repeated, size_t kept) {
    char reason[1024];
    size_t length = 0;
    for (size_t i = 0; i < repeated; i++) {
        memcpy(reason + length, text, strlen(text));
        length += strlen(text);
    }
    struct frame *frame = ws_frame_new_close(1001, slice_of(reason, length));
    CHECK(frame != NULL);
    CHECK(frame->length == 4 + kept);
    CHECK((uint8_t)frame->data[1] == 2 + kept);
    CHECK(memcmp(frame->data + 4, reason, kept) == 0);
    frame_unref(frame);
}

static void test_close_reason_is_cut_at_a_character(void) {
    check_reason_cut("r", 122, 122);
    check_reason_cut("r", 123, 123);
    check_reason_cut("r", 124, 123);
    check_reason_cut("\xc3\xa9", 100, 122);
    check_reason_cut("\xe2\x82\xac", 41, 123);
    check_reason_cut("\xe2\x82\xac", 100, 123);
    check_reason_cut("\xf0\x9f\x98\x80", 100, 120);
    check_reason_cut("\x80", 200, 0); /* no character starts anywhere */
}

static void test_sendable_close_codes(void) {
    for (int code = -1; code <= 70000; code++) {
        bool expected =
            (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
            (code >= 3000 && code < 5000);
        CHECK(ws_close_code_is_sendable(code) == expected);
    }
}

static void test_without_memory(void) {
    memory_set_failure(1);
    CHECK(ws_frame_new(WS_TEXT, SLICE_LITERAL("Hello")) == NULL);
    memory_set_failure(1);
    CHECK(ws_frame_new_close(1000, SLICE_LITERAL("bye")) == NULL);
    memory_set_failure(1);
    CHECK(ws_frame_new_close(WS_CLOSE_NO_STATUS, SLICE_EMPTY) == NULL);
    memory_set_failure(0);
    CHECK(ws_frame_new(WS_BINARY, slice_of("", SIZE_MAX - 4)) == NULL);
}

int main(void) {
    test_rfc_examples();
    test_heads();
    test_payload_is_copied();
    test_close_frames();
    test_close_reason_is_cut_at_a_character();
    test_sendable_close_codes();
    test_without_memory();
    CHECK(counters_alive(COUNTER_frames) == 0);
    return check_report();
}
