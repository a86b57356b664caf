/* Watching a server while somebody asks how it is: the lengths of its turns, and what waits for its
 * clients. Without --metrics and --control nothing of this is there. */
#ifndef CASGI_SERVER_SERVER_OBSERVER_H
#define CASGI_SERVER_SERVER_OBSERVER_H

#include "base/observations.h"
#include "server/server.h"

/* From now on notes how long turns last (*borrows* until server_free()). STATUS_OK, or STATUS_STATE
 * when it does so already. */
int server_observer_begin(struct server *server, struct observations *observations);

/* A turn begins, or waits: of a server that is observed. */
void server_observer_turn(struct server *server, bool is_waiting);

/* Returns how long its turn lasts by now; 0 while it waits, and of a server that is not observed.
 * From any thread. */
double server_observer_turn_seconds(const struct server *server);

/* Ends it: as in server_free(), and in a forked child. Idempotent. */
void server_observer_end(struct server *server);

/* Bytes that wait for clients, those of HTTP/2's streams not included: a walk over all connections.
 */
uint64_t server_observer_unsent(const struct server *server);

#endif
