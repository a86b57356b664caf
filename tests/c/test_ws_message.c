/* One message for many WebSockets: frames on demand, once each for each size of window, and none
 * without memory. */
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

static const struct ws_deflate_settings settings = {
    .is_on = true, .window_bits = 15, .memory_level = 8, .least_size = 0};

static void test_compressed_once_for_each_window(void) {
    char text[2000];
    memset(text, 'x', sizeof(text));
    struct ws_deflater_pool *pool = ws_deflater_pool_new(&settings);
    struct ws_message message;
    ws_message_init(&message, true, slice_of(text, sizeof(text)));
    struct frame *wide = ws_message_deflated(&message, pool, 15);
    struct frame *narrow = ws_message_deflated(&message, pool, 9);
    CHECK(wide != NULL && wide->length < 30 && (uint8_t)wide->data[0] == 0xC1);
    CHECK(narrow != NULL && narrow != wide);
    CHECK(ws_message_deflated(&message, pool, 15) == wide);
    CHECK(ws_message_deflated(&message, pool, 9) == narrow);
    CHECK(counters_alive(COUNTER_frames) == 2); /* nobody wants the plain one */
    CHECK(ws_message_plain(&message)->length == sizeof(text) + 4);
    ws_message_release(&message);
    ws_deflater_pool_free(pool);
}

static void test_what_gains_nothing_goes_as_it_is(void) {
    struct ws_deflater_pool *pool = ws_deflater_pool_new(&settings);
    struct ws_message message;
    ws_message_init(&message, true, SLICE_LITERAL("Hi"));
    struct frame *plain = ws_message_plain(&message);
    CHECK(ws_message_deflated(&message, pool, 15) == plain);
    CHECK(ws_message_deflated(&message, pool, 12) == plain);
    ws_message_release(&message);
    ws_deflater_pool_free(pool);
}

/* Whichever allocation fails, the message goes out, plain if need be; or it does not. */
static void test_no_memory_to_compress(void) {
    char text[1000];
    memset(text, 'x', sizeof(text));
    for (long n = 1; n < 20; n++) {
        struct ws_deflater_pool *pool = ws_deflater_pool_new(&settings);
        struct ws_message message;
        ws_message_init(&message, true, slice_of(text, sizeof(text)));
        memory_set_failure(n);
        struct frame *frame = ws_message_deflated(&message, pool, 15);
        memory_set_failure(0);
        CHECK(frame == NULL || frame == message.plain || (uint8_t)frame->data[0] == 0xC1);
        ws_message_release(&message);
        ws_deflater_pool_free(pool);
    }
}

int main(void) {
    test_compressed_once_for_each_window();
    test_what_gains_nothing_goes_as_it_is();
    test_no_memory_to_compress();
    test_a_frame_is_made_once();
    test_a_queue_keeps_the_frame();
    test_no_memory_now();
    CHECK(counters_alive(COUNTER_frames) == 0);
    return check_report();
}
