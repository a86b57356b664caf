/* casgi._core: the module's slots and its functions. Multi-phase initialisation (PEP 489), all
 * state in struct module_state. */
#include "module.h"

#include "asgi/cycle.h"
#include "base/counters.h"
#include "bindings/server_arguments.h"
#include "channels/facts.h"
#include "channels/message_copy.h"
#include "channels/plain.h"
#include "loop/held_signal.h"
#include "loop/selector.h"
#include "loop/stack_signal.h"
#include "state.h"

PyDoc_STRVAR(
    counters_doc,
    "counters() -> dict[str, int]\n\n"
    "How many objects of each kind are alive in this process; all 0 when every server is closed.");

static PyObject *counters(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored)) {
    PyObject *result = PyDict_New();
    for (int kind = 0; result != NULL && kind < COUNTER_COUNT; kind++) {
        PyObject *alive = PyLong_FromLong(counters_alive((enum counter)kind));
        if (alive == NULL ||
            PyDict_SetItemString(result, counters_name((enum counter)kind), alive) < 0) {
            Py_CLEAR(result);
        }
        Py_XDECREF(alive);
    }
    return result;
}

PyDoc_STRVAR(copy_message_doc,
             "copy_message(message) -> dict\n\nAs copy.deepcopy(), fast when all in it is of the "
             "types that JSON has.");

static PyObject *copy_message(PyObject *module, PyObject *message) {
    return message_copy(module_state(module), message);
}

PyDoc_STRVAR(check_access_log_format_doc,
             "check_access_log_format(text: str) -> None\n\nRaises ValueError with the reason when "
             "the access log cannot be written so.");

PyDoc_STRVAR(copy_plain_doc,
             "copy_plain(message) -> dict | None\n\nA copy, if all in it is of the types that JSON "
             "has, or bytes.");

static PyObject *copy_plain(PyObject *Py_UNUSED(module), PyObject *message) {
    PyObject *copy;
    return plain_copy(message, &copy) == 0 ? Py_NewRef(Py_None) : copy;
}

PyDoc_STRVAR(drop_late_messages_doc,
             "drop_late_messages(receive) -> None\n\nDrops what is sent after the end, without an "
             "error: to the request or WebSocket of `receive`, or else in the current context.");

static PyObject *drop_late_messages(PyObject *module, PyObject *receive) {
    return cycle_drop_late_messages(module_state(module), receive) < 0 ? NULL : Py_NewRef(Py_None);
}

PyDoc_STRVAR(first_broken_doc,
             "first_broken(facts: tuple) -> int\n\nThe index of the first fact that does not hold "
             "any more, -1 when all do.");

static PyObject *first_broken(PyObject *Py_UNUSED(module), PyObject *facts) {
    if (!PyTuple_CheckExact(facts)) {
        return PyErr_Format(PyExc_TypeError, "facts are a tuple");
    }
    Py_ssize_t index = facts_first_broken(facts);
    return index == -2 ? NULL : PyLong_FromSsize_t(index);
}

PyDoc_STRVAR(hold_signal_doc,
             "hold_signal(number: int) -> None\n\nNote the signal from now on: see take_signal(). "
             "Raises OSError.");

static PyObject *hold_signal(PyObject *Py_UNUSED(module), PyObject *value) {
    int number = (int)PyLong_AsLong(value);
    if (number == -1 && PyErr_Occurred()) {
        return NULL;
    }
    return held_signal_hold(number) < 0 ? PyErr_SetFromErrno(PyExc_OSError) : Py_NewRef(Py_None);
}

PyDoc_STRVAR(holds_signal_doc,
             "holds_signal(number: int) -> bool\n\nWhether it is noted still: it has no other "
             "handler, and not the default.");

static PyObject *holds_signal(PyObject *Py_UNUSED(module), PyObject *value) {
    int number = (int)PyLong_AsLong(value);
    if (number == -1 && PyErr_Occurred()) {
        return NULL;
    }
    return PyBool_FromLong(held_signal_is_held(number));
}

PyDoc_STRVAR(take_signal_doc,
             "take_signal(number: int) -> bool\n\nWhether it has come since it is noted, or since "
             "the last call.");

static PyObject *take_signal(PyObject *Py_UNUSED(module), PyObject *value) {
    int number = (int)PyLong_AsLong(value);
    if (number == -1 && PyErr_Occurred()) {
        return NULL;
    }
    return PyBool_FromLong(held_signal_take(number));
}

PyDoc_STRVAR(
    guard_stack_signal_doc,
    "guard_stack_signal(number: int) -> None\n\nLet Python's handler come before the one of "
    "faulthandler that the signal has now. Raises OSError.");

static PyObject *guard_stack_signal(PyObject *Py_UNUSED(module), PyObject *value) {
    int number = (int)PyLong_AsLong(value);
    if (number == -1 && PyErr_Occurred()) {
        return NULL;
    }
    return stack_signal_guard(number) < 0 ? PyErr_SetFromErrno(PyExc_OSError) : Py_NewRef(Py_None);
}

PyDoc_STRVAR(make_room_for_signals_doc,
             "make_room_for_signals() -> None\n\nLet many signals come at once where faulthandler "
             "is enabled.");

static PyObject *make_room_for_signals(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored)) {
    stack_signal_make_room();
    return Py_NewRef(Py_None);
}

PyDoc_STRVAR(take_stack_signal_doc,
             "take_stack_signal() -> bool\n\nWhether the stacks are still to be written, by the "
             "caller.");

static PyObject *take_stack_signal(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(ignored)) {
    return PyBool_FromLong(stack_signal_take());
}

static PyMethodDef methods[] = {
    {"drop_late_messages", drop_late_messages, METH_O, drop_late_messages_doc},
    {"first_broken", first_broken, METH_O, first_broken_doc},
    {"copy_plain", copy_plain, METH_O, copy_plain_doc},
    {"check_access_log_format", server_arguments_check_access_log_format, METH_O,
     check_access_log_format_doc},
    {"copy_message", copy_message, METH_O, copy_message_doc},
    {"counters", counters, METH_NOARGS, counters_doc},
    {"hold_signal", hold_signal, METH_O, hold_signal_doc},
    {"holds_signal", holds_signal, METH_O, holds_signal_doc},
    {"take_signal", take_signal, METH_O, take_signal_doc},
    {"guard_stack_signal", guard_stack_signal, METH_O, guard_stack_signal_doc},
    {"make_room_for_signals", make_room_for_signals, METH_NOARGS, make_room_for_signals_doc},
    {"take_stack_signal", take_stack_signal, METH_NOARGS, take_stack_signal_doc},
    {NULL, NULL, 0, NULL},
};

static int exec_module(PyObject *module) {
    struct module_state *state = module_state(module);
    if (module_state_init(module, state) < 0 || selector_type_register(state) < 0 ||
        PyModule_AddType(module, state->selector_type) < 0 ||
        PyModule_AddType(module, state->server_type) < 0 ||
        PyModule_AddType(module, state->tls_acceptor_type) < 0 ||
        PyModule_AddType(module, state->proxy_acceptor_type) < 0 ||
        PyModule_AddType(module, state->scoreboard_type) < 0 ||
        PyModule_AddType(module, state->ws_cycle_type) < 0 ||
        PyModule_AddType(module, state->async_method_type) < 0 ||
        PyModule_AddType(module, state->outcome_type) < 0 ||
        PyModule_AddType(module, state->channel_type) < 0 ||
        PyModule_AddType(module, state->facts_type) < 0 ||
        PyModule_AddType(module, state->channel_table_type) < 0 ||
        PyModule_AddType(module, state->hub_type) < 0 ||
        PyModule_AddType(module, state->hub_client_type) < 0 ||
        PyModule_AddType(module, state->native_thread_type) < 0) {
        return -1;
    }
    return PyModule_AddObjectRef(module, "ClientDisconnected", state->client_disconnected);
}

static int traverse(PyObject *module, visitproc visit, void *arg) {
    return module_state_traverse(module_state(module), visit, arg);
}

static int clear(PyObject *module) {
    module_state_clear(module_state(module));
    return 0;
}

static void free_module(void *module) {
    module_state_free(module_state(module));
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, exec_module},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
    {0, NULL},
};

struct PyModuleDef casgi_module = {
    PyModuleDef_HEAD_INIT,
    .m_name = "casgi._core",
    .m_doc = "The part of casgi that is written in C: loop, server, bridge.",
    .m_size = sizeof(struct module_state),
    .m_methods = methods,
    .m_slots = slots,
    .m_traverse = traverse,
    .m_clear = clear,
    .m_free = free_module,
};

PyMODINIT_FUNC PyInit__core(void); /* found by its name */

PyMODINIT_FUNC PyInit__core(void) {
    return PyModuleDef_Init(&casgi_module);
}
