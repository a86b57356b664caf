/* Bodies of requests. Each owns its bytes, and no memory when there are none. */
#include "asgi/request_body.h"

#include "asgi/event.h"
#include "base/limits.h"
#include "base/status.h"

void request_body_init(struct request_body *body) {
    *body = (struct request_body){.bytes = BUFFER_EMPTY};
}

int request_body_append(struct request_body *body, struct slice bytes, bool is_last) {
    int status = buffer_append(&body->bytes, bytes);
    if (status == STATUS_OK && is_last) {
        body->state = BODY_COMPLETE;
    }
    return status;
}

bool request_body_is_full(const struct request_body *body) {
    return body->state == BODY_ARRIVING && body->bytes.length > LIMIT_RECEIVE_BUFFER;
}

bool request_body_has_event(const struct request_body *body) {
    return body->state == BODY_COMPLETE || body->bytes.length > 0;
}

PyObject *request_body_take(struct request_body *body, struct module_state *state, size_t most) {
    struct module_strings *strings = &state->strings;
    size_t length = body->bytes.length < most ? body->bytes.length : most;
    bool is_last = length == body->bytes.length && body->state == BODY_COMPLETE;
    PyObject *bytes = length == 0 ? Py_NewRef(state->empty_bytes)
                                  : PyBytes_FromStringAndSize(body->bytes.data, (Py_ssize_t)length);
    PyObject *event = bytes == NULL ? NULL : event_new(state, strings->http_request);
    event = event_with(event, strings->body, bytes);
    event = event == NULL
                ? NULL
                : event_with(event, strings->more_body, Py_NewRef(is_last ? Py_False : Py_True));
    if (event == NULL) {
        return NULL;
    }
    buffer_consume(&body->bytes, length);
    if (is_last) {
        body->state = BODY_RECEIVED;
    }
    if (body->bytes.length == 0) {
        buffer_release(&body->bytes);
    }
    return event;
}

void request_body_release(struct request_body *body) {
    buffer_release(&body->bytes);
}
