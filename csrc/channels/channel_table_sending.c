/* What a channel table sends to groups: methods of casgi._core.ChannelTable. Holds nothing. */
#include "channels/channel_table_sending.h"

#include "channels/channel_table.h"
#include "channels/channel_table_lists.h"

static bool begin(ChannelTableObject *self) {
    channel_table_sweep(self, 0);
    if (!channel_table_is_home(self)) {
        PyErr_SetString(PyExc_RuntimeError, "send() must be called on the thread of the loop");
        return false;
    }
    return true;
}

/* Returns how many got it as an event. *Takes* what is published. */
static PyObject *fan_out(ChannelTableObject *self, struct slice group, uint64_t end,
                         struct published *published) {
    Py_ssize_t events = channel_table_fan_out(self, group, end, published);
    published_release(published);
    return events < 0 ? NULL : PyLong_FromSsize_t(events);
}

PyObject *channel_table_sending_send(PyObject *op, PyObject *args) {
    ChannelTableObject *self = (ChannelTableObject *)op;
    PyObject *group, *message;
    unsigned long long end = GROUPS_ALL;
    struct slice name;
    if (!PyArg_ParseTuple(args, "UO!|K:send", &group, &PyDict_Type, &message, &end) ||
        channel_table_name(group, &name) < 0 || !begin(self)) {
        return NULL;
    }
    struct published published = {.message = Py_NewRef(message), .runs = RUNS_NONE};
    return fan_out(self, name, end, &published);
}

static PyObject *bytes_of(const struct buffer *made, PyObject *packed) {
    return made->length == 0 ? Py_NewRef(packed)
                             : PyBytes_FromStringAndSize(made->data, (Py_ssize_t)made->length);
}

PyObject *channel_table_sending_publish(PyObject *op, PyObject *args) {
    ChannelTableObject *self = (ChannelTableObject *)op;
    PyObject *group, *message, *packed;
    struct slice name;
    if (!PyArg_ParseTuple(args, "UO!O!:publish", &group, &PyDict_Type, &message, &PyBytes_Type,
                          &packed) ||
        channel_table_name(group, &name) < 0 || !begin(self)) {
        return NULL;
    }
    struct buffer made = BUFFER_EMPTY;
    struct slice text = slice_of(PyBytes_AS_STRING(packed), (size_t)PyBytes_GET_SIZE(packed));
    struct published published = {
        .message = Py_NewRef(message), .runs = {text, SLICE_EMPTY}, .made = &made};
    PyObject *events = fan_out(self, name, GROUPS_ALL, &published);
    PyObject *result =
        events == NULL ? NULL : Py_BuildValue("(NN)", events, bytes_of(&made, packed));
    buffer_release(&made);
    return result;
}

PyObject *channel_table_sending_deliver(PyObject *op, PyObject *args) {
    ChannelTableObject *self = (ChannelTableObject *)op;
    PyObject *group, *packed, *unpack;
    struct slice name;
    if (!PyArg_ParseTuple(args, "UO!O:deliver", &group, &PyBytes_Type, &packed, &unpack) ||
        channel_table_name(group, &name) < 0 || !begin(self)) {
        return NULL;
    }
    struct published published = {.unpack = unpack};
    struct slice bytes = slice_of(PyBytes_AS_STRING(packed), (size_t)PyBytes_GET_SIZE(packed));
    if (!runs_open(bytes, &published.runs)) {
        PyErr_SetString(PyExc_ValueError, "a message of the hub is cut off");
        return NULL;
    }
    return fan_out(self, name, GROUPS_ALL, &published);
}
