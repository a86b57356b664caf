/* Channels by name, and the groups they are in. Owns its channels while they are of use. Its Python
 * face is bindings/channel_table_object.c. */
#include "channels/channel_table.h"

/* --- Home --- */

bool channel_table_is_home(const ChannelTableObject *self) {
    return self->home == NULL || self->home_thread == PyThread_get_thread_ident();
}

/* Has `emptied` told on the loop. A loop that is closed has nobody left to be told. */
static void tell_soon(ChannelTableObject *self) {
    PyObject *method = PyObject_GetAttrString((PyObject *)self, "_tell_emptied");
    PyObject *handle = method == NULL
                           ? NULL
                           : PyObject_CallMethod(self->home, "call_soon_threadsafe", "O", method);
    if (handle == NULL && PyErr_ExceptionMatches(PyExc_RuntimeError)) {
        PyErr_Clear();
    } else if (handle == NULL) {
        PyErr_WriteUnraisable((PyObject *)self);
    }
    Py_XDECREF(method);
    Py_XDECREF(handle);
}

bool channel_table_enter(ChannelTableObject *self, PyObject *loop) {
    if (loop == NULL || (self->listening > 0 && self->home != loop)) {
        return false;
    }
    self->home_thread = PyThread_get_thread_ident();
    self->listening++;
    if (self->home != loop) {
        Py_XSETREF(self->home, Py_NewRef(loop));
        if (self->emptied != NULL) { /* the loop before was closed first */
            tell_soon(self);
        }
    }
    return true;
}

void channel_table_leave(ChannelTableObject *self) {
    self->listening--;
    if (self->listening == 0) {
        Py_CLEAR(self->home);
    }
}

void channel_table_wake(ChannelTableObject *self, PyObject *target) {
    PyObject *result = PyObject_CallOneArg(self->wake, target);
    if (result == NULL) {
        PyErr_WriteUnraisable(self->wake);
    }
    Py_XDECREF(result);
}

/* --- Groups that empty --- */

void channel_table_on_empty(void *owner, struct slice name) {
    ChannelTableObject *self = owner;
    if (self->on_group_empty == Py_None || self->on_group_empty == NULL || self->is_discarding ||
        self->home == NULL) {
        return;
    }
    bool is_first = self->emptied == NULL;
    if (is_first) {
        self->emptied = PyList_New(0);
    }
    PyObject *text = PyUnicode_DecodeUTF8(name.data, (Py_ssize_t)name.length, "replace");
    int failed = self->emptied == NULL || text == NULL ? -1 : PyList_Append(self->emptied, text);
    Py_XDECREF(text);
    if (failed < 0) {
        PyErr_WriteUnraisable((PyObject *)self);
    } else if (is_first) {
        tell_soon(self);
    }
}

/* A group that was joined again meanwhile is no news, and who has joined it counts on it. */
static bool is_empty(ChannelTableObject *self, PyObject *name) {
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(name, &length);
    return text != NULL && groups_size(&self->groups, slice_of(text, (size_t)length)) == 0;
}

void channel_table_tell_emptied(ChannelTableObject *self) {
    PyObject *names = self->emptied;
    self->emptied = NULL;
    PyObject *callback = Py_NewRef(self->on_group_empty != NULL ? self->on_group_empty : Py_None);
    for (Py_ssize_t i = 0; names != NULL && i < PyList_GET_SIZE(names); i++) {
        PyObject *name = PyList_GET_ITEM(names, i);
        PyObject *result = callback != Py_None && is_empty(self, name)
                               ? PyObject_CallOneArg(callback, name)
                               : Py_NewRef(Py_None);
        if (result == NULL) {
            PyErr_WriteUnraisable(callback);
        }
        Py_XDECREF(result);
    }
    Py_DECREF(callback);
    Py_XDECREF(names);
}

/* --- Channels --- */

ChannelObject *channel_table_find(ChannelTableObject *self, PyObject *name) {
    return (ChannelObject *)Py_XNewRef(PyDict_GetItemWithError(self->channels, name));
}

/* As for asyncio.Queue, a capacity of 0 or less is no limit, and any number will do. Returns 0 with
 * an exception. */
static uint32_t capacity_of(ChannelTableObject *self, PyObject *name) {
    PyObject *number = PyObject_CallOneArg(self->capacity, name);
    int overflow = 0;
    long capacity = number == NULL ? -1 : PyLong_AsLongAndOverflow(number, &overflow);
    Py_XDECREF(number);
    if (PyErr_Occurred()) {
        return 0;
    }
    bool is_limit = overflow == 0 && capacity > 0 && (unsigned long)capacity < UINT32_MAX;
    return is_limit ? (uint32_t)capacity : UINT32_MAX;
}

static ChannelObject *make(ChannelTableObject *self, PyObject *name) {
    uint32_t capacity = capacity_of(self, name);
    if (capacity == 0) {
        return NULL;
    }
    ChannelObject *channel = channel_table_find(self, name); /* made by another thread meanwhile */
    if (channel == NULL && !PyErr_Occurred()) {
        channel = channel_new(self, name, capacity);
        if (channel != NULL && PyDict_SetItem(self->channels, name, (PyObject *)channel) < 0) {
            Py_CLEAR(channel);
        }
    }
    return channel;
}

ChannelObject *channel_table_open(ChannelTableObject *self, PyObject *name) {
    ChannelObject *channel = channel_table_find(self, name);
    return channel != NULL || PyErr_Occurred() ? channel : make(self, name);
}

void channel_table_forget_if_useless(ChannelTableObject *self, ChannelObject *channel) {
    if (!channel_is_of_use(channel) &&
        PyDict_GetItemWithError(self->channels, channel->name) == (PyObject *)channel &&
        PyDict_DelItem(self->channels, channel->name) < 0) {
        PyErr_WriteUnraisable((PyObject *)self);
    }
}

void channel_table_let_go(ChannelTableObject *self, ChannelObject *channel) {
    if (channel != NULL) {
        channel_table_forget_if_useless(self, channel);
        Py_DECREF(channel);
    }
}

void channel_table_sweep(ChannelTableObject *self, double later) {
    double now = channel_clock();
    if (now < self->next_sweep + later) {
        return;
    }
    self->next_sweep = now + self->expiry;
    PyObject *all = PyDict_Values(self->channels);
    for (Py_ssize_t i = 0; all != NULL && i < PyList_GET_SIZE(all); i++) {
        ChannelObject *channel = (ChannelObject *)PyList_GET_ITEM(all, i);
        groups_leave_old(&self->groups, &channel->member, now - self->group_expiry);
        if (channel->cycle == NULL) {
            channel_drop_expired(channel);
            channel_table_forget_if_useless(self, channel);
        }
    }
    if (all == NULL) {
        PyErr_WriteUnraisable((PyObject *)self);
    }
    Py_XDECREF(all);
}

/* --- Members --- */

struct collected {
    ChannelTableObject *table;
    PyObject *list;
    struct slice group;
    double oldest;
};

static void collect(struct member *member, double joined, void *context) {
    struct collected *collected = context;
    ChannelObject *channel = LIST_OBJECT(member, ChannelObject, member);
    if (joined < collected->oldest) {
        groups_discard(&collected->table->groups, collected->group, member);
    } else if (collected->list != NULL && PyList_Append(collected->list, (PyObject *)channel) < 0) {
        Py_CLEAR(collected->list);
    }
}

PyObject *channel_table_members(ChannelTableObject *self, struct slice group) {
    struct collected collected = {.table = self,
                                  .list = PyList_New(0),
                                  .group = group,
                                  .oldest = channel_clock() - self->group_expiry};
    groups_visit(&self->groups, group, collect, &collected);
    return collected.list;
}
