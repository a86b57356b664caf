/* The PROXY protocol's header, fed whole, byte by byte and in pieces: all must say the same, take
 * the same bytes, and name addresses that are ones.
 *
 * The first byte seeds the pieces. */
#include <stdlib.h>
#include <string.h>

#include "net/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LONGEST_PIECE = 40 };

static void require(bool holds) {
    if (!holds) {
        abort();
    }
}

/* Feeds pieces of at most `longest` bytes, each a copy of its own, until the header has ended;
 * returns how many bytes it took. */
static size_t feed(struct proxy_header *header, enum proxy_header_result *result,
                   struct slice bytes, size_t longest, uint32_t seed) {
    size_t taken = 0;
    *result = PROXY_HEADER_WAITING;
    while (*result == PROXY_HEADER_WAITING && taken < bytes.length) {
        seed = seed * 1664525 + 1013904223;
        size_t length = 1 + (seed >> 8) % longest;
        length = length < bytes.length - taken ? length : bytes.length - taken;
        char *copy = malloc(length);
        require(copy != NULL);
        memcpy(copy, bytes.data + taken, length);
        struct slice left = slice_of(copy, length);
        *result = proxy_header_feed(header, &left);
        require(*result != PROXY_HEADER_WAITING || left.length == 0);
        taken += length - left.length;
        free(copy);
    }
    return taken;
}

static void check_address(const struct address *address) {
    require(address->family == ADDRESS_NONE || address->family == ADDRESS_INET ||
            address->family == ADDRESS_INET6);
    struct address again;
    size_t length = strnlen(address->host, sizeof(address->host));
    require(length < sizeof(address->host));
    if (address->family == ADDRESS_NONE) {
        require(length == 0 && address->port == 0);
        return;
    }
    require(address_parse(&again, slice_of(address->host, length)));
    require(again.family == address->family && strcmp(again.host, address->host) == 0);
}

static bool is_same(const struct address *one, const struct address *other) {
    return one->family == other->family && one->port == other->port &&
           strcmp(one->host, other->host) == 0;
}

/* What is a line has no byte that a reader might stop at. */
static void check_line(struct slice line, const struct proxy_header *header) {
    if (line.data[0] == 'P' && header->source.family != ADDRESS_NONE) {
        require(memchr(line.data, '\0', line.length) == NULL);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 2) {
        return 0;
    }
    static const size_t longest[] = {SIZE_MAX / 2, 1, LONGEST_PIECE};
    struct slice bytes = slice_of((const char *)data + 1, size - 1);
    struct proxy_header headers[3] = {0};
    enum proxy_header_result results[3];
    size_t taken[3];
    for (size_t i = 0; i < 3; i++) {
        size_t most = longest[i] < bytes.length ? longest[i] : bytes.length;
        taken[i] = feed(&headers[i], &results[i], bytes, most, data[0]);
        require(results[i] == results[0] && taken[i] == taken[0]);
        require(is_same(&headers[i].source, &headers[0].source));
        require(is_same(&headers[i].destination, &headers[0].destination));
    }
    require(results[0] == PROXY_HEADER_WHOLE || headers[0].source.family == ADDRESS_NONE);
    check_address(&headers[0].source);
    check_address(&headers[0].destination);
    check_line(slice_of(bytes.data, taken[0]), &headers[0]);
    return 0;
}
