/* What is spoken with a client that is not let in: one answer, 503, whatever it asks for. */
#ifndef CASGI_SERVER_BUSY_CONNECTION_H
#define CASGI_SERVER_BUSY_CONNECTION_H

#include "server/connection.h"

extern const struct protocol_ops busy_connection_ops;

#endif
