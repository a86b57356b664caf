/* Starting and ending the application's task.
 *
 * An eager first step saves a round through the loop for each request, which is most of what a
 * short one costs. From Python 3.12 on asyncio has it (eager_start=True). On 3.11 the task asks its
 * loop, by loop.call_soon(), to call its first step: while the task is made, the loop's attribute
 * call_soon is our catcher, which keeps that callback for us to call, and passes everything else
 * on. */
#include "asgi/app_task.h"

#include <string.h>

#define HAS_EAGER_START (PY_VERSION_HEX >= 0x030C0000)

static void on_close_timeout(struct timer *timer);

void app_task_init(struct app_task *app_task, struct bridge *bridge,
                   const struct app_task_events *events) {
    *app_task = (struct app_task){.bridge = bridge, .events = events};
    list_init(&app_task->link);
    timer_init(&app_task->close_timer, on_close_timeout);
}

/* --- The end --- */

static void finish(struct app_task *app_task, PyObject *exception) {
    PyObject *cycle = app_task->cycle;
    if (cycle == NULL) {
        return;
    }
    app_task->cycle = NULL;
    list_remove(&app_task->link);
    timer_stop(&app_task->close_timer);
    struct bridge *bridge = app_task->bridge;
    PyObject *owner = Py_NewRef(bridge->owner);
    bridge->task_count--;
    Py_CLEAR(app_task->task);
    Py_CLEAR(app_task->scope);
    struct event_loop *held = bridge_hold_loop(bridge);
    app_task->events->on_done(cycle, exception);
    bridge_let_go(held);
    Py_DECREF(cycle);
    if (bridge->task_count == 0) {
        bridge->on_idle(owner);
    }
    Py_DECREF(owner);
}

/* Returns the task's exception (new reference) or NULL; a cancelled task gives a CancelledError. */
static PyObject *exception_of(struct bridge *bridge, PyObject *task) {
    PyObject *exception = PyObject_CallMethodNoArgs(task, bridge->state->strings.exception);
    if (exception == NULL) {
        exception = bridge_take_exception();
    } else if (exception == Py_None) {
        Py_CLEAR(exception);
    }
    return exception;
}

/* In a copy of the server's context: a handler of the log may set a variable, with which every
 * application would begin afterwards. */
PyObject *app_task_on_task_done(struct app_task *app_task, PyObject *task) {
    struct bridge *bridge = app_task->bridge; /* kept by the method that is called here */
    PyObject *exception = exception_of(bridge, task);
    PyObject *context = PyContext_Copy(bridge->context);
    bool is_inside = context != NULL && PyContext_Enter(context) == 0;
    bridge_report(bridge, "casgi could not make a context for the end of an application");
    finish(app_task, exception);
    if (is_inside && PyContext_Exit(context) < 0) {
        bridge_report(bridge, "The end of an application left its context in a wrong state");
    }
    Py_XDECREF(context);
    Py_XDECREF(exception);
    Py_RETURN_NONE;
}

/* task.add_done_callback(callback, context=…): the server's context, of which asyncio would keep a
 * copy for each task otherwise. */
static int watch_task(struct app_task *app_task, PyObject *task) {
    struct bridge *bridge = app_task->bridge;
    struct module_strings *strings = &bridge->state->strings;
    PyObject *callback = PyObject_GetAttr(app_task->cycle, strings->on_task_done);
    PyObject *names = PyTuple_Pack(1, strings->context);
    PyObject *result = NULL;
    if (callback != NULL && names != NULL) {
        PyObject *args[] = {task, callback, bridge->context};
        result = PyObject_VectorcallMethod(strings->add_done_callback, args, 2, names);
    }
    Py_XDECREF(callback);
    Py_XDECREF(names);
    Py_XDECREF(result);
    return result == NULL ? -1 : 0;
}

static void start_close_timer(struct app_task *app_task) {
    struct bridge *bridge = app_task->bridge;
    if (app_task_is_running(app_task) && bridge->application_close_timeout >= 0 &&
        bridge->event_loop != NULL) {
        timer_start(bridge->event_loop, &app_task->close_timer, bridge->application_close_timeout);
    }
}

/* --- The start --- */

#if !HAS_EAGER_START
/* loop.call_soon(callback, *args, context=None) while a task is being made: `self` is the Server
 * object that embeds the bridge, in a capsule. */
static PyObject *catch_start(PyObject *capsule, PyObject *const *args, Py_ssize_t nargs,
                             PyObject *kwnames) {
    struct bridge *bridge = PyCapsule_GetPointer(capsule, NULL);
    if (bridge == NULL) {
        return NULL;
    }
    /* whoever else makes a task meanwhile (a __del__) gives it another context */
    bool is_start = nargs == 1 && kwnames != NULL && PyTuple_GET_SIZE(kwnames) == 1 &&
                    args[1] == bridge->starting_context && bridge->caught_start == NULL &&
                    strcmp(Py_TYPE(args[0])->tp_name, "TaskStepMethWrapper") == 0;
    if (is_start) {
        bridge->caught_start = Py_NewRef(args[0]);
        Py_RETURN_NONE;
    }
    PyObject *original =
        PyObject_GetAttr((PyObject *)Py_TYPE(bridge->loop), bridge->state->strings.call_soon);
    PyObject *bound = original == NULL ? NULL : PyMethod_New(original, bridge->loop);
    PyObject *handle =
        bound == NULL ? NULL : PyObject_Vectorcall(bound, args, (size_t)nargs, kwnames);
    Py_XDECREF(original);
    Py_XDECREF(bound);
    return handle;
}

static PyMethodDef catch_start_method = {"call_soon", (PyCFunction)(void (*)(void))catch_start,
                                         METH_FASTCALL | METH_KEYWORDS, NULL};
#endif

PyObject *app_task_new_catcher(struct bridge *bridge) {
#if HAS_EAGER_START
    (void)bridge;
    return Py_NewRef(Py_None);
#else
    if (!bridge->runs_on_selector) {
        return Py_NewRef(Py_None);
    }
    PyObject *capsule = PyCapsule_New(bridge, NULL, NULL);
    PyObject *catcher = capsule == NULL ? NULL : PyCFunction_New(&catch_start_method, capsule);
    Py_XDECREF(capsule);
    return catcher;
#endif
}

/* The keywords of every Task of this bridge but its context; made once. Returns -1 with an
 * exception. */
static int make_task_keywords(struct bridge *bridge) {
    struct module_strings *strings = &bridge->state->strings;
    PyObject *keywords = PyDict_New();
    if (keywords == NULL || PyDict_SetItem(keywords, strings->loop, bridge->loop) < 0 ||
        PyDict_SetItem(keywords, strings->name, strings->application) < 0 ||
        (HAS_EAGER_START && PyDict_SetItem(keywords, strings->eager_start, Py_True) < 0)) {
        Py_XDECREF(keywords);
        return -1;
    }
    bridge->task_keywords = keywords;
    return 0;
}

/* Task(coroutine, loop=…, name=…, context=…[, eager_start=True]). The one dict serves all calls:
 * Task keeps what is in it, not the dict, and has read it before it runs anything. */
static PyObject *new_task(struct bridge *bridge, PyObject *coroutine, PyObject *context) {
    PyObject *key = bridge->state->strings.context;
    if (bridge->task_keywords == NULL && make_task_keywords(bridge) < 0) {
        return NULL;
    }
    PyObject *args = PyTuple_Pack(1, coroutine);
    PyObject *task = NULL;
    if (args != NULL && PyDict_SetItem(bridge->task_keywords, key, context) == 0) {
        task = PyObject_Call((PyObject *)bridge->state->task_class, args, bridge->task_keywords);
        if (PyDict_SetItem(bridge->task_keywords, key, Py_None) < 0) {
            Py_CLEAR(task);
        }
    }
    Py_XDECREF(args);
    return task;
}

/* loop.create_task(coroutine, context=…): goes through the loop's task factory. */
static PyObject *create_task(struct bridge *bridge, PyObject *coroutine, PyObject *context) {
    struct module_strings *strings = &bridge->state->strings;
    PyObject *args[] = {bridge->loop, coroutine, context};
    PyObject *names = PyTuple_Pack(1, strings->context);
    PyObject *task =
        names == NULL ? NULL : PyObject_VectorcallMethod(strings->create_task, args, 2, names);
    Py_XDECREF(names);
    return task;
}

#if HAS_EAGER_START
static int has_own_call_soon(struct bridge *bridge) {
    (void)bridge;
    return 0;
}

static PyObject *start_eagerly(struct bridge *bridge, PyObject *coroutine, PyObject *context) {
    return new_task(bridge, coroutine, context);
}
#else
/* Returns 1 when somebody has put another call_soon on the loop, which ours must not displace;
 * -1 with an exception. */
static int has_own_call_soon(struct bridge *bridge) {
    PyObject *attributes = PyObject_GenericGetDict(bridge->loop, NULL);
    int has =
        attributes == NULL ? -1 : PyDict_Contains(attributes, bridge->state->strings.call_soon);
    Py_XDECREF(attributes);
    return has;
}

/* Returns new task with its first step in bridge->caught_start. In the loop's dict the catcher is
 * found as an attribute is, and comes and goes for a third of the price. */
static PyObject *new_caught_task(struct bridge *bridge, PyObject *coroutine, PyObject *context) {
    PyObject *name = bridge->state->strings.call_soon;
    PyObject *attributes = PyObject_GenericGetDict(bridge->loop, NULL);
    if (attributes == NULL || PyDict_SetItem(attributes, name, bridge->start_catcher) < 0) {
        Py_XDECREF(attributes);
        return NULL;
    }
    bridge->starting_context = context;
    PyObject *task = new_task(bridge, coroutine, context);
    bridge->starting_context = NULL;
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (PyDict_DelItem(attributes, name) < 0) {
        bridge_report(bridge, "casgi could not give loop.call_soon back");
    }
    Py_DECREF(attributes);
    PyErr_Restore(type, value, traceback);
    return task;
}

static PyObject *start_eagerly(struct bridge *bridge, PyObject *coroutine, PyObject *context) {
    PyObject *task = new_caught_task(bridge, coroutine, context);
    PyObject *start = bridge->caught_start;
    bridge->caught_start = NULL;
    if (task != NULL && start != NULL) {
        bool is_inside = PyContext_Enter(context) == 0;
        Py_XDECREF(is_inside ? PyObject_CallNoArgs(start) : NULL);
        bridge_report(bridge, "Exception in the first step of an application");
        if (is_inside && PyContext_Exit(context) < 0) {
            bridge_report(bridge, "An application left its context in a wrong state");
        }
    }
    Py_XDECREF(start);
    return task;
}
#endif

/* Returns 1 when the loop makes its tasks by a factory of its own, 0 when not, -1 with an
 * exception. asyncio's own create_task() looks at the attribute, too. */
static int has_task_factory(struct bridge *bridge) {
    struct module_strings *strings = &bridge->state->strings;
    PyObject *factory = bridge->runs_on_selector
                            ? PyObject_GetAttr(bridge->loop, strings->task_factory)
                            : PyObject_CallMethodNoArgs(bridge->loop, strings->get_task_factory);
    int has = factory == NULL ? -1 : factory != Py_None;
    Py_XDECREF(factory);
    return has;
}

static PyObject *start_task(struct bridge *bridge, PyObject *coroutine, PyObject *context) {
    int is_changed = has_task_factory(bridge);
    is_changed = is_changed != 0 ? is_changed : has_own_call_soon(bridge);
    if (is_changed < 0) {
        return NULL;
    }
    bool can_be_eager = !is_changed && (HAS_EAGER_START || bridge->start_catcher != Py_None);
    /* entered also for a task factory, which may be an eager one */
    struct event_loop *entered = bridge_enter_application(bridge);
    PyObject *task = can_be_eager && entered != NULL ? start_eagerly(bridge, coroutine, context)
                                                     : create_task(bridge, coroutine, context);
    if (entered != NULL) {
        event_loop_leave_application(entered);
    }
    return task;
}

/* Takes what an application has returned, NULL included. Returns new: a coroutine that awaits it.
 */
static PyObject *as_coroutine(struct bridge *bridge, PyObject *returned) {
    if (returned == NULL || PyCoro_CheckExact(returned)) {
        return returned;
    }
    PyObject *coroutine = PyObject_CallOneArg(bridge->state->as_coroutine, returned);
    Py_DECREF(returned);
    return coroutine;
}

/* application(scope, receive, send), in `context`: returns its coroutine. */
static PyObject *call_application(struct app_task *app_task, PyObject *context, PyObject *scope,
                                  PyObject *receive, PyObject *send) {
    struct bridge *bridge = app_task->bridge;
    if (PyContext_Enter(context) < 0) {
        return NULL;
    }
    if (app_task->events->on_call != NULL) {
        app_task->events->on_call(app_task->cycle);
    }
    PyObject *args[] = {NULL, scope, receive, send};
    PyObject *returned = PyObject_Vectorcall(bridge->application, args + 1,
                                             3 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
    PyObject *coroutine = as_coroutine(bridge, returned);
    if (PyContext_Exit(context) < 0) {
        Py_CLEAR(coroutine);
    }
    return coroutine;
}

/* Returns 1 when the task is done already, with its exception (or NULL) in *exception; 0 when not;
 * -1 with an exception when it is no task. */
static int is_done(struct bridge *bridge, PyObject *task, PyObject **exception) {
    PyObject *answer = PyObject_CallMethodNoArgs(task, bridge->state->strings.done);
    int is_done = answer == NULL ? -1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    if (is_done > 0) {
        *exception = exception_of(bridge, task);
    }
    return is_done;
}

/* Takes the exception set now: what an eager first step raised through its task ends the process.
 */
static PyObject *take_start_error(struct bridge *bridge) {
    if (PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) ||
        PyErr_ExceptionMatches(PyExc_SystemExit)) {
        bridge_report(bridge, "The application ends the process");
        return PyObject_CallNoArgs(bridge->state->cancelled_error);
    }
    return bridge_take_exception();
}

void app_task_start(struct app_task *app_task, PyObject *cycle, PyObject *scope, PyObject *receive,
                    PyObject *send) {
    struct bridge *bridge = app_task->bridge;
    app_task->was_started = true;
    app_task->cycle = Py_NewRef(cycle);
    app_task->scope = Py_NewRef(scope);
    list_append(&bridge->tasks, &app_task->link);
    bridge->task_count++;
    PyObject *exception = NULL;
    PyObject *context = PyContext_Copy(bridge->context);
    PyObject *coroutine =
        context == NULL ? NULL : call_application(app_task, context, scope, receive, send);
    PyObject *task = coroutine == NULL ? NULL : start_task(bridge, coroutine, context);
    Py_XDECREF(context);
    Py_XDECREF(coroutine);
    bool has_ended = task == NULL;
    if (task != NULL && app_task_is_running(app_task)) {
        int done = is_done(bridge, task, &exception);
        has_ended = done != 0;
        if (!has_ended) {
            app_task->task = Py_NewRef(task);
            has_ended = watch_task(app_task, task) < 0;
        }
    }
    if (PyErr_Occurred()) {
        exception = take_start_error(bridge);
    }
    if (has_ended) {
        finish(app_task, exception);
    } else if (app_task->is_ending) { /* the client has left already */
        start_close_timer(app_task);
    }
    Py_XDECREF(exception);
    Py_XDECREF(task);
}

/* --- Cancelling --- */

void app_task_cancel(struct app_task *app_task) {
    struct bridge *bridge = app_task->bridge;
    PyObject *task = Py_XNewRef(app_task->task);
    if (task != NULL) {
        PyObject *result = PyObject_CallMethodNoArgs(task, bridge->state->strings.cancel);
        if (result == NULL) {
            bridge_report_loop(bridge, bridge->loop, "casgi could not cancel an application");
        }
        Py_XDECREF(result);
        Py_DECREF(task);
    }
}

static void on_close_timeout(struct timer *timer) {
    struct app_task *app_task = LIST_OBJECT(timer, struct app_task, close_timer);
    PyObject *cycle = Py_XNewRef(app_task->cycle); /* embeds the app_task */
    if (cycle != NULL && app_task->events->on_overdue(cycle)) {
        app_task_cancel(app_task);
    } else {
        app_task->is_ending = false;
    }
    Py_XDECREF(cycle);
}

void app_task_end_soon(struct app_task *app_task) {
    if (!app_task->is_ending) {
        app_task->is_ending = true;
        start_close_timer(app_task);
    }
}

int app_task_traverse(struct app_task *app_task, visitproc visit, void *arg) {
    Py_VISIT(app_task->cycle);
    Py_VISIT(app_task->task);
    Py_VISIT(app_task->scope);
    return 0;
}

void app_task_stop_timer(struct app_task *app_task) {
    timer_stop(&app_task->close_timer);
}

void app_task_clear(struct app_task *app_task) {
    PyObject *cycle = app_task->cycle;
    app_task->cycle = NULL;
    timer_stop(&app_task->close_timer);
    Py_CLEAR(app_task->task);
    Py_CLEAR(app_task->scope);
    if (cycle != NULL) { /* a task that never ran to its end */
        list_remove(&app_task->link);
        app_task->bridge->task_count--;
        Py_DECREF(cycle);
    }
}
