/* HTTP/2 on a connection: many exchanges at once, one for each stream. */
#ifndef CASGI_SERVER_HTTP2_CONNECTION_H
#define CASGI_SERVER_HTTP2_CONNECTION_H

#include "server/connection.h"

extern const struct protocol_ops http2_connection_ops;

#endif
