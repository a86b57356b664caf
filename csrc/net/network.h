/* IP networks, and whether an address is in one of them. */
#ifndef CASGI_NET_NETWORK_H
#define CASGI_NET_NETWORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "net/address.h"

/* One network, as IPv6 has it: IPv4 addresses are ::ffff:0:0/96 (RFC 4291 section 2.5.5.2), as the
 * kernel shows them on a socket of both. */
struct network {
    uint8_t bytes[16];
    unsigned prefix; /* bits that count, 0 to 128 */
};

struct network_list {
    struct network *networks; /* owned */
    size_t count;
};

/* Fills *list from addresses and networks with commas between them ("127.0.0.1,10.0.0.0/8,::1"), or
 * "*" for everything; an empty text is an empty list. *Borrows* text. STATUS_OK, STATUS_INVALID or
 * STATUS_NO_MEMORY, then with an empty list. */
int network_list_parse(struct network_list *list, const char *text);

/* Whether the address is in one of the networks; never when it is no IP address. */
bool network_list_has(const struct network_list *list, const struct address *address);

void network_list_release(struct network_list *list);

#endif
