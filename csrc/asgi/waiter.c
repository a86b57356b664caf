/* A future that only a task of asyncio awaits, of the server's loop or of another thread's.
 *
 *   WAITING (in its queue) --wake--> WOKEN      WAITING --cancel--> CANCELLED
 *
 * Owned by its queue while it waits, and by the task and the Pending that yielded it. The callback
 * is the task's wakeup; it is dropped when it has been called, so that waiter and task do not keep
 * each other. */
#include "asgi/waiter.h"

#include <string.h>

enum waiter_state { WAITER_WAITING, WAITER_WOKEN, WAITER_CANCELLED };

struct WaiterObject {
    PyObject_HEAD
    struct list link;
    struct bridge *bridge;
    PyObject *owner;      /* keeps the bridge */
    PyObject *other_loop; /* of the thread that waits; NULL: the bridge's loop */
    PyObject *callback;
    PyObject *callback_context;
    PyObject *cancel_message;
    enum waiter_state state;
    bool is_blocking;
};

/* Sets *loop to a new reference to the loop that runs on this thread, when it is another thread
 * than the bridge's, else to NULL. Returns -1 with an exception. */
static int find_other_loop(struct bridge *bridge, PyObject **loop) {
    *loop = NULL;
    if (!bridge_is_on_other_thread(bridge)) {
        return 0;
    }
    PyObject *running = PyObject_CallNoArgs(bridge->state->get_running_loop);
    if (running == Py_None) { /* stepped by hand */
        Py_CLEAR(running);
        return 0;
    }
    *loop = running;
    return running == NULL ? -1 : 0;
}

PyObject *waiter_new(struct bridge *bridge, struct waiter_queue *queue) {
    PyObject *other_loop;
    if (find_other_loop(bridge, &other_loop) < 0) {
        return NULL;
    }
    WaiterObject *self = PyObject_GC_New(WaiterObject, bridge->state->waiter_type);
    if (self == NULL) {
        Py_XDECREF(other_loop);
        return NULL;
    }
    self->bridge = bridge;
    self->owner = Py_NewRef(bridge->owner);
    self->other_loop = other_loop;
    self->callback = NULL;
    self->callback_context = NULL;
    self->cancel_message = NULL;
    self->state = WAITER_WAITING;
    self->is_blocking = true;
    list_append(&queue->waiters, &self->link);
    PyObject_GC_Track(self);
    return Py_NewRef(self); /* one reference for the queue, one for the caller */
}

/* --- Waking --- */

/* The loop that the task is on may belong to another thread than whoever wakes it. */
static PyObject *call_soon_name(const WaiterObject *self) {
    const struct module_strings *strings = &self->bridge->state->strings;
    bool is_from_outside = self->other_loop != NULL || bridge_is_on_other_thread(self->bridge);
    return is_from_outside ? strings->call_soon_threadsafe : strings->call_soon;
}

/* `loop` is NULL when the garbage collector has taken everything apart. */
static void call_soon(WaiterObject *self, PyObject *callback, PyObject *context) {
    PyObject *loop = self->other_loop != NULL ? self->other_loop : self->bridge->loop;
    if (loop == NULL) {
        return;
    }
    Py_INCREF(loop);
    PyObject *args[] = {loop, callback, (PyObject *)self, context};
    PyObject *names =
        context == NULL ? NULL : PyTuple_Pack(1, self->bridge->state->strings.context);
    PyObject *handle = NULL;
    if (context == NULL || names != NULL) {
        handle = PyObject_VectorcallMethod(call_soon_name(self), args,
                                           3 | PY_VECTORCALL_ARGUMENTS_OFFSET, names);
    }
    Py_XDECREF(names);
    Py_XDECREF(handle);
    if (handle == NULL) {
        bridge_report_loop(self->bridge, loop, "casgi could not wake a task");
    }
    Py_DECREF(loop);
}

/* True for the callback of a task that is asyncio's own, in C. */
static bool is_task_wakeup(const struct module_state *state, PyObject *callback) {
    if (!PyCFunction_CheckExact(callback) || PyCFunction_GET_SELF(callback) == NULL) {
        return false;
    }
    const char *name = ((PyCFunctionObject *)callback)->m_ml->ml_name;
    return (PyObject *)Py_TYPE(PyCFunction_GET_SELF(callback)) == state->task_class &&
           strcmp(name, "task_wakeup") == 0;
}

/* Future(loop=…), done with None. */
static PyObject *new_done_future(struct bridge *bridge) {
    struct module_strings *strings = &bridge->state->strings;
    PyObject *names = PyTuple_Pack(1, strings->loop);
    PyObject *future =
        names == NULL ? NULL
                      : PyObject_Vectorcall(bridge->state->future_class, &bridge->loop, 0, names);
    PyObject *result =
        future == NULL ? NULL : PyObject_CallMethodOneArg(future, strings->set_result, Py_None);
    if (result == NULL) {
        Py_CLEAR(future);
    }
    Py_XDECREF(names);
    Py_XDECREF(result);
    return future;
}

/* Returns what the callback is called with (*borrowed*). Of what has woken it a task of asyncio
 * wants the result only, for which it makes a text and a bound method unless it is asyncio's own
 * future: it gets one that is done. */
static PyObject *argument_of(WaiterObject *self, PyObject *callback) {
    struct bridge *bridge = self->bridge;
    if (self->state != WAITER_WOKEN || !is_task_wakeup(bridge->state, callback)) {
        return (PyObject *)self;
    }
    if (bridge->done_future == NULL && bridge->loop != NULL) {
        bridge->done_future = new_done_future(bridge);
        bridge_report(bridge, "casgi could not make a future");
    }
    return bridge->done_future != NULL ? bridge->done_future : (PyObject *)self;
}

/* Steps the task right here, in its own context. Returns false when that context can not be
 * entered. */
static bool step_now(WaiterObject *self, PyObject *callback, PyObject *context) {
    if (context != NULL && PyContext_Enter(context) < 0) {
        PyErr_Clear();
        return false;
    }
    PyObject *argument = Py_NewRef(argument_of(self, callback));
    PyObject *result = PyObject_CallOneArg(callback, argument);
    Py_DECREF(argument);
    if (result == NULL) {
        bridge_report(self->bridge, "Exception in a task that casgi woke");
    }
    Py_XDECREF(result);
    if (context != NULL && PyContext_Exit(context) < 0) {
        bridge_report(self->bridge, "A task left its context in a wrong state");
    }
    return true;
}

/* Runs or schedules the callback, which is then forgotten. */
static void notify(WaiterObject *self, bool may_step_now) {
    PyObject *callback = self->callback;
    PyObject *context = self->callback_context;
    self->callback = NULL;
    self->callback_context = NULL;
    if (callback == NULL) {
        return;
    }
    bool is_done = false;
    may_step_now = may_step_now && self->other_loop == NULL;
    struct event_loop *entered = may_step_now ? bridge_enter_application(self->bridge) : NULL;
    if (entered != NULL) {
        is_done = step_now(self, callback, context);
        event_loop_leave_application(entered);
    }
    if (!is_done) {
        call_soon(self, callback, context);
    }
    Py_DECREF(callback);
    Py_XDECREF(context);
}

void waiter_queue_init(struct waiter_queue *queue) {
    list_init(&queue->waiters);
}

static void wake_first(struct waiter_queue *queue, bool may_step_now) {
    if (waiter_queue_is_empty(queue)) {
        return;
    }
    WaiterObject *first = LIST_OBJECT(queue->waiters.next, WaiterObject, link);
    list_remove(&first->link);
    first->state = WAITER_WOKEN;
    notify(first, may_step_now);
    Py_DECREF(first);
}

void waiter_queue_wake_one(struct waiter_queue *queue) {
    wake_first(queue, true);
}

void waiter_queue_pass_on(struct waiter_queue *queue) {
    wake_first(queue, false);
}

void waiter_queue_wake_all(struct waiter_queue *queue) {
    struct waiter_queue all;
    list_move_all(&all.waiters, &queue->waiters);
    while (!waiter_queue_is_empty(&all)) {
        waiter_queue_wake_one(&all);
    }
}

int waiter_queue_traverse(struct waiter_queue *queue, visitproc visit, void *arg) {
    for (struct list *link = queue->waiters.next; link != &queue->waiters; link = link->next) {
        Py_VISIT(LIST_OBJECT(link, WaiterObject, link));
    }
    return 0;
}

void waiter_queue_clear(struct waiter_queue *queue) {
    while (!waiter_queue_is_empty(queue)) {
        WaiterObject *first = LIST_OBJECT(queue->waiters.next, WaiterObject, link);
        list_remove(&first->link);
        Py_DECREF(first);
    }
}

/* Takes it off its queue, with the queue's reference. */
static void leave_queue(WaiterObject *self) {
    if (!list_is_empty(&self->link)) {
        list_remove(&self->link);
        Py_DECREF(self);
    }
}

bool waiter_abandon(PyObject *op) {
    WaiterObject *self = (WaiterObject *)op;
    leave_queue(self);
    return self->state == WAITER_WOKEN;
}

bool waiter_is_waiting(PyObject *op) {
    return ((WaiterObject *)op)->state == WAITER_WAITING;
}

bool waiter_is_cancelled(PyObject *op) {
    return ((WaiterObject *)op)->state == WAITER_CANCELLED;
}

PyObject *waiter_raise_cancelled(PyObject *op) {
    WaiterObject *self = (WaiterObject *)op;
    PyObject *error = self->bridge->state->cancelled_error;
    if (self->cancel_message == NULL || self->cancel_message == Py_None) {
        PyErr_SetNone(error);
    } else {
        PyErr_SetObject(error, self->cancel_message);
    }
    return NULL;
}

/* --- The protocol of asyncio.Future, as far as a task uses it --- */

static PyObject *add_done_callback(PyObject *op, PyObject *const *args, Py_ssize_t nargs,
                                   PyObject *kwnames) {
    WaiterObject *self = (WaiterObject *)op;
    Py_ssize_t keywords = kwnames == NULL ? 0 : PyTuple_GET_SIZE(kwnames);
    if (nargs != 1 || keywords > 1) {
        PyErr_SetString(PyExc_TypeError, "add_done_callback(callback, *, context=None)");
        return NULL;
    }
    if (self->callback != NULL) {
        PyErr_SetString(PyExc_RuntimeError,
                        "this awaitable is being awaited by another task already");
        return NULL;
    }
    PyObject *context =
        keywords == 1 && args[1] != Py_None ? Py_NewRef(args[1]) : PyContext_CopyCurrent();
    if (context == NULL) {
        return NULL;
    }
    self->callback = Py_NewRef(args[0]);
    self->callback_context = context;
    if (self->state != WAITER_WAITING) {
        PyObject *callback = self->callback;
        self->callback = NULL;
        self->callback_context = NULL;
        call_soon(self, callback, context);
        Py_DECREF(callback);
        Py_DECREF(context);
    }
    Py_RETURN_NONE;
}

static PyObject *remove_done_callback(PyObject *op, PyObject *callback) {
    WaiterObject *self = (WaiterObject *)op;
    PyObject *own = Py_XNewRef(self->callback); /* comparing may run Python code */
    int same = own == NULL ? 0 : PyObject_RichCompareBool(own, callback, Py_EQ);
    if (same > 0 && self->callback == own) {
        Py_CLEAR(self->callback);
        Py_CLEAR(self->callback_context);
    }
    Py_XDECREF(own);
    return same < 0 ? NULL : PyLong_FromLong(same);
}

static PyObject *cancel(PyObject *op, PyObject *args, PyObject *kwargs) {
    WaiterObject *self = (WaiterObject *)op;
    static char *names[] = {"msg", NULL};
    PyObject *message = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|O:cancel", names, &message)) {
        return NULL;
    }
    if (self->state != WAITER_WAITING) {
        Py_RETURN_FALSE;
    }
    Py_INCREF(self);
    leave_queue(self);
    self->state = WAITER_CANCELLED;
    Py_XSETREF(self->cancel_message, Py_XNewRef(message));
    notify(self, false);
    Py_DECREF(self);
    Py_RETURN_TRUE;
}

static PyObject *cancelled(PyObject *self, PyObject *Py_UNUSED(ignored)) {
    return PyBool_FromLong(waiter_is_cancelled(self));
}

static PyObject *done(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    return PyBool_FromLong(((WaiterObject *)op)->state != WAITER_WAITING);
}

static PyObject *result(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    WaiterObject *self = (WaiterObject *)op;
    if (self->state == WAITER_CANCELLED) {
        return waiter_raise_cancelled(op);
    }
    if (self->state == WAITER_WAITING) {
        PyErr_SetString(self->bridge->state->invalid_state_error, "Result is not ready.");
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyObject *get_loop(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    const WaiterObject *self = (const WaiterObject *)op;
    PyObject *loop = self->other_loop != NULL ? self->other_loop : self->bridge->loop;
    if (loop == NULL) { /* the garbage collector has taken everything apart */
        PyErr_SetString(PyExc_RuntimeError, "the event loop is gone");
    }
    return Py_XNewRef(loop);
}

static PyObject *get_blocking(PyObject *op, void *Py_UNUSED(closure)) {
    return PyBool_FromLong(((WaiterObject *)op)->is_blocking);
}

static int set_blocking(PyObject *op, PyObject *value, void *Py_UNUSED(closure)) {
    int truth = value == NULL ? 0 : PyObject_IsTrue(value);
    if (truth < 0) {
        return -1;
    }
    ((WaiterObject *)op)->is_blocking = truth;
    return 0;
}

static int traverse(PyObject *op, visitproc visit, void *arg) {
    WaiterObject *self = (WaiterObject *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->owner);
    Py_VISIT(self->other_loop);
    Py_VISIT(self->callback);
    Py_VISIT(self->callback_context);
    Py_VISIT(self->cancel_message);
    return 0;
}

static int clear(PyObject *op) {
    WaiterObject *self = (WaiterObject *)op;
    Py_CLEAR(self->callback);
    Py_CLEAR(self->callback_context);
    Py_CLEAR(self->cancel_message);
    return 0;
}

static void dealloc(PyObject *op) {
    WaiterObject *self = (WaiterObject *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    (void)clear(op);
    Py_CLEAR(self->other_loop);
    Py_CLEAR(self->owner);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"add_done_callback", (PyCFunction)(void (*)(void))add_done_callback,
     METH_FASTCALL | METH_KEYWORDS, "As asyncio.Future."},
    {"remove_done_callback", remove_done_callback, METH_O, "As asyncio.Future."},
    {"cancel", (PyCFunction)(void (*)(void))cancel, METH_VARARGS | METH_KEYWORDS,
     "As asyncio.Future."},
    {"cancelled", cancelled, METH_NOARGS, "As asyncio.Future."},
    {"done", done, METH_NOARGS, "As asyncio.Future."},
    {"result", result, METH_NOARGS, "As asyncio.Future: None, or CancelledError."},
    {"exception", result, METH_NOARGS, "As asyncio.Future: None, or CancelledError."},
    {"get_loop", get_loop, METH_NOARGS, "As asyncio.Future."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef getset[] = {
    {"_asyncio_future_blocking", get_blocking, set_blocking,
     "The mark of a future that is awaited.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "The future behind a receive() or send() that waits."},
    {Py_tp_traverse, traverse},
    {Py_tp_clear, clear},
    {Py_tp_dealloc, dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, getset},
    {0, NULL},
};

PyType_Spec waiter_type_spec = {
    .name = "casgi._core.Waiter",
    .basicsize = sizeof(WaiterObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
             Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};
