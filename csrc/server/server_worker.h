/* The server as one of several workers that share their listening sockets: it passes connections to
 * the others and takes theirs, and says on the scoreboard how it is. */
#ifndef CASGI_SERVER_SERVER_WORKER_H
#define CASGI_SERVER_SERVER_WORKER_H

#include "server/connection_balance.h"
#include "server/server.h"

/* The server, which listens already, serves from now on in this place (*borrows* the scoreboard
 * until server_free()). All workers listen on the same sockets in the same order. Returns
 * STATUS_OK, STATUS_NO_MEMORY, or STATUS_STATE when it has a place. */
int server_worker_join(struct server *server, const struct connection_balance_place *place);

/* Nobody passes connections to it any more; those that were are taken. Before the listeners are
 * closed. Idempotent, and nothing for a server without a place. */
void server_worker_leave(struct server *server);

/* Leaves, and gives the place up. */
void server_worker_release(struct server *server);

/* In a forked child: the place is the parent's. */
void server_worker_leave_to_parent(struct server *server);

#endif
