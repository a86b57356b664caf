/* Groups of WebSockets with a scripted bus under them: what others are told of and when, what is
 * published, that what comes from elsewhere is not passed on, and what becomes of slow members;
 * with the n-th allocation failing. */
#include "exchange_script.h"
#include "server/websocket_group.h"

enum { MEMBERS = 3 };

static const struct http_header headers[] = {
    {{"host", 4}, {"example.org", 11}},
    {{"upgrade", 7}, {"websocket", 9}},
    {{"connection", 10}, {"Upgrade", 7}},
    {{"sec-websocket-version", 21}, {"13", 2}},
    {{"sec-websocket-key", 17}, {"dGhlIHNhbXBsZSBub25jZQ==", 24}},
};
static const struct http_request_head handshake = {.method = {"GET", 3},
                                                   .target = {"/", 1},
                                                   .path = {"/", 1},
                                                   .version_major = 1,
                                                   .version_minor = 1,
                                                   .headers = headers,
                                                   .header_count = 5,
                                                   .content_length = -1,
                                                   .upgrades_websocket = true};

/* The double of group_bus_ops. */
static struct record told;
static int publish_status;

static void on_join(void *owner, struct member *member, struct slice group, bool is_first) {
    CHECK(owner == &told && member->count > 0);
    record_add(&told, "join %.*s%s;", (int)group.length, group.data, is_first ? " first" : "");
}
static void on_leave(void *owner, struct member *member, struct slice group, bool is_last) {
    CHECK(owner == &told && member != NULL);
    record_add(&told, "leave %.*s%s;", (int)group.length, group.data, is_last ? " last" : "");
}
static int publish(void *owner, struct slice group, struct ws_message *message) {
    CHECK(owner == &told);
    record_add(&told, "publish %.*s %.*s;", (int)group.length, group.data,
               (int)message->payload.length, message->payload.data);
    return publish_status;
}
static const struct group_bus_ops bus_ops = {on_join, on_leave, publish};

/* An application that only listens. */
static void ignore_message(void *owner, bool is_text, struct slice payload) {
    (void)owner, (void)is_text, (void)payload;
}
static void ignore(void *owner) {
    (void)owner;
}
static void ignore_close(void *owner, int code, struct slice reason) {
    (void)owner, (void)code, (void)reason;
}
static void on_slow(void *owner, enum slow_consumer_outcome outcome, uint32_t count,
                    size_t backlog) {
    CHECK(owner == NULL);
    record_add(&told, "slow %s %u %zu;", slow_consumer_outcome_name(outcome), count, backlog);
}
static const struct websocket_events websocket_events = {.on_message = ignore_message,
                                                         .on_ready = ignore,
                                                         .on_drain = ignore,
                                                         .on_close = ignore_close,
                                                         .on_slow = on_slow,
                                                         .on_end = ignore};

static struct websocket *offered;

static int take_websocket(struct server_script *script, struct websocket *websocket) {
    (void)script;
    websocket_attach(websocket, &websocket_events, NULL);
    offered = websocket;
    return STATUS_OK;
}

struct room {
    struct server_script server;
    struct exchange_script exchanges[MEMBERS];
    struct websocket *websockets[MEMBERS];
};

static void room_open_with(struct room *room, const struct group_bus_ops *ops,
                           const struct server_options *options) {
    server_script_open(&room->server, options, -1);
    room->server.take_websocket = take_websocket;
    room->server.server->groups.bus = (struct group_bus){ops, &told};
    record_clear(&told);
    publish_status = STATUS_OK;
    for (size_t i = 0; i < MEMBERS; i++) {
        exchange_script_begin(&room->exchanges[i], room->server.server, &handshake);
        websocket_offer(room->server.server, &room->exchanges[i].exchange);
        room->websockets[i] = offered;
        CHECK(websocket_group_join(offered, SLICE_LITERAL("a")) == STATUS_STATE);
        CHECK(websocket_group_leave(offered, SLICE_LITERAL("a")) == STATUS_STATE);
        CHECK(websocket_accept(offered, SLICE_EMPTY, NULL, 0) == STATUS_OK);
    }
}

static void room_open(struct room *room, const struct group_bus_ops *ops) {
    struct server_options options = script_options();
    room_open_with(room, ops, &options);
}

static void room_close(struct room *room) {
    for (size_t i = 0; i < MEMBERS; i++) {
        exchange_script_close(&room->exchanges[i]);
    }
    server_script_close(&room->server);
}

static void check_told(const char *expected) {
    CHECK_ROW(slice_equals(record_slice(&told), slice_of(expected, strlen(expected))), told.text);
    record_clear(&told);
}

static void check_sent(struct room *room, size_t member, const char *expected) {
    struct record *sent = &room->exchanges[member].sent;
    CHECK_ROW(slice_equals(record_slice(sent), slice_of(expected, strlen(expected))), sent->text);
    record_clear(sent);
}

static int send_to(struct room *room, size_t sender, const char *text, bool includes_self) {
    struct ws_message message;
    ws_message_init(&message, true, slice_of(text, strlen(text)));
    int status =
        websocket_group_send(room->websockets[sender], SLICE_LITERAL("a"), &message, includes_self);
    ws_message_release(&message);
    return status;
}

static void test_the_first_and_the_last_are_told_as_such(void) {
    struct room room;
    room_open(&room, &bus_ops);
    CHECK(websocket_group_join(room.websockets[0], SLICE_LITERAL("a")) == STATUS_OK);
    CHECK(websocket_group_join(room.websockets[0], SLICE_LITERAL("a")) == STATUS_OK); /* renewed */
    CHECK(websocket_group_join(room.websockets[1], SLICE_LITERAL("a")) == STATUS_OK);
    CHECK(websocket_group_join(room.websockets[1], SLICE_LITERAL("b")) == STATUS_OK);
    check_told("join a first;join a;join b first;");
    CHECK(websocket_group_leave(room.websockets[0], SLICE_LITERAL("a")) == STATUS_OK);
    CHECK(websocket_group_leave(room.websockets[0], SLICE_LITERAL("a")) == STATUS_OK);
    check_told("leave a;");
    exchange_script_close(&room.exchanges[1]); /* with its connection */
    check_told("leave a last;leave b last;");
    CHECK(websocket_group_join(room.websockets[2], SLICE_LITERAL("a")) == STATUS_OK);
    check_told("join a first;");
    exchange_script_begin(&room.exchanges[1], room.server.server, &handshake);
    room_close(&room);
    check_told("leave a last;");
}

static void test_what_is_sent_goes_to_all_here_and_once_to_the_bus(void) {
    struct room room;
    room_open(&room, &bus_ops);
    CHECK(send_to(&room, 0, "none here", true) == STATUS_OK); /* others may be elsewhere */
    check_told("publish a none here;");
    for (size_t i = 0; i < MEMBERS; i++) {
        CHECK(websocket_group_join(room.websockets[i], SLICE_LITERAL("a")) == STATUS_OK);
    }
    record_clear(&told);
    CHECK(send_to(&room, 0, "hi", false) == STATUS_OK);
    check_told("publish a hi;");
    check_sent(&room, 0, "");
    check_sent(&room, 1, "\x81\x02hi");
    check_sent(&room, 2, "\x81\x02hi");
    publish_status = STATUS_CLOSED;
    CHECK(send_to(&room, 1, "on", true) == STATUS_CLOSED);
    check_sent(&room, 0, "\x81\x02on");
    check_sent(&room, 1, "\x81\x02on");
    record_clear(&told);
    room_close(&room);
    record_clear(&told);
}

static void test_what_comes_from_elsewhere_is_not_passed_on(void) {
    struct room room;
    room_open(&room, &bus_ops);
    CHECK(websocket_group_join(room.websockets[2], SLICE_LITERAL("a")) == STATUS_OK);
    record_clear(&told);
    struct ws_message message;
    ws_message_init(&message, false, SLICE_LITERAL("far"));
    websocket_group_deliver(room.server.server, SLICE_LITERAL("a"), &message);
    websocket_group_deliver(room.server.server, SLICE_LITERAL("nobody's"), &message);
    ws_message_release(&message);
    check_told("");
    check_sent(&room, 2,
               "\x82\x03"
               "far");
    room_close(&room);
    record_clear(&told);
}

static void test_alone(void) {
    struct room room;
    room_open(&room, NULL);
    CHECK(websocket_group_join(room.websockets[0], SLICE_LITERAL("a")) == STATUS_OK);
    CHECK(send_to(&room, 1, "x", true) == STATUS_OK);
    check_sent(&room, 0, "\x81\x01x");
    room_close(&room);
    check_told("");
}

/* One member of three has more unsent than the limit: what becomes of it, and that the others get
 * the message. `droppable` of its frames can be dropped. */
static void check_slow(enum slow_consumer_policy policy, uint32_t droppable, const char *outcome,
                       const char *sent) {
    struct server_options options = script_options();
    struct room room;
    options.slow_consumer = policy;
    options.write_backlog_limit = 100;
    room_open_with(&room, NULL, &options);
    for (size_t i = 0; i < MEMBERS; i++) {
        CHECK(websocket_group_join(room.websockets[i], SLICE_LITERAL("a")) == STATUS_OK);
    }
    room.exchanges[1].queued = 97; /* with the three bytes of the frame: full */
    room.exchanges[1].droppable = droppable;
    CHECK(send_to(&room, 0, "y", true) == STATUS_OK);
    check_told("");
    room.exchanges[1].queued = 98;
    CHECK(send_to(&room, 0, "x", true) == STATUS_OK);
    check_told(outcome);
    check_sent(&room, 0, "\x81\x01y\x81\x01x");
    check_sent(&room, 1, sent);
    check_sent(&room, 2, "\x81\x01y\x81\x01x");
    room_close(&room);
}

static void test_a_slow_member(void) {
    check_slow(SLOW_CONSUMER_DROP_NEWEST, 1, "slow dropped_newest 1 98;", "\x81\x01y");
    check_slow(SLOW_CONSUMER_DROP_OLDEST, 2, "slow dropped_oldest 2 98;", "\x81\x01y\x81\x01x");
    check_slow(SLOW_CONSUMER_DROP_OLDEST, 0, "slow dropped_newest 1 98;", "\x81\x01y");
    check_slow(SLOW_CONSUMER_CLOSE, 1, "slow closed 1 98;",
               "\x81\x01y\x88\x19\x03\xf0too slow for its groups");
}

/* Of many some are closed, then the others: each once. */
static void test_closing_some(void) {
    struct room room;
    room_open(&room, NULL);
    CHECK(server_close_websockets(room.server.server, 2) == 2);
    CHECK(server_close_websockets(room.server.server, 2) == 1);
    CHECK(server_close_websockets(room.server.server, 2) == 0);
    for (size_t i = 0; i < MEMBERS; i++) {
        check_sent(&room, i, "\x88\x02\x03\xf4");
    }
    room_close(&room);
}

/* A join that fails is told to nobody, and a message that cannot be encoded reaches nobody. */
static void test_allocations_that_fail(void) {
    struct room room;
    room_open(&room, &bus_ops);
    for (long n = 1;; n++) {
        memory_set_failure(n);
        int status = websocket_group_join(room.websockets[0], SLICE_LITERAL("a"));
        memory_set_failure(0);
        if (status == STATUS_OK) {
            break;
        }
        CHECK(status == STATUS_NO_MEMORY && n < 20);
        check_told("");
    }
    check_told("join a first;");
    struct ws_message message;
    ws_message_init(&message, true, SLICE_LITERAL("x"));
    memory_set_failure(1);
    websocket_group_deliver(room.server.server, SLICE_LITERAL("a"), &message);
    check_sent(&room, 0, "");
    websocket_group_deliver(room.server.server, SLICE_LITERAL("a"), &message);
    check_sent(&room, 0, "\x81\x01x");
    ws_message_release(&message);
    room_close(&room);
    record_clear(&told);
}

int main(void) {
    test_the_first_and_the_last_are_told_as_such();
    test_what_is_sent_goes_to_all_here_and_once_to_the_bus();
    test_what_comes_from_elsewhere_is_not_passed_on();
    test_alone();
    test_a_slow_member();
    test_closing_some();
    test_allocations_that_fail();
    return server_report();
}
