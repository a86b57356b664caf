/* The groups of `websocket.group` in all processes of the host: the bus under a server's registry
 * that leads to the hub. Their topics begin with HUB_WEBSOCKET_TOPIC, so that they are nobody
 * else's. */
#ifndef CASGI_HUB_HUB_WEBSOCKET_GROUPS_H
#define CASGI_HUB_HUB_WEBSOCKET_GROUPS_H

#include "hub/hub_client.h"
#include "server/server.h"

#define HUB_WEBSOCKET_TOPIC 'w'

/* Has the server's groups reach other processes by the client (*borrows* until leave). */
void hub_websocket_groups_join(struct server *server, struct hub_client *client);
void hub_websocket_groups_leave(struct server *server);

/* Delivers a message to the members here when its topic is a group of WebSockets; else returns
 * false. */
bool hub_websocket_groups_deliver(struct server *server, struct slice topic, struct slice payload);

#endif
