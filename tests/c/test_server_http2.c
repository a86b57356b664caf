/* Tests of http2_connection.c and http2_exchange.c, with the core below, on a scripted stream and
 * an application that is a double: bytes in, frames out, however the bytes were cut and whichever
 * allocation fails. */
#include "echo_application.h"
#include "echo_websocket.h"
#include "http2_frames.h"
#include "stream_script.h"

enum { LONGEST_CUT = 9, RANDOM_CUTS = 5, MOST_ALLOCATIONS = 5000 };

static struct server_script server;
static struct stream_script stream;

/* --- The connection --- */

static struct server_options options_of_http2(void) {
    struct server_options options = script_options();
    options.http2 = true;
    options.http2_max_streams = LIMIT_HTTP2_STREAMS;
    options.http2_stream_window = LIMIT_HTTP2_STREAM_WINDOW;
    options.http2_max_resets = LIMIT_HTTP2_RESETS;
    options.http2_max_glitches = LIMIT_HTTP2_GLITCHES;
    return options;
}

static void open_server(const struct server_options *options) {
    server_script_open(&server, options, -1);
    server.take_request = echo_take_request;
    server.take_websocket = echo_take_websocket;
    stream_script_init(&stream, server.loop);
}

static void open_connection(void) {
    struct server_options options = options_of_http2();
    open_server(&options);
    connection_accept(server.server, &stream.stream);
}

static void close_connection(void) {
    stream_script_closed(&stream);
    server_script_close(&server);
}

/* Feeds the input in pieces of `longest` bytes at most. */
static void feed_in_pieces(struct slice input, size_t longest, uint64_t *seed) {
    while (input.length > 0) {
        size_t piece = seed != NULL ? 1 + check_random(seed) % longest : longest;
        piece = piece < input.length ? piece : input.length;
        stream_script_reads(&stream, slice_of(input.data, piece));
        event_loop_turn(server.loop, 0);
        input = slice_without_front(input, piece);
    }
}

static bool has_ended(void) {
    struct slice calls = record_slice(&stream.record);
    return stream.stream.closing || memmem(calls.data, calls.length, "end;", 4) != NULL;
}

/* --- Tables: what is answered, in every way of cutting --- */

static void put_get(struct record *input) {
    put_frame(input, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, 1,
              SLICE_LITERAL(GET HTTP ROOT AUTHORITY));
}

static void put_two(struct record *input) {
    put_get(input);
    put_frame(input, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, 3,
              SLICE_LITERAL(GET HTTP PATH("\x07", "/stream") AUTHORITY));
}

static void put_post(struct record *input) {
    put_frame(input, FRAME_HEADERS, FLAG_END_HEADERS, 1, SLICE_LITERAL(POST HTTP ROOT AUTHORITY));
    put_frame(input, FRAME_DATA, FLAG_NONE, 1, SLICE_LITERAL("hel"));
    put_frame(input, FRAME_DATA, FLAG_END_STREAM, 1, SLICE_LITERAL("lo"));
}

static void put_trailers(struct record *input) {
    put_frame(input, FRAME_HEADERS, FLAG_END_HEADERS, 1, SLICE_LITERAL(POST HTTP ROOT AUTHORITY));
    put_frame(input, FRAME_DATA, FLAG_NONE, 1, SLICE_LITERAL("hello"));
    put_frame(input, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, 1,
              SLICE_LITERAL("\x00\x01x\x01y"));
}

static void put_continuation(struct record *input) {
    put_frame(input, FRAME_HEADERS, FLAG_END_STREAM, 1, SLICE_LITERAL(GET HTTP));
    put_frame(input, FRAME_CONTINUATION, FLAG_NONE, 1, SLICE_LITERAL(ROOT "\x01"));
    put_frame(input, FRAME_CONTINUATION, FLAG_END_HEADERS, 1,
              SLICE_LITERAL("\x01"
                            "a"));
}

static void put_short(struct record *input) {
    put_frame(input, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, 1,
              SLICE_LITERAL(GET HTTP PATH("\x06", "/short") AUTHORITY));
}

static void put_no_authority(struct record *input) {
    put_frame(input, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, 1,
              SLICE_LITERAL(GET HTTP ROOT));
}

static void put_connect(struct record *input) {
    put_frame(input, FRAME_HEADERS, FLAG_END_HEADERS, 1, SLICE_LITERAL(CONNECT AUTHORITY));
}

static void put_ping(struct record *input) {
    put_frame(input, FRAME_PING, FLAG_NONE, 0, SLICE_LITERAL("12345678"));
}

static void put_data_of_nothing(struct record *input) {
    put_frame(input, FRAME_DATA, FLAG_NONE, 1, SLICE_LITERAL("x"));
}

static void put_data_behind_the_end(struct record *input) {
    put_get(input);
    put_frame(input, FRAME_DATA, FLAG_NONE, 1, SLICE_LITERAL("x"));
}

static void put_priority_of_itself(struct record *input) {
    put_frame(input, FRAME_PRIORITY, FLAG_NONE, 3, SLICE_LITERAL("\0\0\0\3\0"));
}

static void put_bad_preface(struct record *input) {
    record_bytes(input, SLICE_LITERAL("x"));
}

static void put_websocket(struct record *input) {
    put_frame(input, FRAME_HEADERS, FLAG_END_HEADERS, 1,
              SLICE_LITERAL(CONNECT WEBSOCKET HTTP ROOT AUTHORITY VERSION));
    /* "hi", and a close of 1000, masked by nothing */
    put_frame(input, FRAME_DATA, FLAG_NONE, 1, SLICE_LITERAL("\x81\x82\0\0\0\0hi"));
    put_frame(input, FRAME_DATA, FLAG_END_STREAM, 1, SLICE_LITERAL("\x88\x82\0\0\0\0\x03\xe8"));
}

static const struct row {
    const char *name;
    void (*put)(struct record *input);
    const char *output;
    bool ends; /* the connection */
} rows[] = {
    {"a request", put_get, "HEADERS 1 end;", false},
    {"two at once", put_two, "HEADERS 1 end;HEADERS 3;DATA 3 \"onethree\" end;", false},
    {"an echo", put_post, "HEADERS 1;DATA 1 \"hello\" end;", false},
    {"trailers", put_trailers, "HEADERS 1;DATA 1 \"hello\" end;", false},
    {"a head in three frames", put_continuation, "HEADERS 1 end;", false},
    {"less than promised", put_short, "RST_STREAM 1 2;", false},
    {"no authority", put_no_authority, "RST_STREAM 1 1;", false},
    {"CONNECT", put_connect, "HEADERS 1;DATA 1 \"CONNECT is not implemented\" end;", false},
    {"PING", put_ping, "PING ack;", false},
    {"a body of nothing", put_data_of_nothing, "GOAWAY 1;", true},
    {"a body behind the end", put_data_behind_the_end, NULL, true},
    {"a PRIORITY of itself", put_priority_of_itself, "GOAWAY 1;", true},
    {"no frame", put_bad_preface, "", false},
    {"a WebSocket", put_websocket, "HEADERS 1;DATA 1 \"\x81\x02hi\x88\x02\x03\xe8\" end;", false},
};

static struct slice tell(struct record *told) {
    tell_frames(told, record_slice(&stream.taken));
    return record_slice(told);
}

static void check_row(const struct row *row, size_t longest, uint64_t *seed) {
    struct record input = {0}, told = {0};
    open_connection();
    put_preface(&input);
    row->put(&input);
    feed_in_pieces(record_slice(&input), longest, seed);
    if (row->output != NULL) {
        CHECK_TEXT_ROW(tell(&told), slice_of(row->output, strlen(row->output)), row->name);
    }
    CHECK_ROW(has_ended() == row->ends, row->name);
    close_connection();
    record_clear(&input);
    record_clear(&told);
}

/* The answer is whole, or somebody has been told that it will not be. */
static bool is_finished(const struct row *row) {
    struct record told = {0};
    struct slice all = tell(&told);
    bool is_whole =
        row->output == NULL || slice_equals(all, slice_of(row->output, strlen(row->output)));
    bool is_answered = memmem(all.data, all.length, " end;", 5) != NULL ||
                       memmem(all.data, all.length, "RST_STREAM", 10) != NULL;
    record_clear(&told);
    return is_whole || is_answered || has_ended();
}

/* With the n-th allocation failing, those of nghttp2 among them, the connection or the stream is
 * given up, or the answer is whole; nothing is touched that has gone, and nothing stays. Returns
 * whether no allocation was left to fail. */
static bool check_allocation(const struct row *row, long n) {
    struct record input = {0};
    struct server_options options = options_of_http2();
    open_server(&options);
    put_preface(&input);
    row->put(&input);
    memory_set_failure(n);
    connection_accept(server.server, &stream.stream);
    feed_in_pieces(record_slice(&input), LONGEST_CUT, NULL);
    bool is_through = memory_failure_is_left();
    memory_set_failure(0);
    event_loop_turn(server.loop, 0);
    CHECK_ROW(is_finished(row), row->name);
    close_connection();
    record_clear(&input);
    return is_through || n > MOST_ALLOCATIONS;
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

static void feed(struct record *input) {
    feed_in_pieces(record_slice(input), SIZE_MAX, NULL);
    record_clear(input);
}

static void put_none(struct record *input, unsigned id) {
    put_frame(input, FRAME_HEADERS, FLAG_END_HEADERS | FLAG_END_STREAM, id,
              SLICE_LITERAL(GET HTTP PATH("\x05", "/none") AUTHORITY));
}

static void test_a_stream_that_is_broken_off(void) {
    struct record input = {0};
    open_connection();
    put_preface(&input);
    put_none(&input, 1);
    feed(&input);
    CHECK_RECORD(&server.record, "request /none;");
    put_frame(&input, FRAME_RST_STREAM, FLAG_NONE, 1, SLICE_LITERAL("\0\0\0\x08"));
    feed(&input);
    CHECK_RECORD(&server.record, "disconnect;end;");
    put_none(&input, 3);
    put_frame(&input, FRAME_RST_STREAM, FLAG_NONE, 3, SLICE_LITERAL("\0\0\0\x08"));
    feed(&input);
    CHECK_RECORD(&server.record, "request /none;disconnect;end;");
    CHECK(!has_ended());
    close_connection();
}

static void test_everybody_is_told_of_the_end(void) {
    struct record input = {0};
    open_connection();
    put_preface(&input);
    put_none(&input, 1);
    put_none(&input, 3);
    feed(&input);
    CHECK_RECORD(&server.record, "request /none;request /none;");
    stream_script_closed(&stream);
    CHECK_RECORD(&server.record, "disconnect;end;disconnect;end;connection end;idle;");
    server_script_close(&server);
}

static void test_a_stop_is_announced_and_what_runs_is_answered(void) {
    struct record input = {0}, told = {0};
    open_connection();
    put_preface(&input);
    put_none(&input, 1);
    feed(&input);
    record_clear(&stream.taken);
    server_shutdown(server.server);
    event_loop_turn(server.loop, 0);
    CHECK_TEXT(tell(&told), SLICE_LITERAL("PING;GOAWAY 0;"));
    record_clear(&told);
    record_clear(&stream.taken);
    put_frame(&input, FRAME_PING, FLAG_ACK, 0, SLICE_LITERAL("\0\0\0\0\0\0\0\0"));
    feed(&input);
    CHECK_TEXT(tell(&told), SLICE_LITERAL("GOAWAY 0;"));
    CHECK(!has_ended());
    put_frame(&input, FRAME_RST_STREAM, FLAG_NONE, 1, SLICE_LITERAL("\0\0\0\x08"));
    feed(&input);
    CHECK(has_ended());
    record_clear(&told);
    close_connection();
}

/* The first request of a client that was just let in is awaited, and the end announced behind its
 * answer; but not for long. */
static void test_a_stop_awaits_the_first_request(void) {
    struct record input = {0}, told = {0};
    open_connection();
    put_preface(&input);
    feed(&input);
    record_clear(&stream.taken);
    server_script_stay_new(&server);
    server_shutdown(server.server);
    server_shutdown(server.server);
    event_loop_turn(server.loop, 0);
    CHECK_TEXT(tell(&told), SLICE_EMPTY);
    put_get(&input);
    feed(&input);
    event_loop_turn(server.loop, 0);
    CHECK_TEXT(tell(&told), SLICE_LITERAL("HEADERS 1 end;PING;GOAWAY 0;"));
    record_clear(&told);
    close_connection();

    static const size_t cuts[] = {0, 10, 24, 40};
    for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
        open_connection();
        put_preface(&input);
        put_get(&input);
        input.length = cuts[i];
        feed(&input);
        server_shutdown(server.server);
        TURN_UNTIL(&server, has_ended());
        close_connection();
    }
}

/* A stop for which there is no memory ends the connection at once. */
static void test_allocations_of_a_stop(void) {
    bool is_through = false;
    for (long n = 1; !is_through && n < MOST_ALLOCATIONS; n++) {
        struct record input = {0}, told = {0};
        open_connection();
        put_preface(&input);
        put_none(&input, 1);
        feed(&input);
        record_clear(&stream.taken);
        memory_set_failure(n);
        server_shutdown(server.server);
        event_loop_turn(server.loop, 0);
        is_through = memory_failure_is_left();
        memory_set_failure(0);
        CHECK(has_ended() || slice_equals(tell(&told), SLICE_LITERAL("PING;GOAWAY 0;")));
        record_clear(&told);
        close_connection();
    }
    CHECK(is_through);
}

static void answer_and_stop(void *owner) {
    struct echo *echo = owner;
    struct server *stopped = echo->script->server;
    echo_answer(echo);
    server_shutdown(stopped);
}

static struct exchange_events stopping_events;

static int take_and_stop(struct server_script *script, struct exchange *exchange) {
    int status = echo_take_request(script, exchange);
    exchange->events = &stopping_events;
    return status;
}

/* An application that answers and stops the server, while its stream is told something. */
static void check_stop_from_inside(bool is_half_closed, double http_timeout) {
    struct record input = {0}, told = {0};
    struct server_options options = options_of_http2();
    options.http_timeout = http_timeout;
    open_server(&options);
    server.take_request = take_and_stop;
    connection_accept(server.server, &stream.stream);
    put_preface(&input);
    put_get(&input);
    feed(&input);
    if (is_half_closed) {
        stream_script_ends(&stream, STATUS_OK);
    }
    while (memmem(record_slice(&server.record).data, server.record.length, "end;", 4) == NULL) {
        event_loop_turn(server.loop, 1);
    }
    event_loop_turn(server.loop, 0);
    struct slice frames = tell(&told);
    CHECK(memmem(frames.data, frames.length, "HEADERS 1 end;", 14) != NULL);
    record_clear(&told);
    close_connection();
}

static void test_an_application_that_stops_the_server(void) {
    stopping_events = echo_events;
    stopping_events.on_ready = answer_and_stop;
    check_stop_from_inside(false, -1);
    stopping_events = echo_events;
    stopping_events.on_ready = echo_on_drain;
    stopping_events.on_disconnect = answer_and_stop;
    check_stop_from_inside(true, -1);
    check_stop_from_inside(false, 0);
}

/* A socket that takes little: what is written is the same, and nothing is lost. */
static void test_a_slow_socket(void) {
    struct record input = {0}, told = {0};
    struct server_options options = options_of_http2();
    options.write_high_water = 16;
    open_server(&options);
    stream.room = 3;
    connection_accept(server.server, &stream.stream);
    put_preface(&input);
    put_two(&input);
    feed(&input);
    for (int i = 0; i < 100; i++) {
        if (stream.pending_count > 0) {
            stream_script_completes(&stream, STATUS_OK);
        }
        event_loop_turn(server.loop, 0);
    }
    CHECK_TEXT(tell(&told), SLICE_LITERAL("HEADERS 1 end;HEADERS 3;DATA 3 \"onethree\" end;"));
    record_clear(&told);
    close_connection();
}

/* The client's windows are its own: nothing of a body before it opens one. */
static void test_a_client_without_window(void) {
    struct record input = {0}, told = {0};
    open_connection();
    record_bytes(&input, SLICE_LITERAL("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    put_frame(&input, FRAME_SETTINGS, FLAG_NONE, 0, SLICE_LITERAL("\0\4\0\0\0\0"));
    put_post(&input);
    feed(&input);
    CHECK_TEXT(tell(&told), SLICE_LITERAL("HEADERS 1;"));
    record_clear(&told);
    record_clear(&stream.taken);
    put_frame(&input, FRAME_WINDOW_UPDATE, FLAG_NONE, 1, SLICE_LITERAL("\0\0\0\2"));
    feed(&input);
    CHECK_TEXT(tell(&told), SLICE_LITERAL("DATA 1 \"he\";"));
    record_clear(&told);
    record_clear(&stream.taken);
    put_frame(&input, FRAME_WINDOW_UPDATE, FLAG_NONE, 1, SLICE_LITERAL("\0\0\0\7"));
    feed(&input);
    CHECK_TEXT(tell(&told), SLICE_LITERAL("DATA 1 \"llo\" end;"));
    record_clear(&told);
    close_connection();
}

int main(void) {
    test_tables();
    test_a_stream_that_is_broken_off();
    test_everybody_is_told_of_the_end();
    test_a_stop_is_announced_and_what_runs_is_answered();
    test_a_stop_awaits_the_first_request();
    test_allocations_of_a_stop();
    test_an_application_that_stops_the_server();
    test_a_slow_socket();
    test_a_client_without_window();
    return server_report();
}
