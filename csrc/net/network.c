/* IP networks. Owns the list's memory, resolves no names. */
#include "net/network.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/status.h"

enum { LONGEST_NETWORK = INET6_ADDRSTRLEN + sizeof("/128"), IPV4_OFFSET = 96 };

/* Returns the number of bits an address of this kind has, 0 when the text is none. */
static unsigned parse_bytes(uint8_t bytes[16], const char *text) {
    static const uint8_t mapped[12] = {[10] = 0xFF, [11] = 0xFF};
    if (inet_pton(AF_INET, text, bytes + sizeof(mapped)) == 1) {
        memcpy(bytes, mapped, sizeof(mapped));
        return 32;
    }
    return inet_pton(AF_INET6, text, bytes) == 1 ? 128 : 0;
}

/* Reads what stands behind the '/', at most `most`; -1 when it is no number or too large. */
static int parse_prefix(const char *text, unsigned most) {
    size_t length = strspn(text, "0123456789");
    if (length == 0 || length > 3 || text[length] != '\0') {
        return -1;
    }
    int prefix = atoi(text);
    return (unsigned)prefix <= most ? prefix : -1;
}

static int parse_network(struct network *network, struct slice text) {
    char copy[LONGEST_NETWORK];
    if (text.length >= sizeof(copy)) {
        return STATUS_INVALID;
    }
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    char *slash = strchr(copy, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    unsigned bits = parse_bytes(network->bytes, copy);
    int prefix = slash == NULL ? (int)bits : parse_prefix(slash + 1, bits);
    if (bits == 0 || prefix < 0) {
        return STATUS_INVALID;
    }
    network->prefix = (unsigned)prefix + (bits == 32 ? IPV4_OFFSET : 0);
    return STATUS_OK;
}

static int parse_all(struct network_list *list, const char *text) {
    if (strcmp(text, "*") == 0) {
        list->networks[list->count++].prefix = 0;
        return STATUS_OK;
    }
    int status = STATUS_OK;
    while (*text != '\0' && status == STATUS_OK) {
        size_t length = strcspn(text, ",");
        status = parse_network(&list->networks[list->count++], slice_trim(slice_of(text, length)));
        text += length + (text[length] == ',');
    }
    return status;
}

int network_list_parse(struct network_list *list, const char *text) {
    size_t most = 1;
    for (const char *comma = strchr(text, ','); comma != NULL; comma = strchr(comma + 1, ',')) {
        most++;
    }
    list->count = 0;
    list->networks = memory_allocate_zeroed(most * sizeof(*list->networks));
    int status = list->networks == NULL ? STATUS_NO_MEMORY : parse_all(list, text);
    if (status != STATUS_OK) {
        network_list_release(list);
    }
    return status;
}

static bool has(const struct network *network, const uint8_t bytes[16]) {
    size_t whole = network->prefix / 8;
    unsigned rest = network->prefix % 8;
    return memcmp(network->bytes, bytes, whole) == 0 &&
           (rest == 0 || ((network->bytes[whole] ^ bytes[whole]) >> (8 - rest)) == 0);
}

bool network_list_has(const struct network_list *list, const struct address *address) {
    char host[sizeof(address->host)];
    uint8_t bytes[16];
    size_t length = strcspn(address->host, "%"); /* a zone is no part of the address */
    memcpy(host, address->host, length);
    host[length] = '\0';
    if (address->family == ADDRESS_UNIX || parse_bytes(bytes, host) == 0) {
        return false;
    }
    for (size_t i = 0; i < list->count; i++) {
        if (has(&list->networks[i], bytes)) {
            return true;
        }
    }
    return false;
}

void network_list_release(struct network_list *list) {
    memory_free(list->networks);
    *list = (struct network_list){NULL, 0};
}
