/* casgi._core.ChannelTable: the Python face of a channel table, with its making and its end. */
#include "state.h"

#include <stddef.h>
#include <structmember.h>

#include "base/status.h"
#include "channels/channel_table.h"
#include "channels/channel_table_lists.h"
#include "channels/channel_table_sending.h"

extern PyType_Spec channel_table_type_spec;

/* --- Methods --- */

PyDoc_STRVAR(open_doc, "open(channel) -> Channel");

static PyObject *open_channel(PyObject *op, PyObject *name) {
    return (PyObject *)channel_table_open((ChannelTableObject *)op, name);
}

PyDoc_STRVAR(put_doc,
             "put(channel, message, beyond_capacity=False) -> bool\n\nTakes the message, which "
             "is not copied. False when the channel is full.");

static PyObject *put(PyObject *op, PyObject *args) {
    ChannelTableObject *self = (ChannelTableObject *)op;
    PyObject *name, *message;
    int beyond_capacity = 0;
    if (!PyArg_ParseTuple(args, "UO!|p:put", &name, &PyDict_Type, &message, &beyond_capacity)) {
        return NULL;
    }
    channel_table_sweep(self, self->expiry);
    ChannelObject *channel = channel_table_open(self, name);
    int status = channel == NULL ? -1 : channel_put(channel, Py_NewRef(message), beyond_capacity);
    channel_table_let_go(self, channel);
    return status < 0 ? NULL : PyBool_FromLong(status);
}

PyDoc_STRVAR(take_doc, "take(channel) -> dict | None\n\nThe first message, if there is one.");

static PyObject *take(PyObject *op, PyObject *name) {
    ChannelTableObject *self = (ChannelTableObject *)op;
    channel_table_sweep(self, 0);
    ChannelObject *channel = channel_table_find(self, name);
    PyObject *message = channel == NULL ? NULL : channel_take(channel);
    channel_table_let_go(self, channel);
    return message != NULL || PyErr_Occurred() ? message : Py_NewRef(Py_None);
}

PyDoc_STRVAR(wait_doc, "wait(channel, future) -> None\n\nCalls wake(future) once, when a message "
                       "has come; see abandon().");

static PyObject *wait(PyObject *op, PyObject *args) {
    ChannelTableObject *self = (ChannelTableObject *)op;
    PyObject *name, *future;
    if (!PyArg_ParseTuple(args, "UO:wait", &name, &future)) {
        return NULL;
    }
    ChannelObject *channel = channel_table_open(self, name);
    int status = channel == NULL ? -1 : channel_wait(channel, future);
    if (status == 0 && channel->count > 0) { /* it came between take() and here, by a thread */
        channel_wake(channel);
    }
    channel_table_let_go(self, channel);
    return status < 0 ? NULL : Py_NewRef(Py_None);
}

PyDoc_STRVAR(abandon_doc,
             "abandon(channel, future) -> None\n\nThe future waits no more; if it was woken, for a "
             "message that it does not take, the next one is.");

static PyObject *abandon(PyObject *op, PyObject *args) {
    ChannelTableObject *self = (ChannelTableObject *)op;
    PyObject *name, *future;
    if (!PyArg_ParseTuple(args, "UO:abandon", &name, &future)) {
        return NULL;
    }
    ChannelObject *channel = channel_table_find(self, name);
    if (channel == NULL) {
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
    }
    if (channel_abandon(channel, future) == 0 && channel->count > 0) {
        channel_wake(channel);
    }
    channel_table_let_go(self, channel);
    return PyErr_Occurred() ? NULL : Py_NewRef(Py_None);
}

PyDoc_STRVAR(add_doc,
             "add(group, channel) -> int | None\n\nThe number of the membership: later ones "
             "have higher ones. None for a channel whose WebSocket is closed: it stays "
             "outside.");

static PyObject *add(PyObject *op, PyObject *args) {
    ChannelTableObject *self = (ChannelTableObject *)op;
    PyObject *group, *name;
    struct slice group_name;
    if (!PyArg_ParseTuple(args, "UU:add", &group, &name) ||
        channel_table_name(group, &group_name) < 0) {
        return NULL;
    }
    ChannelObject *channel = channel_table_open(self, name);
    if (channel == NULL) {
        return NULL;
    }
    uint64_t number = 0;
    bool may_join = channel_is_open(channel);
    int status =
        may_join ? groups_add(&self->groups, group_name, &channel->member, channel_clock(), &number)
                 : STATUS_OK;
    if (status == STATUS_TOO_LARGE) {
        PyErr_Format(PyExc_RuntimeError,
                     "%U cannot join %R: its WebSocket is in %zu groups, as many as "
                     "--websocket-max-groups allows",
                     name, group, channel->member.count);
    } else if (status != STATUS_OK) {
        PyErr_NoMemory();
    }
    channel_table_let_go(self, channel);
    if (status != STATUS_OK) {
        return NULL;
    }
    return may_join ? PyLong_FromUnsignedLongLong(number) : Py_NewRef(Py_None);
}

PyDoc_STRVAR(
    discard_doc,
    "discard(group, channel) -> bool\n\nTrue when the group has lost its last member here.");

static PyObject *discard(PyObject *op, PyObject *args) {
    ChannelTableObject *self = (ChannelTableObject *)op;
    PyObject *group, *name;
    struct slice group_name;
    if (!PyArg_ParseTuple(args, "UU:discard", &group, &name) ||
        channel_table_name(group, &group_name) < 0) {
        return NULL;
    }
    ChannelObject *channel = channel_table_find(self, name);
    if (channel == NULL) {
        return PyErr_Occurred() ? NULL : Py_NewRef(Py_False);
    }
    size_t before = groups_size(&self->groups, group_name);
    self->is_discarding = true;
    groups_discard(&self->groups, group_name, &channel->member);
    self->is_discarding = false;
    channel_table_let_go(self, channel);
    return PyBool_FromLong(before > 0 && groups_size(&self->groups, group_name) == 0);
}

/* The closure is the offset of the callback. */
static PyObject **callback_at(PyObject *op, void *closure) {
    return (PyObject **)((char *)op + (size_t)(uintptr_t)closure);
}

static PyObject *get_callback(PyObject *op, void *closure) {
    PyObject *callback = *callback_at(op, closure);
    return Py_NewRef(callback != NULL ? callback : Py_None);
}

static int set_callback(PyObject *op, PyObject *value, void *closure) {
    PyObject **callback = callback_at(op, closure);
    Py_XSETREF(*callback, Py_NewRef(value != NULL ? value : Py_None));
    return 0;
}

PyDoc_STRVAR(flush_doc, "flush() -> None\n\nDrops all messages and memberships; who listens goes "
                        "on listening.");

static PyObject *flush(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ChannelTableObject *self = (ChannelTableObject *)op;
    PyObject *all = PyDict_Values(self->channels);
    for (Py_ssize_t i = 0; all != NULL && i < PyList_GET_SIZE(all); i++) {
        ChannelObject *channel = (ChannelObject *)PyList_GET_ITEM(all, i);
        self->is_discarding = true;
        groups_leave_all(&self->groups, &channel->member);
        self->is_discarding = false;
        channel_drop_messages(channel);
        channel_table_forget_if_useless(self, channel);
    }
    Py_XDECREF(all);
    return all == NULL ? NULL : Py_NewRef(Py_None);
}

/* --- The type --- */

static PyObject *table_new(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"capacity", "wake", "expiry", "group_expiry", "discards_oldest", NULL};
    PyObject *capacity, *wake;
    double expiry = 60, group_expiry = 86400;
    int discards_oldest = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OO|ddp:ChannelTable", names, &capacity, &wake,
                                     &expiry, &group_expiry, &discards_oldest)) {
        return NULL;
    }
    struct module_state *state = module_state_of_type(type);
    ChannelTableObject *self = state == NULL ? NULL : (ChannelTableObject *)type->tp_alloc(type, 0);
    if (self == NULL) {
        return NULL;
    }
    groups_init(&self->groups, (struct group_bus){&channel_table_bus, self});
    self->state = state;
    self->capacity = Py_NewRef(capacity);
    self->wake = Py_NewRef(wake);
    self->on_leave = Py_NewRef(Py_None);
    self->on_group_empty = Py_NewRef(Py_None);
    self->expiry = expiry;
    self->group_expiry = group_expiry;
    self->discards_oldest = discards_oldest;
    self->next_sweep = channel_clock() + expiry;
    self->channels = PyDict_New();
    if (self->channels == NULL) {
        Py_CLEAR(self);
    }
    return (PyObject *)self;
}

static int traverse(PyObject *op, visitproc visit, void *arg) {
    ChannelTableObject *self = (ChannelTableObject *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->channels);
    Py_VISIT(self->capacity);
    Py_VISIT(self->wake);
    Py_VISIT(self->on_leave);
    Py_VISIT(self->on_group_empty);
    Py_VISIT(self->left);
    Py_VISIT(self->home);
    return 0;
}

static int clear(PyObject *op) {
    ChannelTableObject *self = (ChannelTableObject *)op;
    if (self->channels != NULL) {
        PyDict_Clear(self->channels);
    }
    Py_CLEAR(self->on_leave);
    Py_CLEAR(self->on_group_empty);
    Py_CLEAR(self->left);
    return 0;
}

static void dealloc(PyObject *op) {
    ChannelTableObject *self = (ChannelTableObject *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    (void)clear(op); /* each channel keeps the table, so there is none left, nor a group */
    Py_CLEAR(self->channels);
    Py_CLEAR(self->capacity);
    Py_CLEAR(self->wake);
    Py_CLEAR(self->home);
    groups_release(&self->groups);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyObject *report_left(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    channel_table_report_left((ChannelTableObject *)op);
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    CHANNEL_TABLE_LISTS CHANNEL_TABLE_SENDING{"open", open_channel, METH_O, open_doc},
    {"put", put, METH_VARARGS, put_doc},
    {"take", take, METH_O, take_doc},
    {"wait", wait, METH_VARARGS, wait_doc},
    {"abandon", abandon, METH_VARARGS, abandon_doc},
    {"add", add, METH_VARARGS, add_doc},
    {"discard", discard, METH_VARARGS, discard_doc},
    {"flush", flush, METH_NOARGS, flush_doc},
    {"_report_left", report_left, METH_NOARGS, NULL},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef getset[] = {
    {"on_leave", get_callback, set_callback,
     "Called soon with group and channel of a membership that ended otherwise than by discard().",
     (void *)offsetof(ChannelTableObject, on_leave)},
    {"on_group_empty", get_callback, set_callback,
     "Called soon with the name of a group that lost its last member otherwise than by discard().",
     (void *)offsetof(ChannelTableObject, on_group_empty)},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyMemberDef member_definitions[] = {
    {"dropped", T_ULONGLONG, offsetof(ChannelTableObject, dropped), READONLY,
     "Group messages that full channels did not get."},
    {"shared", T_ULONGLONG, offsetof(ChannelTableObject, shared), READONLY,
     "Frames that were put into WebSockets without running their consumers."},
    {"home", T_OBJECT, offsetof(ChannelTableObject, home), READONLY,
     "The loop of who listens, or None."},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "The channels and groups of a layer in this process; see casgi/_core.pyi."},
    {Py_tp_new, table_new},
    {Py_tp_traverse, traverse},
    {Py_tp_clear, clear},
    {Py_tp_dealloc, dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, getset},
    {Py_tp_members, member_definitions},
    {0, NULL},
};

PyType_Spec channel_table_type_spec = {
    .name = "casgi._core.ChannelTable",
    .basicsize = sizeof(ChannelTableObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE,
    .slots = slots,
};
