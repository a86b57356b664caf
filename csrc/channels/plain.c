/* Copying plain values, which runs no Python code, and others.
 *
 * Every new container may have the garbage collector run, and so whatever changes the original
 * meanwhile: what is being copied is held. */
#include "channels/plain.h"

/* What is deeper, or contains itself, is left to deepcopy(). */
enum { DEEPEST = 64 };

struct copying {
    PyObject *copies; /* dict of containers that may occur again, with their copies, by address,
                         which is theirs as long as they are in there; NULL while empty */
    int depth_left;
};

static int copy_value(PyObject *value, PyObject **copy, struct copying *copying);

static bool is_immutable(PyObject *value) {
    return value == Py_None || PyUnicode_CheckExact(value) || PyLong_CheckExact(value) ||
           PyFloat_CheckExact(value) || PyBool_Check(value) || PyBytes_CheckExact(value);
}

static int copy_list(PyObject *list, PyObject **copy, struct copying *copying) {
    int is_plain = 1;
    PyObject *items = PyList_New(0);
    for (Py_ssize_t i = 0; items != NULL && is_plain == 1 && i < PyList_GET_SIZE(list); i++) {
        PyObject *item = NULL;
        is_plain = copy_value(PyList_GET_ITEM(list, i), &item, copying);
        if (is_plain == 1 && PyList_Append(items, item) < 0) {
            is_plain = -1;
        }
        Py_XDECREF(item);
    }
    *copy = is_plain == 1 ? items : NULL;
    if (is_plain != 1) {
        Py_XDECREF(items);
    }
    return items == NULL ? -1 : is_plain;
}

static int copy_tuple(PyObject *tuple, PyObject **copy, struct copying *copying) {
    Py_ssize_t size = PyTuple_GET_SIZE(tuple);
    PyObject *items = PyTuple_New(size);
    int is_plain = items == NULL ? -1 : 1;
    for (Py_ssize_t i = 0; is_plain == 1 && i < size; i++) {
        PyObject *item = NULL;
        is_plain = copy_value(PyTuple_GET_ITEM(tuple, i), &item, copying);
        if (is_plain == 1) {
            PyTuple_SET_ITEM(items, i, item);
        }
    }
    *copy = is_plain == 1 ? items : NULL;
    if (is_plain != 1) {
        Py_XDECREF(items);
    }
    return is_plain;
}

static int copy_dict(PyObject *dict, PyObject **copy, struct copying *copying) {
    PyObject *items = PyDict_New();
    int is_plain = items == NULL ? -1 : 1;
    Py_ssize_t position = 0;
    PyObject *key, *value;
    while (is_plain == 1 && PyDict_Next(dict, &position, &key, &value)) {
        PyObject *item = NULL;
        Py_INCREF(key);
        is_plain = PyUnicode_CheckExact(key) ? copy_value(value, &item, copying) : 0;
        if (is_plain == 1 && PyDict_SetItem(items, key, item) < 0) {
            is_plain = -1;
        }
        Py_DECREF(key);
        Py_XDECREF(item);
    }
    *copy = is_plain == 1 ? items : NULL;
    if (is_plain != 1) {
        Py_XDECREF(items);
    }
    return is_plain;
}

static int copy_container(PyObject *value, PyObject **copy, struct copying *copying) {
    if (PyDict_CheckExact(value)) {
        return copy_dict(value, copy, copying);
    }
    if (PyList_CheckExact(value)) {
        return copy_list(value, copy, copying);
    }
    return PyTuple_CheckExact(value) ? copy_tuple(value, copy, copying) : 0;
}

/* Returns 1 and the copy, a new reference, of a container that was met before; 0; or -1. */
static int find_copy(PyObject *value, PyObject **copy, struct copying *copying) {
    PyObject *address = copying->copies == NULL ? NULL : PyLong_FromVoidPtr(value);
    PyObject *found = address == NULL ? NULL : PyDict_GetItemWithError(copying->copies, address);
    Py_XDECREF(address);
    *copy = found == NULL ? NULL : Py_NewRef(PyTuple_GET_ITEM(found, 1));
    return found != NULL ? 1 : PyErr_Occurred() ? -1 : 0;
}

static int remember_copy(PyObject *value, PyObject *copy, struct copying *copying) {
    if (copying->copies == NULL) {
        copying->copies = PyDict_New();
    }
    PyObject *address = copying->copies == NULL ? NULL : PyLong_FromVoidPtr(value);
    PyObject *both = address == NULL ? NULL : PyTuple_Pack(2, value, copy);
    int status = both == NULL ? -1 : PyDict_SetItem(copying->copies, address, both);
    Py_XDECREF(both);
    Py_XDECREF(address);
    return status;
}

/* A container to which there is one reference, its parent's, occurs once. (With the GIL: elsewhere
 * a count of one is no promise.) */
static int copy_value(PyObject *value, PyObject **copy, struct copying *copying) {
    if (is_immutable(value)) {
        *copy = Py_NewRef(value);
        return 1;
    }
    bool may_occur_again = Py_REFCNT(value) > 1;
    int is_plain = may_occur_again ? find_copy(value, copy, copying) : 0;
    if (is_plain != 0 || copying->depth_left == 0) {
        return is_plain;
    }
    copying->depth_left--;
    Py_INCREF(value);
    is_plain = copy_container(value, copy, copying);
    if (is_plain == 1 && may_occur_again && remember_copy(value, *copy, copying) < 0) {
        Py_CLEAR(*copy);
        is_plain = -1;
    }
    Py_DECREF(value);
    copying->depth_left++;
    return is_plain;
}

int plain_copy(PyObject *value, PyObject **copy) {
    struct copying copying = {.depth_left = DEEPEST};
    *copy = NULL;
    int is_plain = 1;
    if (is_immutable(value)) {
        *copy = Py_NewRef(value);
    } else { /* not remembered: what contains the whole is deeper than any */
        Py_INCREF(value);
        is_plain = copy_container(value, copy, &copying);
        Py_DECREF(value);
    }
    Py_XDECREF(copying.copies);
    return is_plain;
}
