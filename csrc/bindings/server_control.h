/* What `casgi ctl` looks at in a server and changes: methods of casgi._core.Server, as rows of a
 * table of methods. kick and change are for the loop's thread. */
#ifndef CASGI_BINDINGS_SERVER_CONTROL_H
#define CASGI_BINDINGS_SERVER_CONTROL_H

#include "state.h"

PyObject *server_control_list(PyObject *server, PyObject *ignored);
PyObject *server_control_running(PyObject *server, PyObject *ignored);
PyObject *server_control_kick(PyObject *server, PyObject *args);
PyObject *server_control_change(PyObject *server, PyObject *args);

PyObject *server_control_unsent(PyObject *server, PyObject *ignored);
PyObject *server_control_group_totals(PyObject *server, PyObject *ignored);
PyObject *server_control_group_sizes(PyObject *server, PyObject *ignored);

#define SERVER_CONTROL_METHODS                                                                     \
    {"list_connections", server_control_list, METH_NOARGS,                                         \
     "list_connections() -> list[tuple]\n\nWhat there is to say of each connection."},             \
        {"running", server_control_running, METH_NOARGS,                                           \
         "running() -> list[tuple]\n\nWhat there is to say of each application that runs."},       \
        {"group_sizes", server_control_group_sizes, METH_NOARGS,                                   \
         "group_sizes() -> dict[str, int]\n\nThe members of each websocket.group here."},          \
        {"group_totals", server_control_group_totals, METH_NOARGS,                                 \
         "group_totals() -> tuple[int, int, int]\n\nHow many of these groups there are, their "    \
         "members, and those of the largest."},                                                    \
        {"unsent_bytes", server_control_unsent, METH_NOARGS,                                       \
         "unsent_bytes() -> int\n\nThe bytes that wait for clients."},                             \
        {"kick", server_control_kick, METH_VARARGS,                                                \
         "kick(number, code, reason) -> bool\n\nCloses a connection; whether there is one."},      \
    {                                                                                              \
        "change", server_control_change, METH_VARARGS,                                             \
            "change(option, value) -> None\n\nSets an option, for what looks at it from then on."  \
    }

#endif
