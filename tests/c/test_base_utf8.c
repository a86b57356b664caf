/* UTF-8: the byte at which a text becomes bad, in any cutting. (test_utf8_oracle.py compares with
 * another decoder.) */
#include "base/utf8.h"

#include "check.h"

enum { COMPLETE = -1, INCOMPLETE = -2 };

/* Returns the index of the byte that is refused, or COMPLETE, or INCOMPLETE. */
static int verdict_by_bytes(struct slice text) {
    struct utf8_state state = {0};
    for (size_t i = 0; i < text.length; i++) {
        if (!utf8_feed(&state, slice_of(text.data + i, 1))) {
            return (int)i;
        }
    }
    return utf8_is_complete(&state) ? COMPLETE : INCOMPLETE;
}

static bool passes_in_two(struct slice text, size_t cut) {
    struct utf8_state state = {0};
    return utf8_feed(&state, slice_of(text.data, cut)) &&
           utf8_feed(&state, slice_of(text.data + cut, text.length - cut));
}

static void check_table(void) {
    static const struct {
        struct slice text;
        int verdict;
    } rows[] = {
        {SLICE_LITERAL(""), COMPLETE},
        {SLICE_LITERAL("\0\x7f"), COMPLETE},
        {SLICE_LITERAL("\xc2\x80\xdf\xbf"), COMPLETE},
        {SLICE_LITERAL("\xe0\xa0\x80\xec\xbf\xbf\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf"), COMPLETE},
        {SLICE_LITERAL("\xf0\x90\x80\x80\xf3\xbf\xbf\xbf\xf4\x8f\xbf\xbf"), COMPLETE},
        {SLICE_LITERAL("\x80"), 0},
        {SLICE_LITERAL("\xbf"), 0},
        {SLICE_LITERAL("\xc0\x80"), 0}, /* overlong */
        {SLICE_LITERAL("\xc1\xbf"), 0},
        {SLICE_LITERAL("\xe0\x80\x80"), 1},
        {SLICE_LITERAL("\xe0\x9f\xbf"), 1},
        {SLICE_LITERAL("\xf0\x80\x80\x80"), 1},
        {SLICE_LITERAL("\xf0\x8f\xbf\xbf"), 1},
        {SLICE_LITERAL("\xed\xa0\x80"), 1}, /* surrogates */
        {SLICE_LITERAL("\xed\xbf\xbf"), 1},
        {SLICE_LITERAL("\xf4\x90\x80\x80"), 1}, /* above U+10FFFF */
        {SLICE_LITERAL("\xf5\x80\x80\x80"), 0},
        {SLICE_LITERAL("\xff"), 0},
        {SLICE_LITERAL("\xce\xba\xe1\xbd\xb9\xcf\x83\xce\xbc\xce\xb5\xf4\x90\x80\x80"),
         12}, /* Autobahn 6.4 */
        {SLICE_LITERAL("\xc3"), INCOMPLETE},
        {SLICE_LITERAL("a\xe2\x82"), INCOMPLETE},
        {SLICE_LITERAL("\xf0\x9f\x98"), INCOMPLETE},
        {SLICE_LITERAL("\xc3\x28"), 1},
        {SLICE_LITERAL("\xe2\x28\xa1"), 1},
        {SLICE_LITERAL("\xe2\x82\x28"), 2},
        {SLICE_LITERAL("\xf0\x9f\x98\x28"), 3},
        {SLICE_LITERAL("\xc3\xc3"), 1},
        {SLICE_LITERAL("abcdefgh\x80"), 8}, /* behind a whole word of ASCII */
        {SLICE_LITERAL("abcdefg\x80hijklmno"), 7},
    };
    struct guarded guarded = guarded_open(64);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct slice text = guarded_place(&guarded, rows[i].text);
        CHECK_ROW(verdict_by_bytes(text) == rows[i].verdict, rows[i].text.data);
        for (size_t cut = 0; cut <= text.length; cut++) {
            CHECK_ROW(passes_in_two(text, cut) == (rows[i].verdict < 0), rows[i].text.data);
        }
    }
    guarded_close(&guarded);
}

/* Every code point, written out, passes or is a surrogate. */
static void check_code_points(void) {
    for (uint32_t point = 0x80; point <= 0x10FFFF; point++) {
        char text[4];
        size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        static const uint8_t leads[5] = {0, 0, 0xC0, 0xE0, 0xF0};
        uint32_t rest = point;
        for (size_t i = length - 1; i > 0; i--, rest >>= 6) {
            text[i] = (char)(0x80 | (rest & 0x3F));
        }
        text[0] = (char)(leads[length] | rest);
        bool is_surrogate = point >= 0xD800 && point <= 0xDFFF;
        CHECK(verdict_by_bytes(slice_of(text, length)) == (is_surrogate ? 1 : COMPLETE));
    }
}

int main(void) {
    check_table();
    check_code_points();
    return check_report();
}
