/* A direct-mapped table: the slot of a name remembers the last one that fell into it. No list of
 * names is needed, it learns those that this server's clients send; a collision only costs a new
 * object. */
#include "asgi/header_names.h"

enum { LONGEST_REMEMBERED = 32 };

static unsigned slot_of(struct slice name) {
    unsigned hash = 5381;
    for (size_t i = 0; i < name.length; i++) {
        hash = hash * 33 + (unsigned char)name.data[i];
    }
    return (hash ^ (hash >> 8)) % HEADER_NAME_SLOTS;
}

PyObject *header_names_get(struct bridge *bridge, struct slice name) {
    if (name.length > LONGEST_REMEMBERED) {
        return PyBytes_FromStringAndSize(name.data, (Py_ssize_t)name.length);
    }
    PyObject **slot = &bridge->header_names[slot_of(name)];
    if (*slot != NULL && (size_t)PyBytes_GET_SIZE(*slot) == name.length &&
        memcmp(PyBytes_AS_STRING(*slot), name.data, name.length) == 0) {
        return Py_NewRef(*slot);
    }
    PyObject *bytes = PyBytes_FromStringAndSize(name.data, (Py_ssize_t)name.length);
    if (bytes != NULL) {
        Py_XSETREF(*slot, Py_NewRef(bytes));
    }
    return bytes;
}
