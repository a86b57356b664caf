/* Channels by name, and the groups they are in. Owns its channels while they are of use. Its Python
 * face is channel_table_object.c. */
#include "channels/channel_table.h"

/* --- Home --- */

bool channel_table_is_home(const ChannelTableObject *self) {
    return self->home == NULL || self->home_thread == PyThread_get_thread_ident();
}

/* Has the loop report who has left. A loop that is closed has nobody to report to. */
static void report_soon(ChannelTableObject *self) {
    PyObject *method = PyObject_GetAttrString((PyObject *)self, "_report_left");
    PyObject *handle = method == NULL
                           ? NULL
                           : PyObject_CallMethod(self->home, "call_soon_threadsafe", "O", method);
    self->is_report_due = handle != NULL;
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
        if (self->left != NULL) { /* the loop before was closed first */
            report_soon(self);
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

/* --- Memberships that end --- */

/* Returns new (group, channel), or NULL with an exception. */
static PyObject *new_pair(struct member *member, struct slice group) {
    ChannelObject *channel = LIST_OBJECT(member, ChannelObject, member);
    PyObject *text = PyUnicode_DecodeUTF8(group.data, (Py_ssize_t)group.length, "replace");
    PyObject *pair = text == NULL ? NULL : PyTuple_Pack(2, text, channel->name);
    Py_XDECREF(text);
    return pair;
}

static bool is_wanted(PyObject *callback) {
    return callback != NULL && callback != Py_None;
}

static void on_leave(void *owner, struct member *member, struct slice name, bool is_last) {
    ChannelTableObject *self = owner;
    bool is_news = is_wanted(self->on_leave) || (is_last && is_wanted(self->on_group_empty));
    if (!is_news || self->is_discarding || self->home == NULL) {
        return;
    }
    PyObject *pair = new_pair(member, name);
    PyObject *empty = PyList_New(0);
    if (self->left == NULL) { /* asked now: what was made may have had others leave */
        self->left = Py_XNewRef(empty);
    }
    Py_XDECREF(empty);
    if (self->left == NULL || pair == NULL || PyList_Append(self->left, pair) < 0) {
        PyErr_WriteUnraisable((PyObject *)self);
    }
    if (!self->is_report_due && self->left != NULL) {
        report_soon(self);
    }
    Py_XDECREF(pair);
}

const struct group_bus_ops channel_table_bus = {.on_leave = on_leave};

/* A group that was joined again meanwhile is no news, and who has joined it counts on it. */
static bool is_empty(ChannelTableObject *self, PyObject *name) {
    Py_ssize_t length;
    const char *text = PyUnicode_AsUTF8AndSize(name, &length);
    return text != NULL && groups_size(&self->groups, slice_of(text, (size_t)length)) == 0;
}

/* Calls a callback, held by the caller, with one argument or two (NULL: one). */
static void notify(PyObject *callback, PyObject *group, PyObject *channel) {
    PyObject *result = PyObject_CallFunctionObjArgs(callback, group, channel, NULL);
    if (result == NULL) {
        PyErr_WriteUnraisable(callback);
    }
    Py_XDECREF(result);
}

void channel_table_report_left(ChannelTableObject *self) {
    PyObject *pairs = self->left;
    self->left = NULL;
    self->is_report_due = false;
    PyObject *on_leave = Py_XNewRef(self->on_leave);
    PyObject *on_group_empty = Py_XNewRef(self->on_group_empty);
    for (Py_ssize_t i = 0; pairs != NULL && i < PyList_GET_SIZE(pairs); i++) {
        PyObject *pair = PyList_GET_ITEM(pairs, i);
        PyObject *group = PyTuple_GET_ITEM(pair, 0);
        if (is_wanted(on_leave)) {
            notify(on_leave, group, PyTuple_GET_ITEM(pair, 1));
        }
        if (is_wanted(on_group_empty) && is_empty(self, group)) {
            notify(on_group_empty, group, NULL);
        }
    }
    Py_XDECREF(on_leave);
    Py_XDECREF(on_group_empty);
    Py_XDECREF(pairs);
}

/* --- Channels --- */

/* Returns new str that is exactly one: a subclass of str may have a hash of its own, and run code
 * wherever the table is asked. */
static PyObject *plain_name(PyObject *name) {
    return PyUnicode_CheckExact(name) ? Py_NewRef(name) : PyUnicode_FromObject(name);
}

ChannelObject *channel_table_find(ChannelTableObject *self, PyObject *name) {
    PyObject *plain = plain_name(name);
    PyObject *found = plain == NULL ? NULL : PyDict_GetItemWithError(self->channels, plain);
    Py_XINCREF(found);
    Py_XDECREF(plain);
    return (ChannelObject *)found;
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
    PyObject *plain = channel != NULL || PyErr_Occurred() ? NULL : plain_name(name);
    if (plain != NULL) {
        channel = channel_new(self, plain, capacity);
        if (channel != NULL && PyDict_SetItem(self->channels, plain, (PyObject *)channel) < 0) {
            Py_CLEAR(channel);
        }
        Py_DECREF(plain);
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

PyObject *channel_table_members(ChannelTableObject *self, struct slice group, uint64_t end) {
    struct collected collected = {.table = self,
                                  .list = PyList_New(0),
                                  .group = group,
                                  .oldest = channel_clock() - self->group_expiry};
    groups_visit(&self->groups, group, end, collect, &collected);
    return collected.list;
}
