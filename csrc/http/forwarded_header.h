/* The elements of a Forwarded header (RFC 7239 section 4): what each proxy says of the request that
 * it got. Nothing is kept, nothing is allocated, nobody is believed here. */
#ifndef CASGI_HTTP_FORWARDED_HEADER_H
#define CASGI_HTTP_FORWARDED_HEADER_H

#include "base/slice.h"

/* Parameters without their quotes; empty where they are not given. */
struct forwarded_element {
    struct slice node; /* for: an address with or without a port, "unknown", or a name */
    struct slice proto;
    struct slice host;
};

/* Takes the next element off *rest (*borrows* from it); false at the end. Empty elements are passed
 * over. One that breaks the syntax, has a parameter twice, or a backslash in quotes, which no
 * address has, comes out empty, as does then all that is behind it. */
bool forwarded_header_next(struct slice *rest, struct forwarded_element *element);

#endif
