/* What the WebSocket tests and the fuzz target share: an encoder of client frames that knows
 * nothing of csrc/ws, a log of a session's events, and ways to feed the same bytes.
 *
 * Everything is static: each test is one program that includes this once. */
#ifndef CASGI_TESTS_TEST_WS_SUPPORT_H
#define CASGI_TESTS_TEST_WS_SUPPORT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ws/ws_session.h"

/* Bytes in a test: grown by plain realloc, so that a failing allocator of the tests spares them. */
struct text {
    char *data;
    size_t length;
};

static inline void text_add(struct text *text, const void *data, size_t length) {
    text->data = realloc(text->data, text->length + length + 1);
    if (text->data == NULL) {
        abort();
    }
    if (length > 0) {
        memcpy(text->data + text->length, data, length);
    }
    text->length += length;
    text->data[text->length] = '\0';
}

static inline void text_free(struct text *text) {
    free(text->data);
    *text = (struct text){NULL, 0};
}

/* A head as RFC 6455 section 5.2 draws it. `extended` is the size of the extended length: 0, 2, 8.
 */
static inline void wire_head(struct text *wire, unsigned first, bool is_masked, unsigned extended,
                             uint64_t length) {
    uint8_t head[10] = {(uint8_t)first};
    unsigned short_length = extended == 8 ? 127 : extended == 2 ? 126 : (unsigned)length;
    head[1] = (uint8_t)((is_masked ? 0x80 : 0) + short_length);
    for (unsigned i = 0; i < extended; i++) {
        head[2 + i] = (uint8_t)(length >> (8 * (extended - 1 - i)));
    }
    text_add(wire, head, 2 + extended);
}

static inline void wire_masked_payload(struct text *wire, const void *payload, size_t length) {
    static const uint8_t mask[4] = {0x37, 0xFA, 0x21, 0x3D};
    text_add(wire, mask, sizeof(mask));
    size_t start = wire->length;
    text_add(wire, payload, length);
    for (size_t i = 0; i < length; i++) {
        wire->data[start + i] = (char)((uint8_t)wire->data[start + i] ^ mask[i % 4]);
    }
}

/* One well-formed client frame but for what `first` (FIN, RSV, opcode) says. */
static inline void wire_frame(struct text *wire, unsigned first, const void *payload,
                              size_t length) {
    wire_head(wire, first, true, length < 126 ? 0 : length < 65536 ? 2 : 8, length);
    wire_masked_payload(wire, payload, length);
}

/* Events as text: "text 5 Hello;", "close 1000 bye;", "fail 1002;". */
struct log {
    struct text events;
    char failure[128]; /* the reason of a failure */
};

static inline void log_event(struct log *log, const char *kind, struct slice payload) {
    char head[64];
    int length = snprintf(head, sizeof(head), "%s %zu ", kind, payload.length);
    text_add(&log->events, head, (size_t)length);
    text_add(&log->events, payload.data, payload.length);
    text_add(&log->events, ";", 1);
}

static void log_message(void *owner, bool is_text, struct slice payload) {
    log_event(owner, is_text ? "text" : "binary", payload);
}

static void log_ping(void *owner, struct slice payload) {
    log_event(owner, "ping", payload);
}

static void log_pong(void *owner, struct slice payload) {
    log_event(owner, "pong", payload);
}

static void log_close(void *owner, int code, struct slice reason) {
    char kind[32];
    snprintf(kind, sizeof(kind), "close %d", code);
    log_event(owner, kind, reason);
}

static void log_failure(void *owner, int code, const char *reason) {
    struct log *log = owner;
    char text[32];
    int length = snprintf(text, sizeof(text), "fail %d;", code);
    text_add(&log->events, text, (size_t)length);
    snprintf(log->failure, sizeof(log->failure), "%s", reason);
}

static const struct ws_session_events log_events = {
    .on_message = log_message,
    .on_ping = log_ping,
    .on_pong = log_pong,
    .on_close = log_close,
    .on_failure = log_failure,
};

/* A small generator of numbers, so that every run is the same (Numerical Recipes' constants). */
static inline uint32_t random_next(uint32_t *state) {
    *state = *state * 1664525u + 1013904223u;
    return *state >> 8;
}

#endif
