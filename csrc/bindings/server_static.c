/* Reading the mounts of static files. */
#include "bindings/server_static.h"

static int add_mount(struct server *server, PyObject *mount) {
    const char *url;
    Py_ssize_t length;
    PyObject *path = NULL;
    int falls_through;
    if (!PyArg_ParseTuple(mount, "s#O&p:static_files", &url, &length, PyUnicode_FSConverter, &path,
                          &falls_through)) {
        return -1;
    }
    int status = STATUS_INVALID;
    if (length > 0 && url[0] == '/' && url[length - 1] == '/') {
        status = static_files_add(&server->static_files, slice_of(url, (size_t)length),
                                  PyBytes_AS_STRING(path), falls_through != 0);
    }
    if (status == STATUS_INVALID) {
        PyErr_Format(PyExc_ValueError, "a URL of static files begins and ends with a slash: %s",
                     url);
    } else if (status == STATUS_SYSTEM) {
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, path);
    } else if (status != STATUS_OK) {
        PyErr_NoMemory();
    }
    Py_DECREF(path);
    return status == STATUS_OK ? 0 : -1;
}

int server_static_add(struct server *server, PyObject *mounts) {
    PyObject *iterator = mounts == NULL ? NULL : PyObject_GetIter(mounts);
    if (iterator == NULL) {
        return mounts == NULL ? 0 : -1;
    }
    PyObject *mount;
    int result = 0;
    while (result == 0 && (mount = PyIter_Next(iterator)) != NULL) {
        result = add_mount(server, mount);
        Py_DECREF(mount);
    }
    Py_DECREF(iterator);
    return result < 0 || PyErr_Occurred() ? -1 : 0;
}
