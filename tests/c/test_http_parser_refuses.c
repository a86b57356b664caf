/* Every request that must be refused, and with which status (RFC 9112, RFC 9110, the advisories of
 * other servers). */
#include "http_runs.h"

struct refused {
    const char *name;
    int status;
    struct slice input;
};

#define GET(fields)        SLICE_LITERAL("GET / HTTP/1.1\r\nHost: a\r\n" fields "\r\n")
#define POST(fields, body) SLICE_LITERAL("POST / HTTP/1.1\r\nHost: a\r\n" fields "\r\n" body)
#define LINE(line)         SLICE_LITERAL(line "\r\nHost: a\r\n\r\n")
#define HOST(value)        SLICE_LITERAL("GET / HTTP/1.1\r\nHost:" value "\r\n\r\n")
#define CHUNKS(body)       POST("Transfer-Encoding: chunked\r\n", body)

static const struct refused framing[] = {
    {"CL and TE", 400, POST("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n")},
    {"TE and CL", 400, POST("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", "0\r\n\r\n")},
    {"unknown TE and CL", 400, POST("Transfer-Encoding: gzip\r\nContent-Length: 5\r\n", "hello")},
    {"two equal CL", 400, POST("Content-Length: 5\r\nContent-Length: 5\r\n", "hello")},
    {"two different CL", 400, POST("Content-Length: 5\r\nContent-Length: 6\r\n", "hello")},
    {"two CL of 0", 400, POST("Content-Length: 0\r\nContent-Length: 0\r\n", "")},
    {"CL list", 400, POST("Content-Length: 5, 5\r\n", "hello")},
    {"CL empty", 400, POST("Content-Length:\r\n", "")},
    {"CL blank", 400, POST("Content-Length:  \r\n", "")},
    {"CL with plus", 400, POST("Content-Length: +5\r\n", "hello")},
    {"CL negative", 400, POST("Content-Length: -5\r\n", "hello")},
    {"CL hexadecimal", 400, POST("Content-Length: 0x5\r\n", "hello")},
    {"CL with a fraction", 400, POST("Content-Length: 5.0\r\n", "hello")},
    {"CL with an inner space", 400, POST("Content-Length: 1 5\r\n", "hello")},
    {"CL with an underscore", 400, POST("Content-Length: 1_0\r\n", "hello")},
    {"CL above 63 bits", 400, POST("Content-Length: 9223372036854775808\r\n", "")},
    {"CL above 64 bits", 400, POST("Content-Length: 18446744073709551621\r\n", "")},
    {"CL of other digits", 400, POST("Content-Length: \xd9\xa5\r\n", "hello")},
    {"TE unknown before chunked", 501, POST("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n")},
    {"TE unknown in a line before", 501,
     POST("Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n", "")},
    {"TE without chunked", 400, POST("Transfer-Encoding: gzip\r\n", "")},
    {"TE identity", 400, POST("Transfer-Encoding: identity\r\n", "")},
    {"TE chunked not last", 400, POST("Transfer-Encoding: chunked, gzip\r\n", "")},
    {"TE chunked not last, two lines", 400,
     POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n", "")},
    {"TE chunked twice", 400, POST("Transfer-Encoding: chunked, chunked\r\n", "0\r\n\r\n")},
    {"TE chunked twice, two lines", 400,
     POST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "")},
    {"TE nearly chunked", 400, POST("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n")},
    {"TE chunked and more", 400, POST("Transfer-Encoding: chunkedx\r\n", "0\r\n\r\n")},
    {"TE with a parameter", 400, POST("Transfer-Encoding: chunked;q=1\r\n", "0\r\n\r\n")},
    {"TE quoted", 400, POST("Transfer-Encoding: \"chunked\"\r\n", "0\r\n\r\n")},
    {"TE empty", 400, POST("Transfer-Encoding:\r\n", "")},
    {"TE of VT", 400,
     POST("Transfer-Encoding: \x0b"
          "chunked\r\n",
          "0\r\n\r\n")},
    {"TE in 1.0", 400,
     SLICE_LITERAL("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
};

static const struct refused fields[] = {
    {"folded line", 400, GET("X: a\r\n b\r\n")},
    {"line folded by a tab", 400, GET("X: a\r\n\tb\r\n")},
    {"folded after an empty value", 400, GET("X:\r\n b\r\n")},
    {"folded Transfer-Encoding", 400, POST("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n")},
    {"space before the first field", 400, SLICE_LITERAL("GET / HTTP/1.1\r\n Host: a\r\n\r\n")},
    {"line of spaces", 400, GET("  \r\n")},
    {"space before the colon", 400, GET("X : a\r\n")},
    {"tab before the colon", 400, GET("X\t: a\r\n")},
    {"space in a name", 400, GET("X Y: a\r\n")},
    {"no name", 400, GET(": a\r\n")},
    {"no colon", 400, GET("X\r\n")},
    {"parenthesis in a name", 400, GET("X(: a\r\n")},
    {"slash in a name", 400, GET("X/Y: a\r\n")},
    {"UTF-8 in a name", 400, GET("\xc3\xa4: a\r\n")},
    {"NUL in a name", 400, GET("X\0Y: a\r\n")},
    {"NUL in a value", 400, GET("X: a\0b\r\n")},
    {"SOH in a value", 400,
     GET("X: a\x01"
         "b\r\n")},
    {"BS in a value", 400,
     GET("X: a\x08"
         "b\r\n")},
    {"VT in a value", 400,
     GET("X: a\x0b"
         "b\r\n")},
    {"FF in a value", 400,
     GET("X: a\x0c"
         "b\r\n")},
    {"FS in a value", 400,
     GET("X: a\x1c"
         "b\r\n")},
    {"GS in a value", 400,
     GET("X: a\x1d"
         "b\r\n")},
    {"RS in a value", 400,
     GET("X: a\x1e"
         "b\r\n")},
    {"US in a value", 400,
     GET("X: a\x1f"
         "b\r\n")},
    {"DEL in a value", 400,
     GET("X: a\x7f"
         "b\r\n")},
    {"NEL in a value", 400,
     GET("X: a\x85"
         "b\r\n")},
    {"NEL at a value's start", 400, GET("X: \x85\r\n")},
    {"NEL after UTF-8", 400, GET("X: \xc3\x85 \x85\r\n")},
    {"VT at a value's end", 400, GET("X: a\x0b\r\n")},
    {"FF at a value's start", 400,
     GET("X: \x0c"
         "a\r\n")},
    {"bare CR in a value", 400, GET("X: a\rb\r\n")},
    {"bare CR before CRLF", 400, GET("X: a\r\r\n")},
    {"bare CR as a line's end", 400, GET("X: a\rY: b\r\n")},
    {"bare LF as a line's end", 400, GET("X: a\nY: b\r\n")},
    {"bare LF before the end", 400, SLICE_LITERAL("GET / HTTP/1.1\r\nHost: a\r\n\n")},
    {"bare LF at the end", 400, SLICE_LITERAL("GET / HTTP/1.1\nHost: a\n\n")},
    {"bare LF at the request line", 400, SLICE_LITERAL("GET / HTTP/1.1\nHost: a\r\n\r\n")},
    {"CR CR LF at the end", 400, SLICE_LITERAL("GET / HTTP/1.1\r\nHost: a\r\n\r\r\n")},
    {"CR alone at the end", 400, SLICE_LITERAL("GET / HTTP/1.1\r\nHost: a\r\n\rX\r\n\r\n")},
    {"no Host", 400, SLICE_LITERAL("GET / HTTP/1.1\r\nX: a\r\n\r\n")},
    {"no field at all", 400, SLICE_LITERAL("GET / HTTP/1.1\r\n\r\n")},
    {"no Host with absolute-form", 400, SLICE_LITERAL("GET http://a/ HTTP/1.1\r\nX: a\r\n\r\n")},
    {"two Hosts", 400, GET("Host: b\r\n")},
    {"two equal Hosts", 400, GET("hOST: a\r\n")},
    {"two Hosts in 1.0", 400, SLICE_LITERAL("GET / HTTP/1.0\r\nHost: a\r\nHost: a\r\n\r\n")},
    {"two Content-Types", 400, POST("Content-Type: text/plain\r\nContent-Type: text/html\r\n", "")},
    {"unknown expectation", 417, GET("Expect: the-unexpected\r\n")},
    {"unknown expectation in a list", 417,
     POST("Expect: 100-continue, x\r\nContent-Length: 1\r\n", "")},
    {"unknown expectation in a line", 417,
     POST("Expect: 100-continue\r\nExpect: x\r\nContent-Length: 1\r\n", "")},
};

static const struct refused hosts[] = {
    {"Host with a space", 400, HOST(" a b")},
    {"Host with a path", 400, HOST(" a/b")},
    {"Host with a user", 400, HOST(" a@b")},
    {"Host with a query", 400, HOST(" a?b")},
    {"Host with a fragment", 400, HOST(" a#b")},
    {"Host with a backslash", 400, HOST(" a\\b")},
    {"Host in UTF-8", 400, HOST(" \xc3\xa4")},
    {"Host with quotes", 400, HOST(" \"a\"")},
    {"Host with angle brackets", 400, HOST(" <a>")},
    {"Host with a caret", 400, HOST(" a^b")},
    {"Host with a pipe", 400, HOST(" a|b")},
    {"Host with a backtick", 400, HOST(" a`b")},
    {"Host with a named port", 400, HOST(" a:http")},
    {"Host with two ports", 400, HOST(" a:1:2")},
    {"Host as bare IPv6", 400, HOST(" ::1")},
    {"Host as open IPv6", 400, HOST(" [::1")},
    {"Host as closed IPv6", 400, HOST(" ::1]")},
    {"Host as empty literal", 400, HOST(" []")},
    {"Host behind a literal", 400, HOST(" [::1]a")},
    {"Host with a space in a literal", 400, HOST(" [::1 ]")},
    {"Host as a list", 400, HOST(" a, b")},
};

static const struct refused request_lines[] = {
    {"method in lower case", 501, LINE("get / HTTP/1.1")},
    {"method in mixed case", 501, LINE("Get / HTTP/1.1")},
    {"method with a digit", 501, LINE("GET2 / HTTP/1.1")},
    {"method of one mark", 501, LINE("! / HTTP/1.1")},
    {"method that begins with a dash", 501, LINE("-GET / HTTP/1.1")},
    {"PRI in HTTP/1.1", 501, LINE("PRI / HTTP/1.1")},
    {"PRI with an asterisk", 501, LINE("PRI * HTTP/1.1")},
    {"CONNECT with a body", 501,
     SLICE_LITERAL("CONNECT a:80 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello")},
    {"CONNECT", 501, LINE("CONNECT a:80 HTTP/1.1")},
    {"CONNECT with a path", 501, LINE("CONNECT / HTTP/1.1")},
    {"method that is no token", 400, LINE("GE{T / HTTP/1.1")},
    {"method in UTF-8", 400, LINE("G\xc3\x84T / HTTP/1.1")},
    {"method with a tab", 400, LINE("GET\t/ HTTP/1.1")},
    {"method with NUL", 400, LINE("GET\0 / HTTP/1.1")},
    {"space before the method", 400, LINE(" GET / HTTP/1.1")},
    {"TLS", 400, SLICE_LITERAL("\x16\x03\x01\x02\x00\x01\x00\x01")},
    {"no target", 400, LINE("GET  HTTP/1.1")},
    {"no target and no space", 400, LINE("GET HTTP/1.1")},
    {"two spaces before the target", 400, LINE("GET  / HTTP/1.1")},
    {"two spaces before the version", 400, LINE("GET /  HTTP/1.1")},
    {"space behind the version", 400, LINE("GET / HTTP/1.1 ")},
    {"tab before the version", 400, LINE("GET /\tHTTP/1.1")},
    {"space in the target", 400, LINE("GET /a b HTTP/1.1")},
    {"HTTP/0.9", 400, SLICE_LITERAL("GET /\r\n")},
    {"HTTP/0.9 said", 400, LINE("GET / HTTP/0.9")},
    {"method only", 400, SLICE_LITERAL("GET\r\n")},
    {"HTTP/1.2", 505, LINE("GET / HTTP/1.2")},
    {"HTTP/2.0", 505, LINE("GET / HTTP/2.0")},
    {"HTTP/9.9", 505, LINE("GET / HTTP/9.9")},
    {"HTTP/2 preface", 505, SLICE_LITERAL("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")},
    {"HTTP/11.1", 400, LINE("GET / HTTP/11.1")},
    {"HTTP/1.10", 400, LINE("GET / HTTP/1.10")},
    {"HTTP/1", 400, LINE("GET / HTTP/1")},
    {"HTTP/1,1", 400, LINE("GET / HTTP/1,1")},
    {"http/1.1", 400, LINE("GET / http/1.1")},
    {"ICE/1.0", 400, LINE("SOURCE / ICE/1.0")},
    {"RTSP/1.0", 400, LINE("DESCRIBE / RTSP/1.0")},
    {"fragment", 400, LINE("GET /a#b HTTP/1.1")},
    {"fragment in a query", 400, LINE("GET /a?b#c HTTP/1.1")},
    {"NUL in the target", 400, LINE("GET /\0 HTTP/1.1")},
    {"control in the target", 400, LINE("GET /a\x01 HTTP/1.1")},
    {"FF in the target", 400, LINE("GET /a\x0c HTTP/1.1")},
    {"DEL in the target", 400, LINE("GET /a\x7f HTTP/1.1")},
    {"CR in the target", 400, LINE("GET /a\r HTTP/1.1")},
    {"relative target", 400, LINE("GET a HTTP/1.1")},
    {"query alone", 400, LINE("GET ?a HTTP/1.1")},
    {"asterisk with GET", 400, LINE("GET * HTTP/1.1")},
    {"asterisk and more", 400, LINE("OPTIONS *a HTTP/1.1")},
    {"authority-form with GET", 400, LINE("GET a:80 HTTP/1.1")},
    {"another scheme", 400, LINE("GET ftp://a/ HTTP/1.1")},
    {"scheme of a file", 400, LINE("GET file:///etc/passwd HTTP/1.1")},
    {"absolute-form without a host", 400, LINE("GET http:/// HTTP/1.1")},
    {"absolute-form with a port only", 400, LINE("GET http://:80/ HTTP/1.1")},
    {"absolute-form with a user", 400, LINE("GET http://a@b/ HTTP/1.1")},
    {"path in UTF-8", 400, LINE("GET /\xc3\xa4 HTTP/1.1")},
    {"query in UTF-8", 400, LINE("GET /?\xc3\xa4 HTTP/1.1")},
    {"absolute-form in UTF-8", 400, LINE("GET http://\xc3\xa4/ HTTP/1.1")},
    {"absolute-form with one slash", 400, LINE("GET http:/a HTTP/1.1")},
    {"scheme alone", 400, LINE("GET http:// HTTP/1.1")},
    {"nine empty lines", 400,
     SLICE_LITERAL("\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"empty line of LF", 400, SLICE_LITERAL("\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")},
    {"CR before the request line", 400, SLICE_LITERAL("\rGET / HTTP/1.1\r\nHost: a\r\n\r\n")},
};

static const struct refused chunks[] = {
    {"size above 64 bits", 400, CHUNKS("10000000000000000\r\n")},
    {"size of many digits", 400, CHUNKS("fffffffffffffffffffff\r\n")},
    {"no size", 400, CHUNKS("\r\nhello\r\n")},
    {"size with 0x", 400, CHUNKS("0x5\r\nhello\r\n0\r\n\r\n")},
    {"size with a sign", 400, CHUNKS("+5\r\nhello\r\n0\r\n\r\n")},
    {"size negative", 400, CHUNKS("-1\r\n")},
    {"size with an underscore", 400, CHUNKS("1_0\r\n")},
    {"size that is no number", 400, CHUNKS("xyz\r\n")},
    {"space before the size", 400, CHUNKS(" 5\r\nhello\r\n0\r\n\r\n")},
    {"bare LF behind the size", 400, CHUNKS("5\nhello\r\n0\r\n\r\n")},
    {"bare CR behind the size", 400, CHUNKS("5\rhello\r\n0\r\n\r\n")},
    {"bare LF in an extension", 400, CHUNKS("5;a\nhello\r\n0\r\n\r\n")},
    {"bare LF behind an extension's value", 400, CHUNKS("5;a=b\nhello\r\n0\r\n\r\n")},
    {"bare CR in an extension", 400, CHUNKS("5;a\rb\r\nhello\r\n0\r\n\r\n")},
    {"bare CR in an extension's value", 400, CHUNKS("5;a=b\rc\r\nhello\r\n0\r\n\r\n")},
    {"bare CR in a quoted value", 400, CHUNKS("5;a=\"b\rc\"\r\nhello\r\n0\r\n\r\n")},
    {"bare LF in a quoted value", 400, CHUNKS("5;a=\"b\nc\"\r\nhello\r\n0\r\n\r\n")},
    {"CRLF in a quoted value", 400, CHUNKS("5;a=\"b\r\nc\"\r\nhello\r\n0\r\n\r\n")},
    {"NUL in an extension", 400, CHUNKS("5;a\0\r\nhello\r\n0\r\n\r\n")},
    {"no CRLF behind the data", 400, CHUNKS("5\r\nhello0\r\n\r\n")},
    {"LF behind the data", 400, CHUNKS("5\r\nhello\n0\r\n\r\n")},
    {"CR behind the data", 400, CHUNKS("5\r\nhello\r0\r\n\r\n")},
    {"more data than said", 400, CHUNKS("5\r\nhello!\r\n0\r\n\r\n")},
    {"two bytes instead of CRLF", 400, CHUNKS("5\r\nhelloXX0\r\n\r\n")},
    {"bare LF behind the last chunk", 400, CHUNKS("0\n\r\n")},
    {"bare LF at the end", 400, CHUNKS("0\r\n\n")},
    {"bare CR at the end", 400, CHUNKS("0\r\n\rX")},
    {"trailer without a colon", 400, CHUNKS("0\r\nabc\r\n\r\n")},
    {"trailer without a name", 400, CHUNKS("0\r\n: abc\r\n\r\n")},
    {"trailer with a space before the colon", 400, CHUNKS("0\r\nx : abc\r\n\r\n")},
    {"trailer that is folded", 400, CHUNKS("0\r\nx: a\r\n b\r\n\r\n")},
    {"trailer with bare LF", 400, CHUNKS("0\r\nx: a\ny: b\r\n\r\n")},
    {"trailer with bare CR", 400, CHUNKS("0\r\nx: a\ry: b\r\n\r\n")},
    {"trailer with NUL", 400, CHUNKS("0\r\nx: a\0b\r\n\r\n")},
};

#define CHECK_TABLE(table) check_table(table, sizeof(table) / sizeof(table[0]))

static void check_table(const struct refused *rows, size_t count) {
    for (size_t i = 0; i < count; i++) {
        check_refused(DEFAULT_LIMITS, rows[i].input, rows[i].status, rows[i].name);
    }
}

/* Every control byte, in a name, in a value, in the target and as a method. */
static void check_control_bytes(void) {
    static const char *const templates[] = {
        "GET / HTTP/1.1\r\nHost: a\r\nX?Y: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: a?b\r\n\r\n",
        "GET /? HTTP/1.1\r\nHost: a\r\n\r\n",
        "G?T / HTTP/1.1\r\nHost: a\r\n\r\n",
    };
    for (size_t i = 0; i < sizeof(templates) / sizeof(templates[0]); i++) {
        for (int byte = 0; byte <= 0x7F; byte = byte == 0x1F ? 0x7F : byte + 1) {
            char input[64];
            size_t length = strlen(templates[i]);
            memcpy(input, templates[i], length);
            *(char *)memchr(input, '?', length) = (char)byte;
            if (byte != '\t' || i != 1) {
                check_refused(DEFAULT_LIMITS, slice_of(input, length), 400, templates[i]);
            }
        }
    }
}

int main(void) {
    CHECK_TABLE(framing);
    CHECK_TABLE(fields);
    CHECK_TABLE(hosts);
    CHECK_TABLE(request_lines);
    CHECK_TABLE(chunks);
    check_control_bytes();
    return check_report();
}
