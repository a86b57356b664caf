/* The ASGI extension "websocket.group": groups and broadcast for applications without Channels.
 * docs/groups.md describes it for users. */
#ifndef CASGI_ASGI_GROUP_MESSAGE_H
#define CASGI_ASGI_GROUP_MESSAGE_H

#include "asgi/bridge.h"
#include "server/websocket.h"

/* True for websocket.group.add, .discard and .send. */
bool group_message_is(struct bridge *bridge, PyObject *type);

/* Does what the message says for this WebSocket, with the outcome in *status (STATUS_OK;
 * STATUS_STATE before accept; STATUS_CLOSED; STATUS_NO_MEMORY). Returns -1 with TypeError,
 * ValueError or UnicodeEncodeError when the message is wrong. Runs no application code. */
int group_message_take(struct bridge *bridge, struct websocket *websocket, PyObject *message,
                       PyObject *type, int *status);

#endif
