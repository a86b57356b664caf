/* Looking at the applications that run. The list of them may change whenever Python code runs, and
 * that may be wherever an object is made: so first all cycles are collected, without one. */
#include "asgi/cycle_list.h"

#include "asgi/cycle.h"
#include "asgi/ws_cycle.h"
#include "server/exchange.h"

/* Returns new array of references, or NULL with MemoryError. */
static CycleObject **collect(const struct bridge *bridge, size_t *count) {
    CycleObject **cycles = PyMem_Calloc(bridge->task_count + 1, sizeof(*cycles));
    *count = 0;
    if (cycles == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (const struct list *link = bridge->tasks.next;
         link != &bridge->tasks && *count < bridge->task_count; link = link->next) {
        PyObject *cycle = LIST_OBJECT(link, struct app_task, link)->cycle;
        cycles[(*count)++] = (CycleObject *)Py_NewRef(cycle);
    }
    return cycles;
}

/* Returns new tuple, or NULL with an exception. */
static PyObject *describe(struct bridge *bridge, CycleObject *cycle) {
    const struct exchange *exchange = cycle->methods->exchange((PyObject *)cycle);
    unsigned long long number = exchange == NULL ? 0 : exchange_connection_number(exchange);
    uint64_t now = event_loop_clock() / 1000000;
    double seconds = now > cycle->began ? (double)(now - cycle->began) / 1000.0 : 0.0;
    PyObject *task = cycle->app_task.task != NULL ? cycle->app_task.task : Py_None;
    bool is_websocket = Py_IS_TYPE(cycle, bridge->state->ws_cycle_type);
    PyObject *scope = Py_NewRef(cycle->scope), *kept_task = Py_NewRef(task);
    PyObject *traffic = is_websocket ? ws_cycle_traffic((PyObject *)cycle) : Py_NewRef(Py_None);
    if (traffic == NULL) {
        Py_DECREF(scope);
        Py_DECREF(kept_task);
        return NULL;
    }
    return Py_BuildValue("KNNdN", number, scope, kept_task, seconds, traffic);
}

PyObject *cycle_list_new(struct bridge *bridge) {
    size_t count;
    CycleObject **cycles = collect(bridge, &count);
    PyObject *list = cycles == NULL ? NULL : PyList_New(0);
    for (size_t i = 0; i < count; i++) {
        PyObject *facts = list == NULL ? NULL : describe(bridge, cycles[i]);
        if (list != NULL && (facts == NULL || PyList_Append(list, facts) < 0)) {
            Py_CLEAR(list);
        }
        Py_XDECREF(facts);
        Py_DECREF(cycles[i]);
    }
    PyMem_Free(cycles);
    return list;
}
