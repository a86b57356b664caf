/* The response to an exchange as ASGI messages build it: of an HTTP request, or in the place of a
 * WebSocket's accept.
 *
 *   NOTHING --start--> STARTED (kept) --first body--> BEGUN (on the wire) --last body--> COMPLETE
 *       or, when the start has announced them: BEGUN --last body--> TRAILERS --trailers--> COMPLETE
 *
 * A body is bytes or files. The head is kept until the first body, so that a response of one piece
 * gets its Content-Length and leaves in one write. */
#ifndef CASGI_ASGI_RESPONSE_H
#define CASGI_ASGI_RESPONSE_H

#include "asgi/response_start.h"
#include "server/exchange.h"

enum response_state {
    RESPONSE_NOTHING,
    RESPONSE_STARTED,
    RESPONSE_BEGUN,
    RESPONSE_TRAILERS,
    RESPONSE_COMPLETE
};

struct response {
    struct bridge *bridge;
    struct exchange *exchange; /* borrowed; NULL when over: its owner resets it in on_end() */
    struct response_start *start;
    PyObject *trailers;  /* a list of those that came already; NULL: none */
    size_t trailer_size; /* of all that came; more than the limit: they cannot be sent any more */
    enum response_state state;
    bool takes_trailers; /* "trailers" of the start is looked at */
    bool has_trailers;   /* they follow the body */
};

void response_init(struct response *response, struct bridge *bridge, struct exchange *exchange);

/* Takes http.response.start (or websocket.http.response.start). Returns -1 with an exception. */
int response_take_start(struct response *response, PyObject *message);

/* Takes http.response.body. Returns STATUS_OK; STATUS_CLOSED, when nobody listens any more; another
 * status with an exception. */
int response_take_body(struct response *response, PyObject *message);

/* As response_take_body() of http.response.pathsend, which is a whole body, and of
 * http.response.zerocopysend, a part of one. */
int response_take_path(struct response *response, PyObject *message);
int response_take_file(struct response *response, PyObject *message);

/* Takes http.response.trailers. Statuses as response_take_body(). */
int response_take_trailers(struct response *response, PyObject *message);

/* Takes http.response.early_hint, which is ignored once the head has left. Statuses as above. */
int response_take_hint(struct response *response, PyObject *message);

/* Something of the response is on the wire, and more has to follow. */
static inline bool response_is_under_way(const struct response *response) {
    return response->state == RESPONSE_BEGUN || response->state == RESPONSE_TRAILERS;
}

/* The client takes less than is sent; false when the exchange is over. */
static inline bool response_is_congested(const struct response *response) {
    return response->exchange != NULL && exchange_is_congested(response->exchange);
}

/* Ends a response that will not be completed: 500 while nothing was sent, a cut connection
 * afterwards, so that the client gets no half answer that looks whole. Nothing when it is complete.
 */
void response_fail(struct response *response);

/* Ends a response whose client has left, such that nothing more of it is sent, or logged as sent.
 * Nothing when it is complete. */
void response_drop(struct response *response);

/* Frees what is kept. */
void response_release(struct response *response);

#endif
