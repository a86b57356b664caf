/* Observations of the scoreboard as tuples and dicts. Holds nothing. */
#include "bindings/scoreboard_observations.h"

#include <string.h>

#include "bindings/server_object.h"
#include "server/server_observer.h"

PyObject *scoreboard_observations_watch(PyObject *op, PyObject *args) {
    PyObject *server, *slot, *look;
    if (!PyArg_ParseTuple(args, "OOO:watch", &server, &slot, &look)) {
        return NULL;
    }
    struct observations *observations = scoreboard_object_observations(op, slot);
    struct bridge *bridge = observations == NULL
                                ? NULL
                                : server_object_bridge(module_state_of_type(Py_TYPE(op)), server);
    if (bridge == NULL || server_object_keep(server, op) < 0) {
        return NULL;
    }
    if (server_observer_begin(bridge->server, observations) != STATUS_OK) {
        PyErr_SetString(PyExc_RuntimeError, "the server is watched already");
        return NULL;
    }
    ticker_start(&bridge->ticker, look);
    Py_RETURN_NONE;
}

PyObject *scoreboard_observations_note(PyObject *op, PyObject *args) {
    PyObject *slot, *values;
    if (!PyArg_ParseTuple(args, "OO!:note", &slot, &PyDict_Type, &values)) {
        return NULL;
    }
    struct observations *observations = scoreboard_object_observations(op, slot);
    for (int kind = 0; observations != NULL && kind < OBSERVED_COUNT; kind++) {
        PyObject *value =
            PyDict_GetItemString(values, observations_value_name((enum observed)kind));
        if (value == NULL) {
            continue;
        }
        unsigned long long number = PyLong_AsUnsignedLongLong(value);
        if (PyErr_Occurred()) {
            return NULL;
        }
        atomic_store(&observations->values[kind], number);
    }
    if (observations == NULL) {
        return NULL;
    }
    observations_count_objects(observations);
    Py_RETURN_NONE;
}

/* Returns new (counts, seconds), or NULL with an exception. */
static PyObject *read_histogram(const struct histogram *histogram) {
    PyObject *counts = PyTuple_New(HISTOGRAM_BUCKETS);
    for (int bucket = 0; counts != NULL && bucket < HISTOGRAM_BUCKETS; bucket++) {
        PyObject *count = PyLong_FromUnsignedLongLong(atomic_load(&histogram->counts[bucket]));
        if (count == NULL) {
            Py_CLEAR(counts);
        } else {
            PyTuple_SET_ITEM(counts, bucket, count);
        }
    }
    double seconds = (double)atomic_load(&histogram->microseconds) / 1e6;
    return counts == NULL ? NULL : Py_BuildValue("Nd", counts, seconds);
}

static int put(PyObject *dict, PyObject *name, PyObject *value) {
    int status = name == NULL || value == NULL ? -1 : PyDict_SetItem(dict, name, value);
    Py_XDECREF(name);
    Py_XDECREF(value);
    return status;
}

static PyObject *read_values(const struct observations *observations) {
    PyObject *values = PyDict_New();
    for (int kind = 0; values != NULL && kind < OBSERVED_COUNT; kind++) {
        const char *name = observations_value_name((enum observed)kind);
        uint64_t value = atomic_load(&observations->values[kind]);
        if (put(values, PyUnicode_FromString(name), PyLong_FromUnsignedLongLong(value)) < 0) {
            Py_CLEAR(values);
        }
    }
    return values;
}

static PyObject *read_objects(const struct observations *observations) {
    PyObject *objects = PyDict_New();
    for (int kind = 0; objects != NULL && kind < COUNTER_COUNT; kind++) {
        const char *name = counters_name((enum counter)kind);
        uint64_t alive = atomic_load(&observations->objects[kind]);
        if (put(objects, PyUnicode_FromString(name), PyLong_FromUnsignedLongLong(alive)) < 0) {
            Py_CLEAR(objects);
        }
    }
    return objects;
}

static PyObject *read_routes(const struct observations *observations) {
    PyObject *routes = PyDict_New();
    uint32_t count = atomic_load_explicit(&observations->route_count, memory_order_acquire);
    for (uint32_t i = 0; routes != NULL && i < count && i < LIMIT_OBSERVED_ROUTES; i++) {
        const struct observed_route *route = &observations->routes[i];
        size_t length = strnlen(route->name, sizeof(route->name));
        /* A name that was cut may end within a character. */
        PyObject *name = PyUnicode_DecodeUTF8(route->name, (Py_ssize_t)length, "ignore");
        if (put(routes, name, read_histogram(&route->times)) < 0) {
            Py_CLEAR(routes);
        }
    }
    return routes;
}

PyObject *scoreboard_observations_read(PyObject *op, PyObject *slot) {
    const struct observations *observations = scoreboard_object_observations(op, slot);
    if (observations == NULL) {
        return NULL;
    }
    PyObject *turns = read_histogram(&observations->turns);
    PyObject *values = turns == NULL ? NULL : read_values(observations);
    PyObject *objects = values == NULL ? NULL : read_objects(observations);
    PyObject *routes = objects == NULL ? NULL : read_routes(observations);
    PyObject *all = routes == NULL ? NULL : PyTuple_Pack(4, turns, values, objects, routes);
    Py_XDECREF(turns);
    Py_XDECREF(values);
    Py_XDECREF(objects);
    Py_XDECREF(routes);
    return all;
}

PyObject *scoreboard_observations_bounds(PyObject *Py_UNUSED(op), PyObject *Py_UNUSED(ignored)) {
    PyObject *bounds = PyTuple_New(HISTOGRAM_BOUNDS);
    for (int bucket = 0; bounds != NULL && bucket < HISTOGRAM_BOUNDS; bucket++) {
        PyObject *seconds = PyFloat_FromDouble((double)histogram_bound(bucket) / 1e6);
        if (seconds == NULL) {
            Py_CLEAR(bounds);
        } else {
            PyTuple_SET_ITEM(bounds, bucket, seconds);
        }
    }
    return bounds;
}
