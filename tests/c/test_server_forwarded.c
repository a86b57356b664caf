/* Tests of server/forwarded.c: whose word about the client counts. */
#include "base/memory.h"
#include "base/status.h"
#include "check.h"
#include "server/forwarded.h"

static const struct forwarding forwarding = {"x-forwarded-for", "x-forwarded-port"};

#define FOR(value)                                                                                 \
    {                                                                                              \
        {"x-forwarded-for", 15}, {                                                                 \
            value, sizeof(value) - 1                                                               \
        }                                                                                          \
    }
#define PORT(value)                                                                                \
    {                                                                                              \
        {"x-forwarded-port", 16}, {                                                                \
            value, sizeof(value) - 1                                                               \
        }                                                                                          \
    }
#define PROTO(value)                                                                               \
    {                                                                                              \
        {"x-forwarded-proto", 17}, {                                                               \
            value, sizeof(value) - 1                                                               \
        }                                                                                          \
    }
#define OTHER                                                                                      \
    {                                                                                              \
        {"x-other", 7}, {                                                                          \
            "198.51.100.1", 12                                                                     \
        }                                                                                          \
    }

/* Trusted are 10.0.0.0/8 and ::1. An empty host: nothing is told of the client. */
static const struct row {
    const char *name;
    struct http_header headers[4];
    const char *host;
    uint16_t port;
    enum forwarded_scheme scheme;
} rows[] = {
    {"one hop", {FOR("192.0.2.1")}, "192.0.2.1", 0, FORWARDED_NO_SCHEME},
    {"with a port", {FOR("192.0.2.1:80")}, "192.0.2.1", 80, FORWARDED_NO_SCHEME},
    {"IPv6", {FOR("2001:db8::1")}, "2001:db8::1", 0, FORWARDED_NO_SCHEME},
    {"IPv6 with a port", {FOR("[2001:db8::1]:80")}, "2001:db8::1", 80, FORWARDED_NO_SCHEME},
    {"the last that is not trusted",
     {FOR("203.0.113.9, 192.0.2.1, 10.0.0.2")},
     "192.0.2.1",
     0,
     FORWARDED_NO_SCHEME},
    {"in several lines",
     {FOR("203.0.113.9"), OTHER, FOR("192.0.2.1,10.0.0.3"), FOR("::1")},
     "192.0.2.1",
     0,
     FORWARDED_NO_SCHEME},
    {"all trusted: the first", {FOR("10.0.0.1, 10.0.0.2")}, "10.0.0.1", 0, FORWARDED_NO_SCHEME},
    {"empty elements", {FOR(" ,192.0.2.1, ,")}, "192.0.2.1", 0, FORWARDED_NO_SCHEME},
    {"no address ends it",
     {FOR("192.0.2.1, unknown, 10.0.0.2")},
     "10.0.0.2",
     0,
     FORWARDED_NO_SCHEME},
    {"nothing but words", {FOR("unknown")}, "", 0, FORWARDED_NO_SCHEME},
    {"empty", {FOR("")}, "", 0, FORWARDED_NO_SCHEME},
    {"a port of its own", {FOR("192.0.2.1"), PORT("8443")}, "192.0.2.1", 8443, FORWARDED_NO_SCHEME},
    {"the port's header counts",
     {FOR("192.0.2.1:80"), PORT("8443")},
     "192.0.2.1",
     8443,
     FORWARDED_NO_SCHEME},
    {"a port that is none", {FOR("192.0.2.1:80"), PORT("x")}, "192.0.2.1", 80, FORWARDED_NO_SCHEME},
    {"two ports", {FOR("192.0.2.1"), PORT("1"), PORT("2")}, "192.0.2.1", 0, FORWARDED_NO_SCHEME},
    {"https", {FOR("192.0.2.1"), PROTO("HTTPS")}, "192.0.2.1", 0, FORWARDED_SECURE},
    {"wss", {FOR("192.0.2.1"), PROTO("wss")}, "192.0.2.1", 0, FORWARDED_SECURE},
    {"http", {FOR("192.0.2.1"), PROTO("http")}, "192.0.2.1", 0, FORWARDED_PLAIN},
    {"ws", {FOR("192.0.2.1"), PROTO("ws")}, "192.0.2.1", 0, FORWARDED_PLAIN},
    {"another scheme", {FOR("192.0.2.1"), PROTO("ftp")}, "192.0.2.1", 0, FORWARDED_NO_SCHEME},
    {"two schemes",
     {FOR("192.0.2.1"), PROTO("https"), PROTO("http")},
     "192.0.2.1",
     0,
     FORWARDED_NO_SCHEME},
};

static struct http_request_head head_of(const struct http_header *headers) {
    size_t count = 0;
    while (count < 4 && headers[count].name.length > 0) {
        count++;
    }
    return (struct http_request_head){.headers = headers, .header_count = count};
}

static void test_rows(const struct network_list *trusted) {
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct row *row = &rows[i];
        struct http_request_head head = head_of(row->headers);
        struct forwarded *forwarded = forwarded_new(&forwarding, trusted, &head);
        if (CHECK_ROW(forwarded != NULL, row->name)) {
            CHECK_ROW(strcmp(forwarded->client.host, row->host) == 0, row->name);
            CHECK_ROW((forwarded->client.family == ADDRESS_NONE) == (*row->host == '\0'),
                      row->name);
            CHECK_ROW(forwarded->client.port == row->port, row->name);
            CHECK_ROW(forwarded->scheme == row->scheme, row->name);
        }
        memory_free(forwarded);
    }
}

static void test_nothing_is_said(const struct network_list *trusted) {
    static const struct http_header headers[] = {OTHER, PROTO("https"), {{"", 0}, {"", 0}}};
    static const struct forwarding none = {"", ""};
    struct http_request_head head = head_of(headers);
    CHECK(forwarded_new(&forwarding, trusted, &head) == NULL);
    head = head_of(rows[0].headers);
    CHECK(forwarded_new(&none, trusted, &head) == NULL);
    memory_set_failure(1);
    CHECK(forwarded_new(&forwarding, trusted, &head) == NULL);
    memory_set_failure(0);
}

static void test_the_root_path(void) {
    static const struct http_header headers[] = {
        OTHER, {{"daphne-root-path", 16}, {"/a%20b", 6}}, {{"", 0}, {"", 0}}};
    struct http_request_head head = head_of(headers);
    CHECK_TEXT(forwarded_root_path(&head), SLICE_LITERAL("/a%20b"));
    head.header_count = 1;
    CHECK(forwarded_root_path(&head).data == NULL);
    CHECK(forwarded_is_for_server(SLICE_LITERAL("daphne-root-path")));
    CHECK(!forwarded_is_for_server(SLICE_LITERAL("daphne-root-patx")));
}

int main(void) {
    struct network_list trusted;
    CHECK(network_list_parse(&trusted, "10.0.0.0/8,::1") == STATUS_OK);
    test_rows(&trusted);
    test_nothing_is_said(&trusted);
    test_the_root_path();
    network_list_release(&trusted);
    return check_report();
}
