/* A ring of events. It holds no memory while it is empty: most connections are idle most of the
 * time. */
#include "asgi/mailbox.h"

enum { FIRST_CAPACITY = 4 };

void mailbox_init(struct mailbox *mailbox) {
    *mailbox = (struct mailbox){.events = NULL};
}

static int grow(struct mailbox *mailbox) {
    uint32_t capacity = mailbox->capacity > 0 ? mailbox->capacity * 2 : FIRST_CAPACITY;
    PyObject **events = PyMem_Malloc((size_t)capacity * sizeof(*events));
    if (events == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (uint32_t i = 0; i < mailbox->count; i++) {
        events[i] = mailbox->events[(mailbox->first + i) % mailbox->capacity];
    }
    PyMem_Free(mailbox->events);
    mailbox->events = events;
    mailbox->capacity = capacity;
    mailbox->first = 0;
    return 0;
}

int mailbox_put(struct mailbox *mailbox, PyObject *event, size_t bytes) {
    if (event == NULL || (mailbox->count == mailbox->capacity && grow(mailbox) < 0)) {
        Py_XDECREF(event);
        return -1;
    }
    mailbox->events[(mailbox->first + mailbox->count) % mailbox->capacity] = event;
    mailbox->count++;
    mailbox->bytes += bytes;
    return 0;
}

PyObject *mailbox_take(struct mailbox *mailbox) {
    if (mailbox->count == 0) {
        return NULL;
    }
    PyObject *event = mailbox->events[mailbox->first];
    mailbox->first = (mailbox->first + 1) % mailbox->capacity;
    mailbox->count--;
    if (mailbox->count == 0) {
        PyMem_Free(mailbox->events);
        mailbox->events = NULL;
        mailbox->capacity = 0;
        mailbox->first = 0;
        mailbox->bytes = 0;
    }
    return event;
}

int mailbox_traverse(struct mailbox *mailbox, visitproc visit, void *arg) {
    for (uint32_t i = 0; i < mailbox->count; i++) {
        Py_VISIT(mailbox->events[(mailbox->first + i) % mailbox->capacity]);
    }
    return 0;
}

void mailbox_clear(struct mailbox *mailbox) {
    for (PyObject *event = mailbox_take(mailbox); event != NULL; event = mailbox_take(mailbox)) {
        Py_DECREF(event);
    }
}
