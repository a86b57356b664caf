/* Runs an http1_parser and writes down what it reports, as text that two runs can be compared by.
 * Used by the tests and by the fuzz target. */
#ifndef CASGI_TESTS_HTTP_EVENTS_H
#define CASGI_TESTS_HTTP_EVENTS_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/limits.h"
#include "http/http1_parser.h"

/* Plain malloc: what is recorded does not count among the allocations that are made to fail. */
struct http_events {
    char *text;
    size_t length;
    size_t capacity;
    bool is_in_body;
    struct http1_parser *parser;
};

static inline void events_put(struct http_events *events, struct slice bytes) {
    if (events->length + bytes.length + 1 > events->capacity) {
        events->capacity = 2 * (events->length + bytes.length + 1);
        events->text = realloc(events->text, events->capacity);
        if (events->text == NULL) {
            abort();
        }
    }
    memcpy(events->text + events->length, bytes.data, bytes.length);
    events->length += bytes.length;
    events->text[events->length] = '\0';
}

__attribute__((format(printf, 2, 3))) static inline void events_print(struct http_events *events,
                                                                      const char *format, ...) {
    char line[256];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    events_put(events, slice_of(line, (size_t)length));
}

static inline struct slice events_text(const struct http_events *events) {
    return slice_of(events->text != NULL ? events->text : "", events->length);
}

static inline void events_put_field(struct http_events *events, const char *name,
                                    struct slice value) {
    events_print(events, " %s=", name);
    events_put(events, value);
}

static inline void events_on_head(void *owner, const struct http_request_head *head) {
    struct http_events *events = owner;
    events_put(events, SLICE_LITERAL("head"));
    events_put_field(events, "method", head->method);
    events_put_field(events, "target", head->target);
    events_put_field(events, "scheme", head->scheme);
    events_put_field(events, "path", head->path);
    events_put_field(events, "query", head->query);
    events_print(events, " version=%d.%d length=%lld%s%s%s%s%s\n", head->version_major,
                 head->version_minor, (long long)head->content_length,
                 head->is_chunked ? " chunked" : "", head->has_body ? " body" : "",
                 head->keeps_alive ? " keep-alive" : "", head->expects_continue ? " continue" : "",
                 head->upgrades_websocket ? " websocket" : "");
    for (size_t i = 0; i < head->header_count; i++) {
        events_put(events, head->headers[i].name);
        events_put(events, SLICE_LITERAL(": "));
        events_put(events, head->headers[i].value);
        events_put(events, SLICE_LITERAL("\n"));
    }
}

static inline void events_on_body(void *owner, struct slice bytes) {
    struct http_events *events = owner;
    if (!events->is_in_body) {
        events_put(events, SLICE_LITERAL("body "));
        events->is_in_body = true;
    }
    events_put(events, bytes);
}

static inline void events_end_body(struct http_events *events) {
    if (events->is_in_body) {
        events_put(events, SLICE_LITERAL("\n"));
        events->is_in_body = false;
    }
}

static inline void events_on_complete(void *owner) {
    struct http_events *events = owner;
    events_end_body(events);
    events_put(events, SLICE_LITERAL("complete\n"));
}

static const struct http1_parser_events events_recorder = {
    .on_head = events_on_head,
    .on_body = events_on_body,
    .on_complete = events_on_complete,
};

/* Returns false when there is no memory for the parser. */
static inline bool events_open(struct http_events *events, size_t head_size, size_t headers) {
    const struct http1_parser_limits limits = {.head_size = head_size, .headers = headers};
    *events = (struct http_events){0};
    events->parser = http1_parser_new(&limits, &events_recorder, events);
    return events->parser != NULL;
}

/* Feeds one piece, going on behind complete requests. */
static inline void events_feed(struct http_events *events, struct slice piece) {
    size_t used = 0;
    for (;;) {
        used += http1_parser_feed(events->parser, slice_of(piece.data + used, piece.length - used));
        if (http1_parser_state(events->parser) != HTTP1_PARSER_COMPLETE) {
            return;
        }
        http1_parser_next(events->parser);
    }
}

/* Writes down how it ended. */
static inline void events_end(struct http_events *events) {
    static const char *const names[] = {"idle", "in head", "in body", "complete", "failed"};
    events_end_body(events);
    events_put(events, SLICE_LITERAL("end "));
    const char *name = names[http1_parser_state(events->parser)];
    events_put(events, slice_of(name, strlen(name)));
    if (http1_parser_state(events->parser) == HTTP1_PARSER_FAILED) {
        events_print(events, " %d %s", http1_parser_error_status(events->parser),
                     http1_parser_error_reason(events->parser));
    }
    events_put(events, SLICE_LITERAL("\n"));
}

static inline void events_close(struct http_events *events) {
    http1_parser_free(events->parser);
    free(events->text);
}

#endif
