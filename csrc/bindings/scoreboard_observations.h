/* What is observed of servers, as Python sees it: methods of casgi._core.Scoreboard, as rows of a
 * table of methods. */
#ifndef CASGI_BINDINGS_SCOREBOARD_OBSERVATIONS_H
#define CASGI_BINDINGS_SCOREBOARD_OBSERVATIONS_H

#include "base/scoreboard.h"
#include "state.h"

/* The observations of a slot, by its number; NULL with ValueError. In scoreboard_object.c. */
struct observations *scoreboard_object_observations(PyObject *scoreboard, PyObject *slot);

PyObject *scoreboard_observations_watch(PyObject *scoreboard, PyObject *args);
PyObject *scoreboard_observations_note(PyObject *scoreboard, PyObject *args);
PyObject *scoreboard_observations_read(PyObject *scoreboard, PyObject *slot);
PyObject *scoreboard_observations_bounds(PyObject *scoreboard, PyObject *ignored);

#define SCOREBOARD_OBSERVATIONS                                                                    \
    {"watch", scoreboard_observations_watch, METH_VARARGS,                                         \
     "watch(server, slot, look) -> None\n\nTimes a server's turns and requests from now on, and "  \
     "calls look() once a second."},                                                               \
        {"note", scoreboard_observations_note, METH_VARARGS,                                       \
         "note(slot, values) -> None\n\nSets those of the values that are in a dict, "             \
         "and counts objects."},                                                                   \
        {"observed", scoreboard_observations_read, METH_O,                                         \
         "observed(slot) -> tuple\n\nTurns, values, objects, times by route."},                    \
    {                                                                                              \
        "bounds", scoreboard_observations_bounds, METH_NOARGS | METH_STATIC,                       \
            "bounds() -> tuple[float, ...]\n\nThe seconds up to which each bucket of times goes, " \
            "but the last."                                                                        \
    }

#endif
