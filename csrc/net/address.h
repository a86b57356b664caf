/* One end of a socket, in the form in which an ASGI scope and a log line want it. */
#ifndef CASGI_NET_ADDRESS_H
#define CASGI_NET_ADDRESS_H

#include <stdint.h>
#include <sys/socket.h>

#include "base/slice.h"

enum address_family { ADDRESS_NONE, ADDRESS_INET, ADDRESS_INET6, ADDRESS_UNIX };

struct address {
    enum address_family family;
    uint16_t port;  /* host byte order; 0 for unix */
    char host[110]; /* text of the IP address (IPv6 with its zone, e.g. fe80::1%eth0), or the path
                       of the unix socket, empty when it has none (as clients'); an abstract unix
                       name starts with '@'; NUL-terminated */
};

/* Fills `address` from what the kernel says of a socket; ADDRESS_NONE when it says
 * nothing, or of an unknown family. *Borrows*. */
void address_from_kernel(struct address *address, const struct sockaddr *from, socklen_t length);

/* Reads the text of an IP address, with or without a port: "192.0.2.1:80", "2001:db8::1",
 * "[2001:db8::1]:80". Without one it is 0. Returns false, *address being untouched, when the text
 * is anything else. */
bool address_parse(struct address *address, struct slice text);

/* Reads a port, of digits only; returns false, *port being untouched, when the text is none. */
bool address_parse_port(uint16_t *port, struct slice text);

#endif
