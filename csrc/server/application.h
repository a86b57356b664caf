/* The vtables through which the server knows the application: the one seam between plain C and the
 * ASGI bridge.
 *
 * Three kinds of things are offered to the application, and each has its events: the server itself,
 * an exchange, a WebSocket. Only the `on_ready` events, and those that say so, run application
 * code, which may re-enter the server (send, close, abort): after calling one, the server looks at
 * its own state anew. The others only note what happened, so that no parser is ever re-entered. */
#ifndef CASGI_SERVER_APPLICATION_H
#define CASGI_SERVER_APPLICATION_H

#include "base/slice.h"
#include "server/slow_consumer.h"

struct address;
struct exchange;
struct websocket;
struct connection;

/* The events of which the server notifies the application. */
struct application_events {
    /* A request's head is here (exchange->request): attach events with exchange_attach(). Returns a
     * status; on failure nothing is attached and the server answers 500. Runs no application code:
     * on_ready() does. */
    int (*on_request)(void *application, struct exchange *exchange);
    /* A valid opening handshake (websocket->exchange->request): attach with websocket_attach(). As
     * on_request(). */
    int (*on_websocket)(void *application, struct websocket *websocket);
    /* The connection is closed: forget what is kept in connection->context. */
    void (*on_connection_end)(void *application, struct connection *connection);
    /* A connection was closed and it was the last. */
    void (*on_idle)(void *application);
    /* A request, the opening handshake of a WebSocket, or one of TLS (a status of 0) that is
     * refused before the application sees it: for the log. `reason` is static. */
    void (*on_refused)(void *application, const struct address *client, int http_status,
                       const char *reason);
    /* No connection can be accepted for want of what `error` (an errno) says: for the log, at most
     * once in LIMIT_EXHAUSTED_LOG_SECONDS. They wait in the kernel. */
    void (*on_exhausted)(void *application, int error);
    /* Lines of the access log could not be written, for what `error` (an errno) says: for the log,
     * at most once in LIMIT_LOG_LOST_SECONDS. */
    void (*on_log_lost)(void *application, int error);
};

/* The events of an exchange, for whoever answers it: the bridge, or a WebSocket that sits on the
 * exchange's tunnel. */
struct exchange_events {
    /* Part of the request's body, or of a tunnel's bytes; *borrows* them. `is_last` comes at most
     * once, maybe with no bytes; for a request without body before the first on_ready(). */
    void (*on_body)(void *owner, struct slice bytes, bool is_last);
    /* What has arrived was passed on: act on it. Runs application code. */
    void (*on_ready)(void *owner);
    /* The write queue, after having been above its high-water mark, is below half of it. Runs
     * application code. */
    void (*on_drain)(void *owner);
    /* The client has gone, or the request timed out: nobody waits for the answer. Once; never after
     * on_end(). Runs application code. */
    void (*on_disconnect)(void *owner);
    /* The server shuts down: end soon. May be NULL. Runs application code. */
    void (*on_shutdown)(void *owner);
    /* The exchange is over: forget it. The last call. */
    void (*on_end)(void *owner);
};

/* The events of a WebSocket, for the bridge. */
struct websocket_events {
    /* A whole message; *borrows* the payload, which is valid UTF-8 when is_text. */
    void (*on_message)(void *owner, bool is_text, struct slice payload);
    /* What has arrived was passed on: act on it. Runs application code. */
    void (*on_ready)(void *owner);
    /* As exchange_events.on_drain; or nothing more can be sent, since the close is done. */
    void (*on_drain)(void *owner);
    /* The application has not answered the handshake in time, and 403 is about to be sent. May be
     * NULL. Runs the code of the log's handlers. */
    void (*on_unanswered)(void *owner);
    /* No message will follow: `code` and `reason` are for websocket.disconnect. Exactly once.
     * Unless the bridge calls websocket_finish_close() because its application has dealt with the
     * messages before, the closing goes on by itself after a moment. on_ready() follows. */
    void (*on_close)(void *owner, int code, struct slice reason);
    /* It does not keep up with its groups, with `backlog` bytes unsent: closed, or `count` frames
     * were dropped. In the middle of a fan-out: must run no application code. on_close(), which
     * comes there too, calls none, but allocates: whoever walks groups is ready for finalizers. */
    void (*on_slow)(void *owner, enum slow_consumer_outcome outcome, uint32_t count,
                    size_t backlog);
    /* The WebSocket is over: forget it. The last call. */
    void (*on_end)(void *owner);
};

#endif
