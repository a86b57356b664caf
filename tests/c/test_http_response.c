/* Response heads: what may reach the wire, and as which bytes. */
#include "base/status.h"
#include "check.h"
#include "http/http1_writer.h"

#define H(name, value)                                                                             \
    {                                                                                              \
        {(name), sizeof(name) - 1}, {                                                              \
            (value), sizeof(value) - 1                                                             \
        }                                                                                          \
    }
#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static int check_head(int status, struct slice reason, const struct http_header *headers,
                      size_t count, struct http_response_facts *facts, size_t *bad) {
    const struct http_response_head head = {status, reason, headers, count, false};
    return http_response_head_check(&head, facts, bad);
}

static void check_bad_heads(void) {
    static const struct http_header bad_headers[] = {
        H("x", "a\r\nb: c"),
        H("x", "a\nb"),
        H("x", "a\rb"),
        H("x", "a\0b"),
        H("x", "\x7f"),
        H("x", "\x0b"),
        H("x\r\ny", "a"),
        H("x ", "a"),
        H("", "a"),
        H("x:", "a"),
        H("\xc3\xa4", "a"),
        H("x\0", "a"),
        H("content-length", ""),
        H("content-length", "x"),
        H("Content-Length", "-1"),
        H("content-length", "1,1"),
        H("content-length", "9223372036854775808"),
    };
    struct http_response_facts facts;
    size_t bad = 0;
    for (size_t i = 0; i < COUNT(bad_headers); i++) {
        const struct http_header headers[] = {H("good", "a\tb\xff"), bad_headers[i],
                                              H("bad", "\n")};
        CHECK(check_head(200, SLICE_EMPTY, headers, 3, &facts, &bad) == STATUS_INVALID);
        CHECK(bad == 1);
    }
    const struct http_header lengths[] = {H("content-length", "5"), H("a", "b"),
                                          H("CONTENT-LENGTH", "6")};
    CHECK(check_head(200, SLICE_EMPTY, lengths, 3, &facts, &bad) == STATUS_INVALID && bad == 2);
    CHECK(check_head(200, SLICE_LITERAL("O\r\nK"), lengths, 1, &facts, &bad) == STATUS_INVALID &&
          bad == 1);
    CHECK(check_head(99, SLICE_EMPTY, lengths, 1, &facts, &bad) == STATUS_INVALID && bad == 1);
    CHECK(check_head(1000, SLICE_EMPTY, lengths, 1, &facts, &bad) == STATUS_INVALID && bad == 1);
    CHECK(check_head(-200, SLICE_EMPTY, lengths, 1, &facts, &bad) == STATUS_INVALID && bad == 1);
}

static void check_facts(void) {
    struct http_response_facts facts;
    size_t bad = 0;
    const struct http_header none[] = {H("dates", "a"), H("x-server", "b"),
                                       H("connection", "keep-alive"), H("link", "close")};
    CHECK(check_head(100, SLICE_EMPTY, none, COUNT(none), &facts, &bad) == STATUS_OK);
    CHECK(facts.content_length == -1 && !facts.has_date && !facts.has_server &&
          !facts.has_transfer_encoding && !facts.closes);
    const struct http_header all[] = {H("Date", "a"),
                                      H("sErver", ""),
                                      H("Connection", "x, Close"),
                                      H("Content-Length", " 5 "),
                                      H("content-length", "5"),
                                      H("Transfer-Encoding", "chunked")};
    CHECK(check_head(999, SLICE_LITERAL("S\xc3\xa4\tx"), all, COUNT(all), &facts, &bad) ==
          STATUS_OK);
    CHECK(facts.content_length == 5 && facts.has_date && facts.has_server &&
          facts.has_transfer_encoding && facts.closes);
}

static void check_reasons(void) {
    CHECK_TEXT(http_status_reason(200), SLICE_LITERAL("OK"));
    CHECK_TEXT(http_status_reason(431), SLICE_LITERAL("Request Header Fields Too Large"));
    CHECK_TEXT(http_status_reason(299), SLICE_EMPTY);
    CHECK_TEXT(http_status_reason(-1), SLICE_EMPTY);
}

static void check_written(const struct http_response_head *head,
                          const struct http1_framing *framing, struct slice expected) {
    size_t bound = http1_head_bound(head, framing);
    char *out = malloc(bound);
    size_t length = http1_write_head(out, head, framing);
    CHECK(length <= bound);
    CHECK_TEXT(slice_of(out, length), expected);
    free(out);
}

static void check_golden(void) {
    const struct http_header headers[] = {H("Content-Type", "text/plain"),
                                          H("set-cookie", "a=1"),
                                          H("set-cookie", "b=2"),
                                          H("Connection", "close"),
                                          H("Keep-Alive", "timeout=5"),
                                          H("transfer-encoding", "x"),
                                          H("Upgrade", "h2c"),
                                          H("proxy-connection", "x"),
                                          H("empty", ""),
                                          H("content-length", "5"),
                                          H("Content-Length", "5")};
    const struct http_response_head full = {200, SLICE_EMPTY, headers, COUNT(headers), false};
    check_written(
        &full,
        &(struct http1_framing){.version_minor = 1,
                                .content_length = -1,
                                .date = SLICE_LITERAL("now"),
                                .server = SLICE_LITERAL("casgi"),
                                .upgrade = SLICE_EMPTY},
        SLICE_LITERAL(
            "HTTP/1.1 200 OK\r\ndate: now\r\nserver: casgi\r\nContent-Type: text/plain\r\n"
            "set-cookie: a=1\r\nset-cookie: b=2\r\nempty: \r\ncontent-length: 5\r\n\r\n"));
    const struct http_response_head bare = {404, SLICE_EMPTY, NULL, 0, false};
    check_written(
        &bare,
        &(struct http1_framing){.version_minor = 1, .content_length = INT64_MAX, .close = true},
        SLICE_LITERAL("HTTP/1.1 404 Not Found\r\ncontent-length: 9223372036854775807\r\n"
                      "connection: close\r\n\r\n"));
    check_written(
        &bare, &(struct http1_framing){.version_minor = 0, .content_length = 0, .keep_alive = true},
        SLICE_LITERAL(
            "HTTP/1.0 404 Not Found\r\ncontent-length: 0\r\nconnection: keep-alive\r\n\r\n"));
    const struct http_response_head named = {299, SLICE_LITERAL("Good Enough"), NULL, 0, false};
    check_written(
        &named, &(struct http1_framing){.version_minor = 1, .content_length = -1, .chunked = true},
        SLICE_LITERAL("HTTP/1.1 299 Good Enough\r\ntransfer-encoding: chunked\r\n\r\n"));
    const struct http_response_head unnamed = {299, {NULL, 0}, NULL, 0, false};
    check_written(&unnamed, &(struct http1_framing){.version_minor = 1, .content_length = -1},
                  SLICE_LITERAL("HTTP/1.1 299 \r\n\r\n"));
}

/* Interim responses, 204 and upgrades have no length. */
static void check_without_length(void) {
    const struct http_header headers[] = {H("content-length", "0"), H("connection", "x"),
                                          H("upgrade", "x"), H("a", "b")};
    const struct http1_framing plain = {.version_minor = 1, .content_length = -1};
    struct http_response_head head = {204, SLICE_EMPTY, headers, COUNT(headers), false};
    check_written(&head, &plain, SLICE_LITERAL("HTTP/1.1 204 No Content\r\na: b\r\n\r\n"));
    head.status = 103;
    check_written(&head, &plain, SLICE_LITERAL("HTTP/1.1 103 Early Hints\r\na: b\r\n\r\n"));
    head.status = 304;
    check_written(&head, &plain,
                  SLICE_LITERAL("HTTP/1.1 304 Not Modified\r\ncontent-length: 0\r\na: b\r\n\r\n"));
    head.status = 101;
    check_written(&head,
                  &(struct http1_framing){.version_minor = 1,
                                          .content_length = -1,
                                          .upgrade = SLICE_LITERAL("websocket")},
                  SLICE_LITERAL("HTTP/1.1 101 Switching Protocols\r\na: b\r\nconnection: "
                                "upgrade\r\nupgrade: websocket\r\n\r\n"));
    head.status = 426;
    check_written(&head,
                  &(struct http1_framing){.version_minor = 1,
                                          .content_length = -1,
                                          .close = true,
                                          .upgrade = SLICE_LITERAL("websocket")},
                  SLICE_LITERAL("HTTP/1.1 426 Upgrade Required\r\ncontent-length: 0\r\na: b\r\n"
                                "connection: upgrade, close\r\nupgrade: websocket\r\n\r\n"));
}

static struct slice random_text(uint64_t *seed) {
    static char letters[256];
    memset(letters, 'x', sizeof(letters));
    return slice_of(letters, check_random(seed) % sizeof(letters));
}

/* Whatever is asked for fits the bound: the memory has exactly that size, and the sanitizer looks
 * on. */
static void check_bound(void) {
    static const struct http_header known[] = {H("content-length", "1"), H("connection", "close"),
                                               H("date", "x")};
    uint64_t seed = 42;
    for (int i = 0; i < 5000; i++) {
        struct http_header headers[8];
        size_t count = check_random(&seed) % COUNT(headers);
        for (size_t j = 0; j < count; j++) {
            headers[j] = (struct http_header){random_text(&seed), random_text(&seed)};
            if (check_random(&seed) % 4 == 0) {
                headers[j] = known[check_random(&seed) % COUNT(known)];
            }
        }
        uint64_t choice = check_random(&seed);
        const struct http_response_head head = {(int)(100 + choice % 900), random_text(&seed),
                                                headers, count, false};
        const struct http1_framing framing = {
            .chunked = choice & 1 << 10,
            .close = choice & 1 << 11,
            .keep_alive = choice & 1 << 12,
            .content_length = choice & 1 << 13 ? INT64_MAX : -1,
            .date = random_text(&seed),
            .server = random_text(&seed),
            .upgrade = choice & 1 << 14 ? random_text(&seed) : SLICE_EMPTY,
        };
        size_t bound = http1_head_bound(&head, &framing);
        char *out = malloc(bound);
        CHECK(http1_write_head(out, &head, &framing) <= bound);
        free(out);
    }
}

static void check_chunk_heads(void) {
    static const struct {
        size_t length;
        struct slice text;
    } rows[] = {
        {1, SLICE_LITERAL("1\r\n")},
        {15, SLICE_LITERAL("f\r\n")},
        {16, SLICE_LITERAL("10\r\n")},
        {0xABCDEF, SLICE_LITERAL("abcdef\r\n")},
        {SIZE_MAX, SLICE_LITERAL("ffffffffffffffff\r\n")},
        {0, SLICE_LITERAL("0\r\n")},
    };
    for (size_t i = 0; i < COUNT(rows); i++) {
        char out[HTTP1_CHUNK_HEAD_MAX];
        size_t length = http1_write_chunk_head(out, rows[i].length);
        CHECK_TEXT(slice_of(out, length), rows[i].text);
    }
}

int main(void) {
    check_bad_heads();
    check_facts();
    check_reasons();
    check_golden();
    check_without_length();
    check_bound();
    check_chunk_heads();
    return check_report();
}
