/* Methods of casgi._core.ChannelTable that send to groups: as PyCFunctions, and as rows of a table
 * of methods. All have to be called on the thread of the loop of who listens, else RuntimeError. */
#ifndef CASGI_CHANNELS_CHANNEL_TABLE_SENDING_H
#define CASGI_CHANNELS_CHANNEL_TABLE_SENDING_H

#include "state.h"

PyObject *channel_table_sending_send(PyObject *table, PyObject *args);
PyObject *channel_table_sending_publish(PyObject *table, PyObject *args);
PyObject *channel_table_sending_deliver(PyObject *table, PyObject *args);

#define CHANNEL_TABLE_SENDING                                                                      \
    {"send", channel_table_sending_send, METH_VARARGS,                                             \
     "send(group, message, end=...) -> int\n\nSends a message, of which copies are made, to all "  \
     "members whose membership has a number below end: as a shared frame, or as an event. "        \
     "Returns how many got it as an event."},                                                      \
        {"publish", channel_table_sending_publish, METH_VARARGS,                                   \
         "publish(group, message, packed) -> tuple[int, bytes]\n\nAs send(), and the bytes of "    \
         "the message with what handlers have come to, for deliver() in other processes."},        \
        {"deliver", channel_table_sending_deliver, METH_VARARGS,                                   \
         "deliver(group, packed, unpack) -> int\n\nSends what publish() has returned in another "  \
         "process, as send(). unpack is called with the bytes of the message if it is needed; "    \
         "what it raises is raised."},

#endif
