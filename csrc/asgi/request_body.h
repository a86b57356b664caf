/* The body of a request on its way from the exchange to receive(): what has arrived and was not
 * received yet. Embedded in the cycle.
 *
 *   ARRIVING --last bytes--> COMPLETE --the application receives them--> RECEIVED */
#ifndef CASGI_ASGI_REQUEST_BODY_H
#define CASGI_ASGI_REQUEST_BODY_H

#include "base/buffer.h"
#include "state.h"

enum request_body_state { BODY_ARRIVING, BODY_COMPLETE, BODY_RECEIVED };

struct request_body {
    struct buffer bytes;
    enum request_body_state state;
    bool is_paused; /* reading was stopped, for there is enough */
};

void request_body_init(struct request_body *body);

/* Appends bytes (*borrows*). Returns a status. */
int request_body_append(struct request_body *body, struct slice bytes, bool is_last);

/* True when more has arrived than should wait. */
bool request_body_is_full(const struct request_body *body);

/* True when a part of the body, or its end, is there for receive(). */
bool request_body_has_event(const struct request_body *body);

/* Returns new http.request event with at most `most` bytes, or NULL with an exception, after which
 * the bytes are still there. */
PyObject *request_body_take(struct request_body *body, struct module_state *state, size_t most);

/* Frees what is kept. */
void request_body_release(struct request_body *body);

#endif
