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
    if (server->turn_began != 0) {
        histogram_add(&server->observations->turns, (now - server->turn_began) / 1000);
    }
    server->turn_began = is_waiting ? 0 : now;
}

void server_observer_end(struct server *server) {
    if (server->observations != NULL && server->balance == NULL) {
        event_loop_set_turn_report(server->loop, NULL);
    }
    server->observations = NULL;
}

uint64_t server_observer_unsent(const struct server *server) {
    uint64_t unsent = 0;
    for (const struct list *link = server->connections.next; link != &server->connections;
         link = link->next) {
        unsent += write_queue_size(&LIST_OBJECT(link, struct connection, link)->queue);
    }
    return unsent;
}
