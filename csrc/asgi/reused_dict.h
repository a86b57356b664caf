/* Dicts of a scope that are the same in each, but each scope's own: `asgi`, `extensions`. What one
 * scope has had is given to the next when nobody has kept or changed it: making and freeing them
 * would be a tenth of what a short request costs. */
#ifndef CASGI_ASGI_REUSED_DICT_H
#define CASGI_ASGI_REUSED_DICT_H

#include "state.h"

/* What it consists of, in this order. A value that is NULL is an empty dict, of its own too; for
 * one that is None the caller sets another each time. */
struct reused_dict_items {
    PyObject *const *keys; /* interned */
    PyObject *const *values;
    size_t count;
};

/* Returns new reference, NULL with an exception. *last is the one given out before, or NULL; it
 * becomes a reference to this one. */
PyObject *reused_dict_get(PyObject **last, const struct reused_dict_items *items);

#endif
