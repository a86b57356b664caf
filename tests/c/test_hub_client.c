/* What a client sends to the hub, and when: each time that the hub is woken costs it, and everybody
 * who is told. */
#include "hub/hub_client.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>

#include "base/counters.h"
#include "base/limits.h"
#include "check.h"
#include "hub/hub_socket.h"
#include "hub/hub_wire.h"

static char folder[] = "/tmp/casgi-hub-XXXXXX";
static char path[64];

static bool ignore_message(void *owner, struct slice name, struct slice payload) {
    (void)owner, (void)name, (void)payload;
    return true;
}

static void ignore(void *owner) {
    (void)owner;
}

static const struct hub_client_events events = {.on_deliver = ignore_message,
                                                .on_message = ignore_message,
                                                .on_acked = ignore,
                                                .on_gap = ignore,
                                                .on_down = ignore};

/* A client, and the other end of its connection, which says nothing. */
struct pair {
    struct event_loop *loop;
    struct hub_client client;
    int listener, hub;
};

static size_t taken(const struct pair *pair) {
    char bytes[4096];
    ssize_t count = recv(pair->hub, bytes, sizeof(bytes), MSG_DONTWAIT);
    return count < 0 ? 0 : (size_t)count;
}

static void pair_open(struct pair *pair, bool lets_rest) {
    static const struct hub_socket_options options = {0600, (uid_t)-1, (gid_t)-1};
    pair->loop = event_loop_new();
    event_loop_set_hooks(pair->loop, &(struct event_loop_hooks){.lets_rest = lets_rest});
    pair->listener = hub_socket_listen(path, &options);
    hub_client_init(&pair->client, pair->loop, path, SLICE_LITERAL("project"), &events, NULL);
    CHECK(hub_client_connect(&pair->client) == STATUS_OK);
    pair->hub = accept(pair->listener, NULL, NULL);
    CHECK(taken(pair) == HUB_HEADER_SIZE + strlen("project"));
}

static void pair_close(struct pair *pair) {
    hub_client_close(&pair->client);
    for (int turns = 0; !hub_client_is_closed(&pair->client) && turns < 1000; turns++) {
        event_loop_turn(pair->loop, 1);
    }
    hub_client_release(&pair->client);
    close(pair->hub);
    close(pair->listener);
    CHECK(unlink(path) == 0);
    event_loop_free(pair->loop);
}

static const size_t message_size = HUB_HEADER_SIZE + 1 + 4;

static void publish(struct pair *pair) {
    uint64_t number;
    CHECK(hub_client_publish(&pair->client, SLICE_LITERAL("t"), SLICE_LITERAL("text"), false,
                             &number) == STATUS_OK);
}

/* Also those of several turns; on a slow machine they may leave with the clock instead. */
static void test_what_a_busy_loop_sends_leaves_together(void) {
    struct pair pair;
    pair_open(&pair, true);
    bool left_together = false;
    for (int i = 0; i < 1000 && !left_together; i++) {
        event_loop_turn(pair.loop, 1);
        publish(&pair);
        publish(&pair);
        CHECK(taken(&pair) == 0);
        event_loop_turn(pair.loop, 0);
        publish(&pair);
        size_t before = taken(&pair);
        event_loop_turn(pair.loop, 1);
        size_t behind = taken(&pair);
        CHECK(before + behind == 3 * message_size);
        left_together = before == 0;
    }
    CHECK(left_together);
    pair_close(&pair);
}

static void test_who_waits_for_the_answer_has_it_sent(void) {
    struct pair pair;
    pair_open(&pair, true);
    event_loop_turn(pair.loop, 1);
    publish(&pair);
    publish(&pair);
    hub_client_write(&pair.client);
    CHECK(taken(&pair) == 2 * message_size);
    hub_client_write(&pair.client);
    CHECK(taken(&pair) == 0);
    pair_close(&pair);
}

static void test_nothing_is_lost_at_the_end(void) {
    struct pair pair;
    pair_open(&pair, true);
    publish(&pair);
    publish(&pair);
    CHECK(taken(&pair) == 0);
    hub_client_close(&pair.client);
    CHECK(taken(&pair) == 2 * message_size);
    pair_close(&pair);
}

/* Much is not kept until then. */
static void test_much_leaves_with_its_turn(void) {
    static char text[LIMIT_HUB_CHUNK];
    struct pair pair;
    pair_open(&pair, true);
    uint64_t number;
    CHECK(hub_client_publish(&pair.client, SLICE_LITERAL("t"), slice_of(text, sizeof(text)), false,
                             &number) == STATUS_OK);
    event_loop_turn(pair.loop, 0);
    CHECK(taken(&pair) > 0);
    pair_close(&pair);
}

static void test_a_loop_that_does_not_rest(void) {
    struct pair pair;
    pair_open(&pair, false);
    event_loop_turn(pair.loop, 0);
    publish(&pair);
    CHECK(taken(&pair) == message_size);
    publish(&pair);
    CHECK(taken(&pair) == 0);
    event_loop_turn(pair.loop, 0);
    CHECK(taken(&pair) == message_size);
    pair_close(&pair);
}

int main(void) {
    CHECK(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof(path), "%s/hub", folder);
    test_what_a_busy_loop_sends_leaves_together();
    test_who_waits_for_the_answer_has_it_sent();
    test_nothing_is_lost_at_the_end();
    test_much_leaves_with_its_turn();
    test_a_loop_that_does_not_rest();
    CHECK(rmdir(folder) == 0);
    for (int kind = 0; kind < COUNTER_COUNT; kind++) {
        CHECK_ROW(counters_alive((enum counter)kind) == 0, counters_name((enum counter)kind));
    }
    return check_report();
}
