/* HTTP/1.x on a connection: requests one after the other, pipelined ones waiting their turn, and
 * the tunnel behind an upgrade. */
#ifndef CASGI_SERVER_HTTP1_CONNECTION_H
#define CASGI_SERVER_HTTP1_CONNECTION_H

#include "server/connection.h"

extern const struct protocol_ops http1_connection_ops;

#endif
