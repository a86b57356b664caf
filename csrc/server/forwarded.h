/* What the proxies in front say of a request: its client, by X-Forwarded-For, -Port and -Proto, or
 * headers of other names, as daphne's --proxy-headers has them, or by Forwarded (RFC 7239); which
 * host was asked for; and where we are mounted, by daphne's own header. Whom to believe is decided
 * by exchange.c. See docs/proxies.md. */
#ifndef CASGI_SERVER_FORWARDED_H
#define CASGI_SERVER_FORWARDED_H

#include "http/request_head.h"
#include "net/address.h"
#include "net/network.h"

enum { FORWARDING_NAME_ROOM = 64 };

/* Which headers are read. */
struct forwarding {
    char address_header[FORWARDING_NAME_ROOM]; /* lower case; empty: none is */
    char port_header[FORWARDING_NAME_ROOM];
    bool reads_forwarded; /* Forwarded, and none of the others */
    bool takes_host;      /* of X-Forwarded-Host, or Forwarded */
};

enum forwarded_scheme { FORWARDED_NO_SCHEME, FORWARDED_PLAIN, FORWARDED_SECURE };

struct forwarded {
    struct address client; /* ADDRESS_NONE when the headers do not say */
    enum forwarded_scheme scheme;
    struct slice host; /* *borrowed* from the head: valid as long; empty when the headers do not
                          say, or are not asked */
};

/* Returns new, with what the headers of a trusted peer say; NULL when they say nothing, or without
 * memory. *Borrows* all. Freed with memory_free().
 *
 * The client is the last hop that is not in `trusted`, or the first one of all: proxies append, and
 * what stands left of an untrusted hop is that one's own invention. Malformed values are ignored.
 * Of Forwarded scheme and host are those of the client's own element. Of lists in the others port
 * and scheme are those of the client's place; a host has to be the same in all of it.
 */
struct forwarded *forwarded_new(const struct forwarding *forwarding,
                                const struct network_list *trusted,
                                const struct http_request_head *head);

/* Returns the value of Daphne-Root-Path (*borrows*); data is NULL when there is none. */
struct slice forwarded_root_path(const struct http_request_head *head);

/* Whether a header (its name in lower case) is for the server, and none of the request's. */
bool forwarded_is_for_server(struct slice name);

#endif
