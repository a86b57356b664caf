/* The stream of a connected tcp or unix socket. */
#ifndef CASGI_NET_SOCKET_STREAM_H
#define CASGI_NET_SOCKET_STREAM_H

#include "net/stream.h"

/* Returns new stream on `descriptor`, a connected stream socket of `family` (AF_UNIX, or tcp),
 * which it *takes* in every case; NULL without memory. */
struct stream *socket_stream_new(struct event_loop *loop, int family, int descriptor);

/* Makes these streams. */
extern const struct stream_factory socket_stream_factory;

#endif
