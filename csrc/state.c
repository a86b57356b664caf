/* Creating, visiting and dropping the module's state, from the tables of state.h and
 * string_table.h. */
#include "state.h"

#include "module.h"

#define TYPE_SPEC(member) extern PyType_Spec member##_spec;
MODULE_TYPES(TYPE_SPEC)
#undef TYPE_SPEC

struct module_state *module_state(PyObject *module) {
    return PyModule_GetState(module);
}

struct module_state *module_state_of_type(PyTypeObject *type) {
    PyObject *module = PyType_GetModuleByDef(type, &casgi_module);
    return module == NULL ? NULL : PyModule_GetState(module);
}

static int import_object(PyObject **member, const char *module_name, const char *attribute) {
    PyObject *module = PyImport_ImportModule(module_name);
    if (module == NULL) {
        return -1;
    }
    *member = PyObject_GetAttrString(module, attribute);
    Py_DECREF(module);
    return *member == NULL ? -1 : 0;
}

static int make_strings(struct module_strings *strings) {
#define MAKE_NAMED(name, text)                                                                     \
    if ((strings->name = PyUnicode_InternFromString(text)) == NULL) {                              \
        return -1;                                                                                 \
    }
#define MAKE_STRING(name) MAKE_NAMED(name, #name)
    MODULE_STRINGS(MAKE_STRING, MAKE_NAMED)
#undef MAKE_STRING
#undef MAKE_NAMED
    return 0;
}

static int make_types(PyObject *module, struct module_state *state) {
#define MAKE_TYPE(member)                                                                          \
    state->member = (PyTypeObject *)PyType_FromModuleAndSpec(module, &member##_spec, NULL);        \
    if (state->member == NULL) {                                                                   \
        return -1;                                                                                 \
    }
    MODULE_TYPES(MAKE_TYPE)
#undef MAKE_TYPE
    return 0;
}

static int make_imports(struct module_state *state) {
#define MAKE_IMPORT(member, module_name, attribute)                                                \
    if (import_object(&state->member, module_name, attribute) < 0) {                               \
        return -1;                                                                                 \
    }
    MODULE_IMPORTS(MAKE_IMPORT)
#undef MAKE_IMPORT
    return 0;
}

/* The marks that asyncio and inspect look for; None where this Python has none. inspect's has
 * another name in 3.12 than later. */
static void import_marks(struct module_state *state) {
    if (import_object(&state->coroutine_mark, "asyncio.coroutines", "_is_coroutine") < 0) {
        PyErr_Clear();
        state->coroutine_mark = Py_NewRef(Py_None);
    }
    static const char *const names[] = {"_is_coroutine_mark", "_is_coroutine_marker"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && state->inspect_mark == NULL; i++) {
        if (import_object(&state->inspect_mark, "inspect", names[i]) < 0) {
            PyErr_Clear();
        }
    }
    if (state->inspect_mark == NULL) {
        state->inspect_mark = Py_NewRef(Py_None);
    }
}

int module_state_init(PyObject *module, struct module_state *state) {
    if (make_strings(&state->strings) < 0 || make_imports(state) < 0 ||
        make_types(module, state) < 0) {
        return -1;
    }
    import_marks(state);
    state->client_disconnected = PyErr_NewExceptionWithDoc(
        "casgi.ClientDisconnected",
        "The client has gone, or the WebSocket is closed: what was sent reaches nobody.",
        PyExc_OSError, NULL);
    state->empty_bytes = PyBytes_FromStringAndSize(NULL, 0);
    state->drops_late_messages = PyContextVar_New("drops_late_messages", NULL);
    if (state->client_disconnected == NULL || state->empty_bytes == NULL ||
        state->drops_late_messages == NULL) {
        return -1;
    }
    state->ready = outcome_new(state, Py_None, false);
    return state->ready == NULL ? -1 : 0;
}

#define STATE_OBJECTS(OBJECT)                                                                      \
    OBJECT(client_disconnected)                                                                    \
    OBJECT(drops_late_messages)                                                                    \
    OBJECT(ready)                                                                                  \
    OBJECT(coroutine_mark)                                                                         \
    OBJECT(inspect_mark)                                                                           \
    OBJECT(empty_bytes)

int module_state_traverse(struct module_state *state, visitproc visit, void *arg) {
#define VISIT(member)                                Py_VISIT(state->member);
#define VISIT_IMPORT(member, module_name, attribute) Py_VISIT(state->member);
    STATE_OBJECTS(VISIT)
    MODULE_TYPES(VISIT)
    MODULE_IMPORTS(VISIT_IMPORT)
#undef VISIT
#undef VISIT_IMPORT
    return 0;
}

void module_state_clear(struct module_state *state) {
#define CLEAR(member)                                Py_CLEAR(state->member);
#define CLEAR_IMPORT(member, module_name, attribute) Py_CLEAR(state->member);
    STATE_OBJECTS(CLEAR)
    MODULE_TYPES(CLEAR)
    MODULE_IMPORTS(CLEAR_IMPORT)
#undef CLEAR
#undef CLEAR_IMPORT
}

void module_state_free(struct module_state *state) {
    module_state_clear(state);
#define CLEAR_STRING(name)      Py_CLEAR(state->strings.name);
#define CLEAR_NAMED(name, text) Py_CLEAR(state->strings.name);
    MODULE_STRINGS(CLEAR_STRING, CLEAR_NAMED)
#undef CLEAR_STRING
#undef CLEAR_NAMED
}
