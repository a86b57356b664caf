/* Reading Accept-Encoding. */
#include "http/content_coding.h"

#include <stdbool.h>

#include "http/header_rules.h"

enum { UNKNOWN = -1, WILDCARD = CODING_IDENTITY + 1, WEIGHTS = WILDCARD + 1, WHOLE = 1000 };

struct slice content_coding_name(enum content_coding coding) {
    static const struct slice names[] = {
        [CODING_BR] = {"br", 2},
        [CODING_ZSTD] = {"zstd", 4},
        [CODING_GZIP] = {"gzip", 4},
        [CODING_IDENTITY] = {"identity", 8},
    };
    return names[coding];
}

static int index_of(struct slice name) {
    for (int i = 0; i <= CODING_IDENTITY; i++) {
        if (slice_equals_ignoring_case(name, content_coding_name((enum content_coding)i))) {
            return i;
        }
    }
    if (slice_equals_ignoring_case(name, SLICE_LITERAL("x-gzip"))) {
        return CODING_GZIP;
    }
    return slice_equals(name, SLICE_LITERAL("*")) ? WILDCARD : UNKNOWN;
}

/* "1", "0.5", "0.123" in thousandths; what is no weight is 0. */
static int weight_of(struct slice text) {
    if (text.length == 0 || text.length > 5 || (text.data[0] != '0' && text.data[0] != '1') ||
        (text.length > 1 && text.data[1] != '.')) {
        return 0;
    }
    int weight = (text.data[0] - '0') * WHOLE;
    int place = WHOLE / 10;
    for (size_t i = 2; i < text.length; i++, place /= 10) {
        if (text.data[i] < '0' || text.data[i] > '9') {
            return 0;
        }
        weight += (text.data[i] - '0') * place;
    }
    return weight <= WHOLE ? weight : 0;
}

static void read_element(struct slice element, int weights[WEIGHTS]) {
    const char *semicolon = memchr(element.data, ';', element.length);
    size_t length = semicolon == NULL ? element.length : (size_t)(semicolon - element.data);
    int index = index_of(slice_trim(slice_of(element.data, length)));
    if (index == UNKNOWN) {
        return;
    }
    weights[index] = WHOLE;
    if (semicolon != NULL) {
        struct slice parameter = slice_trim(slice_without_front(element, length + 1));
        bool is_weight = parameter.length > 2 && slice_lower(parameter.data[0]) == 'q' &&
                         parameter.data[1] == '=';
        weights[index] = is_weight ? weight_of(slice_without_front(parameter, 2)) : 0;
    }
}

static void read_weights(const struct http_request_head *head, int weights[WEIGHTS]) {
    for (int i = 0; i < WEIGHTS; i++) {
        weights[i] = UNKNOWN;
    }
    for (size_t i = 0; i < head->header_count; i++) {
        if (slice_equals(head->headers[i].name, SLICE_LITERAL("accept-encoding"))) {
            struct slice list = head->headers[i].value;
            for (;;) {
                struct slice element = header_next_element(&list);
                if (element.length == 0) {
                    break;
                }
                read_element(element, weights);
            }
        }
    }
}

/* Puts the coding behind those of at least its weight. */
static void insert(enum content_coding *codings, unsigned count, enum content_coding coding,
                   const int *weights) {
    unsigned place = count;
    for (; place > 0 && weights[codings[place - 1]] < weights[coding]; place--) {
        codings[place] = codings[place - 1];
    }
    codings[place] = coding;
}

unsigned content_coding_choose(const struct http_request_head *head,
                               enum content_coding codings[CODING_COUNT]) {
    int weights[WEIGHTS];
    unsigned count = 0;
    read_weights(head, weights);
    for (int i = 0; i < CODING_COUNT; i++) {
        if (weights[i] == UNKNOWN) {
            weights[i] = weights[WILDCARD];
        }
        if (weights[i] > 0 && weights[i] >= weights[CODING_IDENTITY]) {
            insert(codings, count++, (enum content_coding)i, weights);
        }
    }
    return count;
}
