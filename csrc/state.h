/* The module's state: one per interpreter, holding everything that would otherwise be static and
 * mutable.
 *
 * Tables (X-macros) make create, traverse and clear agree. Hot paths reach the state through a
 * pointer in their own C context; only cold ones look it up from a type or the module. */
#ifndef CASGI_STATE_H
#define CASGI_STATE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#include "string_table.h"

/* Heap types: TYPE(member) has a `PyType_Spec <member>_spec` in its own file. */
#define MODULE_TYPES(TYPE)                                                                         \
    TYPE(selector_type)                                                                            \
    TYPE(rider_type)                                                                               \
    TYPE(server_type)                                                                              \
    TYPE(tls_acceptor_type)                                                                        \
    TYPE(proxy_acceptor_type)                                                                      \
    TYPE(scoreboard_type)                                                                          \
    TYPE(http_cycle_type)                                                                          \
    TYPE(ws_cycle_type)                                                                            \
    TYPE(waiter_type)                                                                              \
    TYPE(pending_type)                                                                             \
    TYPE(outcome_type)                                                                             \
    TYPE(async_method_type)                                                                        \
    TYPE(channel_type)                                                                             \
    TYPE(facts_type)                                                                               \
    TYPE(channel_table_type)                                                                       \
    TYPE(hub_type)                                                                                 \
    TYPE(hub_client_type)                                                                          \
    TYPE(native_thread_type)

/* Objects imported once: IMPORT(member, "module", "attribute"). */
#define MODULE_IMPORTS(IMPORT)                                                                     \
    IMPORT(task_class, "asyncio", "Task")                                                          \
    IMPORT(future_class, "asyncio", "Future")                                                      \
    IMPORT(cancelled_error, "asyncio", "CancelledError")                                           \
    IMPORT(get_running_loop, "asyncio", "_get_running_loop")                                       \
    IMPORT(invalid_state_error, "asyncio", "InvalidStateError")                                    \
    IMPORT(deepcopy, "copy", "deepcopy")                                                           \
    IMPORT(get_logger, "logging", "getLogger")                                                     \
    IMPORT(as_coroutine, "casgi.asgi", "as_coroutine")                                             \
    IMPORT(base_selector, "selectors", "BaseSelector")                                             \
    IMPORT(default_selector, "selectors", "DefaultSelector")

struct module_strings {
#define STRING_MEMBER(name)      PyObject *name;
#define NAMED_MEMBER(name, text) PyObject *name;
    MODULE_STRINGS(STRING_MEMBER, NAMED_MEMBER)
#undef STRING_MEMBER
#undef NAMED_MEMBER
};

struct module_state {
    PyObject *client_disconnected; /* exception class, an OSError */
    PyObject *ready; /* the awaitable of a send that is done: the outcome None, shared by all */
    PyObject *drops_late_messages; /* ContextVar: see cycle_drops_late_messages() */
    PyObject *empty_bytes;
    PyObject *coroutine_mark; /* by which asyncio knows a coroutine function that is none */
    PyObject *inspect_mark;   /* by which inspect does, from Python 3.12 on; else None */
#define TYPE_MEMBER(member) PyTypeObject *member;
    MODULE_TYPES(TYPE_MEMBER)
#undef TYPE_MEMBER
#define IMPORT_MEMBER(member, module, attribute) PyObject *member;
    MODULE_IMPORTS(IMPORT_MEMBER)
#undef IMPORT_MEMBER
    struct module_strings strings;
};

/* The state of the module that `type` (or a type it inherits from) was made by. *Borrows*. Cold
 * paths only. */
struct module_state *module_state_of_type(PyTypeObject *type);

/* The state of the module object. *Borrows*. */
struct module_state *module_state(PyObject *module);

/* Fills, visits and drops the state; module.c's slots. The strings stay until the module is freed,
 * which is after the last object that uses them. */
int module_state_init(PyObject *module, struct module_state *state);
int module_state_traverse(struct module_state *state, visitproc visit, void *arg);
void module_state_clear(struct module_state *state);
void module_state_free(struct module_state *state);

#endif
