/* The object of casgi._core.HubClient, for the files of its methods. */
#ifndef CASGI_BINDINGS_HUB_CLIENT_OBJECT_H
#define CASGI_BINDINGS_HUB_CLIENT_OBJECT_H

#include "asgi/bridge.h"
#include "hub/hub_client.h"

typedef struct {
    PyObject_HEAD
    struct module_state *state;
    struct hub_client *client;   /* NULL once it is released */
    struct event_loop *own_loop; /* NULL on a server's */
    PyThreadState *waiting;      /* of the thread that waits in a turn, without the GIL */
    struct bridge *bridge;       /* of the server, which is held */
    PyObject *server, *handler;
    PyObject *path;    /* bytes, for the file system */
    PyObject *project; /* bytes */
} HubClientObject;

#endif
