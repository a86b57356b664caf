/* A group message to all members of its group in this process.
 *
 * Each member takes one of two ways. Its consumer's class has a shareable handler for the message,
 * and the member is idle: what the handler sent, once for all, goes straight into its
 * write queue. A handler that compares something of its consumer's with the message has run once
 * for each outcome, and the member gets what belongs to its own. What has run in
 * the process that sent the message need not run here (sharing/fingerprint.py). Or else it gets a
 * copy of the message as an event, and its consumer handles it as under any server.
 * docs/channels.md says why no client can tell the two apart.
 *
 * Application code runs in one place, renderings_make(), which is between two walks over a list
 * that holds the members. */
#include "asgi/ws_channel.h"
#include "channels/channel_table.h"
#include "channels/message_copy.h"
#include "channels/plain.h"
#include "channels/rendering.h"

struct fan_out {
    ChannelTableObject *table;
    PyObject *members; /* list of Channel */
    struct published *published;
    PyObject *source; /* what members' copies are made of: a copy itself, if the message is plain,
                         in which nobody else refers to anything; NULL until the first */
    struct renderings *renderings;
};

static void collect_renderings(struct fan_out *fan_out) {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(fan_out->members); i++) {
        ChannelObject *channel = (ChannelObject *)PyList_GET_ITEM(fan_out->members, i);
        if (channel->plan != NULL && renderings_find(fan_out->renderings, channel->plan) == NULL &&
            channel_is_idle(channel)) {
            renderings_add(fan_out->renderings, channel->plan);
        }
    }
}

/* --- Delivering --- */

/* Bound to the consumer itself, or to its class: the function of another instance's method is the
 * same, and sends to the WebSocket of that. */
static bool is_method(PyObject *attribute, PyObject *consumer, const PyObject *function) {
    return PyMethod_Check(attribute) && PyMethod_GET_FUNCTION(attribute) == function &&
           (PyMethod_GET_SELF(attribute) == consumer ||
            PyMethod_GET_SELF(attribute) == (PyObject *)Py_TYPE(consumer));
}

static bool has_attribute(PyObject *consumer, PyObject *expected) {
    if (!PyTuple_Check(expected) || PyTuple_GET_SIZE(expected) != 3) {
        return false;
    }
    PyObject *value = PyTuple_GET_ITEM(expected, 1);
    PyObject *attribute = PyObject_GetAttr(consumer, PyTuple_GET_ITEM(expected, 0));
    bool has_it = attribute != NULL &&
                  (PyTuple_GET_ITEM(expected, 2) == Py_True ? is_method(attribute, consumer, value)
                                                            : attribute == value);
    Py_XDECREF(attribute);
    return has_it;
}

/* The consumer is what its class says: no attribute of its own hides a method that the handler
 * uses, and what it sends goes to its WebSocket as when it began to listen. The keys of its
 * __dict__ may be application code, which closes the channel. */
static bool is_as_its_class(const ChannelObject *channel, const struct rendering *rendering) {
    if (!Py_IS_TYPE(channel->consumer, channel->consumer_class)) {
        return false;
    }
    struct module_strings *strings = &channel->table->state->strings;
    PyObject *consumer = Py_NewRef(channel->consumer);
    PyObject *base_send = PyObject_GetAttr(consumer, strings->base_send);
    bool is_same = base_send != NULL && base_send == channel->base_send;
    Py_XDECREF(base_send);
    for (Py_ssize_t i = 0; is_same && i < PyTuple_GET_SIZE(rendering->attributes); i++) {
        is_same = has_attribute(consumer, PyTuple_GET_ITEM(rendering->attributes, i));
    }
    rendering_forget_exception();
    Py_DECREF(consumer);
    return is_same;
}

static bool deliver_shared(struct fan_out *fan_out, ChannelObject *channel) {
    struct rendering *rendering =
        channel->plan == NULL ? NULL : renderings_find(fan_out->renderings, channel->plan);
    if (rendering == NULL || !rendering->is_shared || !channel_table_is_home(fan_out->table) ||
        !channel_is_idle(channel) || !is_as_its_class(channel, rendering) ||
        !channel_is_idle(channel)) {
        return false;
    }
    const struct outcome *outcome = rendering_outcome_for(rendering, channel->consumer);
    if (outcome == NULL || !channel_is_idle(channel)) {
        return false;
    }
    PyObject *cycle = Py_NewRef(channel->cycle); /* a frame too many closes the WebSocket */
    for (size_t i = outcome->first; i < outcome->end; i++) {
        fan_out->table->shared += ws_channel_deliver(cycle, &rendering->messages[i]);
    }
    Py_DECREF(cycle);
    return true;
}

/* Thousands of members do not fit into a processor's cache: what the one after next is made of is
 * fetched meanwhile. */
static void look_ahead(const struct fan_out *fan_out, Py_ssize_t i) {
    Py_ssize_t size = PyList_GET_SIZE(fan_out->members);
    if (i + 4 < size) {
        __builtin_prefetch(PyList_GET_ITEM(fan_out->members, i + 4));
    }
    if (i + 2 < size) {
        const ChannelObject *channel =
            (const ChannelObject *)PyList_GET_ITEM(fan_out->members, i + 2);
        __builtin_prefetch(channel->consumer);
        __builtin_prefetch(channel->cycle);
    }
}

/* Returns new copy for one more member, or NULL with an exception. */
static PyObject *new_copy(struct fan_out *fan_out) {
    PyObject *message = published_message(fan_out->published);
    if (message != NULL && fan_out->source == NULL &&
        (PyList_GET_SIZE(fan_out->members) == 1 || plain_copy(message, &fan_out->source) == 0)) {
        fan_out->source = Py_NewRef(message);
    }
    return fan_out->source == NULL ? NULL : message_copy(fan_out->table->state, fan_out->source);
}

/* A full channel loses the message, as every layer says; -1 with an exception of the copy. */
static int deliver_event(struct fan_out *fan_out, ChannelObject *channel) {
    PyObject *copy = new_copy(fan_out);
    int status = copy == NULL ? -1 : channel_put(channel, copy, false);
    fan_out->table->dropped += status == 0;
    return status;
}

/* Returns how many events that took: 1 or 0; -1 with an exception. */
static int deliver(struct fan_out *fan_out, ChannelObject *channel) {
    if (deliver_shared(fan_out, channel)) {
        return 0;
    }
    if (PyErr_Occurred()) {
        return -1;
    }
    bool is_event = channel_is_open(channel);
    return is_event && deliver_event(fan_out, channel) < 0 ? -1 : is_event;
}

Py_ssize_t channel_table_fan_out(ChannelTableObject *table, struct slice group, uint64_t end,
                                 struct published *published) {
    struct renderings renderings;
    renderings.count = 0;
    struct fan_out fan_out = {.table = table,
                              .members = channel_table_members(table, group, end),
                              .published = published,
                              .renderings = &renderings};
    Py_ssize_t events = fan_out.members == NULL ? -1 : 0;
    if (events == 0) {
        collect_renderings(&fan_out);
        events = renderings_make(&renderings, table->state, published);
    }
    if (events == 0 && published->made != NULL) {
        events = renderings_write(&renderings, published);
    }
    for (Py_ssize_t i = 0; events >= 0 && i < PyList_GET_SIZE(fan_out.members); i++) {
        ChannelObject *channel = (ChannelObject *)PyList_GET_ITEM(fan_out.members, i);
        look_ahead(&fan_out, i);
        int added = deliver(&fan_out, channel);
        events = added < 0 ? -1 : events + added;
    }
    renderings_release(&renderings);
    Py_XDECREF(fan_out.source);
    Py_XDECREF(fan_out.members);
    return events;
}
