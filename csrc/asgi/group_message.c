/* Group messages of an application. Holds nothing: the groups are the server's. */
#include "asgi/group_message.h"

#include "asgi/message.h"
#include "base/status.h"
#include "server/websocket_group.h"

bool group_message_is(struct bridge *bridge, PyObject *type) {
    struct module_strings *strings = &bridge->state->strings;
    return message_is(type, strings->websocket_group_send) ||
           message_is(type, strings->websocket_group_add) ||
           message_is(type, strings->websocket_group_discard);
}

/* Takes the message's text or bytes. Returns -1 with an exception. */
static int read_payload(struct group_message *group_message, struct bridge *bridge,
                        PyObject *message) {
    struct module_strings *strings = &bridge->state->strings;
    PyObject *text = NULL;
    PyObject *bytes = NULL;
    struct slice payload;
    if (message_text(message, strings->text, &text, &payload) < 0 ||
        message_bytes(message, strings->bytes, &bytes) < 0) {
        Py_XDECREF(text);
        return -1;
    }
    if ((text == NULL) == (bytes == NULL)) {
        PyErr_SetString(PyExc_ValueError, "websocket.group.send needs either 'text' or 'bytes'");
        Py_XDECREF(text);
        Py_XDECREF(bytes);
        return -1;
    }
    group_message->payload = bytes != NULL ? bytes : text;
    ws_message_init(&group_message->message, bytes == NULL,
                    bytes != NULL ? message_slice(bytes) : payload);
    return 0;
}

static int read_send(struct group_message *group_message, struct bridge *bridge,
                     PyObject *message) {
    PyObject *include;
    if (message_find(message, bridge->state->strings.include_self, &include) < 0) {
        return -1;
    }
    int includes_self = include == NULL ? 1 : PyObject_IsTrue(include);
    Py_XDECREF(include);
    group_message->includes_self = includes_self > 0;
    return includes_self < 0 ? -1 : read_payload(group_message, bridge, message);
}

int group_message_read(struct group_message *group_message, struct bridge *bridge,
                       PyObject *message, PyObject *type) {
    struct module_strings *strings = &bridge->state->strings;
    *group_message = (struct group_message){
        .adds = message_is(type, strings->websocket_group_add),
        .sends = message_is(type, strings->websocket_group_send),
    };
    if (message_text(message, strings->group, &group_message->name, &group_message->group) < 0) {
        return -1;
    }
    if (group_message->group.length == 0) {
        PyErr_SetString(PyExc_ValueError, "a group message needs the name of its 'group'");
        return -1;
    }
    return group_message->sends ? read_send(group_message, bridge, message) : 0;
}

int group_message_do(struct group_message *group_message, struct websocket *websocket) {
    struct slice group = group_message->group;
    if (group_message->sends) {
        return websocket_group_send(websocket, group, &group_message->message,
                                    group_message->includes_self);
    }
    return group_message->adds ? websocket_group_join(websocket, group)
                               : websocket_group_leave(websocket, group);
}

void group_message_release(struct group_message *group_message) {
    ws_message_release(&group_message->message);
    Py_XDECREF(group_message->payload);
    Py_XDECREF(group_message->name);
}
