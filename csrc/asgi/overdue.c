/* Telling of applications that do not end. Holds nothing between calls. */
#include "asgi/overdue.h"

#include "asgi/scope.h"

/* Returns new "METHOD path" text. */
static PyObject *describe(struct app_task *app_task) {
    return scope_describe(app_task->bridge, app_task->scope);
}

static void log_plainly(struct bridge *bridge, PyObject *request) {
    PyObject *message = PyUnicode_FromFormat(
        "Application took too long to end after its client had gone, and is cancelled: %U",
        request);
    bridge_log(bridge, "warning", message, NULL);
    Py_XDECREF(message);
}

void overdue_report(struct app_task *app_task) {
    struct bridge *bridge = app_task->bridge;
    PyObject *callback = Py_XNewRef(bridge->on_overdue);
    PyObject *task = Py_XNewRef(app_task->task);
    PyObject *request = task == NULL ? NULL : describe(app_task);
    if (request != NULL && (callback == NULL || callback == Py_None)) {
        log_plainly(bridge, request);
    } else if (request != NULL) {
        Py_XDECREF(PyObject_CallFunctionObjArgs(callback, request, task, NULL));
    }
    bridge_report(bridge, "Exception in Server.on_overdue");
    Py_XDECREF(request);
    Py_XDECREF(task);
    Py_XDECREF(callback);
}

static int append_description(PyObject *list, struct app_task *app_task) {
    PyObject *task = Py_XNewRef(app_task->task); /* which may end while it is described */
    PyObject *request = task == NULL ? NULL : describe(app_task);
    PyObject *pair = request == NULL ? NULL : PyTuple_Pack(2, request, task);
    int result = task == NULL ? 0 : pair == NULL ? -1 : PyList_Append(list, pair);
    Py_XDECREF(pair);
    Py_XDECREF(request);
    Py_XDECREF(task);
    return result;
}

PyObject *overdue_list(struct bridge *bridge) {
    PyObject *list = PyList_New(0);
    struct list *link = bridge->tasks.next;
    while (list != NULL && link != &bridge->tasks) {
        struct app_task *app_task = LIST_OBJECT(link, struct app_task, link);
        /* Describing runs Python code, which may end this task or others. */
        PyObject *cycle = Py_NewRef(app_task->cycle);
        if (append_description(list, app_task) < 0) {
            Py_CLEAR(list);
        }
        link = list_is_empty(link) ? &bridge->tasks : link->next;
        Py_DECREF(cycle);
    }
    return list;
}
