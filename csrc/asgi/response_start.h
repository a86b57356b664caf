/* The head of a response as an ASGI message gave it (http.response.start, websocket.accept),
 * checked, and kept until the first body shows how long it is. Owns references to the bytes objects
 * whose memory its slices point into. */
#ifndef CASGI_ASGI_RESPONSE_START_H
#define CASGI_ASGI_RESPONSE_START_H

#include "asgi/bridge.h"
#include "http/response_head.h"

struct response_start {
    struct http_response_head head;
    struct http_response_facts facts;
    PyObject **keepers; /* the bytes objects: name, value, name, value ... */
    size_t keeper_count;
};

/* Reads message["headers"] (an iterable of pairs of bytes, maybe absent) into a new response_start
 * with `status`. NULL with TypeError or ValueError naming the header that is not allowed. Freed
 * with response_start_free(). */
struct response_start *response_start_new(struct bridge *bridge, PyObject *message, int status);

/* NULL is allowed. */
void response_start_free(struct response_start *start);

#endif
