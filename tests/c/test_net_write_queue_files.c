/* The write queue with ranges of files between the bytes: order, counts, what is read and what is
 * sent from where it lies, files that become shorter. */
#include <stdio.h>
#include <unistd.h>

#include "write_queue_script.h"

enum { FILE_SIZE = 3 * LIMIT_FILE_SHARE };

static char *contents;

/* Returns new file of `size` bytes of the contents. */
static struct file *file_of(size_t size) {
    FILE *temporary = tmpfile();
    CHECK(temporary != NULL && fwrite(contents, 1, size, temporary) == size);
    CHECK(fflush(temporary) == 0);
    struct file *file = file_new(dup(fileno(temporary)));
    CHECK(file != NULL);
    fclose(temporary);
    return file;
}

static void push_file(struct script *script, struct file *file, uint64_t offset, uint64_t length) {
    CHECK(write_queue_push_file(&script->queue, file_ref(file), offset, length) == STATUS_OK);
}

static void check_taken(const struct script *script, const struct buffer *expected) {
    CHECK(slice_equals(record_slice(&script->socket.taken), buffer_slice(expected)));
    CHECK(stream_progress(&script->socket.stream) == expected->length);
    CHECK(write_queue_size(&script->queue) == 0 && script->queue.frames.ring == NULL);
}

static void write_all(struct script *script) {
    script->socket.room = SIZE_MAX;
    do {
        if (script->socket.pending_count > 0) {
            script_completes(script, STATUS_OK);
        }
        CHECK(write_queue_flush_now(&script->queue) == STATUS_OK);
    } while (script->socket.pending_count > 0);
}

static void test_between_bytes(struct event_loop *loop, bool sends_files) {
    struct script script;
    struct buffer expected = BUFFER_EMPTY;
    struct file *file = file_of(100000);
    script_init(&script, loop);
    script.socket.sends_files = sends_files;
    append(&script, "head");
    push_file(&script, file, 10, 99990);
    append(&script, "middle");
    push_file(&script, file, 0, 20000);
    CHECK(write_queue_size(&script.queue) == 4 + 99990 + 6 + 20000);
    write_all(&script);
    (void)buffer_append(&expected, SLICE_LITERAL("head"));
    (void)buffer_append(&expected, slice_of(contents + 10, 99990));
    (void)buffer_append(&expected, SLICE_LITERAL("middle"));
    (void)buffer_append(&expected, slice_of(contents, 20000));
    check_taken(&script, &expected);
    CHECK(script.socket.file_sends == (sends_files ? 2 : 0));
    CHECK(file->references == 1);
    file_unref(file);
    buffer_release(&expected);
    script_release(&script);
}

/* A head leaves with a file that is short, and with nothing that comes later. */
static void test_a_head_and_its_file(struct event_loop *loop, bool sends_files) {
    static const size_t sizes[] = {LIMIT_COPIED_BODY + 1, LIMIT_FILE_PIECE - 4,
                                   LIMIT_FILE_PIECE - 3};
    for (int i = 0; i < 3; i++) {
        struct script script;
        struct file *file = file_of(sizes[i]);
        script_init(&script, loop);
        script.socket.sends_files = sends_files;
        append(&script, "head");
        push_file(&script, file, 0, sizes[i]);
        write_all(&script);
        CHECK(script.socket.corked == (i < 2 ? 1 : 0));
        append(&script, "head");
        write_all(&script);
        CHECK(script.socket.corked == (i < 2 ? 1 : 0));
        CHECK(!script.socket.stream.has_more);
        file_unref(file);
        script_release(&script);
    }
}

/* With what stands before it, in one write. */
static void test_a_small_file(struct event_loop *loop) {
    struct script script;
    struct file *file = file_of(5);
    script_init(&script, loop);
    script.socket.sends_files = true;
    append(&script, "head ");
    push_file(&script, file, 0, 5);
    push_file(&script, file, 5, 0);
    CHECK(file->references == 1);
    CHECK(write_queue_flush(&script.queue) == STATUS_OK);
    CHECK(script.socket.try_writes == 1 && script.socket.file_sends == 0);
    CHECK(script.socket.taken.length == 10);
    CHECK(write_queue_push_file(&script.queue, file, 1, 5) == STATUS_SYSTEM);
    CHECK(write_queue_is_torn(&script.queue));
    CHECK(write_queue_flush(&script.queue) == STATUS_CLOSED);
    script_release(&script);
}

/* A full socket is waited for with a piece; then it goes on from where the file lies. */
static void test_a_full_socket(struct event_loop *loop) {
    struct script script;
    struct file *file = file_of(500000);
    script_init(&script, loop);
    script.socket.sends_files = true;
    script.socket.room = 1000;
    push_file(&script, file, 0, 500000);
    CHECK(write_queue_flush(&script.queue) == STATUS_OK);
    CHECK(script.socket.pending_count == 1);
    CHECK(script.socket.pending_parts[0].length == LIMIT_FILE_PIECE);
    CHECK(write_queue_size(&script.queue) == 499000);
    script.socket.room = SIZE_MAX;
    script_completes(&script, STATUS_OK);
    CHECK(script.socket.taken.length == 500000 && script.socket.file_sends == 2);
    CHECK(memcmp(script.socket.taken.text, contents, 500000) == 0);
    file_unref(file);
    script_release(&script);
}

/* Others have their turn, however much the peer takes. */
static void test_a_share(struct event_loop *loop, bool sends_files) {
    struct script script;
    struct file *file = file_of(FILE_SIZE);
    script_init(&script, loop);
    script.socket.sends_files = sends_files;
    push_file(&script, file, 0, FILE_SIZE);
    CHECK(write_queue_flush(&script.queue) == STATUS_OK);
    CHECK(script.socket.taken.length == LIMIT_FILE_SHARE && script.socket.pending_count == 1);
    write_all(&script);
    CHECK(script.socket.taken.length == FILE_SIZE);
    CHECK(memcmp(script.socket.taken.text, contents, FILE_SIZE) == 0);
    file_unref(file);
    script_release(&script);
}

static void test_a_file_that_becomes_shorter(struct event_loop *loop, bool sends_files) {
    struct script script;
    struct file *file = file_of(200000);
    script_init(&script, loop);
    script.socket.sends_files = sends_files;
    script.socket.room = 1000;
    push_file(&script, file, 0, 200000);
    append(&script, "behind");
    CHECK(write_queue_flush(&script.queue) == STATUS_OK);
    CHECK(ftruncate(file->descriptor, 100000) == 0);
    script.socket.room = SIZE_MAX;
    script_completes(&script, STATUS_OK);
    CHECK(write_queue_is_torn(&script.queue) && write_queue_size(&script.queue) == 0);
    CHECK(script.socket.taken.length == 100000 && file->references == 1);
    file_unref(file);
    script_release(&script);
}

static void test_dropping_behind_a_file(struct event_loop *loop) {
    struct script script;
    struct file *file = file_of(20000);
    script_init(&script, loop);
    push_file(&script, file, 0, 20000);
    CHECK(write_queue_push_droppable(&script.queue, frame_copy(SLICE_LITERAL("drop"))) ==
          STATUS_OK);
    append(&script, "keep");
    CHECK(write_queue_drop_oldest(&script.queue, 4) == 1);
    CHECK(write_queue_drop_oldest(&script.queue, 1) == 0);
    write_all(&script);
    CHECK(script.socket.taken.length == 20004);
    CHECK(memcmp(script.socket.taken.text + 20000, "keep", 4) == 0);
    file_unref(file);
    script_release(&script);
}

static void test_a_closed_queue(struct event_loop *loop) {
    struct script script;
    struct file *file = file_of(20000);
    script_init(&script, loop);
    push_file(&script, file, 0, 20000);
    script.socket.fails = true;
    CHECK(write_queue_flush(&script.queue) == STATUS_CLOSED);
    CHECK(!write_queue_is_torn(&script.queue) && file->references == 1);
    CHECK(write_queue_push_file(&script.queue, file, 0, 20000) == STATUS_CLOSED);
    script_release(&script);
}

/* Whichever allocation fails: nothing leaks, and what was written is a beginning. */
static void test_no_memory(struct event_loop *loop, bool sends_files) {
    for (long n = 1; n <= 8; n++) {
        struct script script;
        struct file *file = file_of(100000);
        script_init(&script, loop);
        script.socket.sends_files = sends_files;
        script.socket.room = 1000;
        memory_set_failure(n);
        if (write_queue_push_file(&script.queue, file, 0, 100000) == STATUS_OK &&
            write_queue_flush(&script.queue) == STATUS_OK) {
            script_completes(&script, STATUS_OK);
        }
        memory_set_failure(0);
        CHECK(memcmp(script.socket.taken.text == NULL ? contents : script.socket.taken.text,
                     contents, script.socket.taken.length) == 0);
        script_release(&script);
        CHECK(counters_alive(COUNTER_files) == 0 && counters_alive(COUNTER_frames) == 0);
    }
}

static void push_random(struct script *script, struct file *file, struct buffer *expected,
                        uint64_t *seed) {
    uint64_t offset = check_random(seed) % 100000;
    size_t length = check_random(seed) % 60000;
    if (check_random(seed) % 2 > 0) {
        push_file(script, file, offset, length);
    } else {
        length %= 200;
        CHECK(write_queue_append(&script->queue, slice_of(contents + offset, length)) == STATUS_OK);
    }
    CHECK(buffer_append(expected, slice_of(contents + offset, length)) == STATUS_OK);
}

static void test_random_programs(struct event_loop *loop, uint64_t seed) {
    struct script script;
    struct buffer expected = BUFFER_EMPTY;
    struct file *file = file_of(200000);
    script_init(&script, loop);
    for (int step = 0; step < 200; step++) {
        script.socket.sends_files = check_random(&seed) % 4 > 0;
        script.socket.room = check_random(&seed) % 100000;
        if (check_random(&seed) % 3 > 0) {
            push_random(&script, file, &expected, &seed);
        } else if (script.socket.pending_count > 0) {
            script_completes(&script, STATUS_OK);
        } else {
            CHECK(write_queue_flush_now(&script.queue) == STATUS_OK);
        }
        CHECK(script.socket.taken.length + write_queue_size(&script.queue) == expected.length);
    }
    write_all(&script);
    check_taken(&script, &expected);
    CHECK(file->references == 1);
    file_unref(file);
    buffer_release(&expected);
    script_release(&script);
}

/* What the socket is at work on is there until it has ended. */
static void test_a_tear_during_a_write(struct event_loop *loop, int status) {
    struct script script;
    struct file *file = file_of(5);
    script_init(&script, loop);
    script.socket.room = 2;
    append(&script, "head");
    CHECK(write_queue_flush_now(&script.queue) == STATUS_OK);
    CHECK(script.socket.pending_count == 1);
    append(&script, "never sent");
    CHECK(write_queue_push_file(&script.queue, file, 1, 5) == STATUS_SYSTEM);
    CHECK(write_queue_is_torn(&script.queue) && write_queue_size(&script.queue) == 2);
    CHECK(write_queue_append(&script.queue, SLICE_LITERAL("more")) == STATUS_CLOSED);
    script_completes(&script, status);
    CHECK(took(&script, "head") && script.notices == 1);
    CHECK(write_queue_size(&script.queue) == 0 && script.queue.frames.ring == NULL);
    script_release(&script);
}

int main(void) {
    uint64_t seed = 0x9E3779B97F4A7C15;
    struct event_loop *loop = event_loop_new();
    contents = malloc(FILE_SIZE);
    for (size_t i = 0; i < FILE_SIZE; i++) {
        contents[i] = (char)check_random(&seed);
    }
    for (int sends_files = 0; sends_files < 2; sends_files++) {
        test_between_bytes(loop, sends_files);
        test_a_share(loop, sends_files);
        test_a_file_that_becomes_shorter(loop, sends_files);
        test_no_memory(loop, sends_files);
    }
    test_a_head_and_its_file(loop, true);
    test_a_head_and_its_file(loop, false);
    test_a_small_file(loop);
    test_a_full_socket(loop);
    test_dropping_behind_a_file(loop);
    test_a_closed_queue(loop);
    test_a_tear_during_a_write(loop, STATUS_OK);
    test_a_tear_during_a_write(loop, STATUS_CLOSED);
    for (int i = 1; i <= 20; i++) {
        test_random_programs(loop, seed * (uint64_t)i);
    }
    CHECK(counters_alive(COUNTER_files) == 0);
    free(contents);
    event_loop_free(loop);
    return net_report();
}
