/* Building a response from ASGI messages. Owns the head until it is sent; the exchange is borrowed,
 * and may be over after each call into it. */
#include "asgi/response.h"

#include "asgi/message.h"
#include "base/limits.h"
#include "base/status.h"

void response_init(struct response *response, struct bridge *bridge, struct exchange *exchange) {
    *response =
        (struct response){.bridge = bridge, .exchange = exchange, .state = RESPONSE_NOTHING};
}

int response_take_start(struct response *response, PyObject *message) {
    int status = 0;
    if (message_int(message, response->bridge->state->strings.status, 0, &status) < 0) {
        return -1;
    }
    if (status < 200 || status > 999) {
        PyErr_Format(PyExc_ValueError, "a response needs a 'status' from 200 to 999, not %d",
                     status);
        return -1;
    }
    struct response_start *start = response_start_new(response->bridge, message, status);
    if (start == NULL) {
        return -1;
    }
    if (response->state != RESPONSE_NOTHING) { /* looked at last: reading may run Python code */
        response_start_free(start);
        PyErr_SetString(PyExc_RuntimeError, "the response was started already");
        return -1;
    }
    response->start = start;
    response->state = RESPONSE_STARTED;
    return 0;
}

/* Sends the head that was kept. `length` is the whole body's when this is all of it, else -1. */
static int send_head(struct response *response, int64_t length) {
    struct response_start *start = response->start;
    response->start = NULL;
    int status = exchange_respond(response->exchange, &start->head, &start->facts, length);
    response_start_free(start);
    return status;
}

/* Passes a part of the body on: small ones by copy, others in place, kept alive by their frame. */
static int send_part(struct response *response, PyObject *bytes, bool is_last) {
    struct slice part = message_slice(bytes);
    if (part.length <= LIMIT_COPIED_BODY) {
        return exchange_send(response->exchange, part, is_last);
    }
    struct frame *frame = frame_wrap(part, message_release_bytes, bytes);
    if (frame == NULL) {
        return STATUS_NO_MEMORY;
    }
    Py_INCREF(bytes);
    return exchange_send_frame(response->exchange, frame, is_last);
}

static int send_body(struct response *response, PyObject *bytes, bool is_first, bool is_last) {
    if (response->exchange == NULL) {
        return STATUS_CLOSED;
    }
    if (is_first) {
        int64_t length = PyBytes_GET_SIZE(bytes);
        /* the Content-Length of an empty body may be that of what HEAD or 304 leave out: framing
         * decides */
        bool is_empty = is_last && length == 0 && response->start->facts.content_length <= 0;
        int status = send_head(response, is_empty ? 0 : is_last && length > 0 ? length : -1);
        if (status != STATUS_OK || is_empty) {
            return status;
        }
    }
    return send_part(response, bytes, is_last);
}

static void raise_status(struct response *response, int status) {
    if (status == STATUS_INVALID) {
        PyErr_SetString(PyExc_RuntimeError, "the body is longer or shorter than the Content-Length "
                                            "header said; the connection was cut");
    } else if (status != STATUS_OK && status != STATUS_CLOSED) {
        bridge_raise_status(response->bridge, status, "the response could not be sent");
    }
}

int response_take_body(struct response *response, PyObject *message) {
    struct module_strings *strings = &response->bridge->state->strings;
    PyObject *bytes = NULL;
    bool has_more = false;
    if (message_body(message, strings->body, &bytes) < 0 ||
        message_bool(message, strings->more_body, &has_more) < 0) {
        Py_XDECREF(bytes);
        return STATUS_INVALID;
    }
    if (response->state == RESPONSE_NOTHING || response->state == RESPONSE_COMPLETE) {
        PyErr_SetString(PyExc_RuntimeError,
                        response->state == RESPONSE_COMPLETE
                            ? "unexpected ASGI message: the response is complete"
                            : "the response's start must be sent before its body");
        Py_XDECREF(bytes);
        return STATUS_STATE;
    }
    if (bytes == NULL) {
        bytes = Py_NewRef(response->bridge->state->empty_bytes);
    }
    bool is_first = response->state == RESPONSE_STARTED;
    response->state =
        has_more ? RESPONSE_BEGUN : RESPONSE_COMPLETE; /* the exchange may end inside */
    int status = send_body(response, bytes, is_first, !has_more);
    Py_DECREF(bytes);
    if (status == STATUS_INVALID) {
        response->state = RESPONSE_COMPLETE;
    }
    raise_status(response, status);
    return status;
}

/* Returns what the response was, and frees what is kept of it; COMPLETE when there is nothing to
 * do. */
static enum response_state give_up(struct response *response) {
    enum response_state state = response->state;
    response->state = RESPONSE_COMPLETE;
    response_release(response);
    return response->exchange != NULL ? state : RESPONSE_COMPLETE;
}

void response_fail(struct response *response) {
    enum response_state state = give_up(response);
    if (state == RESPONSE_BEGUN) {
        exchange_abort(response->exchange);
    } else if (state != RESPONSE_COMPLETE) {
        exchange_answer(response->exchange, 500, SLICE_LITERAL("Internal Server Error"), NULL);
    }
}

void response_drop(struct response *response) {
    if (give_up(response) != RESPONSE_COMPLETE) {
        exchange_abort(response->exchange);
    }
}

void response_release(struct response *response) {
    response_start_free(response->start);
    response->start = NULL;
}
