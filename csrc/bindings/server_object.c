/* casgi._core.Server: the Python face of a server and its bridge.
 *
 * Owns the struct server and embeds the bridge; holds the selector or the rider whose event loop
 * they run on. Dropped, it closes its connections first; inside a turn, which can not be, it holds
 * a reference to itself until they are closed. */
#include "bindings/server_object.h"

#include <structmember.h>

#include "asgi/application.h"
#include "base/limits.h"
#include "bindings/server_arguments.h"
#include "bindings/server_control.h"
#include "bindings/server_docs.h"
#include "bindings/server_draining.h"
#include "bindings/server_metrics.h"
#include "bindings/tls_acceptor_object.h"
#include "loop/rider.h"
#include "loop/selector.h"
#include "server/server.h"

extern PyType_Spec server_type_spec;

typedef struct {
    PyObject_HEAD
    struct bridge bridge;
    struct server *server; /* NULL when closed */
    PyObject *driver;      /* Selector or Rider */
    PyObject *on_idle;
    PyObject *server_header; /* bytes whose memory the options point into */
    PyObject *kept;          /* list: what the server uses, such as its TlsAcceptors */
    PyObject *weakrefs;
    bool is_rider;
    bool is_abandoned; /* dropped inside a turn: it holds itself until its connections are closed */
} ServerObject;

struct bridge *server_object_bridge(struct module_state *state, PyObject *object) {
    bool is_server = PyObject_TypeCheck(object, state->server_type);
    struct bridge *bridge = is_server ? &((ServerObject *)object)->bridge : NULL;
    if (bridge == NULL || bridge->server == NULL) {
        PyErr_SetString(PyExc_TypeError, "server must be a Server that is not closed");
        return NULL;
    }
    return bridge;
}

/* --- Events of the server --- */

static void release(ServerObject *self);

static bool has_connections(const ServerObject *self) {
    return self->server != NULL && self->server->connection_count > 0;
}

static void call_on_idle(ServerObject *self) {
    PyObject *callback = Py_XNewRef(self->on_idle);
    if (callback != NULL && callback != Py_None) {
        Py_XDECREF(PyObject_CallNoArgs(callback));
        bridge_report(&self->bridge, "Exception in Server.on_idle");
    }
    Py_XDECREF(callback);
}

/* Whoever calls this does not look at the server any more: it may be gone afterwards. */
static void on_idle(PyObject *owner) {
    ServerObject *self = (ServerObject *)owner;
    Py_INCREF(self); /* the callback may drop the last reference */
    if (!has_connections(self) && self->bridge.task_count == 0) {
        call_on_idle(self);
    }
    if (!has_connections(self) && self->is_abandoned) {
        self->is_abandoned = false;
        release(self);
        Py_DECREF(self);
    }
    Py_DECREF(self);
}

/* --- Making --- */

/* nest_asyncio marks the loops that it has made reentrant. */
static void respect_reentrance(struct event_loop *event_loop, PyObject *loop) {
    if (PyObject_HasAttrString(loop, "_nest_patched")) {
        event_loop_refuse_application(event_loop);
    }
}

/* Finds the event loop: that of our own selector under the asyncio loop, or a new one that rides on
 * it. */
static int choose_event_loop(ServerObject *self, PyObject *loop) {
    struct bridge *bridge = &self->bridge;
    PyObject *selector = PyObject_GetAttrString(
        loop, "_selector"); /* asyncio's own loops have it; nobody else needs to */
    if (selector == NULL) {
        PyErr_Clear();
    } else {
        bridge->event_loop = selector_event_loop(bridge->state, selector);
    }
    if (bridge->event_loop != NULL) {
        self->driver = selector;
        selector_hold(selector);
        bridge->runs_on_selector = true;
        return 0;
    }
    Py_XDECREF(selector);
    self->driver = rider_new(bridge->state, loop);
    if (self->driver == NULL) {
        return -1;
    }
    self->is_rider = true;
    bridge->event_loop = rider_event_loop(self->driver);
    return 0;
}

static int fill_bridge(ServerObject *self, const struct server_arguments *given) {
    struct bridge *bridge = &self->bridge;
    bridge->owner = (PyObject *)self;
    bridge->on_idle = on_idle;
    bridge->application = Py_NewRef(given->application);
    bridge->loop = Py_NewRef(given->loop);
    bridge->request_buffer_size = given->options.request_buffer_size;
    bridge->application_close_timeout = given->options.application_close_timeout;
    bridge->root_path =
        given->root_path != NULL ? Py_NewRef(given->root_path) : PyUnicode_FromString("");
    bridge->lifespan_state =
        given->state == NULL || given->state == Py_None ? NULL : Py_NewRef(given->state);
    bridge->context = PyContext_CopyCurrent();
    bridge->logger = PyObject_CallFunction(bridge->state->get_logger, "s", "casgi.error");
    if (bridge->root_path == NULL || bridge->context == NULL || bridge->logger == NULL ||
        choose_event_loop(self, given->loop) < 0) {
        return -1;
    }
    if (bridge->lifespan_state != NULL && !PyDict_Check(bridge->lifespan_state)) {
        PyErr_SetString(PyExc_TypeError, "state must be a dict or None");
        return -1;
    }
    respect_reentrance(bridge->event_loop, given->loop);
    return application_open(bridge);
}

static int make_server(ServerObject *self, struct server_arguments *given) {
    if (given->server_header != NULL && given->server_header != Py_None) {
        self->server_header = PyUnicode_AsLatin1String(given->server_header);
        if (self->server_header == NULL) {
            return -1;
        }
        given->options.server_header = slice_of(PyBytes_AS_STRING(self->server_header),
                                                (size_t)PyBytes_GET_SIZE(self->server_header));
    } else if (given->server_header == NULL) {
        given->options.server_header = SLICE_LITERAL("casgi");
    }
    self->server = server_new(self->bridge.event_loop, &given->options, &application_events,
                              &self->bridge, given->access_log_fd);
    self->bridge.server = self->server;
    int status = self->server == NULL
                     ? STATUS_NO_MEMORY
                     : network_list_parse(&self->server->trusted, given->trusted_proxies);
    if (status == STATUS_INVALID) {
        PyErr_Format(PyExc_ValueError, "trusted_proxies are no addresses or networks: %s",
                     given->trusted_proxies);
    } else if (status != STATUS_OK) {
        PyErr_NoMemory();
    }
    return status == STATUS_OK ? server_static_add(self->server, given->static_files) : -1;
}

static PyObject *server_make(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    struct server_arguments given;
    if (server_arguments_parse(&given, args, kwargs) < 0) {
        return NULL;
    }
    ServerObject *self = (ServerObject *)type->tp_alloc(type, 0); /* zeroed */
    if (self == NULL) {
        return NULL;
    }
    application_init(&self->bridge);
    self->bridge.state = module_state_of_type(type);
    self->kept = PyList_New(0);
    if (self->bridge.state == NULL || self->kept == NULL || fill_bridge(self, &given) < 0 ||
        make_server(self, &given) < 0) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

/* --- Methods --- */

static PyObject *listen_on(PyObject *op, PyObject *args) {
    ServerObject *self = (ServerObject *)op;
    int descriptor;
    int backlog = LIMIT_LISTEN_BACKLOG;
    PyObject *acceptor = Py_None;
    if (!PyArg_ParseTuple(args, "i|iO:listen", &descriptor, &backlog, &acceptor)) {
        return NULL;
    }
    const struct stream_factory *factory = acceptor_object_factory(self->bridge.state, acceptor);
    if (factory == NULL || PyList_Append(self->kept, acceptor) < 0) {
        return NULL;
    }
    if (self->server == NULL || self->server->is_draining) {
        PyErr_SetString(PyExc_RuntimeError, "the server is closed, or shutting down");
        return NULL;
    }
    int error = server_listen(self->server, descriptor, backlog, factory);
    if (error < 0) {
        PyErr_SetString(PyExc_OSError, listener_error_text(error));
        return NULL;
    }
    Py_RETURN_NONE;
}

int server_object_keep(PyObject *server, PyObject *used) {
    return PyList_Append(((ServerObject *)server)->kept, used);
}

static PyObject *stop_listening(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ServerObject *self = (ServerObject *)op;
    if (self->server != NULL) {
        server_stop_listening(self->server);
    }
    Py_RETURN_NONE;
}

/* Ends its connections, which may call application code: that must not close the server. */
static void walk(ServerObject *self, void (*end_all)(struct server *server)) {
    struct event_loop *held = bridge_hold_loop(&self->bridge);
    if (self->server != NULL) {
        end_all(self->server);
    }
    bridge_let_go(held);
}

static PyObject *shut_down(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    walk((ServerObject *)op, server_shutdown);
    Py_RETURN_NONE;
}

static PyObject *abort_all(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ServerObject *self = (ServerObject *)op;
    walk(self, server_abort);
    application_cancel_all(&self->bridge);
    Py_RETURN_NONE;
}

static bool is_in_use(const ServerObject *self) {
    return has_connections(self) ||
           (self->server != NULL && event_loop_is_held(self->bridge.event_loop));
}

/* Turns the event loop until every connection is gone, and other threads are out of send(): a few
 * turns do. Close may be called by a task: no other may be stepped from within it. */
static void finish_closing(ServerObject *self) {
    enum { MOST_TURNS = 64 };
    for (int i = 0; i < MOST_TURNS && is_in_use(self); i++) {
        if (event_loop_turn_within_application(self->bridge.event_loop) != STATUS_OK) {
            return;
        }
    }
}

static void leave_loop(ServerObject *self) {
    bool has_left = self->bridge.event_loop == NULL;
    application_leave_loop(&self->bridge);
    if (self->is_rider) {
        rider_close(self->driver); /* again, when the first time was inside a turn of ours */
    } else if (!has_left) {
        selector_release(self->driver);
    }
}

/* Frees the server, whose connections are all closed. Idempotent: on_idle() may close it, too. */
static void release(ServerObject *self) {
    struct server *server = self->server;
    self->server = NULL;
    self->bridge.server = NULL;
    server_free(server);
    leave_loop(self);
}

/* Returns false when it is still in use, because this was called inside a turn, or a send(). */
static bool try_to_close(ServerObject *self) {
    Py_INCREF(self);
    walk(self, server_abort);
    application_cancel_all(&self->bridge);
    finish_closing(self);
    bool is_closed = !is_in_use(self);
    if (is_closed) {
        release(self);
    }
    Py_DECREF(self);
    return is_closed;
}

static PyObject *close_server(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ServerObject *self = (ServerObject *)op;
    if (self->server != NULL && !try_to_close(self)) {
        PyErr_SetString(PyExc_RuntimeError,
                        "the server can not be closed from inside one of its own callbacks");
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *leave_to_parent(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ServerObject *self = (ServerObject *)op;
    if (self->server != NULL) {
        server_leave_to_parent(self->server);
    }
    Py_RETURN_NONE;
}

static PyObject *unfinished(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    return application_unfinished(&((ServerObject *)op)->bridge);
}

static PyObject *get_connections(PyObject *op, void *Py_UNUSED(closure)) {
    ServerObject *self = (ServerObject *)op;
    return PyLong_FromSize_t(self->server == NULL ? 0 : self->server->connection_count);
}

static PyObject *get_tasks(PyObject *op, void *Py_UNUSED(closure)) {
    return PyLong_FromSize_t(((ServerObject *)op)->bridge.task_count);
}

static PyObject *metrics(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    return server_metrics_all(((ServerObject *)op)->server);
}

static PyObject *get_slow_consumers(PyObject *op, void *Py_UNUSED(closure)) {
    return server_metrics_slow_consumers(((ServerObject *)op)->server);
}

static PyObject *get_turn_seconds(PyObject *op, void *Py_UNUSED(closure)) {
    return server_metrics_turn_seconds(((ServerObject *)op)->server);
}

/* --- The type --- */

static int traverse(PyObject *op, visitproc visit, void *arg) {
    ServerObject *self = (ServerObject *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->driver);
    Py_VISIT(self->on_idle);
    Py_VISIT(self->kept);
    return bridge_traverse(&self->bridge, visit, arg);
}

static int clear(PyObject *op) {
    ServerObject *self = (ServerObject *)op;
    Py_CLEAR(self->on_idle);
    bridge_clear(&self->bridge);
    return 0;
}

static void finalize(PyObject *op) {
    ServerObject *self = (ServerObject *)op;
    if (self->server == NULL) {
        return;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    self->is_abandoned = !try_to_close(self) && has_connections(self);
    if (self->is_abandoned) {
        Py_INCREF(self);
    } else { /* whoever may still hold the loop is at work on another server */
        release(self);
    }
    PyErr_Restore(type, value, traceback);
}

static void dealloc(PyObject *op) {
    ServerObject *self = (ServerObject *)op;
    PyTypeObject *type = Py_TYPE(op);
    if (PyObject_CallFinalizerFromDealloc(op) < 0) {
        return;
    }
    PyObject_GC_UnTrack(op);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs(op);
    }
    leave_loop(self); /* of a server that was never made whole */
    (void)clear(op);
    Py_CLEAR(self->driver);
    Py_CLEAR(self->server_header);
    Py_CLEAR(self->kept);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"listen", listen_on, METH_VARARGS, listen_doc},
    {"metrics", metrics, METH_NOARGS, metrics_doc},
    {"stop_listening", stop_listening, METH_NOARGS, stop_doc},
    {"leave", server_draining_leave, METH_NOARGS, leave_doc},
    {"close_websockets", server_draining_close_websockets, METH_O, close_websockets_doc},
    {"shutdown", shut_down, METH_NOARGS, shutdown_doc},
    {"abort", abort_all, METH_NOARGS, abort_doc},
    {"close", close_server, METH_NOARGS, close_doc},
    {"leave_to_parent", leave_to_parent, METH_NOARGS, leave_to_parent_doc},
    {"unfinished", unfinished, METH_NOARGS, unfinished_doc},
    SERVER_CONTROL_METHODS,
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef getset[] = {
    {"connections", get_connections, NULL, "Open connections.", NULL},
    {"websockets", server_draining_websockets, NULL, "WebSockets, closing ones included.", NULL},
    {"tasks", get_tasks, NULL, "Application tasks that have not finished.", NULL},
    {"turn_seconds", get_turn_seconds, NULL, "How long the loop's turn lasts by now.", NULL},
    {"slow_consumers", get_slow_consumers, NULL,
     "Members of groups that did not keep up: WebSockets closed, frames dropped.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef members[] = {
    {"on_idle", T_OBJECT, offsetof(ServerObject, on_idle), 0,
     "Called when connections and tasks have both come to 0."},
    {"on_slow_consumer", T_OBJECT, offsetof(ServerObject, bridge.on_slow_consumer), 0,
     "Called when clients have not kept up with their groups."},
    {"on_overdue", T_OBJECT, offsetof(ServerObject, bridge.on_overdue), 0,
     "Called when an application has not ended in time after its client had gone."},
    {"route_matches", T_OBJECT, offsetof(ServerObject, bridge.route_matches), 0,
     "A ContextVar that each request which is timed sets to a list of its own."},
    {"drops_late_messages", T_BOOL, offsetof(ServerObject, bridge.drops_late_messages), 0,
     "Whether what any application sends too late is dropped without an error."},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(ServerObject, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Serves one application on one event loop; see casgi/_core.pyi."},
    {Py_tp_new, server_make},
    {Py_tp_traverse, traverse},
    {Py_tp_clear, clear},
    {Py_tp_finalize, finalize},
    {Py_tp_dealloc, dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, getset},
    {Py_tp_members, members},
    {0, NULL},
};

PyType_Spec server_type_spec = {
    .name = "casgi._core.Server",
    .basicsize = sizeof(ServerObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
