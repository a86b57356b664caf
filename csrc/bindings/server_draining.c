/* Letting go of clients. Each call may run application code, which must not close the server
 * meanwhile: the loop is held. */
#include "bindings/server_draining.h"

#include "bindings/server_object.h"
#include "server/server.h"

/* Returns the bridge, or NULL without an exception when the server is closed. */
static struct bridge *open_bridge(PyObject *server) {
    struct bridge *bridge = server_object_bridge(module_state_of_type(Py_TYPE(server)), server);
    if (bridge == NULL) {
        PyErr_Clear();
    }
    return bridge;
}

PyObject *server_draining_leave(PyObject *server, PyObject *Py_UNUSED(unused)) {
    struct bridge *bridge = open_bridge(server);
    if (bridge != NULL) {
        struct event_loop *held = bridge_hold_loop(bridge);
        server_leave(bridge->server);
        bridge_let_go(held);
    }
    Py_RETURN_NONE;
}

PyObject *server_draining_close_websockets(PyObject *server, PyObject *most) {
    size_t wanted = PyLong_AsSize_t(most);
    if (PyErr_Occurred()) {
        return NULL;
    }
    struct bridge *bridge = open_bridge(server);
    size_t closed = 0;
    if (bridge != NULL) {
        struct event_loop *held = bridge_hold_loop(bridge);
        closed = server_close_websockets(bridge->server, wanted);
        bridge_let_go(held);
    }
    return PyLong_FromSize_t(closed);
}

PyObject *server_draining_websockets(PyObject *server, void *Py_UNUSED(unused)) {
    struct bridge *bridge = open_bridge(server);
    return PyLong_FromSize_t(bridge == NULL ? 0 : bridge->server->websocket_count);
}
