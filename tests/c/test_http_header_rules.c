/* The grammar of fields, byte by byte and at every length. */
#include "http/header_rules.h"

#include "check.h"

static void check_tokens(void) {
    static const char allowed[] =
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    for (int byte = 0; byte < 256; byte++) {
        char text[3] = {'a', (char)byte, 'b'};
        bool is_allowed = byte != 0 && strchr(allowed, byte) != NULL;
        CHECK(header_is_token(slice_of(text, 3)) == is_allowed);
        CHECK(header_is_token(slice_of(text + 1, 1)) == is_allowed);
        CHECK(header_lower_token(text, 3) == is_allowed);
        CHECK(!is_allowed || text[1] == slice_lower((char)byte));
    }
    CHECK(!header_is_token(SLICE_EMPTY));
    char name[] = "X-Forwarded-FOR_1";
    CHECK(header_lower_token(name, sizeof(name) - 1));
    CHECK_TEXT(slice_of(name, sizeof(name) - 1), SLICE_LITERAL("x-forwarded-for_1"));
    CHECK(!header_lower_token(name, 0));
}

/* Every byte at every place of values of every short length, at a page's end. */
static void check_values(void) {
    struct guarded guarded = guarded_open(64);
    for (size_t length = 1; length <= 26; length++) {
        for (size_t place = 0; place < length; place++) {
            for (int byte = 0; byte < 256; byte++) {
                char text[32];
                memset(text, byte % 3 == 0 ? '\t' : byte % 3 == 1 ? '\xff' : 'a', sizeof(text));
                text[place] = (char)byte;
                bool is_allowed = byte == '\t' || (byte >= ' ' && byte != 0x7F);
                CHECK(header_is_value(guarded_place(&guarded, slice_of(text, length))) ==
                      is_allowed);
            }
        }
    }
    CHECK(header_is_value(SLICE_EMPTY));
    guarded_close(&guarded);
}

static void check_lists(void) {
    struct slice list = SLICE_LITERAL(" a ,,\tb c\t, ,d");
    CHECK_TEXT(header_next_element(&list), SLICE_LITERAL("a"));
    CHECK_TEXT(header_next_element(&list), SLICE_LITERAL("b c"));
    CHECK_TEXT(header_next_element(&list), SLICE_LITERAL("d"));
    CHECK_TEXT(header_next_element(&list), SLICE_EMPTY);
    CHECK_TEXT(header_next_element(&list), SLICE_EMPTY);
    CHECK(header_has_token(SLICE_LITERAL("keep-alive, Upgrade"), SLICE_LITERAL("upgrade")));
    CHECK(header_has_token(SLICE_LITERAL("UPGRADE"), SLICE_LITERAL("upgrade")));
    CHECK(!header_has_token(SLICE_LITERAL("upgrades, up grade"), SLICE_LITERAL("upgrade")));
    CHECK(!header_has_token(SLICE_LITERAL(" , ,"), SLICE_LITERAL("upgrade")));
    CHECK(!header_has_token(SLICE_EMPTY, SLICE_LITERAL("upgrade")));
}

static void check_lengths(void) {
    static const struct {
        struct slice text;
        int64_t length; /* -1: none */
    } rows[] = {
        {SLICE_LITERAL("0"), 0},
        {SLICE_LITERAL("0010"), 10},
        {SLICE_LITERAL("9223372036854775807"), INT64_MAX},
        {SLICE_LITERAL("9223372036854775808"), -1},
        {SLICE_LITERAL("9223372036854775810"), -1},
        {SLICE_LITERAL("99999999999999999999"), -1},
        {SLICE_LITERAL(""), -1},
        {SLICE_LITERAL("-1"), -1},
        {SLICE_LITERAL("+1"), -1},
        {SLICE_LITERAL(" 1"), -1},
        {SLICE_LITERAL("1 "), -1},
        {SLICE_LITERAL("1,1"), -1},
        {SLICE_LITERAL("0x1"), -1},
        {SLICE_LITERAL("1:"), -1},
        {SLICE_LITERAL("\xb2"), -1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t length = -1;
        bool is_length = header_parse_length(rows[i].text, &length);
        CHECK_ROW(is_length == (rows[i].length >= 0), rows[i].text.data);
        CHECK_ROW(!is_length || length == rows[i].length, rows[i].text.data);
    }
}

static void check_hosts(void) {
    static const char allowed[] =
        "-._~!$&'()*+;=%0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const char *const good[] = {"",         "a",          "a.b.c",  "127.0.0.1",
                                       "a:80",     "a:",         "[::1]",  "[::1]:80",
                                       "[v1.a:b]", "xn--4ca.de", "%C3%A4", "[fe80::1%25lo]:"};
    static const char *const bad[] = {"a:b",   "a:80:", "::1", "[",       "[]",    "[a",
                                      "[]:80", "[:]a",  "a]",  "[[::1]]", "a:8 0", "[::1]:x"};
    for (int byte = 0; byte < 256; byte++) {
        char text[3] = {'a', (char)byte, 'b'};
        bool is_allowed = byte != 0 && strchr(allowed, byte) != NULL;
        CHECK(header_is_host(slice_of(text, 3)) == is_allowed);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
        CHECK_ROW(header_is_host(slice_of(good[i], strlen(good[i]))), good[i]);
    }
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        CHECK_ROW(!header_is_host(slice_of(bad[i], strlen(bad[i]))), bad[i]);
    }
}

int main(void) {
    check_tokens();
    check_values();
    check_lists();
    check_lengths();
    check_hosts();
    return check_report();
}
