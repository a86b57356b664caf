/* What static files need of HTTP: ranges, conditions, codings, dates, paths, names. */
#include "base/limits.h"
#include "check.h"
#include "http/byte_range.h"
#include "http/content_coding.h"
#include "http/http_date.h"
#include "http/media_type.h"
#include "http/preconditions.h"
#include "http/static_name.h"
#include "http/url_path.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

static struct slice text_of(const char *text) {
    return slice_of(text, strlen(text));
}

static void test_ranges(void) {
    static const struct {
        const char *value;
        uint64_t size;
        enum byte_range kind;
        uint64_t offset, length;
    } rows[] = {
        {"bytes=0-4", 10, BYTE_RANGE_PART, 0, 5},
        {"bytes=5-", 10, BYTE_RANGE_PART, 5, 5},
        {"bytes=9-9", 10, BYTE_RANGE_PART, 9, 1},
        {"bytes=0-99", 10, BYTE_RANGE_PART, 0, 10},
        {"bytes=-3", 10, BYTE_RANGE_PART, 7, 3},
        {"bytes=-99", 10, BYTE_RANGE_PART, 0, 10},
        {"Bytes=0-0", 10, BYTE_RANGE_PART, 0, 1},
        {"bytes= 1-2 ,", 10, BYTE_RANGE_PART, 1, 2},
        {"bytes=0-18446744073709551615", 10, BYTE_RANGE_PART, 0, 10},
        {"bytes=0-99999999999999999999999", 10, BYTE_RANGE_PART, 0, 10},
        {"bytes=-99999999999999999999999", 10, BYTE_RANGE_PART, 0, 10},
        {"bytes=5000000000-", 6000000000, BYTE_RANGE_PART, 5000000000, 1000000000},
        {"bytes=10-", 10, BYTE_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=10-12", 10, BYTE_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=99999999999999999999999-", 10, BYTE_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=-0", 10, BYTE_RANGE_UNSATISFIABLE, 0, 0},
        {"bytes=0-", 0, BYTE_RANGE_NONE, 0, 0},
        {"bytes=5-9", 0, BYTE_RANGE_NONE, 0, 0},
        {"bytes=-0", 0, BYTE_RANGE_NONE, 0, 0},
        {"bytes=-5", 0, BYTE_RANGE_NONE, 0, 0},
        {"bytes=4-3", 10, BYTE_RANGE_NONE, 0, 0},
        {"bytes=0-1,2-3", 10, BYTE_RANGE_NONE, 0, 0},
        {"bytes=-", 10, BYTE_RANGE_NONE, 0, 0},
        {"bytes=", 10, BYTE_RANGE_NONE, 0, 0},
        {"bytes", 10, BYTE_RANGE_NONE, 0, 0},
        {"", 10, BYTE_RANGE_NONE, 0, 0},
        {"bytes=5", 10, BYTE_RANGE_NONE, 0, 0},
        {"bytes=a-5", 10, BYTE_RANGE_NONE, 0, 0},
        {"bytes=0-5x", 10, BYTE_RANGE_NONE, 0, 0},
        {"bytes=+1-5", 10, BYTE_RANGE_NONE, 0, 0},
        {"bytes=1--5", 10, BYTE_RANGE_NONE, 0, 0},
        {"lines=0-4", 10, BYTE_RANGE_NONE, 0, 0},
        {"bytes 0-4", 10, BYTE_RANGE_NONE, 0, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        uint64_t offset = 0, length = 0;
        enum byte_range kind =
            byte_range_parse(text_of(rows[i].value), rows[i].size, &offset, &length);
        CHECK_ROW(kind == rows[i].kind, rows[i].value);
        CHECK_ROW(kind != BYTE_RANGE_PART || (offset == rows[i].offset && length == rows[i].length),
                  rows[i].value);
    }
}

static void test_dates(void) {
    static const struct {
        const char *text;
        bool is_date;
        int64_t second;
    } rows[] = {
        {"Sun, 06 Nov 1994 08:49:37 GMT", true, 784111777},
        {"Sunday, 06-Nov-94 08:49:37 GMT", true, 784111777},
        {"Sun Nov  6 08:49:37 1994", true, 784111777},
        {"Wed Nov 16 08:49:37 1994", true, 784975777},
        {"Thu, 01 Jan 1970 00:00:00 GMT", true, 0},
        {"Tue, 29 Feb 2028 23:59:60 GMT", true, 1835481600},
        {"Fri, 01-Jan-38 00:00:00 GMT", false, 0},
        {"Friday, 01-Jan-38 00:00:00 GMT", true, 2145916800},
        {"Mon, 01 Jan 0001 00:00:00 GMT", true, -62135596800},
        {"Sun, 06 Nov 1994 08:49:37", false, 0},
        {"Sun, 06 Nov 1994 24:49:37 GMT", false, 0},
        {"Sun, 32 Nov 1994 08:49:37 GMT", false, 0},
        {"Sun, 31 Feb 2030 08:49:37 GMT", false, 0},
        {"Thu, 29 Feb 2029 08:49:37 GMT", false, 0},
        {"Sun, 31 Nov 1994 08:49:37 GMT", false, 0},
        {"Sun, 00 Nov 1994 08:49:37 GMT", false, 0},
        {"Sun, 06 Foo 1994 08:49:37 GMT", false, 0},
        {"Sun, 6 Nov 1994 08:49:37 GMT", false, 0},
        {"Sun, 06 Nov 1994 08:49:37 GMT ", false, 0},
        {"06 Nov 1994 08:49:37 GMT", false, 0},
        {"1994-11-06", false, 0},
        {"Sun, ", false, 0},
        {"Sun", false, 0},
        {"", false, 0},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        int64_t second = -1;
        bool is_date = http_date_parse(text_of(rows[i].text), &second);
        CHECK_ROW(is_date == rows[i].is_date && second == rows[i].second, rows[i].text);
    }
    struct http_date date = {0, ""};
    for (int64_t second = -62135596800; second < 253402300799; second += 7999999LL * 86403) {
        int64_t read = 0;
        CHECK(http_date_parse(http_date_at(&date, second), &read) && read == second);
    }
}

/* The one header that a row has; lines of the same name are divided by newlines. */
static struct http_request_head head_of(struct http_header *headers, const char *name,
                                        const char *value) {
    size_t count = 0;
    while (*value != '\0') {
        size_t length = strcspn(value, "\n");
        headers[count++] = (struct http_header){text_of(name), slice_of(value, length)};
        value += length + (value[length] == '\n' ? 1 : 0);
    }
    return (struct http_request_head){.headers = headers, .header_count = count};
}

static void test_conditions(void) {
    static const struct {
        const char *name, *value;
        enum precondition result;
    } rows[] = {
        {"if-match", "*", PRECONDITION_HOLDS},
        {"if-match", "\"a\"", PRECONDITION_HOLDS},
        {"if-match", "\"b\", \"a\"", PRECONDITION_HOLDS},
        {"if-match", "\"b\"\n\"a\"", PRECONDITION_HOLDS},
        {"if-match", "\"b\"", PRECONDITION_FAILED},
        {"if-match", "W/\"a\"", PRECONDITION_FAILED},
        {"if-match", "a", PRECONDITION_FAILED},
        {"if-match", "\"b,\"a\"", PRECONDITION_FAILED},
        {"if-none-match", "*", PRECONDITION_NOT_MODIFIED},
        {"if-none-match", "\"a\"", PRECONDITION_NOT_MODIFIED},
        {"if-none-match", "W/\"a\"", PRECONDITION_NOT_MODIFIED},
        {"if-none-match", "\"b\" ,,W/\"a\"", PRECONDITION_NOT_MODIFIED},
        {"if-none-match", "\"b\"\nW/\"a\"", PRECONDITION_NOT_MODIFIED},
        {"if-none-match", "\"a", PRECONDITION_HOLDS},
        {"if-none-match", "W/", PRECONDITION_HOLDS},
        {"if-none-match", "a", PRECONDITION_HOLDS},
        {"if-none-match", "\"b,\\\"a\\\"\"", PRECONDITION_HOLDS},
        {"if-modified-since", "Sun, 06 Nov 1994 08:49:37 GMT", PRECONDITION_NOT_MODIFIED},
        {"if-modified-since", "Sun, 06 Nov 1994 08:49:38 GMT", PRECONDITION_NOT_MODIFIED},
        {"if-modified-since", "Sun, 06 Nov 1994 08:49:36 GMT", PRECONDITION_HOLDS},
        {"if-modified-since", "yesterday", PRECONDITION_HOLDS},
        {"if-unmodified-since", "Sun, 06 Nov 1994 08:49:37 GMT", PRECONDITION_HOLDS},
        {"if-unmodified-since", "Sun, 06 Nov 1994 08:49:36 GMT", PRECONDITION_FAILED},
        {"if-unmodified-since", "yesterday", PRECONDITION_HOLDS},
    };
    const struct validators validators = {SLICE_LITERAL("\"a\""), 784111777};
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_header headers[4];
        struct http_request_head head = head_of(headers, rows[i].name, rows[i].value);
        CHECK_ROW(preconditions_check(&head, &validators) == rows[i].result, rows[i].value);
    }
}

/* RFC 9110 section 13.2.2: tags count before dates, If-Match before If-None-Match. */
static void test_precedence(void) {
    const struct validators validators = {SLICE_LITERAL("\"a\""), 784111777};
    struct http_header headers[] = {
        {SLICE_LITERAL("if-modified-since"), SLICE_LITERAL("Sun, 06 Nov 1994 08:49:37 GMT")},
        {SLICE_LITERAL("if-none-match"), SLICE_LITERAL("\"b\"")},
        {SLICE_LITERAL("if-unmodified-since"), SLICE_LITERAL("Sun, 06 Nov 1994 08:49:36 GMT")},
        {SLICE_LITERAL("if-match"), SLICE_LITERAL("\"a\"")},
    };
    struct http_request_head head = {.headers = headers, .header_count = 4};
    CHECK(preconditions_check(&head, &validators) == PRECONDITION_HOLDS);
    headers[1].value = SLICE_LITERAL("\"a\"");
    CHECK(preconditions_check(&head, &validators) == PRECONDITION_NOT_MODIFIED);
    head.header_count = 3;
    CHECK(preconditions_check(&head, &validators) == PRECONDITION_FAILED);
}

static void test_if_range(void) {
    static const struct {
        const char *value;
        bool is_allowed;
    } rows[] = {
        {"\"a\"", true},
        {"W/\"a\"", false},
        {"\"b\"", false},
        {"\"a\", \"b\"", false},
        {"Sun, 06 Nov 1994 08:49:37 GMT", true},
        {"Sun, 06 Nov 1994 08:49:38 GMT", false},
        {"x", false},
    };
    const struct validators validators = {SLICE_LITERAL("\"a\""), 784111777};
    struct http_request_head none = {.header_count = 0};
    CHECK(preconditions_allow_range(&none, &validators));
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_header headers[4];
        struct http_request_head head = head_of(headers, "if-range", rows[i].value);
        CHECK_ROW(preconditions_allow_range(&head, &validators) == rows[i].is_allowed,
                  rows[i].value);
    }
}

static void test_codings(void) {
    static const struct {
        const char *value, *codings;
    } rows[] = {
        {"", ""},
        {"gzip", "gzip "},
        {"gzip, deflate, br, zstd", "br zstd gzip "},
        {"X-GZip", "gzip "},
        {"br;q=0.5, gzip;q=0.8", "gzip br "},
        {"br;q=0, gzip", "gzip "},
        {"*", "br zstd gzip "},
        {"*;q=0.5, zstd", "zstd br gzip "},
        {"gzip, *;q=0", "gzip "},
        {"gzip;q=0.5, identity", ""},
        {"gzip;q=0.5, identity;q=0.5", "gzip "},
        {"gzip; q=1.000", "gzip "},
        {"gzip ; Q=0.001", "gzip "},
        {"gzip;q=1.001, br;q=2, zstd;q=0.1234", ""},
        {"gzip;q=, br;level=1, zstd;q=x", ""},
        {"deflate\ngzip", "gzip "},
        {";q=1,,", ""},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        struct http_header headers[4];
        enum content_coding codings[CODING_COUNT];
        char text[64] = "";
        struct http_request_head head = head_of(headers, "accept-encoding", rows[i].value);
        unsigned count = content_coding_choose(&head, codings);
        for (unsigned k = 0; k < count; k++) {
            struct slice name = content_coding_name(codings[k]);
            strncat(text, name.data, name.length);
            strcat(text, " ");
        }
        CHECK_ROW(strcmp(text, rows[i].codings) == 0, rows[i].value);
    }
}

static void test_paths(void) {
    static const struct {
        const char *path, *file;
    } rows[] = {
        {"a.css", "a.css"},
        {"a/b/c.js", "a/b/c.js"},
        {"a%20b/%C3%A4", "a b/\xC3\xA4"},
        {"%61", "a"},
        {"a..b", "a..b"},
        {"a%2e", "a."},
        {"%252e%252e/a", "%2e%2e/a"},
        {"a\\..\\b", "a\\..\\b"},
        {"", NULL},
        {"/", NULL},
        {"a/", NULL},
        {"a//b", NULL},
        {"/a", NULL},
        {".", NULL},
        {"..", NULL},
        {"../a", NULL},
        {"a/../b", NULL},
        {"a/./b", NULL},
        {"%2e%2e/a", NULL},
        {"a/%2E./b", NULL},
        {"a/.%2e/b", NULL},
        {".htaccess", NULL},
        {"a/.git/config", NULL},
        {"%2egit/config", NULL},
        {"a%2fb", NULL},
        {"..%2fa", NULL},
        {"a%00.css", NULL},
        {"a%0a", NULL},
        {"a%7f", NULL},
        {"a%", NULL},
        {"a%4", NULL},
        {"a%zz", NULL},
        {"a%%61", NULL},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        char out[64];
        struct slice path = text_of(rows[i].path);
        char *exact = malloc(path.length + 1); /* so that the sanitizer sees a byte too many */
        bool is_file = url_path_to_file(path, exact);
        snprintf(out, sizeof(out), "%s", is_file ? exact : "");
        free(exact);
        CHECK_ROW(is_file == (rows[i].file != NULL), rows[i].path);
        CHECK_ROW(!is_file || rows[i].file == NULL || strcmp(out, rows[i].file) == 0, rows[i].path);
    }
    char out[8];
    CHECK(!url_path_to_file(slice_of("a\0b", 3), out));
}

static void test_names(void) {
    static const struct {
        const char *name;
        bool has_hash;
    } rows[] = {
        {"app.0123456789ab.css", true},
        {"css/app.0123456789ab.css", true},
        {"app.min.55e7cbb9ba48.js", true},
        {"app.55e7cbb9ba48", true},
        {"app.202611280930.pdf", false},
        {"app.55e7cbb9ba4.js", false},
        {"app.55e7cbb9ba48f.js", false},
        {"app.55E7CBB9BA48.js", false},
        {"55e7cbb9ba48.js", false},
        {"a.55e7cbb9ba48/app.js", false},
        {"app.css", false},
        {"app.55e7cbb9ba48.css.map", false},
        {"app", false},
        {"", false},
    };
    for (size_t i = 0; i < COUNT_OF(rows); i++) {
        CHECK_ROW(static_name_has_hash(text_of(rows[i].name)) == rows[i].has_hash, rows[i].name);
    }
    CHECK_TEXT(media_type_of(SLICE_LITERAL("css/a.CSS")), SLICE_LITERAL("text/css; charset=utf-8"));
    CHECK_TEXT(media_type_of(SLICE_LITERAL("a.tar.gz")), SLICE_LITERAL("application/gzip"));
    CHECK_TEXT(media_type_of(SLICE_LITERAL("css")), SLICE_LITERAL("application/octet-stream"));
    CHECK_TEXT(media_type_of(SLICE_LITERAL("a.")), SLICE_LITERAL("application/octet-stream"));
}

int main(void) {
    test_ranges();
    test_dates();
    test_conditions();
    test_precedence();
    test_if_range();
    test_codings();
    test_paths();
    test_names();
    return check_report();
}
