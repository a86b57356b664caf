/* Selector: asyncio's select() runs one turn of a libuv loop.
 *
 * What asyncio registers (its self-pipe, sockets of clients, pipes of subprocesses) stays in the
 * standard library's own selector, of which libuv watches one descriptor, that of its epoll or
 * kqueue. A uv_poll_t for each would be one system call less a turn, but libuv aborts the process
 * when a descriptor is closed before it is unregistered, makes the descriptor non-blocking for
 * everybody who shares it, and lets no two handles follow each other on one number within a turn.
 *
 * Owns the event loop and that selector. The GIL is given up while a turn waits, and by who ends
 * that from another thread. */
#include "loop/selector.h"

#include <math.h>
#include <uv.h>

typedef struct {
    PyObject_HEAD
    PyObject *descriptors; /* selectors.DefaultSelector: what was registered with us */
    struct event_loop *loop;
    PyThreadState *thread; /* while the poll waits */
    uv_poll_t descriptors_poll;
    size_t holders; /* servers that still use the event loop, and threads that wake it */
    bool descriptors_ready;
    bool waits_within_turn; /* for what asyncio has registered, and not for libuv */
    bool closed;
} SelectorObject;

/* Poll results and blocking */

static void on_descriptors_ready(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    SelectorObject *self = poll->data;
    event_loop_wake(self->loop);
    self->descriptors_ready = true;
}

/* While another thread may run, no task is to be stepped from there. */
static void before_block(void *owner) {
    SelectorObject *self = owner;
    (void)event_loop_enter_application(self->loop);
    self->thread = PyEval_SaveThread();
}

static void after_block(void *owner) {
    SelectorObject *self = owner;
    PyEval_RestoreThread(self->thread);
    event_loop_leave_application(self->loop);
}

/* Making and closing */

static int watch_descriptors(SelectorObject *self, struct module_state *state) {
    self->descriptors = PyObject_CallNoArgs(state->default_selector);
    if (self->descriptors == NULL) {
        return -1;
    }
    int descriptor = PyObject_AsFileDescriptor(self->descriptors);
    if (descriptor < 0) {
        return -1;
    }
    int error = uv_poll_init(event_loop_uv(self->loop), &self->descriptors_poll, descriptor);
    if (error != 0) {
        errno = -error;
        PyErr_SetFromErrno(PyExc_OSError);
        return -1;
    }
    self->descriptors_poll.data = self;
    uv_poll_start(&self->descriptors_poll, UV_READABLE, on_descriptors_ready);
    return 0;
}

static PyObject *selector_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    if (PyTuple_GET_SIZE(args) != 0 || (keywords != NULL && PyDict_GET_SIZE(keywords) != 0)) {
        return PyErr_Format(PyExc_TypeError, "Selector() takes no arguments");
    }
    SelectorObject *self = (SelectorObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->loop = event_loop_new();
    if (self->loop == NULL) {
        PyErr_NoMemory();
        goto failed;
    }
    event_loop_set_hooks(self->loop, &(struct event_loop_hooks){.before_block = before_block,
                                                                .after_block = after_block,
                                                                .owner = self,
                                                                .lets_rest = true});
    if (watch_descriptors(self, module_state_of_type(type)) != 0) {
        goto failed;
    }
    return (PyObject *)self;
failed:
    Py_DECREF(self);
    return NULL;
}

/* Frees the event loop as soon as no server and nobody's streams are on it: now, when it is let go
 * of, or when the selector itself goes. */
static void free_loop(SelectorObject *self) {
    if (self->loop == NULL || self->holders > 0 || event_loop_is_in_turn(self->loop) ||
        event_loop_is_in_use(self->loop)) {
        return;
    }
    Py_XDECREF(event_loop_take_interrupt(self->loop));
    event_loop_free(self->loop);
    self->loop = NULL;
}

static void close_loop(SelectorObject *self) {
    if (!self->closed && self->descriptors_poll.data != NULL) {
        uv_close((uv_handle_t *)&self->descriptors_poll, NULL);
    }
    self->closed = true;
    free_loop(self);
}

PyDoc_STRVAR(close_doc,
             "close()\n--\n\nLet go of every descriptor. Close the servers on it first.");

static PyObject *selector_close(SelectorObject *self, PyObject *Py_UNUSED(ignored)) {
    if (self->loop != NULL && event_loop_is_in_turn(self->loop)) {
        PyErr_SetString(PyExc_RuntimeError, "the selector can not be closed while it selects");
        return NULL;
    }
    close_loop(self);
    return PyObject_CallMethod(self->descriptors, "close", NULL);
}

static int selector_traverse(SelectorObject *self, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(self->descriptors);
    return 0;
}

static int selector_clear(SelectorObject *self) {
    Py_CLEAR(self->descriptors);
    return 0;
}

static void selector_dealloc(SelectorObject *self) {
    PyTypeObject *type = Py_TYPE(self);
    PyObject_GC_UnTrack(self);
    if (self->loop != NULL) {
        close_loop(self);
    }
    selector_clear(self);
    type->tp_free(self);
    Py_DECREF(type);
}

/* select() */

/* Milliseconds, rounded up so that asyncio does not come back before its timer is due; -1 without
 * limit. */
static int parse_timeout(PyObject *timeout, int64_t *milliseconds) {
    *milliseconds = -1;
    if (timeout == NULL || timeout == Py_None) {
        return 0;
    }
    double seconds = PyFloat_AsDouble(timeout);
    if (seconds == -1.0 && PyErr_Occurred()) {
        return -1;
    }
    *milliseconds = seconds > 0 ? (int64_t)ceil(fmin(seconds * 1e3, INT32_MAX)) : 0;
    return 0;
}

/* An interrupt of the application, or what Python's signal handlers raise: KeyboardInterrupt,
 * mostly. */
static int raise_interrupt(SelectorObject *self) {
    PyObject *interrupt = event_loop_take_interrupt(self->loop);
    if (interrupt == NULL) {
        return PyErr_CheckSignals();
    }
    PyErr_SetObject((PyObject *)Py_TYPE(interrupt), interrupt);
    Py_DECREF(interrupt);
    return -1;
}

static PyObject *take_ready(SelectorObject *self, struct module_state *state) {
    if (!self->descriptors_ready) {
        return PyList_New(0);
    }
    self->descriptors_ready = false;
    PyObject *zero = PyLong_FromLong(0);
    if (zero == NULL) {
        return NULL;
    }
    PyObject *ready = PyObject_CallMethodOneArg(self->descriptors, state->strings.select, zero);
    Py_DECREF(zero);
    return ready;
}

static int log_reentrance(struct module_state *state) {
    PyObject *logger = PyObject_CallFunction(state->get_logger, "s", "casgi.error");
    PyObject *result =
        logger == NULL
            ? NULL
            : PyObject_CallMethod(logger, "warning", "s",
                                  "the event loop was run from within itself (nest_asyncio?): "
                                  "nothing was served meanwhile; from now on it is");
    Py_XDECREF(logger);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

/* Application code, run by a turn, runs the loop again. libuv can not be: this time only what
 * asyncio has registered is looked at. The next time no application is run by a turn. */
static PyObject *select_within_turn(SelectorObject *self, struct module_state *state,
                                    PyObject *timeout) {
    if (!event_loop_refuses_application(self->loop)) {
        event_loop_refuse_application(self->loop);
        if (log_reentrance(state) < 0) {
            return NULL;
        }
    }
    bool is_outermost = !self->waits_within_turn;
    self->waits_within_turn = true;
    PyObject *ready = PyObject_CallMethodOneArg(self->descriptors, state->strings.select, timeout);
    if (is_outermost) {
        self->waits_within_turn = false;
    }
    return ready;
}

PyDoc_STRVAR(unblock_doc,
             "unblock($self, /)\n--\n\n"
             "From any thread: end the select() that waits, or let the next not wait. Returns\n"
             "False when this one can not be ended so: write to a registered file object then.");

/* Who is woken wants the GIL: were it kept, the system would switch to the loop's thread, and back,
 * for nothing. Meanwhile the loop may be closed, but stays. */
static void wake_without_gil(SelectorObject *self) {
    self->holders++;
    PyThreadState *thread = PyEval_SaveThread();
    event_loop_unblock(self->loop);
    PyEval_RestoreThread(thread);
    selector_release((PyObject *)self);
}

static PyObject *selector_unblock(SelectorObject *self, PyObject *Py_UNUSED(ignored)) {
    if (self->closed || self->waits_within_turn) {
        Py_RETURN_FALSE;
    }
    if (event_loop_is_waiting(self->loop)) {
        wake_without_gil(self);
    } else {
        event_loop_skip_wait(self->loop);
    }
    Py_RETURN_TRUE;
}

PyDoc_STRVAR(
    select_doc,
    "select($self, /, timeout=None)\n--\n\n"
    "Run one turn of the libuv loop, waiting at most `timeout` seconds (None: without\n"
    "limit). Returns the list of (key, events) of the registered file objects that are ready.");

static PyObject *selector_select(SelectorObject *self, PyTypeObject *type, PyObject *const *args,
                                 Py_ssize_t count, PyObject *names) {
    struct module_state *state = PyType_GetModuleState(type);
    Py_ssize_t named = names != NULL ? PyTuple_GET_SIZE(names) : 0;
    if (count + named > 1 || (named == 1 && PyUnicode_Compare(PyTuple_GET_ITEM(names, 0),
                                                              state->strings.timeout) != 0)) {
        return PyErr_Format(PyExc_TypeError, "select() takes one argument, timeout");
    }
    int64_t timeout;
    if (parse_timeout(count + named == 1 ? args[0] : NULL, &timeout) != 0) {
        return NULL;
    }
    if (self->closed) {
        return PyErr_Format(PyExc_ValueError, "select() on a closed selector");
    }
    /* asyncio does not wait when it has callbacks that are ready: those were first, and no
     * application code is run here that would overtake them. */
    int status = timeout == 0 ? event_loop_turn_within_application(self->loop)
                              : event_loop_turn(self->loop, timeout);
    if (status != 0) {
        return select_within_turn(self, state, count + named == 1 ? args[0] : Py_None);
    }
    assert(!PyErr_Occurred());
    if (raise_interrupt(self) != 0) {
        return NULL;
    }
    return take_ready(self, state);
}

/* The rest of selectors.BaseSelector */

#define PASS_ON(method, name)                                                                      \
    static PyObject *selector_##method(SelectorObject *self, PyTypeObject *type,                   \
                                       PyObject *const *args, Py_ssize_t count, PyObject *names) { \
        struct module_state *state = PyType_GetModuleState(type);                                  \
        return pass_on(self, state->strings.name, args, count, names);                             \
    }

static PyObject *pass_on(SelectorObject *self, PyObject *name, PyObject *const *args,
                         Py_ssize_t count, PyObject *names) {
    PyObject *method = PyObject_GetAttr(self->descriptors, name);
    if (method == NULL) {
        return NULL;
    }
    PyObject *result = PyObject_Vectorcall(method, args, (size_t)count, names);
    Py_DECREF(method);
    return result;
}

PASS_ON(register, register_)
PASS_ON(unregister, unregister)
PASS_ON(modify, modify)
PASS_ON(get_key, get_key)
PASS_ON(get_map, get_map)

static PyObject *selector_enter(PyObject *self, PyObject *Py_UNUSED(ignored)) {
    return Py_NewRef(self);
}

static PyObject *selector_exit(SelectorObject *self, PyObject *Py_UNUSED(exception)) {
    return selector_close(self, NULL);
}

PyDoc_STRVAR(register_doc, "register($self, /, fileobj, events, data=None)\n--\n\n"
                           "Watch a file object. Returns its SelectorKey.");
PyDoc_STRVAR(unregister_doc,
             "unregister($self, /, fileobj)\n--\n\n"
             "Watch it no longer; it may be closed already. Returns its SelectorKey.");
PyDoc_STRVAR(modify_doc,
             "modify($self, /, fileobj, events, data=None)\n--\n\n"
             "Change the events or the data of a file object. Returns its new SelectorKey.");
PyDoc_STRVAR(get_key_doc, "get_key($self, /, fileobj)\n--\n\n"
                          "The SelectorKey of a file object; KeyError when it is not watched.");
PyDoc_STRVAR(get_map_doc, "get_map($self, /)\n--\n\n"
                          "A mapping of file objects to their SelectorKeys; None when closed.");

#define CALL(name)                                                                                 \
    {                                                                                              \
#name, (PyCFunction)(void (*)(void))selector_##name,                                       \
            METH_METHOD | METH_FASTCALL | METH_KEYWORDS, name##_doc                                \
    }

static PyMethodDef selector_methods[] = {
    CALL(register),
    CALL(unregister),
    CALL(modify),
    CALL(select),
    CALL(get_key),
    CALL(get_map),
    {"unblock", (PyCFunction)selector_unblock, METH_NOARGS, unblock_doc},
    {"close", (PyCFunction)selector_close, METH_NOARGS, close_doc},
    {"__enter__", (PyCFunction)selector_enter, METH_NOARGS, NULL},
    {"__exit__", (PyCFunction)selector_exit, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(selector_doc,
             "Selector()\n--\n\n"
             "A libuv loop with the interface of selectors.BaseSelector:\n"
             "asyncio.SelectorEventLoop(Selector()) is a loop that a casgi Server can run on.");

static PyType_Slot selector_slots[] = {
    {Py_tp_doc, (void *)selector_doc},
    {Py_tp_new, selector_new},
    {Py_tp_dealloc, selector_dealloc},
    {Py_tp_traverse, selector_traverse},
    {Py_tp_clear, selector_clear},
    {Py_tp_methods, selector_methods},
    {0, NULL},
};

PyType_Spec selector_type_spec = {
    .name = "casgi._core.Selector",
    .basicsize = sizeof(SelectorObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = selector_slots,
};

int selector_type_register(struct module_state *state) {
    /* Through the metaclass: BaseSelector.register is the method that registers a file object. */
    PyObject *result = PyObject_CallMethod((PyObject *)Py_TYPE(state->base_selector), "register",
                                           "OO", state->base_selector, state->selector_type);
    Py_XDECREF(result);
    return result != NULL ? 0 : -1;
}

struct event_loop *selector_event_loop(struct module_state *state, PyObject *object) {
    if (!Py_IS_TYPE(object, state->selector_type)) {
        return NULL;
    }
    SelectorObject *self = (SelectorObject *)object;
    return self->closed ? NULL : self->loop;
}

void selector_hold(PyObject *selector) {
    ((SelectorObject *)selector)->holders++;
}

void selector_release(PyObject *selector) {
    SelectorObject *self = (SelectorObject *)selector;
    self->holders--;
    if (self->closed) {
        free_loop(self);
    }
}
