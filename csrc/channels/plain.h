/* Plain values: what JSON and msgpack can carry. Their copies need no Python code, and nothing
 * about them depends on who looks. */
#ifndef CASGI_CHANNELS_PLAIN_H
#define CASGI_CHANNELS_PLAIN_H

#include "state.h"

/* Copies `value` as copy.deepcopy() would, if it is None, a bool, int, float, str or bytes, or a
 * list, tuple or dict (with str keys) of such; all of exactly these types. What occurs twice
 * in it does so in the copy. Returns 1 and sets *copy
 * to a new reference; 0 when it is something else, or nested too deeply; -1 with MemoryError. */
int plain_copy(PyObject *value, PyObject **copy);

#endif
