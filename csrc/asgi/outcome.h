/* An awaitable that is done already: a value, or an exception that is raised where it is awaited,
 * as a coroutine would. */
#ifndef CASGI_ASGI_OUTCOME_H
#define CASGI_ASGI_OUTCOME_H

#include "state.h"

/* Returns new awaitable whose result is `value` (*borrows*, keeps a reference), or which raises it
 * when `raises`. It may be awaited any number of times. NULL with an exception. */
PyObject *outcome_new(struct module_state *state, PyObject *value, bool raises);

/* Returns new awaitable that raises the exception set now, which is cleared; the first time behind
 * a turn of the loop when `is_later`. NULL with an exception. */
PyObject *outcome_of_error(struct module_state *state, bool is_later);

/* Returns new reference to the awaitable whose result is None. */
PyObject *outcome_none(struct module_state *state);

/* As outcome_none() for one await, which lets the loop turn first. NULL with an exception. */
PyObject *outcome_none_later(struct module_state *state);

#endif
