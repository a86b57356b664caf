/* struct frame: references, owners, the counter. */
#include "base/frame.h"

#include "base/counters.h"
#include "base/memory.h"
#include "check.h"
#include "frame_copy.h"

static void release(void *owner) {
    ++*(int *)owner;
}

static void check_copies(void) {
    char bytes[] = "hello";
    struct frame *frame = frame_copy(slice_of(bytes, 5));
    bytes[0] = 'x';
    CHECK_TEXT(frame_slice(frame), SLICE_LITERAL("hello"));
    CHECK(counters_alive(COUNTER_frames) == 1);
    CHECK(strcmp(counters_name(COUNTER_frames), "frames") == 0);
    CHECK(frame_ref(frame) == frame);
    frame_unref(frame);
    CHECK_TEXT(frame_slice(frame), SLICE_LITERAL("hello"));
    frame_unref(frame);
    CHECK(counters_alive(COUNTER_frames) == 0);
    frame_unref(NULL);
}

static void check_new(void) {
    struct frame *frame = frame_new(3);
    memcpy(frame_bytes(frame), "abc", 3);
    CHECK_TEXT(frame_slice(frame), SLICE_LITERAL("abc"));
    frame_unref(frame);
    frame = frame_copy((struct slice){NULL, 0});
    CHECK(frame != NULL && frame_slice(frame).length == 0);
    frame_unref(frame);
}

static void check_owner(void) {
    int released = 0;
    struct frame *frame = frame_wrap(SLICE_LITERAL("theirs"), release, &released);
    CHECK_TEXT(frame_slice(frame), SLICE_LITERAL("theirs"));
    frame_ref(frame);
    frame_unref(frame);
    CHECK(released == 0);
    frame_unref(frame);
    CHECK(released == 1);
}

static void check_without_memory(void) {
    int released = 0;
    memory_set_failure(1);
    CHECK(frame_wrap(SLICE_LITERAL("theirs"), release, &released) == NULL);
    CHECK(released == 0);
    memory_set_failure(1);
    CHECK(frame_copy(SLICE_LITERAL("abc")) == NULL);
    CHECK(frame_new(SIZE_MAX) == NULL);
    CHECK(counters_alive(COUNTER_frames) == 0);
}

int main(void) {
    check_copies();
    check_new();
    check_owner();
    check_without_memory();
    return check_report();
}
