/* The rules over a whole head by themselves: llhttp refuses some of these before they are asked. */
#include "http/http1_rules.h"

#include "check.h"

enum { MOST_HEADERS = 3 };

struct row {
    const char *name;
    int status; /* 0: accepted */
    struct http_header headers[MOST_HEADERS];
};

#define H(name, value)                                                                             \
    {                                                                                              \
        {(name), sizeof(name) - 1}, {                                                              \
            (value), sizeof(value) - 1                                                             \
        }                                                                                          \
    }
#define CODING(value) H("transfer-encoding", value)
#define LENGTH(value) H("content-length", value)
#define HOST          H("host", "a")

static const struct row rows[] = {
    {"nothing but a host", 0, {HOST}},
    {"no host", 400, {H("x", "a")}},
    {"two hosts", 400, {HOST, HOST}},
    {"bad host", 400, {H("host", "a/b")}},
    {"chunked", 0, {HOST, CODING("chunked")}},
    {"chunked twice in a line", 400, {HOST, CODING("chunked, chunked")}},
    {"chunked twice in lines", 400, {HOST, CODING("chunked"), CODING("CHUNKED")}},
    {"chunked not last", 400, {HOST, CODING("chunked"), CODING("gzip")}},
    {"not chunked", 400, {HOST, CODING("gzip")}},
    {"unknown coding", 501, {HOST, CODING("gzip, chunked")}},
    {"unknown coding in a line", 501, {HOST, CODING("gzip"), CODING("chunked")}},
    {"no coding", 400, {HOST, CODING("")}},
    {"no coding in a list", 400, {HOST, CODING(" , ")}},
    {"length", 0, {HOST, LENGTH("5")}},
    {"bad length", 400, {HOST, LENGTH("5,5")}},
    {"two lengths", 400, {HOST, LENGTH("5"), LENGTH("5")}},
    {"length and coding", 400, {HOST, LENGTH("5"), CODING("chunked")}},
    {"coding and length", 400, {HOST, CODING("chunked"), LENGTH("0")}},
    {"two types", 400, {HOST, H("content-type", "a/b"), H("content-type", "a/b")}},
    {"expectation", 0, {HOST, H("expect", "100-CONTINUE")}},
    {"other expectation", 417, {HOST, H("expect", "200-ok")}},
};

static struct http_refusal apply(const struct row *row, uint8_t minor,
                                 struct http_request_head *request) {
    size_t count = 0;
    while (count < MOST_HEADERS && row->headers[count].name.length > 0) {
        count++;
    }
    *request = (struct http_request_head){
        .method = SLICE_LITERAL("POST"),
        .target = SLICE_LITERAL("/"),
        .version_major = 1,
        .version_minor = minor,
        .headers = row->headers,
        .header_count = count,
    };
    return http1_rules_apply(request);
}

int main(void) {
    struct http_request_head request;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        CHECK_ROW(apply(&rows[i], 1, &request).status == rows[i].status, rows[i].name);
    }
    const struct row plain = {"", 0, {H("x", "a")}};
    CHECK(apply(&plain, 0, &request).status == 0);
    CHECK(request.content_length == -1 && !request.keeps_alive && !request.has_body);
    const struct row coded = {"", 0, {CODING("chunked")}};
    CHECK(apply(&coded, 0, &request).status == 400);
    const struct row expecting = {"", 0, {H("expect", "x")}};
    CHECK(apply(&expecting, 0, &request).status == 0);
    return check_report();
}
