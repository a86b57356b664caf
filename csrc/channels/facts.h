/* What the proof of a shared handler relies on, and whether it still holds: see
 * pyshim/casgi/channels/sharing/facts.py, which makes the facts. */
#ifndef CASGI_CHANNELS_FACTS_H
#define CASGI_CHANNELS_FACTS_H

#include "state.h"

/* Returns the index of the first fact in `facts` (tuple, *borrows*) that does not hold any more, -1
 * when all do, -2 with an exception. */
Py_ssize_t facts_first_broken(PyObject *facts);

#endif
