/* Reading files out of ASGI messages. What is opened here belongs to the range. */
#include "asgi/response_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "asgi/message.h"

static int set_file(struct file_range *range, int descriptor) {
    range->file = file_new(descriptor);
    if (range->file == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    return 0;
}

static int raise_kind(PyObject *which) {
    PyErr_Format(
        PyExc_ValueError,
        "%R is no regular file: what is a directory, FIFO, socket or device must be read by "
        "the application and sent as http.response.body",
        which);
    return -1;
}

/* --- pathsend --- */

/* `path` is the bytes of the file system. The descriptor is opened at once: the application has
 * just looked at the file to name its length, so that its directory entry is in memory. */
static int open_path(PyObject *value, PyObject *path, struct file_range *range) {
    struct stat facts;
    int descriptor = file_open(PyBytes_AS_STRING(path), &facts);
    if (descriptor < 0 && errno == EINVAL) {
        return raise_kind(value);
    }
    if (descriptor < 0) {
        PyErr_SetFromErrnoWithFilenameObject(PyExc_OSError, value);
        return -1;
    }
    *range = (struct file_range){.length = (uint64_t)facts.st_size};
    return set_file(range, descriptor);
}

int response_file_open(struct bridge *bridge, PyObject *message, struct file_range *range) {
    PyObject *value, *path = NULL;
    if (message_find(message, bridge->state->strings.path, &value) < 0) {
        return -1;
    }
    if (value == NULL) {
        PyErr_SetString(PyExc_KeyError, "http.response.pathsend needs the key 'path'");
        return -1;
    }
    int result = PyUnicode_FSConverter(value, &path) != 0 ? open_path(value, path, range) : -1;
    Py_XDECREF(path);
    Py_DECREF(value);
    return result;
}

/* --- zerocopysend --- */

/* Sets *number to message[key], -1 when absent. */
static int read_size(PyObject *message, PyObject *key, int64_t *number) {
    PyObject *value;
    *number = -1;
    if (message_find(message, key, &value) < 0) {
        return -1;
    }
    if (value == NULL) {
        return 0;
    }
    if (!PyLong_Check(value)) {
        PyErr_Format(PyExc_TypeError, "an ASGI message's %R must be an int, not %.100s", key,
                     Py_TYPE(value)->tp_name);
    } else {
        *number = PyLong_AsLongLong(value);
        if (*number < 0 && !PyErr_Occurred()) {
            PyErr_Format(PyExc_ValueError, "an ASGI message's %R must not be below 0", key);
        }
    }
    Py_DECREF(value);
    return PyErr_Occurred() ? -1 : 0;
}

/* Where the file stands, as its owner sees it: a buffered one has read ahead of that. */
static int64_t tell(struct bridge *bridge, PyObject *file, int descriptor) {
    if (PyLong_Check(file)) {
        int64_t position = lseek(descriptor, 0, SEEK_CUR);
        if (position < 0) {
            PyErr_SetFromErrno(PyExc_OSError);
        }
        return position;
    }
    PyObject *result = PyObject_CallMethodNoArgs(file, bridge->state->strings.tell);
    int64_t position = result == NULL ? -1 : PyLong_AsLongLong(result);
    Py_XDECREF(result);
    if (position < 0 && !PyErr_Occurred()) {
        PyErr_Format(PyExc_ValueError, "%R.tell() must not be below 0", file);
    }
    return position;
}

static int seek(struct bridge *bridge, PyObject *file, int descriptor, uint64_t position) {
    if (PyLong_Check(file)) {
        (void)lseek(descriptor, (off_t)position, SEEK_SET);
        return 0;
    }
    PyObject *target = PyLong_FromUnsignedLongLong(position);
    PyObject *result = target == NULL
                           ? NULL
                           : PyObject_CallMethodOneArg(file, bridge->state->strings.seek, target);
    Py_XDECREF(target);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* Returns new descriptor of a regular file that can be read, and its size. */
static int duplicate(PyObject *file, int descriptor, uint64_t *size) {
    struct stat facts;
    int flags = fcntl(descriptor, F_GETFL);
    if (flags < 0 || fstat(descriptor, &facts) != 0) {
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    if (!S_ISREG(facts.st_mode)) {
        return raise_kind(file);
    }
    if ((flags & O_ACCMODE) == O_WRONLY || (flags & O_PATH) != 0) {
        PyErr_Format(PyExc_ValueError, "%R is not open for reading", file);
        return -1;
    }
    int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 0);
    if (copy < 0) {
        PyErr_SetFromErrno(PyExc_OSError);
    }
    *size = (uint64_t)facts.st_size;
    return copy;
}

/* What os.sendfile() would copy: to the end of the file at most. */
static int take_part(struct bridge *bridge, PyObject *file, int descriptor, int64_t offset,
                     int64_t count, struct file_range *range) {
    uint64_t size = 0;
    bool moves = offset < 0;
    int copy = duplicate(file, descriptor, &size);
    if (copy < 0 || set_file(range, copy) < 0) {
        return -1;
    }
    offset = moves ? tell(bridge, file, descriptor) : offset;
    if (offset < 0) {
        return -1;
    }
    uint64_t left = size > (uint64_t)offset ? size - (uint64_t)offset : 0;
    range->offset = (uint64_t)offset;
    range->length = count >= 0 && (uint64_t)count < left ? (uint64_t)count : left;
    return moves ? seek(bridge, file, descriptor, range->offset + range->length) : 0;
}

int response_file_take(struct bridge *bridge, PyObject *message, struct file_range *range) {
    struct module_strings *strings = &bridge->state->strings;
    int64_t offset, count;
    PyObject *file;
    *range = (struct file_range){NULL, 0, 0};
    if (read_size(message, strings->offset, &offset) < 0 ||
        read_size(message, strings->count, &count) < 0 ||
        message_find(message, strings->file, &file) < 0) {
        return -1;
    }
    if (file == NULL) {
        PyErr_SetString(PyExc_KeyError, "http.response.zerocopysend needs the key 'file'");
        return -1;
    }
    int descriptor = PyObject_AsFileDescriptor(file);
    int result = descriptor < 0 ? -1 : take_part(bridge, file, descriptor, offset, count, range);
    Py_DECREF(file);
    if (result < 0) {
        file_unref(range->file);
        range->file = NULL;
    }
    return result;
}
