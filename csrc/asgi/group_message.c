/* Group messages of an application. Holds nothing: the groups are the server's. */
#include "asgi/group_message.h"

#include "asgi/message.h"
#include "base/status.h"
#include "server/server.h"

bool group_message_is(struct bridge *bridge, PyObject *type) {
    struct module_strings *strings = &bridge->state->strings;
    return message_is(type, strings->websocket_group_send) ||
           message_is(type, strings->websocket_group_add) ||
           message_is(type, strings->websocket_group_discard);
}

static int find_group(struct bridge *bridge, PyObject *message, struct slice *group) {
    if (message_text(message, bridge->state->strings.group, group) < 0) {
        return -1;
    }
    if (group->length == 0) {
        PyErr_SetString(PyExc_ValueError, "a group message needs the name of its 'group'");
        return -1;
    }
    return 0;
}

/* Returns new frame with the message's text or bytes, or NULL with an exception. */
static struct frame *encode(struct bridge *bridge, PyObject *message) {
    struct module_strings *strings = &bridge->state->strings;
    PyObject *text = NULL;
    PyObject *bytes = NULL;
    if (message_find(message, strings->text, &text) < 0 ||
        message_bytes(message, strings->bytes, &bytes) < 0) {
        return NULL;
    }
    struct slice payload = SLICE_EMPTY;
    struct frame *frame = NULL;
    if ((text == NULL) == (bytes == NULL)) {
        PyErr_SetString(PyExc_ValueError, "websocket.group.send needs either 'text' or 'bytes'");
    } else if (bytes != NULL || message_text(message, strings->text, &payload) == 0) {
        payload = bytes != NULL ? message_slice(bytes) : payload;
        frame = ws_frame_new(bytes != NULL ? WS_BINARY : WS_TEXT, payload);
        if (frame == NULL) {
            PyErr_NoMemory();
        }
    }
    Py_XDECREF(bytes);
    return frame;
}

static int send_to_group(struct bridge *bridge, struct websocket *websocket, PyObject *message,
                         struct slice group) {
    PyObject *include = NULL;
    if (message_find(message, bridge->state->strings.include_self, &include) < 0) {
        return -1;
    }
    int includes_self = include == NULL ? 1 : PyObject_IsTrue(include);
    struct frame *frame = includes_self < 0 ? NULL : encode(bridge, message);
    if (frame == NULL) {
        return -1;
    }
    (void)groups_send(&websocket->server->groups, group, frame, includes_self ? NULL : websocket);
    frame_unref(frame);
    return 0;
}

int group_message_take(struct bridge *bridge, struct websocket *websocket, PyObject *message,
                       PyObject *type, int *status) {
    struct module_strings *strings = &bridge->state->strings;
    struct groups *groups = &websocket->server->groups;
    struct slice group;
    if (find_group(bridge, message, &group) < 0) {
        return -1;
    }
    *status = websocket->state == WEBSOCKET_CONNECTING ? STATUS_STATE : STATUS_OK;
    if (*status != STATUS_OK) {
        return 0;
    }
    if (message_is(type, strings->websocket_group_send)) {
        return send_to_group(bridge, websocket, message, group);
    }
    if (message_is(type, strings->websocket_group_add)) {
        *status = groups_add(groups, group, websocket);
    } else {
        groups_discard(groups, group, websocket);
    }
    return 0;
}
