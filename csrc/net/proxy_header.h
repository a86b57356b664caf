/* The header that a proxy puts before the first byte of a connection to say whose it is: the PROXY
 * protocol, version 1 (a line of text) and version 2 (binary). Bytes in, addresses out; no I/O.
 *
 * Strict, since who gets a header wrong could be anybody: what is neither version is refused at the
 * byte that shows it. What a proxy adds behind the addresses (type-length-values) is passed over.
 */
#ifndef CASGI_NET_PROXY_HEADER_H
#define CASGI_NET_PROXY_HEADER_H

#include "net/address.h"

/* The longest start that has to be kept: of version 2, with the addresses of unix sockets. */
#define PROXY_HEADER_KEPT_MAX 232

enum proxy_header_result {
    PROXY_HEADER_INVALID, /* read no further */
    PROXY_HEADER_WAITING, /* all input is used */
    PROXY_HEADER_WHOLE
};

/* Zeroed: nothing has come. */
struct proxy_header {
    uint8_t bytes[PROXY_HEADER_KEPT_MAX];
    size_t length;         /* bytes in it */
    size_t passed_over;    /* of what is longer */
    struct address source; /* the client; ADDRESS_NONE when the header names nobody: a check of */
    struct address destination; /* the proxy's own, or no IP. And where the client went to */
};

/* Takes bytes of the header off *bytes. After PROXY_HEADER_WHOLE the addresses are known, and what
 * is left of *bytes is the client's. */
enum proxy_header_result proxy_header_feed(struct proxy_header *header, struct slice *bytes);

#endif
