/* The write queue dropping what may be dropped: order, counts, nothing torn. */
#include "write_queue_script.h"

static struct frame *frame_of(const char *text) {
    return frame_copy(slice_of(text, strlen(text)));
}

static void push_kept(struct script *script, const char *text) {
    CHECK(write_queue_push(&script->queue, frame_of(text)) == STATUS_OK);
}

static void push_droppable(struct script *script, const char *text) {
    CHECK(write_queue_push_droppable(&script->queue, frame_of(text)) == STATUS_OK);
}

/* The socket takes `room` bytes of what is queued, and then no more. */
static void write_part(struct script *script, size_t room) {
    script->socket.room = room;
    CHECK(write_queue_flush_now(&script->queue) == STATUS_OK);
}

static void write_all(struct script *script) {
    script->socket.room = SIZE_MAX;
    while (script->socket.pending_count > 0) {
        script_completes(script, STATUS_OK);
    }
    CHECK(write_queue_flush_now(&script->queue) == STATUS_OK);
    CHECK(write_queue_size(&script->queue) == 0 && script->queue.frames.ring == NULL);
    CHECK(stream_progress(&script->socket.stream) == script->socket.taken.length);
}

static void test_the_oldest_go_and_the_rest_keeps_its_order(struct event_loop *loop) {
    struct script script;
    script_init(&script, loop);
    push_droppable(&script, "aa");
    push_kept(&script, "11");
    push_droppable(&script, "bb");
    append(&script, "22");
    push_droppable(&script, "cc");
    push_droppable(&script, "dd");
    CHECK(write_queue_drop_oldest(&script.queue, 5) == 3);
    CHECK(write_queue_size(&script.queue) == 6);
    CHECK(counters_alive(COUNTER_frames) == 3);
    append(&script, "33");
    write_all(&script);
    CHECK(took(&script, "1122dd33"));
    script_release(&script);
}

/* As many as are needed, and none at all when they would not do. */
static void test_how_many_go(struct event_loop *loop) {
    struct script script;
    script_init(&script, loop);
    CHECK(write_queue_drop_oldest(&script.queue, 1) == 0);
    push_kept(&script, "kept");
    CHECK(write_queue_drop_oldest(&script.queue, 1) == 0);
    push_droppable(&script, "aaa");
    push_droppable(&script, "bbb");
    CHECK(write_queue_drop_oldest(&script.queue, 0) == 0);
    CHECK(write_queue_drop_oldest(&script.queue, 7) == 0);
    CHECK(write_queue_size(&script.queue) == 10);
    CHECK(write_queue_drop_oldest(&script.queue, 3) == 1);
    CHECK(write_queue_drop_oldest(&script.queue, 1) == 1);
    CHECK(write_queue_drop_oldest(&script.queue, 1) == 0);
    write_all(&script);
    CHECK(took(&script, "kept"));
    script_release(&script);
}

/* Emptied, the queue has no memory, and what was deferred finds nothing to do. */
static void test_dropping_all(struct event_loop *loop) {
    struct script script;
    script_init(&script, loop);
    push_droppable(&script, "aaa");
    write_queue_flush_later(&script.queue);
    CHECK(write_queue_drop_oldest(&script.queue, 3) == 1);
    CHECK(script.queue.frames.ring == NULL && write_queue_size(&script.queue) == 0);
    event_loop_turn(loop, 0);
    CHECK(script.socket.try_writes == 0);
    push_droppable(&script, "bbb");
    append(&script, "1");
    write_all(&script);
    CHECK(took(&script, "bbb1"));
    script_release(&script);
}

/* Of what the socket has begun with, or libuv has, nothing goes. */
static void test_a_frame_on_its_way_stays(struct event_loop *loop) {
    struct script script;
    script_init(&script, loop);
    push_droppable(&script, "aaaa");
    push_droppable(&script, "bbbb");
    push_kept(&script, "1");
    push_droppable(&script, "cccc");
    write_part(&script, 2);
    CHECK(script.socket.pending_count == 1 && script.socket.pending_parts[0].length == 2);
    CHECK(stream_progress(&script.socket.stream) == 2);
    CHECK(write_queue_drop_oldest(&script.queue, 9) == 0);
    CHECK(write_queue_drop_oldest(&script.queue, 4) == 1);
    CHECK(write_queue_size(&script.queue) == 7);
    script.socket.room = 0; /* at the edge of a frame, too, libuv is given one */
    script_completes(&script, STATUS_OK);
    CHECK(script.socket.pending_count == 1 && script.socket.pending_parts[0].length == 1);
    CHECK(write_queue_drop_oldest(&script.queue, 1) == 1);
    push_droppable(&script, "dddd");
    write_all(&script);
    CHECK(took(&script, "aaaa1dddd"));
    script_release(&script);
}

/* What may not be dropped is handed over together, as without any droppable frames. */
static void test_what_is_handed_over(struct event_loop *loop) {
    struct script script;
    script_init(&script, loop);
    push_kept(&script, "11");
    push_kept(&script, "22");
    push_droppable(&script, "aa");
    push_kept(&script, "33");
    write_part(&script, 1);
    CHECK(script.socket.pending_count == 2);
    CHECK(write_queue_drop_oldest(&script.queue, 1) == 1);
    append(&script, "44");
    write_all(&script);
    CHECK(took(&script, "11223344"));
    script_release(&script);
}

static void test_no_memory_for_a_droppable_frame(struct event_loop *loop) {
    struct script script;
    script_init(&script, loop);
    struct frame *frame = frame_of("lost");
    memory_set_failure(1);
    CHECK(write_queue_push_droppable(&script.queue, frame) == STATUS_NO_MEMORY);
    memory_set_failure(0);
    for (int i = 0; i < 8; i++) {
        push_droppable(&script, "a");
    }
    frame = frame_of("lost");
    memory_set_failure(1); /* the ring is full and can not grow */
    CHECK(write_queue_push_droppable(&script.queue, frame) == STATUS_NO_MEMORY);
    CHECK(write_queue_drop_oldest(&script.queue, 8) == 8); /* needs none */
    memory_set_failure(0);
    CHECK(counters_alive(COUNTER_frames) == 0);
    script_release(&script);
}

/* What the queue should hold: messages of one letter each. */
struct model {
    char letters[4096];
    size_t lengths[4096];
    bool droppable[4096];
    size_t count;
};

/* Takes the oldest droppable messages, from `first` on, out of the model. */
static uint32_t model_drop(struct model *model, size_t first, size_t bytes) {
    size_t found = 0, kept = first;
    for (size_t i = first; i < model->count; i++) {
        found += model->droppable[i] ? model->lengths[i] : 0;
    }
    if (found < bytes) {
        return 0;
    }
    found = 0;
    for (size_t i = first; i < model->count; i++) {
        if (model->droppable[i] && found < bytes) {
            found += model->lengths[i];
        } else {
            model->letters[kept] = model->letters[i];
            model->lengths[kept] = model->lengths[i];
            model->droppable[kept++] = model->droppable[i];
        }
    }
    uint32_t dropped = (uint32_t)(model->count - kept);
    model->count = kept;
    return dropped;
}

/* The first message of which the socket or libuv has nothing. */
static size_t model_untouched(const struct model *model, const struct script *script) {
    size_t begun = script->socket.taken.length, first = 0;
    for (unsigned i = 0; i < script->socket.pending_count; i++) {
        begun += script->socket.pending_parts[i].length;
    }
    for (size_t end = 0; end < begun; first++) {
        end += model->lengths[first];
    }
    return first;
}

static void push_random(struct script *script, struct model *model, uint64_t *seed) {
    char text[64];
    size_t length = 1 + check_random(seed) % sizeof(text);
    size_t i = model->count++;
    model->letters[i] = (char)('a' + check_random(seed) % 26);
    model->lengths[i] = length;
    model->droppable[i] = check_random(seed) % 3 > 0;
    memset(text, model->letters[i], sizeof(text));
    struct frame *frame = frame_copy(slice_of(text, length));
    CHECK((model->droppable[i] ? write_queue_push_droppable(&script->queue, frame)
                               : write_queue_push(&script->queue, frame)) == STATUS_OK);
}

static void test_random_drops(struct event_loop *loop, uint64_t seed) {
    static struct model model;
    struct script script;
    struct buffer expected = BUFFER_EMPTY;
    script_init(&script, loop);
    model.count = 0;
    for (int step = 0; step < 3000; step++) {
        switch (check_random(&seed) % 6) {
        case 0:
            if (script.socket.pending_count == 0) {
                write_part(&script, check_random(&seed) % 300);
            }
            break;
        case 1:
            if (script.socket.pending_count > 0) {
                script.socket.room = check_random(&seed) % 100;
                script_completes(&script, STATUS_OK);
            }
            break;
        case 2: {
            size_t bytes = 1 + check_random(&seed) % 200;
            uint32_t dropped = model_drop(&model, model_untouched(&model, &script), bytes);
            CHECK(write_queue_drop_oldest(&script.queue, bytes) == dropped);
            break;
        }
        default:
            push_random(&script, &model, &seed);
        }
        CHECK(stream_progress(&script.socket.stream) == script.socket.taken.length);
    }
    write_all(&script);
    for (size_t i = 0; i < model.count; i++) {
        for (size_t k = 0; k < model.lengths[i]; k++) {
            CHECK(buffer_append(&expected, slice_of(&model.letters[i], 1)) == STATUS_OK);
        }
    }
    CHECK(slice_equals(record_slice(&script.socket.taken), buffer_slice(&expected)));
    buffer_release(&expected);
    script_release(&script);
}

int main(void) {
    struct event_loop *loop = event_loop_new();
    test_the_oldest_go_and_the_rest_keeps_its_order(loop);
    test_how_many_go(loop);
    test_dropping_all(loop);
    test_a_frame_on_its_way_stays(loop);
    test_what_is_handed_over(loop);
    test_no_memory_for_a_droppable_frame(loop);
    for (uint64_t seed = 1; seed <= 30; seed++) {
        test_random_drops(loop, seed * 0x9E3779B97F4A7C15u);
    }
    event_loop_free(loop);
    return net_report();
}
