/* The static files of a server, as Python gives them. */
#ifndef CASGI_BINDINGS_SERVER_STATIC_H
#define CASGI_BINDINGS_SERVER_STATIC_H

#include "server/server.h"
#include "state.h"

/* Adds the mounts of an iterable of (url, directory, falls_through), or NULL for none. Returns -1
 * with an exception: OSError when a directory can not be opened, ValueError for a URL that is no
 * prefix. */
int server_static_add(struct server *server, PyObject *mounts);

#endif
