/* The hub: groups and channels for all processes of a host, on one event loop of its own.
 *
 * Every process is a peer (hub_peer.h) on one connection. Topics and channels belong to a project,
 * which the peers name in their hello: projects do not hear each other. Knows nothing of groups,
 * layers and WebSockets: topics are bytes. Everything but the metrics belongs to the loop's thread.
 */
#ifndef CASGI_HUB_HUB_H
#define CASGI_HUB_HUB_H

#include "hub/hub_channels.h"
#include "hub/hub_metrics.h"
#include "net/listener.h"
#include "net/timer.h"
#include "server/groups.h"

struct hub_project {
    struct list link;
    struct groups topics; /* whose members are peers */
    struct hub_channels channels;
    struct slice name;
    char bytes[]; /* what name points at */
};

struct hub {
    struct event_loop *loop;   /* borrowed */
    struct listener *listener; /* NULL once it is stopping */
    struct list projects;      /* of struct hub_project; kept, since messages may wait in them */
    struct list peers;         /* of struct hub_peer */
    struct list paused;        /* of struct hub_peer: not read until another one has caught up */
    size_t peer_count, project_count;
    uint32_t last_peer; /* the number of the peer that came last */
    struct timer sweep;
    struct hub_metrics metrics;
};

/* Returns new hub that accepts from `descriptor`, a listening unix socket (*borrows*: it is
 * duplicated), on `loop` (*borrows* for life); NULL with *error, a negative libuv error code. */
struct hub *hub_new(struct event_loop *loop, int descriptor, int *error);

/* Returns the project of this name, *borrowed* from the hub; NULL when it is one too many, or
 * without memory. */
struct hub_project *hub_project(struct hub *hub, struct slice name);

/* Stops listening and closes all connections, which takes turns of the loop. Idempotent. */
void hub_close(struct hub *hub);

/* True when it was closed and the last connection is gone. */
bool hub_is_closed(const struct hub *hub);

/* Frees the hub, which must be closed. */
void hub_free(struct hub *hub);

#endif
