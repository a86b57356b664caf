/* Reading response heads out of ASGI messages. Nothing that fails here has reached the wire. */
#include "asgi/response_start.h"

#include "asgi/message.h"
#include "base/status.h"

static PyObject *as_bytes(PyObject *object, const char *what) {
    if (PyBytes_Check(object) || PyByteArray_Check(object) || PyMemoryView_Check(object)) {
        return message_exact_bytes(object);
    }
    /* The words, and the kind of error, are those that daphne's test-suite looks for. */
    PyErr_Format(PyExc_ValueError, "Header %s '%S' expected to be `bytes`, but got `%R`", what,
                 object, Py_TYPE(object));
    return NULL;
}

static struct slice slice_of_bytes(PyObject *bytes) {
    return slice_of(PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
}

/* Returns new tuple of two, or NULL with an exception. A list is copied: taking the bytes of an
 * item may run Python code, which could empty it under us. */
static PyObject *pair_of(PyObject *header) {
    PyObject *pair = PySequence_Tuple(header);
    if (pair == NULL && !PyErr_ExceptionMatches(PyExc_TypeError)) {
        return NULL;
    }
    if (pair == NULL || PyTuple_GET_SIZE(pair) != 2) {
        PyErr_Format(pair == NULL ? PyExc_TypeError : PyExc_ValueError,
                     "a header must be a pair (name, value) of bytes, not %R", header);
        Py_CLEAR(pair);
    }
    return pair;
}

static int read_pair(struct response_start *start, struct http_header *header, PyObject *object) {
    PyObject *pair = pair_of(object);
    PyObject *name = pair == NULL ? NULL : as_bytes(PyTuple_GET_ITEM(pair, 0), "name");
    PyObject *value = name == NULL ? NULL : as_bytes(PyTuple_GET_ITEM(pair, 1), "value");
    Py_XDECREF(pair);
    if (value == NULL) {
        Py_XDECREF(name);
        return -1;
    }
    start->keepers[start->keeper_count++] = name;
    start->keepers[start->keeper_count++] = value;
    *header = (struct http_header){slice_of_bytes(name), slice_trim(slice_of_bytes(value))};
    return 0;
}

static int check_head(struct response_start *start) {
    size_t bad = 0;
    if (http_response_head_check(&start->head, &start->facts, &bad) == STATUS_OK) {
        return 0;
    }
    PyErr_Format(PyExc_ValueError,
                 "the response header %R: %R must not be sent (a name is a token, a value has no "
                 "CR, LF, NUL or other control "
                 "character, a Content-Length is one number)",
                 start->keepers[2 * bad], start->keepers[2 * bad + 1]);
    return -1;
}

static int check_trailers(struct response_start *start) {
    size_t bad = 0;
    if (http_response_trailers_check(start->head.headers, start->head.header_count, &bad) ==
        STATUS_OK) {
        return 0;
    }
    PyErr_Format(PyExc_ValueError,
                 "the trailer field %R: %R must not be sent (a name is a token, a value has no "
                 "control character, and what says how the body is framed or read belongs into the "
                 "head)",
                 start->keepers[2 * bad], start->keepers[2 * bad + 1]);
    return -1;
}

/* `headers` is a tuple, or NULL. */
static struct response_start *read_headers(PyObject *headers, int status,
                                           int (*check)(struct response_start *start)) {
    Py_ssize_t count = headers == NULL ? 0 : PyTuple_GET_SIZE(headers);
    size_t size = sizeof(struct response_start) +
                  (size_t)count * (sizeof(struct http_header) + 2 * sizeof(PyObject *));
    struct response_start *start = PyMem_Calloc(1, size);
    if (start == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    struct http_header *pairs = (struct http_header *)(start + 1);
    start->keepers = (PyObject **)(pairs + count);
    start->head = (struct http_response_head){
        .status = status, .reason = SLICE_EMPTY, .headers = pairs, .header_count = (size_t)count};
    for (Py_ssize_t i = 0; i < count; i++) {
        if (read_pair(start, &pairs[i], PyTuple_GET_ITEM(headers, i)) < 0) {
            response_start_free(start);
            return NULL;
        }
    }
    if (check(start) < 0) {
        response_start_free(start);
        return NULL;
    }
    return start;
}

/* Reads a copy, unless it is a tuple: reading a pair may run Python code, which could change a list
 * under us. */
static struct response_start *read_copy(PyObject *headers, int status,
                                        int (*check)(struct response_start *start)) {
    PyObject *copy = headers == NULL ? NULL : PySequence_Tuple(headers);
    if (headers != NULL && copy == NULL) {
        return NULL;
    }
    struct response_start *start = read_headers(copy, status, check);
    Py_XDECREF(copy);
    return start;
}

struct response_start *response_trailers_of(PyObject *fields) {
    return read_copy(fields, 200, check_trailers);
}

struct response_start *response_hints_of(PyObject *links) {
    PyObject *values = PySequence_List(links);
    if (values == NULL) {
        return NULL;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(values); i++) {
        PyObject *pair = Py_BuildValue("(y#O)", "link", (Py_ssize_t)4, PyList_GET_ITEM(values, i));
        if (pair == NULL || PyList_SetItem(values, i, pair) < 0) {
            Py_DECREF(values);
            return NULL;
        }
    }
    struct response_start *start = read_copy(values, 103, check_head);
    Py_DECREF(values);
    return start;
}

struct response_start *response_start_new(struct bridge *bridge, PyObject *message, int status) {
    PyObject *headers;
    if (message_find(message, bridge->state->strings.headers, &headers) < 0) {
        return NULL;
    }
    struct response_start *start = read_copy(headers, status, check_head);
    Py_XDECREF(headers);
    return start;
}

void response_start_free(struct response_start *start) {
    if (start != NULL) {
        for (size_t i = 0; i < start->keeper_count; i++) {
            Py_DECREF(start->keepers[i]);
        }
        PyMem_Free(start);
    }
}
