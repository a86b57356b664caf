/* casgi._core.Hub: the Python face of a hub thread, which it owns between start() and stop().
 * Never waits for the thread with the GIL. */
#include "state.h"

#include <errno.h>
#include <stddef.h>
#include <structmember.h>

#include "hub/hub_thread.h"

extern PyType_Spec hub_type_spec;

typedef struct {
    PyObject_HEAD
    PyObject *path; /* bytes, for the file system */
    struct hub_socket_options options;
    struct hub_thread *thread; /* NULL while it is stopped */
    PyObject *weakrefs;
} HubObject;

static PyObject *hub_make(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"path", "mode", "uid", "gid", NULL};
    PyObject *path;
    int mode = 0600, uid = -1, gid = -1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&|$iii:Hub", names, PyUnicode_FSConverter,
                                     &path, &mode, &uid, &gid)) {
        return NULL;
    }
    HubObject *self = (HubObject *)type->tp_alloc(type, 0); /* zeroed */
    if (self == NULL) {
        Py_DECREF(path);
        return NULL;
    }
    self->path = path;
    self->options =
        (struct hub_socket_options){.mode = (mode_t)mode, .uid = (uid_t)uid, .gid = (gid_t)gid};
    return (PyObject *)self;
}

PyDoc_STRVAR(start_doc,
             "start() -> None\n\nBinds the path and serves it on a thread of its own. Raises "
             "OSError: EADDRINUSE when another hub answers there, or it is no socket.");

static PyObject *start(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    HubObject *self = (HubObject *)op;
    int error = 0;
    if (self->thread != NULL) {
        PyErr_SetString(PyExc_RuntimeError, "the hub was started already");
        return NULL;
    }
    self->thread = hub_thread_start(PyBytes_AS_STRING(self->path), &self->options, &error);
    if (self->thread == NULL) {
        PyObject *path = PyUnicode_DecodeFSDefault(PyBytes_AS_STRING(self->path));
        errno = -error;
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path);
        Py_XDECREF(path);
        return NULL;
    }
    Py_RETURN_NONE;
}

static void stop_thread(HubObject *self) {
    struct hub_thread *thread = self->thread;
    self->thread = NULL;
    if (thread != NULL) {
        Py_BEGIN_ALLOW_THREADS;
        hub_thread_stop(thread);
        Py_END_ALLOW_THREADS;
    }
}

PyDoc_STRVAR(stop_doc, "stop() -> None\n\nCloses all connections, ends the thread and removes the "
                       "path. Can be called again.");

static PyObject *stop(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    stop_thread((HubObject *)op);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(leave_doc, "leave_to_parent() -> None\n\nFor a forked child, which does not have the "
                        "thread: nothing that it does reaches the hub.");

static PyObject *leave_to_parent(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    HubObject *self = (HubObject *)op;
    if (self->thread != NULL) {
        hub_thread_leave_to_parent(self->thread);
        self->thread = NULL;
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(metrics_doc, "metrics() -> dict[str, int]\n\nWhat it serves now and has done since it "
                          "was started; all 0 while it is stopped.");

static PyObject *metrics(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    static const char *const names[] = {
#define METRIC_TEXT(name) #name,
        HUB_METRIC_KINDS(METRIC_TEXT)
#undef METRIC_TEXT
    };
    HubObject *self = (HubObject *)op;
    PyObject *result = PyDict_New();
    for (int kind = 0; result != NULL && kind < HUB_METRIC_COUNT; kind++) {
        uint64_t count = self->thread == NULL ? 0
                                              : hub_metrics_read(hub_thread_metrics(self->thread),
                                                                 (enum hub_metric)kind);
        PyObject *number = PyLong_FromUnsignedLongLong(count);
        if (number == NULL || PyDict_SetItemString(result, names[kind], number) < 0) {
            Py_CLEAR(result);
        }
        Py_XDECREF(number);
    }
    return result;
}

static PyObject *get_path(PyObject *op, void *Py_UNUSED(closure)) {
    return PyUnicode_DecodeFSDefault(PyBytes_AS_STRING(((HubObject *)op)->path));
}

static void dealloc(PyObject *op) {
    HubObject *self = (HubObject *)op;
    PyTypeObject *type = Py_TYPE(op);
    stop_thread(self);
    if (self->weakrefs != NULL) {
        PyObject_ClearWeakRefs(op);
    }
    Py_CLEAR(self->path);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"start", start, METH_NOARGS, start_doc},
    {"stop", stop, METH_NOARGS, stop_doc},
    {"metrics", metrics, METH_NOARGS, metrics_doc},
    {"leave_to_parent", leave_to_parent, METH_NOARGS, leave_doc},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef getset[] = {
    {"path", get_path, NULL, "Where it is found.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef members[] = {
    {"__weaklistoffset__", T_PYSSIZET, offsetof(HubObject, weakrefs), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Groups and channels for all processes of a host; see casgi/_core.pyi."},
    {Py_tp_new, hub_make},
    {Py_tp_dealloc, dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, getset},
    {Py_tp_members, members},
    {0, NULL},
};

PyType_Spec hub_type_spec = {
    .name = "casgi._core.Hub",
    .basicsize = sizeof(HubObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
