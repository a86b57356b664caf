/* A hub on a thread of its own, with an event loop of its own: it never waits for Python.
 *
 *   started --stop--> stopping --the last connection closed--> joined
 */
#ifndef CASGI_HUB_HUB_THREAD_H
#define CASGI_HUB_HUB_THREAD_H

#include "hub/hub.h"
#include "hub/hub_socket.h"

struct hub_thread;

/* Listens at `path` (*borrows* the text for life) and serves it. Returns new thread; NULL with
 * *error, a negative errno. */
struct hub_thread *hub_thread_start(const char *path, const struct hub_socket_options *options,
                                    int *error);

/* Closes all connections, joins the thread, removes the path and frees everything. Waits. */
void hub_thread_stop(struct hub_thread *thread);

/* In a forked child, which does not have the thread: forgets it; the path stays the parent's. */
void hub_thread_leave_to_parent(struct hub_thread *thread);

/* The counts, for any thread; *borrowed* until the stop. */
const struct hub_metrics *hub_thread_metrics(const struct hub_thread *thread);

#endif
