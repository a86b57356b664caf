/* Groups of WebSockets of an application without Channels: the ASGI extension `websocket.group`
 * below the bridge. docs/groups.md describes it for users. */
#ifndef CASGI_SERVER_WEBSOCKET_GROUP_H
#define CASGI_SERVER_WEBSOCKET_GROUP_H

#include "server/websocket.h"

/* Begins a membership, or renews it. STATUS_OK, STATUS_STATE before accept, STATUS_CLOSED,
 * STATUS_NO_MEMORY, STATUS_TOO_LARGE for a group too many. */
int websocket_group_join(struct websocket *websocket, struct slice group);

/* Ends the membership; nothing when there is none. STATUS_OK, STATUS_STATE before accept. */
int websocket_group_leave(struct websocket *websocket, struct slice group);

/* Sends to all members of the group, here and elsewhere; the sender itself only if `includes_self`.
 * STATUS_OK, STATUS_STATE before accept, or a status of the bus, the members here having got it. */
int websocket_group_send(struct websocket *websocket, struct slice group,
                         struct ws_message *message, bool includes_self);

/* Delivers to the members here what comes from elsewhere. */
void websocket_group_deliver(struct server *server, struct slice group, struct ws_message *message);

#endif
