/* Decoding paths of URLs. Decoded once: what still looks encoded then is the name of a file. */
#include "http/url_path.h"

static int hex_value(char c) {
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    char lower = slice_lower(c);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Takes the next byte off the path, decoded; -1 when it must not be there. */
static int take_byte(struct slice *path) {
    int byte = (unsigned char)path->data[0];
    size_t used = 1;
    if (byte == '%') {
        int high = path->length > 2 ? hex_value(path->data[1]) : -1;
        int low = path->length > 2 ? hex_value(path->data[2]) : -1;
        byte = high < 0 || low < 0 ? -1 : high * 16 + low;
        byte = byte == '/' ? -1 : byte;
        used = 3;
    }
    *path = slice_without_front(*path, used < path->length ? used : path->length);
    return byte < ' ' || byte == 0x7F ? -1 : byte;
}

bool url_path_to_file(struct slice path, char *out) {
    bool begins_segment = true;
    while (path.length > 0) {
        int byte = take_byte(&path);
        if (byte < 0 || (begins_segment && (byte == '/' || byte == '.'))) {
            return false;
        }
        *out++ = (char)byte;
        begins_segment = byte == '/';
    }
    *out = '\0';
    return !begins_segment;
}
