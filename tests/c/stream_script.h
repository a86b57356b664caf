/* The double of stream_ops: takes as much as it is told to, and records what it is asked. */
#ifndef CASGI_TESTS_STREAM_SCRIPT_H
#define CASGI_TESTS_STREAM_SCRIPT_H

#include "net/stream.h"
#include "record.h"

struct stream_script {
    struct stream stream;
    struct record record; /* reading, the end of writing, closing */
    struct record taken;  /* the bytes */
    uint64_t taken_count;
    size_t room; /* bytes that the next try_write takes */
    int try_writes, writes, file_sends;
    int corked; /* try_writes that are followed by more */
    unsigned most_parts;
    bool opens_late;  /* on_open() does not come from inside stream_open() */
    bool sends_files; /* else they must be read */
    bool can_not_read;
    bool fails; /* the peer takes no more */
    struct slice pending_parts[STREAM_PARTS_MAX];
    unsigned pending_count;
    struct address peer, local;
};

static inline void stream_script_open(struct stream *stream) {
    if (!((struct stream_script *)stream)->opens_late) {
        stream->events->on_open(stream->owner);
    }
}

static inline int stream_script_read_start(struct stream *stream) {
    struct stream_script *script = (struct stream_script *)stream;
    record_add(&script->record, "read;");
    return script->can_not_read ? STATUS_SYSTEM : STATUS_OK;
}

static inline void stream_script_read_stop(struct stream *stream) {
    record_add(&((struct stream_script *)stream)->record, "stop;");
}

static inline ssize_t stream_script_try_write(struct stream *stream, const struct slice *parts,
                                              unsigned count) {
    struct stream_script *script = (struct stream_script *)stream;
    script->try_writes++;
    script->corked += stream->has_more;
    CHECK(count > 0 && count <= STREAM_PARTS_MAX);
    CHECK(script->pending_count == 0);
    script->most_parts = count > script->most_parts ? count : script->most_parts;
    if (script->fails) {
        return STATUS_CLOSED;
    }
    size_t before = script->taken.length;
    for (unsigned i = 0; i < count && script->room > 0; i++) {
        size_t length = parts[i].length < script->room ? parts[i].length : script->room;
        record_bytes(&script->taken, slice_of(parts[i].data, length));
        script->taken_count += length;
        script->room -= length;
    }
    return (ssize_t)(script->taken.length - before);
}

static inline ssize_t stream_script_send_file(struct stream *stream,
                                              const struct file_range *range) {
    struct stream_script *script = (struct stream_script *)stream;
    CHECK(script->pending_count == 0 && range->length > 0);
    if (script->fails || !script->sends_files) {
        return script->fails ? STATUS_CLOSED : STATUS_STATE;
    }
    script->file_sends++;
    size_t length = range->length < script->room ? range->length : script->room;
    char *bytes = malloc(length + 1);
    ssize_t taken = file_read(range->file, bytes, length, range->offset);
    if (taken > 0) {
        record_bytes(&script->taken, slice_of(bytes, (size_t)taken));
        script->taken_count += (uint64_t)taken;
        script->room -= (size_t)taken;
    }
    free(bytes);
    return taken > 0 || length == 0 ? taken : STATUS_SYSTEM;
}

static inline int stream_script_write(struct stream *stream, const struct slice *parts,
                                      unsigned count) {
    struct stream_script *script = (struct stream_script *)stream;
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

static inline void stream_script_end_writing(struct stream *stream) {
    record_add(&((struct stream_script *)stream)->record, "end;");
}

static inline void stream_script_close(struct stream *stream) {
    record_add(&((struct stream_script *)stream)->record, "close;");
}

static inline void stream_script_reset(struct stream *stream) {
    record_add(&((struct stream_script *)stream)->record, "reset;");
}

/* Of what stream_write() was given, the socket takes nothing until stream_script_completes(). */
static inline uint64_t stream_script_progress(const struct stream *stream) {
    return ((const struct stream_script *)stream)->taken_count;
}

static inline void stream_script_peer(struct stream *stream, struct address *address) {
    *address = ((struct stream_script *)stream)->peer;
}

static inline void stream_script_local(struct stream *stream, struct address *address) {
    *address = ((struct stream_script *)stream)->local;
}

static const struct stream_ops stream_script_ops = {
    .open = stream_script_open,
    .read_start = stream_script_read_start,
    .read_stop = stream_script_read_stop,
    .try_write = stream_script_try_write,
    .write = stream_script_write,
    .send_file = stream_script_send_file,
    .end_writing = stream_script_end_writing,
    .close = stream_script_close,
    .reset = stream_script_reset,
    .progress = stream_script_progress,
    .peer_address = stream_script_peer,
    .local_address = stream_script_local,
};

static inline void stream_script_init(struct stream_script *script, struct event_loop *loop) {
    memset(script, 0, sizeof(*script));
    script->stream.ops = &stream_script_ops;
    script->stream.loop = loop;
    script->room = SIZE_MAX;
    script->peer = (struct address){.family = ADDRESS_INET, .port = 4242, .host = "192.0.2.9"};
    script->local = (struct address){.family = ADDRESS_INET, .port = 80, .host = "192.0.2.1"};
}

/* The peer sends bytes, or ends. */
static inline void stream_script_reads(struct stream_script *script, struct slice bytes) {
    if (!script->stream.closing) {
        script->stream.events->on_read(script->stream.owner, bytes);
    }
}

static inline void stream_script_ends(struct stream_script *script, int status) {
    if (!script->stream.closing) {
        script->stream.events->on_read_end(script->stream.owner, status);
    }
}

/* The socket has taken what stream_write() was given. */
static inline void stream_script_completes(struct stream_script *script, int status) {
    unsigned count = script->pending_count;
    script->pending_count = 0;
    for (unsigned i = 0; i < count; i++) {
        record_bytes(&script->taken, script->pending_parts[i]);
        script->taken_count += script->pending_parts[i].length;
    }
    script->stream.events->on_written(script->stream.owner, status);
}

/* The last event; the script may be used anew. */
static inline void stream_script_closed(struct stream_script *script) {
    stream_close(&script->stream);
    script->stream.events->on_closed(script->stream.owner);
    record_clear(&script->record);
    record_clear(&script->taken);
}

#endif
