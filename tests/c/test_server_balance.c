/* Connections shared out: who is chosen, what is counted, what is kept, and what a successor gets.
 *
 * Two balances on one loop stand for two workers; each takes what it is passed as a descriptor. */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/counters.h"
#include "base/limits.h"
#include "base/memory.h"
#include "check.h"
#include "server/connection_balance.h"

enum { SEATS = 4, MILLISECOND = 1000000 };

static const uint64_t NOW = 1000ULL * MILLISECOND;

static void sit(struct scoreboard *board, uint32_t seat, uint32_t connections) {
    board->slots[seat].state = SCOREBOARD_SERVING;
    board->slots[seat].connections = connections;
    board->seats[seat].slot = seat + 1;
}

static uint32_t chosen(struct scoreboard *board, size_t mine) {
    return connection_balance_emptiest(board, SEATS, 0, mine, NOW - 20 * MILLISECOND);
}

static void test_who_is_chosen(void) {
    static struct scoreboard board;
    CHECK(chosen(&board, 100) == 0); /* nobody else is there */
    sit(&board, 1, 7);
    sit(&board, 2, 5);
    sit(&board, 3, 6);
    CHECK(chosen(&board, 100) == 2);
    CHECK(chosen(&board, 5 + LIMIT_BALANCE_SLACK) == 0);
    CHECK(chosen(&board, 5 + LIMIT_BALANCE_SLACK + 1) == 2);
    board.seats[2].passed = 3; /* on their way already */
    CHECK(chosen(&board, 100) == 3);
    board.slots[3].state = SCOREBOARD_LEAVING;
    CHECK(chosen(&board, 100) == 1);
    board.slots[1].busy_since = NOW - 21 * MILLISECOND;
    CHECK(chosen(&board, 100) == 2);
    board.slots[1].busy_since = NOW - 19 * MILLISECOND;
    CHECK(chosen(&board, 100) == 1);
    board.slots[1].busy_since = NOW + MILLISECOND; /* its turn began while we asked the clock */
    CHECK(chosen(&board, 100) == 1);
    board.seats[1].slot = SCOREBOARD_SLOTS + 7; /* no slot of ours */
    CHECK(chosen(&board, 100) == 2);
}

struct worker {
    struct connection_balance *balance;
    int taken;
    uint32_t number; /* of the last */
};

static void on_passed(void *owner, int descriptor, uint32_t number) {
    struct worker *worker = owner;
    worker->taken++;
    worker->number = number;
    CHECK(fcntl(descriptor, F_GETFD) == FD_CLOEXEC);
    close(descriptor);
}

struct host {
    struct event_loop *loop;
    struct scoreboard board;
    int receiving[2], sending[2];
    struct worker workers[2];
};

static void open_seats(struct host *host) {
    for (int i = 0; i < 2; i++) {
        int ends[2];
        CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
        host->receiving[i] = ends[0];
        host->sending[i] = ends[1];
    }
}

static void join(struct host *host, uint32_t seat, uint32_t slot) {
    struct connection_balance_place place = {.board = &host->board,
                                             .slot = slot,
                                             .seat = seat,
                                             .receiving = host->receiving[seat],
                                             .sending = host->sending,
                                             .seat_count = 2};
    host->workers[seat] = (struct worker){0};
    host->workers[seat].balance =
        connection_balance_new(host->loop, &place, on_passed, &host->workers[seat]);
    CHECK(host->workers[seat].balance != NULL);
}

static int new_connection(void) {
    return dup(0);
}

/* Where a connection of the first worker goes. */
static enum connection_route way(struct host *host, size_t mine) {
    int descriptor = new_connection();
    enum connection_route way =
        connection_balance_pass(host->workers[0].balance, descriptor, 5, mine);
    if (way != CONNECTION_PASSED) {
        close(descriptor);
    }
    return way;
}

static bool pass(struct host *host, size_t mine) {
    return way(host, mine) == CONNECTION_PASSED;
}

static void turn_until_taken(struct host *host, int count) {
    for (int i = 0; i < 500 && host->workers[1].taken < count; i++) {
        event_loop_turn(host->loop, 20);
    }
    CHECK(host->workers[1].taken == count);
}

static void test_passing(struct host *host) {
    join(host, 0, 0);
    join(host, 1, 1);
    CHECK(!pass(host, LIMIT_BALANCE_SLACK));
    CHECK(host->board.slots[0].connections == LIMIT_BALANCE_SLACK);
    CHECK(pass(host, 10));
    CHECK(host->board.seats[1].passed == 1);
    turn_until_taken(host, 1);
    CHECK(host->workers[1].number == 5);
    CHECK(host->board.seats[1].passed == 0);
    connection_balance_free(host->workers[0].balance);
    connection_balance_free(host->workers[1].balance);
}

/* A full socket keeps nothing from being served: the rest is kept. */
static void test_full(struct host *host) {
    join(host, 0, 0);
    join(host, 1, 1);
    int passed = 0;
    while (passed < 10000 && pass(host, 20000)) {
        passed++;
    }
    CHECK(passed > 100 && passed < 10000);
    CHECK(way(host, 20000) == CONNECTION_KEPT_FULL);
    CHECK(way(host, 0) == CONNECTION_KEPT);
    CHECK((int)host->board.seats[1].passed == passed);
    connection_balance_leave(host->workers[1].balance);
    connection_balance_leave(host->workers[1].balance);
    CHECK(host->workers[1].taken == passed); /* who leaves takes what it was passed */
    CHECK(!pass(host, 20000));
    connection_balance_free(host->workers[0].balance);
    connection_balance_free(host->workers[1].balance);
}

/* A worker that is killed takes nothing: its successor in the seat does. */
static void test_successor(struct host *host) {
    join(host, 0, 0);
    join(host, 1, 1);
    for (int i = 0; i < 50; i++) {
        CHECK(pass(host, 1000));
    }
    struct connection_balance *killed = host->workers[1].balance;
    host->board.slots[1].state = SCOREBOARD_FREE;
    CHECK(!pass(host, 1000));
    join(host, 1, 2); /* before the loop turns: nothing was taken yet */
    host->board.slots[1].state = SCOREBOARD_FREE;
    turn_until_taken(host, 50);
    CHECK(host->board.seats[1].passed == 0);
    CHECK(pass(host, 1000));
    turn_until_taken(host, 51);
    connection_balance_free(killed);
    connection_balance_free(host->workers[0].balance);
    connection_balance_free(host->workers[1].balance);
}

/* A connection that the worker has no descriptor for stays on its way, and counts, until it has. */
static void test_no_room(struct host *host) {
    struct rlimit before;
    join(host, 0, 0);
    join(host, 1, 1);
    CHECK(pass(host, 1000));
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    int free_descriptor = new_connection();
    close(free_descriptor);
    struct rlimit full = {.rlim_cur = (rlim_t)free_descriptor, .rlim_max = before.rlim_max};
    CHECK(setrlimit(RLIMIT_NOFILE, &full) == 0);
    for (int i = 0; i < 10; i++) {
        event_loop_turn(host->loop, 20);
    }
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    CHECK(host->board.seats[1].passed == 1 && host->workers[1].taken == 0);
    turn_until_taken(host, 1);
    CHECK(host->board.seats[1].passed == 0);
    connection_balance_free(host->workers[0].balance);
    connection_balance_free(host->workers[1].balance);
}

static void test_report(struct host *host) {
    struct metrics metrics = {.counts = {[METRIC_requests] = 3}};
    join(host, 0, 0);
    const struct scoreboard_slot *slot = &host->board.slots[0];
    CHECK(slot->state == SCOREBOARD_SERVING);
    connection_balance_report(host->workers[0].balance, 7, &metrics, false);
    CHECK(slot->busy_since > 0 && slot->busy_since <= event_loop_clock());
    CHECK(slot->connections == 7);
    connection_balance_report(host->workers[0].balance, 8, &metrics, true);
    CHECK(slot->busy_since == 0);
    CHECK(slot->connections == 8);
    CHECK(metrics_read(&slot->metrics, METRIC_requests) == 3);
    connection_balance_leave(host->workers[0].balance);
    CHECK(slot->state == SCOREBOARD_LEAVING);
    connection_balance_free(host->workers[0].balance);
    connection_balance_free(NULL);
}

static void test_without_memory(struct host *host) {
    struct connection_balance_place place = {.board = &host->board,
                                             .receiving = host->receiving[0],
                                             .sending = host->sending,
                                             .seat_count = 2};
    for (int failing = 1; failing <= 2; failing++) {
        memory_set_failure(failing);
        CHECK(connection_balance_new(host->loop, &place, on_passed, host) == NULL);
    }
    memory_set_failure(0);
    place.receiving = -1;
    CHECK(connection_balance_new(host->loop, &place, on_passed, host) == NULL);
}

int main(void) {
    static struct host host;
    host.loop = event_loop_new();
    open_seats(&host);
    test_who_is_chosen();
    test_passing(&host);
    test_full(&host);
    test_successor(&host);
    test_no_room(&host);
    test_report(&host);
    test_without_memory(&host);
    event_loop_free(host.loop);
    for (int i = 0; i < 2; i++) {
        close(host.receiving[i]);
        close(host.sending[i]);
    }
    CHECK(counters_alive(COUNTER_event_loops) == 0);
    CHECK(counters_alive(COUNTER_listeners) == 0);
    return check_report();
}
