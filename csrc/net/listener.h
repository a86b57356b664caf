/* A listening socket: accepts, and hands each connection up as a stream.
 *
 * The descriptor is bound by the shim; the listener duplicates it, so that closing one does not
 * close the other. Out of descriptors (EMFILE, ENFILE) it pauses for a moment instead of spinning.
 */
#ifndef CASGI_NET_LISTENER_H
#define CASGI_NET_LISTENER_H

#include "net/stream.h"

struct listener;

/* A new connection. *Takes* the stream, to which nobody is attached yet: attach, then open or close
 * it. */
typedef void (*listener_accept)(void *owner, struct stream *stream);

/* Whether somebody else has the new connection: *takes* the descriptor if so. */
typedef bool (*listener_route)(void *owner, const struct listener *listener, int descriptor);

/* Returns new listener on `descriptor` (a bound AF_INET, AF_INET6 or AF_UNIX stream socket;
 * *borrows*: it is duplicated), listening with `backlog` unless it listens already, or NULL with
 * *error set to a negative libuv error code. Its streams are made by `factory` (*borrows* until it
 * is freed). */
struct listener *listener_new(struct event_loop *loop, int descriptor, int backlog,
                              const struct stream_factory *factory, listener_accept on_accept,
                              void *owner, int *error);

/* Asks `route` (NULL: nobody any more) before a stream is made of a connection. `owner` is
 * *borrowed* for as long. */
void listener_set_route(struct listener *listener, listener_route route, void *owner);

/* Hands up a connection (*takes* it) as if it had been accepted here. */
void listener_take(struct listener *listener, int descriptor);

/* How often the listener has paused because accept(2) failed, mostly for want of descriptors. */
unsigned long listener_pauses(const struct listener *listener);

/* Stops accepting and frees the listener from the loop's next turn; on_accept is not called again.
 */
void listener_close(struct listener *listener);

/* Returns the text of a libuv error code, static. */
const char *listener_error_text(int error);

#endif
