/* casgi._core.NativeThread: a thread of the system that runs one Python callable again and again,
 * each time in a thread state of its own.
 *
 *     waiting -- wake(), or the time is over --> in a turn -- seconds --> waiting
 *        |                                         ^       `- None, or an error --> ended
 *        `- wake(patience) --> standing back ------'  the GIL was free, or patience is over
 *
 * Who stands back lets everybody have the GIL who waits for it. Python does not say whether anybody
 * does, so the thread takes the GIL and looks at how long that took: at once, and nobody has it or
 * waits. Else it gives it back, naps, and tries again.
 *
 * All that Python keeps by thread (threading.local, the context, trace functions, asyncio's loop)
 * belongs to a thread state and ends with it, on every version of Python, so one turn leaves
 * nothing to the next. While it waits, the thread has no thread state and never takes the GIL. It
 * holds a reference to its object until it ends; nobody waits for it here, and it is not joined. */
#include <time.h>

#include "state.h"

typedef struct {
    PyObject_HEAD
    PyObject *turn;          /* called for each turn */
    PyThread_type_lock wake; /* held by nobody while a turn is asked for */
    /* Under the GIL: */
    bool is_woken;         /* `wake` was released for a turn that has not begun */
    bool is_in_turn;       /* until its thread state is gone, with all that was kept by thread */
    bool is_standing_back; /* before its turn, until somebody calls wake() again */
    bool found_gil_free;   /* before the last turn */
    bool has_ended;
    double patience; /* seconds for which it stands back at most */
    double woken_at; /* seconds of the monotonic clock */
} NativeThreadObject;

extern PyType_Spec native_thread_type_spec;

static const double most_seconds = 1e9;
/* Nobody has the GIL if it is there within this: a switch of threads takes longer. */
static const double at_once_seconds = 20e-6;
/* Naps begin with what a thread needs to wake up that was given the GIL, and end where looking
 * costs others nothing that can be measured: each takes the GIL from one to another. */
static const PY_TIMEOUT_T first_nap_microseconds = 50;
static const PY_TIMEOUT_T longest_nap_microseconds = 1000;

/* --- The thread --- */

/* Reads what a turn returned: for how long to wait for the next, -1 for as long as it takes.
 * Returns false if there is none: it was None, or an error that is reported here. *Takes* the
 * result. */
static bool read_result(NativeThreadObject *self, PyObject *result, PY_TIMEOUT_T *microseconds) {
    double seconds = 0;
    bool goes_on = result != NULL && result != Py_None;
    if (goes_on) {
        seconds = PyFloat_AsDouble(result);
    }
    if (PyErr_Occurred()) {
        PyErr_WriteUnraisable(self->turn);
        goes_on = false;
    }
    Py_XDECREF(result);
    bool is_limited = seconds >= 0 && seconds < most_seconds;
    *microseconds = is_limited ? (PY_TIMEOUT_T)(seconds * 1e6) : -1;
    return goes_on;
}

static double seconds_now(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

/* Takes the GIL; one that stands back does so when it is free, when its patience is over, or when
 * wake() is called without any. */
static void acquire_thread(NativeThreadObject *self, PyThreadState *state) {
    PY_TIMEOUT_T nap = first_nap_microseconds;
    double begun = seconds_now();
    double asked = begun;
    PyEval_AcquireThread(state);
    double got = seconds_now();
    while (self->is_standing_back && got - asked > at_once_seconds &&
           got - begun < self->patience) {
        PyEval_ReleaseThread(state);
        (void)PyThread_acquire_lock_timed(self->wake, nap, 0);
        nap = nap * 2 < longest_nap_microseconds ? nap * 2 : longest_nap_microseconds;
        asked = seconds_now();
        PyEval_AcquireThread(state);
        got = seconds_now();
    }
    if (!self->is_standing_back) { /* what wake() has released meanwhile was for this turn */
        (void)PyThread_acquire_lock(self->wake, NOWAIT_LOCK);
    }
    self->is_standing_back = false;
    self->found_gil_free = got - asked <= at_once_seconds;
}

/* One turn, in a thread state of its own. Returns false if it was the last. */
static bool run_turn(NativeThreadObject *self, PY_TIMEOUT_T *microseconds) {
    PyThreadState *state = PyThreadState_New(PyInterpreterState_Main());
    if (state == NULL) {
        Py_FatalError("no memory for a thread state");
    }
    acquire_thread(self, state);
    self->is_woken = false;
    self->is_in_turn = true;
    bool goes_on = read_result(self, PyObject_CallNoArgs(self->turn), microseconds);
    if (!goes_on) {
        self->has_ended = true;
        Py_DECREF(self);
    }
    PyThreadState_Clear(state); /* which runs what has waited for the thread's end */
    if (goes_on) {
        self->is_in_turn = false;
    }
    PyThreadState_DeleteCurrent();
    return goes_on;
}

static void run(void *argument) {
    NativeThreadObject *self = argument;
    PY_TIMEOUT_T microseconds = -1;
    bool goes_on = true;
    while (goes_on) {
        (void)PyThread_acquire_lock_timed(self->wake, microseconds, 0);
        if (!Py_IsInitialized()) { /* the time was over behind Python's end */
            return;
        }
        goes_on = run_turn(self, &microseconds);
    }
}

/* --- The object --- */

static PyObject *native_thread_new(PyTypeObject *type, PyObject *args, PyObject *keywords) {
    static char *names[] = {"turn", NULL};
    PyObject *turn;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "O:NativeThread", names, &turn)) {
        return NULL;
    }
    if (PyInterpreterState_Get() != PyInterpreterState_Main()) {
        PyErr_SetString(PyExc_RuntimeError, "a NativeThread runs in the main interpreter only");
        return NULL;
    }
    NativeThreadObject *self = (NativeThreadObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->turn = Py_NewRef(turn);
    self->wake = PyThread_allocate_lock();
    if (self->wake == NULL) {
        Py_DECREF(self);
        return PyErr_NoMemory();
    }
    (void)PyThread_acquire_lock(self->wake, NOWAIT_LOCK);
    Py_INCREF(self); /* the thread's */
    if (PyThread_start_new_thread(run, self) == PYTHREAD_INVALID_THREAD_ID) {
        Py_DECREF(self);
        Py_DECREF(self);
        PyErr_SetString(PyExc_RuntimeError, "can't start new thread");
        return NULL;
    }
    return (PyObject *)self;
}

PyDoc_STRVAR(wake_doc, "wake(patience=0.0, /) -> None\n\n"
                       "A turn begins soon; two calls before it are one.");

static PyObject *wake(PyObject *op, PyObject *const *args, Py_ssize_t count) {
    NativeThreadObject *self = (NativeThreadObject *)op;
    double patience = count == 1 ? PyFloat_AsDouble(args[0]) : 0;
    if (count > 1) {
        PyErr_SetString(PyExc_TypeError, "wake() takes one argument at most");
    }
    if (PyErr_Occurred()) {
        return NULL;
    }
    if (self->has_ended) {
        PyErr_SetString(PyExc_RuntimeError, "the thread has ended");
        return NULL;
    }
    if (!self->is_woken) {
        self->is_woken = true;
        self->woken_at = seconds_now();
        self->is_standing_back = patience > 0;
        self->patience = patience;
        PyThread_release_lock(self->wake);
    } else if (self->is_standing_back && patience <= 0) {
        self->is_standing_back = false;
        PyThread_release_lock(self->wake);
    }
    Py_RETURN_NONE;
}

PyDoc_STRVAR(is_beginning_doc, "is_beginning() -> bool\n\n"
                               "A turn was asked for that waits for nothing but the GIL.");

static PyObject *is_beginning(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    NativeThreadObject *self = (NativeThreadObject *)op;
    return PyBool_FromLong(self->is_woken && !self->is_in_turn);
}

PyDoc_STRVAR(is_ending_doc, "is_ending(seconds=0.0, /) -> bool\n\n"
                            "A turn was asked for, so many seconds ago at least, that waits for\n"
                            "the end of the one before.");

static PyObject *is_ending(PyObject *op, PyObject *const *args, Py_ssize_t count) {
    NativeThreadObject *self = (NativeThreadObject *)op;
    double seconds = count == 1 ? PyFloat_AsDouble(args[0]) : 0;
    if (count > 1) {
        PyErr_SetString(PyExc_TypeError, "is_ending() takes one argument at most");
    }
    if (PyErr_Occurred()) {
        return NULL;
    }
    return PyBool_FromLong(self->is_woken && self->is_in_turn &&
                           (seconds <= 0 || seconds_now() - self->woken_at >= seconds));
}

PyDoc_STRVAR(found_gil_free_doc, "found_gil_free() -> bool\n\n"
                                 "Nobody had the GIL, or waited for it, when the turn began.");

static PyObject *found_gil_free(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    return PyBool_FromLong(((NativeThreadObject *)op)->found_gil_free);
}

static int traverse(PyObject *op, visitproc visit, void *arg) {
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((NativeThreadObject *)op)->turn);
    return 0;
}

static int clear(PyObject *op) {
    Py_CLEAR(((NativeThreadObject *)op)->turn);
    return 0;
}

static void dealloc(PyObject *op) {
    NativeThreadObject *self = (NativeThreadObject *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    (void)clear(op);
    if (self->wake != NULL) {
        PyThread_free_lock(self->wake);
    }
    type->tp_free(op);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"wake", (PyCFunction)(void (*)(void))wake, METH_FASTCALL, wake_doc},
    {"is_beginning", is_beginning, METH_NOARGS, is_beginning_doc},
    {"is_ending", (PyCFunction)(void (*)(void))is_ending, METH_FASTCALL, is_ending_doc},
    {"found_gil_free", found_gil_free, METH_NOARGS, found_gil_free_doc},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "A thread whose turns have thread states of their own; see casgi/_core.pyi."},
    {Py_tp_new, native_thread_new},
    {Py_tp_traverse, traverse},
    {Py_tp_clear, clear},
    {Py_tp_dealloc, dealloc},
    {Py_tp_methods, methods},
    {0, NULL},
};

PyType_Spec native_thread_type_spec = {
    .name = "casgi._core.NativeThread",
    .basicsize = sizeof(NativeThreadObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
