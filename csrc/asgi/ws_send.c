/* send() of a WebSocket: one function for each ASGI message. What it may do is the WebSocket's
 * state:
 *
 *   state       accept        send          close               http.response.*  receive() gives
 *   CONNECTING  opens         RuntimeError  403                 answers instead  websocket.connect
 *   OPEN        RuntimeError  sends         close frame         RuntimeError     websocket.receive
 *   CLOSE_WAIT  RuntimeError  sends         answers the close   RuntimeError     what came before
 *   CLOSED      gone          gone          gone                gone             disconnect, once
 *
 * "gone" is ClientDisconnected, an OSError, as ASGI 2.4 wants it, and silence for Channels'
 * consumers, which daphne brought up on it. */
#include "asgi/group_message.h"
#include "asgi/message.h"
#include "asgi/outcome.h"
#include "asgi/ws_cycle_internal.h"
#include "http/header_rules.h"

static PyObject *raise_gone(WsCycleObject *self) {
    return bridge_raise_status(self->cycle.bridge, STATUS_CLOSED,
                               "the WebSocket is closed: nobody receives this message");
}

static bool is_congested(const WsCycleObject *self) {
    if (self->denial != NULL) {
        return response_is_congested(self->denial);
    }
    return self->websocket != NULL && websocket_is_congested(self->websocket);
}

static PyObject *poll_drained(PyObject *op) {
    WsCycleObject *self = (WsCycleObject *)op;
    if (is_congested(self)) {
        return NULL;
    }
    waiter_queue_pass_on(&self->cycle.senders); /* nobody waits any more */
    if (self->state >= WS_CYCLE_CLOSING && !cycle_drops_late_messages(&self->cycle)) {
        return raise_gone(self);
    }
    Py_RETURN_NONE;
}

static PyObject *sent(WsCycleObject *self) {
    return cycle_sent(&self->cycle, is_congested(self), poll_drained);
}

/* After the close: an error, except for a consumer of Channels, whose disconnect() may send. One
 * that goes on sending, and waits for nothing else, leaves the loop its turns. */
static PyObject *gone(WsCycleObject *self) {
    bool is_dropped = cycle_drops_late_messages(&self->cycle);
    return is_dropped ? outcome_none_later(self->cycle.bridge->state) : raise_gone(self);
}

static PyObject *answer(WsCycleObject *self, int status, PyObject *type) {
    if (status == STATUS_OK) {
        return sent(self);
    }
    if (status == STATUS_CLOSED) {
        return gone(self);
    }
    if (status == STATUS_STATE) {
        PyErr_Format(PyExc_RuntimeError, "unexpected ASGI message %R: the WebSocket is %s", type,
                     self->state == WS_CYCLE_CONNECTING || self->denial != NULL
                         ? "not accepted yet"
                         : "accepted already");
        return NULL;
    }
    if (status == STATUS_TOO_LARGE) {
        PyErr_Format(
            PyExc_RuntimeError,
            "%U: this WebSocket is in %zu groups, as many as --websocket-max-groups allows", type,
            self->websocket->member.count);
        return NULL;
    }
    if (status == STATUS_SYSTEM) {
        PyErr_Format(PyExc_RuntimeError,
                     "%U: the hub is unavailable, who is in another process has not got it", type);
        return NULL;
    }
    return bridge_raise_status(self->cycle.bridge, status, "the message could not be sent");
}

static int check_subprotocol(struct slice subprotocol, PyObject *message) {
    if (subprotocol.length > 0 && !header_is_token(subprotocol)) {
        PyErr_Format(PyExc_ValueError,
                     "websocket.accept: the subprotocol must be a token (RFC 9110): %R", message);
        return -1;
    }
    return 0;
}

/* A subprotocol that is no 'subprotocol' may stand among the headers, as other servers let it. */
static struct slice subprotocol_in(const struct response_start *start) {
    for (size_t i = 0; i < start->head.header_count; i++) {
        const struct http_header *header = &start->head.headers[i];
        if (slice_equals_ignoring_case(header->name, SLICE_LITERAL("sec-websocket-protocol"))) {
            return header->value;
        }
    }
    return SLICE_EMPTY;
}

static PyObject *send_accept(WsCycleObject *self, PyObject *message, PyObject *type) {
    struct slice subprotocol;
    PyObject *keeper;
    if (message_text(message, self->cycle.bridge->state->strings.subprotocol, &keeper,
                     &subprotocol) < 0) {
        return NULL;
    }
    struct response_start *start = response_start_new(self->cycle.bridge, message, 101);
    PyObject *awaitable = NULL;
    if (start != NULL && subprotocol.length == 0) {
        subprotocol = subprotocol_in(start);
    }
    if (start != NULL && check_subprotocol(subprotocol, message) == 0) {
        int status = self->websocket == NULL
                         ? STATUS_CLOSED
                         : websocket_accept(self->websocket, subprotocol, start->head.headers,
                                            start->head.header_count);
        if (status == STATUS_OK && self->state == WS_CYCLE_CONNECTING) {
            self->state = WS_CYCLE_OPEN;
        }
        awaitable = answer(self, status, type);
    }
    response_start_free(start);
    Py_XDECREF(keeper);
    return awaitable;
}

static PyObject *send_payload(WsCycleObject *self, PyObject *message, PyObject *type) {
    struct module_strings *strings = &self->cycle.bridge->state->strings;
    PyObject *text;
    PyObject *bytes = NULL;
    PyObject *awaitable = NULL;
    struct slice payload;
    if (message_text(message, strings->text, &text, &payload) < 0) {
        return NULL;
    }
    if (message_bytes(message, strings->bytes, &bytes) < 0) {
        goto done;
    }
    if ((text == NULL) == (bytes == NULL)) {
        PyErr_SetString(PyExc_ValueError, "websocket.send needs either 'text' or 'bytes'");
        goto done;
    }
    payload = bytes != NULL ? message_slice(bytes) : payload;
    int status = self->websocket == NULL ? STATUS_CLOSED
                                         : websocket_send(self->websocket, bytes == NULL, payload);
    awaitable = answer(self, status, type);
done:
    Py_XDECREF(text);
    Py_XDECREF(bytes);
    return awaitable;
}

static PyObject *close_with(WsCycleObject *self, int code, struct slice reason, PyObject *type) {
    if (self->websocket == NULL) {
        return gone(self);
    }
    if (self->state == WS_CYCLE_CONNECTING) {
        return answer(self, websocket_deny(self->websocket, 403), type);
    }
    if (!ws_close_code_is_sendable(code)) {
        PyErr_Format(PyExc_ValueError,
                     "websocket.close: %d is no code that may be sent (RFC 6455 section 7.4)",
                     code);
        return NULL;
    }
    return answer(self, websocket_close(self->websocket, code, reason), type);
}

static PyObject *send_close(WsCycleObject *self, PyObject *message, PyObject *type) {
    struct module_strings *strings = &self->cycle.bridge->state->strings;
    int code = 0;
    struct slice reason;
    PyObject *keeper;
    if (message_int(message, strings->code, WS_CLOSE_NORMAL, &code) < 0 ||
        message_text(message, strings->reason, &keeper, &reason) < 0) {
        return NULL;
    }
    PyObject *awaitable = close_with(self, code, reason, type);
    Py_XDECREF(keeper);
    return awaitable;
}

static bool is_deniable(const WsCycleObject *self) {
    return self->denial == NULL && self->state == WS_CYCLE_CONNECTING && self->websocket != NULL &&
           self->websocket->state == WEBSOCKET_CONNECTING;
}

static PyObject *send_denial_start(WsCycleObject *self, PyObject *message, PyObject *type) {
    struct response response;
    response_init(&response, self->cycle.bridge, NULL);
    bool was_deniable = is_deniable(self);
    if (was_deniable && response_take_start(&response, message) < 0) {
        return NULL;
    }
    if (!was_deniable || !is_deniable(self)) { /* reading the message may have changed that */
        response_release(&response);
        return answer(self, self->state >= WS_CYCLE_CLOSING ? STATUS_CLOSED : STATUS_STATE, type);
    }
    self->denial = PyMem_New(struct response, 1);
    if (self->denial == NULL) {
        response_release(&response);
        return PyErr_NoMemory();
    }
    response.exchange = websocket_respond(self->websocket);
    *self->denial = response;
    return outcome_none(self->cycle.bridge->state);
}

static PyObject *send_denial_body(WsCycleObject *self, PyObject *message,
                                  PyObject *Py_UNUSED(type)) {
    if (self->denial == NULL || self->denial->state == RESPONSE_COMPLETE) {
        PyErr_SetString(PyExc_RuntimeError,
                        self->denial == NULL
                            ? "websocket.http.response.start must be sent before its body"
                            : "the response is complete");
        return NULL;
    }
    int status = response_take_body(self->denial, message);
    if (status == STATUS_CLOSED) {
        return raise_gone(self);
    }
    return status == STATUS_OK ? sent(self) : NULL;
}

static PyObject *send_group_message(WsCycleObject *self, PyObject *message, PyObject *type) {
    struct group_message group_message;
    PyObject *awaitable = NULL;
    if (self->state >= WS_CYCLE_CLOSING) {
        return gone(self);
    }
    if (group_message_read(&group_message, self->cycle.bridge, message, type) == 0) {
        int status = self->websocket == NULL || self->state >= WS_CYCLE_CLOSING
                         ? STATUS_CLOSED
                         : group_message_do(&group_message, self->websocket);
        awaitable = answer(self, status, type);
    }
    group_message_release(&group_message);
    return awaitable;
}

typedef PyObject *(*message_handler)(WsCycleObject *self, PyObject *message, PyObject *type);

/* Returns what takes a message of this type, NULL for none; the most frequent is asked first. */
static message_handler handler_of(struct bridge *bridge, PyObject *type) {
    struct module_strings *strings = &bridge->state->strings;
    if (message_is(type, strings->websocket_send)) {
        return send_payload;
    }
    if (message_is(type, strings->websocket_accept)) {
        return send_accept;
    }
    if (message_is(type, strings->websocket_close)) {
        return send_close;
    }
    if (message_is(type, strings->websocket_http_response_start)) {
        return send_denial_start;
    }
    if (message_is(type, strings->websocket_http_response_body)) {
        return send_denial_body;
    }
    return group_message_is(bridge, type) ? send_group_message : NULL;
}

static PyObject *take_message(PyObject *op, PyObject *message, PyObject *type) {
    WsCycleObject *self = (WsCycleObject *)op;
    message_handler handler = handler_of(self->cycle.bridge, type);
    if (handler == NULL) {
        PyErr_Format(PyExc_ValueError, "unexpected ASGI message %R on a WebSocket", type);
        return NULL;
    }
    return self->websocket == NULL ? gone(self) : handler(self, message, type);
}

PyObject *ws_send(PyObject *op, PyObject *message) {
    return cycle_send(op, message, take_message);
}
