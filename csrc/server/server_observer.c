/* Noting the turns of a server's loop. Owns nothing: the observations are the scoreboard's. */
#include "server/server_observer.h"

#include "net/event_loop.h"
#include "server/connection.h"

static void report_alone(struct turn_report *turn_report, bool is_waiting) {
    server_observer_turn(LIST_OBJECT(turn_report, struct server, turn_report), is_waiting);
}

int server_observer_begin(struct server *server, struct observations *observations) {
    if (server->observations != NULL) {
        return STATUS_STATE;
    }
    server->observations = observations;
    if (server->balance == NULL) { /* else the worker's report passes it on */
        server->turn_report.report = report_alone;
        event_loop_set_turn_report(server->loop, &server->turn_report);
    }
    return STATUS_OK;
}

void server_observer_turn(struct server *server, bool is_waiting) {
    uint64_t now = event_loop_clock();
    uint64_t began = atomic_load_explicit(&server->turn_began, memory_order_relaxed);
    if (began != 0) {
        histogram_add(&server->observations->turns, (now - began) / 1000);
    }
    atomic_store_explicit(&server->turn_began, is_waiting ? 0 : now, memory_order_relaxed);
}

double server_observer_turn_seconds(const struct server *server) {
    uint64_t began = atomic_load_explicit(&server->turn_began, memory_order_relaxed);
    return began == 0 ? 0 : (double)(event_loop_clock() - began) / 1e9;
}

void server_observer_end(struct server *server) {
    if (server->observations != NULL && server->balance == NULL) {
        event_loop_set_turn_report(server->loop, NULL);
    }
    server->observations = NULL;
    atomic_store_explicit(&server->turn_began, 0, memory_order_relaxed);
}

uint64_t server_observer_unsent(const struct server *server) {
    uint64_t unsent = 0;
    for (const struct list *link = server->connections.next; link != &server->connections;
         link = link->next) {
        unsent += connection_unsent(LIST_OBJECT(link, struct connection, link));
    }
    return unsent;
}
