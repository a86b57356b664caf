/* Connections shared out between workers: whoever has more than the emptiest passes a new one to
 * it, before a byte is read.
 *
 * What is balanced is how many connections each has, not how often each is woken: a WebSocket stays
 * where it was accepted for as long as it lives. */
#ifndef CASGI_SERVER_CONNECTION_BALANCE_H
#define CASGI_SERVER_CONNECTION_BALANCE_H

#include "base/scoreboard.h"
#include "net/descriptor_socket.h"

struct connection_balance;

/* The place of this process among its fellows. */
struct connection_balance_place {
    struct scoreboard *board; /* borrowed */
    uint32_t slot;            /* of this process */
    uint32_t seat;
    int receiving;      /* what is passed to this seat comes here; borrowed */
    const int *sending; /* for each seat where to pass to; copied, the descriptors borrowed */
    uint32_t seat_count;
    uint64_t busy_after; /* nanoseconds in one turn after which others are passed nothing */
};

/* Returns new balance, or NULL. This worker serves from now on. `on_passed` *takes* each connection
 * that comes, with the number that its sender gave. */
struct connection_balance *connection_balance_new(struct event_loop *loop,
                                                  const struct connection_balance_place *place,
                                                  descriptor_received on_passed, void *owner);

enum connection_route {
    CONNECTION_KEPT,
    CONNECTION_PASSED,
    CONNECTION_KEPT_FULL /* as much is on its way to who should have it as can be */
};

/* Passes a new connection (*takes* it, if so) to a worker that has less than this one, whose
 * `connections` there are already. */
enum connection_route connection_balance_pass(struct connection_balance *balance, int descriptor,
                                              uint32_t number, size_t connections);

/* Says how this worker is, as its loop's turn begins, or ends in a wait. */
void connection_balance_report(struct connection_balance *balance, size_t connections,
                               const struct metrics *metrics, bool is_waiting);

/* Nobody passes to this worker any more; takes what was passed to it until now. Idempotent. */
void connection_balance_leave(struct connection_balance *balance);

/* Leaves, and frees it. NULL is fine. */
void connection_balance_free(struct connection_balance *balance);

/* Returns the seat of who has least and is at hand, or `own` when nobody has `slack` less than
 * `mine`. Not at hand is whose turn began before `busy_since`. For tests: connection_balance_pass()
 * asks it with the clock of now. */
uint32_t connection_balance_emptiest(struct scoreboard *board, uint32_t seat_count, uint32_t own,
                                     size_t mine, uint64_t busy_since);

#endif
