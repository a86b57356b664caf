/* An application for the tests of protocols: answers each request as its path says, once the
 * request is whole unless said otherwise.
 *
 *   /early  without waiting for the body      /stream  in three parts, of unknown length
 *   /short  with less than it promised        /none    never
 *   /close  and wants the connection closed   /hints  behind a 103
 *   /file   with this file, as one part       /trailers  with trailer fields behind the body
 *   any other: with the body
 */
#ifndef CASGI_TESTS_ECHO_APPLICATION_H
#define CASGI_TESTS_ECHO_APPLICATION_H

#include "server_script.h"

struct echo {
    struct server_script *script;
    struct exchange *exchange;
    struct record body;
    char path[64];
    bool is_whole, is_answered;
};

static inline void echo_on_body(void *owner, struct slice bytes, bool is_last) {
    struct echo *echo = owner;
    record_bytes(&echo->body, bytes);
    echo->is_whole |= is_last;
}

static inline bool echo_is_at(const struct echo *echo, const char *path) {
    return strcmp(echo->path, path) == 0;
}

static inline void echo_send_parts(struct exchange *exchange) {
    (void)(exchange_send(exchange, SLICE_LITERAL("one"), false) == STATUS_OK &&
           exchange_send(exchange, SLICE_EMPTY, false) == STATUS_OK &&
           exchange_send(exchange, SLICE_LITERAL("three"), true) == STATUS_OK);
}

static inline void echo_send_file(struct exchange *exchange) {
    struct stat facts;
    struct file *file = file_new(file_open(__FILE__, &facts));
    if (file == NULL) {
        exchange_abort(exchange);
        return;
    }
    const struct file_range range = {file, 1, 5}; /* "* An " of the first line */
    (void)(exchange_send_file(exchange, &range, false) == STATUS_OK &&
           exchange_send(exchange, SLICE_EMPTY, true) == STATUS_OK);
}

static inline void echo_send_trailers(struct exchange *exchange) {
    static const struct http_header fields[] = {{{"x-sum", 5}, {"8", 1}}};
    (void)(exchange_send(exchange, SLICE_LITERAL("one"), false) == STATUS_OK &&
           exchange_send_trailers(exchange, fields, 1) == STATUS_OK);
}

static inline int echo_hint(struct exchange *exchange) {
    static const struct http_header link = {{"link", 4}, {"</a>", 4}};
    struct http_response_head head = {.status = 103, .headers = &link, .header_count = 1};
    return exchange_inform(exchange, &head);
}

/* The exchange may be over, and the echo gone, when this returns. */
static inline void echo_answer(struct echo *echo) {
    struct exchange *exchange = echo->exchange;
    struct http_header headers[] = {{SLICE_LITERAL("connection"), SLICE_LITERAL("close")}};
    struct http_response_head head = {.status = 200,
                                      .reason = SLICE_EMPTY,
                                      .headers = headers,
                                      .header_count = echo_is_at(echo, "/close") ? 1 : 0};
    struct http_response_facts facts;
    size_t bad;
    CHECK(http_response_head_check(&head, &facts, &bad) == STATUS_OK);
    echo->is_answered = true;
    head.trailers = echo_is_at(echo, "/trailers");
    if (echo_is_at(echo, "/hints") && echo_hint(exchange) != STATUS_OK) {
        return;
    }
    if (echo_is_at(echo, "/file") || head.trailers) {
        if (exchange_respond(exchange, &head, &facts, -1) != STATUS_OK) {
            exchange_abort(exchange);
        } else if (head.trailers) {
            echo_send_trailers(exchange);
        } else {
            echo_send_file(exchange);
        }
    } else if (echo_is_at(echo, "/stream")) {
        if (exchange_respond(exchange, &head, &facts, -1) != STATUS_OK) {
            exchange_abort(exchange);
            return;
        }
        echo_send_parts(exchange);
    } else if (echo_is_at(echo, "/short")) {
        if (exchange_respond(exchange, &head, &facts, 5) != STATUS_OK) {
            exchange_abort(exchange);
            return;
        }
        (void)exchange_send(exchange, SLICE_LITERAL("1234"), true);
    } else {
        struct frame *frame = frame_copy(record_slice(&echo->body));
        int64_t length = echo_is_at(echo, "/early") ? 0 : (int64_t)echo->body.length;
        int status =
            frame == NULL ? STATUS_NO_MEMORY : exchange_respond(exchange, &head, &facts, length);
        if (status == STATUS_OK && length > 0) {
            (void)exchange_send_frame(exchange, frame, true);
        } else {
            frame_unref(frame);
        }
        if (status == STATUS_NO_MEMORY) {
            exchange_abort(exchange);
        }
    }
}

static inline void echo_on_ready(void *owner) {
    struct echo *echo = owner;
    bool is_due = echo->is_whole || echo_is_at(echo, "/early");
    if (is_due && !echo->is_answered && !echo_is_at(echo, "/none")) {
        echo_answer(echo);
    } else if (!echo->is_whole) {
        exchange_resume(echo->exchange);
    }
}

static inline void echo_on_drain(void *owner) {
    record_add(&((struct echo *)owner)->script->record, "drain;");
}

static inline void echo_on_disconnect(void *owner) {
    record_add(&((struct echo *)owner)->script->record, "disconnect;");
}

static inline void echo_on_shutdown(void *owner) {
    record_add(&((struct echo *)owner)->script->record, "shutdown;");
}

static inline void echo_on_end(void *owner) {
    struct echo *echo = owner;
    record_add(&echo->script->record, "end;");
    record_clear(&echo->body);
    free(echo);
}

static const struct exchange_events echo_events = {.on_body = echo_on_body,
                                                   .on_ready = echo_on_ready,
                                                   .on_drain = echo_on_drain,
                                                   .on_disconnect = echo_on_disconnect,
                                                   .on_shutdown = echo_on_shutdown,
                                                   .on_end = echo_on_end};

/* For server_script.take_request. */
static inline int echo_take_request(struct server_script *script, struct exchange *exchange) {
    struct echo *echo = calloc(1, sizeof(*echo));
    echo->script = script;
    echo->exchange = exchange;
    struct slice path = exchange->request->path;
    snprintf(echo->path, sizeof(echo->path), "%.*s", (int)path.length, path.data);
    exchange_attach(exchange, &echo_events, echo);
    return STATUS_OK;
}

#endif
