/* Taking the time of a request, and finding its route. What Python code raises there is nobody's:
 * such a request has no route. */
#include "asgi/request_time.h"

#include "base/observations.h"
#include "server/server.h"

static const struct slice no_route = SLICE_LITERAL("(none)");

void request_time_begin(struct request_time *request_time, struct bridge *bridge) {
    if (bridge->server == NULL || bridge->server->observations == NULL) {
        return;
    }
    request_time->began = event_loop_clock();
    PyObject *variable = bridge->route_matches;
    if (variable == NULL || variable == Py_None) {
        return;
    }
    PyObject *matches = PyList_New(0);
    PyObject *token = matches == NULL ? NULL : PyContextVar_Set(variable, matches);
    if (token == NULL) {
        Py_CLEAR(matches);
        bridge_report(bridge, "casgi could not note the route of a request");
    }
    Py_XDECREF(token);
    request_time->matches = matches;
}

/* Returns new text of an attribute, or NULL without an exception. */
static PyObject *text_of(PyObject *object, PyObject *name) {
    PyObject *value = PyObject_GetAttr(object, name);
    PyObject *text = value == NULL ? NULL : PyObject_Str(value);
    Py_XDECREF(value);
    PyErr_Clear();
    return text;
}

/* Returns new: what was matched last, NULL when nothing was. */
static PyObject *find_match(PyObject *matches) {
    Py_ssize_t count = matches == NULL ? 0 : PyList_GET_SIZE(matches);
    return count == 0 ? NULL : Py_NewRef(PyList_GET_ITEM(matches, count - 1));
}

/* Returns new value of a key of the scope, NULL without an exception when it is not there. */
static PyObject *find_in_scope(PyObject *scope, PyObject *key) {
    PyObject *value = Py_XNewRef(PyDict_GetItemWithError(scope, key));
    PyErr_Clear();
    return value;
}

/* Returns new text, or NULL: there is no route. */
static PyObject *route_in_scope(const struct module_strings *strings, PyObject *scope) {
    PyObject *path = find_in_scope(scope, strings->path_template);
    PyObject *route = path != NULL ? NULL : find_in_scope(scope, strings->route);
    if (route != NULL) {
        path = PyObject_GetAttr(route, strings->path);
        PyErr_Clear();
        Py_DECREF(route);
    }
    bool is_route = path != NULL && PyUnicode_Check(path) && PyUnicode_GET_LENGTH(path) > 0;
    if (!is_route) {
        Py_CLEAR(path);
    }
    return path;
}

/* Adds it under its route, or that of requests without one. */
static void note(struct observations *observations, PyObject *route, struct slice otherwise,
                 uint64_t microseconds) {
    Py_ssize_t length = 0;
    const char *text = route == NULL ? NULL : PyUnicode_AsUTF8AndSize(route, &length);
    if (route != NULL && text == NULL) {
        PyErr_Clear(); /* a lone surrogate */
    }
    bool is_empty = text == NULL || length == 0;
    observations_add(observations, is_empty ? otherwise : slice_of(text, (size_t)length),
                     microseconds);
}

void request_time_end(struct request_time *request_time, struct bridge *bridge, PyObject *scope) {
    if (request_time->began == 0) {
        return;
    }
    uint64_t microseconds = (event_loop_clock() - request_time->began) / 1000;
    const struct module_strings *strings = &bridge->state->strings;
    PyObject *match = find_match(request_time->matches);
    PyObject *route =
        match != NULL ? text_of(match, strings->route) : route_in_scope(strings, scope);
    request_time_release(request_time);
    if (bridge->server != NULL && bridge->server->observations != NULL) {
        /* Django's template of the root is empty. */
        note(bridge->server->observations, route, match != NULL ? SLICE_LITERAL("/") : no_route,
             microseconds);
    }
    Py_XDECREF(match);
    Py_XDECREF(route);
}

void request_time_release(struct request_time *request_time) {
    request_time->began = 0;
    Py_CLEAR(request_time->matches);
}
