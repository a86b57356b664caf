/* Channels. Each owns its messages and references to who listens; its memberships are in the
 * registry of its table, which it keeps. Never runs application code but by `wake` of the table. */
#include "channels/channel.h"

#include <time.h>

#include "asgi/ws_channel.h"
#include "base/counters.h"
#include "channels/channel_table.h"

enum { FIRST_SLOTS = 4 };

double channel_clock(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

ChannelObject *channel_new(ChannelTableObject *table, PyObject *name, uint32_t capacity) {
    ChannelObject *self = PyObject_GC_New(ChannelObject, table->state->channel_type);
    if (self == NULL) {
        return NULL;
    }
    self->table = (ChannelTableObject *)Py_NewRef((PyObject *)table);
    self->name = Py_NewRef(name);
    member_init(&self->member, 0);
    self->messages = NULL;
    self->first = self->count = self->slots = 0;
    self->capacity = capacity;
    self->waiters = self->cycle = self->consumer = self->base_send = self->plan = NULL;
    self->consumer_class = NULL;
    counters_opened(COUNTER_channels);
    PyObject_GC_Track(self);
    return self;
}

/* --- Messages --- */

static int grow(ChannelObject *self) {
    uint32_t slots = self->slots > 0 ? self->slots * 2 : FIRST_SLOTS;
    struct channel_message *messages = PyMem_Malloc((size_t)slots * sizeof(*messages));
    if (messages == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (uint32_t i = 0; i < self->count; i++) {
        messages[i] = self->messages[(self->first + i) % self->slots];
    }
    PyMem_Free(self->messages);
    self->messages = messages;
    self->slots = slots;
    self->first = 0;
    return 0;
}

static PyObject *take_first(ChannelObject *self) {
    PyObject *message = self->messages[self->first].message;
    self->first = (self->first + 1) % self->slots;
    self->count--;
    if (self->count == 0) {
        PyMem_Free(self->messages);
        self->messages = NULL;
        self->first = self->slots = 0;
    }
    return message;
}

/* A channel on which a message has expired is one that nobody reads: it leaves its groups, as
 * Channels' specification of a layer says. */
void channel_drop_expired(ChannelObject *self) {
    if (self->count == 0) {
        return;
    }
    double now = channel_clock();
    while (self->count > 0 && self->messages[self->first].expires < now) {
        Py_DECREF(take_first(self));
        groups_leave_all(&self->table->groups, &self->member);
    }
}

/* The original's task holds one message already while the client's event is handled, as soon as the
 * loop has let it run, and from the end of a handler to the beginning of the next. */
static bool holds_one(const ChannelObject *self) {
    return self->cycle != NULL && ws_channel_holds_event(self->cycle);
}

static uint64_t limit_of(const ChannelObject *self) {
    return (uint64_t)self->capacity + (holds_one(self) ? 1 : 0);
}

/* Drops the message that has waited longest, but for one that the original's task holds. */
static void drop_oldest(ChannelObject *self) {
    if (holds_one(self) && self->count > 1) {
        struct channel_message *first = &self->messages[self->first];
        struct channel_message *second = &self->messages[(self->first + 1) % self->slots];
        struct channel_message held = *first;
        *first = *second;
        *second = held;
    }
    Py_DECREF(take_first(self));
}

/* --- Who waits --- */

static void forget_waiters_if_none(ChannelObject *self) {
    if (self->waiters != NULL && PyODict_SIZE(self->waiters) == 0) {
        Py_CLEAR(self->waiters);
    }
}

int channel_wait(ChannelObject *self, PyObject *future) {
    if (self->waiters == NULL) {
        self->waiters = PyODict_New();
    }
    return self->waiters == NULL ? -1 : PyODict_SetItem(self->waiters, future, Py_None);
}

int channel_abandon(ChannelObject *self, PyObject *future) {
    int waits = self->waiters == NULL ? 0 : PyDict_Contains(self->waiters, future);
    if (waits > 0 && PyODict_DelItem(self->waiters, future) < 0) {
        return -1;
    }
    forget_waiters_if_none(self);
    return waits;
}

/* Returns who has waited longest, a new reference, or NULL. */
static PyObject *take_waiter(ChannelObject *self) {
    PyObject *pair =
        self->waiters == NULL ? NULL : PyObject_CallMethod(self->waiters, "popitem", "O", Py_False);
    PyObject *waiter = pair == NULL ? NULL : Py_NewRef(PyTuple_GET_ITEM(pair, 0));
    Py_XDECREF(pair);
    PyErr_Clear(); /* without memory: it is woken by the next message */
    forget_waiters_if_none(self);
    return waiter;
}

void channel_wake(ChannelObject *self) {
    if (self->cycle != NULL && channel_table_is_home(self->table)) {
        ws_channel_wake(self->cycle);
    } else if (self->cycle != NULL) {
        channel_table_wake(self->table, (PyObject *)self);
    }
    /* Beside who listens: a handler may receive from the channel of its own consumer. */
    PyObject *waiter = take_waiter(self);
    if (waiter != NULL) {
        channel_table_wake(self->table, waiter);
        Py_DECREF(waiter);
    }
}

int channel_put(ChannelObject *self, PyObject *message, bool beyond_capacity) {
    channel_drop_expired(self);
    int was_full = !beyond_capacity && self->count >= limit_of(self);
    if (was_full && (!self->table->discards_oldest || self->count == 0)) {
        Py_DECREF(message);
        return 0;
    }
    if (was_full) {
        drop_oldest(self);
    }
    if (self->count == self->slots && grow(self) < 0) {
        Py_DECREF(message);
        return -1;
    }
    struct channel_message entry = {message, channel_clock() + self->table->expiry};
    self->messages[(self->first + self->count) % self->slots] = entry;
    self->count++;
    channel_wake(self);
    return was_full ? 0 : 1;
}

PyObject *channel_take(ChannelObject *self) {
    channel_drop_expired(self);
    return self->count == 0 ? NULL : take_first(self);
}

void channel_drop_messages(ChannelObject *self) {
    while (self->count > 0) {
        Py_DECREF(take_first(self));
    }
}

bool channel_is_read(const ChannelObject *self) {
    return self->cycle != NULL || self->waiters != NULL;
}

bool channel_is_of_use(const ChannelObject *self) {
    return channel_is_read(self) || self->count > 0 || !list_is_empty(&self->member.memberships);
}

bool channel_is_open(const ChannelObject *self) {
    return self->cycle == NULL || ws_channel_is_open(self->cycle);
}

bool channel_is_idle(const ChannelObject *self) {
    return self->cycle != NULL && self->count == 0 && ws_channel_is_idle(self->cycle);
}

/* --- Who listens --- */

/* A message that goes may run application code, which lets go of the channel: the cycle only
 * borrows it. */
static bool has_event(void *channel) {
    ChannelObject *self = channel;
    Py_INCREF(self);
    channel_drop_expired(self);
    bool has = self->count > 0;
    Py_DECREF(self);
    return has;
}

static PyObject *take_for_cycle(void *channel) {
    ChannelObject *self = channel;
    Py_INCREF(self);
    PyObject *message = channel_take(self);
    Py_DECREF(self);
    return message;
}

static PyObject *consumer_of(void *channel) {
    return ((ChannelObject *)channel)->consumer;
}

static const struct ws_channel_ops channel_ops = {
    .has_event = has_event, .take = take_for_cycle, .consumer = consumer_of};

PyDoc_STRVAR(listen_doc,
             "listen(receive, send, consumer, base_send, plan) -> WsCycle | None\n\n"
             "Makes the messages come out of the WebSocket's next_event(). None when receive is no "
             "casgi WebSocket's, or of another loop than those that listen already. Without send, "
             "or without a plan, no shared frame is put into the WebSocket.");

static PyObject *listen(PyObject *op, PyObject *args) {
    ChannelObject *self = (ChannelObject *)op;
    PyObject *receive, *send, *consumer, *base_send, *plan;
    if (!PyArg_ParseTuple(args, "OOOOO:listen", &receive, &send, &consumer, &base_send, &plan)) {
        return NULL;
    }
    struct module_state *state = self->table->state;
    PyObject *cycle = ws_channel_cycle_of(state, receive);
    if (cycle == NULL || self->cycle != NULL ||
        !channel_table_enter(self->table, ws_channel_loop(cycle))) {
        Py_RETURN_NONE;
    }
    if (!ws_channel_attach(cycle, &channel_ops, self)) {
        channel_table_leave(self->table);
        Py_RETURN_NONE;
    }
    self->cycle = Py_NewRef(cycle);
    self->member.most = ws_channel_most_groups(cycle);
    self->consumer = Py_NewRef(consumer);
    if (plan != Py_None && ws_channel_cycle_of(state, send) == cycle) {
        self->plan = Py_NewRef(plan);
        self->consumer_class = (PyTypeObject *)Py_NewRef(Py_TYPE(consumer));
        self->base_send = Py_NewRef(base_send);
    }
    return Py_NewRef(cycle);
}

static void stop_listening(ChannelObject *self) {
    PyObject *cycle = self->cycle;
    if (cycle == NULL) {
        return;
    }
    /* Detached first: whatever runs below may let a consumer listen again. */
    PyObject *held[] = {self->consumer, (PyObject *)self->consumer_class, self->base_send,
                        self->plan};
    self->cycle = self->consumer = self->base_send = self->plan = NULL;
    self->consumer_class = NULL;
    self->member.most = 0;
    ws_channel_detach(cycle);
    groups_leave_all(&self->table->groups,
                     &self->member); /* reported to the loop that is home yet */
    channel_table_leave(self->table);
    channel_drop_messages(self);
    Py_DECREF(cycle);
    for (size_t i = 0; i < sizeof(held) / sizeof(held[0]); i++) {
        Py_XDECREF(held[i]);
    }
}

static PyObject *close_channel(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ChannelObject *self = (ChannelObject *)op;
    Py_INCREF(self);
    stop_listening(self);
    channel_table_forget_if_useless(self->table, self);
    Py_DECREF(self);
    Py_RETURN_NONE;
}

static PyObject *wake_listener(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    ChannelObject *self = (ChannelObject *)op;
    if (self->cycle != NULL && self->count > 0) {
        ws_channel_wake(self->cycle);
    }
    Py_RETURN_NONE;
}

static PyObject *get_name(PyObject *op, void *Py_UNUSED(closure)) {
    return Py_NewRef(((ChannelObject *)op)->name);
}

static PyObject *get_consumer(PyObject *op, void *Py_UNUSED(closure)) {
    PyObject *consumer = ((ChannelObject *)op)->consumer;
    return Py_NewRef(consumer != NULL ? consumer : Py_None);
}

static PyObject *get_is_idle(PyObject *op, void *Py_UNUSED(closure)) {
    return PyBool_FromLong(channel_is_idle((ChannelObject *)op));
}

static PyObject *get_loop(PyObject *op, void *Py_UNUSED(closure)) {
    PyObject *cycle = ((ChannelObject *)op)->cycle;
    PyObject *loop = cycle == NULL ? NULL : ws_channel_loop(cycle);
    return Py_NewRef(loop != NULL ? loop : Py_None);
}

/* --- The type --- */

static int traverse(PyObject *op, visitproc visit, void *arg) {
    ChannelObject *self = (ChannelObject *)op;
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->table);
    Py_VISIT(self->waiters);
    Py_VISIT(self->cycle);
    Py_VISIT(self->consumer);
    Py_VISIT(self->consumer_class);
    Py_VISIT(self->base_send);
    Py_VISIT(self->plan);
    for (uint32_t i = 0; i < self->count; i++) {
        Py_VISIT(self->messages[(self->first + i) % self->slots].message);
    }
    return 0;
}

static int clear(PyObject *op) {
    ChannelObject *self = (ChannelObject *)op;
    stop_listening(self);
    channel_drop_messages(self);
    Py_CLEAR(self->waiters);
    return 0;
}

static void dealloc(PyObject *op) {
    ChannelObject *self = (ChannelObject *)op;
    PyTypeObject *type = Py_TYPE(op);
    PyObject_GC_UnTrack(op);
    (void)clear(op);
    groups_leave_all(&self->table->groups, &self->member);
    Py_CLEAR(self->name);
    Py_CLEAR(self->table);
    type->tp_free(op);
    Py_DECREF(type);
    counters_closed(COUNTER_channels);
}

static PyMethodDef methods[] = {
    {"listen", listen, METH_VARARGS, listen_doc},
    {"close", close_channel, METH_NOARGS,
     "close() -> None\n\nNobody listens any more: leaves all groups and drops the messages."},
    {"wake", wake_listener, METH_NOARGS,
     "wake() -> None\n\nWakes who listens; on the thread of its loop."},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef getset[] = {
    {"name", get_name, NULL, "The channel's name.", NULL},
    {"is_idle", get_is_idle, NULL, "Whether its WebSocket would take a shared frame now.", NULL},
    {"loop", get_loop, NULL, "The loop of who listens, or None.", NULL},
    {"consumer", get_consumer, NULL, "The consumer that listens, or None.", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "A channel of a layer in this process; see casgi/_core.pyi."},
    {Py_tp_traverse, traverse},
    {Py_tp_clear, clear},
    {Py_tp_dealloc, dealloc},
    {Py_tp_methods, methods},
    {Py_tp_getset, getset},
    {0, NULL},
};

PyType_Spec channel_type_spec = {
    .name = "casgi._core.Channel",
    .basicsize = sizeof(ChannelObject),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
             Py_TPFLAGS_DISALLOW_INSTANTIATION,
    .slots = slots,
};
