/* Building a response from ASGI messages. Owns the head until it is sent; the exchange is borrowed,
 * and may be over after each call into it. */
#include "asgi/response.h"

#include "asgi/message.h"
#include "asgi/response_file.h"
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
    bool has_trailers = false;
    if (response->takes_trailers &&
        message_bool(message, response->bridge->state->strings.trailers, &has_trailers) < 0) {
        return -1;
    }
    struct response_start *start = response_start_new(response->bridge, message, status);
    if (start == NULL) {
        return -1;
    }
    start->head.trailers = has_trailers;
    if (response->state != RESPONSE_NOTHING) { /* looked at last: reading may run Python code */
        response_start_free(start);
        PyErr_SetString(PyExc_RuntimeError, "the response was started already");
        return -1;
    }
    response->start = start;
    response->has_trailers = has_trailers;
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

/* A part of the body: of a file, or bytes. Whoever has one owns its references. */
struct part {
    PyObject *bytes;
    struct file_range range;
};

static int64_t length_of(const struct part *part) {
    return part->bytes != NULL ? PyBytes_GET_SIZE(part->bytes) : (int64_t)part->range.length;
}

static void drop_part(struct part *part) {
    Py_CLEAR(part->bytes);
    file_unref(part->range.file);
    part->range.file = NULL;
}

/* Passes a part of the body on: small ones by copy, others in place, kept alive by their frame. */
static int send_part(struct response *response, struct part *part, bool is_last) {
    if (part->bytes == NULL) {
        (void)file_ref(part->range.file);
        return exchange_send_file(response->exchange, &part->range, is_last);
    }
    struct slice bytes = message_slice(part->bytes);
    if (bytes.length <= LIMIT_COPIED_BODY) {
        return exchange_send(response->exchange, bytes, is_last);
    }
    struct frame *frame = frame_wrap(bytes, message_release_bytes, part->bytes);
    if (frame == NULL) {
        return STATUS_NO_MEMORY;
    }
    Py_INCREF(part->bytes);
    return exchange_send_frame(response->exchange, frame, is_last);
}

static int send_body(struct response *response, struct part *part, bool is_first, bool is_last) {
    if (response->exchange == NULL) {
        return STATUS_CLOSED;
    }
    if (is_first) {
        int64_t length = length_of(part);
        /* the Content-Length of an empty body may be that of what HEAD or 304 leave out: framing
         * decides */
        bool is_empty = is_last && length == 0 && response->start->facts.content_length <= 0;
        int status = send_head(response, is_empty ? 0 : is_last && length > 0 ? length : -1);
        if (status != STATUS_OK || is_empty) {
            return status;
        }
    }
    return send_part(response, part, is_last);
}

static void raise_status(struct response *response, int status) {
    if (status == STATUS_INVALID) {
        PyErr_SetString(PyExc_RuntimeError, "the body is longer or shorter than the Content-Length "
                                            "header said; the connection was cut");
    } else if (status == STATUS_SYSTEM) {
        PyErr_SetString(PyExc_RuntimeError,
                        "a file has become shorter while it was sent; the connection was cut");
    } else if (status != STATUS_OK && status != STATUS_CLOSED) {
        bridge_raise_status(response->bridge, status, "the response could not be sent");
    }
}

static int refuse(const char *what) {
    PyErr_SetString(PyExc_RuntimeError, what);
    return STATUS_STATE;
}

/* Whether a body can come now. */
static int check_state(const struct response *response) {
    switch (response->state) {
    case RESPONSE_COMPLETE:
        return refuse("unexpected ASGI message: the response is complete");
    case RESPONSE_TRAILERS:
        return refuse("the body is complete: http.response.trailers must follow");
    case RESPONSE_NOTHING:
        return refuse("the response's start must be sent before its body");
    default:
        return STATUS_OK;
    }
}

/* *Takes* the references of the part. */
static int take_part(struct response *response, struct part part, bool has_more) {
    int status = check_state(response);
    if (status != STATUS_OK) {
        drop_part(&part);
        return status;
    }
    bool is_first = response->state == RESPONSE_STARTED;
    bool is_last = !has_more && !response->has_trailers;
    response->state = has_more ? RESPONSE_BEGUN
                      : response->has_trailers
                          ? RESPONSE_TRAILERS
                          : RESPONSE_COMPLETE; /* the exchange may end inside */
    status = send_body(response, &part, is_first, is_last);
    drop_part(&part);
    if (status == STATUS_INVALID) {
        response->state = RESPONSE_COMPLETE;
    }
    raise_status(response, status);
    return status;
}

int response_take_body(struct response *response, PyObject *message) {
    struct module_strings *strings = &response->bridge->state->strings;
    struct part part = {.bytes = NULL};
    bool has_more = false;
    if (message_bytes(message, strings->body, &part.bytes) < 0 ||
        message_bool(message, strings->more_body, &has_more) < 0) {
        drop_part(&part);
        return STATUS_INVALID;
    }
    if (part.bytes == NULL) {
        part.bytes = Py_NewRef(response->bridge->state->empty_bytes);
    }
    return take_part(response, part, has_more);
}

/* --- Files --- */

/* Makes the file as long as the Content-Length says: it may have grown since the application has
 * looked at it. STATUS_INVALID, nothing being sent yet, when it is shorter. */
static int fit(const struct response *response, struct file_range *range) {
    int64_t said = response->start->facts.content_length;
    if (said > (int64_t)range->length) {
        PyErr_SetString(PyExc_RuntimeError,
                        "the file is shorter than the Content-Length header says");
        return STATUS_INVALID;
    }
    range->length = said >= 0 ? (uint64_t)said : range->length;
    return STATUS_OK;
}

int response_take_path(struct response *response, PyObject *message) {
    struct part part = {.bytes = NULL};
    if (response_file_open(response->bridge, message, &part.range) < 0) {
        return STATUS_INVALID;
    }
    int status = check_state(response);
    if (status == STATUS_OK && response->state != RESPONSE_STARTED) {
        status = refuse("http.response.pathsend is a whole body: no http.response.body can come "
                        "before it");
    }
    if (status == STATUS_OK) {
        status = fit(response, &part.range);
    }
    if (status == STATUS_OK) {
        return take_part(response, part, false);
    }
    drop_part(&part);
    return status;
}

int response_take_file(struct response *response, PyObject *message) {
    struct part part = {.bytes = NULL};
    bool has_more = false;
    if (message_bool(message, response->bridge->state->strings.more_body, &has_more) < 0 ||
        check_state(response) != STATUS_OK || /* before the file's position moves */
        response_file_take(response->bridge, message, &part.range) < 0) {
        return STATUS_INVALID;
    }
    return take_part(response, part, has_more);
}

/* --- What goes around the body --- */

/* Keeps fields that have been read, as pairs of plain bytes. Returns -1 with an exception. */
static int keep_trailers(struct response *response, const struct response_start *fields) {
    if (response->trailers == NULL && (response->trailers = PyList_New(0)) == NULL) {
        return -1;
    }
    for (size_t i = 0; i < fields->keeper_count; i += 2) {
        PyObject *pair = PyTuple_Pack(2, fields->keepers[i], fields->keepers[i + 1]);
        int result = pair == NULL ? -1 : PyList_Append(response->trailers, pair);
        Py_XDECREF(pair);
        if (result < 0) {
            return -1;
        }
    }
    return 0;
}

/* STATUS_STATE with an exception when fields make the trailers too large. */
static int count_trailers(struct response *response, const struct response_start *fields) {
    for (size_t i = 0; i < fields->head.header_count; i++) {
        const struct http_header *field = &fields->head.headers[i];
        response->trailer_size += field->name.length + field->value.length + LIMIT_FIELD_OVERHEAD;
    }
    if (response->trailer_size <= LIMIT_RESPONSE_TRAILERS) {
        return STATUS_OK;
    }
    Py_CLEAR(response->trailers);
    return refuse("the trailers of a response are more than 64 KiB, which are kept until the last "
                  "has come: send what has no end as its body");
}

static int send_trailers(struct response *response, const struct response_start *trailers) {
    const struct http_response_head *fields = &trailers->head;
    response->state = RESPONSE_COMPLETE;
    Py_CLEAR(response->trailers);
    int status =
        response->exchange == NULL
            ? STATUS_CLOSED
            : exchange_send_trailers(response->exchange, fields->headers, fields->header_count);
    raise_status(response, status);
    return status;
}

/* Sends the fields when they are the last, with those that were kept. */
static int take_trailers(struct response *response, const struct response_start *fields,
                         bool has_more) {
    if (response->state != RESPONSE_TRAILERS) {
        return refuse("http.response.trailers comes behind the last http.response.body of a "
                      "response whose http.response.start said 'trailers': True");
    }
    int counted = count_trailers(response, fields);
    if (counted != STATUS_OK) {
        return counted;
    }
    if (!has_more && response->trailers == NULL) {
        return send_trailers(response, fields);
    }
    if (keep_trailers(response, fields) < 0) {
        return STATUS_NO_MEMORY;
    }
    if (has_more) {
        return STATUS_OK;
    }
    struct response_start *all = response_trailers_of(response->trailers);
    int status = all == NULL ? STATUS_NO_MEMORY : send_trailers(response, all);
    response_start_free(all);
    return status;
}

int response_take_trailers(struct response *response, PyObject *message) {
    struct module_strings *strings = &response->bridge->state->strings;
    PyObject *headers;
    bool has_more = false;
    if (message_bool(message, strings->more_trailers, &has_more) < 0 ||
        message_find(message, strings->headers, &headers) < 0) {
        return STATUS_INVALID;
    }
    struct response_start *fields = response_trailers_of(headers);
    Py_XDECREF(headers);
    int status = fields == NULL ? STATUS_INVALID : take_trailers(response, fields, has_more);
    response_start_free(fields);
    return status;
}

int response_take_hint(struct response *response, PyObject *message) {
    PyObject *links;
    if (message_find(message, response->bridge->state->strings.links, &links) < 0) {
        return STATUS_INVALID;
    }
    if (links == NULL) {
        PyErr_SetString(PyExc_KeyError, "http.response.early_hint needs the key 'links'");
        return STATUS_INVALID;
    }
    struct response_start *hints = response_hints_of(links);
    Py_DECREF(links);
    if (hints == NULL) {
        return STATUS_INVALID;
    }
    int status = STATUS_OK;
    if (response->state <= RESPONSE_STARTED) {
        status = response->exchange == NULL ? STATUS_CLOSED
                                            : exchange_inform(response->exchange, &hints->head);
        raise_status(response, status);
    }
    response_start_free(hints);
    return status;
}

/* --- The end --- */

/* Returns what the response was, and frees what is kept of it; COMPLETE when there is nothing to
 * do. */
static enum response_state give_up(struct response *response) {
    enum response_state state = response->state;
    response->state = RESPONSE_COMPLETE;
    response_release(response);
    return response->exchange != NULL ? state : RESPONSE_COMPLETE;
}

void response_fail(struct response *response) {
    bool is_under_way = response_is_under_way(response);
    enum response_state state = give_up(response);
    if (state != RESPONSE_COMPLETE && is_under_way) {
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
    Py_CLEAR(response->trailers);
}
