/* Connections and options of a server as Python sees them from outside. Holds nothing. */
#include "bindings/server_control.h"

#include "asgi/cycle_list.h"
#include "base/memory.h"
#include "bindings/server_arguments.h"
#include "bindings/server_object.h"
#include "server/connection_list.h"
#include "server/server_observer.h"

static struct bridge *bridge_of(PyObject *server) {
    return server_object_bridge(module_state_of_type(Py_TYPE(server)), server);
}

/* --- Looking --- */

static const char *state_name(enum connection_state state) {
    static const char *const names[] = {
        [CONNECTION_OPENING] = "opening",
        [CONNECTION_OPEN] = "open",
        [CONNECTION_FINISHING] = "finishing",
        [CONNECTION_CLOSING] = "closing",
    };
    return names[state];
}

/* A peer on a Unix socket may have any bytes for its path, which may be cut. */
static PyObject *connection_tuple(const struct connection_facts *facts) {
    const char *host = facts->peer.host;
    return Py_BuildValue("KNiszdnOd", (unsigned long long)facts->number,
                         PyUnicode_DecodeUTF8(host, (Py_ssize_t)strlen(host), "replace"),
                         (int)facts->peer.port, state_name(facts->state), facts->protocol,
                         facts->age, (Py_ssize_t)facts->unsent,
                         facts->is_secure ? Py_True : Py_False, facts->silent);
}

PyObject *server_control_list(PyObject *server, PyObject *Py_UNUSED(ignored)) {
    struct bridge *bridge = bridge_of(server);
    size_t count = 0;
    struct connection_facts *all =
        bridge == NULL ? NULL : connection_list_new(bridge->server, &count);
    if (all == NULL) {
        return bridge == NULL ? NULL : PyErr_NoMemory();
    }
    PyObject *list = PyList_New(0);
    for (size_t i = 0; list != NULL && i < count; i++) {
        PyObject *tuple = connection_tuple(&all[i]);
        if (tuple == NULL || PyList_Append(list, tuple) < 0) {
            Py_CLEAR(list);
        }
        Py_XDECREF(tuple);
    }
    memory_free(all);
    return list;
}

PyObject *server_control_running(PyObject *server, PyObject *Py_UNUSED(ignored)) {
    struct bridge *bridge = bridge_of(server);
    return bridge == NULL ? NULL : cycle_list_new(bridge);
}

struct group_count {
    const struct groups *groups;
    PyObject *sizes; /* NULL after an exception */
};

/* Makes no object that the garbage collector knows, so that it does not run meanwhile. */
static void count_members(struct slice name, void *context) {
    struct group_count *count = context;
    PyObject *text = PyUnicode_DecodeUTF8(name.data, (Py_ssize_t)name.length, "replace");
    PyObject *size = text == NULL ? NULL : PyLong_FromSize_t(groups_size(count->groups, name));
    if (count->sizes != NULL && (size == NULL || PyDict_SetItem(count->sizes, text, size) < 0)) {
        Py_CLEAR(count->sizes);
    }
    Py_XDECREF(text);
    Py_XDECREF(size);
}

PyObject *server_control_group_sizes(PyObject *server, PyObject *Py_UNUSED(ignored)) {
    struct bridge *bridge = bridge_of(server);
    if (bridge == NULL) {
        return NULL;
    }
    struct group_count count = {&bridge->server->groups, PyDict_New()};
    groups_visit_names(count.groups, count_members, &count);
    return count.sizes;
}

PyObject *server_control_group_totals(PyObject *server, PyObject *Py_UNUSED(ignored)) {
    struct bridge *bridge = bridge_of(server);
    if (bridge == NULL) {
        return NULL;
    }
    struct groups_totals totals = groups_count(&bridge->server->groups);
    return Py_BuildValue("nnn", (Py_ssize_t)totals.groups, (Py_ssize_t)totals.members,
                         (Py_ssize_t)totals.largest);
}

PyObject *server_control_unsent(PyObject *server, PyObject *Py_UNUSED(ignored)) {
    struct bridge *bridge = bridge_of(server);
    return bridge == NULL ? NULL
                          : PyLong_FromUnsignedLongLong(server_observer_unsent(bridge->server));
}

/* --- Changing --- */

PyObject *server_control_kick(PyObject *server, PyObject *args) {
    unsigned long long number;
    int code;
    const char *reason;
    Py_ssize_t length;
    struct bridge *bridge = bridge_of(server);
    if (bridge == NULL || !PyArg_ParseTuple(args, "Kis#:kick", &number, &code, &reason, &length)) {
        return NULL;
    }
    struct event_loop *held = bridge_hold_loop(bridge);
    bool was_there =
        connection_list_close(bridge->server, number, code, slice_of(reason, (size_t)length));
    bridge_let_go(held);
    return PyBool_FromLong(was_there);
}

PyObject *server_control_change(PyObject *server, PyObject *args) {
    const char *name;
    PyObject *value;
    struct bridge *bridge = bridge_of(server);
    if (bridge == NULL || !PyArg_ParseTuple(args, "sO:change", &name, &value) ||
        server_arguments_change(&bridge->server->options, name, value) < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}
