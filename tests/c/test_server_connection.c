/* Tests of server/connection.c between two doubles: a scripted stream below, a scripted protocol
 * above. */
#include "base/memory.h"
#include "protocol_script.h"
#include "server/connection_list.h"
#include "stream_script.h"

static struct server_script server;
static struct stream_script stream;

static void open_server(const struct server_options *options) {
    memset(&protocol_script, 0, sizeof(protocol_script));
    server_script_open(&server, options, -1);
    server.server->choose_protocol = protocol_script_choose;
    stream_script_init(&stream, server.loop);
}

/* Accepts the stream, which opens at once. */
static struct connection *accept_stream(const struct server_options *options) {
    open_server(options);
    connection_accept(server.server, &stream.stream);
    CHECK_RECORD(&protocol_script.record, "begin;");
    CHECK_RECORD(&stream.record, "read;");
    return protocol_script.connection;
}

static void close_all(void) {
    stream_script_closed(&stream);
    CHECK_RECORD(&server.record, "connection end;idle;");
    record_clear(&protocol_script.record);
    server_script_close(&server);
}

static void test_bytes_go_to_the_protocol(void) {
    struct server_options options = script_options();
    struct connection *connection = accept_stream(&options);
    CHECK(connection->state == CONNECTION_OPEN && server.server->connection_count == 1);
    stream_script_reads(&stream, SLICE_LITERAL("GET /"));
    stream_script_ends(&stream, STATUS_OK);
    CHECK_RECORD(&protocol_script.record, "bytes GET /;end 0;");
    server_shutdown(server.server);
    CHECK_RECORD(&protocol_script.record, "shutdown;");
    connection_close(connection);
    connection_close(connection);
    connection_reset(connection);
    CHECK_RECORD(&stream.record, "close;");
    stream.stream.events->on_closed(stream.stream.owner);
    CHECK_RECORD(&protocol_script.record, "closed;");
    CHECK_RECORD(&server.record, "connection end;idle;");
    CHECK(server.server->connection_count == 0);
    server_script_close(&server);
}

static void test_the_protocol_begins_when_the_stream_is_open(void) {
    struct server_options options = script_options();
    open_server(&options);
    stream.opens_late = true;
    connection_accept(server.server, &stream.stream);
    CHECK_RECORD(&protocol_script.record, "");
    CHECK_RECORD(&stream.record, "");
    stream.stream.events->on_open(stream.stream.owner);
    CHECK_RECORD(&protocol_script.record, "begin;");
    CHECK_RECORD(&stream.record, "read;");
    close_all();
}

static void test_a_stream_that_does_not_open(void) {
    struct server_options options = script_options();
    /* ends by itself */
    open_server(&options);
    stream.opens_late = true;
    connection_accept(server.server, &stream.stream);
    stream_script_ends(&stream, STATUS_SYSTEM);
    CHECK_RECORD(&stream.record, "close;");
    close_all();
    /* is closed by a shutdown; what it opens then is too late */
    open_server(&options);
    stream.opens_late = true;
    connection_accept(server.server, &stream.stream);
    server_script_age(&server);
    server_shutdown(server.server);
    TURN_UNTIL(&server, stream.stream.closing);
    CHECK_RECORD(&stream.record, "close;");
    stream.stream.events->on_open(stream.stream.owner);
    CHECK_RECORD(&protocol_script.record, "");
    close_all();
    /* or takes too long */
    options.header_timeout = 0;
    open_server(&options);
    stream.opens_late = true;
    connection_accept(server.server, &stream.stream);
    TURN_UNTIL(&server, stream.stream.closing);
    CHECK_RECORD(&protocol_script.record, "");
    close_all();
}

/* A client that was just let in may finish its handshake, and is heard for a moment. */
static void test_a_shutdown_in_a_new_handshake(void) {
    struct server_options options = script_options();
    open_server(&options);
    stream.opens_late = true;
    connection_accept(server.server, &stream.stream);
    server_script_stay_new(&server);
    server_shutdown(server.server);
    CHECK(!stream.stream.closing);
    stream.stream.events->on_open(stream.stream.owner);
    CHECK_RECORD(&protocol_script.record, "begin;shutdown;");
    CHECK_RECORD(&stream.record, "read;");
    close_all();
    /* but it is not waited for without end */
    open_server(&options);
    stream.opens_late = true;
    connection_accept(server.server, &stream.stream);
    server_shutdown(server.server);
    TURN_UNTIL(&server, stream.stream.closing);
    CHECK_RECORD(&protocol_script.record, "");
    close_all();
}

static void test_a_protocol_that_can_not_begin(void) {
    struct server_options options = script_options();
    open_server(&options);
    protocol_script.has_no_memory = true;
    connection_accept(server.server, &stream.stream);
    CHECK_RECORD(&stream.record, "close;");
    stream.stream.events->on_closed(stream.stream.owner);
    CHECK_RECORD(&protocol_script.record, "begin;");
    server_script_close(&server);

    open_server(&options);
    stream.can_not_read = true;
    connection_accept(server.server, &stream.stream);
    CHECK_RECORD(&stream.record, "read;close;");
    close_all();
}

static void test_no_memory_for_a_connection(void) {
    struct server_options options = script_options();
    open_server(&options);
    memory_set_failure(1);
    connection_accept(server.server, &stream.stream);
    memory_set_failure(0);
    CHECK_RECORD(&stream.record, "close;");
    stream.stream.events->on_closed(stream.stream.owner);
    CHECK_RECORD(&server.record, "");
    server_script_close(&server);
}

static void test_the_timer_is_the_protocols(void) {
    struct server_options options = script_options();
    struct connection *connection = accept_stream(&options);
    connection_set_timeout(connection, 0);
    TURN_UNTIL(&server, protocol_script.record.length > 0);
    CHECK_RECORD(&protocol_script.record, "timeout;");
    connection_set_timeout(connection, 0);
    connection_set_timeout(connection, -1);
    event_loop_turn(server.loop, 40);
    CHECK_RECORD(&protocol_script.record, "");
    close_all();
}

/* Above the high-water mark the protocol is told when half of it is left. */
static void test_congestion(void) {
    struct server_options options = script_options();
    options.write_high_water = 8;
    struct connection *connection = accept_stream(&options);
    stream.room = 0;
    CHECK(write_queue_append(&connection->queue, SLICE_LITERAL("12345678")) == STATUS_OK);
    CHECK(!connection_is_congested(connection));
    CHECK(write_queue_append(&connection->queue, SLICE_LITERAL("9")) == STATUS_OK);
    CHECK(connection_is_congested(connection));
    CHECK(stream.pending_count == 1);
    stream.room = 0;
    CHECK(write_queue_append(&connection->queue, SLICE_LITERAL("0123456")) == STATUS_OK);
    stream_script_completes(&stream, STATUS_OK); /* seven are left: not yet */
    CHECK_RECORD(&protocol_script.record, "");
    stream_script_completes(&stream, STATUS_OK);
    CHECK_RECORD(&protocol_script.record, "drain;");
    CHECK(!connection->is_congested);
    close_all();
}

static void test_finishing_sends_the_rest_and_then_the_end(void) {
    struct server_options options = script_options();
    struct connection *connection = accept_stream(&options);
    stream.room = 2;
    CHECK(write_queue_append(&connection->queue, SLICE_LITERAL("bye")) == STATUS_OK);
    connection_finish(connection);
    connection_finish(connection);
    CHECK(connection->state == CONNECTION_FINISHING);
    CHECK_RECORD(&stream.record, "read;");
    stream_script_reads(&stream, SLICE_LITERAL("unheard"));
    CHECK_RECORD(&protocol_script.record, "");
    stream_script_completes(&stream, STATUS_OK);
    CHECK_TEXT(record_slice(&stream.taken), SLICE_LITERAL("bye"));
    CHECK_RECORD(&stream.record, "end;");
    stream_script_ends(&stream, STATUS_OK);
    CHECK_RECORD(&stream.record, "close;");
    close_all();
}

static void test_finishing_after_the_peers_end_closes(void) {
    struct server_options options = script_options();
    struct connection *connection = accept_stream(&options);
    stream_script_ends(&stream, STATUS_OK);
    record_clear(&protocol_script.record);
    connection_finish(connection);
    CHECK_RECORD(&stream.record, "read;close;");
    close_all();
}

static void test_a_peer_that_takes_no_more(void) {
    struct server_options options = script_options();
    struct connection *connection = accept_stream(&options);
    stream.fails = true;
    CHECK(write_queue_append(&connection->queue, SLICE_LITERAL("x")) == STATUS_OK);
    connection_flush(connection);
    CHECK_RECORD(&stream.record, "close;");
    connection_flush(connection);
    CHECK(!connection_is_congested(connection));
    close_all();
}

/* Noticed by who asks whether to wait, and may never send again. */
static void test_a_peer_that_takes_no_more_of_too_much(void) {
    struct server_options options = script_options();
    options.write_high_water = 8;
    struct connection *connection = accept_stream(&options);
    stream.fails = true;
    CHECK(write_queue_append(&connection->queue, SLICE_LITERAL("123456789")) == STATUS_OK);
    CHECK(!connection_is_congested(connection));
    CHECK(connection->state == CONNECTION_CLOSING);
    CHECK_RECORD(&stream.record, "close;");
    close_all();
}

/* A server that leaves says so to each protocol that is spoken, once. */
static void test_leaving(void) {
    struct server_options options = script_options();
    struct connection *connection = accept_stream(&options);
    server_leave(server.server);
    CHECK_RECORD(&protocol_script.record, "leave;");
    server_leave(server.server);
    CHECK_RECORD(&protocol_script.record, "");
    CHECK(connection->state == CONNECTION_OPEN);
    close_all();

    open_server(&options);
    stream.opens_late = true;
    connection_accept(server.server, &stream.stream);
    server_leave(server.server);
    CHECK_RECORD(&protocol_script.record, "");
    CHECK(!stream.stream.closing);
    stream.stream.events->on_open(stream.stream.owner);
    CHECK_RECORD(&protocol_script.record, "begin;leave;");
    close_all();
}

static void test_whom_to_trust(void) {
    struct server_options options = script_options();
    struct connection *connection = accept_stream(&options);
    CHECK(!connection_is_trusted(connection));
    close_all();

    connection = accept_stream(&options);
    CHECK(network_list_parse(&server.server->trusted, "192.0.2.0/24") == STATUS_OK);
    CHECK(connection_is_trusted(connection));
    CHECK(connection_peer(connection)->port == 4242);
    close_all();

    open_server(&options);
    stream.local = (struct address){.family = ADDRESS_UNIX, .host = "/run/socket"};
    stream.peer = (struct address){.family = ADDRESS_NONE};
    connection_accept(server.server, &stream.stream);
    CHECK(connection_is_trusted(protocol_script.connection));
    close_all();
}

/* Who lists the connections meets some before their proxy has named the peer. */
static void test_a_look_before_the_peer_is_named(void) {
    struct server_options options = script_options();
    size_t count;
    open_server(&options);
    CHECK(network_list_parse(&server.server->trusted, "192.0.2.9") == STATUS_OK);
    stream.opens_late = stream.stream.is_relayed = true;
    connection_accept(server.server, &stream.stream);
    struct connection_facts *facts = connection_list_new(server.server, &count);
    CHECK(count == 1 && strcmp(facts->peer.host, "192.0.2.9") == 0);
    memory_free(facts);
    struct connection *connection =
        LIST_OBJECT(server.server->connections.next, struct connection, link);
    CHECK(connection_is_trusted(connection));
    strcpy(stream.peer.host, "203.0.113.7");
    stream.stream.events->on_identified(stream.stream.owner);
    stream.stream.events->on_open(stream.stream.owner);
    CHECK(strcmp(connection_peer(connection)->host, "203.0.113.7") == 0);
    CHECK(!connection_is_trusted(connection));
    close_all();
}

int main(void) {
    test_bytes_go_to_the_protocol();
    test_the_protocol_begins_when_the_stream_is_open();
    test_a_stream_that_does_not_open();
    test_a_shutdown_in_a_new_handshake();
    test_a_protocol_that_can_not_begin();
    test_no_memory_for_a_connection();
    test_the_timer_is_the_protocols();
    test_congestion();
    test_finishing_sends_the_rest_and_then_the_end();
    test_finishing_after_the_peers_end_closes();
    test_a_peer_that_takes_no_more();
    test_a_peer_that_takes_no_more_of_too_much();
    test_leaving();
    test_whom_to_trust();
    test_a_look_before_the_peer_is_named();
    return server_report();
}
