/* Tests of server/admission.c and server/busy_connection.c over scripted streams: who is let in,
 * what the others are told, and that everything is counted down again. */
#include "protocol_script.h"
#include "stream_script.h"

enum { STREAMS = 4, MANY = LIMIT_REFUSING_LEAST + 2 };

static struct server_script server;
static struct stream_script streams[MANY];

static void open_server(const struct server_options *options) {
    memset(&protocol_script, 0, sizeof(protocol_script));
    server_script_open(&server, options, -1);
    server.server->choose_protocol = protocol_script_choose;
    for (int i = 0; i < MANY; i++) {
        stream_script_init(&streams[i], server.loop);
    }
}

static void connect_from(int i, enum address_family family, const char *host) {
    streams[i].peer = (struct address){.family = family};
    (void)snprintf(streams[i].peer.host, sizeof(streams[i].peer.host), "%s", host);
    connection_accept(server.server, &streams[i].stream);
}

/* What a stream was sent since the last time. */
#define CHECK_TAKEN(i, text) CHECK_RECORD(&streams[i].taken, text)

/* Whether it speaks to the scripted protocol. */
static bool is_let_in(int i) {
    record_clear(&protocol_script.record);
    stream_script_reads(&streams[i], SLICE_LITERAL("hi"));
    bool has_spoken = protocol_script.record.length > 0;
    record_clear(&protocol_script.record);
    return has_spoken;
}

static void end(int i) {
    stream_script_closed(&streams[i]);
    stream_script_init(&streams[i], server.loop);
}

static void close_server(void) {
    CHECK(server.server->admission.connections == 0);
    CHECK(server.server->admission.addresses.count == 0);
    record_clear(&protocol_script.record);
    server_script_close(&server);
}

#define ANSWER(seconds, body)                                                                      \
    "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\n"              \
    "content-length: 20\r\nretry-after: " seconds "\r\nconnection: close\r\n\r\n" body

static void test_in_all(void) {
    struct server_options options = script_options();
    options.max_connections = 1;
    open_server(&options);
    connect_from(0, ADDRESS_INET, "192.0.2.1");
    CHECK(is_let_in(0));
    connect_from(1, ADDRESS_INET, "192.0.2.2");
    CHECK_TAKEN(1, "");
    stream_script_reads(&streams[1], SLICE_LITERAL("GET / HTTP/1.1\r\n"));
    CHECK_TAKEN(1, ANSWER("1", "Service Unavailable\n"));
    CHECK_RECORD(&server.record, "refused 192.0.2.2 503 there are --max-connections;");
    for (int i = 2; i < MANY - 1; i++) {
        connect_from(i, ADDRESS_INET, "192.0.2.3");
    }
    CHECK_RECORD(&streams[MANY - 2].record, "read;");
    /* one more than are being refused already */
    connect_from(MANY - 1, ADDRESS_INET, "192.0.2.3");
    CHECK_RECORD(&streams[MANY - 1].record, "close;");
    for (int i = 2; i < MANY; i++) {
        end(i);
    }
    end(1);
    CHECK(is_let_in(0));
    end(0);
    connect_from(1, ADDRESS_INET, "192.0.2.2");
    CHECK(is_let_in(1));
    end(1);
    close_server();
}

static void test_what_is_answered(void) {
    struct server_options options = script_options();
    options.max_memory = 1;
    open_server(&options);
    connect_from(0, ADDRESS_INET, "192.0.2.1");
    stream_script_reads(&streams[0], SLICE_LITERAL("HEAD / HTTP/1.1\r\n"));
    CHECK_TAKEN(0, ANSWER("1", ""));
    CHECK_RECORD(&server.record, "refused 192.0.2.1 503 more memory is in use than --max-memory;");
    connect_from(1, ADDRESS_INET, "192.0.2.1");
    stream_script_reads(&streams[1], SLICE_LITERAL("GET / HTTP/1.1\r\n"));
    CHECK_TAKEN(1, ANSWER("2", "Service Unavailable\n"));
    CHECK_RECORD(&server.record, ""); /* once a second */
    connect_from(2, ADDRESS_INET, "192.0.2.1");
    stream_script_reads(&streams[2], SLICE_LITERAL("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    CHECK(streams[2].taken.length == 26);
    connect_from(3, ADDRESS_INET, "192.0.2.1");
    stream_script_ends(&streams[3], STATUS_OK);
    CHECK_TAKEN(3, "");
    for (int i = 0; i < STREAMS; i++) {
        end(i);
    }
    close_server();
}

/* Whoever has just come gets its answer though the server shuts down, and is not waited for long.
 */
static void test_a_shutdown(void) {
    struct server_options options = script_options();
    options.max_memory = 1;
    open_server(&options);
    connect_from(0, ADDRESS_INET, "192.0.2.1");
    connect_from(1, ADDRESS_INET, "192.0.2.1");
    server_shutdown(server.server);
    stream_script_reads(&streams[0], SLICE_LITERAL("GET / HTTP/1.1\r\n"));
    CHECK_TAKEN(0, ANSWER("1", "Service Unavailable\n"));
    TURN_UNTIL(&server, streams[1].stream.closing);
    CHECK_TAKEN(1, "");
    end(0);
    end(1);
    close_server();
}

static void test_of_one_address(void) {
    struct server_options options = script_options();
    options.max_connections_per_address = 1;
    open_server(&options);
    connect_from(0, ADDRESS_INET, "192.0.2.1");
    connect_from(1, ADDRESS_INET, "192.0.2.2");
    connect_from(2, ADDRESS_INET, "192.0.2.1");
    connect_from(3, ADDRESS_UNIX, "/run/socket");
    CHECK(is_let_in(0) && is_let_in(1) && !is_let_in(2) && is_let_in(3));
    end(0);
    end(2);
    connect_from(0, ADDRESS_INET, "192.0.2.1");
    CHECK(is_let_in(0));
    end(0);
    end(1);
    end(3);
    close_server();
}

/* One client has as many addresses of its network as it likes. */
static void test_of_one_network_of_ipv6(void) {
    struct server_options options = script_options();
    options.max_connections_per_address = 1;
    open_server(&options);
    connect_from(0, ADDRESS_INET6, "2001:db8::1");
    connect_from(1, ADDRESS_INET6, "2001:db8::2");
    connect_from(2, ADDRESS_INET6, "2001:db8:0:1::1");
    connect_from(3, ADDRESS_INET6, "::ffff:192.0.2.1");
    CHECK(is_let_in(0) && !is_let_in(1) && is_let_in(2) && is_let_in(3));
    end(1);
    connect_from(1, ADDRESS_INET6, "::ffff:192.0.2.2");
    CHECK(is_let_in(1));
    for (int i = 0; i < STREAMS; i++) {
        end(i);
    }
    close_server();
}

/* A proxy whose headers are read is everybody's address. */
static void test_proxies_are_not_counted(void) {
    struct server_options options = script_options();
    options.max_connections_per_address = 1;
    options.forwarding.reads_forwarded = true;
    open_server(&options);
    CHECK(network_list_parse(&server.server->trusted, "192.0.2.1/32") == STATUS_OK);
    connect_from(0, ADDRESS_INET, "192.0.2.1");
    connect_from(1, ADDRESS_INET, "192.0.2.1");
    connect_from(2, ADDRESS_INET, "192.0.2.2");
    connect_from(3, ADDRESS_INET, "192.0.2.2");
    CHECK(is_let_in(0) && is_let_in(1) && is_let_in(2) && !is_let_in(3));
    for (int i = 0; i < STREAMS; i++) {
        end(i);
    }
    close_server();
}

/* Whichever allocation fails, who came is served or closed, and counted down. */
static void test_without_memory(void) {
    for (int nth = 1; nth < 12; nth++) {
        struct server_options options = script_options();
        options.max_connections_per_address = 1;
        open_server(&options);
        memory_set_failure(nth);
        connect_from(0, ADDRESS_INET, "192.0.2.1");
        connect_from(1, ADDRESS_INET, "192.0.2.1");
        stream_script_reads(&streams[1], SLICE_LITERAL("GET / HTTP/1.1\r\n"));
        memory_set_failure(0);
        end(0);
        end(1);
        record_clear(&server.record);
        close_server();
    }
}

int main(void) {
    test_in_all();
    test_what_is_answered();
    test_a_shutdown();
    test_of_one_address();
    test_of_one_network_of_ipv6();
    test_proxies_are_not_counted();
    test_without_memory();
    return server_report();
}
