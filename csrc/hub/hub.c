/* The hub's listener, its peers and projects. Owns them; a peer goes with its connection. */
#include "hub/hub.h"

#include <errno.h>

#include "base/limits.h"
#include "base/memory.h"
#include "hub/hub_peer.h"
#include "hub/hub_socket.h"
#include "net/socket_stream.h"

static void on_accept(void *owner, struct stream *stream) {
    hub_peer_accept(owner, stream);
}

/* The process has no descriptor left, which the server in it says; who waits for this hub is told
 * by its own time-out. */
static void on_exhausted(void *owner, int error) {
    (void)owner;
    (void)error;
}

static const struct listener_events listener_events = {
    .on_accept = on_accept,
    .on_exhausted = on_exhausted,
};

static void sweep(struct timer *timer) {
    struct hub *hub = LIST_OBJECT(timer, struct hub, sweep);
    for (struct list *link = hub->projects.next; link != &hub->projects; link = link->next) {
        struct hub_project *project = LIST_OBJECT(link, struct hub_project, link);
        hub_channels_sweep(&project->channels, event_loop_now(hub->loop));
    }
    timer_start(hub->loop, timer, LIMIT_HUB_SWEEP_SECONDS);
}

struct hub *hub_new(struct event_loop *loop, int descriptor, int *error) {
    struct hub *hub = memory_allocate_zeroed(sizeof(*hub));
    if (hub == NULL) {
        *error = -ENOMEM;
        return NULL;
    }
    hub->loop = loop;
    list_init(&hub->projects);
    list_init(&hub->peers);
    list_init(&hub->paused);
    timer_init(&hub->sweep, sweep);
    hub->listener = listener_new(loop, descriptor, HUB_SOCKET_BACKLOG, &socket_stream_factory,
                                 &listener_events, hub, error);
    if (hub->listener == NULL) {
        memory_free(hub);
        return NULL;
    }
    timer_start(loop, &hub->sweep, LIMIT_HUB_SWEEP_SECONDS);
    return hub;
}

/* --- Projects --- */

static struct hub_project *find_project(struct hub *hub, struct slice name) {
    for (struct list *link = hub->projects.next; link != &hub->projects; link = link->next) {
        struct hub_project *project = LIST_OBJECT(link, struct hub_project, link);
        if (slice_equals(project->name, name)) {
            return project;
        }
    }
    return NULL;
}

/* The bus of a project's topics: counts them. */
static void on_join(void *owner, struct member *member, struct slice topic, bool is_first) {
    (void)member;
    (void)topic;
    hub_metrics_add(&((struct hub *)owner)->metrics, HUB_METRIC_topics, is_first);
}

static void on_leave(void *owner, struct member *member, struct slice topic, bool is_last) {
    (void)member;
    (void)topic;
    hub_metrics_add(&((struct hub *)owner)->metrics, HUB_METRIC_topics, -(int)is_last);
}

static const struct group_bus_ops counting = {.on_join = on_join, .on_leave = on_leave};

struct hub_project *hub_project(struct hub *hub, struct slice name) {
    struct hub_project *project = find_project(hub, name);
    if (project != NULL || hub->project_count >= LIMIT_HUB_PROJECTS) {
        return project;
    }
    project = memory_allocate_zeroed(sizeof(*project) + name.length);
    if (project == NULL) {
        return NULL;
    }
    memcpy(project->bytes, name.data, name.length);
    project->name = slice_of(project->bytes, name.length);
    groups_init(&project->topics, (struct group_bus){&counting, hub});
    hub_channels_init(&project->channels, &project->topics, &hub->metrics, hub_peer_give);
    list_append(&hub->projects, &project->link);
    hub->project_count++;
    return project;
}

/* --- The end --- */

void hub_close(struct hub *hub) {
    if (hub->listener != NULL) {
        listener_close(hub->listener);
        hub->listener = NULL;
        timer_stop(&hub->sweep);
    }
    for (struct list *link = hub->peers.next; link != &hub->peers; link = link->next) {
        hub_peer_close(LIST_OBJECT(link, struct hub_peer, link));
    }
}

bool hub_is_closed(const struct hub *hub) {
    return hub->listener == NULL && list_is_empty(&hub->peers);
}

void hub_free(struct hub *hub) {
    while (!list_is_empty(&hub->projects)) {
        struct hub_project *project = LIST_OBJECT(hub->projects.next, struct hub_project, link);
        list_remove(&project->link);
        hub_channels_release(&project->channels);
        groups_release(&project->topics);
        memory_free(project);
    }
    memory_free(hub);
}
