/* One WebSocket of the server: the handshake's answer, the session on the exchange's tunnel,
 * keep-alive pings, the closing handshake.
 *
 *   CONNECTING --accept--> OPEN
 *   CONNECTING --deny, response--> CLOSED (the exchange answers as any other)
 *   OPEN       --close frame sent--> CLOSING
 *   OPEN       --close frame or violation arrives--> CLOSE_WAIT
 *   CLOSE_WAIT --finish_close, or the timer--> CLOSED
 *   CLOSING    --peer's close frame, its end, or the timer--> CLOSED
 *   any        --the tunnel ends without a close frame--> CLOSED
 *
 * In CLOSE_WAIT the application may still answer the messages that came before the close frame; a
 * moment later the closing goes on without it. on_close() is called exactly once, on leaving OPEN
 * or CONNECTING. It owns itself and is freed when its exchange is over. */
#ifndef CASGI_SERVER_WEBSOCKET_H
#define CASGI_SERVER_WEBSOCKET_H

#include "net/timer.h"
#include "server/access_format.h"
#include "server/exchange.h"
#include "server/groups.h"
#include "ws/ws_handshake.h"
#include "ws/ws_rate.h"
#include "ws/ws_sender.h"
#include "ws/ws_session.h"

struct server;

enum websocket_state {
    WEBSOCKET_CONNECTING,
    WEBSOCKET_OPEN,
    WEBSOCKET_CLOSE_WAIT,
    WEBSOCKET_CLOSING,
    WEBSOCKET_CLOSED
};

struct websocket {
    struct list link;          /* in server->websockets */
    struct exchange *exchange; /* borrowed; NULL when over */
    struct server *server;
    const struct websocket_events *events;
    void *owner;
    struct ws_session session;
    struct ws_sender sender;
    struct ws_deflate_terms deflate; /* what the handshake has agreed on */
    struct timer timer;   /* connecting, ping and pong, close wait, closing handshake: whichever the
                             state is about */
    struct member member; /* of groups of an application without Channels */
    struct timer lifetime; /* --websocket-timeout */
    struct ws_rate rate;
    struct access_traffic traffic;
    uint64_t ping_sent;     /* event_loop_now() of the ping that waits for an answer, 0: none */
    uint64_t ping_progress; /* exchange_progress() then, 0 unless bytes waited before it */
    enum websocket_state state;
    bool is_reported;              /* on_close() was called */
    bool is_paused;                /* back-pressure: the peer's silence is ours */
    bool is_flooded;               /* its pings are not read until it reads our pongs */
    uint16_t close_code;           /* to be sent at the end of CLOSE_WAIT */
    char accept[WS_ACCEPT_LENGTH]; /* Sec-WebSocket-Accept; zeros in HTTP/2, which has none */
};

/* Offers the handshake in exchange->request to the application, or refuses it (400, 426). Called by
 * the protocol from its on-head. */
void websocket_offer(struct server *server, struct exchange *exchange);

/* Sets who is notified; *borrows* both until on_end(). */
static inline void websocket_attach(struct websocket *websocket,
                                    const struct websocket_events *events, void *owner) {
    websocket->events = events;
    websocket->owner = owner;
}

/* Accepts: `subprotocol` may be empty; `headers` are the application's (checked), of which those of
 * the handshake itself are left out. STATUS_OK, STATUS_STATE unless CONNECTING, STATUS_CLOSED,
 * STATUS_NO_MEMORY. */
int websocket_accept(struct websocket *websocket, struct slice subprotocol,
                     const struct http_header *headers, size_t header_count);

/* Refuses the handshake with an empty response of this status (403: the application closed before
 * accepting). Statuses as above. */
int websocket_deny(struct websocket *websocket, int http_status);

/* The application answers the handshake by a response of its own (websocket.http.response): returns
 * the exchange to respond on, or NULL unless CONNECTING. From now on the WebSocket only reports its
 * close. */
struct exchange *websocket_respond(struct websocket *websocket);

/* Sends a message by copy. STATUS_OK, STATUS_STATE before accept, STATUS_CLOSED after a close,
 * STATUS_NO_MEMORY. */
int websocket_send(struct websocket *websocket, bool is_text, struct slice payload);

/* Queues a message of a group (*borrows*), to leave at the end of the turn. What is done when more
 * than the backlog option is unsent, --slow-consumer says. Returns whether it was taken. Closing
 * the member may run finalizers of the application, by way of the garbage collector. */
bool websocket_deliver(struct websocket *websocket, struct ws_message *message);

/* Starts the closing handshake. Statuses as websocket_send(). */
int websocket_close(struct websocket *websocket, int code, struct slice reason);

/* The application has dealt with every message before the close. */
void websocket_finish_close(struct websocket *websocket);

/* Back-pressure towards the client; idempotent. */
void websocket_pause(struct websocket *websocket);
void websocket_resume(struct websocket *websocket);

/* As exchange_is_congested(); false once nothing more can be sent: nobody has to wait then. */
bool websocket_is_congested(struct websocket *websocket);

/* Shutdown of the server: 1012 to an open one, 503 to one that connects. */
void websocket_shutdown(struct websocket *websocket);

/* Cuts the connection. */
void websocket_abort(struct websocket *websocket);

#endif
