/* What websocket.c (messages, keep-alive, closing) and websocket_handshake.c share; nobody else
 * includes it. */
#ifndef CASGI_SERVER_WEBSOCKET_INTERNAL_H
#define CASGI_SERVER_WEBSOCKET_INTERNAL_H

#include "server/websocket.h"

/* Returns a new WebSocket, CONNECTING and attached to `exchange`, whose on_end() frees it; NULL
 * without memory. */
struct websocket *websocket_new(struct server *server, struct exchange *exchange);

/* Adds an access-log line. */
void websocket_log_event(const struct websocket *websocket, enum access_event event);

/* Goes to `next`, and notifies the application once that no message will follow. Python code runs:
 * the state is changed before, since that code may answer and close, too. */
void websocket_report_close(struct websocket *websocket, enum websocket_state next, int code,
                            struct slice reason);

/* Answers a handshake that was reported as closed; the WebSocket may be gone afterwards. Returns a
 * status. */
int websocket_answer_denied(struct websocket *websocket, int http_status);

/* Starts the timer of the state; `seconds` below 0 stops it. */
void websocket_start_timer(struct websocket *websocket, double seconds);

/* Lets the application act on what arrived. Runs application code: afterwards look at the state
 * anew. */
void websocket_make_ready(struct websocket *websocket);

#endif
