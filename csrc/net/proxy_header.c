/* Reading the two versions, which their first byte tells apart. Owns nothing. */
#include "net/proxy_header.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

static const char TEXT_START[] = "PROXY ";
static const char BINARY_START[] = "\r\n\r\n\0\r\nQUIT\n";

enum {
    TEXT_START_LENGTH = sizeof(TEXT_START) - 1,
    BINARY_START_LENGTH = sizeof(BINARY_START) - 1,
    TEXT_MOST = 107, /* with CR LF, as the protocol says */
    BINARY_FIXED = 16,
    LENGTH_OFFSET = 14,
    VERSION_2 = 2,
    COMMAND_LOCAL = 0,
    COMMAND_PROXY = 1,
    TCP_OVER_IPV4 = 0x11,
    TCP_OVER_IPV6 = 0x21,
    UNIX_STREAM = 0x31,
    UNSPECIFIED = 0x00,
};

/* --- Version 1 --- */

/* Takes a word off *line, and the one space behind it. */
static struct slice take_word(struct slice *line) {
    const char *space = memchr(line->data, ' ', line->length);
    size_t length = space != NULL ? (size_t)(space - line->data) : line->length;
    struct slice word = slice_of(line->data, length);
    *line = slice_without_front(*line, space != NULL ? length + 1 : length);
    return word;
}

/* Reads an address of this family, and of no other, without a port. */
static bool read_address(struct address *address, enum address_family family, struct slice text) {
    struct in6_addr binary;
    char copy[INET6_ADDRSTRLEN];
    if (text.length == 0 || text.length >= sizeof(copy) ||
        memchr(text.data, '\0', text.length) != NULL) {
        return false;
    }
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    int kernel_family = family == ADDRESS_INET ? AF_INET : AF_INET6;
    if (inet_pton(kernel_family, copy, &binary) != 1) {
        return false;
    }
    address->family = family;
    inet_ntop(kernel_family, &binary, address->host, sizeof(address->host));
    return true;
}

static bool read_port(struct address *address, struct slice text) {
    bool has_leading_zero = text.length > 1 && text.data[0] == '0';
    return text.length > 0 && !has_leading_zero && address_parse_port(&address->port, text);
}

/* "TCP4 192.0.2.1 198.51.100.1 56324 443", or "UNKNOWN" and whatever comes. */
static bool read_line(struct proxy_header *header, struct slice line) {
    struct slice protocol = take_word(&line);
    if (slice_equals(protocol, SLICE_LITERAL("UNKNOWN"))) {
        return true;
    }
    bool is_ipv6 = slice_equals(protocol, SLICE_LITERAL("TCP6"));
    if (!is_ipv6 && !slice_equals(protocol, SLICE_LITERAL("TCP4"))) {
        return false;
    }
    enum address_family family = is_ipv6 ? ADDRESS_INET6 : ADDRESS_INET;
    struct address source = {0}, destination = {0};
    if (!read_address(&source, family, take_word(&line)) ||
        !read_address(&destination, family, take_word(&line)) ||
        !read_port(&source, take_word(&line)) || !read_port(&destination, line)) {
        return false;
    }
    header->source = source;
    header->destination = destination;
    return true;
}

/* Looks at the line with one byte more. */
static enum proxy_header_result look_at_text(struct proxy_header *header) {
    if (header->length <= TEXT_START_LENGTH) {
        return memcmp(header->bytes, TEXT_START, header->length) == 0 ? PROXY_HEADER_WAITING
                                                                      : PROXY_HEADER_INVALID;
    }
    if (header->bytes[header->length - 1] != '\n') {
        return header->length < TEXT_MOST ? PROXY_HEADER_WAITING : PROXY_HEADER_INVALID;
    }
    if (header->bytes[header->length - 2] != '\r') {
        return PROXY_HEADER_INVALID;
    }
    struct slice line = slice_of((const char *)header->bytes + TEXT_START_LENGTH,
                                 header->length - TEXT_START_LENGTH - 2);
    return read_line(header, line) ? PROXY_HEADER_WHOLE : PROXY_HEADER_INVALID;
}

/* --- Version 2 --- */

static size_t announced_length(const struct proxy_header *header) {
    return (size_t)(header->bytes[LENGTH_OFFSET] << 8 | header->bytes[LENGTH_OFFSET + 1]);
}

/* Returns the bytes that the addresses of a family and transport take; SIZE_MAX for one that can
 * not be that of our connection. */
static size_t addresses_length(uint8_t family) {
    switch (family) {
    case UNSPECIFIED:
        return 0;
    case TCP_OVER_IPV4:
        return 12;
    case TCP_OVER_IPV6:
        return 36;
    case UNIX_STREAM:
        return 216;
    default:
        return SIZE_MAX;
    }
}

static uint8_t version_of(const struct proxy_header *header) {
    return header->bytes[12] >> 4;
}

static uint8_t command_of(const struct proxy_header *header) {
    return header->bytes[12] & 0xF;
}

/* A check of the proxy's own may come from nowhere: of LOCAL nothing else is looked at. */
static bool is_fixed_part_right(const struct proxy_header *header) {
    if (version_of(header) != VERSION_2) {
        return false;
    }
    return command_of(header) == COMMAND_LOCAL ||
           (command_of(header) == COMMAND_PROXY &&
            addresses_length(header->bytes[13]) <= announced_length(header));
}

static void address_of_ipv4(struct address *address, const uint8_t *host, const uint8_t *port) {
    struct sockaddr_in name = {.sin_family = AF_INET};
    memcpy(&name.sin_addr, host, 4);
    memcpy(&name.sin_port, port, 2);
    address_from_kernel(address, (const struct sockaddr *)&name, sizeof(name));
}

static void address_of_ipv6(struct address *address, const uint8_t *host, const uint8_t *port) {
    struct sockaddr_in6 name = {.sin6_family = AF_INET6};
    memcpy(&name.sin6_addr, host, 16);
    memcpy(&name.sin6_port, port, 2);
    address_from_kernel(address, (const struct sockaddr *)&name, sizeof(name));
}

static void read_addresses(struct proxy_header *header) {
    const uint8_t *at = header->bytes + BINARY_FIXED;
    if (command_of(header) == COMMAND_PROXY && header->bytes[13] == TCP_OVER_IPV4) {
        address_of_ipv4(&header->source, at, at + 8);
        address_of_ipv4(&header->destination, at + 4, at + 10);
    } else if (command_of(header) == COMMAND_PROXY && header->bytes[13] == TCP_OVER_IPV6) {
        address_of_ipv6(&header->source, at, at + 32);
        address_of_ipv6(&header->destination, at + 16, at + 34);
    }
}

/* Looks at the header with one byte more. */
static enum proxy_header_result look_at_binary(struct proxy_header *header) {
    size_t length = header->length + header->passed_over;
    if (length <= BINARY_START_LENGTH) {
        return memcmp(header->bytes, BINARY_START, length) == 0 ? PROXY_HEADER_WAITING
                                                                : PROXY_HEADER_INVALID;
    }
    if (length < BINARY_FIXED) {
        return PROXY_HEADER_WAITING;
    }
    if (length == BINARY_FIXED && !is_fixed_part_right(header)) {
        return PROXY_HEADER_INVALID;
    }
    if (length < BINARY_FIXED + announced_length(header)) {
        return PROXY_HEADER_WAITING;
    }
    read_addresses(header);
    return PROXY_HEADER_WHOLE;
}

enum proxy_header_result proxy_header_feed(struct proxy_header *header, struct slice *bytes) {
    enum proxy_header_result result = PROXY_HEADER_WAITING;
    while (result == PROXY_HEADER_WAITING && bytes->length > 0) {
        if (header->length < sizeof(header->bytes)) {
            header->bytes[header->length++] = (uint8_t)bytes->data[0];
        } else {
            header->passed_over++;
        }
        *bytes = slice_without_front(*bytes, 1);
        result = header->bytes[0] == (uint8_t)BINARY_START[0] ? look_at_binary(header)
                                                              : look_at_text(header);
    }
    return result;
}
