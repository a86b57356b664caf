/* A message to a group: a dict, or bytes that another process of the host has published, with what
 * its handlers have come to. On the stack of who sends it. */
#ifndef CASGI_CHANNELS_PUBLISHED_H
#define CASGI_CHANNELS_PUBLISHED_H

#include "channels/runs.h"
#include "state.h"

struct published {
    PyObject *message;   /* dict; owned, NULL until somebody needs what the bytes mean */
    PyObject *unpack;    /* callable, borrowed: gives the dict for the bytes of the message */
    struct runs runs;    /* borrowed: the bytes, and runs of handlers that need not run here */
    struct buffer *made; /* borrowed: the bytes with runs of here, if there are some; NULL: nobody
                            wants them */
};

/* Returns the message, *borrowed*, or NULL with what `unpack` raises, or TypeError. */
PyObject *published_message(struct published *published);

void published_release(struct published *published);

#endif
