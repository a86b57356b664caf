/* The events that wait for one application's receive(), in order of arrival. Embedded in a cycle,
 * which knows who waits for them. */
#ifndef CASGI_ASGI_MAILBOX_H
#define CASGI_ASGI_MAILBOX_H

#include "state.h"

struct mailbox_entry {
    PyObject *event;
    size_t bytes; /* of its payload */
};

struct mailbox {
    struct mailbox_entry *entries; /* ring; NULL while empty */
    uint32_t first, count, capacity;
    size_t bytes; /* of all entries */
};

void mailbox_init(struct mailbox *mailbox);

/* Appends an event (*takes* the reference in every case; NULL: an exception is set). Returns -1
 * with an exception. */
int mailbox_put(struct mailbox *mailbox, PyObject *event, size_t bytes);

/* Returns the first event, a new reference; NULL when there is none (no exception). */
PyObject *mailbox_take(struct mailbox *mailbox);

/* Visits the events, and drops them. */
int mailbox_traverse(struct mailbox *mailbox, visitproc visit, void *arg);
void mailbox_clear(struct mailbox *mailbox);

#endif
