/* The grammar of header fields as tables of bytes. Pure functions on slices that the caller owns.
 */
#include "http/header_rules.h"

/* tchar (RFC 9110 section 5.6.2) in lower case; 0 for every other byte. */
static const char token_bytes[256] = {
    ['!'] = '!', ['#'] = '#', ['$'] = '$', ['%'] = '%', ['&'] = '&', ['\''] = '\'', ['*'] = '*',
    ['+'] = '+', ['-'] = '-', ['.'] = '.', ['^'] = '^', ['_'] = '_', ['`'] = '`',   ['|'] = '|',
    ['~'] = '~', ['0'] = '0', ['1'] = '1', ['2'] = '2', ['3'] = '3', ['4'] = '4',   ['5'] = '5',
    ['6'] = '6', ['7'] = '7', ['8'] = '8', ['9'] = '9', ['A'] = 'a', ['B'] = 'b',   ['C'] = 'c',
    ['D'] = 'd', ['E'] = 'e', ['F'] = 'f', ['G'] = 'g', ['H'] = 'h', ['I'] = 'i',   ['J'] = 'j',
    ['K'] = 'k', ['L'] = 'l', ['M'] = 'm', ['N'] = 'n', ['O'] = 'o', ['P'] = 'p',   ['Q'] = 'q',
    ['R'] = 'r', ['S'] = 's', ['T'] = 't', ['U'] = 'u', ['V'] = 'v', ['W'] = 'w',   ['X'] = 'x',
    ['Y'] = 'y', ['Z'] = 'z', ['a'] = 'a', ['b'] = 'b', ['c'] = 'c', ['d'] = 'd',   ['e'] = 'e',
    ['f'] = 'f', ['g'] = 'g', ['h'] = 'h', ['i'] = 'i', ['j'] = 'j', ['k'] = 'k',   ['l'] = 'l',
    ['m'] = 'm', ['n'] = 'n', ['o'] = 'o', ['p'] = 'p', ['q'] = 'q', ['r'] = 'r',   ['s'] = 's',
    ['t'] = 't', ['u'] = 'u', ['v'] = 'v', ['w'] = 'w', ['x'] = 'x', ['y'] = 'y',   ['z'] = 'z',
};

bool header_is_token(struct slice text) {
    for (size_t i = 0; i < text.length; i++) {
        if (token_bytes[(uint8_t)text.data[i]] == 0) {
            return false;
        }
    }
    return text.length > 0;
}

bool header_lower_token(char *text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        char lower = token_bytes[(uint8_t)text[i]];
        if (lower == 0) {
            return false;
        }
        text[i] = lower;
    }
    return length > 0;
}

/* True when one of the eight bytes may be a control byte: below 0x20, or DEL. It may err towards
 * true, when such a byte stands before (a borrow crosses), never towards false. */
static bool has_control_byte(uint64_t word) {
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t highs = UINT64_C(0x8080808080808080);
    uint64_t below_space = (word - ones * 0x20) & ~word & highs;
    uint64_t without_delete = word ^ (ones * 0x7F);
    uint64_t is_delete = (without_delete - ones) & ~without_delete & highs;
    return (below_space | is_delete) != 0;
}

bool header_is_value(struct slice text) {
    size_t i = 0;
    while (i < text.length) {
        uint64_t word;
        if (i + sizeof(word) <= text.length) {
            memcpy(&word, text.data + i, sizeof(word));
            if (!has_control_byte(word)) {
                i += sizeof(word);
                continue;
            }
        }
        uint8_t byte = (uint8_t)text.data[i++];
        if ((byte < ' ' && byte != '\t') || byte == 0x7F) {
            return false;
        }
    }
    return true;
}

bool header_has_next_line(struct slice text) {
    enum { NEXT_LINE = 0x85 };
    const char *end = text.data + text.length;
    const char *at = text.length == 0 ? NULL : memchr(text.data, NEXT_LINE, text.length);
    while (at != NULL && at > text.data && (uint8_t)at[-1] >= 0x80) {
        at++;
        at = at == end ? NULL : memchr(at, NEXT_LINE, (size_t)(end - at));
    }
    return at != NULL;
}

struct slice header_next_element(struct slice *list) {
    while (list->length > 0) {
        const char *comma = memchr(list->data, ',', list->length);
        size_t length = comma != NULL ? (size_t)(comma - list->data) : list->length;
        size_t used = comma != NULL ? length + 1 : length;
        struct slice element = slice_trim(slice_of(list->data, length));
        *list = slice_of(list->data + used, list->length - used);
        if (element.length > 0) {
            return element;
        }
    }
    return SLICE_EMPTY;
}

bool header_has_token(struct slice list, struct slice token) {
    struct slice element;
    while ((element = header_next_element(&list)).length > 0) {
        if (slice_equals_ignoring_case(element, token)) {
            return true;
        }
    }
    return false;
}

bool header_parse_length(struct slice text, int64_t *length) {
    int64_t value = 0;
    for (size_t i = 0; i < text.length; i++) {
        int digit = text.data[i] - '0';
        if (digit < 0 || digit > 9 || value > (INT64_MAX - digit) / 10) {
            return false;
        }
        value = value * 10 + digit;
    }
    *length = value;
    return text.length > 0;
}

static bool is_digits(struct slice text) {
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return false;
        }
    }
    return true;
}

/* unreserved, sub-delims and '%' (RFC 3986 section 2): tchar without the five that a URI has not,
 * and "();=". The comma is left out: a proxy that joins two Host fields puts it between them. */
static bool is_name_byte(char c) {
    if (c == '(' || c == ')' || c == ';' || c == '=') {
        return true;
    }
    return token_bytes[(uint8_t)c] != 0 && c != '#' && c != '^' && c != '`' && c != '|';
}

bool header_is_host(struct slice text) {
    size_t i = 0;
    if (text.length > 0 && text.data[0] == '[') {
        for (i = 1; i < text.length && (is_name_byte(text.data[i]) || text.data[i] == ':'); i++) {
        }
        if (i < 3 || i == text.length || text.data[i] != ']') {
            return false;
        }
        i++;
    } else {
        while (i < text.length && is_name_byte(text.data[i])) {
            i++;
        }
    }
    if (i == text.length) {
        return true;
    }
    return text.data[i] == ':' && is_digits(slice_of(text.data + i + 1, text.length - i - 1));
}

bool header_is_hop_by_hop(struct slice name) {
    switch (name.length) {
    case sizeof("upgrade") - 1:
        return slice_equals_ignoring_case(name, SLICE_LITERAL("upgrade"));
    case sizeof("connection") - 1: /* and keep-alive */
        return slice_equals_ignoring_case(name, SLICE_LITERAL("connection")) ||
               slice_equals_ignoring_case(name, SLICE_LITERAL("keep-alive"));
    case sizeof("proxy-connection") - 1:
        return slice_equals_ignoring_case(name, SLICE_LITERAL("proxy-connection"));
    case sizeof("transfer-encoding") - 1:
        return slice_equals_ignoring_case(name, SLICE_LITERAL("transfer-encoding"));
    default:
        return false;
    }
}
