/* One message for many WebSockets: frames on demand, once each, and none without memory. */
#include "base/counters.h"
#include "base/memory.h"
#include "check.h"
#include "ws/ws_message.h"

static void test_a_frame_is_made_once(void) {
    struct ws_message message;
    ws_message_init(&message, true, SLICE_LITERAL("Hello"));
    CHECK(counters_alive(COUNTER_frames) == 0); /* nobody has asked yet */
    struct frame *frame = ws_message_plain(&message);
    CHECK(frame != NULL && slice_equals(frame_slice(frame), SLICE_LITERAL("\x81\x05Hello")));
    CHECK(ws_message_plain(&message) == frame);
    CHECK(counters_alive(COUNTER_frames) == 1);
    ws_message_release(&message);
    ws_message_release(&message);
    CHECK(counters_alive(COUNTER_frames) == 0);
}

static void test_a_queue_keeps_the_frame(void) {
    struct ws_message message;
    ws_message_init(&message, false, SLICE_EMPTY);
    struct frame *queued = frame_ref(ws_message_plain(&message));
    ws_message_release(&message);
    CHECK(slice_equals(frame_slice(queued), slice_of("\x82\x00", 2)));
    frame_unref(queued);
}

static void test_no_memory_now(void) {
    struct ws_message message;
    ws_message_init(&message, true, SLICE_LITERAL("Hello"));
    memory_set_failure(1);
    CHECK(ws_message_plain(&message) == NULL);
    CHECK(ws_message_plain(&message) != NULL); /* for the next member there may be some */
    ws_message_release(&message);
}

int main(void) {
    test_a_frame_is_made_once();
    test_a_queue_keeps_the_frame();
    test_no_memory_now();
    CHECK(counters_alive(COUNTER_frames) == 0);
    return check_report();
}
