/* casgi._core.Scoreboard: the shared memory in which workers say how they are (base/scoreboard.h).
 *
 * Owns the memory's descriptor and its mapping, which the servers that have joined keep alive. */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/scoreboard.h"
#include "bindings/scoreboard_observations.h"
#include "bindings/server_object.h"
#include "net/event_loop.h"
#include "server/server_worker.h"

extern PyType_Spec scoreboard_type_spec;

/* Seconds: a turn that may last longer may last for ever. */
#define LONGEST_TURN 1e9

typedef struct {
    PyObject_HEAD
    struct scoreboard *board; /* NULL when it was never made whole */
    int descriptor;           /* -1 likewise */
} ScoreboardObject;

static int open_memory(int inherited) {
    if (inherited >= 0) {
        return fcntl(inherited, F_DUPFD_CLOEXEC, 3);
    }
    int made = memfd_create("casgi scoreboard", MFD_CLOEXEC);
    if (made >= 0 && ftruncate(made, sizeof(struct scoreboard)) != 0) {
        close(made);
        return -1;
    }
    return made;
}

static PyObject *new_scoreboard(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"fd", NULL};
    int inherited = -1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|i:Scoreboard", names, &inherited)) {
        return NULL;
    }
    ScoreboardObject *self = (ScoreboardObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    self->descriptor = open_memory(inherited);
    void *memory = self->descriptor < 0
                       ? MAP_FAILED
                       : mmap(NULL, sizeof(struct scoreboard), PROT_READ | PROT_WRITE, MAP_SHARED,
                              self->descriptor, 0);
    if (memory == MAP_FAILED) {
        PyErr_SetFromErrno(PyExc_OSError);
        Py_DECREF(self);
        return NULL;
    }
    self->board = memory;
    return (PyObject *)self;
}

/* An index below `limit`, or -1 with ValueError. */
static long checked_index(long index, long limit, const char *what) {
    if (index < 0 || index >= limit) {
        PyErr_Format(PyExc_ValueError, "there is no %s %ld", what, index);
        return -1;
    }
    return index;
}

static struct scoreboard_slot *slot_of(PyObject *op, PyObject *index) {
    long slot = PyLong_AsLong(index);
    if (PyErr_Occurred() || checked_index(slot, SCOREBOARD_SLOTS, "slot") < 0) {
        return NULL;
    }
    return &((ScoreboardObject *)op)->board->slots[slot];
}

struct observations *scoreboard_object_observations(PyObject *op, PyObject *index) {
    struct scoreboard *board = ((ScoreboardObject *)op)->board;
    const struct scoreboard_slot *slot = slot_of(op, index);
    return slot == NULL ? NULL : &board->observations[slot - board->slots];
}

PyDoc_STRVAR(fileno_doc, "fileno() -> int\n\nThe descriptor of the memory, for a worker's "
                         "Scoreboard(fd).");

static PyObject *get_fileno(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    return PyLong_FromLong(((ScoreboardObject *)op)->descriptor);
}

static int put_counts(PyObject *counts, const struct metrics *metrics) {
    for (int kind = 0; kind < METRIC_COUNT; kind++) {
        PyObject *count = PyLong_FromUnsignedLongLong(metrics_read(metrics, (enum metric)kind));
        int status = count == NULL
                         ? -1
                         : PyDict_SetItemString(counts, metrics_name((enum metric)kind), count);
        Py_XDECREF(count);
        if (status < 0) {
            return -1;
        }
    }
    return 0;
}

PyDoc_STRVAR(read_doc,
             "read(slot) -> tuple[int, int, float, dict[str, int]]\n\nWhat a worker says: "
             "its state (0 free, 1 serving, 2 leaving), open connections, the seconds "
             "that its turn lasts (0 while it waits), and its metrics.");

static PyObject *read_slot(PyObject *op, PyObject *index) {
    struct scoreboard_slot *slot = slot_of(op, index);
    PyObject *counts = slot == NULL ? NULL : PyDict_New();
    if (counts == NULL || put_counts(counts, &slot->metrics) < 0) {
        Py_XDECREF(counts);
        return NULL;
    }
    uint64_t since = atomic_load(&slot->busy_since);
    uint64_t now = event_loop_clock();
    double busy = since == 0 || now < since ? 0.0 : (double)(now - since) / 1e9;
    return Py_BuildValue("IIdN", (unsigned)atomic_load(&slot->state),
                         (unsigned)atomic_load(&slot->connections), busy, counts);
}

PyDoc_STRVAR(
    free_doc,
    "free(slot) -> None\n\nTakes a slot back from a worker that has ended, and zeroes it.");

static PyObject *free_slot(PyObject *op, PyObject *index) {
    struct scoreboard_slot *slot = slot_of(op, index);
    if (slot == NULL) {
        return NULL;
    }
    atomic_store(&slot->state, SCOREBOARD_FREE);
    atomic_store(&slot->connections, 0);
    atomic_store(&slot->busy_since, 0);
    for (int kind = 0; kind < METRIC_COUNT; kind++) {
        atomic_store(&slot->metrics.counts[kind], 0);
    }
    observations_clear(scoreboard_object_observations(op, index));
    Py_RETURN_NONE;
}

PyDoc_STRVAR(forget_doc, "forget_passed(seat) -> None\n\nNothing is on its way to a seat: what "
                         "was, has gone to others, or was lost.");

static PyObject *forget_passed(PyObject *op, PyObject *index) {
    long seat = PyLong_AsLong(index);
    if (PyErr_Occurred() || checked_index(seat, SCOREBOARD_SEATS, "seat") < 0) {
        return NULL;
    }
    atomic_store(&((ScoreboardObject *)op)->board->seats[seat].passed, 0);
    Py_RETURN_NONE;
}

/* Returns new array of the descriptors in a tuple, or NULL with an exception. */
static int *read_descriptors(PyObject *given) {
    Py_ssize_t count = PyTuple_GET_SIZE(given);
    if (checked_index((long)count, SCOREBOARD_SEATS + 1, "seat") < 0) {
        return NULL;
    }
    int *descriptors = PyMem_Calloc((size_t)count + 1, sizeof(*descriptors));
    for (Py_ssize_t i = 0; descriptors != NULL && i < count; i++) {
        descriptors[i] = (int)PyLong_AsLong(PyTuple_GET_ITEM(given, i));
    }
    if (descriptors == NULL) {
        PyErr_NoMemory();
    } else if (PyErr_Occurred()) {
        PyMem_Free(descriptors);
        return NULL;
    }
    return descriptors;
}

static int join_server(PyObject *op, PyObject *server_object, int *sending,
                       struct connection_balance_place *place) {
    if (checked_index(place->slot, SCOREBOARD_SLOTS, "slot") < 0 ||
        checked_index(place->seat, place->seat_count, "seat") < 0) {
        return -1;
    }
    struct bridge *bridge = server_object_bridge(module_state_of_type(Py_TYPE(op)), server_object);
    if (bridge == NULL || server_object_keep(server_object, op) < 0) {
        return -1;
    }
    place->board = ((ScoreboardObject *)op)->board;
    place->sending = sending;
    int status = server_worker_join(bridge->server, place);
    if (status == STATUS_STATE) {
        PyErr_SetString(PyExc_RuntimeError, "the server has joined already");
    } else if (status != STATUS_OK) {
        PyErr_NoMemory();
    }
    return status == STATUS_OK ? 0 : -1;
}

PyDoc_STRVAR(
    join_doc,
    "join(server, *, slot, seat, receiving, sending, busy_after) -> None\n\nLets a Server that "
    "listens write a slot, take the connections that come on the descriptor `receiving`, and pass "
    "what it has too much to the seats, whose descriptors `sending` are, but for those in one "
    "turn for more than `busy_after` seconds.");

static PyObject *join(PyObject *op, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"server", "slot", "seat", "receiving", "sending", "busy_after", NULL};
    struct connection_balance_place place = {0};
    PyObject *server, *given;
    double busy_after;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O$IIiO!d:join", names, &server, &place.slot,
                                     &place.seat, &place.receiving, &PyTuple_Type, &given,
                                     &busy_after)) {
        return NULL;
    }
    place.busy_after = busy_after < LONGEST_TURN ? (uint64_t)(busy_after * 1e9) : UINT64_MAX;
    int *sending = read_descriptors(given);
    if (sending == NULL) {
        return NULL;
    }
    place.seat_count = (uint32_t)PyTuple_GET_SIZE(given);
    int status = join_server(op, server, sending, &place);
    PyMem_Free(sending);
    return status < 0 ? NULL : Py_NewRef(Py_None);
}

static void dealloc(PyObject *op) {
    ScoreboardObject *self = (ScoreboardObject *)op;
    PyTypeObject *type = Py_TYPE(op);
    if (self->board != NULL) {
        munmap(self->board, sizeof(*self->board));
    }
    if (self->descriptor >= 0) {
        close(self->descriptor);
    }
    type->tp_free(op);
    Py_DECREF(type);
}

PyDoc_STRVAR(layout_doc,
             "layout() -> str\n\nWhat the memory is like: only who has the same can read it.");

static PyObject *layout(PyObject *Py_UNUSED(type), PyObject *Py_UNUSED(ignored)) {
    PyObject *text =
        PyUnicode_FromFormat("%zu %zu %zu", sizeof(struct scoreboard),
                             offsetof(struct scoreboard, slots), sizeof(struct scoreboard_slot));
    for (int kind = 0; text != NULL && kind < METRIC_COUNT; kind++) {
        Py_SETREF(text, PyUnicode_FromFormat("%U %s", text, metrics_name((enum metric)kind)));
    }
    for (int kind = 0; text != NULL && kind < OBSERVED_COUNT; kind++) {
        const char *name = observations_value_name((enum observed)kind);
        Py_SETREF(text, PyUnicode_FromFormat("%U %s", text, name));
    }
    return text;
}

static PyMethodDef methods[] = {
    {"fileno", get_fileno, METH_NOARGS, fileno_doc},
    {"read", read_slot, METH_O, read_doc},
    {"free", free_slot, METH_O, free_doc},
    {"forget_passed", forget_passed, METH_O, forget_doc},
    {"layout", layout, METH_NOARGS | METH_STATIC, layout_doc},
    {"join", (PyCFunction)(void (*)(void))join, METH_VARARGS | METH_KEYWORDS, join_doc},
    SCOREBOARD_OBSERVATIONS,
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "What workers say of themselves, in shared memory; see casgi/_core.pyi."},
    {Py_tp_new, new_scoreboard},
    {Py_tp_methods, methods},
    {Py_tp_dealloc, dealloc},
    {0, NULL},
};

PyType_Spec scoreboard_type_spec = {
    .name = "casgi._core.Scoreboard",
    .basicsize = sizeof(ScoreboardObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
