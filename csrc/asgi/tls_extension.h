/* The ASGI extension `tls`, version 0.2: what is said of the encryption of a connection. All of its
 * shape is in this one file. */
#ifndef CASGI_ASGI_TLS_EXTENSION_H
#define CASGI_ASGI_TLS_EXTENSION_H

#include "asgi/bridge.h"

struct connection;

/* Returns new dict for scope["extensions"]["tls"]; None for a connection that is not encrypted;
 * NULL with an exception. */
PyObject *tls_extension_new(struct bridge *bridge, struct connection *connection);

#endif
