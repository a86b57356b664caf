/* Descriptors that processes pass to each other: numbers and order, a full socket, a process that
 * has no room for one more. */
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "net/descriptor_socket.h"
#include "net_support.h"

struct receiver {
    uint32_t numbers[8];
    int count;
    int lost;
};

static void on_received(void *owner, int descriptor, uint32_t number) {
    struct receiver *receiver = owner;
    receiver->numbers[receiver->count++] = number;
    receiver->lost += descriptor < 0;
    if (descriptor >= 0) {
        CHECK(write(descriptor, "x", 1) == 1);
        close(descriptor);
    }
}

/* Passes the writing end of a new pipe, and returns the other: all that was passed is closed when
 * that is at its end. */
static int pass(int end, uint32_t number) {
    int ends[2];
    CHECK(pipe(ends) == 0);
    CHECK(descriptor_socket_send(end, ends[1], number));
    close(ends[1]);
    return ends[0];
}

/* The byte of on_received() has come, and nobody has the other end any more. */
static void check_was_received(int reading) {
    char bytes[2];
    CHECK(read(reading, bytes, 1) == 1 && read(reading, bytes, 1) == 0);
    close(reading);
}

static void test_order(struct event_loop *loop, const int *ends) {
    struct receiver receiver = {.count = 0};
    struct descriptor_socket *socket = descriptor_socket_new(loop, ends[0], on_received, &receiver);
    int first = pass(ends[1], 7), second = pass(ends[1], 8);
    TURN_UNTIL(loop, receiver.count == 2);
    CHECK(receiver.numbers[0] == 7 && receiver.numbers[1] == 8 && receiver.lost == 0);
    check_was_received(first);
    check_was_received(second);
    int third = pass(ends[1], 9);
    descriptor_socket_drain(socket);
    CHECK(receiver.count == 3);
    check_was_received(third);
    descriptor_socket_close(socket);
    event_loop_turn(loop, 0);
}

/* Leaves room for no descriptor; returns what was allowed before. */
static struct rlimit leave_no_room(void) {
    struct rlimit before, none;
    int lowest = dup(0);
    CHECK(lowest >= 0 && close(lowest) == 0);
    CHECK(getrlimit(RLIMIT_NOFILE, &before) == 0);
    none = before;
    none.rlim_cur = (rlim_t)lowest;
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    return before;
}

static void test_no_room(struct event_loop *loop, const int *ends) {
    struct receiver receiver = {.count = 0};
    struct descriptor_socket *socket = descriptor_socket_new(loop, ends[0], on_received, &receiver);
    int reading = pass(ends[1], 7);
    struct rlimit before = leave_no_room();
    for (int i = 0; i < 20; i++) {
        event_loop_turn(loop, 10);
    }
    descriptor_socket_drain(socket);
    CHECK(receiver.count == 0); /* it is on its way still */
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    TURN_UNTIL(loop, receiver.count == 1);
    CHECK(receiver.numbers[0] == 7 && receiver.lost == 0);
    check_was_received(reading);
    descriptor_socket_close(socket);
    event_loop_turn(loop, 0);
}

/* Who closes while there is no room leaves it to whoever else has the end. */
static void test_closed_without_room(struct event_loop *loop, const int *ends) {
    struct receiver receiver = {.count = 0}, successor = {.count = 0};
    struct descriptor_socket *socket = descriptor_socket_new(loop, ends[0], on_received, &receiver);
    int reading = pass(ends[1], 7);
    struct rlimit before = leave_no_room();
    descriptor_socket_drain(socket);
    descriptor_socket_close(socket);
    event_loop_turn(loop, 0);
    CHECK(setrlimit(RLIMIT_NOFILE, &before) == 0);
    socket = descriptor_socket_new(loop, ends[0], on_received, &successor);
    TURN_UNTIL(loop, successor.count == 1);
    CHECK(receiver.count == 0 && successor.lost == 0);
    check_was_received(reading);
    descriptor_socket_close(socket);
    event_loop_turn(loop, 0);
}

int main(void) {
    int ends[2];
    struct event_loop *loop = event_loop_new();
    CHECK(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends) == 0);
    test_order(loop, ends);
    test_no_room(loop, ends);
    test_closed_without_room(loop, ends);
    close(ends[0]);
    close(ends[1]);
    event_loop_free(loop);
    return net_report();
}
