/* Tests of server/forwarded.c: whose word about the client counts; with values cut at each byte, at
 * the end of what may be read. */
#include "base/memory.h"
#include "base/status.h"
#include "check.h"
#include "server/forwarded.h"

static const struct forwarding forwarding = {
    .address_header = "x-forwarded-for", .port_header = "x-forwarded-port", .takes_host = true};

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
    static const struct forwarding none = {.address_header = ""};
    struct http_request_head head = head_of(headers);
    CHECK(forwarded_new(&forwarding, trusted, &head) == NULL);
    head = head_of(rows[0].headers);
    CHECK(forwarded_new(&none, trusted, &head) == NULL);
    memory_set_failure(1);
    CHECK(forwarded_new(&forwarding, trusted, &head) == NULL);
    memory_set_failure(2); /* there is one allocation */
    memory_free(forwarded_new(&forwarding, trusted, &head));
    CHECK(memory_failure_is_left());
    memory_set_failure(0);
}

/* --- Forwarded (RFC 7239) --- */

static const struct forwarding by_forwarded = {.reads_forwarded = true, .takes_host = true};

/* An empty host: nothing is told of the client. */
static const struct element_row {
    const char *value;
    const char *host;
    uint16_t port;
    enum forwarded_scheme scheme;
    const char *asked_for;
} element_rows[] = {
    {"for=192.0.2.1", "192.0.2.1", 0, FORWARDED_NO_SCHEME, ""},
    {"For=\"192.0.2.1:80\";Proto=HTTPS;Host=a.example;by=_x", "192.0.2.1", 80, FORWARDED_SECURE,
     "a.example"},
    {"for=\"[2001:db8::1]:80\" ; proto=http;host=\"a.example:8000\"", "2001:db8::1", 80,
     FORWARDED_PLAIN, "a.example:8000"},
    {"for=203.0.113.9;proto=https, for=192.0.2.1;proto=http;host=b, "
     "for=10.0.0.2;proto=https;host=c",
     "192.0.2.1", 0, FORWARDED_PLAIN, "b"},
    {"for=10.0.0.1;host=a,for=10.0.0.2;host=b", "10.0.0.1", 0, FORWARDED_NO_SCHEME, "a"},
    {", ,for=192.0.2.1,,", "192.0.2.1", 0, FORWARDED_NO_SCHEME, ""},
    {"for=192.0.2.1;ext=\"a,b;c\", for=10.0.0.2", "192.0.2.1", 0, FORWARDED_NO_SCHEME, ""},
    /* whoever is not named by an address: its scheme and host are told all the same */
    {"for=unknown;proto=https;host=a", "", 0, FORWARDED_SECURE, "a"},
    {"for=_hidden;proto=https", "", 0, FORWARDED_SECURE, ""},
    {"proto=https;host=a", "", 0, FORWARDED_SECURE, "a"},
    {"for=192.0.2.9;proto=https, for=unknown, for=10.0.0.2;proto=http", "10.0.0.2", 0,
     FORWARDED_PLAIN, ""},
    /* what breaks the syntax ends what is left of it, and of the line nothing counts behind it */
    {"for=192.0.2.9, for=, for=10.0.0.2", "", 0, FORWARDED_NO_SCHEME, ""},
    {"for=192.0.2.9;for=192.0.2.8", "", 0, FORWARDED_NO_SCHEME, ""},
    {"for=\"192.0.2.9", "", 0, FORWARDED_NO_SCHEME, ""},
    {"for=\"192.0.2\\.9\"", "", 0, FORWARDED_NO_SCHEME, ""},
    {"for=192.0.2.9 proto=https", "", 0, FORWARDED_NO_SCHEME, ""},
    {"for = 192.0.2.9", "", 0, FORWARDED_NO_SCHEME, ""},
    {"192.0.2.9", "", 0, FORWARDED_NO_SCHEME, ""},
    {"for=\"<script>\";host=\"a b\";proto=ftp", "", 0, FORWARDED_NO_SCHEME, ""},
    {"", "", 0, FORWARDED_NO_SCHEME, ""},
};

static void check_told(const struct forwarded *forwarded, const struct element_row *row) {
    if (!CHECK_ROW(forwarded != NULL, row->value)) {
        return;
    }
    CHECK_ROW(strcmp(forwarded->client.host, row->host) == 0, row->value);
    CHECK_ROW((forwarded->client.family == ADDRESS_NONE) == (*row->host == '\0'), row->value);
    CHECK_ROW(forwarded->client.port == row->port, row->value);
    CHECK_ROW(forwarded->scheme == row->scheme, row->value);
    CHECK_ROW(slice_equals(forwarded->host, slice_of(row->asked_for, strlen(row->asked_for))),
              row->value);
}

static void test_elements(const struct network_list *trusted) {
    for (size_t i = 0; i < sizeof(element_rows) / sizeof(element_rows[0]); i++) {
        const struct element_row *row = &element_rows[i];
        struct guarded guarded = guarded_open(512);
        struct slice value = guarded_place(&guarded, slice_of(row->value, strlen(row->value)));
        struct http_header headers[] = {{SLICE_LITERAL("forwarded"), value}, FOR("198.51.100.7")};
        struct http_request_head head = {.headers = headers, .header_count = 2};
        struct forwarded *forwarded = forwarded_new(&by_forwarded, trusted, &head);
        check_told(forwarded, row);
        memory_free(forwarded);
        guarded_close(&guarded);
    }
}

/* Whatever a value is cut to, nothing is read behind it, and what is told of the client is an
 * address, or nothing. */
static void check_cuts(struct guarded *guarded, const struct forwarding *kind,
                       const struct network_list *trusted, struct http_header header) {
    for (size_t length = 0; length <= header.value.length; length++) {
        struct slice value = guarded_place(guarded, slice_of(header.value.data, length));
        struct http_header cut = {header.name, value};
        struct http_request_head head = {.headers = &cut, .header_count = 1};
        struct forwarded *forwarded = forwarded_new(kind, trusted, &head);
        (void)forwarded_root_path(&head);
        if (forwarded != NULL) {
            bool is_named = forwarded->client.family != ADDRESS_NONE;
            CHECK_ROW((forwarded->client.host[0] != '\0') == is_named, header.value.data);
        }
        memory_free(forwarded);
    }
}

static void test_every_cut(const struct network_list *trusted) {
    struct guarded guarded = guarded_open(512);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (size_t j = 0; j < 4 && rows[i].headers[j].name.length > 0; j++) {
            check_cuts(&guarded, &forwarding, trusted, rows[i].headers[j]);
        }
    }
    for (size_t i = 0; i < sizeof(element_rows) / sizeof(element_rows[0]); i++) {
        const char *value = element_rows[i].value;
        struct http_header header = {SLICE_LITERAL("forwarded"), slice_of(value, strlen(value))};
        check_cuts(&guarded, &by_forwarded, trusted, header);
    }
    guarded_close(&guarded);
}

static void test_lines_are_one_list(const struct network_list *trusted) {
    struct http_header headers[] = {
        {SLICE_LITERAL("forwarded"), SLICE_LITERAL("for=203.0.113.9, for=192.0.2.1;host=a")},
        OTHER,
        {SLICE_LITERAL("forwarded"), SLICE_LITERAL("for=10.0.0.3;host=b")}};
    struct http_request_head head = {.headers = headers, .header_count = 3};
    struct forwarded *forwarded = forwarded_new(&by_forwarded, trusted, &head);
    CHECK(forwarded != NULL && strcmp(forwarded->client.host, "192.0.2.1") == 0);
    CHECK_TEXT(forwarded->host, SLICE_LITERAL("a"));
    memory_free(forwarded);
    head.headers = &headers[1]; /* X-Forwarded-For, or any other, is none of ours then */
    head.header_count = 1;
    CHECK(forwarded_new(&by_forwarded, trusted, &head) == NULL);
}

static void test_the_host(const struct network_list *trusted) {
    static const struct http_header host = {{"x-forwarded-host", 16}, {"a.example:8000", 14}};
    struct http_header headers[] = {FOR("192.0.2.1"), host, host};
    struct http_request_head head = {.headers = headers, .header_count = 2};
    struct forwarding asked = forwarding;
    struct forwarded *forwarded = forwarded_new(&asked, trusted, &head);
    CHECK_TEXT(forwarded->host, SLICE_LITERAL("a.example:8000"));
    memory_free(forwarded);
    asked.takes_host = false;
    forwarded = forwarded_new(&asked, trusted, &head);
    CHECK(forwarded->host.length == 0);
    memory_free(forwarded);
    asked.takes_host = true;
    head.header_count = 3; /* of two, nobody can say which is the proxy's */
    forwarded = forwarded_new(&asked, trusted, &head);
    CHECK(forwarded->host.length == 0);
    memory_free(forwarded);
    headers[1].value = SLICE_LITERAL("a b");
    head.header_count = 2;
    forwarded = forwarded_new(&asked, trusted, &head);
    CHECK(forwarded->host.length == 0);
    memory_free(forwarded);
}

/* Of a list nobody knows which proxies have appended to it, so that all of it has to agree. */
static void test_lists_of_hosts(const struct network_list *trusted) {
    struct http_header headers[] = {FOR("203.0.113.9, 10.0.0.1"),
                                    {SLICE_LITERAL("x-forwarded-host"), SLICE_LITERAL("a, b")}};
    struct http_request_head head = {.headers = headers, .header_count = 2};
    struct forwarded *forwarded = forwarded_new(&forwarding, trusted, &head);
    CHECK(forwarded->host.length == 0);
    memory_free(forwarded);
    headers[0].value = SLICE_LITERAL("203.0.113.9");
    forwarded = forwarded_new(&forwarding, trusted, &head);
    CHECK(forwarded->host.length == 0);
    memory_free(forwarded);
    headers[1].value = SLICE_LITERAL("a.example, ,A.example");
    forwarded = forwarded_new(&forwarding, trusted, &head);
    CHECK_TEXT(forwarded->host, SLICE_LITERAL("a.example"));
    memory_free(forwarded);
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
    test_elements(&trusted);
    test_every_cut(&trusted);
    test_lines_are_one_list(&trusted);
    test_the_host(&trusted);
    test_lists_of_hosts(&trusted);
    test_the_root_path();
    network_list_release(&trusted);
    return check_report();
}
