/* A listening socket: accepts, and hands each connection up as a stream.
 *
 * The descriptor is bound by the shim; the listener duplicates it, so that closing one does not
 * close the other. Out of descriptors (EMFILE, ENFILE) it pauses for a moment instead of spinning,
 * and says so.
 */
#ifndef CASGI_NET_LISTENER_H
#define CASGI_NET_LISTENER_H

#include "net/stream.h"

struct listener;

/* The events of which a listener notifies its owner. */
struct listener_events {
    /* A new connection. *Takes* the stream, to which nobody is attached yet: attach, then open or
     * close it. */
    void (*on_accept)(void *owner, struct stream *stream);
    /* Who waits cannot be accepted now, for want of what `error` (an errno) says. Comes anew with
     * each try. May close no listener. */
    void (*on_exhausted)(void *owner, int error);
};

/* Whether somebody else has the new connection: *takes* the descriptor if so. */
typedef bool (*listener_route)(void *owner, struct listener *listener, int descriptor);

/* Returns new listener on `descriptor` (a bound AF_INET, AF_INET6 or AF_UNIX stream socket;
 * *borrows*: it is duplicated), listening with `backlog` unless it listens already, or NULL with
 * *error set to a negative libuv error code. Its streams are made by `factory` (*borrows* it and
 * the events until it is freed). */
struct listener *listener_new(struct event_loop *loop, int descriptor, int backlog,
                              const struct stream_factory *factory,
                              const struct listener_events *events, void *owner, int *error);

/* Asks `route` (NULL: nobody any more) before a stream is made of a connection. `owner` is
 * *borrowed* for as long. */
void listener_set_route(struct listener *listener, listener_route route, void *owner);

/* Accepts nothing for a moment: what waits is for others who listen on the same socket, if they
 * come to it. */
void listener_yield(struct listener *listener);

/* Hands up a connection (*takes* it) as if it had been accepted here. */
void listener_take(struct listener *listener, int descriptor);

/* Stops accepting and frees the listener from the loop's next turn; on_accept is not called again.
 */
void listener_close(struct listener *listener);

/* Returns the text of a libuv error code, static. */
const char *listener_error_text(int error);

#endif
