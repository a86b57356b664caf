/* Metrics as dicts. Holds nothing. */
#include "bindings/server_metrics.h"

#include "server/server_observer.h"

/* Adds a count to a dict; -1 with an exception. */
static int put(PyObject *counts, const char *name, const struct server *server, enum metric kind) {
    uint64_t count = server == NULL ? 0 : metrics_read(&server->metrics, kind);
    PyObject *number = PyLong_FromUnsignedLongLong(count);
    int status = number == NULL ? -1 : PyDict_SetItemString(counts, name, number);
    Py_XDECREF(number);
    return status;
}

PyObject *server_metrics_all(const struct server *server) {
    PyObject *counts = PyDict_New();
    for (int kind = 0; counts != NULL && kind < METRIC_COUNT; kind++) {
        if (put(counts, metrics_name(kind), server, kind) < 0) {
            Py_CLEAR(counts);
        }
    }
    return counts;
}

PyObject *server_metrics_slow_consumers(const struct server *server) {
    PyObject *counts = PyDict_New();
    for (int i = 0; counts != NULL && i < SLOW_CONSUMER_OUTCOMES; i++) {
        if (put(counts, slow_consumer_outcome_name(i), server, slow_consumer_metric(i)) < 0) {
            Py_CLEAR(counts);
        }
    }
    return counts;
}

PyObject *server_metrics_turn_seconds(const struct server *server) {
    return PyFloat_FromDouble(server == NULL ? 0 : server_observer_turn_seconds(server));
}
