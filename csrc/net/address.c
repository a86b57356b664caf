/* Socket addresses as text. Owns nothing, resolves nothing. */
#include "net/address.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
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
    address->family = ADDRESS_UNIX;
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
