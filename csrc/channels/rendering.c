/* Running handlers once, by their plans (sharing/plan.py), and taking what they have come to in
 * another process (sharing/fingerprint.py). */
#include "channels/rendering.h"

#include "base/utf8.h"
#include "channels/plain.h"

struct rendering *renderings_find(struct renderings *renderings, const PyObject *plan) {
    for (size_t i = 0; i < renderings->count; i++) {
        if (renderings->each[i].plan == plan) {
            return &renderings->each[i];
        }
    }
    return NULL;
}

void renderings_add(struct renderings *renderings, PyObject *plan) {
    if (renderings->count < MOST_RENDERINGS) {
        renderings->each[renderings->count++] = (struct rendering){.plan = Py_NewRef(plan)};
    }
}

void rendering_forget_exception(void) {
    if (PyErr_Occurred() && PyErr_ExceptionMatches(PyExc_Exception)) {
        PyErr_Clear();
    }
}

/* --- Runs of here --- */

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

/* Only of what is the same for all members: comparisons are with what this process has. */
static void read_fingerprint(struct rendering *rendering, PyObject *fingerprint) {
    bool is_for_all =
        rendering->outcome_count == 1 && PyTuple_GET_SIZE(rendering->outcomes[0].comparisons) == 0;
    if (is_for_all && PyBytes_CheckExact(fingerprint) &&
        PyBytes_GET_SIZE(fingerprint) == RUNS_FINGERPRINT) {
        rendering->fingerprint = slice_of(PyBytes_AS_STRING(fingerprint), RUNS_FINGERPRINT);
    }
}

/* Reads what the plan has given, (outcomes, attributes, fingerprint). */
static bool read_run(struct rendering *rendering) {
    PyObject *run = rendering->run;
    if (run == NULL || !PyTuple_Check(run) || PyTuple_GET_SIZE(run) != 3 ||
        !PyTuple_Check(PyTuple_GET_ITEM(run, 0)) || !PyTuple_Check(PyTuple_GET_ITEM(run, 1))) {
        return false;
    }
    PyObject *outcomes = PyTuple_GET_ITEM(run, 0);
    rendering->attributes = PyTuple_GET_ITEM(run, 1);
    bool is_whole = PyTuple_GET_SIZE(rendering->attributes) > 0;
    for (Py_ssize_t i = 0; is_whole && i < PyTuple_GET_SIZE(outcomes); i++) {
        is_whole = read_outcome(rendering, PyTuple_GET_ITEM(outcomes, i));
    }
    if (is_whole) {
        read_fingerprint(rendering, PyTuple_GET_ITEM(run, 2));
    }
    return is_whole;
}

/* Returns -1 with an exception. */
static int run_handler(struct rendering *rendering, struct module_state *state,
                       struct published *published) {
    PyObject *copy, *message = published_message(published);
    if (message == NULL) {
        return -1;
    }
    if (plain_copy(message, &copy) == 1) {
        rendering->run = PyObject_CallMethodOneArg(rendering->plan, state->strings.run, copy);
        rendering->is_shared = read_run(rendering);
    }
    rendering_forget_exception();
    Py_XDECREF(copy);
    return PyErr_Occurred() ? -1 : 0;
}

int renderings_write(const struct renderings *renderings, const struct published *published) {
    int status = STATUS_OK;
    for (size_t i = 0; status != STATUS_NO_MEMORY && i < renderings->count; i++) {
        const struct rendering *rendering = &renderings->each[i];
        if (rendering->is_shared && rendering->fingerprint.length > 0) {
            status = runs_add(published->made, published->runs.message, rendering->fingerprint,
                              rendering->messages, rendering->message_count);
        }
    }
    if (status == STATUS_NO_MEMORY) {
        PyErr_NoMemory();
    }
    return status == STATUS_NO_MEMORY ? -1 : 0;
}

/* --- Runs of another process --- */

/* Reads what a handler has sent in another process. */
static bool read_messages(struct rendering *rendering, struct run *run) {
    bool is_text, is_sound = true;
    struct slice payload;
    while (is_sound && run_next(run, &is_text, &payload)) {
        struct utf8_state utf8 = {0};
        is_sound = rendering->message_count < MOST_MESSAGES &&
                   (!is_text || (utf8_feed(&utf8, payload) && utf8_is_complete(&utf8)));
        if (is_sound) {
            ws_message_init(&rendering->messages[rendering->message_count++], is_text, payload);
        }
    }
    return is_sound && run->rest.length == 0;
}

/* `attributes` is what members must have, if the plan knows the handler. */
static void take_run(struct rendering *rendering, PyObject *attributes, struct run *run) {
    if (PyTuple_Check(attributes) && PyTuple_GET_SIZE(attributes) > 0) {
        rendering->is_shared = read_messages(rendering, run);
    }
    if (rendering->is_shared) {
        rendering->run = rendering->attributes = Py_NewRef(attributes);
        rendering->outcomes[0].end = rendering->message_count;
        rendering->outcome_count = 1;
    } else {
        rendering->message_count = 0;
    }
}

/* Looks whether the handler has run there, and is the same as here. */
static void find_run(struct rendering *rendering, struct module_state *state, struct runs runs) {
    struct run run;
    while (!rendering->is_shared && runs_next(&runs, &run)) {
        PyObject *fingerprint = PyBytes_FromStringAndSize(run.fingerprint.data, RUNS_FINGERPRINT);
        PyObject *attributes =
            fingerprint == NULL ? NULL
                                : PyObject_CallMethodOneArg(
                                      rendering->plan, state->strings.attributes_for, fingerprint);
        if (attributes != NULL) {
            take_run(rendering, attributes, &run);
        }
        rendering_forget_exception();
        Py_XDECREF(attributes);
        Py_XDECREF(fingerprint);
        if (PyErr_Occurred()) {
            return;
        }
    }
}

/* --- Each --- */

int renderings_make(struct renderings *renderings, struct module_state *state,
                    struct published *published) {
    int status = 0;
    for (size_t i = 0; status == 0 && i < renderings->count; i++) {
        struct rendering *rendering = &renderings->each[i];
        find_run(rendering, state, published->runs);
        if (PyErr_Occurred()) {
            status = -1;
        } else if (!rendering->is_shared) {
            status = run_handler(rendering, state, published);
        }
    }
    return status;
}

void renderings_release(struct renderings *renderings) {
    for (size_t i = 0; i < renderings->count; i++) {
        struct rendering *rendering = &renderings->each[i];
        for (size_t k = 0; k < rendering->message_count; k++) {
            ws_message_release(&rendering->messages[k]);
        }
        Py_XDECREF(rendering->run);
        Py_DECREF(rendering->plan);
    }
}

/* --- Outcomes --- */

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
    rendering_forget_exception();
    Py_DECREF(consumer);
    return does;
}

const struct outcome *rendering_outcome_for(const struct rendering *rendering, PyObject *consumer) {
    for (size_t i = 0; i < rendering->outcome_count && !PyErr_Occurred(); i++) {
        const struct outcome *outcome = &rendering->outcomes[i];
        if (outcome->comparisons == NULL || PyTuple_GET_SIZE(outcome->comparisons) == 0 ||
            (consumer != NULL && applies(outcome, consumer))) {
            return outcome;
        }
    }
    return NULL;
}
