/* The head of a response as an ASGI message gave it (http.response.start, websocket.accept),
 * checked, and kept until the first body shows how long it is; and what else is a list of headers:
 * trailers and early hints. Owns references to the bytes objects whose memory its slices point
 * into. */
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

/* As response_start_new() for the fields behind a body, an iterable of pairs. */
struct response_start *response_trailers_of(PyObject *fields);

/* As response_start_new() for a 103 with a Link header for each of `links`, an iterable of bytes.
 */
struct response_start *response_hints_of(PyObject *links);

/* NULL is allowed. */
void response_start_free(struct response_start *start);

#endif
