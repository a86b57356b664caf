/* The methods of casgi._core.HubClient that ask something of the hub. */
#ifndef CASGI_BINDINGS_HUB_CLIENT_REQUESTS_H
#define CASGI_BINDINGS_HUB_CLIENT_REQUESTS_H

#include "bindings/hub_client_object.h"

PyObject *hub_client_requests_connect(PyObject *op, PyObject *argument);
PyObject *hub_client_requests_publish(PyObject *op, PyObject *argument);
PyObject *hub_client_requests_send(PyObject *op, PyObject *argument);
PyObject *hub_client_requests_join(PyObject *op, PyObject *argument);
PyObject *hub_client_requests_leave(PyObject *op, PyObject *argument);
PyObject *hub_client_requests_flush(PyObject *op, PyObject *argument);
PyObject *hub_client_requests_receive(PyObject *op, PyObject *argument);
PyObject *hub_client_requests_abandon(PyObject *op, PyObject *argument);
PyObject *hub_client_requests_announce(PyObject *op, PyObject *argument);
PyObject *hub_client_requests_withdraw(PyObject *op, PyObject *argument);
PyObject *hub_client_requests_notify(PyObject *op, PyObject *argument);
PyObject *hub_client_requests_resume(PyObject *op, PyObject *argument);

#define HUB_CLIENT_REQUESTS                                                                        \
    {"connect", hub_client_requests_connect, METH_NOARGS,                                          \
     "connect() -> bool\n\nConnects unless it is connected. False when it "                        \
     "cannot now; it is tried again while the loop turns."},                                       \
        {"publish", hub_client_requests_publish, METH_VARARGS,                                     \
         "publish(topic, payload, wants_receiver=False) -> int\n\nReturns the number that "        \
         "`acked` comes to when the hub has it; DOWN when it is down, FULL without credit."},      \
        {"send", hub_client_requests_send, METH_VARARGS,                                           \
         "send(channel, payload, capacity, milliseconds, is_noted=False) -> int\n\nAs "            \
         "publish(), to a channel in which so many messages wait at most, for so long; of one "    \
         "that is noted and lost an empty message is left, and there is no capacity."},            \
        {"receive", hub_client_requests_receive, METH_O,                                           \
         "receive(channel) -> int\n\nAsks for one message of a channel."},                         \
        {"abandon", hub_client_requests_abandon, METH_O,                                           \
         "abandon(channel) -> int\n\nAsks for one message less."},                                 \
        {"join", hub_client_requests_join, METH_VARARGS,                                           \
         "join(topic, channel, capacity, milliseconds, stay) -> int\n\nMakes a channel that "      \
         "is "                                                                                     \
         "nobody's own a member, for `stay` milliseconds."},                                       \
        {"leave", hub_client_requests_leave, METH_VARARGS,                                         \
         "leave(topic, channel) -> int\n\nEnds that."},                                            \
        {"flush", hub_client_requests_flush, METH_O,                                               \
         "flush(beginning) -> int\n\nEmpties the channels whose names begin so."},                 \
        {"announce", hub_client_requests_announce, METH_O,                                         \
         "announce(topic) -> int\n\nHas what is published delivered."},                            \
        {"withdraw", hub_client_requests_withdraw, METH_O,                                         \
         "withdraw(topic) -> int\n\nHas it delivered no more."},                                   \
        {"notify", hub_client_requests_notify, METH_O,                                             \
         "notify(number) -> bool\n\nHas on_acked() called when `acked` has come to "               \
         "the number, or it is down. False when that is so already."},                             \
        {"resume", hub_client_requests_resume, METH_NOARGS,                                        \
         "resume() -> None\n\nGoes on after on_deliver() or on_message() returned False."},

#endif
