/* Headers as the tuples (name, value) of a scope, those that come again and again made once: 5,000
 * idle WebSockets behind one proxy need not hold 5,000 times (b"host", b"example.org"). */
#ifndef CASGI_ASGI_HEADER_PAIRS_H
#define CASGI_ASGI_HEADER_PAIRS_H

#include "asgi/bridge.h"
#include "http/request_head.h"

/* Returns new reference to the pair of bytes of a header; NULL with an exception. */
PyObject *header_pairs_get(struct bridge *bridge, const struct http_header *header);

#endif
