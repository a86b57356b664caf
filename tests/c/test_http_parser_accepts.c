/* What requests are read as, and how far. */
#include "http_runs.h"

struct accepted {
    const char *name;
    struct slice input;
    struct slice expected;
};

#define TEXT SLICE_LITERAL
#define HEAD(method, target, path, query, rest)                                                    \
    "head method=" method " target=" target " scheme=http path=" path " query=" query              \
    " version=" rest "\n"
#define ROOT(rest)   HEAD("GET", "/", "/", "", rest)
#define UPLOAD(rest) HEAD("POST", "/", "/", "", rest)
#define DONE         "complete\nend idle\n"

static const struct accepted rows[] = {
    {"nothing", TEXT("\r\n"), TEXT("end idle\n")},
    {"half an empty line", TEXT("\r"), TEXT("end idle\n")},
    {"one byte", TEXT("G"), TEXT("end in head\n")},
    {"plain", TEXT("GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
     TEXT(ROOT("1.1 length=-1 keep-alive") "host: a\n" DONE)},
    {"empty lines before", TEXT("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
     TEXT(ROOT("1.1 length=-1 keep-alive") "host: a\n" DONE)},
    {"eight empty lines", TEXT("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
     TEXT(ROOT("1.1 length=-1 keep-alive") "host: a\n" DONE)},
    {"names and values",
     TEXT("GET / HTTP/1.1\r\nhOsT:a\r\nX-A: \t b\tc \t\r\nx-a:\r\nX-B:   \r\nX!#$%&'*+-.^`|~9: "
          "\xff\x80 \xc3\x85\xe2\x80\x85\r\nx_y: no\r\n\r\n"),
     TEXT(ROOT("1.1 length=-1 keep-alive") "host: a\nx-a: b\tc\nx-a: \nx-b: \nx!#$%&'*+-.^`|~9: "
                                           "\xff\x80 \xc3\x85\xe2\x80\x85\n" DONE)},
    {"Content_Length is dropped", TEXT("GET / HTTP/1.1\r\nHost: a\r\nContent_Length: 5\r\n\r\n"),
     TEXT(ROOT("1.1 length=-1 keep-alive") "host: a\n" DONE)},
    {"Transfer_Encoding and Host_ are dropped",
     TEXT("GET / HTTP/1.1\r\nHost: a\r\nTransfer_Encoding: chunked\r\nHost_: b\r\n_: c\r\n\r\n"),
     TEXT(ROOT("1.1 length=-1 keep-alive") "host: a\n" DONE)},
    {"query", TEXT("GET /a/%20/%c3%a4?b=?&c=/ HTTP/1.1\r\nHost: a\r\n\r\n"),
     TEXT(HEAD("GET", "/a/%20/%c3%a4?b=?&c=/", "/a/%20/%c3%a4", "b=?&c=/",
               "1.1 length=-1 keep-alive") "host: a\n" DONE)},
    {"empty query", TEXT("GET /? HTTP/1.1\r\nHost: a\r\n\r\n"),
     TEXT(HEAD("GET", "/?", "/", "", "1.1 length=-1 keep-alive") "host: a\n" DONE)},
    {"two slashes", TEXT("GET //a//b HTTP/1.1\r\nHost: a\r\n\r\n"),
     TEXT(HEAD("GET", "//a//b", "//a//b", "", "1.1 length=-1 keep-alive") "host: a\n" DONE)},
    {"asterisk-form", TEXT("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n"),
     TEXT(HEAD("OPTIONS", "*", "*", "", "1.1 length=-1 keep-alive") "host: a\n" DONE)},
    {"absolute-form", TEXT("GET HTTP://b.c:80/d?e HTTP/1.1\r\nHost: a\r\n\r\n"),
     TEXT(HEAD("GET", "HTTP://b.c:80/d?e", "/d", "e",
               "1.1 length=-1 keep-alive") "host: b.c:80\n" DONE)},
    {"absolute-form without a path", TEXT("GET http://b HTTP/1.1\r\nHost: a\r\n\r\n"),
     TEXT(HEAD("GET", "http://b", "/", "", "1.1 length=-1 keep-alive") "host: b\n" DONE)},
    {"absolute-form with a query only", TEXT("GET http://b?c HTTP/1.1\r\nHost: a\r\n\r\n"),
     TEXT(HEAD("GET", "http://b?c", "/", "c", "1.1 length=-1 keep-alive") "host: b\n" DONE)},
    {"absolute-form of https", TEXT("GET https://[::1]:8/ HTTP/1.1\r\nHost: a\r\n\r\n"),
     TEXT("head method=GET target=https://[::1]:8/ scheme=https path=/ query= version=1.1 "
          "length=-1 keep-alive\nhost: [::1]:8\n" DONE)},
    {"absolute-form of 1.0 without Host", TEXT("GET http://b/ HTTP/1.0\r\n\r\n"),
     TEXT(HEAD("GET", "http://b/", "/", "", "1.0 length=-1") DONE)},
    {"Host empty", TEXT("GET / HTTP/1.1\r\nHost:\r\n\r\n"),
     TEXT(ROOT("1.1 length=-1 keep-alive") "host: \n" DONE)},
    {"Host with a port", TEXT("GET / HTTP/1.1\r\nHost: a-b_c.d:8000\r\n\r\n"),
     TEXT(ROOT("1.1 length=-1 keep-alive") "host: a-b_c.d:8000\n" DONE)},
    {"Host as IPv6", TEXT("GET / HTTP/1.1\r\nHost: [fe80::1%25eth0]:8000\r\n\r\n"),
     TEXT(ROOT("1.1 length=-1 keep-alive") "host: [fe80::1%25eth0]:8000\n" DONE)},
    {"close", TEXT("GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n"),
     TEXT(ROOT("1.1 length=-1") "host: a\nconnection: x, Close\n" DONE)},
    {"close in the second line",
     TEXT("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\nConnection: close\r\n\r\n"),
     TEXT(ROOT("1.1 length=-1") "host: a\nconnection: keep-alive\nconnection: close\n" DONE)},
    {"not close", TEXT("GET / HTTP/1.1\r\nHost: a\r\nConnection: closed\r\n\r\n"),
     TEXT(ROOT("1.1 length=-1 keep-alive") "host: a\nconnection: closed\n" DONE)},
    {"1.0", TEXT("GET / HTTP/1.0\r\n\r\n"), TEXT(ROOT("1.0 length=-1") DONE)},
    {"1.0 keep-alive", TEXT("GET / HTTP/1.0\r\nConnection: x,KEEP-ALIVE\r\n\r\n"),
     TEXT(ROOT("1.0 length=-1 keep-alive") "connection: x,KEEP-ALIVE\n" DONE)},
    {"1.0 keep-alive and close", TEXT("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n"),
     TEXT(ROOT("1.0 length=-1") "connection: keep-alive, close\n" DONE)},
    {"1.0 has no expectations",
     TEXT("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\na"),
     TEXT(UPLOAD("1.0 length=1 body") "expect: 100-continue\ncontent-length: 1\nbody a\n" DONE)},
    {"websocket on 1.0",
     TEXT("GET / HTTP/1.0\r\nHost: a\r\nConnection: upgrade, keep-alive\r\nUpgrade: "
          "websocket\r\n\r\n"),
     TEXT(ROOT(
         "1.0 length=-1 keep-alive websocket") "host: a\nconnection: upgrade, keep-alive\nupgrade: "
                                               "websocket\n" DONE)},
    {"expects",
     TEXT("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\nab"),
     TEXT(UPLOAD(
         "1.1 length=2 body keep-alive continue") "host: a\nexpect: 100-Continue\ncontent-length: "
                                                  "2\nbody ab\n" DONE)},
    {"expects without a body", TEXT("GET / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n\r\n"),
     TEXT(ROOT("1.1 length=-1 keep-alive") "host: a\nexpect: 100-continue\n" DONE)},
    {"empty body", TEXT("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"),
     TEXT(UPLOAD("1.1 length=0 keep-alive") "host: a\ncontent-length: 0\n" DONE)},
    {"leading zeros", TEXT("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 003 \r\n\r\nabc"),
     TEXT(UPLOAD("1.1 length=3 body keep-alive") "host: a\ncontent-length: 003\nbody abc\n" DONE)},
    {"unfinished body", TEXT("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabc"),
     TEXT(UPLOAD(
         "1.1 length=4 body keep-alive") "host: a\ncontent-length: 4\nbody abc\nend in body\n")},
    {"largest length",
     TEXT("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9223372036854775807\r\n\r\na"),
     TEXT(UPLOAD("1.1 length=9223372036854775807 body keep-alive") "host: a\ncontent-length: "
                                                                   "9223372036854775807\nbody "
                                                                   "a\nend in body\n")},
    {"GET with a body", TEXT("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n\r\n\n"),
     TEXT(ROOT("1.1 length=3 body keep-alive") "host: a\ncontent-length: 3\nbody \r\n\n\n" DONE)},
    {"pipeline",
     TEXT("GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: b\r\nContent-Length: "
          "3\r\n\r\nGET\r\n"
          "GET / HTTP/1.0\r\n\r\nGE"),
     TEXT(ROOT("1.1 length=-1 keep-alive") "host: a\ncomplete\n" UPLOAD(
         "1.1 length=3 body keep-alive") "host: b\ncontent-length: 3\nbody "
                                         "GET\ncomplete\n" ROOT("1.0 length=-1") "complete\nend"
                                                                                 " in head\n")},
};

#define CHUNKED "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
#define CHUNKED_HEAD                                                                               \
    UPLOAD("1.1 length=-1 chunked body keep-alive") "host: a\ntransfer-encoding: Chunked\n"

static const struct accepted chunked_rows[] = {
    {"no chunk", TEXT(CHUNKED "0\r\n\r\n"), TEXT(CHUNKED_HEAD DONE)},
    {"chunks", TEXT(CHUNKED "5\r\nhello\r\n00A\r\n0\r\n\r\n0123\n\r\n0000\r\n\r\n"),
     TEXT(CHUNKED_HEAD "body hello0\r\n\r\n0123\n\n" DONE)},
    {"extensions", TEXT(CHUNKED "1;a\r\na\r\n2;a;b=c\r\nbc\r\n1;d=\"e;f \"\r\nd\r\n0;x=y\r\n\r\n"),
     TEXT(CHUNKED_HEAD "body abcd\n" DONE)},
    {"trailers", TEXT(CHUNKED "1\r\na\r\n0\r\nX: \t y\r\nz:\r\n\r\n"),
     TEXT(CHUNKED_HEAD "body a\n" DONE)},
    {"forbidden trailers are dropped",
     TEXT(CHUNKED "1\r\na\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: gzip\r\nHost: "
                  "b\r\nConnection: close\r\n\r\n"
                  "GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
     TEXT(CHUNKED_HEAD "body a\ncomplete\n" ROOT("1.1 length=-1 keep-alive") "host: a\n" DONE)},
    {"trailers twice", TEXT(CHUNKED "0\r\nX: y\r\n\r\n" CHUNKED "0\r\nX: y\r\nZ: y\r\n\r\n"),
     TEXT(CHUNKED_HEAD "complete\n" CHUNKED_HEAD DONE)},
    {"unfinished size", TEXT(CHUNKED "5"), TEXT(CHUNKED_HEAD "end in body\n")},
    {"unfinished chunk", TEXT(CHUNKED "5\r\nhel"), TEXT(CHUNKED_HEAD "body hel\nend in body\n")},
    {"unfinished end", TEXT(CHUNKED "1\r\na\r\n0\r\n\r"),
     TEXT(CHUNKED_HEAD "body a\nend in body\n")},
    {"largest size", TEXT(CHUNKED "ffffffffffffffff\r\nab"),
     TEXT(CHUNKED_HEAD "body ab\nend in body\n")},
    {"behind a chunked request", TEXT(CHUNKED "0\r\n\r\n" CHUNKED "1\r\na\r\n0\r\n\r\n"),
     TEXT(CHUNKED_HEAD "complete\n" CHUNKED_HEAD "body a\n" DONE)},
    {"empty list elements",
     TEXT("POST / HTTP/1.1\r\nHost: a\r\nExpect: , 100-continue,,\r\nContent-Length: 1\r\n\r\na"),
     TEXT(UPLOAD("1.1 length=1 body keep-alive continue") "host: a\nexpect: , "
                                                          "100-continue,,\ncontent-length: 1\nbody "
                                                          "a\n" DONE)},
};

static const struct accepted upgrade_rows[] = {
    {"h2c with a body",
     TEXT("POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nContent-Length: "
          "3\r\n\r\nabc"),
     TEXT(UPLOAD("1.1 length=3 body keep-alive") "host: a\nconnection: Upgrade\nupgrade: "
                                                 "h2c\ncontent-length: 3\nbody abc\n" DONE)},
    {"h2c with chunks",
     TEXT("POST / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
          "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\nGET"),
     TEXT(UPLOAD("1.1 length=-1 chunked body keep-alive") "host: a\nconnection: Upgrade, "
                                                          "HTTP2-Settings\nupgrade: "
                                                          "h2c\ntransfer-encoding: chunked\nbody "
                                                          "abc\ncomplete\nend in head\n")},
    {"h2c without a body",
     TEXT("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nGET"),
     TEXT(ROOT("1.1 length=-1 keep-alive") "host: a\nconnection: Upgrade\nupgrade: "
                                           "h2c\ncomplete\nend in head\n")},
    {"websocket",
     TEXT("GET / HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: "
          "WebSocket\r\n\r\n"),
     TEXT(ROOT("1.1 length=-1 keep-alive websocket") "host: a\nconnection: keep-alive, "
                                                     "Upgrade\nupgrade: WebSocket\n" DONE)},
    {"websocket in a list",
     TEXT("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: h2c, websocket\r\n\r\n"),
     TEXT(ROOT("1.1 length=-1 keep-alive websocket") "host: a\nconnection: upgrade\nupgrade: h2c, "
                                                     "websocket\n" DONE)},
    {"websocket without Connection",
     TEXT("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n"),
     TEXT(ROOT("1.1 length=-1 keep-alive") "host: a\nupgrade: websocket\n" DONE)},
    {"websocket with another version's name",
     TEXT("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket/13\r\n\r\n"),
     TEXT(ROOT(
         "1.1 length=-1 keep-alive") "host: a\nconnection: upgrade\nupgrade: websocket/13\n" DONE)},
    {"websocket by POST",
     TEXT("POST / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"),
     TEXT(UPLOAD("1.1 length=-1 keep-alive websocket") "host: a\nconnection: upgrade\nupgrade: "
                                                       "websocket\n" DONE)},
    {"websocket with a body",
     TEXT("GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: "
          "websocket\r\nContent-Length: 2\r\n\r\nab"),
     TEXT(ROOT(
         "1.1 length=2 body keep-alive websocket") "host: a\nconnection: upgrade\nupgrade: "
                                                   "websocket\ncontent-length: 2\nbody ab\n" DONE)},
};

#define CHECK_TABLE(table) check_table(table, sizeof(table) / sizeof(table[0]))

static void check_table(const struct accepted *table, size_t count) {
    for (size_t i = 0; i < count; i++) {
        check_events(table[i].input, table[i].expected, table[i].name);
    }
}

/* What stands behind a request line, and what it is read as. */
static const struct {
    const char *rest, *told;
} bodies[] = {
    {"\r\n", "length=-1 keep-alive\nhost: a\n" DONE},
    {"Content-Length: 3\r\n\r\nabc",
     "length=3 body keep-alive\nhost: a\ncontent-length: 3\nbody abc\n" DONE},
    {"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
     "length=-1 chunked body keep-alive\nhost: a\ntransfer-encoding: chunked\nbody ab\n" DONE},
};

/* Every method, also one that llhttp has not or keeps for other protocols, has the body that its
 * length or its chunks say, and none without. */
static void check_method(const char *method) {
    for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
        char input[160];
        char expected[240];
        int length = snprintf(input, sizeof(input), "%s / HTTP/1.1\r\nHost: a\r\n%s", method,
                              bodies[i].rest);
        int expected_length =
            snprintf(expected, sizeof(expected),
                     "head method=%s target=/ scheme=http path=/ query= version=1.1 %s", method,
                     bodies[i].told);
        check_events(slice_of(input, (size_t)length), slice_of(expected, (size_t)expected_length),
                     method);
    }
}

static void check_methods(void) {
    static const char *const methods[] = {
        "GET",      "HEAD",     "POST",     "PUT",  "DELETE", "OPTIONS",  "PATCH",
        "TRACE",    "PROPFIND", "LINK",     "FOO",  "PURGE",  "M-SEARCH", "QUERY",
        "DESCRIBE", "SOURCE",   "CONNECTX", "PRIX", "X",      "GETX",     "BASELINE-CONTROL"};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        check_method(methods[i]);
    }
}

/* The bytes behind a request are left alone until next(), and are not touched at all behind an
 * upgrade. */
static void check_stops(void) {
    static const char head[] =
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n";
    static const char input[] =
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x80";
    struct http_events events;
    CHECK(events_open(&events, LIMIT_HEAD_SIZE, LIMIT_HEADERS));
    CHECK(http1_parser_state(events.parser) == HTTP1_PARSER_IDLE);
    CHECK(http1_parser_feed(events.parser, slice_of(input, sizeof(input) - 1)) == sizeof(head) - 1);
    CHECK(http1_parser_state(events.parser) == HTTP1_PARSER_COMPLETE);
    CHECK(http1_parser_feed(events.parser, SLICE_LITERAL("x")) == 0);
    CHECK(http1_parser_error_status(events.parser) == 0);
    http1_parser_next(events.parser);
    CHECK(http1_parser_feed(events.parser, SLICE_LITERAL("\x81")) <= 1);
    CHECK(http1_parser_state(events.parser) == HTTP1_PARSER_FAILED);
    CHECK(http1_parser_feed(events.parser, SLICE_LITERAL("GET")) == 0);
    http1_parser_next(events.parser);
    CHECK(http1_parser_state(events.parser) == HTTP1_PARSER_FAILED);
    events_close(&events);
}

static struct slice kept_path;

static void keep_path(void *owner, const struct http_request_head *head) {
    (void)owner;
    kept_path = head->path;
}

static void ignore_body(void *owner, struct slice bytes) {
    (void)owner;
    (void)bytes;
}

static void ignore_complete(void *owner) {
    (void)owner;
}

/* The head outlives the calls that bring its body and trailers. */
static void check_head_stays(void) {
    static const struct http1_parser_events keeper = {keep_path, ignore_body, ignore_complete};
    const struct http1_parser_limits limits = {LIMIT_HEAD_SIZE, LIMIT_HEADERS};
    struct http1_parser *parser = http1_parser_new(&limits, &keeper, NULL);
    http1_parser_feed(
        parser,
        SLICE_LITERAL("POST /kept HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"));
    http1_parser_feed(parser, SLICE_LITERAL("5\r\nhello\r\n0\r\n"));
    for (int i = 0; i < 100; i++) {
        http1_parser_feed(parser, SLICE_LITERAL("trailer: some text to fill memory\r\n"));
    }
    http1_parser_feed(parser, SLICE_LITERAL("\r\n"));
    CHECK(http1_parser_state(parser) == HTTP1_PARSER_COMPLETE);
    CHECK_TEXT(kept_path, SLICE_LITERAL("/kept"));
    http1_parser_free(parser);
    http1_parser_free(NULL);
}

static void check_find(void) {
    const struct http_header headers[] = {{SLICE_LITERAL("a"), SLICE_LITERAL("1")},
                                          {SLICE_LITERAL("b"), SLICE_LITERAL("2")},
                                          {SLICE_LITERAL("b"), SLICE_LITERAL("3")}};
    const struct http_request_head head = {.headers = headers, .header_count = 3};
    CHECK(http_request_head_find(&head, SLICE_LITERAL("b")) == &headers[1]);
    CHECK(http_request_head_find(&head, SLICE_LITERAL("c")) == NULL);
}

int main(void) {
    CHECK_TABLE(rows);
    CHECK_TABLE(chunked_rows);
    CHECK_TABLE(upgrade_rows);
    check_methods();
    check_stops();
    check_head_stays();
    check_find();
    return check_report();
}
