/* Tests of websocket.c and websocket_handshake.c on the double of exchange_ops: handshakes,
 * messages, keep-alive, every way of closing; byte by byte, and with the n-th allocation failing.
 */
#include "exchange_script.h"
#include "server/websocket.h"
#include "test_ws_support.h"

enum { TURN_MS = 20, TURNS = 500, FIN = 0x80, COMPRESSED = 0x40 };

static struct server_script server;
static struct exchange_script script;
static struct websocket *websocket; /* NULL when over */
static struct record told;          /* what the application was */

/* --- The application --- */

static void on_message(void *owner, bool is_text, struct slice payload) {
    (void)owner;
    record_add(&told, "%s %.*s;", is_text ? "text" : "binary", (int)payload.length, payload.data);
}
static void on_ready(void *owner) {
    (void)owner;
}
static void on_drain(void *owner) {
    (void)owner;
    record_add(&told, "drain;");
}
static void on_close(void *owner, int code, struct slice reason) {
    (void)owner;
    record_add(&told, "close %d %.*s;", code, (int)reason.length, reason.data);
}
static void on_end(void *owner) {
    (void)owner;
    record_add(&told, "end;");
    websocket = NULL;
}
static const struct websocket_events events = {.on_message = on_message,
                                               .on_ready = on_ready,
                                               .on_drain = on_drain,
                                               .on_close = on_close,
                                               .on_end = on_end};

static int take(struct server_script *owner, struct websocket *offered) {
    (void)owner;
    websocket = offered;
    websocket_attach(offered, &events, &told);
    return STATUS_OK;
}

/* --- Conversations --- */

#define KEY                                                                                        \
    {                                                                                              \
        {"sec-websocket-key", 17}, {                                                               \
            "dGhlIHNhbXBsZSBub25jZQ==", 24                                                         \
        }                                                                                          \
    }
#define VERSION                                                                                    \
    {                                                                                              \
        {"sec-websocket-version", 21}, {                                                           \
            "13", 2                                                                                \
        }                                                                                          \
    }

static const struct http_header handshake_headers[] = {KEY, VERSION};
static const struct http_request_head handshake = {.method = {"GET", 3},
                                                   .target = {"/", 1},
                                                   .path = {"/", 1},
                                                   .version_major = 1,
                                                   .version_minor = 1,
                                                   .headers = handshake_headers,
                                                   .header_count = 2,
                                                   .content_length = -1,
                                                   .upgrades_websocket = true};

/* Those of a client that offers compression, which --ws-deflate takes up. */
static const struct http_header offering_headers[] = {
    KEY, VERSION, {{"sec-websocket-extensions", 24}, {"permessage-deflate", 18}}};

static void offer(const struct server_options *options, const struct http_request_head *head) {
    server_script_open(&server, options, -1);
    server.take_websocket = take;
    exchange_script_begin(&script, server.server, head);
    websocket_offer(server.server, &script.exchange);
    script.exchange.request = NULL;
}

static void open_websocket(const struct server_options *options) {
    offer(options, &handshake);
    CHECK(websocket_accept(websocket, SLICE_EMPTY, NULL, 0) == STATUS_OK);
    record_clear(&script.record);
}

static void close_all(void) {
    exchange_script_close(&script);
    CHECK(websocket == NULL);
    record_clear(&told);
    server_script_close(&server);
}

/* The client sends bytes, in pieces; they are no longer looked at once the exchange is over. */
static void feed(const struct text *wire, size_t piece) {
    for (size_t used = 0; used < wire->length && websocket != NULL; used += piece) {
        size_t length = piece < wire->length - used ? piece : wire->length - used;
        exchange_deliver(&script.exchange, slice_of(wire->data + used, length), false);
        exchange_make_ready(&script.exchange);
    }
}

static void feed_bytes_in_frame(unsigned first, const char *payload, size_t length) {
    struct text wire = {NULL, 0};
    wire_frame(&wire, first, payload, length);
    feed(&wire, SIZE_MAX);
    text_free(&wire);
}

static void feed_frame(unsigned first, const char *payload) {
    feed_bytes_in_frame(first, payload, strlen(payload));
}

static void turn_until_recorded(const struct record *record) {
    for (int turns = 0; record->length == 0 && turns < TURNS; turns++) {
        event_loop_turn(server.loop, TURN_MS);
    }
}

/* --- The handshake --- */

static void test_handshakes_that_are_refused(void) {
    static const struct http_header twice[] = {KEY, KEY, VERSION};
    static const struct http_header old[] = {KEY, {{"sec-websocket-version", 21}, {"8", 1}}};
    static const struct http_header bad_key[] = {{{"sec-websocket-key", 17}, {"short", 5}},
                                                 VERSION};
    const struct {
        const char *name;
        int status;
        const struct http_header *headers;
        size_t count;
        struct slice method;
        uint8_t minor;
        bool has_body;
    } rows[] = {
        {"HTTP/1.0", 400, handshake_headers, 2, SLICE_LITERAL("GET"), 0, false},
        {"POST", 400, handshake_headers, 2, SLICE_LITERAL("POST"), 1, false},
        {"a body", 400, handshake_headers, 2, SLICE_LITERAL("GET"), 1, true},
        {"version 8", 426, old, 2, SLICE_LITERAL("GET"), 1, false},
        {"no version", 426, handshake_headers, 1, SLICE_LITERAL("GET"), 1, false},
        {"no key", 400, &handshake_headers[1], 1, SLICE_LITERAL("GET"), 1, false},
        {"two keys", 400, twice, 3, SLICE_LITERAL("GET"), 1, false},
        {"a short key", 400, bad_key, 2, SLICE_LITERAL("GET"), 1, false},
    };
    struct server_options options = script_options();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct http_request_head head = handshake;
        head.headers = rows[i].headers;
        head.header_count = rows[i].count;
        head.method = rows[i].method;
        head.version_minor = rows[i].minor;
        head.has_body = rows[i].has_body;
        char line[40];
        snprintf(line, sizeof(line), "refused 192.0.2.9 %d ", rows[i].status);
        offer(&options, &head);
        CHECK_ROW(websocket == NULL && script.exchange.status == rows[i].status, rows[i].name);
        CHECK_ROW(strncmp(server.record.text, line, strlen(line)) == 0, rows[i].name);
        CHECK_ROW((strstr(script.record.text, "sec-websocket-version: 13;") != NULL) ==
                      (rows[i].status == 426),
                  rows[i].name);
        close_all();
    }
}

static void test_accepting(void) {
    struct server_options options = script_options();
    static const struct http_header more[] = {{{"x-a", 3}, {"b", 1}}};
    offer(&options, &handshake);
    CHECK(websocket_send(websocket, true, SLICE_LITERAL("early")) == STATUS_STATE);
    CHECK(websocket_close(websocket, 1000, SLICE_EMPTY) == STATUS_STATE);
    CHECK(websocket_accept(websocket, SLICE_LITERAL("chat"), more, 1) == STATUS_OK);
    CHECK_RECORD(&script.record, "tunnel 101;sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=;"
                                 "sec-websocket-protocol: chat;x-a: b;");
    CHECK(websocket_accept(websocket, SLICE_EMPTY, NULL, 0) == STATUS_STATE);
    CHECK(websocket_deny(websocket, 403) == STATUS_STATE);
    CHECK(websocket_respond(websocket) == NULL);
    close_all();
}

static void test_denials(void) {
    struct server_options options = script_options();
    offer(&options, &handshake);
    CHECK(websocket_deny(websocket, 403) == STATUS_OK);
    CHECK_RECORD(&script.record, "respond 403 0;last;");
    CHECK_RECORD(&told, "close 1006 ;end;");
    close_all();

    offer(&options, &handshake);
    CHECK(websocket_respond(websocket) == &script.exchange);
    exchange_answer(&script.exchange, 401, SLICE_LITERAL("who?"), NULL);
    CHECK_RECORD(&script.sent, "who?");
    CHECK_RECORD(&told, "close 1006 ;end;");
    close_all();

    offer(&options, &handshake); /* the server stops */
    exchange_shut_down(&script.exchange);
    CHECK_RECORD(&script.record, "respond 503 0;last;");
    close_all();

    options.websocket_connect_timeout = 0; /* the application does not answer */
    offer(&options, &handshake);
    turn_until_recorded(&script.record);
    CHECK_RECORD(&script.record, "respond 403 0;last;");
    close_all();

    server_script_open(&server, &options, -1); /* there is no application */
    exchange_script_begin(&script, server.server, &handshake);
    websocket_offer(server.server, &script.exchange);
    CHECK_RECORD(&script.record, "respond 500 0;last;");
    close_all();
}

/* --- Messages, however they are cut --- */

static void test_messages(size_t piece) {
    struct server_options options = script_options();
    struct text wire = {NULL, 0};
    wire_frame(&wire, FIN | WS_TEXT, "Hello", 5);
    wire_frame(&wire, WS_BINARY, "in ", 3);
    wire_frame(&wire, FIN | WS_PING, "p", 1);
    wire_frame(&wire, FIN, "two", 3);
    wire_frame(&wire, FIN | WS_PONG, "", 0);
    wire_frame(&wire, FIN | WS_CLOSE,
               "\x03\xe8"
               "bye",
               5);
    wire_frame(&wire, FIN | WS_TEXT, "unheard", 7);
    open_websocket(&options);
    CHECK(websocket_send(websocket, true, SLICE_LITERAL("hi")) == STATUS_OK);
    feed(&wire, piece);
    CHECK_RECORD(&told, "text Hello;binary in two;close 1000 bye;");
    CHECK(websocket_send(websocket, false, SLICE_LITERAL("x")) ==
          STATUS_OK); /* still in CLOSE_WAIT */
    websocket_finish_close(websocket);
    CHECK(websocket_send(websocket, false, SLICE_LITERAL("y")) == STATUS_CLOSED);
    CHECK_TEXT(record_slice(&script.sent),
               SLICE_LITERAL("\x81\x02hi\x8a\x01p\x82\x01x\x88\x02\x03\xe8"));
    CHECK_RECORD(&script.record, "end tunnel;");
    close_all();
    text_free(&wire);
}

static void test_a_violation(void) {
    struct server_options options = script_options();
    struct text wire = {NULL, 0};
    wire_head(&wire, FIN | WS_TEXT, false, 0, 1);
    text_add(&wire, "x", 1);
    open_websocket(&options);
    feed(&wire, 1);
    CHECK(strncmp(told.text, "close 1002 ", 11) == 0);
    websocket_finish_close(websocket);
    CHECK_TEXT(record_slice(&script.sent), SLICE_LITERAL("\x88\x02\x03\xea"));
    close_all();
    text_free(&wire);
}

/* --- Ends --- */

static void test_closing_first(void) {
    struct server_options options = script_options();
    open_websocket(&options);
    websocket_pause(websocket);
    CHECK(websocket_close(websocket, 1001, SLICE_LITERAL("so")) == STATUS_OK);
    CHECK(websocket_close(websocket, 1000, SLICE_EMPTY) == STATUS_CLOSED);
    CHECK_RECORD(&told, "close 1001 so;");
    CHECK_RECORD(&script.record, "pause;resume;"); /* the answer stands behind what was sent */
    feed_frame(FIN | WS_TEXT, "unheard");
    feed_frame(FIN | WS_CLOSE, "\x03\xe9");
    CHECK_RECORD(&script.record, "end tunnel;");
    CHECK_TEXT(record_slice(&script.sent), SLICE_LITERAL("\x88\x04\x03\xe9so"));
    close_all();
}

static void test_other_ends(void) {
    struct server_options options = script_options();
    open_websocket(&options); /* the client is gone without a word */
    exchange_deliver(&script.exchange, SLICE_EMPTY, true);
    CHECK_RECORD(&told, "close 1006 ;");
    CHECK_RECORD(&script.record, "end tunnel;");
    close_all();

    open_websocket(&options); /* the connection is */
    exchange_disconnect(&script.exchange);
    CHECK_RECORD(&told, "close 1006 ;");
    CHECK_RECORD(&script.record, "abort;");
    close_all();

    open_websocket(&options);
    websocket_abort(websocket);
    CHECK_RECORD(&told, "close 1006 ;");
    CHECK_RECORD(&script.record, "abort;");
    close_all();

    open_websocket(&options); /* the server stops */
    exchange_shut_down(&script.exchange);
    CHECK_RECORD(&told, "close 1012 ;");
    close_all();

    options.websocket_timeout = 0; /* its time is over */
    open_websocket(&options);
    turn_until_recorded(&told);
    CHECK_RECORD(&told, "close 1000 ;");
    close_all();
}

/* --- Keep-alive and flow --- */

static void test_keep_alive(void) {
    struct server_options options = script_options();
    options.ping_interval = options.ping_timeout = 0;
    open_websocket(&options);
    turn_until_recorded(&script.sent);
    CHECK_TEXT(record_slice(&script.sent), SLICE_LITERAL("\x89\x00"));
    CHECK_RECORD(&script.record, "flush;");
    turn_until_recorded(&script.record);
    CHECK_RECORD(&script.record, "abort;"); /* not a sign of life */
    CHECK_RECORD(&told, "close 1006 ;");
    close_all();

    open_websocket(&options); /* whoever takes what stands before the ping is alive */
    script.queued = 10;
    script.progress = 5;
    turn_until_recorded(&script.sent);
    record_clear(&script.record);
    record_clear(&script.sent);
    script.progress = 6;
    turn_until_recorded(&script.sent); /* the next ping */
    CHECK_TEXT(record_slice(&script.sent), SLICE_LITERAL("\x89\x00"));
    close_all();
}

static void test_a_flood_of_pings(void) {
    struct server_options options = script_options();
    open_websocket(&options);
    feed_frame(FIN | WS_PING, "");
    CHECK_RECORD(&script.record, "");
    script.is_congested = true;
    feed_frame(FIN | WS_PING, "");
    CHECK_RECORD(&script.record, "pause;");
    websocket_pause(websocket);
    script.is_congested = false;
    exchange_drain(&script.exchange);
    CHECK_RECORD(&script.record, ""); /* the application wants no more either */
    websocket_resume(websocket);
    CHECK_RECORD(&script.record, "resume;");
    CHECK_RECORD(&told, "drain;");
    close_all();
}

/* --- Without memory --- */

/* The conversation of the next test: Hello in both directions, plain or compressed, a ping and a
 * close. Returns whether the application's part went through. */
static bool converse(void) {
    if (websocket == NULL || websocket_accept(websocket, SLICE_EMPTY, NULL, 0) != STATUS_OK ||
        websocket_send(websocket, true, SLICE_LITERAL("Hello")) != STATUS_OK) {
        return false;
    }
    if (ws_deflate_is_agreed(&websocket->deflate)) {
        feed_bytes_in_frame(FIN | COMPRESSED | WS_TEXT, "\xf2\x48\xcd\xc9\xc9\x07", 7);
    } else {
        feed_frame(FIN | WS_TEXT, "Hello");
    }
    feed_frame(FIN | WS_PING, "p");
    return websocket_close(websocket, 1000, SLICE_LITERAL("bye")) == STATUS_OK;
}

/* With the n-th allocation failing the application is told of it by a status, or by a close with
 * 1011; a pong alone may be missing. Returns whether no allocation was left to fail. */
static bool run_with_failure(const struct server_options *options, long n) {
    struct http_request_head head = handshake;
    head.headers = offering_headers;
    head.header_count = 3;
    server_script_open(&server, options, -1);
    server.take_websocket = take;
    exchange_script_begin(&script, server.server, &head);
    memory_set_failure(n);
    websocket_offer(server.server, &script.exchange);
    script.exchange.request = NULL;
    bool is_well = converse();
    bool is_through = memory_failure_is_left();
    memory_set_failure(0);
    const char *heard = told.text != NULL ? told.text : "";
    CHECK(is_well || !is_through);
    CHECK(!is_well || strcmp(heard, "text Hello;close 1000 bye;") == 0 ||
          (!is_through && strcmp(heard, "close 1011 out of memory;drain;") == 0));
    CHECK(!is_through || script.sent.length > 0);
    close_all();
    return is_through;
}

static void test_every_allocation_may_fail(bool is_compressed) {
    struct server_options options = script_options();
    options.ws_deflate = is_compressed;
    options.ws_deflate_window_bits = LIMIT_WS_DEFLATE_WINDOW_BITS;
    options.ws_deflate_memory_level = LIMIT_WS_DEFLATE_MEMORY_LEVEL;
    long n = 1;
    while (!run_with_failure(&options, n) && check_failures == 0) {
        n++;
    }
    CHECK(n > 6);
}

int main(void) {
    test_handshakes_that_are_refused();
    test_accepting();
    test_denials();
    test_messages(SIZE_MAX);
    test_messages(1);
    test_messages(3);
    test_a_violation();
    test_closing_first();
    test_other_ends();
    test_keep_alive();
    test_a_flood_of_pings();
    test_every_allocation_may_fail(false);
    test_every_allocation_may_fail(true);
    return server_report();
}
