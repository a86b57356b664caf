/* The awaitable behind receive() and a send() that must wait: it asks its owner for the result each
 * time it is resumed.
 *
 * So nothing is lost: an event leaves the owner's mailbox when the task that gets it runs, not when
 * that task is woken, and a task that is cancelled in between leaves it there for the next. */
#ifndef CASGI_ASGI_PENDING_H
#define CASGI_ASGI_PENDING_H

#include "asgi/waiter.h"

/* Returns the result as a new reference; NULL with an exception set; NULL without one: not yet. */
typedef PyObject *(*pending_poll)(PyObject *owner);

/* Returns new awaitable, or NULL with an exception. Keeps `owner`, in which `queue` lives, and
 * whose bridge it is. */
PyObject *pending_new(struct bridge *bridge, PyObject *owner, struct waiter_queue *queue,
                      pending_poll poll);

#endif
