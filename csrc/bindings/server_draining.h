/* The methods of casgi._core.Server by which it lets go of its clients little by little. */
#ifndef CASGI_BINDINGS_SERVER_DRAINING_H
#define CASGI_BINDINGS_SERVER_DRAINING_H

#include "state.h"

/* leave(): None. Nothing for a server that is closed. */
PyObject *server_draining_leave(PyObject *server, PyObject *unused);

/* close_websockets(most): how many were closed, as an int; or NULL with an exception. */
PyObject *server_draining_close_websockets(PyObject *server, PyObject *most);

/* websockets: how many there are, closing ones included. */
PyObject *server_draining_websockets(PyObject *server, void *unused);

#endif
