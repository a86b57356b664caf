/* What the proof of a shared handler relies on, and whether it still holds: see
 * pyshim/casgi/channels/sharing/facts.py, which makes the facts. */
#ifndef CASGI_CHANNELS_FACTS_H
#define CASGI_CHANNELS_FACTS_H

#include "state.h"

/* As Kind in facts.py. */
enum fact_kind {
    FACT_NAME,             /* a dict, or a class's own, has this value under the name */
    FACT_ABSENT,           /* it has nothing under the name */
    FACT_SIZE,             /* it has so many names */
    FACT_TYPE,             /* the object is of exactly this type */
    FACT_MRO,              /* the class has this very MRO */
    FACT_CODE,             /* the function has this code, */
    FACT_DEFAULTS,         /* these defaults, */
    FACT_KEYWORD_DEFAULTS, /* and this dict of defaults for keywords; None: it has none */
    FACT_CELL,             /* the variable of a closure has this value */
    FACT_ATTRIBUTES,       /* the instance has this very dict of attributes */
    FACT_CLASS_NAME,       /* the class has this very __name__ */
    FACT_QUALIFIED_NAME,   /* the class has this very __qualname__ */
    FACT_WRAPPED,          /* the static method, class method or property has this function as the
                              attribute of that name */
};

/* All *borrowed* from the tuple that it was read from. */
struct fact {
    enum fact_kind kind;
    PyObject *holder, *name, *value;
};

/* Reads a tuple of (kind, holder, name, value). -1 with TypeError. */
int fact_read(PyObject *tuple, struct fact *fact);

/* Returns new reference to the dict that the fact is about, NULL when it is about none. */
PyObject *fact_namespace(const struct fact *fact);

/* 1 when it holds, 0 when not, -1 with an exception. */
int fact_holds(const struct fact *fact);

/* Returns the index of the first fact in `facts` (tuple, *borrows*) that does not hold any more, -1
 * when all do, -2 with an exception. */
Py_ssize_t facts_first_broken(PyObject *facts);

#endif
