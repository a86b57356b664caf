/* Looking at the names of static files. */
#include "http/static_name.h"

enum { HASH_LENGTH = 12 };

static bool is_hash(struct slice text) {
    bool has_letter = false;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        bool is_letter = c >= 'a' && c <= 'f';
        if (!is_letter && (c < '0' || c > '9')) {
            return false;
        }
        has_letter |= is_letter;
    }
    return text.length == HASH_LENGTH && has_letter;
}

/* Takes what is behind the last dot off the name; false when there is no dot in its last segment.
 */
static bool take_last(struct slice *name, struct slice *last) {
    const char *dot = memrchr(name->data, '.', name->length);
    if (dot == NULL || memchr(dot, '/', (size_t)(name->data + name->length - dot)) != NULL) {
        return false;
    }
    size_t before = (size_t)(dot - name->data);
    *last = slice_without_front(*name, before + 1);
    name->length = before;
    return true;
}

bool static_name_has_hash(struct slice name) {
    struct slice last;
    for (int i = 0; i < 2 && take_last(&name, &last); i++) {
        if (is_hash(last)) {
            return true;
        }
    }
    return false;
}
