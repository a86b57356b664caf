/* The bus between `websocket.group` and the hub. Holds nothing. A message's first byte says whether
 * it is text. */
#include "hub/hub_websocket_groups.h"

#include "base/limits.h"
#include "server/websocket_group.h"
#include "ws/ws_message.h"

/* Appends a byte and bytes to an empty buffer. */
static int join(struct buffer *buffer, char first, struct slice bytes) {
    int status = buffer_append(buffer, slice_of(&first, 1));
    return status == STATUS_OK ? buffer_append(buffer, bytes) : status;
}

/* What a process cannot announce now is announced when the hub is back. */
static void change(struct hub_client *client, struct slice group,
                   int (*act)(struct hub_client *client, struct slice topic, uint64_t *number)) {
    struct buffer topic = BUFFER_EMPTY;
    uint64_t number;
    if (join(&topic, HUB_WEBSOCKET_TOPIC, group) == STATUS_OK) {
        (void)act(client, buffer_slice(&topic), &number);
    }
    buffer_release(&topic);
}

static void on_join(void *bus, struct member *member, struct slice group, bool is_first) {
    (void)member;
    if (is_first) {
        change(bus, group, hub_client_announce);
    }
}

static void on_leave(void *bus, struct member *member, struct slice group, bool is_last) {
    (void)member;
    if (is_last) {
        change(bus, group, hub_client_withdraw);
    }
}

static int publish(void *bus, struct slice group, struct ws_message *message) {
    struct buffer topic = BUFFER_EMPTY, payload = BUFFER_EMPTY;
    uint64_t number;
    int status = join(&topic, HUB_WEBSOCKET_TOPIC, group);
    if (status == STATUS_OK) {
        status = join(&payload, message->is_text ? 't' : 'b', message->payload);
    }
    if (status == STATUS_OK) {
        status =
            hub_client_publish(bus, buffer_slice(&topic), buffer_slice(&payload), false, &number);
    }
    buffer_release(&topic);
    buffer_release(&payload);
    return status == STATUS_OK || status == STATUS_NO_MEMORY ? status : STATUS_SYSTEM;
}

static const struct group_bus_ops bus_ops = {
    .on_join = on_join, .on_leave = on_leave, .publish = publish};

void hub_websocket_groups_join(struct server *server, struct hub_client *client) {
    server->groups.bus = (struct group_bus){&bus_ops, client};
}

void hub_websocket_groups_leave(struct server *server) {
    server->groups.bus = (struct group_bus){NULL, NULL};
}

bool hub_websocket_groups_deliver(struct server *server, struct slice topic, struct slice payload) {
    if (topic.length == 0 || topic.data[0] != HUB_WEBSOCKET_TOPIC) {
        return false;
    }
    if (payload.length > 0 && server != NULL) {
        struct ws_message message;
        ws_message_init(&message, payload.data[0] == 't', slice_without_front(payload, 1));
        websocket_group_deliver(server, slice_without_front(topic, 1), &message);
        ws_message_release(&message);
    }
    return true;
}
