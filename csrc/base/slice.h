/* A view of bytes that somebody else owns: never freed through the slice, valid as long as its
 * owner says. */
#ifndef CASGI_BASE_SLICE_H
#define CASGI_BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

struct slice {
    const char *data;
    size_t length;
};

#define SLICE_LITERAL(text) ((struct slice){(text), sizeof(text) - 1})
#define SLICE_EMPTY         ((struct slice){"", 0})

static inline struct slice slice_of(const char *data, size_t length) {
    return (struct slice){data, length};
}

/* Returns the slice without its first `count` bytes, of which it has as many at least. */
static inline struct slice slice_without_front(struct slice bytes, size_t count) {
    return slice_of(bytes.data + count, bytes.length - count);
}

static inline bool slice_equals(struct slice a, struct slice b) {
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static inline bool slice_starts_with(struct slice text, struct slice front) {
    return text.length >= front.length && memcmp(text.data, front.data, front.length) == 0;
}

static inline char slice_lower(char c) {
    return (c >= 'A' && c <= 'Z') ? (char)(c | 0x20) : c;
}

/* True when both are the same but for the case of ASCII letters. */
static inline bool slice_equals_ignoring_case(struct slice a, struct slice b) {
    if (a.length != b.length) {
        return false;
    }
    for (size_t i = 0; i < a.length; i++) {
        if (a.data[i] != b.data[i] && slice_lower(a.data[i]) != slice_lower(b.data[i])) {
            return false;
        }
    }
    return true;
}

/* Returns the slice without the spaces and tabs at both ends (RFC 9110 section 5.6.3, OWS). */
static inline struct slice slice_trim(struct slice text) {
    while (text.length > 0 && (text.data[0] == ' ' || text.data[0] == '\t')) {
        text.data++;
        text.length--;
    }
    while (text.length > 0 &&
           (text.data[text.length - 1] == ' ' || text.data[text.length - 1] == '\t')) {
        text.length--;
    }
    return text;
}

#endif
