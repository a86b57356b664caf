/* What the cycles share: logging, reporting, the exceptions that statuses become. */
#include "asgi/bridge.h"

#include "base/status.h"

PyObject *bridge_take_exception(void) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyErr_NormalizeException(&type, &value, &traceback);
    if (value != NULL && traceback != NULL) {
        PyException_SetTraceback(value, traceback);
    }
    Py_XDECREF(type);
    Py_XDECREF(traceback);
    return value;
}

void bridge_log(struct bridge *bridge, const char *level, PyObject *message, PyObject *exception) {
    if (message == NULL) {
        PyErr_WriteUnraisable(bridge->logger);
        return;
    }
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *method = PyObject_GetAttrString(bridge->logger, level);
    PyObject *args = Py_BuildValue("(sO)", "%s", message);
    PyObject *kwargs =
        exception == NULL ? PyDict_New() : Py_BuildValue("{sO}", "exc_info", exception);
    if (method != NULL && args != NULL && kwargs != NULL) {
        Py_XDECREF(PyObject_Call(method, args, kwargs));
    }
    Py_XDECREF(method);
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    if (PyErr_Occurred()) {
        PyErr_WriteUnraisable(bridge->logger);
    }
    PyErr_Restore(type, value, traceback);
}

static void call_exception_handler(struct bridge *bridge, const char *what, PyObject *exception) {
    struct module_strings *strings = &bridge->state->strings;
    PyObject *details =
        Py_BuildValue("{OsOO}", strings->message, what, strings->exception, exception);
    PyObject *result =
        details == NULL
            ? NULL
            : PyObject_CallMethodOneArg(bridge->loop, strings->call_exception_handler, details);
    Py_XDECREF(details);
    Py_XDECREF(result);
    if (result == NULL) {
        PyErr_WriteUnraisable(bridge->loop);
    }
}

void bridge_report(struct bridge *bridge, const char *what) {
    if (!PyErr_Occurred()) {
        return;
    }
    bool ends_loop =
        PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) || PyErr_ExceptionMatches(PyExc_SystemExit);
    PyObject *exception = bridge_take_exception();
    if (ends_loop && bridge->event_loop != NULL &&
        event_loop_interrupt(bridge->event_loop, exception)) {
        return; /* the driver of the loop owns it now */
    }
    call_exception_handler(bridge, what, exception);
    Py_XDECREF(exception);
}

void bridge_report_loop(struct bridge *bridge, PyObject *loop, const char *what) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *answer = PyObject_CallMethodNoArgs(loop, bridge->state->strings.is_closed);
    bool is_closed = answer == Py_True;
    Py_XDECREF(answer);
    PyErr_Clear();
    PyErr_Restore(type, value, traceback);
    if (is_closed) {
        PyErr_Clear();
    }
    bridge_report(bridge, what);
}

PyObject *bridge_raise_status(struct bridge *bridge, int status, const char *what) {
    if (status == STATUS_CLOSED) {
        PyErr_SetString(bridge->state->client_disconnected, what);
    } else if (status == STATUS_NO_MEMORY) {
        PyErr_NoMemory();
    } else {
        PyErr_SetString(PyExc_RuntimeError, what);
    }
    return NULL;
}

bool bridge_is_client_disconnected(struct bridge *bridge, PyObject *exception) {
    enum { LONGEST_CHAIN = 16 };
    PyObject *current = Py_XNewRef(exception);
    bool found = false;
    for (int i = 0; current != NULL && !found && i < LONGEST_CHAIN; i++) {
        found = PyErr_GivenExceptionMatches(current, bridge->state->client_disconnected);
        PyObject *next = PyException_GetCause(current);
        if (next == NULL) {
            next = PyException_GetContext(current);
        }
        Py_SETREF(current, next);
    }
    Py_XDECREF(current);
    return found;
}

int bridge_traverse(struct bridge *bridge, visitproc visit, void *arg) {
    Py_VISIT(bridge->application);
    Py_VISIT(bridge->loop);
    Py_VISIT(bridge->context);
    Py_VISIT(bridge->logger);
    Py_VISIT(bridge->lifespan_state);
    Py_VISIT(bridge->root_path);
    Py_VISIT(bridge->start_catcher);
    Py_VISIT(bridge->caught_start);
    Py_VISIT(bridge->task_keywords);
    Py_VISIT(bridge->done_future);
    Py_VISIT(bridge->on_slow_consumer);
    Py_VISIT(bridge->on_overdue);
    Py_VISIT(bridge->route_matches);
    Py_VISIT(bridge->ticker.callback);
    for (int i = 0; i < SCOPE_PARTS; i++) {
        Py_VISIT(bridge->scope_parts[i]);
    }
    for (struct list *link = bridge->attached.next; link != &bridge->attached; link = link->next) {
        Py_VISIT(LIST_OBJECT(link, struct attached, link)->cycle);
    }
    return slow_report_traverse(&bridge->slow_report, visit, arg);
}

void bridge_clear(struct bridge *bridge) {
    Py_CLEAR(bridge->on_slow_consumer);
    Py_CLEAR(bridge->on_overdue);
    Py_CLEAR(bridge->route_matches);
    Py_CLEAR(bridge->ticker.callback);
    Py_CLEAR(bridge->application);
    Py_CLEAR(bridge->loop);
    Py_CLEAR(bridge->context);
    Py_CLEAR(bridge->logger);
    Py_CLEAR(bridge->lifespan_state);
    Py_CLEAR(bridge->root_path);
    Py_CLEAR(bridge->start_catcher);
    Py_CLEAR(bridge->caught_start);
    Py_CLEAR(bridge->task_keywords);
    Py_CLEAR(bridge->done_future);
    Py_CLEAR(bridge->last_host);
    Py_CLEAR(bridge->last_server);
    Py_CLEAR(bridge->last_certificate);
    for (int i = 0; i < SCOPE_PARTS; i++) {
        Py_CLEAR(bridge->scope_parts[i]);
    }
    for (int i = 0; i < HEADER_PAIR_SLOTS; i++) {
        Py_CLEAR(bridge->header_pairs[i]);
    }
}
