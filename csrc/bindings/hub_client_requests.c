/* What a process asks of the hub: the methods of casgi._core.HubClient that send something. Holds
 * nothing. */
#include "bindings/hub_client_requests.h"

#include "base/limits.h"

/* Returns the client, or NULL with an exception. */
static struct hub_client *client_of(PyObject *op) {
    HubClientObject *self = (HubClientObject *)op;
    if (self->client == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "the client of the hub is closed");
    } else if (self->own_loop != NULL) {
        event_loop_update_time(self->own_loop);
    }
    return self->client;
}

/* A number that `acked` will come to, or what is negative. */
static PyObject *answer(int status, uint64_t number) {
    switch (status) {
    case STATUS_OK:
        return PyLong_FromUnsignedLongLong(number);
    case STATUS_NO_MEMORY:
        return PyErr_NoMemory();
    case STATUS_TOO_LARGE:
        return PyErr_Format(PyExc_ValueError,
                            "too large for the hub: a message has at most %d bytes, a name %d",
                            LIMIT_HUB_MESSAGE, LIMIT_HUB_NAME);
    default:
        return PyLong_FromLong(status);
    }
}

PyObject *hub_client_requests_publish(PyObject *op, PyObject *args) {
    struct slice topic, payload;
    Py_ssize_t topic_length, payload_length;
    int wants_receiver = 0;
    struct hub_client *client = client_of(op);
    if (client == NULL || !PyArg_ParseTuple(args, "y#y#|p:publish", &topic.data, &topic_length,
                                            &payload.data, &payload_length, &wants_receiver)) {
        return NULL;
    }
    topic.length = (size_t)topic_length;
    payload.length = (size_t)payload_length;
    uint64_t number = 0;
    int status = hub_client_publish(client, topic, payload, wants_receiver, &number);
    return answer(status, number);
}

PyObject *hub_client_requests_send(PyObject *op, PyObject *args) {
    struct slice channel, payload;
    Py_ssize_t channel_length, payload_length;
    unsigned int capacity, milliseconds;
    int is_noted = 0;
    struct hub_client *client = client_of(op);
    if (client == NULL ||
        !PyArg_ParseTuple(args, "y#y#II|p:send", &channel.data, &channel_length, &payload.data,
                          &payload_length, &capacity, &milliseconds, &is_noted)) {
        return NULL;
    }
    channel.length = (size_t)channel_length;
    payload.length = (size_t)payload_length;
    uint64_t number = 0;
    int status =
        hub_client_send(client, channel, payload, capacity, milliseconds, is_noted, &number);
    return answer(status, number);
}

static PyObject *request(PyObject *op, PyObject *name,
                         int (*act)(struct hub_client *client, struct slice name,
                                    uint64_t *number)) {
    struct hub_client *client = client_of(op);
    char *text;
    Py_ssize_t length;
    if (client == NULL || PyBytes_AsStringAndSize(name, &text, &length) < 0) {
        return NULL;
    }
    uint64_t number = 0;
    int status = act(client, slice_of(text, (size_t)length), &number);
    return answer(status, number);
}

PyObject *hub_client_requests_receive(PyObject *op, PyObject *channel) {
    return request(op, channel, hub_client_receive);
}

PyObject *hub_client_requests_abandon(PyObject *op, PyObject *channel) {
    return request(op, channel, hub_client_abandon);
}

PyObject *hub_client_requests_announce(PyObject *op, PyObject *topic) {
    return request(op, topic, hub_client_announce);
}

PyObject *hub_client_requests_withdraw(PyObject *op, PyObject *topic) {
    return request(op, topic, hub_client_withdraw);
}

PyObject *hub_client_requests_connect(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    struct hub_client *client = client_of(op);
    return client == NULL ? NULL : PyBool_FromLong(hub_client_connect(client) == STATUS_OK);
}

PyObject *hub_client_requests_notify(PyObject *op, PyObject *value) {
    struct hub_client *client = client_of(op);
    unsigned long long number = client == NULL ? 0 : PyLong_AsUnsignedLongLong(value);
    if (PyErr_Occurred()) {
        return NULL;
    }
    bool is_open = client->state == HUB_CLIENT_GREETING || client->state == HUB_CLIENT_UP;
    if (!is_open || client->acked >= number) {
        Py_RETURN_FALSE;
    }
    hub_client_write(client);
    client->wanted = client->wanted == 0 || number < client->wanted ? number : client->wanted;
    Py_RETURN_TRUE;
}

PyObject *hub_client_requests_resume(PyObject *op, PyObject *Py_UNUSED(ignored)) {
    struct hub_client *client = client_of(op);
    if (client == NULL) {
        return NULL;
    }
    hub_client_resume(client);
    Py_RETURN_NONE;
}

PyObject *hub_client_requests_join(PyObject *op, PyObject *args) {
    const char *topic, *channel;
    Py_ssize_t topic_length, channel_length;
    unsigned int limits[3];
    struct hub_client *client = client_of(op);
    if (client == NULL || !PyArg_ParseTuple(args, "y#y#III:join", &topic, &topic_length, &channel,
                                            &channel_length, &limits[0], &limits[1], &limits[2])) {
        return NULL;
    }
    uint64_t number = 0;
    int status = hub_client_join(client, slice_of(topic, (size_t)topic_length),
                                 slice_of(channel, (size_t)channel_length), limits, &number);
    return answer(status, number);
}

PyObject *hub_client_requests_leave(PyObject *op, PyObject *args) {
    const char *topic, *channel;
    Py_ssize_t topic_length, channel_length;
    struct hub_client *client = client_of(op);
    if (client == NULL ||
        !PyArg_ParseTuple(args, "y#y#:leave", &topic, &topic_length, &channel, &channel_length)) {
        return NULL;
    }
    uint64_t number = 0;
    int status = hub_client_leave(client, slice_of(topic, (size_t)topic_length),
                                  slice_of(channel, (size_t)channel_length), &number);
    return answer(status, number);
}

PyObject *hub_client_requests_flush(PyObject *op, PyObject *beginning) {
    return request(op, beginning, hub_client_flush);
}
