/* The choice of who gets a connection. Owns the receiver of what is passed here; the scoreboard and
 * the sending ends are borrowed. Never looks at a connection's bytes. */
#include "server/connection_balance.h"

#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/memory.h"

struct connection_balance {
    struct connection_balance_place place;
    struct event_loop *loop;
    struct descriptor_socket *receiver; /* NULL after leaving */
    descriptor_received on_passed;
    void *owner;
    int sending[];
};

static struct scoreboard_slot *own_slot(const struct connection_balance *balance) {
    return &balance->place.board->slots[balance->place.slot];
}

/* What was counted for a seat when it was sent is there. Whoever dies in between leaves its count
 * behind: the supervisor takes it back, which may be a moment too early. */
static void count_arrival(struct scoreboard_seat *seat) {
    uint32_t passed = atomic_load(&seat->passed);
    while (passed > 0 && !atomic_compare_exchange_weak(&seat->passed, &passed, passed - 1)) {
    }
}

static void on_received(void *owner, int descriptor, uint32_t number) {
    struct connection_balance *balance = owner;
    if (descriptor >= 0) {
        balance->on_passed(balance->owner, descriptor, number);
        /* Before this turn's report: who is in neither count is taken for room. */
        atomic_fetch_add(&own_slot(balance)->connections, 1);
    }
    count_arrival(&balance->place.board->seats[balance->place.seat]);
}

struct connection_balance *connection_balance_new(struct event_loop *loop,
                                                  const struct connection_balance_place *place,
                                                  descriptor_received on_passed, void *owner) {
    size_t size = place->seat_count * sizeof(int);
    struct connection_balance *balance = memory_allocate_zeroed(sizeof(*balance) + size);
    if (balance == NULL) {
        return NULL;
    }
    balance->loop = loop;
    balance->place = *place;
    balance->on_passed = on_passed;
    balance->owner = owner;
    memcpy(balance->sending, place->sending, size);
    balance->place.sending = balance->sending;
    balance->receiver = descriptor_socket_new(loop, place->receiving, on_received, balance);
    if (balance->receiver == NULL) {
        memory_free(balance);
        return NULL;
    }
    atomic_store(&own_slot(balance)->state, SCOREBOARD_SERVING);
    atomic_store(&place->board->seats[place->seat].slot, place->slot + 1);
    return balance;
}

/* Whether a worker takes what it is passed soon. */
static bool is_at_hand(const struct scoreboard_slot *slot, uint64_t busy_since) {
    uint64_t turn_began = atomic_load(&slot->busy_since);
    return turn_began == 0 || turn_began > busy_since;
}

uint32_t connection_balance_emptiest(struct scoreboard *board, uint32_t seat_count, uint32_t own,
                                     size_t mine, uint64_t busy_since) {
    uint32_t emptiest = own;
    size_t least = mine;
    for (uint32_t seat = 0; seat < seat_count; seat++) {
        const struct scoreboard_slot *slot = seat != own ? scoreboard_serving(board, seat) : NULL;
        if (slot == NULL || !is_at_hand(slot, busy_since)) {
            continue;
        }
        size_t theirs = (size_t)atomic_load(&slot->connections) +
                        (size_t)atomic_load(&board->seats[seat].passed);
        if (theirs < least) {
            least = theirs;
            emptiest = seat;
        }
    }
    return mine > least + LIMIT_BALANCE_SLACK ? emptiest : own;
}

enum connection_route connection_balance_pass(struct connection_balance *balance, int descriptor,
                                              uint32_t number, size_t connections) {
    const struct connection_balance_place *place = &balance->place;
    atomic_store(&own_slot(balance)->connections, (uint32_t)connections);
    size_t mine = connections + atomic_load(&place->board->seats[place->seat].passed);
    uint64_t now = event_loop_clock();
    uint64_t busy_since = now > place->busy_after ? now - place->busy_after : 0;
    uint32_t seat =
        connection_balance_emptiest(place->board, place->seat_count, place->seat, mine, busy_since);
    if (seat == place->seat) {
        return CONNECTION_KEPT;
    }
    struct scoreboard_seat *theirs = &place->board->seats[seat];
    atomic_fetch_add(&theirs->passed, 1); /* before it is sent: the next sender sees it */
    if (!descriptor_socket_send(place->sending[seat], descriptor, number)) {
        count_arrival(theirs);
        return CONNECTION_KEPT_FULL;
    }
    close(descriptor);
    return CONNECTION_PASSED;
}

void connection_balance_report(struct connection_balance *balance, size_t connections,
                               const struct metrics *metrics, bool is_waiting) {
    struct scoreboard_slot *slot = own_slot(balance);
    atomic_store(&slot->busy_since, is_waiting ? 0 : event_loop_clock());
    atomic_store_explicit(&slot->connections, (uint32_t)connections, memory_order_relaxed);
    if (is_waiting) {
        metrics_copy(&slot->metrics, metrics);
    }
}

void connection_balance_leave(struct connection_balance *balance) {
    struct descriptor_socket *receiver = balance->receiver;
    if (receiver == NULL) {
        return;
    }
    atomic_store(&own_slot(balance)->state, SCOREBOARD_LEAVING);
    descriptor_socket_drain(receiver);
    balance->receiver = NULL;
    descriptor_socket_close(receiver);
}

void connection_balance_free(struct connection_balance *balance) {
    if (balance != NULL) {
        connection_balance_leave(balance);
        memory_free(balance);
    }
}
