/* The header of the PROXY protocol: what is a valid one, whole and byte by byte, each input ending
 * at an unreadable page, and at which byte any other is refused. */
#include "check.h"
#include "net/proxy_header.h"

static struct guarded guarded;

#define SIGNATURE "\r\n\r\n\0\r\nQUIT\n"

static enum proxy_header_result feed(struct proxy_header *header, const char *bytes, size_t length,
                                     size_t *left) {
    struct slice input = guarded_place(&guarded, slice_of(bytes, length));
    enum proxy_header_result result = proxy_header_feed(header, &input);
    *left = input.length;
    return result;
}

static bool is_address(const struct address *address, const char *host, unsigned port) {
    return strcmp(address->host, host) == 0 && address->port == port;
}

struct valid {
    const char *bytes;
    size_t length;
    const char *source;
    unsigned source_port;
    const char *destination;
    unsigned destination_port;
};

#define VALID(bytes, source, source_port, destination, destination_port)                           \
    { bytes, sizeof(bytes) - 1, source, source_port, destination, destination_port }

static const struct valid valid[] = {
    VALID("PROXY TCP4 192.0.2.1 198.51.100.1 56324 443\r\n", "192.0.2.1", 56324, "198.51.100.1",
          443),
    VALID("PROXY TCP6 2001:db8::1 ::1 0 65535\r\n", "2001:db8::1", 0, "::1", 65535),
    VALID("PROXY TCP6 ffff:f00f:ffff:ffff:ffff:ffff:ffff:ffff ffff:ffff:ffff:ffff:ffff:ffff:ffff:"
          "ffff 65535 65535\r\n",
          "ffff:f00f:ffff:ffff:ffff:ffff:ffff:ffff", 65535,
          "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 65535),
    VALID("PROXY UNKNOWN\r\n", "", 0, "", 0),
    VALID("PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", "", 0, "", 0),
    VALID(SIGNATURE "\x21\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\1\xdc\x04\x01\xbb", "192.0.2.1", 56324,
          "198.51.100.1", 443),
    VALID(SIGNATURE "\x21\x21\0\x24\x20\1\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1"
                    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\x50\x01\xbb",
          "2001:db8::1", 80, "::1", 443),
    /* with more behind the addresses */
    VALID(SIGNATURE "\x21\x11\0\x13\xc0\0\2\1\xc6\x33\x64\1\xdc\x04\x01\xbb\1\0\4h2ab", "192.0.2.1",
          56324, "198.51.100.1", 443),
    /* LOCAL, whatever it says; and what names no addresses */
    VALID(SIGNATURE "\x20\0\0\0", "", 0, "", 0),
    VALID(SIGNATURE "\x20\x11\0\x0c\xc0\0\2\1\xc6\x33\x64\1\xdc\x04\x01\xbb", "", 0, "", 0),
    VALID(SIGNATURE "\x20\xff\0\2xy", "", 0, "", 0),
    VALID(SIGNATURE "\x21\0\0\3abc", "", 0, "", 0),
};

static void check_told(const struct proxy_header *header, const struct valid *row) {
    CHECK(is_address(&header->source, row->source, row->source_port));
    CHECK(is_address(&header->destination, row->destination, row->destination_port));
    CHECK((header->source.family == ADDRESS_NONE) == (*row->source == '\0'));
}

static void test_valid(void) {
    for (size_t i = 0; i < sizeof(valid) / sizeof(valid[0]); i++) {
        const struct valid *row = &valid[i];
        size_t left;
        struct proxy_header whole = {0}, bytewise = {0};
        char longer[512];
        memcpy(longer, row->bytes, row->length);
        memcpy(longer + row->length, "GET", 3);
        CHECK(feed(&whole, longer, row->length + 3, &left) == PROXY_HEADER_WHOLE);
        CHECK(left == 3);
        check_told(&whole, row);
        for (size_t k = 0; k + 1 < row->length; k++) {
            CHECK(feed(&bytewise, row->bytes + k, 1, &left) == PROXY_HEADER_WAITING);
        }
        CHECK(feed(&bytewise, row->bytes + row->length - 1, 1, &left) == PROXY_HEADER_WHOLE);
        check_told(&bytewise, row);
    }
}

/* What follows the addresses is passed over, not kept. */
static void test_longest(void) {
    static char bytes[16 + 65535];
    memset(bytes, 'x', sizeof(bytes));
    memcpy(bytes, SIGNATURE "\x21\x11\xff\xff\xc0\0\2\1\xc6\x33\x64\1\xdc\x04\x01\xbb", 28);
    struct proxy_header header = {0};
    size_t left;
    for (size_t start = 0; start < sizeof(bytes); start += 1000) {
        size_t length = sizeof(bytes) - start < 1000 ? sizeof(bytes) - start : 1000;
        bool is_last = start + length == sizeof(bytes);
        CHECK(feed(&header, bytes + start, length, &left) ==
              (is_last ? PROXY_HEADER_WHOLE : PROXY_HEADER_WAITING));
    }
    CHECK(is_address(&header.source, "192.0.2.1", 56324));
    static const char unix_socket[16 + 216] = SIGNATURE "\x21\x31\0\xd8/run/a";
    header = (struct proxy_header){0};
    CHECK(feed(&header, unix_socket, sizeof(unix_socket), &left) == PROXY_HEADER_WHOLE);
    CHECK(header.source.family == ADDRESS_NONE);
}

/* Each is refused at its last byte, and not before. */
static const struct {
    const char *bytes;
    size_t length;
} invalid[] = {
#define INVALID(bytes)                                                                             \
    { bytes, sizeof(bytes) - 1 }
    INVALID("G"),
    INVALID("\0"),
    INVALID("\x16"),
    INVALID("PROXX"),
    INVALID("p"),
    INVALID("PROXY\r"),
    INVALID("PROXY  TCP4 192.0.2.1 192.0.2.2 1 2\r\n"),
    INVALID("PROXY TCP5 192.0.2.1 192.0.2.2 1 2\r\n"),
    INVALID("PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n"),
    INVALID("PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n"),
    INVALID("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n"),
    INVALID("PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n"),
    INVALID("PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n"),
    INVALID("PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n"),
    INVALID("PROXY TCP4 192.0.2.1 192.0.2.2 -1 2\r\n"),
    INVALID("PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n"),
    INVALID("PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n"),
    INVALID("PROXY TCP4 ::1 ::1 1 2\r\n"),
    INVALID("PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n"),
    INVALID("PROXY TCP4 192.0.2.1\0x 192.0.2.2 1 2\r\n"),
    INVALID("PROXY TCP4\r\n"),
    INVALID("PROXY \r\n"),
    INVALID("\r\n\r\n\1"),
    INVALID("\r\n\r\n\0\r\nQUIT\r"),
    INVALID(SIGNATURE "\x11\x11\0\x0c"),
    INVALID(SIGNATURE "\x22\x11\0\x0c"),
    INVALID(SIGNATURE "\x21\x12\0\x0c"),
    INVALID(SIGNATURE "\x21\x11\0\x0b"),
    INVALID(SIGNATURE "\x21\x21\0\x23"),
    INVALID(SIGNATURE "\x21\x31\0\xd7"),
    INVALID(SIGNATURE "\x21\x41\0\xff"),
};

static void test_invalid(void) {
    for (size_t i = 0; i < sizeof(invalid) / sizeof(invalid[0]); i++) {
        struct proxy_header header = {0};
        size_t left, length = invalid[i].length;
        for (size_t k = 0; k + 1 < length; k++) {
            CHECK(feed(&header, invalid[i].bytes + k, 1, &left) == PROXY_HEADER_WAITING);
        }
        CHECK_ROW(feed(&header, invalid[i].bytes + length - 1, 1, &left) == PROXY_HEADER_INVALID,
                  invalid[i].bytes);
        header = (struct proxy_header){0};
        CHECK(feed(&header, invalid[i].bytes, length, &left) == PROXY_HEADER_INVALID);
    }
}

/* A line is 107 bytes at most. */
static void test_line_without_end(void) {
    char line[200];
    memset(line, 'x', sizeof(line));
    memcpy(line, "PROXY UNKNOWN ", 14);
    struct proxy_header header = {0};
    size_t left;
    CHECK(feed(&header, line, 106, &left) == PROXY_HEADER_WAITING);
    CHECK(feed(&header, line + 106, 1, &left) == PROXY_HEADER_INVALID);
}

int main(void) {
    guarded = guarded_open(4096);
    test_valid();
    test_longest();
    test_invalid();
    test_line_without_end();
    guarded_close(&guarded);
    return check_report();
}
