/* What a channel table says of its channels and groups: methods of casgi._core.ChannelTable that
 * change nothing. Holds nothing. */
#include "channels/channel_table_lists.h"

#include "channels/channel_table.h"

int channel_table_name(PyObject *name, struct slice *slice) {
    Py_ssize_t length;
    const char *text = PyUnicode_Check(name) ? PyUnicode_AsUTF8AndSize(name, &length) : NULL;
    if (text == NULL) {
        if (!PyErr_Occurred()) {
            PyErr_Format(PyExc_TypeError, "a name must be str, not %R", name);
        }
        return -1;
    }
    *slice = slice_of(text, (size_t)length);
    return 0;
}

PyObject *channel_table_list_members(PyObject *op, PyObject *group) {
    struct slice group_name;
    return channel_table_name(group, &group_name) < 0
               ? NULL
               : channel_table_members((ChannelTableObject *)op, group_name, GROUPS_ALL);
}

static void collect_joined(struct member *member, double when, void *context) {
    PyObject **list = context;
    ChannelObject *channel = LIST_OBJECT(member, ChannelObject, member);
    PyObject *pair = *list == NULL ? NULL : Py_BuildValue("(Od)", channel->name, when);
    if (pair == NULL || PyList_Append(*list, pair) < 0) {
        Py_CLEAR(*list);
    }
    Py_XDECREF(pair);
}

PyObject *channel_table_list_joined(PyObject *op, PyObject *group) {
    struct slice group_name;
    if (channel_table_name(group, &group_name) < 0) {
        return NULL;
    }
    PyObject *list = PyList_New(0);
    groups_visit(&((ChannelTableObject *)op)->groups, group_name, GROUPS_ALL, collect_joined,
                 &list);
    return list;
}

PyObject *channel_table_list_size(PyObject *op, PyObject *group) {
    struct slice group_name;
    return channel_table_name(group, &group_name) < 0
               ? NULL
               : PyLong_FromSize_t(groups_size(&((ChannelTableObject *)op)->groups, group_name));
}

static void collect_name(struct slice name, void *context) {
    PyObject **list = context;
    PyObject *text = PyUnicode_DecodeUTF8(name.data, (Py_ssize_t)name.length, "replace");
    if (*list != NULL && (text == NULL || PyList_Append(*list, text) < 0)) {
        Py_CLEAR(*list);
    }
    Py_XDECREF(text);
}

PyObject *channel_table_list_group_names(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    PyObject *list = PyList_New(0);
    groups_visit_names(&((ChannelTableObject *)op)->groups, collect_name, &list);
    return list;
}

PyObject *channel_table_list_totals(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    struct groups_totals totals = groups_count(&((ChannelTableObject *)op)->groups);
    return Py_BuildValue("nnn", (Py_ssize_t)totals.groups, (Py_ssize_t)totals.members,
                         (Py_ssize_t)totals.largest);
}

PyObject *channel_table_list_listening(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    PyObject *all = PyDict_Values(((ChannelTableObject *)op)->channels);
    PyObject *list = all == NULL ? NULL : PyList_New(0);
    for (Py_ssize_t i = 0; list != NULL && i < PyList_GET_SIZE(all); i++) {
        PyObject *channel = PyList_GET_ITEM(all, i);
        if (((ChannelObject *)channel)->cycle != NULL && PyList_Append(list, channel) < 0) {
            Py_CLEAR(list);
        }
    }
    Py_XDECREF(all);
    return list;
}

PyObject *channel_table_list_sizes(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ChannelTableObject *self = (ChannelTableObject *)op;
    PyObject *result = PyDict_New();
    Py_ssize_t position = 0;
    PyObject *name, *value;
    while (result != NULL && PyDict_Next(self->channels, &position, &name, &value)) {
        const ChannelObject *channel = (const ChannelObject *)value;
        if (channel->count == 0 && !channel_is_read(channel)) {
            continue;
        }
        PyObject *count = PyLong_FromUnsignedLong(channel->count);
        if (count == NULL || PyDict_SetItem(result, name, count) < 0) {
            Py_CLEAR(result);
        }
        Py_XDECREF(count);
    }
    return result;
}

PyObject *channel_table_list_waiting(PyObject *op, PyObject *name) {
    ChannelObject *channel = channel_table_find((ChannelTableObject *)op, name);
    bool counts = channel != NULL && (channel->count > 0 || channel_is_read(channel));
    PyObject *count = counts ? PyLong_FromUnsignedLong(channel->count) : NULL;
    Py_XDECREF(channel);
    return count != NULL || PyErr_Occurred() ? count : Py_NewRef(Py_None);
}

PyObject *channel_table_list_is_listening(PyObject *op, PyObject *name) {
    ChannelObject *channel = channel_table_find((ChannelTableObject *)op, name);
    bool listens = channel != NULL && channel->cycle != NULL;
    Py_XDECREF(channel);
    return PyErr_Occurred() ? NULL : PyBool_FromLong(listens);
}
