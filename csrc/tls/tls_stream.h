/* A stream of plaintext around the stream of a socket (TLS 1.2 and 1.3, by OpenSSL). */
#ifndef CASGI_TLS_TLS_STREAM_H
#define CASGI_TLS_TLS_STREAM_H

#include "net/stream.h"
#include "tls/tls_context.h"

/* Returns new stream, the server's side, around `transport`, which it *takes* in every case: nobody
 * is attached to that yet. NULL without memory, the transport then being closed. *Keeps* `context`
 * until it is closed. on_open() comes when the handshake is done. */
struct stream *tls_stream_new(struct stream *transport, struct tls_context *context);

#endif
