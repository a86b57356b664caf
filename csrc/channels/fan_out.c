/* A group message to all members of its group in this process.
 *
 * Each member takes one of two ways. Its consumer's class has a shareable handler for the message,
 * and the member is idle: what the handler sent, once for all, goes straight into its
 * write queue. A handler that compares something of its consumer's with the message has run once
 * for each outcome, and the member gets what belongs to its own. Or else it gets a copy of the
 * message as an event, and its consumer handles it as under any server. docs/channels.md says why
 * no client can tell the two apart.
 *
 * Application code runs in one place, render(), which is between two walks over a list that
 * holds the members. */
#include "asgi/ws_channel.h"
#include "channels/channel_table.h"
#include "channels/message_copy.h"
#include "channels/plain.h"

enum { MOST_RENDERINGS = 16, MOST_OUTCOMES = 4, MOST_MESSAGES = 8 };

/* For those members of whose consumers some comparisons are true or not. */
struct outcome {
    PyObject *comparisons; /* tuple of (attribute, value, are they equal); borrowed */
    size_t first, end;     /* its messages */
};

/* What one class of consumers makes of the message. */
struct rendering {
    PyObject *plan;       /* of a member */
    PyObject *run;        /* what the plan has given, SharedRun in plan.py: owns the others */
    PyObject *attributes; /* tuple of (name, value, is it a method) of each consumer; borrowed */
    struct outcome outcomes[MOST_OUTCOMES];
    size_t outcome_count;
    struct ws_message messages[MOST_MESSAGES];
    size_t message_count;
    bool is_shared;
};

struct fan_out {
    ChannelTableObject *table;
    PyObject *members; /* list of Channel */
    PyObject *message;
    PyObject *source; /* what members' copies are made of: a copy itself, if the message is plain,
                         in which nobody else refers to anything; NULL until the first */
    struct rendering *renderings; /* MOST_RENDERINGS, of which so many are initialised */
    size_t rendering_count;
};

static struct rendering *find_rendering(struct fan_out *fan_out, const PyObject *plan) {
    for (size_t i = 0; i < fan_out->rendering_count; i++) {
        if (fan_out->renderings[i].plan == plan) {
            return &fan_out->renderings[i];
        }
    }
    return NULL;
}

static void collect_renderings(struct fan_out *fan_out) {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(fan_out->members); i++) {
        ChannelObject *channel = (ChannelObject *)PyList_GET_ITEM(fan_out->members, i);
        if (channel->plan != NULL && fan_out->rendering_count < MOST_RENDERINGS &&
            find_rendering(fan_out, channel->plan) == NULL && channel_is_idle(channel)) {
            fan_out->renderings[fan_out->rendering_count++] =
                (struct rendering){.plan = Py_NewRef(channel->plan)};
        }
    }
}

/* --- Running the handlers --- */

/* Forgets an exception that the consumer will meet itself; one that ends the process
 * (KeyboardInterrupt, SystemExit) stays set. */
static void forget_exception(void) {
    if (PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_Exception)) {
        PyErr_Clear();
    }
}

/* Reads one text or bytes. False when it is something else, maybe with an exception of a text that
 * is no Unicode. */
static bool read_payload(struct rendering *rendering, PyObject *payload) {
    Py_ssize_t length = -1;
    const char *data = NULL;
    bool is_text = PyUnicode_CheckExact(payload);
    if (is_text) {
        data = PyUnicode_AsUTF8AndSize(payload, &length);
    } else if (PyBytes_CheckExact(payload)) {
        data = PyBytes_AS_STRING(payload);
        length = PyBytes_GET_SIZE(payload);
    }
    if (data == NULL || rendering->message_count == MOST_MESSAGES) {
        return false;
    }
    ws_message_init(&rendering->messages[rendering->message_count++], is_text,
                    slice_of(data, (size_t)length));
    return true;
}

/* Reads (comparisons, payloads). */
static bool read_outcome(struct rendering *rendering, PyObject *given) {
    if (rendering->outcome_count == MOST_OUTCOMES || !PyTuple_Check(given) ||
        PyTuple_GET_SIZE(given) != 2 || !PyTuple_Check(PyTuple_GET_ITEM(given, 0)) ||
        !PyTuple_Check(PyTuple_GET_ITEM(given, 1))) {
        return false;
    }
    PyObject *payloads = PyTuple_GET_ITEM(given, 1);
    struct outcome *outcome = &rendering->outcomes[rendering->outcome_count++];
    outcome->comparisons = PyTuple_GET_ITEM(given, 0);
    outcome->first = rendering->message_count;
    bool is_whole = true;
    for (Py_ssize_t i = 0; is_whole && i < PyTuple_GET_SIZE(payloads); i++) {
        is_whole = read_payload(rendering, PyTuple_GET_ITEM(payloads, i));
    }
    outcome->end = rendering->message_count;
    return is_whole;
}

/* Reads what the plan has given, (outcomes, attributes). */
static bool read_run(struct rendering *rendering) {
    PyObject *run = rendering->run;
    if (run == NULL || !PyTuple_Check(run) || PyTuple_GET_SIZE(run) != 2 ||
        !PyTuple_Check(PyTuple_GET_ITEM(run, 0)) || !PyTuple_Check(PyTuple_GET_ITEM(run, 1))) {
        return false;
    }
    PyObject *outcomes = PyTuple_GET_ITEM(run, 0);
    rendering->attributes = PyTuple_GET_ITEM(run, 1);
    bool is_whole = PyTuple_GET_SIZE(rendering->attributes) > 0;
    for (Py_ssize_t i = 0; is_whole && i < PyTuple_GET_SIZE(outcomes); i++) {
        is_whole = read_outcome(rendering, PyTuple_GET_ITEM(outcomes, i));
    }
    return is_whole;
}

static int render_for(struct fan_out *fan_out, struct rendering *rendering) {
    struct module_strings *strings = &fan_out->table->state->strings;
    PyObject *copy;
    if (plain_copy(fan_out->message, &copy) == 1) {
        rendering->run = PyObject_CallMethodOneArg(rendering->plan, strings->run, copy);
        rendering->is_shared = read_run(rendering);
    }
    forget_exception();
    Py_XDECREF(copy);
    return PyErr_Occurred() ? -1 : 0;
}

/* Returns -1 when the process is to end: KeyboardInterrupt, SystemExit. */
static int render(struct fan_out *fan_out) {
    int status = 0;
    for (size_t i = 0; status == 0 && i < fan_out->rendering_count; i++) {
        status = render_for(fan_out, &fan_out->renderings[i]);
    }
    return status;
}

static void release_renderings(struct fan_out *fan_out) {
    for (size_t i = 0; i < fan_out->rendering_count; i++) {
        struct rendering *rendering = &fan_out->renderings[i];
        for (size_t k = 0; k < rendering->message_count; k++) {
            ws_message_release(&rendering->messages[k]);
        }
        Py_XDECREF(rendering->run);
        Py_DECREF(rendering->plan);
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
    forget_exception();
    Py_DECREF(consumer);
    return is_same;
}

/* Compares what a consumer has with a plain value: 1, 0, or -1 when that takes more than comparing
 * texts and numbers, which only the consumer itself may do. */
static int equals(PyObject *consumer, PyObject *name, PyObject *value) {
    PyObject *attribute = PyObject_GetAttr(consumer, name);
    int is_equal = -1;
    if (attribute != NULL && (attribute == Py_None || PyUnicode_CheckExact(attribute) ||
                              PyLong_CheckExact(attribute) || PyBool_Check(attribute))) {
        is_equal = PyObject_RichCompareBool(attribute, value, Py_EQ);
    }
    Py_XDECREF(attribute);
    return is_equal;
}

static bool applies(const struct outcome *outcome, PyObject *consumer) {
    bool does = true;
    Py_INCREF(consumer);
    for (Py_ssize_t i = 0; does && i < PyTuple_GET_SIZE(outcome->comparisons); i++) {
        PyObject *each = PyTuple_GET_ITEM(outcome->comparisons, i);
        does = PyTuple_Check(each) && PyTuple_GET_SIZE(each) == 3 &&
               equals(consumer, PyTuple_GET_ITEM(each, 0), PyTuple_GET_ITEM(each, 1)) ==
                   (PyTuple_GET_ITEM(each, 2) == Py_True);
    }
    forget_exception();
    Py_DECREF(consumer);
    return does;
}

static const struct outcome *outcome_for(const struct rendering *rendering,
                                         const ChannelObject *channel) {
    for (size_t i = 0; i < rendering->outcome_count && !PyErr_Occurred(); i++) {
        const struct outcome *outcome = &rendering->outcomes[i];
        if (PyTuple_GET_SIZE(outcome->comparisons) == 0 ||
            (channel->consumer != NULL && applies(outcome, channel->consumer))) {
            return outcome;
        }
    }
    return NULL;
}

static bool deliver_shared(struct fan_out *fan_out, ChannelObject *channel) {
    struct rendering *rendering =
        channel->plan == NULL ? NULL : find_rendering(fan_out, channel->plan);
    if (rendering == NULL || !rendering->is_shared || !channel_table_is_home(fan_out->table) ||
        !channel_is_idle(channel) || !is_as_its_class(channel, rendering) ||
        !channel_is_idle(channel)) {
        return false;
    }
    const struct outcome *outcome = outcome_for(rendering, channel);
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
    if (fan_out->source == NULL && (PyList_GET_SIZE(fan_out->members) == 1 ||
                                    plain_copy(fan_out->message, &fan_out->source) == 0)) {
        fan_out->source = Py_NewRef(fan_out->message);
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
                                 PyObject *message) {
    struct rendering renderings[MOST_RENDERINGS]; /* too large to be cleared for each message */
    struct fan_out fan_out = {.table = table,
                              .members = channel_table_members(table, group, end),
                              .message = message,
                              .renderings = renderings};
    Py_ssize_t events = fan_out.members == NULL ? -1 : 0;
    if (events == 0) {
        collect_renderings(&fan_out);
        events = render(&fan_out);
    }
    for (Py_ssize_t i = 0; events >= 0 && i < PyList_GET_SIZE(fan_out.members); i++) {
        ChannelObject *channel = (ChannelObject *)PyList_GET_ITEM(fan_out.members, i);
        look_ahead(&fan_out, i);
        int added = deliver(&fan_out, channel);
        events = added < 0 ? -1 : events + added;
    }
    release_renderings(&fan_out);
    Py_XDECREF(fan_out.source);
    Py_XDECREF(fan_out.members);
    return events;
}
