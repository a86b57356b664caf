/* The double of protocol_ops: what a connection tells its protocol. */
#ifndef CASGI_TESTS_PROTOCOL_SCRIPT_H
#define CASGI_TESTS_PROTOCOL_SCRIPT_H

#include "server_script.h"

/* The connection and what its protocol was told: one at a time. */
static struct {
    struct connection *connection;
    struct record record;
    bool has_no_memory;
} protocol_script;

static inline void *protocol_script_begin(struct connection *connection) {
    record_add(&protocol_script.record, "begin;");
    protocol_script.connection = connection;
    return protocol_script.has_no_memory ? NULL : &protocol_script;
}

static inline void protocol_script_on_bytes(void *protocol, struct slice bytes) {
    CHECK(protocol == &protocol_script);
    record_add(&protocol_script.record, "bytes %.*s;", (int)bytes.length, bytes.data);
}

static inline void protocol_script_on_read_end(void *protocol, int status) {
    (void)protocol;
    record_add(&protocol_script.record, "end %d;", status);
}

static inline void protocol_script_on_drain(void *protocol) {
    (void)protocol;
    record_add(&protocol_script.record, "drain;");
}

static inline void protocol_script_on_timeout(void *protocol) {
    (void)protocol;
    record_add(&protocol_script.record, "timeout;");
}

static inline void protocol_script_leave(void *protocol) {
    (void)protocol;
    record_add(&protocol_script.record, "leave;");
}

static inline void protocol_script_shutdown(void *protocol) {
    (void)protocol;
    record_add(&protocol_script.record, "shutdown;");
}

static inline void protocol_script_on_closed(void *protocol) {
    (void)protocol;
    record_add(&protocol_script.record, "closed;");
}

static const struct protocol_ops protocol_script_ops = {
    .begin = protocol_script_begin,
    .on_bytes = protocol_script_on_bytes,
    .on_read_end = protocol_script_on_read_end,
    .on_drain = protocol_script_on_drain,
    .on_timeout = protocol_script_on_timeout,
    .leave = protocol_script_leave,
    .shutdown = protocol_script_shutdown,
    .on_closed = protocol_script_on_closed,
};

/* For server.choose_protocol. */
static inline const struct protocol_ops *protocol_script_choose(const struct server *of,
                                                                const struct stream *stream) {
    (void)of;
    (void)stream;
    return &protocol_script_ops;
}

#endif
