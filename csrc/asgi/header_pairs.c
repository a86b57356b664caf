/* A direct-mapped table: the slot of a name remembers the last pair of it. No list of names is
 * needed, the table learns those that the server's clients send; a collision only costs new
 * objects. Long values, which are seldom the same twice, are not kept. */
#include "asgi/header_pairs.h"

enum { LONGEST_NAME = 32, LONGEST_VALUE = 48 };

static unsigned slot_of(struct slice name) {
    unsigned hash = 5381;
    for (size_t i = 0; i < name.length; i++) {
        hash = hash * 33 + (unsigned char)name.data[i];
    }
    return (hash ^ (hash >> 8)) % HEADER_PAIR_SLOTS;
}

static bool holds(PyObject *bytes, struct slice text) {
    return slice_equals(slice_of(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes)), text);
}

static PyObject *bytes_of(struct slice text) {
    return PyBytes_FromStringAndSize(text.data, (Py_ssize_t)text.length);
}

/* Returns new pair; takes the reference to `name`, which may be NULL (with an exception). */
static PyObject *new_pair(PyObject *name, struct slice value_text) {
    PyObject *value = name == NULL ? NULL : bytes_of(value_text);
    PyObject *pair = value == NULL ? NULL : PyTuple_New(2);
    if (pair == NULL) {
        Py_XDECREF(name);
        Py_XDECREF(value);
        return NULL;
    }
    PyTuple_SET_ITEM(pair, 0, name);
    PyTuple_SET_ITEM(pair, 1, value);
    return pair;
}

PyObject *header_pairs_get(struct bridge *bridge, const struct http_header *header) {
    if (header->name.length > LONGEST_NAME) {
        return new_pair(bytes_of(header->name), header->value);
    }
    PyObject **slot = &bridge->header_pairs[slot_of(header->name)];
    bool is_known = *slot != NULL && holds(PyTuple_GET_ITEM(*slot, 0), header->name);
    if (is_known && holds(PyTuple_GET_ITEM(*slot, 1), header->value)) {
        return Py_NewRef(*slot);
    }
    PyObject *pair = new_pair(
        is_known ? Py_NewRef(PyTuple_GET_ITEM(*slot, 0)) : bytes_of(header->name), header->value);
    if (pair != NULL && header->value.length <= LONGEST_VALUE) {
        Py_XSETREF(*slot, Py_NewRef(pair));
    }
    return pair;
}
