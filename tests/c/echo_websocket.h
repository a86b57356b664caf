/* An application of WebSockets for the tests of protocols: accepts at once, sends back what it
 * gets, and finishes closes; what it is told of the end is recorded. */
#ifndef CASGI_TESTS_ECHO_WEBSOCKET_H
#define CASGI_TESTS_ECHO_WEBSOCKET_H

#include "server/websocket.h"
#include "server_script.h"

static inline void echo_websocket_on_message(void *owner, bool is_text, struct slice payload) {
    (void)websocket_send(owner, is_text, payload);
}

static inline void echo_websocket_on_ready(void *owner) {
    struct websocket *websocket = owner;
    if (websocket->state == WEBSOCKET_CONNECTING) {
        (void)websocket_accept(websocket, SLICE_EMPTY, NULL, 0);
    }
    websocket_finish_close(websocket);
}

static inline void echo_websocket_on_nothing(void *owner) {
    (void)owner;
}

static inline void echo_websocket_on_close(void *owner, int code, struct slice reason) {
    struct websocket *websocket = owner;
    struct server_script *script = websocket->server->owner;
    (void)reason;
    record_add(&script->record, "close %d;", code);
}

static const struct websocket_events echo_websocket_events = {
    .on_message = echo_websocket_on_message,
    .on_ready = echo_websocket_on_ready,
    .on_drain = echo_websocket_on_nothing,
    .on_close = echo_websocket_on_close,
    .on_end = echo_websocket_on_nothing,
};

/* For server_script.take_websocket. */
static inline int echo_take_websocket(struct server_script *script, struct websocket *websocket) {
    (void)script;
    websocket_attach(websocket, &echo_websocket_events, websocket);
    return STATUS_OK;
}

#endif
