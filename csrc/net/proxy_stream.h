/* A stream around the stream of a socket that a proxy has connected: behind its PROXY header the
 * addresses of both ends are the client's. */
#ifndef CASGI_NET_PROXY_STREAM_H
#define CASGI_NET_PROXY_STREAM_H

#include "net/network.h"
#include "net/stream.h"

/* Returns new stream around `transport`, which it *takes* in every case: nobody is attached to that
 * yet. NULL without memory, the transport then being closed. `allowed` (*borrows* until it is open)
 * are the proxies: any other peer is refused, but for those on unix sockets. on_open() comes when
 * the header is whole. */
struct stream *proxy_stream_new(struct stream *transport, const struct network_list *allowed);

/* Makes such streams for a listener. */
struct proxy_factory {
    struct stream_factory factory; /* the first member */
    struct network_list allowed;   /* owned */
};

/* Prepares a factory for these proxies, as network_list_parse() reads them (*borrows*): its
 * statuses. */
int proxy_factory_init(struct proxy_factory *factory, const char *allowed);

/* Frees what it owns. */
void proxy_factory_release(struct proxy_factory *factory);

#endif
