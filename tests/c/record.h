/* What a double was told, as text that a test compares: "respond 404 9;body 'Not Found' last;".
 * Grown by plain realloc, so that the failing allocator of the tests spares it. */
#ifndef CASGI_TESTS_RECORD_H
#define CASGI_TESTS_RECORD_H

#include <stdarg.h>

#include "check.h"

struct record {
    char *text; /* NUL-terminated, or NULL while empty */
    size_t length, capacity;
};

static inline void record_bytes(struct record *record, struct slice bytes) {
    if (record->length + bytes.length >= record->capacity) {
        record->capacity = 2 * (record->length + bytes.length) + 64;
        record->text = realloc(record->text, record->capacity);
        if (record->text == NULL) {
            abort();
        }
    }
    if (bytes.length > 0) {
        memcpy(record->text + record->length, bytes.data, bytes.length);
    }
    record->length += bytes.length;
    record->text[record->length] = '\0';
}

__attribute__((format(printf, 2, 3))) static inline void record_add(struct record *record,
                                                                    const char *format, ...) {
    char line[512];
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(line, sizeof(line), format, arguments);
    va_end(arguments);
    record_bytes(record, slice_of(line, length < 0                      ? 0
                                        : (size_t)length < sizeof(line) ? (size_t)length
                                                                        : sizeof(line) - 1));
}

static inline struct slice record_slice(const struct record *record) {
    return record->length > 0 ? slice_of(record->text, record->length) : SLICE_EMPTY;
}

static inline void record_clear(struct record *record) {
    free(record->text);
    *record = (struct record){0};
}

/* Checks what was recorded since the last time, and forgets it. */
#define CHECK_RECORD(record, expected)                                                             \
    do {                                                                                           \
        check_text(record_slice(record), slice_of((expected), strlen(expected)), __FILE__,         \
                   __LINE__, "");                                                                  \
        record_clear(record);                                                                      \
    } while (0)

#endif
