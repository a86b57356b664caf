/* Tests of server/exchange.c on the double of exchange_ops: beginning, telling, ending, the plain
 * answer, whose request it is, the access log; with the n-th allocation failing. */
#include <unistd.h>

#include "exchange_script.h"

/* Somebody who answers: records what the exchange tells. */
static void on_body(void *owner, struct slice bytes, bool is_last) {
    record_add(owner, "body %.*s%s;", (int)bytes.length, bytes.data, is_last ? " last" : "");
}
static void on_ready(void *owner) {
    record_add(owner, "ready;");
}
static void on_drain(void *owner) {
    record_add(owner, "drain;");
}
static void on_disconnect(void *owner) {
    record_add(owner, "disconnect;");
}
static void on_end(void *owner) {
    record_add(owner, "end;");
}
static const struct exchange_events events = {.on_body = on_body,
                                              .on_ready = on_ready,
                                              .on_drain = on_drain,
                                              .on_disconnect = on_disconnect,
                                              .on_end = on_end};

static const struct http_header headers[] = {
    {{"host", 4}, {"example.org", 11}},
    {{"x-forwarded-for", 15}, {"203.0.113.7", 11}},
    {{"x-forwarded-proto", 17}, {"https", 5}},
    {{"daphne-root-path", 16}, {"/mounted", 8}},
};
static const struct http_request_head request = {.method = {"GET", 3},
                                                 .target = {"/rooms/?a=1", 11},
                                                 .path = {"/rooms/", 7},
                                                 .query = {"a=1", 3},
                                                 .version_major = 1,
                                                 .version_minor = 1,
                                                 .headers = headers,
                                                 .header_count = 4,
                                                 .content_length = -1};

static struct server_options proxied_options(void) {
    struct server_options options = script_options();
    strcpy(options.forwarding.address_header, "x-forwarded-for");
    CHECK(access_format_parse(&options.access_log_format, SLICE_LITERAL("ncsa"), NULL, 0) ==
          STATUS_OK);
    return options;
}

static void test_events_reach_whoever_is_attached(void) {
    struct server_options options = script_options();
    struct server_script server;
    struct exchange_script script;
    struct record told = {0};
    server_script_open(&server, &options, -1);
    exchange_script_begin(&script, server.server, &request);
    struct exchange *exchange = &script.exchange;
    CHECK(exchange_is_active(exchange) && exchange->state == EXCHANGE_WAITING);
    CHECK(!exchange_deliver(exchange, SLICE_LITERAL("unheard"), false));
    exchange_make_ready(exchange);
    exchange_drain(exchange);
    exchange_shut_down(exchange);
    exchange_attach(exchange, &events, &told);
    CHECK(exchange_deliver(exchange, SLICE_LITERAL("ab"), false));
    CHECK(exchange_deliver(exchange, SLICE_EMPTY, true));
    exchange_make_ready(exchange);
    exchange_drain(exchange);
    exchange_shut_down(exchange); /* on_shutdown may be NULL */
    CHECK_RECORD(&told, "body ab;body  last;ready;drain;");
    exchange_disconnect(exchange);
    exchange_disconnect(exchange);
    exchange_end(exchange);
    exchange_end(exchange);
    exchange_disconnect(exchange);
    CHECK(!exchange_deliver(exchange, SLICE_LITERAL("late"), false));
    CHECK_RECORD(&told, "disconnect;end;");
    exchange_script_close(&script);
    server_script_close(&server);
}

static void test_an_answer_of_plain_text(void) {
    struct server_options options = script_options();
    struct server_script server;
    struct exchange_script script;
    struct record told = {0};
    server_script_open(&server, &options, -1);
    exchange_script_begin(&script, server.server, &request);
    exchange_attach(&script.exchange, &events, &told);
    struct http_header version = {SLICE_LITERAL("sec-websocket-version"), SLICE_LITERAL("13")};
    exchange_answer(&script.exchange, 426, SLICE_LITERAL("Only 13."), &version);
    CHECK_RECORD(&script.record, "respond 426 8;content-type: text/plain; charset=utf-8;"
                                 "sec-websocket-version: 13;last;");
    CHECK_RECORD(&script.sent, "Only 13.");
    CHECK_RECORD(&told, "end;");
    exchange_answer(&script.exchange, 500, SLICE_LITERAL("twice"), NULL);
    CHECK_RECORD(&script.record, "");
    exchange_script_close(&script);

    exchange_script_begin(&script, server.server, &request);
    exchange_answer(&script.exchange, 503, SLICE_EMPTY, NULL);
    CHECK_RECORD(&script.record, "respond 503 0;content-type: text/plain; charset=utf-8;last;");
    exchange_script_close(&script);
    server_script_close(&server);
}

static void test_whose_request_it_is(void) {
    struct server_options options = proxied_options();
    struct server_script server;
    struct exchange_script script;
    server_script_open(&server, &options, -1);
    struct stream stream = {.is_secure = false};

    /* Nobody is trusted: the peer's word does not count. */
    exchange_script_begin(&script, server.server, &request);
    script.connection.stream = &stream;
    CHECK(script.exchange.forwarded == NULL);
    CHECK(strcmp(exchange_client(&script.exchange)->host, "192.0.2.9") == 0);
    CHECK(!exchange_is_secure(&script.exchange));
    CHECK(exchange_root_path(&script.exchange).data == NULL);
    stream.is_secure = true;
    CHECK(exchange_is_secure(&script.exchange));
    exchange_script_close(&script);

    /* The peer is a trusted proxy. */
    stream.is_secure = false;
    exchange_script_open(&script, server.server);
    script.connection.trust = TRUST_GIVEN;
    exchange_begin(&script.exchange, &request);
    CHECK(strcmp(exchange_client(&script.exchange)->host, "203.0.113.7") == 0);
    CHECK(exchange_is_secure(&script.exchange));
    CHECK_TEXT(exchange_root_path(&script.exchange), SLICE_LITERAL("/mounted"));
    exchange_script_close(&script);
    server_script_close(&server);
}

static void test_the_line_of_a_response(void) {
    struct server_options options = proxied_options();
    struct server_script server;
    struct exchange_script script;
    int ends[2];
    CHECK(pipe(ends) == 0);
    server_script_open(&server, &options, ends[1]);
    exchange_script_begin(&script, server.server, &request);
    exchange_answer(&script.exchange, 404, SLICE_LITERAL("Not Found"), NULL);
    exchange_script_close(&script);
    exchange_script_begin(&script, server.server, &request); /* never answered: no line */
    exchange_script_close(&script);
    server_script_close(&server);
    close(ends[1]);
    char line[512];
    ssize_t length = read(ends[0], line, sizeof(line) - 1);
    close(ends[0]);
    if (CHECK(length > 0)) {
        line[length] = '\0';
        CHECK(strncmp(line, "192.0.2.9:4242 - - [", 20) == 0);
        CHECK(strstr(line, "] \"GET /rooms/?a=1\" 404 9\n") != NULL);
        CHECK(strchr(line, '\n') == line + length - 1);
    }
}

/* Without memory for what is remembered, the exchange goes on without it. */
static void test_every_allocation_may_fail(void) {
    struct server_options options = proxied_options();
    struct server_script server;
    struct exchange_script script;
    int ends[2];
    CHECK(pipe(ends) == 0);
    server_script_open(&server, &options, ends[1]);
    bool is_through = false;
    for (long n = 1; !is_through && check_failures == 0; n++) {
        struct record told = {0};
        exchange_script_open(&script, server.server);
        script.connection.trust = TRUST_GIVEN;
        memory_set_failure(n);
        exchange_begin(&script.exchange, &request);
        exchange_attach(&script.exchange, &events, &told);
        exchange_answer(&script.exchange, 200, SLICE_LITERAL("fine"), NULL);
        is_through = memory_failure_is_left();
        memory_set_failure(0);
        CHECK_RECORD(&script.sent, "fine");
        CHECK_RECORD(&told, "end;");
        exchange_script_close(&script);
    }
    server_script_close(&server);
    close(ends[0]);
    close(ends[1]);
}

int main(void) {
    test_events_reach_whoever_is_attached();
    test_an_answer_of_plain_text();
    test_whose_request_it_is();
    test_the_line_of_a_response();
    test_every_allocation_may_fail();
    return server_report();
}
