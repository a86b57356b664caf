/* Looking at connections one after the other. Keeps nothing; the connections are their own. */
#include "server/connection_list.h"

#include "base/memory.h"
#include "server/server.h"
#include "server/websocket.h"

static double seconds_since(uint64_t then, uint64_t now) {
    return now > then ? (double)(now - then) / 1000.0 : 0.0;
}

static void describe(struct connection *connection, struct connection_facts *facts) {
    uint64_t now = event_loop_clock() / 1000000;
    *facts = (struct connection_facts){
        .number = connection->number,
        .age = seconds_since(connection->opened, now),
        .silent = seconds_since(
            connection->last_heard != 0 ? connection->last_heard : connection->opened, now),
        .unsent = connection_unsent(connection),
        .peer = *connection_peer(connection),
        .protocol = connection->ops != NULL ? connection->ops->name : NULL,
        .state = connection->state,
        .is_secure = connection->stream->is_secure,
    };
}

struct connection_facts *connection_list_new(struct server *server, size_t *count) {
    size_t room = server->connection_count;
    struct connection_facts *all = memory_allocate((room + 1) * sizeof(*all));
    *count = 0;
    for (struct list *link = server->connections.next;
         all != NULL && link != &server->connections && *count < room; link = link->next) {
        describe(LIST_OBJECT(link, struct connection, link), &all[(*count)++]);
    }
    return all;
}

static struct connection *find(struct server *server, uint64_t number) {
    for (struct list *link = server->connections.next; link != &server->connections;
         link = link->next) {
        struct connection *connection = LIST_OBJECT(link, struct connection, link);
        if (connection->number == number) {
            return connection;
        }
    }
    return NULL;
}

static struct websocket *find_open(struct server *server, const struct connection *connection) {
    for (struct list *link = server->websockets.next; link != &server->websockets;
         link = link->next) {
        struct websocket *websocket = LIST_OBJECT(link, struct websocket, link);
        if (websocket->state == WEBSOCKET_OPEN && websocket->exchange != NULL &&
            websocket->exchange->connection == connection) {
            return websocket;
        }
    }
    return NULL;
}

bool connection_list_close(struct server *server, uint64_t number, int code, struct slice reason) {
    struct connection *connection = find(server, number);
    if (connection == NULL) {
        return false;
    }
    struct websocket *websocket = code != 0 ? find_open(server, connection) : NULL;
    if (websocket == NULL) {
        connection_close(connection);
    }
    /* Closing may run application code, which may close any of them: each is looked up anew. */
    while (websocket != NULL && websocket_close(websocket, code, reason) == STATUS_OK) {
        connection = find(server, number);
        websocket = connection == NULL ? NULL : find_open(server, connection);
    }
    return true;
}
