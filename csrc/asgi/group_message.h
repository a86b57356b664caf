/* The ASGI extension "websocket.group": groups and broadcast for applications without Channels.
 * docs/groups.md describes it for users. */
#ifndef CASGI_ASGI_GROUP_MESSAGE_H
#define CASGI_ASGI_GROUP_MESSAGE_H

#include "asgi/bridge.h"
#include "server/websocket.h"

/* True for websocket.group.add, .discard and .send. */
bool group_message_is(struct bridge *bridge, PyObject *type);

/* A group message that was read. */
struct group_message {
    PyObject *name; /* owns the memory of `group` */
    struct slice group;
    PyObject *payload; /* of websocket.group.send: owns the memory of `message` */
    struct ws_message message;
    bool adds, sends, includes_self;
};

/* Reads the message. May run Python code, after which the WebSocket may be gone. Returns -1 with
 * TypeError, ValueError or UnicodeEncodeError; group_message_release() is due in every case. */
int group_message_read(struct group_message *group_message, struct bridge *bridge,
                       PyObject *message, PyObject *type);

/* Does what the message says for this WebSocket. STATUS_OK, STATUS_STATE before accept,
 * STATUS_CLOSED, STATUS_NO_MEMORY, STATUS_TOO_LARGE for a group too many. */
int group_message_do(struct group_message *group_message, struct websocket *websocket);

void group_message_release(struct group_message *group_message);

#endif
