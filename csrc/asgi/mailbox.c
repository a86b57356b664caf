/* A ring of events. It holds no memory while it is empty: most connections are idle most of the
 * time. */
#include "asgi/mailbox.h"

enum { FIRST_CAPACITY = 4 };

void mailbox_init(struct mailbox *mailbox) {
    *mailbox = (struct mailbox){.entries = NULL};
}

static int grow(struct mailbox *mailbox) {
    uint32_t capacity = mailbox->capacity > 0 ? mailbox->capacity * 2 : FIRST_CAPACITY;
    struct mailbox_entry *entries = PyMem_Malloc((size_t)capacity * sizeof(*entries));
    if (entries == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (uint32_t i = 0; i < mailbox->count; i++) {
        entries[i] = mailbox->entries[(mailbox->first + i) % mailbox->capacity];
    }
    PyMem_Free(mailbox->entries);
    mailbox->entries = entries;
    mailbox->capacity = capacity;
    mailbox->first = 0;
    return 0;
}

int mailbox_put(struct mailbox *mailbox, PyObject *event, size_t bytes) {
    if (event == NULL || (mailbox->count == mailbox->capacity && grow(mailbox) < 0)) {
        Py_XDECREF(event);
        return -1;
    }
    mailbox->entries[(mailbox->first + mailbox->count) % mailbox->capacity] =
        (struct mailbox_entry){event, bytes};
    mailbox->count++;
    mailbox->bytes += bytes;
    return 0;
}

PyObject *mailbox_take(struct mailbox *mailbox) {
    if (mailbox->count == 0) {
        return NULL;
    }
    struct mailbox_entry entry = mailbox->entries[mailbox->first];
    mailbox->first = (mailbox->first + 1) % mailbox->capacity;
    mailbox->count--;
    mailbox->bytes -= entry.bytes;
    if (mailbox->count == 0) {
        PyMem_Free(mailbox->entries);
        mailbox->entries = NULL;
        mailbox->capacity = 0;
        mailbox->first = 0;
    }
    return entry.event;
}

int mailbox_traverse(struct mailbox *mailbox, visitproc visit, void *arg) {
    for (uint32_t i = 0; i < mailbox->count; i++) {
        Py_VISIT(mailbox->entries[(mailbox->first + i) % mailbox->capacity].event);
    }
    return 0;
}

void mailbox_clear(struct mailbox *mailbox) {
    for (PyObject *event = mailbox_take(mailbox); event != NULL; event = mailbox_take(mailbox)) {
        Py_DECREF(event);
    }
}
