/* http2_carrier: one HTTP/2 connection that carries many WebSockets (RFC 8441), on nghttp2. A
 * carrier is never freed: the end of the process releases it. Any surprise ends the program. */
#ifndef BENCH_HTTP2_CARRIER_H
#define BENCH_HTTP2_CARRIER_H

#include "client_socket.h"

struct http2_carrier;

/* What one of its streams brings; the bytes are borrowed. It must not send. */
typedef void stream_handler(void *stream, const uint8_t *bytes, size_t length);

/* Returns a new carrier on a connected socket, which it keeps, its preface sent
 * and the server's settings there. */
struct http2_carrier *http2_carrier_new(struct client_socket *socket, stream_handler *on_bytes);

/* How many streams were opened on it. */
size_t http2_carrier_count(const struct http2_carrier *carrier);

/* Opens a WebSocket and waits for the server's 200; returns its id. `extensions`, which the
 * server has to agree to, may be NULL. The handler gets `stream`. */
int32_t http2_carrier_open(struct http2_carrier *carrier, void *stream, const char *path,
                           const char *authority, const char *extensions);

/* Sends bytes on a stream at once; they are borrowed. */
void http2_carrier_send(struct http2_carrier *carrier, int32_t id, const uint8_t *bytes,
                        size_t length);

/* Receives once, handing on what came for each stream. */
void http2_carrier_receive(struct http2_carrier *carrier);

#endif
