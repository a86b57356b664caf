/* A write queue on a scripted stream, for the tests of net/write_queue.c. */
#ifndef CASGI_TESTS_WRITE_QUEUE_SCRIPT_H
#define CASGI_TESTS_WRITE_QUEUE_SCRIPT_H

#include "net_support.h"

/* A stream that takes as much as it is told to, and notes what it was asked. */
struct script {
    struct stream stream;
    struct buffer taken;
    size_t room; /* bytes that the next try_write takes */
    int try_writes, writes, told;
    unsigned most_parts;
    bool fails;
    struct slice pending_parts[STREAM_PARTS_MAX];
    unsigned pending_count;
    struct write_queue queue;
};

static inline ssize_t script_try_write(struct stream *stream, const struct slice *parts,
                                       unsigned count) {
    struct script *script = (struct script *)stream;
    script->try_writes++;
    CHECK(count > 0 && count <= STREAM_PARTS_MAX);
    CHECK(script->pending_count == 0);
    script->most_parts = count > script->most_parts ? count : script->most_parts;
    if (script->fails) {
        return STATUS_CLOSED;
    }
    size_t before = script->taken.length;
    for (unsigned i = 0; i < count && script->room > 0; i++) {
        size_t length = parts[i].length < script->room ? parts[i].length : script->room;
        CHECK(buffer_append(&script->taken, slice_of(parts[i].data, length)) == STATUS_OK);
        script->room -= length;
    }
    return (ssize_t)(script->taken.length - before);
}

static inline int script_write(struct stream *stream, const struct slice *parts, unsigned count) {
    struct script *script = (struct script *)stream;
    script->writes++;
    CHECK(script->pending_count == 0);
    CHECK(count > 0 && count <= STREAM_PARTS_MAX);
    if (script->fails) {
        return STATUS_CLOSED;
    }
    memcpy(script->pending_parts, parts, count * sizeof(*parts));
    script->pending_count = count;
    return STATUS_OK;
}

static inline void script_close(struct stream *stream) {
    (void)stream;
}

/* Of what stream_write() was given, the socket takes nothing until script_completes(). */
static inline size_t script_unwritten(const struct stream *stream) {
    const struct script *script = (const struct script *)stream;
    size_t length = 0;
    for (unsigned i = 0; i < script->pending_count; i++) {
        length += script->pending_parts[i].length;
    }
    return length;
}

static const struct stream_ops script_ops = {.try_write = script_try_write,
                                             .write = script_write,
                                             .close = script_close,
                                             .unwritten = script_unwritten};

static inline void script_on_written(void *owner, int status) {
    struct script *script = owner;
    script->told++;
    write_queue_on_written(&script->queue, status);
}

static const struct stream_events script_events = {.on_written = script_on_written};

static inline void script_init(struct script *script, struct event_loop *loop) {
    memset(script, 0, sizeof(*script));
    script->stream.ops = &script_ops;
    script->stream.loop = loop;
    script->room = SIZE_MAX;
    stream_attach(&script->stream, &script_events, script);
    write_queue_init(&script->queue, &script->stream);
}

/* The socket has taken what stream_write() was given. */
static inline void script_completes(struct script *script, int status) {
    unsigned count = script->pending_count;
    script->pending_count = 0;
    for (unsigned i = 0; i < count; i++) {
        CHECK(buffer_append(&script->taken, script->pending_parts[i]) == STATUS_OK);
    }
    script_on_written(script, status);
}

static inline void script_release(struct script *script) {
    stream_close(&script->stream);
    write_queue_release(&script->queue);
    CHECK(script->queue.frames == NULL);
    buffer_release(&script->taken);
}

static inline void append(struct script *script, const char *text) {
    CHECK(write_queue_append(&script->queue, slice_of(text, strlen(text))) == STATUS_OK);
}

static inline bool took(const struct script *script, const char *text) {
    return slice_equals(buffer_slice(&script->taken), slice_of(text, strlen(text)));
}

#endif
