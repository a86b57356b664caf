/* Header names as bytes objects, the common ones made once: 5,000 idle WebSockets do not need 5,000
 * times b"host". */
#ifndef CASGI_ASGI_HEADER_NAMES_H
#define CASGI_ASGI_HEADER_NAMES_H

#include "asgi/bridge.h"
#include "base/slice.h"

/* Returns new reference to the bytes of a lower-case header name; NULL with an exception. */
PyObject *header_names_get(struct bridge *bridge, struct slice name);

#endif
