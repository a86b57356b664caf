/* Reading Range headers. A number that is too large for us is as large as any file. */
#include "http/byte_range.h"

#include <stdbool.h>

#include "http/header_rules.h"

/* Reads the digits at the front of *text. Returns false when there are none. */
static bool take_number(struct slice *text, uint64_t *number) {
    size_t used = 0;
    *number = 0;
    for (; used < text->length && text->data[used] >= '0' && text->data[used] <= '9'; used++) {
        unsigned digit = (unsigned)(text->data[used] - '0');
        *number = *number > (UINT64_MAX - digit) / 10 ? UINT64_MAX : *number * 10 + digit;
    }
    *text = slice_without_front(*text, used);
    return used > 0;
}

static bool take_dash(struct slice *text) {
    bool is_there = text->length > 0 && text->data[0] == '-';
    *text = slice_without_front(*text, is_there ? 1 : 0);
    return is_there;
}

static enum byte_range part(uint64_t first, uint64_t last, uint64_t size, uint64_t *offset,
                            uint64_t *length) {
    *offset = first;
    *length = (last < size ? last + 1 : size) - first;
    return BYTE_RANGE_PART;
}

/* The last `count` bytes. */
static enum byte_range suffix(uint64_t count, uint64_t size, uint64_t *offset, uint64_t *length) {
    if (count == 0) {
        return BYTE_RANGE_UNSATISFIABLE;
    }
    return part(count < size ? size - count : 0, size - 1, size, offset, length);
}

enum byte_range byte_range_parse(struct slice value, uint64_t size, uint64_t *offset,
                                 uint64_t *length) {
    static const size_t unit_length = sizeof("bytes=") - 1;
    if (value.length < unit_length ||
        !slice_equals_ignoring_case(slice_of(value.data, unit_length), SLICE_LITERAL("bytes="))) {
        return BYTE_RANGE_NONE;
    }
    struct slice list = slice_without_front(value, unit_length);
    struct slice range = header_next_element(&list);
    if (header_next_element(&list).length > 0) {
        return BYTE_RANGE_NONE;
    }
    uint64_t first = 0, last = UINT64_MAX;
    bool has_first = take_number(&range, &first);
    bool has_dash = take_dash(&range);
    bool has_last = take_number(&range, &last);
    if (!has_dash || range.length > 0 || (!has_first && !has_last)) {
        return BYTE_RANGE_NONE;
    }
    if (size == 0) { /* clients ask for parts of whatever there is */
        return BYTE_RANGE_NONE;
    }
    if (!has_first) {
        return suffix(last, size, offset, length);
    }
    last = has_last ? last : UINT64_MAX;
    if (last < first) {
        return BYTE_RANGE_NONE;
    }
    return first < size ? part(first, last, size, offset, length) : BYTE_RANGE_UNSATISFIABLE;
}
