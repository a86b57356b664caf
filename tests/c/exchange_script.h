/* The double of exchange_ops: a version of HTTP that records what it is asked, and does as the test
 * says. For whatever sits on an exchange: websocket.c, exchange.c, groups with WebSockets in them.
 */
#ifndef CASGI_TESTS_EXCHANGE_SCRIPT_H
#define CASGI_TESTS_EXCHANGE_SCRIPT_H

#include "server/exchange.h"
#include "server_script.h"

struct exchange_script {
    struct exchange exchange;
    struct connection connection; /* has neither stream nor protocol */
    struct address peer;
    struct record record;
    struct record sent; /* the bytes of the body or tunnel */
    size_t queued;      /* what exchange_queued() says ... */
    uint64_t progress;
    uint32_t droppable; /* ... and exchange_drop_oldest(), which takes this many */
    bool is_congested;
    bool is_paused;
    bool is_gone; /* the client has left: everything is STATUS_CLOSED */
};

static inline struct exchange_script *exchange_script_of(const struct exchange *exchange) {
    return (struct exchange_script *)exchange;
}

static inline void exchange_script_record_fields(struct record *record,
                                                 const struct http_header *fields, size_t count) {
    for (size_t i = 0; i < count; i++) {
        record_add(record, "%.*s: %.*s;", (int)fields[i].name.length, fields[i].name.data,
                   (int)fields[i].value.length, fields[i].value.data);
    }
}

static inline int exchange_script_respond(struct exchange *exchange,
                                          const struct http_response_head *head,
                                          const struct http_response_facts *facts,
                                          int64_t body_length) {
    struct exchange_script *script = exchange_script_of(exchange);
    (void)facts;
    if (script->is_gone || exchange->state == EXCHANGE_ENDED) {
        return STATUS_CLOSED;
    }
    if (exchange->state != EXCHANGE_WAITING) {
        return STATUS_STATE;
    }
    record_add(&script->record, "respond %d %d;", head->status, (int)body_length);
    exchange_script_record_fields(&script->record, head->headers, head->header_count);
    exchange->state = EXCHANGE_RESPONDING;
    exchange->status = head->status;
    return body_length == 0 ? exchange_send(exchange, SLICE_EMPTY, true) : STATUS_OK;
}

static inline int exchange_script_send(struct exchange *exchange, struct slice bytes,
                                       bool is_last) {
    struct exchange_script *script = exchange_script_of(exchange);
    if (script->is_gone || exchange->state == EXCHANGE_ENDED) {
        return STATUS_CLOSED;
    }
    if (exchange->state == EXCHANGE_WAITING) {
        return STATUS_STATE;
    }
    exchange->bytes_sent += (int64_t)bytes.length;
    record_bytes(&script->sent, bytes);
    if (is_last) {
        record_add(&script->record, "last;");
        exchange_end(exchange);
    }
    return STATUS_OK;
}

static inline int exchange_script_send_frame(struct exchange *exchange, struct frame *frame,
                                             bool is_last) {
    int status = exchange_script_send(exchange, frame_slice(frame), is_last);
    frame_unref(frame);
    return status;
}

static inline int exchange_script_inform(struct exchange *exchange,
                                         const struct http_response_head *head) {
    struct exchange_script *script = exchange_script_of(exchange);
    if (script->is_gone || exchange->state != EXCHANGE_WAITING) {
        return script->is_gone || exchange->state == EXCHANGE_ENDED ? STATUS_CLOSED : STATUS_STATE;
    }
    record_add(&script->record, "inform %d;", head->status);
    exchange_script_record_fields(&script->record, head->headers, head->header_count);
    return STATUS_OK;
}

/* Reads the file at once. */
static inline int exchange_script_send_file(struct exchange *exchange,
                                            const struct file_range *range, bool is_last) {
    struct frame *frame = frame_new(range->length);
    int status = STATUS_NO_MEMORY;
    if (frame != NULL) {
        ssize_t taken = file_read(range->file, frame_bytes(frame), frame->length, range->offset);
        record_add(&exchange_script_of(exchange)->record, "file %zu;", frame->length);
        status = taken == (ssize_t)range->length
                     ? exchange_script_send(exchange, frame_slice(frame), is_last)
                     : STATUS_SYSTEM;
        frame_unref(frame);
    }
    file_unref(range->file);
    return status;
}

static inline int exchange_script_send_trailers(struct exchange *exchange,
                                                const struct http_header *fields, size_t count) {
    struct exchange_script *script = exchange_script_of(exchange);
    record_add(&script->record, "trailers;");
    exchange_script_record_fields(&script->record, fields, count);
    return exchange_script_send(exchange, SLICE_EMPTY, true);
}

static inline int exchange_script_queue_frame(struct exchange *exchange, struct frame *frame,
                                              bool may_be_dropped) {
    record_add(&exchange_script_of(exchange)->record, "queue %zu%s;", frame->length,
               may_be_dropped ? " droppable" : "");
    return exchange_script_send_frame(exchange, frame, false);
}

static inline uint32_t exchange_script_drop_oldest(struct exchange *exchange, size_t bytes) {
    struct exchange_script *script = exchange_script_of(exchange);
    record_add(&script->record, "drop %zu;", bytes);
    return script->droppable;
}

static inline void exchange_script_flush(struct exchange *exchange) {
    record_add(&exchange_script_of(exchange)->record, "flush;");
}

static inline size_t exchange_script_queued(const struct exchange *exchange) {
    return exchange_script_of(exchange)->queued;
}

static inline uint64_t exchange_script_progress(const struct exchange *exchange) {
    return exchange_script_of(exchange)->progress;
}

static inline bool exchange_script_is_congested(struct exchange *exchange) {
    return exchange_script_of(exchange)->is_congested;
}

static inline int exchange_script_open_tunnel(struct exchange *exchange,
                                              const struct http_response_head *head) {
    struct exchange_script *script = exchange_script_of(exchange);
    if (script->is_gone || exchange->state != EXCHANGE_WAITING) {
        return script->is_gone ? STATUS_CLOSED : STATUS_STATE;
    }
    record_add(&script->record, "tunnel %d;", head->status);
    exchange_script_record_fields(&script->record, head->headers, head->header_count);
    exchange->state = EXCHANGE_TUNNEL;
    exchange->status = head->status;
    return STATUS_OK;
}

static inline void exchange_script_end_tunnel(struct exchange *exchange) {
    record_add(&exchange_script_of(exchange)->record, "end tunnel;");
}

static inline void exchange_script_pause(struct exchange *exchange) {
    struct exchange_script *script = exchange_script_of(exchange);
    if (!script->is_paused) {
        record_add(&script->record, "pause;");
    }
    script->is_paused = true;
}

static inline void exchange_script_resume(struct exchange *exchange) {
    struct exchange_script *script = exchange_script_of(exchange);
    if (script->is_paused) {
        record_add(&script->record, "resume;");
    }
    script->is_paused = false;
}

static inline void exchange_script_abort(struct exchange *exchange) {
    record_add(&exchange_script_of(exchange)->record, "abort;");
}

static const struct exchange_ops exchange_script_ops = {
    .inform = exchange_script_inform,
    .respond = exchange_script_respond,
    .send = exchange_script_send,
    .send_frame = exchange_script_send_frame,
    .send_file = exchange_script_send_file,
    .send_trailers = exchange_script_send_trailers,
    .queue_frame = exchange_script_queue_frame,
    .drop_oldest = exchange_script_drop_oldest,
    .flush = exchange_script_flush,
    .queued = exchange_script_queued,
    .progress = exchange_script_progress,
    .is_congested = exchange_script_is_congested,
    .open_tunnel = exchange_script_open_tunnel,
    .end_tunnel = exchange_script_end_tunnel,
    .pause = exchange_script_pause,
    .resume = exchange_script_resume,
    .abort = exchange_script_abort,
};

/* Opens a connection of `server`, from 192.0.2.9:4242, whom nobody trusts. */
static inline void exchange_script_open(struct exchange_script *script, struct server *server) {
    memset(script, 0, sizeof(*script));
    script->peer = (struct address){.family = ADDRESS_INET, .port = 4242, .host = "192.0.2.9"};
    script->connection.server = server;
    script->connection.peer = &script->peer;
    script->connection.trust = TRUST_DENIED;
    script->exchange.ops = &exchange_script_ops;
    script->exchange.connection = &script->connection;
}

/* Opens a connection, and begins an exchange with this head (*borrows*: while exchange.request
 * points at it). */
static inline void exchange_script_begin(struct exchange_script *script, struct server *server,
                                         const struct http_request_head *head) {
    exchange_script_open(script, server);
    exchange_begin(&script->exchange, head);
}

/* The connection is gone: the exchange with it, if that has not ended. */
static inline void exchange_script_close(struct exchange_script *script) {
    script->is_gone = true;
    exchange_disconnect(&script->exchange);
    exchange_end(&script->exchange);
    record_clear(&script->record);
    record_clear(&script->sent);
}

#endif
