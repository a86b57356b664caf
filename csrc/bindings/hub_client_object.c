/* casgi._core.HubClient: the Python face of a hub_client.
 *
 * On the event loop of a Server (the worker's: everything happens in its turns), or on a loop of
 * its own that whoever waits turns, one thread at a time, without the GIL while it waits. What it
 * hears is passed to the methods of `handler`. It holds the struct until its stream is closed;
 * what is dropped inside a turn is given up rather than pulled away under its stream. */
#include "bindings/hub_client_object.h"

#include "bindings/hub_client_requests.h"
#include "bindings/server_object.h"

#include "base/limits.h"
#include "base/memory.h"
#include "hub/hub_websocket_groups.h"

extern PyType_Spec hub_client_type_spec;

/* --- What the client says --- */

/* Calls a method of the handler with what Py_BuildValue() makes; returns its result, a new
 * reference, or NULL, the exception being reported. */
static PyObject *call_handler(HubClientObject *self, const char *method, const char *format, ...) {
    va_list values;
    va_start(values, format);
    PyObject *arguments = Py_VaBuildValue(format, values);
    va_end(values);
    PyObject *handler = Py_XNewRef(self->handler);
    PyObject *bound =
        handler == NULL || arguments == NULL ? NULL : PyObject_GetAttrString(handler, method);
    PyObject *result = bound == NULL ? NULL : PyObject_CallObject(bound, arguments);
    if (result == NULL && PyErr_Occurred()) {
        PyErr_WriteUnraisable(handler);
    }
    Py_XDECREF(bound);
    Py_XDECREF(handler);
    Py_XDECREF(arguments);
    return result;
}

/* Calls a method of the handler with both; false when that returns False. */
static bool pass_on(HubClientObject *self, PyObject *method, struct slice name,
                    struct slice payload) {
    PyObject *handler = Py_XNewRef(self->handler);
    PyObject *first = PyBytes_FromStringAndSize(name.data, (Py_ssize_t)name.length);
    PyObject *second = PyBytes_FromStringAndSize(payload.data, (Py_ssize_t)payload.length);
    PyObject *result = handler == NULL || first == NULL || second == NULL
                           ? NULL
                           : PyObject_CallMethodObjArgs(handler, method, first, second, NULL);
    if (result == NULL && PyErr_Occurred()) {
        PyErr_WriteUnraisable(handler);
    }
    bool goes_on = result != Py_False;
    Py_XDECREF(result);
    Py_XDECREF(second);
    Py_XDECREF(first);
    Py_XDECREF(handler);
    return goes_on;
}

static bool on_deliver(void *owner, struct slice topic, struct slice payload) {
    HubClientObject *self = owner;
    struct server *server = self->bridge == NULL ? NULL : self->bridge->server;
    return hub_websocket_groups_deliver(server, topic, payload) ||
           pass_on(self, self->state->strings.on_deliver, topic, payload);
}

static bool on_message(void *owner, struct slice channel, struct slice payload) {
    HubClientObject *self = owner;
    return pass_on(self, self->state->strings.on_message, channel, payload);
}

static void on_acked(void *owner) {
    Py_XDECREF(call_handler(owner, "on_acked", "()"));
}

static void on_failed(void *owner, uint64_t number, int failure) {
    Py_XDECREF(call_handler(owner, "on_failed", "(Ki)", (unsigned long long)number, failure));
}

static void on_up(void *owner, bool again) {
    Py_XDECREF(call_handler(owner, "on_up", "(i)", (int)again));
}

static void on_gap(void *owner) {
    Py_XDECREF(call_handler(owner, "on_gap", "()"));
}

static void on_down(void *owner) {
    Py_XDECREF(call_handler(owner, "on_down", "()"));
}

static const struct hub_client_events events = {
    .on_deliver = on_deliver,
    .on_message = on_message,
    .on_acked = on_acked,
    .on_failed = on_failed,
    .on_up = on_up,
    .on_gap = on_gap,
    .on_down = on_down,
};

/* --- Turning a loop of its own --- */

static void before_block(void *owner) {
    ((HubClientObject *)owner)->waiting = PyEval_SaveThread();
}

static void after_block(void *owner) {
    HubClientObject *self = owner;
    PyThreadState *waiting = self->waiting;
    self->waiting = NULL;
    PyEval_RestoreThread(waiting);
}

static int open_own_loop(HubClientObject *self) {
    self->own_loop = event_loop_new();
    if (self->own_loop == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    struct event_loop_hooks hooks = {
        .before_block = before_block, .after_block = after_block, .owner = self};
    event_loop_set_hooks(self->own_loop, &hooks);
    return 0;
}

/* --- Making --- */

static int open_client(HubClientObject *self, double most_silence) {
    struct event_loop *loop = self->own_loop != NULL ? self->own_loop : self->bridge->event_loop;
    self->client = memory_allocate(sizeof(*self->client));
    if (self->client == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    struct slice project =
        slice_of(PyBytes_AS_STRING(self->project), (size_t)PyBytes_GET_SIZE(self->project));
    hub_client_init(self->client, loop, PyBytes_AS_STRING(self->path), project, &events, self);
    self->client->most_silence = most_silence;
    if (self->bridge != NULL) {
        hub_websocket_groups_join(self->bridge->server, self->client);
    }
    return 0;
}

static PyObject *client_make(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"path", "project", "handler", "server", "silence", NULL};
    PyObject *path, *project, *handler, *server = Py_None;
    double most_silence = LIMIT_HUB_SILENCE_SECONDS;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&SO|Od:HubClient", names,
                                     PyUnicode_FSConverter, &path, &project, &handler, &server,
                                     &most_silence)) {
        return NULL;
    }
    struct module_state *state = module_state_of_type(type);
    HubClientObject *self =
        state == NULL ? NULL : (HubClientObject *)type->tp_alloc(type, 0); /* zeroed */
    if (self == NULL) {
        Py_DECREF(path);
        return NULL;
    }
    self->state = state;
    self->path = path;
    self->project = Py_NewRef(project);
    self->handler = Py_NewRef(handler);
    self->server = Py_NewRef(server);
    if (server != Py_None) {
        self->bridge = server_object_bridge(state, server);
    }
    bool is_ready = server == Py_None ? open_own_loop(self) == 0 : self->bridge != NULL;
    if (!is_ready || open_client(self, most_silence) < 0) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

/* --- The loop of its own --- */

PyDoc_STRVAR(turn_doc, "turn(seconds) -> None\n\nTurns the loop of its own: waits so long at most "
                       "for something to happen. One thread at a time.");

static PyObject *turn(PyObject *op, PyObject *value) {
    HubClientObject *self = (HubClientObject *)op;
    double seconds = PyFloat_AsDouble(value);
    if (PyErr_Occurred()) {
        return NULL;
    }
    if (self->own_loop == NULL ||
        event_loop_turn(self->own_loop, seconds < 0 ? -1 : (int64_t)(seconds * 1000)) !=
            STATUS_OK) {
        PyErr_SetString(PyExc_RuntimeError, "it has no loop of its own, or that is being turned");
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(wake_doc, "wake() -> None\n\nEnds the wait of the thread that is in turn(), or is "
                       "about to be; from any thread.");

static PyObject *wake(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    HubClientObject *self = (HubClientObject *)op;
    if (self->own_loop != NULL) {
        /* Whose the loop is says who has turned it, not who is going to. */
        event_loop_unblock(self->own_loop);
    }
    Py_RETURN_NONE;
}

/* --- The end --- */

/* Returns false when the stream is still there: this was called inside a turn. */
static bool finish_closing(HubClientObject *self) {
    enum { MOST_TURNS = 64 };
    struct event_loop *loop = self->client->loop;
    for (int i = 0; i < MOST_TURNS && !hub_client_is_closed(self->client); i++) {
        int status = self->own_loop != NULL ? event_loop_turn(loop, 0)
                                            : event_loop_turn_within_application(loop);
        if (status != STATUS_OK) {
            return false;
        }
    }
    return hub_client_is_closed(self->client);
}

static bool try_to_close(HubClientObject *self) {
    if (self->client == NULL) {
        return true;
    }
    if (self->bridge != NULL && self->bridge->server != NULL) {
        hub_websocket_groups_leave(self->bridge->server);
    }
    hub_client_close(self->client);
    if (!finish_closing(self)) {
        return false;
    }
    hub_client_release(self->client);
    memory_free(self->client);
    self->client = NULL;
    if (self->own_loop != NULL) {
        event_loop_free(self->own_loop);
        self->own_loop = NULL;
    }
    return true;
}

PyDoc_STRVAR(close_doc, "close() -> None\n\nCloses the connection for good, before the server is "
                        "closed. Not from inside a turn. Can be called again.");

static PyObject *close_client(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    if (!try_to_close((HubClientObject *)op)) {
        PyErr_SetString(PyExc_RuntimeError,
                        "the client of the hub cannot be closed from inside a turn of its loop");
        return NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(leave_doc, "leave_to_parent() -> None\n\nFor a forked child: nothing that it does "
                        "reaches the parent's connection. It can be used no more.");

/* What the parent's threads were doing with it is half done for ever: nothing of it is freed. */
static PyObject *leave_to_parent(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    HubClientObject *self = (HubClientObject *)op;
    if (self->own_loop != NULL) {
        event_loop_leave_to_parent(self->own_loop);
    }
    if (self->client != NULL) { /* a server's loop may go on, when this is gone */
        hub_client_leave_to_parent(self->client);
    }
    self->client = NULL;
    self->own_loop = NULL;
    Py_RETURN_NONE;
}

static bool ignore_message(void *owner, struct slice name, struct slice payload) {
    (void)owner, (void)name, (void)payload;
    return true;
}
static void ignore(void *owner) {
    (void)owner;
}

static const struct hub_client_events nobody = {
    .on_deliver = ignore_message,
    .on_message = ignore_message,
    .on_acked = ignore,
    .on_gap = ignore,
    .on_down = ignore,
};

/* --- The type --- */

static int traverse(PyObject *op, visitproc visit, void *arg) {
    HubClientObject *self = (HubClientObject *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->server);
    Py_VISIT(self->handler);
    return 0;
}

static int clear(PyObject *op) {
    Py_CLEAR(((HubClientObject *)op)->handler);
    return 0;
}

static void dealloc(PyObject *op) {
    HubClientObject *self = (HubClientObject *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    (void)clear(op);
    if (self->client != NULL) {
        self->client->events = &nobody;
        (void)try_to_close(self);
    }
    bool is_closed = self->client == NULL;
    Py_CLEAR(self->server);
    if (is_closed) { /* else the client still borrows them */
        Py_CLEAR(self->path);
        Py_CLEAR(self->project);
    }
    type->tp_free(op);
    Py_DECREF(type);
}

static PyObject *get_acked(PyObject *op, void *Py_UNUSED(closure)) {
    const struct hub_client *client = ((HubClientObject *)op)->client;
    return PyLong_FromUnsignedLongLong(client == NULL ? 0 : client->acked);
}

static PyObject *get_is_connected(PyObject *op, void *Py_UNUSED(closure)) {
    const struct hub_client *client = ((HubClientObject *)op)->client;
    return PyBool_FromLong(
        client != NULL && (client->state == HUB_CLIENT_GREETING || client->state == HUB_CLIENT_UP));
}

static PyObject *get_has_credit(PyObject *op, void *Py_UNUSED(closure)) {
    const struct hub_client *client = ((HubClientObject *)op)->client;
    return PyBool_FromLong(client != NULL && hub_client_has_credit(client));
}

static PyObject *get_is_trusted(PyObject *op, void *Py_UNUSED(closure)) {
    const HubClientObject *self = (HubClientObject *)op;
    struct hub_client *client = self->client;
    if (client == NULL) {
        Py_RETURN_FALSE;
    }
    return PyBool_FromLong(self->own_loop == NULL ? hub_client_is_trusted(client)
                                                  : hub_client_is_trusted_unread(client));
}

static PyObject *get_reason(PyObject *op, void *Py_UNUSED(closure)) {
    const struct hub_client *client = ((HubClientObject *)op)->client;
    return PyUnicode_DecodeUTF8(client == NULL ? "" : client->reason,
                                client == NULL ? 0 : (Py_ssize_t)strlen(client->reason), "replace");
}

static PyMethodDef methods[] = {
    HUB_CLIENT_REQUESTS{"turn", turn, METH_O, turn_doc},
    {"wake", wake, METH_NOARGS, wake_doc},
    {"close", close_client, METH_NOARGS, close_doc},
    {"leave_to_parent", leave_to_parent, METH_NOARGS, leave_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef getset[] = {
    {"acked", get_acked, NULL, "The number up to which the hub has answered.", NULL},
    {"is_connected", get_is_connected, NULL, "Whether there is a connection.", NULL},
    {"has_credit", get_has_credit, NULL, "Whether more can be sent now.", NULL},
    {"is_trusted", get_is_trusted, NULL, "Whether what was sent counts as done.", NULL},
    {"reason", get_reason, NULL, "Why there is no connection.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "A process's connection to the hub; see casgi/_core.pyi."},
    {Py_tp_new, client_make},
    {Py_tp_traverse, traverse},
    {Py_tp_clear, clear},
    {Py_tp_dealloc, dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, getset},
    {0, NULL},
};

PyType_Spec hub_client_type_spec = {
    .name = "casgi._core.HubClient",
    .basicsize = sizeof(HubClientObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
