/* The events that wait for one application's receive(), in order of arrival, and the tasks that
 * wait for events. Embedded in a cycle. */
#ifndef CASGI_ASGI_MAILBOX_H
#define CASGI_ASGI_MAILBOX_H

#include "asgi/waiter.h"

struct mailbox {
    PyObject **events; /* ring of references; NULL while empty */
    uint32_t first, count, capacity;
    size_t bytes; /* of the messages' payloads */
    struct waiter_queue receivers;
};

void mailbox_init(struct mailbox *mailbox);

/* Appends an event (*takes* the reference in every case). Returns -1 with MemoryError. Wakes
 * nobody: see mailbox_wake(). */
int mailbox_put(struct mailbox *mailbox, PyObject *event, size_t bytes);

/* Returns the first event, a new reference; NULL when there is none (no exception). */
PyObject *mailbox_take(struct mailbox *mailbox);

/* Wakes one receiver when there is an event. May run application code. */
void mailbox_wake(struct mailbox *mailbox);

/* Whoever took an event tells the next receiver of the next event. */
void mailbox_pass_on(struct mailbox *mailbox);

/* Drops the events; who waits for one goes on waiting. */
void mailbox_drop_events(struct mailbox *mailbox);

int mailbox_traverse(struct mailbox *mailbox, visitproc visit, void *arg);
void mailbox_clear(struct mailbox *mailbox);

#endif
