/* Tests of http1_connection.c and http1_exchange.c on a scripted stream, with an application that
 * is a double: bytes in, bytes out, however the bytes were cut and whichever allocation fails. */
#include "echo_application.h"
#include "stream_script.h"

enum { TURN_MS = 20, TURNS = 500, LONGEST_CUT = 9, RANDOM_CUTS = 10 };

static struct server_script server;
static struct stream_script stream;

static void open_connection(const struct server_options *options) {
    server_script_open(&server, options, -1);
    server.take_request = echo_take_request;
    stream_script_init(&stream, server.loop);
    connection_accept(server.server, &stream.stream);
}

static void close_connection(void) {
    stream_script_closed(&stream);
    server_script_close(&server);
}

static void turn_until(const bool *condition) {
    for (int turns = 0; !*condition && turns < TURNS; turns++) {
        event_loop_turn(server.loop, TURN_MS);
    }
    CHECK(*condition);
}

static void feed(const char *text) {
    stream_script_reads(&stream, slice_of(text, strlen(text)));
    event_loop_turn(server.loop, 0);
}

/* Checks what was written since the last time. */
#define CHECK_WRITTEN(expected) CHECK_RECORD(&stream.taken, expected)

/* --- Tables: what is answered, in every way of cutting --- */

#define GET(path)       "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(path, ...) "POST " path " HTTP/1.1\r\nHost: a\r\n" __VA_ARGS__
#define OK(length)      "HTTP/1.1 200 OK\r\ncontent-length: " length "\r\n\r\n"
#define EMPTY           OK("0")
#define STREAMED                                                                                   \
    "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n5\r\nthree\r\n0\r\n\r\n"
#define REFUSED(status, length, text)                                                              \
    "HTTP/1.1 " status "\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: " length    \
    "\r\nconnection: close\r\n\r\n" text

static const struct row {
    const char *name, *input, *output;
    bool ends; /* our side of the connection, by FIN or at once */
} rows[] = {
    {"a request", GET("/"), EMPTY, false},
    {"two at once", GET("/") GET("/stream"), EMPTY STREAMED, false},
    {"an echo", POST("/", "Content-Length: 5\r\n\r\nhello") GET("/"), OK("5") "hello" EMPTY, false},
    {"an echo of chunks",
     POST("/", "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x\r\nllo\r\n0\r\nt: v\r\n\r\n")
         GET("/"),
     OK("5") "hello" EMPTY, false},
    {"an answer before a small body", POST("/early", "Content-Length: 5\r\n\r\nhello") GET("/"),
     EMPTY EMPTY, false},
    {"HEAD", "HEAD /stream HTTP/1.1\r\nHost: a\r\n\r\n" GET("/"), "HTTP/1.1 200 OK\r\n\r\n" EMPTY,
     false},
    {"close", "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" GET("/"),
     "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", true},
    {"close by the application", GET("/close") GET("/"),
     "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", true},
    {"HTTP/1.0", "GET /stream HTTP/1.0\r\n\r\n",
     "HTTP/1.0 200 OK\r\nconnection: close\r\n\r\nonethree", true},
    {"HTTP/1.0 that stays", "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" GET("/"),
     "HTTP/1.0 200 OK\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n" EMPTY, false},
    {"a file", GET("/file") GET("/"),
     "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\n* An \r\n0\r\n\r\n" EMPTY, false},
    {"a file for HEAD", "HEAD /file HTTP/1.1\r\nHost: a\r\n\r\n" GET("/"),
     "HTTP/1.1 200 OK\r\n\r\n" EMPTY, false},
    {"a file in HTTP/1.0", "GET /file HTTP/1.0\r\n\r\n",
     "HTTP/1.0 200 OK\r\nconnection: close\r\n\r\n* An ", true},
    {"hints", GET("/hints") GET("/"), "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n" EMPTY EMPTY,
     false},
    {"hints for HTTP/1.0", "GET /hints HTTP/1.0\r\n\r\n",
     "HTTP/1.0 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n", true},
    {"trailers", POST("/trailers", "TE: gzip, Trailers\r\n\r\n") GET("/"),
     "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n0\r\nx-sum: 8\r\n\r\n" EMPTY,
     false},
    {"trailers that nobody takes", GET("/trailers") GET("/"),
     "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n0\r\n\r\n" EMPTY, false},
    {"trailers in HTTP/1.0", "GET /trailers HTTP/1.0\r\nTE: trailers\r\n\r\n",
     "HTTP/1.0 200 OK\r\nconnection: close\r\n\r\none", true},
    {"less than promised", GET("/short") GET("/"), OK("5"), true},
    {"no request", "GET\r\n\r\n", REFUSED("400 Bad Request", "21", "method is not a token"), true},
    {"no request behind one", GET("/") "GET\r\n\r\n",
     EMPTY REFUSED("400 Bad Request", "21", "method is not a token"), true},
    {"a bad chunk", POST("/", "Transfer-Encoding: chunked\r\n\r\nx"), NULL, true},
    {"CONNECT", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n",
     REFUSED("501 Not Implemented", "26", "CONNECT is not implemented"), true},
};

/* Feeds the whole input in pieces of `longest` bytes at most. */
static void feed_in_pieces(const char *input, size_t longest, uint64_t *seed) {
    size_t length = strlen(input);
    for (size_t used = 0; used < length;) {
        size_t piece = seed != NULL ? 1 + check_random(seed) % longest : longest;
        piece = piece < length - used ? piece : length - used;
        stream_script_reads(&stream, slice_of(input + used, piece));
        event_loop_turn(server.loop, 0);
        used += piece;
    }
}

static bool has_ended(void) {
    struct slice calls = record_slice(&stream.record);
    return stream.stream.closing || memmem(calls.data, calls.length, "end;", 4) != NULL;
}

static void check_row(const struct row *row, size_t longest, uint64_t *seed) {
    struct server_options options = script_options();
    open_connection(&options);
    feed_in_pieces(row->input, longest, seed);
    if (row->output != NULL) {
        CHECK_TEXT_ROW(record_slice(&stream.taken), slice_of(row->output, strlen(row->output)),
                       row->name);
    }
    CHECK_ROW(has_ended() == row->ends, row->name);
    close_connection();
}

/* With the n-th allocation failing the connection gives up, or the answer is whole. Returns whether
 * no allocation was left to fail. */
static bool check_allocation(const struct row *row, long n) {
    struct server_options options = script_options();
    server_script_open(&server, &options, -1);
    server.take_request = echo_take_request;
    stream_script_init(&stream, server.loop);
    memory_set_failure(n);
    connection_accept(server.server, &stream.stream);
    feed_in_pieces(row->input, LONGEST_CUT, NULL);
    bool is_through = memory_failure_is_left();
    memory_set_failure(0);
    struct slice output = record_slice(&stream.taken);
    bool is_whole =
        row->output == NULL || slice_equals(output, slice_of(row->output, strlen(row->output)));
    CHECK_ROW(is_whole || (has_ended() && !is_through), row->name);
    close_connection();
    return is_through;
}

static void test_tables(void) {
    uint64_t seed = 0x9E3779B97F4A7C15;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        check_row(&rows[i], SIZE_MAX, NULL);
        check_row(&rows[i], 1, NULL);
        for (int cut = 0; cut < RANDOM_CUTS; cut++) {
            check_row(&rows[i], LONGEST_CUT, &seed);
        }
        for (long n = 1; !check_allocation(&rows[i], n) && check_failures == 0; n++) {
        }
    }
}

/* --- What is told, and when --- */

static void test_an_exchange_is_told_of_everything(void) {
    struct server_options options = script_options();
    open_connection(&options);
    feed(GET("/none"));
    CHECK_RECORD(&server.record, "request /none;");
    server_shutdown(server.server);
    CHECK_RECORD(&server.record, "shutdown;");
    stream_script_ends(&stream, STATUS_OK);
    CHECK_RECORD(&server.record, "disconnect;");
    CHECK(!stream.stream.closing); /* who only ended its side still gets the answer */
    stream_script_closed(&stream);
    CHECK_RECORD(&server.record, "end;connection end;idle;");
    server_script_close(&server);
}

static void test_a_peer_that_ends_in_the_middle(void) {
    struct server_options options = script_options();
    open_connection(&options);
    feed(POST("/", "Content-Length: 5\r\n\r\nhel"));
    stream_script_ends(&stream, STATUS_OK);
    CHECK_RECORD(&server.record, "request /;disconnect;");
    CHECK(stream.stream.closing);
    close_connection();

    open_connection(&options);
    feed(GET("/none"));
    stream_script_ends(&stream, STATUS_SYSTEM);
    CHECK(stream.stream.closing);
    close_connection();
}

static void test_continue_is_sent_when_the_body_is_wanted(void) {
    struct server_options options = script_options();
    open_connection(&options);
    feed(POST("/", "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"));
    CHECK_WRITTEN("HTTP/1.1 100 Continue\r\n\r\n");
    feed("ab");
    CHECK_WRITTEN(OK("2") "ab");
    feed(POST("/early", "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"));
    CHECK_WRITTEN("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    CHECK(has_ended());
    close_connection();
}

/* --- Whether the connection stays --- */

static void test_what_an_early_answer_promises(void) {
    struct server_options options = script_options();
    static const struct {
        const char *length;
        bool stays;
    } lengths[] = {
        {"Content-Length: 262144\r\n\r\n", true},
        {"Content-Length: 262145\r\n\r\n", false},
        {"Content-Length: 9223372036854775807\r\n\r\n", false},
        {"Transfer-Encoding: chunked\r\n\r\n", false},
        {"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n", false},
        {"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n", true},
    };
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        char head[200];
        snprintf(head, sizeof(head), POST("/early", "%s"), lengths[i].length);
        open_connection(&options);
        feed(head);
        CHECK_ROW(has_ended() != lengths[i].stays, lengths[i].length);
        CHECK_WRITTEN(lengths[i].stays
                          ? EMPTY
                          : "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        close_connection();
    }
}

static void test_the_rest_of_a_body_is_no_request(void) {
    struct server_options options = script_options();
    open_connection(&options);
    feed(POST("/early", "Content-Length: 100\r\n\r\n"));
    feed("GET /inside HTTP/1.1\r\nHost: a\r\n\r\n");
    for (size_t sent = sizeof("GET /inside HTTP/1.1\r\nHost: a\r\n\r\n") - 1; sent < 100; sent++) {
        feed("x");
    }
    CHECK_WRITTEN(EMPTY);
    feed(GET("/"));
    CHECK_WRITTEN(EMPTY);
    CHECK_RECORD(&server.record, "request /early;end;request /;end;");
    close_connection();
}

static void test_time_outs(void) {
    struct server_options options = script_options();
    options.header_timeout = 0;
    open_connection(&options);
    feed("GET / HT");
    for (int turns = 0; !has_ended() && turns < TURNS; turns++) {
        event_loop_turn(server.loop, TURN_MS);
    }
    CHECK_WRITTEN(REFUSED("408 Request Timeout", "15", "Request Timeout"));
    close_connection();

    options = script_options();
    options.http_timeout = 0;
    open_connection(&options);
    feed(GET("/none"));
    for (int turns = 0; !has_ended() && turns < TURNS; turns++) {
        event_loop_turn(server.loop, TURN_MS);
    }
    CHECK_RECORD(&server.record, "request /none;disconnect;end;");
    close_connection();
}

/* An idle connection ends with a last look: what has come by then is still answered. */
static void test_the_last_look(void) {
    struct server_options options = script_options();
    options.keep_alive_timeout = 0.001;
    open_connection(&options);
    feed(GET("/"));
    CHECK_WRITTEN(EMPTY);
    record_clear(&stream.record);
    for (int turns = 0; !has_ended() && turns < TURNS; turns++) {
        event_loop_turn(server.loop, TURN_MS);
    }
    CHECK(has_ended() && !stream.stream.closing); /* its end is waited for */
    close_connection();

    options.keep_alive_timeout = 0; /* no time at all is said at once */
    open_connection(&options);
    feed(GET("/"));
    CHECK_WRITTEN("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    close_connection();

    options.keep_alive_timeout = -1;
    open_connection(&options);
    feed(GET("/"));
    CHECK_WRITTEN(EMPTY);
    server_shutdown(server.server);
    CHECK(!has_ended());
    feed(GET("/late"));
    CHECK_WRITTEN("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
    CHECK(has_ended());
    close_connection();
}

/* A server that stops does not wait for idle clients to close, nor for the rest of a head. */
static void test_shutdown_of_the_idle(void) {
    struct server_options options = script_options();
    static const char *const inputs[] = {"", GET("/"), "GET / HT", GET("/") "GET"};
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        open_connection(&options);
        feed(inputs[i]);
        record_clear(&stream.record);
        server_script_age(&server);
        server_shutdown(server.server);
        turn_until(&stream.stream.closing);
        CHECK_RECORD(&stream.record, "close;");
        close_connection();
    }
}

/* But for the first request of whoever came in the last moment. */
static void test_shutdown_of_the_new(void) {
    struct server_options options = script_options();
    static const char *const inputs[] = {"", "GET / HT"};
    for (size_t i = 0; i < sizeof(inputs) / sizeof(inputs[0]); i++) {
        open_connection(&options);
        feed(inputs[i]);
        server_script_stay_new(&server);
        server_shutdown(server.server);
        event_loop_turn(server.loop, TURN_MS);
        event_loop_turn(server.loop, TURN_MS);
        CHECK(!stream.stream.closing);
        feed(GET("/") + strlen(inputs[i]));
        CHECK_WRITTEN("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        close_connection();

        open_connection(&options);
        feed(inputs[i]);
        record_clear(&stream.record);
        server_shutdown(server.server);
        turn_until(&stream.stream.closing);
        CHECK_RECORD(&stream.record, "close;");
        CHECK_WRITTEN("");
        close_connection();
    }
}

/* --- Flow --- */

static void test_pipelining_is_bounded(void) {
    struct server_options options = script_options();
    open_connection(&options);
    feed(GET("/none"));
    record_clear(&stream.record);
    char *ahead = calloc(1, LIMIT_PIPELINE_BYTES + 2);
    memset(ahead, 'G', LIMIT_PIPELINE_BYTES + 1);
    feed(ahead);
    CHECK_RECORD(&stream.record, "stop;");
    free(ahead);
    close_connection();
}

static void test_congestion(void) {
    struct server_options options = script_options();
    options.write_high_water = 4;
    open_connection(&options);
    feed(GET("/none"));
    struct connection *connection =
        LIST_OBJECT(server.server->connections.next, struct connection, link);
    stream.room = 0;
    CHECK(write_queue_append(&connection->queue, SLICE_LITERAL("12345")) == STATUS_OK);
    CHECK(connection_is_congested(connection));
    stream_script_completes(&stream, STATUS_OK);
    CHECK_RECORD(&server.record, "request /none;drain;");
    close_connection();
}

/* A client that asks again and again and reads nothing has its requests wait. */
static void test_pipelining_waits_for_the_reader(void) {
    struct server_options options = script_options();
    options.write_high_water = 4;
    open_connection(&options);
    stream.room = 0;
    feed(GET("/one") GET("/two") GET("/three"));
    CHECK_RECORD(&server.record, "request /one;end;");
    stream_script_completes(&stream, STATUS_OK);
    CHECK_RECORD(&server.record, "request /two;end;");
    stream.room = SIZE_MAX;
    stream_script_completes(&stream, STATUS_OK);
    CHECK_RECORD(&server.record, "request /three;end;");
    CHECK_WRITTEN(EMPTY EMPTY EMPTY);
    close_connection();
}

/* Who reads an answer for longer than an idle connection is kept is not idle. */
static void test_a_slow_reader_is_not_idle(void) {
    struct server_options options = script_options();
    options.keep_alive_timeout = 0.001;
    open_connection(&options);
    stream.room = 0;
    feed(GET("/"));
    struct connection *connection =
        LIST_OBJECT(server.server->connections.next, struct connection, link);
    for (int turns = 0; !timer_is_running(&connection->stall) && turns < TURNS; turns++) {
        event_loop_turn(server.loop, TURN_MS); /* it is watched from the first time-out on */
    }
    CHECK(connection->state == CONNECTION_OPEN);
    stream_script_completes(&stream, STATUS_OK);
    for (int turns = 0; !has_ended() && turns < TURNS; turns++) {
        event_loop_turn(server.loop, TURN_MS);
    }
    CHECK(has_ended());
    close_connection();
}

/* A request that the application refuses to take is answered with 500. */
static void test_no_application(void) {
    struct server_options options = script_options();
    open_connection(&options);
    server.take_request = NULL;
    feed(GET("/"));
    CHECK_WRITTEN(REFUSED("500 Internal Server Error", "21", "Internal Server Error"));
    CHECK(has_ended());
    close_connection();
}

int main(void) {
    test_tables();
    test_an_exchange_is_told_of_everything();
    test_a_peer_that_ends_in_the_middle();
    test_continue_is_sent_when_the_body_is_wanted();
    test_what_an_early_answer_promises();
    test_the_rest_of_a_body_is_no_request();
    test_time_outs();
    test_the_last_look();
    test_shutdown_of_the_idle();
    test_shutdown_of_the_new();
    test_pipelining_is_bounded();
    test_congestion();
    test_pipelining_waits_for_the_reader();
    test_a_slow_reader_is_not_idle();
    test_no_application();
    return server_report();
}
