/* The write queue against a scripted stream: order, cork, counts, failures. */
#include "write_queue_script.h"

/* The first flush of a turn goes out at once; what follows waits for its end and leaves in one
 * write. */
static void test_cork(struct event_loop *loop) {
    struct script script;
    script_init(&script, loop);
    append(&script, "a");
    append(&script, "b");
    CHECK(write_queue_size(&script.queue) == 2);
    CHECK(script.socket.try_writes == 0);
    CHECK(write_queue_flush(&script.queue) == STATUS_OK);
    CHECK(took(&script, "ab") && script.socket.try_writes == 1 && script.socket.most_parts == 1);
    CHECK(script.queue.frames.ring == NULL);
    append(&script, "c");
    CHECK(write_queue_flush(&script.queue) == STATUS_OK);
    CHECK(write_queue_push(&script.queue, frame_copy(SLICE_LITERAL("d"))) == STATUS_OK);
    CHECK(write_queue_flush(&script.queue) == STATUS_OK);
    append(&script, "e");
    CHECK(took(&script, "ab") && script.notices == 0);
    event_loop_turn(loop, 0);
    CHECK(took(&script, "abcde") && script.socket.try_writes == 2 && script.socket.most_parts == 3);
    CHECK(script.notices == 1); /* so that whoever waits for room learns of it */
    append(&script, "f");
    CHECK(write_queue_flush(&script.queue) == STATUS_OK);
    CHECK(took(&script, "abcdef"));
    append(&script, "g");
    write_queue_flush_later(&script.queue);
    CHECK(took(&script, "abcdef"));
    event_loop_turn(loop, 0);
    CHECK(took(&script, "abcdefg"));
    CHECK(write_queue_flush(&script.queue) == STATUS_OK);
    script_release(&script);
}

static void test_much_does_not_wait(struct event_loop *loop) {
    static const char much[LIMIT_WRITE_TOGETHER] = {0};
    struct script script;
    script_init(&script, loop);
    append(&script, "a");
    write_queue_flush_later(&script.queue);
    CHECK(script.queue.waits_for_rest);
    CHECK(write_queue_append(&script.queue, slice_of(much, sizeof(much))) == STATUS_OK);
    write_queue_flush_later(&script.queue);
    CHECK(!script.queue.waits_for_rest);
    event_loop_turn(loop, 0);
    CHECK(write_queue_size(&script.queue) == 0);
    script_release(&script);
}

/* What fan-outs send leaves together when the loop rests; what anybody else sends takes it along.
 */
static void test_cork_of_a_busy_loop(void) {
    struct event_loop *loop = event_loop_new();
    event_loop_set_hooks(loop, &(struct event_loop_hooks){.lets_rest = true});
    struct script script;
    script_init(&script, loop);
    append(&script, "a");
    write_queue_flush_later(&script.queue);
    append(&script, "b");
    write_queue_flush_later(&script.queue);
    CHECK(took(&script, "") && script.queue.waits_for_rest);
    event_loop_turn(loop, 1);
    CHECK(took(&script, "ab") && script.socket.try_writes == 1 && script.notices == 1);
    append(&script, "c");
    write_queue_flush_later(&script.queue);
    append(&script, "d");
    CHECK(write_queue_flush(&script.queue) == STATUS_OK);
    CHECK(took(&script, "abcd") && script.socket.try_writes == 2);
    append(&script, "e");
    write_queue_flush_later(&script.queue);
    CHECK(script.queue.waits_for_rest);
    CHECK(write_queue_flush(&script.queue) == STATUS_OK);
    CHECK(took(&script, "abcd") && !script.queue.waits_for_rest);
    event_loop_turn(loop, 0);
    CHECK(took(&script, "abcde"));
    script_release(&script);
    test_much_does_not_wait(loop);
    event_loop_free(loop);
}

static void test_writing_in_place(struct event_loop *loop) {
    struct script script;
    script_init(&script, loop);
    char *room;
    CHECK(write_queue_extend(&script.queue, 10, &room) == STATUS_OK);
    memcpy(room, "head", 4);
    write_queue_trim(&script.queue, 6);
    CHECK(write_queue_size(&script.queue) == 4);
    append(&script, "+tail");
    CHECK(script.queue.frames.count == 1);
    CHECK(write_queue_extend(&script.queue, 5000, &room) == STATUS_OK);
    write_queue_trim(&script.queue, 5000);
    CHECK(write_queue_flush(&script.queue) == STATUS_OK);
    CHECK(took(&script, "head+tail"));
    CHECK(script.queue.frames.ring == NULL);
    CHECK(write_queue_extend(&script.queue, 5, &room) == STATUS_OK);
    write_queue_trim(&script.queue, 5);
    CHECK(write_queue_flush(&script.queue) == STATUS_OK);
    script_release(&script);
}

/* Random appends, shared frames, flushes, turns and rooms: the bytes are those that were put in, in
 * their order. */
static void test_random_programs(struct event_loop *loop, uint64_t seed) {
    struct script script;
    struct buffer expected = BUFFER_EMPTY;
    char text[3000];
    script_init(&script, loop);
    for (int step = 0; step < 3000; step++) {
        size_t length = check_random(&seed) % (check_random(&seed) % 8 == 0 ? sizeof(text) : 60);
        memset(text, 'a' + (int)(check_random(&seed) % 26), sizeof(text));
        struct slice bytes = slice_of(text, length);
        script.socket.room = check_random(&seed) % 4 == 0 ? check_random(&seed) % 500 : SIZE_MAX;
        switch (check_random(&seed) % 7) {
        case 0:
        case 1:
            CHECK(write_queue_append(&script.queue, bytes) == STATUS_OK);
            CHECK(buffer_append(&expected, bytes) == STATUS_OK);
            break;
        case 2:
            CHECK(write_queue_push(&script.queue, frame_copy(bytes)) == STATUS_OK);
            CHECK(buffer_append(&expected, bytes) == STATUS_OK);
            break;
        case 3:
            CHECK(write_queue_flush(&script.queue) == STATUS_OK);
            break;
        case 5:
            CHECK(write_queue_send(&script.queue, frame_copy(bytes)) == STATUS_OK);
            CHECK(buffer_append(&expected, bytes) == STATUS_OK);
            event_loop_turn(loop, 0);
            break;
        case 4:
            write_queue_flush_later(&script.queue);
            event_loop_turn(loop, 0);
            break;
        default:
            if (script.socket.pending_count > 0) {
                script_completes(&script, STATUS_OK);
            }
        }
        CHECK(script.socket.taken.length + write_queue_size(&script.queue) == expected.length);
    }
    script.socket.room = SIZE_MAX;
    while (script.socket.pending_count > 0) {
        script_completes(&script, STATUS_OK);
    }
    write_queue_flush_later(&script.queue);
    event_loop_turn(loop, 0);
    CHECK(write_queue_size(&script.queue) == 0);
    CHECK(script.queue.frames.ring == NULL);
    CHECK(slice_equals(record_slice(&script.socket.taken), buffer_slice(&expected)));
    buffer_release(&expected);
    script_release(&script);
}

static void check_failed(struct script *script) {
    CHECK(script->queue.failure != STATUS_OK && write_queue_size(&script->queue) == 0);
    CHECK(write_queue_append(&script->queue, SLICE_LITERAL("x")) == STATUS_CLOSED);
    CHECK(write_queue_push(&script->queue, frame_copy(SLICE_LITERAL("x"))) == STATUS_CLOSED);
    CHECK(write_queue_send(&script->queue, frame_copy(SLICE_LITERAL("x"))) == STATUS_CLOSED);
    CHECK(write_queue_flush(&script->queue) == STATUS_CLOSED);
    write_queue_flush_later(&script->queue);
}

/* A whole frame passes the ring by; of a frame that the socket took in part, the rest is kept. */
static void test_sending_directly(struct event_loop *loop) {
    struct script script;
    script_init(&script, loop);
    event_loop_turn(loop, 0);
    CHECK(write_queue_send(&script.queue, frame_copy(SLICE_LITERAL("whole"))) == STATUS_OK);
    CHECK(took(&script, "whole") && script.queue.frames.ring == NULL);
    CHECK(write_queue_send(&script.queue, frame_copy(SLICE_LITERAL("+later"))) == STATUS_OK);
    CHECK(took(&script, "whole") && write_queue_size(&script.queue) == 6);
    event_loop_turn(loop, 0);
    CHECK(took(&script, "whole+later"));
    event_loop_turn(loop, 0);
    script.socket.room = 2;
    CHECK(write_queue_send(&script.queue, frame_copy(SLICE_LITERAL("+part"))) == STATUS_OK);
    CHECK(took(&script, "whole+later+p") && write_queue_size(&script.queue) == 3);
    script.socket.room = SIZE_MAX;
    script_completes(&script, STATUS_OK);
    CHECK(took(&script, "whole+later+part") && write_queue_size(&script.queue) == 0);
    event_loop_turn(loop, 0);
    script.socket.room = 1;
    struct frame *frame = frame_copy(SLICE_LITERAL("no memory"));
    memory_set_failure(1);
    CHECK(write_queue_send(&script.queue, frame) == STATUS_CLOSED);
    memory_set_failure(0);
    check_failed(&script);
    script_release(&script);
}

static void test_a_long_queue(struct event_loop *loop) {
    struct script script;
    script_init(&script, loop);
    struct frame *frame = frame_copy(SLICE_LITERAL("0123456789"));
    for (int i = 0; i < 1000; i++) {
        CHECK(write_queue_push(&script.queue, frame_ref(frame)) == STATUS_OK);
    }
    CHECK(frame->references == 1001);
    CHECK(write_queue_flush(&script.queue) == STATUS_OK);
    CHECK(frame->references == 1);
    CHECK(script.socket.most_parts == STREAM_PARTS_MAX);
    CHECK(script.socket.taken.length == 10000);
    CHECK(script.socket.try_writes == (1000 + STREAM_PARTS_MAX - 1) / STREAM_PARTS_MAX);
    frame_unref(frame);
    script_release(&script);
}

/* What may be appended while a write is under way must not slip into it. */
static void test_appending_behind_a_write_under_way(struct event_loop *loop) {
    struct script script;
    script_init(&script, loop);
    script.socket.room = 2;
    append(&script, "12345");
    CHECK(write_queue_flush(&script.queue) == STATUS_OK);
    CHECK(script.socket.writes == 1 && script.socket.pending_count == 1);
    append(&script, "678");
    CHECK(write_queue_flush(&script.queue) == STATUS_OK);
    CHECK(write_queue_size(&script.queue) == 6);
    CHECK(script.socket.pending_parts[0].length == 3);
    script.socket.room = SIZE_MAX;
    script_completes(&script, STATUS_OK);
    CHECK(took(&script, "12345678"));
    CHECK(write_queue_size(&script.queue) == 0);
    script_release(&script);
}

static void test_a_peer_that_takes_no_more(struct event_loop *loop) {
    struct script script;
    script_init(&script, loop);
    append(&script, "x");
    script.socket.fails = true;
    CHECK(write_queue_flush(&script.queue) == STATUS_CLOSED);
    check_failed(&script);
    script_release(&script);

    script_init(&script, loop);
    append(&script, "x");
    script.socket.fails = true;
    write_queue_flush_later(&script.queue);
    event_loop_turn(loop, 0);
    CHECK(script.notices == 1);
    check_failed(&script);
    script_release(&script);

    script_init(&script, loop);
    script.socket.fails = true;
    CHECK(write_queue_send(&script.queue, frame_copy(SLICE_LITERAL("x"))) == STATUS_CLOSED);
    check_failed(&script);
    script_release(&script);

    script_init(&script, loop);
    script.socket.room = 0;
    append(&script, "x");
    CHECK(write_queue_flush(&script.queue) == STATUS_OK);
    append(&script, "y");
    script_completes(&script, STATUS_CLOSED);
    check_failed(&script);
    script_release(&script);
}

/* After stream_close() the queue sends nothing and tells nobody, also what was deferred. */
static void test_a_closed_stream(struct event_loop *loop) {
    struct script script;
    script_init(&script, loop);
    append(&script, "x");
    write_queue_flush_later(&script.queue);
    stream_close(&script.socket.stream);
    event_loop_turn(loop, 0);
    CHECK(script.socket.try_writes == 0 && script.notices == 0);
    CHECK(write_queue_append(&script.queue, SLICE_LITERAL("x")) == STATUS_CLOSED);
    CHECK(write_queue_flush(&script.queue) == STATUS_CLOSED);
    script_release(&script);
}

/* The n-th allocation fails: the bytes are refused whole, or taken whole. */
static void test_no_memory(struct event_loop *loop) {
    for (long nth = 1; nth <= 2; nth++) {
        struct script script;
        script_init(&script, loop);
        memory_set_failure(nth);
        CHECK(write_queue_append(&script.queue, SLICE_LITERAL("x")) == STATUS_NO_MEMORY);
        memory_set_failure(0);
        CHECK(write_queue_size(&script.queue) == 0);
        append(&script, "y");
        CHECK(write_queue_flush(&script.queue) == STATUS_OK);
        CHECK(took(&script, "y"));
        struct frame *frame = frame_copy(SLICE_LITERAL("z"));
        memory_set_failure(1);
        CHECK(write_queue_push(&script.queue, frame) == STATUS_NO_MEMORY);
        memory_set_failure(0);
        script_release(&script);
    }
}

int main(void) {
    struct event_loop *loop = event_loop_new();
    test_cork(loop);
    test_cork_of_a_busy_loop();
    test_writing_in_place(loop);
    for (uint64_t seed = 1; seed <= 30; seed++) {
        test_random_programs(loop, seed * 0x9E3779B97F4A7C15u);
    }
    test_sending_directly(loop);
    test_a_long_queue(loop);
    test_appending_behind_a_write_under_way(loop);
    test_a_peer_that_takes_no_more(loop);
    test_a_closed_stream(loop);
    test_no_memory(loop);
    event_loop_free(loop);
    return net_report();
}
