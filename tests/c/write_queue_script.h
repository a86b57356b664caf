/* A write queue on a scripted stream, for the tests of net/write_queue.c. */
#ifndef CASGI_TESTS_WRITE_QUEUE_SCRIPT_H
#define CASGI_TESTS_WRITE_QUEUE_SCRIPT_H

#include "net_support.h"
#include "stream_script.h"

struct script {
    struct stream_script socket;
    struct write_queue queue;
    int notices; /* of on_written */
};

static inline void script_on_written(void *owner, int status) {
    struct script *script = owner;
    script->notices++;
    write_queue_on_written(&script->queue, status);
}

static const struct stream_events script_events = {.on_written = script_on_written};

static inline void script_init(struct script *script, struct event_loop *loop) {
    memset(script, 0, sizeof(*script));
    stream_script_init(&script->socket, loop);
    stream_attach(&script->socket.stream, &script_events, script);
    write_queue_init(&script->queue, &script->socket.stream);
}

static inline void script_completes(struct script *script, int status) {
    stream_script_completes(&script->socket, status);
}

static inline void script_release(struct script *script) {
    stream_close(&script->socket.stream);
    write_queue_release(&script->queue);
    CHECK(script->queue.frames.ring == NULL);
    record_clear(&script->socket.record);
    record_clear(&script->socket.taken);
}

static inline void append(struct script *script, const char *text) {
    CHECK(write_queue_append(&script->queue, slice_of(text, strlen(text))) == STATUS_OK);
}

static inline bool took(const struct script *script, const char *text) {
    return slice_equals(record_slice(&script->socket.taken), slice_of(text, strlen(text)));
}

#endif
