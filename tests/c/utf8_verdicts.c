/* Tells for each text on standard input where its UTF-8 becomes bad, for test_utf8_oracle.py. A
 * text comes as its length in one byte and its bytes; the answer is one byte: the index of the
 * refused byte, or one of the two below. */
#include <stdio.h>

#include "base/utf8.h"

enum { INCOMPLETE = 254, COMPLETE = 255 };

static int verdict(const char *text, size_t length) {
    struct utf8_state state = {0};
    for (size_t i = 0; i < length; i++) {
        if (!utf8_feed(&state, slice_of(text + i, 1))) {
            return (int)i;
        }
    }
    return utf8_is_complete(&state) ? COMPLETE : INCOMPLETE;
}

int main(void) {
    char text[256];
    for (int length = getchar(); length != EOF; length = getchar()) {
        if (fread(text, 1, (size_t)length, stdin) != (size_t)length) {
            return 1;
        }
        struct utf8_state state = {0};
        int by_bytes = verdict(text, (size_t)length);
        if (utf8_feed(&state, slice_of(text, (size_t)length)) != (by_bytes >= INCOMPLETE)) {
            return 1;
        }
        putchar(by_bytes);
    }
    return 0;
}
