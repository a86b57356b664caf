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

/* Returns new frame with the message's text or bytes, or NULL with an exception. */
static struct frame *encode(struct bridge *bridge, PyObject *message) {
    struct module_strings *strings = &bridge->state->strings;
    PyObject *text;
    PyObject *bytes = NULL;
    struct slice payload;
    struct frame *frame = NULL;
    if (message_text(message, strings->text, &text, &payload) < 0) {
        return NULL;
    }
    if (message_bytes(message, strings->bytes, &bytes) < 0) {
        goto done;
    }
    if ((text == NULL) == (bytes == NULL)) {
        PyErr_SetString(PyExc_ValueError, "websocket.group.send needs either 'text' or 'bytes'");
        goto done;
    }
    payload = bytes != NULL ? message_slice(bytes) : payload;
    frame = ws_frame_new(bytes != NULL ? WS_BINARY : WS_TEXT, payload);
    if (frame == NULL) {
        PyErr_NoMemory();
    }
done:
    Py_XDECREF(text);
    Py_XDECREF(bytes);
    return frame;
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
    group_message->frame = includes_self < 0 ? NULL : encode(bridge, message);
    return group_message->frame == NULL ? -1 : 0;
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

struct delivery {
    struct frame *frame;
    const struct websocket *except; /* NULL: to all */
};

static void deliver(struct member *member, double joined, void *context) {
    (void)joined;
    const struct delivery *delivery = context;
    struct websocket *websocket = LIST_OBJECT(member, struct websocket, member);
    if (websocket != delivery->except) {
        (void)websocket_deliver(websocket, delivery->frame);
    }
}

static int join(struct groups *groups, struct slice name, struct websocket *websocket) {
    return websocket->state == WEBSOCKET_OPEN
               ? groups_add(groups, name, &websocket->member, 0, NULL)
               : STATUS_CLOSED;
}

int group_message_do(const struct group_message *group_message, struct websocket *websocket) {
    struct groups *groups = &websocket->server->groups;
    if (websocket->state == WEBSOCKET_CONNECTING) {
        return STATUS_STATE;
    }
    if (group_message->sends) {
        struct delivery delivery = {group_message->frame,
                                    group_message->includes_self ? NULL : websocket};
        groups_visit(groups, group_message->group, GROUPS_ALL, deliver, &delivery);
        return STATUS_OK;
    }
    if (group_message->adds) {
        return join(groups, group_message->group, websocket);
    }
    groups_discard(groups, group_message->group, &websocket->member);
    return STATUS_OK;
}

void group_message_release(struct group_message *group_message) {
    frame_unref(group_message->frame);
    Py_XDECREF(group_message->name);
}
