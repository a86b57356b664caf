/* What proxies' headers say, of any bytes that a header's value may have: the address is one, and
 * the host is a part of a value that is a host.
 *
 * The first byte chooses what is read, and whom is trusted. Each line after it is a header, whose
 * first byte names it. */
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"
#include "http/header_rules.h"
#include "server/forwarded.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HEADERS = 16 };

static const char *const names[] = {"forwarded",         "x-forwarded-for",  "x-forwarded-port",
                                    "x-forwarded-proto", "x-forwarded-host", "daphne-root-path"};
static const char *const networks[] = {"*", "10.0.0.0/8,::1", ""};

static void require(bool holds) {
    if (!holds) {
        abort();
    }
}

/* The value is a copy of its own, so that the sanitizer sees a byte read too far. */
static struct http_header header_of(struct slice line, char **copy) {
    const char *name = names[(uint8_t)line.data[0] % (sizeof(names) / sizeof(names[0]))];
    struct slice value = slice_trim(slice_of(line.data + 1, line.length - 1));
    *copy = malloc(value.length);
    require(*copy != NULL || value.length == 0);
    for (size_t i = 0; i < value.length; i++) {
        bool is_refused_before = value.data[i] == '\0' || value.data[i] == '\r';
        (*copy)[i] = is_refused_before ? ' ' : value.data[i];
    }
    return (struct http_header){slice_of(name, strlen(name)), slice_of(*copy, value.length)};
}

static size_t read_headers(struct slice lines, struct http_header *headers, char **copies) {
    size_t count = 0;
    while (lines.length > 0 && count < HEADERS) {
        const char *end = memchr(lines.data, '\n', lines.length);
        size_t length = end != NULL ? (size_t)(end - lines.data) : lines.length;
        if (length > 0) {
            headers[count] = header_of(slice_of(lines.data, length), &copies[count]);
            count++;
        }
        lines = slice_without_front(lines, end != NULL ? length + 1 : length);
    }
    return count;
}

static void check_client(const struct address *client) {
    struct address again;
    if (client->family == ADDRESS_NONE) {
        return;
    }
    require(client->family == ADDRESS_INET || client->family == ADDRESS_INET6);
    require(address_parse(&again, slice_of(client->host, strlen(client->host))));
    require(again.family == client->family && strcmp(again.host, client->host) == 0);
}

static bool is_within(struct slice part, const struct http_header *headers, size_t count) {
    for (size_t i = 0; i < count; i++) {
        struct slice value = headers[i].value;
        if (part.data >= value.data && part.data + part.length <= value.data + value.length) {
            return true;
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) {
        return 0;
    }
    struct forwarding forwarding = {.address_header = "x-forwarded-for",
                                    .port_header = "x-forwarded-port",
                                    .reads_forwarded = (data[0] & 1) != 0,
                                    .takes_host = (data[0] & 2) != 0};
    struct network_list trusted;
    require(network_list_parse(&trusted, networks[(data[0] >> 2) % 3]) == STATUS_OK);
    struct http_header headers[HEADERS];
    char *copies[HEADERS];
    size_t count = read_headers(slice_of((const char *)data + 1, size - 1), headers, copies);
    struct http_request_head head = {.headers = headers, .header_count = count};
    struct forwarded *forwarded = forwarded_new(&forwarding, &trusted, &head);
    if (forwarded != NULL) {
        check_client(&forwarded->client);
        require(forwarded->host.length == 0 ||
                (is_within(forwarded->host, headers, count) && header_is_host(forwarded->host)));
    }
    memory_free(forwarded);
    (void)forwarded_root_path(&head);
    network_list_release(&trusted);
    for (size_t i = 0; i < count; i++) {
        free(copies[i]);
    }
    return 0;
}
