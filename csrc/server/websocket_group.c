/* Joining, leaving and sending. Holds nothing: the groups are the server's. */
#include "server/websocket_group.h"

#include "server/server.h"

struct delivery {
    struct ws_message *message;
    const struct websocket *except; /* NULL: to all */
};

static void deliver(struct member *member, double joined, void *context) {
    (void)joined;
    const struct delivery *delivery = context;
    struct websocket *websocket = LIST_OBJECT(member, struct websocket, member);
    if (websocket != delivery->except) {
        (void)websocket_deliver(websocket, delivery->message);
    }
}

int websocket_group_join(struct websocket *websocket, struct slice group) {
    if (websocket->state != WEBSOCKET_OPEN) {
        return websocket->state == WEBSOCKET_CONNECTING ? STATUS_STATE : STATUS_CLOSED;
    }
    return groups_add(&websocket->server->groups, group, &websocket->member, 0, NULL);
}

int websocket_group_leave(struct websocket *websocket, struct slice group) {
    if (websocket->state == WEBSOCKET_CONNECTING) {
        return STATUS_STATE;
    }
    groups_discard(&websocket->server->groups, group, &websocket->member);
    return STATUS_OK;
}

/* Closing a member that is too slow may run application code, which may end the sender too. */
int websocket_group_send(struct websocket *websocket, struct slice group,
                         struct ws_message *message, bool includes_self) {
    if (websocket->state == WEBSOCKET_CONNECTING) {
        return STATUS_STATE;
    }
    struct groups *groups = &websocket->server->groups;
    struct delivery delivery = {message, includes_self ? NULL : websocket};
    groups_visit(groups, group, GROUPS_ALL, deliver, &delivery);
    return groups_publish(groups, group, message);
}

void websocket_group_deliver(struct server *server, struct slice group,
                             struct ws_message *message) {
    struct delivery delivery = {message, NULL};
    groups_visit(&server->groups, group, GROUPS_ALL, deliver, &delivery);
}
