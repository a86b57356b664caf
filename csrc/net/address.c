/* Socket addresses as text, and back. Owns nothing, resolves nothing. */
#include "net/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

static void from_inet(struct address *address, const struct sockaddr_in *from) {
    address->family = ADDRESS_INET;
    address->port = ntohs(from->sin_port);
    inet_ntop(AF_INET, &from->sin_addr, address->host, sizeof(address->host));
}

/* RFC 4007 section 11: a scoped address is followed by '%' and its zone. */
static void from_inet6(struct address *address, const struct sockaddr_in6 *from) {
    address->family = ADDRESS_INET6;
    address->port = ntohs(from->sin6_port);
    inet_ntop(AF_INET6, &from->sin6_addr, address->host, sizeof(address->host));
    if (from->sin6_scope_id != 0) {
        char zone[IF_NAMESIZE];
        if (if_indextoname(from->sin6_scope_id, zone) == NULL) {
            snprintf(zone, sizeof(zone), "%u", from->sin6_scope_id);
        }
        size_t length = strlen(address->host);
        snprintf(address->host + length, sizeof(address->host) - length, "%%%s", zone);
    }
}

/* unix(7): an abstract name begins with NUL and is as long as `length` says, a path ends at NUL or
 * at `length`. */
static void from_unix(struct address *address, const struct sockaddr_un *from, socklen_t length) {
    size_t offset = offsetof(struct sockaddr_un, sun_path);
    address->family = ADDRESS_UNIX;
    if (length <= offset) {
        return;
    }
    size_t name_length = length - offset;
    bool is_abstract = from->sun_path[0] == '\0';
    if (!is_abstract) {
        name_length = strnlen(from->sun_path, name_length);
    } else if (name_length == 1) {
        return;
    }
    if (name_length >= sizeof(address->host)) {
        name_length = sizeof(address->host) - 1;
    }
    memcpy(address->host, from->sun_path, name_length);
    address->host[name_length] = '\0';
    if (is_abstract) {
        address->host[0] = '@';
    }
}

void address_from_kernel(struct address *address, const struct sockaddr *from, socklen_t length) {
    address->family = ADDRESS_NONE;
    address->port = 0;
    address->host[0] = '\0';
    if (length < sizeof(from->sa_family)) {
        return;
    }
    if (from->sa_family == AF_INET) {
        from_inet(address, (const struct sockaddr_in *)from);
    } else if (from->sa_family == AF_INET6) {
        from_inet6(address, (const struct sockaddr_in6 *)from);
    } else if (from->sa_family == AF_UNIX) {
        from_unix(address, (const struct sockaddr_un *)from, length);
    }
}

bool address_parse_port(uint16_t *port, struct slice text) {
    unsigned number = 0;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || number > UINT16_MAX) {
            return false;
        }
        number = number * 10 + (unsigned)(text.data[i] - '0');
    }
    if (text.length == 0 || number > UINT16_MAX) {
        return false;
    }
    *port = (uint16_t)number;
    return true;
}

/* Cuts the port off "host:port" and "[host]:port", and the brackets; returns false when they do not
 * match. */
static bool split_port(struct slice *host, struct slice *port) {
    const char *colon = memchr(host->data, ':', host->length);
    size_t end = colon == NULL ? host->length : (size_t)(colon - host->data);
    size_t begin = 0;
    if (host->length > 0 && host->data[0] == '[') {
        const char *bracket = memchr(host->data, ']', host->length);
        if (bracket == NULL) {
            return false;
        }
        begin = 1;
        end = (size_t)(bracket - host->data);
    } else if (colon != NULL && memchr(colon + 1, ':', host->length - end - 1) != NULL) {
        return true; /* IPv6 without brackets has no port */
    }
    size_t behind = end + begin;
    *port = slice_of(host->data + behind, host->length - behind);
    *host = slice_of(host->data + begin, end - begin);
    if (port->length > 0 && port->data[0] == ':') {
        *port = slice_of(port->data + 1, port->length - 1);
        return port->length > 0;
    }
    return port->length == 0;
}

bool address_parse(struct address *address, struct slice text) {
    struct slice port = SLICE_EMPTY;
    bool has_brackets = text.length > 0 && text.data[0] == '[';
    struct address parsed = {.family = ADDRESS_NONE};
    char host[INET6_ADDRSTRLEN];
    unsigned char bytes[sizeof(struct in6_addr)];
    if (!split_port(&text, &port) || text.length >= sizeof(host) ||
        (port.length > 0 && !address_parse_port(&parsed.port, port))) {
        return false;
    }
    memcpy(host, text.data, text.length);
    host[text.length] = '\0';
    int family = !has_brackets && inet_pton(AF_INET, host, bytes) == 1 ? AF_INET : AF_INET6;
    if (family == AF_INET6 && inet_pton(AF_INET6, host, bytes) != 1) {
        return false;
    }
    parsed.family = family == AF_INET ? ADDRESS_INET : ADDRESS_INET6;
    inet_ntop(family, bytes, parsed.host, sizeof(parsed.host));
    *address = parsed;
    return true;
}
