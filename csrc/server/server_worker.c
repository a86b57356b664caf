/* One of several workers. Owns the balance of its server; what is passed here goes the way of what
 * was accepted. */
#include "server/server_worker.h"

#include <unistd.h>

#include "net/listener.h"
#include "server/server_observer.h"

static uint32_t number_of(const struct server *server, const struct listener *listener) {
    uint32_t number = 0;
    while (number < server->listener_count && server->listeners[number] != listener) {
        number++;
    }
    return number;
}

/* Who has not yet had the time to take what it was passed gets the next by accepting it. */
static bool route(void *owner, struct listener *listener, int descriptor) {
    struct server *server = owner;
    enum connection_route way = connection_balance_pass(
        server->balance, descriptor, number_of(server, listener), server->connection_count);
    if (way == CONNECTION_KEPT_FULL) {
        listener_yield(listener);
    }
    return way == CONNECTION_PASSED;
}

static void on_passed(void *owner, int descriptor, uint32_t number) {
    struct server *server = owner;
    if (number < server->listener_count) {
        listener_take(server->listeners[number], descriptor);
    } else {
        close(descriptor);
    }
}

static void report(struct turn_report *turn_report, bool is_waiting) {
    struct server *server = LIST_OBJECT(turn_report, struct server, turn_report);
    connection_balance_report(server->balance, server->connection_count, &server->metrics,
                              is_waiting);
    if (server->observations != NULL) {
        server_observer_turn(server, is_waiting);
    }
}

int server_worker_join(struct server *server, const struct connection_balance_place *place) {
    if (server->balance != NULL) {
        return STATUS_STATE;
    }
    server->balance = connection_balance_new(server->loop, place, on_passed, server);
    if (server->balance == NULL) {
        return STATUS_NO_MEMORY;
    }
    server->turn_report.report = report;
    event_loop_set_turn_report(server->loop, &server->turn_report);
    for (size_t i = 0; i < server->listener_count; i++) {
        listener_set_route(server->listeners[i], route, server);
    }
    return STATUS_OK;
}

void server_worker_leave(struct server *server) {
    if (server->balance == NULL) {
        return;
    }
    for (size_t i = 0; i < server->listener_count; i++) {
        listener_set_route(server->listeners[i], NULL, NULL);
    }
    connection_balance_leave(server->balance);
}

void server_worker_release(struct server *server) {
    server_worker_leave(server);
    if (server->balance != NULL) {
        event_loop_set_turn_report(server->loop, NULL);
        connection_balance_free(server->balance);
        server->balance = NULL;
    }
}

void server_worker_leave_to_parent(struct server *server) {
    for (size_t i = 0; i < server->listener_count; i++) {
        listener_set_route(server->listeners[i], NULL, NULL);
    }
    event_loop_set_turn_report(server->loop, NULL);
    server->balance = NULL; /* given up: to free it would say that the parent leaves */
}
