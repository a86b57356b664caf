/* A listening socket. Owns its duplicate of the descriptor; the streams it accepts are the server's
 * from on_accept() on.
 *
 * It polls the descriptor and calls accept(2) itself: libuv's own listener, out of descriptors,
 * accepts and drops whoever waits, and goes on until none is left. Here they wait in the kernel
 * until there is room, and a burst of connections does not keep the open ones from being served. */
#include "net/listener.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/counters.h"
#include "base/memory.h"
#include "net/event_loop_internal.h"
#include "net/timer.h"

/* Connections taken before the others get their turn. */
enum { ACCEPTS_PER_TURN = 64 };

/* Long enough not to spin, short enough not to be felt: what is missing is freed by somebody else.
 */
#define PAUSE_SECONDS 0.1

/* As long as others need to be woken; nobody should wait for them longer if they are not. */
#define YIELD_SECONDS 0.001

struct listener {
    uv_poll_t poll;
    struct timer pause;
    struct event_loop *loop;
    const struct stream_factory *factory;
    const struct listener_events *events;
    void *owner;
    listener_route route;
    void *route_owner;
    int descriptor;
    int family;
    bool closing;
};

static int accept_connection(int descriptor) {
#ifdef __linux__
    return accept4(descriptor, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
#else
    int accepted = accept(descriptor, NULL, NULL);
    if (accepted >= 0) {
        fcntl(accepted, F_SETFD, FD_CLOEXEC);
    }
    return accepted;
#endif
}

/* accept(2): an error of the connection that was to be accepted says nothing about the next. */
static bool is_of_the_connection(int error) {
    return error == EINTR || error == ECONNABORTED || error == EPROTO;
}

static void pause_accepting(struct listener *listener, double seconds) {
    uv_poll_stop(&listener->poll);
    timer_start(listener->loop, &listener->pause, seconds);
}

void listener_yield(struct listener *listener) {
    if (!listener->closing) {
        pause_accepting(listener, YIELD_SECONDS);
    }
}

static bool is_accepting(const struct listener *listener) {
    return !listener->closing && !timer_is_running(&listener->pause);
}

void listener_take(struct listener *listener, int descriptor) {
    struct stream *stream =
        listener->factory->make(listener->factory, listener->loop, listener->family, descriptor);
    if (stream != NULL) {
        listener->events->on_accept(listener->owner, stream);
    }
}

static void hand_up(struct listener *listener, int descriptor) {
    if (listener->route == NULL || !listener->route(listener->route_owner, listener, descriptor)) {
        listener_take(listener, descriptor);
    }
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    struct listener *listener = poll->data;
    event_loop_wake(listener->loop);
    for (int i = 0; i < ACCEPTS_PER_TURN && is_accepting(listener); i++) {
        int descriptor = accept_connection(listener->descriptor);
        if (descriptor >= 0) {
            hand_up(listener, descriptor);
        } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
            return;
        } else if (!is_of_the_connection(errno)) {
            int error = errno;
            pause_accepting(listener, PAUSE_SECONDS);
            listener->events->on_exhausted(listener->owner, error);
            return;
        }
    }
}

static void on_pause_over(struct timer *timer) {
    struct listener *listener = LIST_OBJECT(timer, struct listener, pause);
    uv_poll_start(&listener->poll, UV_READABLE, on_readable);
}

static void on_closed(uv_handle_t *handle) {
    struct listener *listener = handle->data;
    event_loop_wake(listener->loop);
    memory_free(listener);
    counters_closed(COUNTER_listeners);
}

/* A socket that was passed to us listening already keeps the backlog that its owner has given it.
 */
static bool is_listening(int descriptor) {
    int value = 0;
    socklen_t length = sizeof(value);
    return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &value, &length) == 0 && value != 0;
}

/* Returns 0 or a negative libuv error code; the duplicate is the listener's in any case. */
static int start_listening(struct listener *listener, int descriptor, int backlog) {
    struct sockaddr_storage name;
    socklen_t length = sizeof(name);
    if (getsockname(descriptor, (struct sockaddr *)&name, &length) != 0) {
        return uv_translate_sys_error(errno);
    }
    listener->family = name.ss_family;
    listener->descriptor = fcntl(descriptor, F_DUPFD_CLOEXEC, 3);
    if (listener->descriptor < 0 ||
        (!is_listening(listener->descriptor) && listen(listener->descriptor, backlog) != 0)) {
        return uv_translate_sys_error(errno);
    }
    return uv_poll_init(event_loop_uv(listener->loop), &listener->poll, listener->descriptor);
}

struct listener *listener_new(struct event_loop *loop, int descriptor, int backlog,
                              const struct stream_factory *factory,
                              const struct listener_events *events, void *owner, int *error) {
    struct listener *listener = memory_allocate_zeroed(sizeof(*listener));
    if (listener == NULL) {
        *error = UV_ENOMEM;
        return NULL;
    }
    listener->loop = loop;
    listener->factory = factory;
    listener->events = events;
    listener->owner = owner;
    listener->descriptor = -1;
    timer_init(&listener->pause, on_pause_over);
    *error = start_listening(listener, descriptor, backlog);
    if (*error != 0) {
        if (listener->descriptor >= 0) {
            close(listener->descriptor);
        }
        memory_free(listener);
        return NULL;
    }
    listener->poll.data = listener;
    uv_poll_start(&listener->poll, UV_READABLE, on_readable);
    counters_opened(COUNTER_listeners);
    loop->open_handles++;
    event_loop_want_turn(loop);
    return listener;
}

void listener_set_route(struct listener *listener, listener_route route, void *owner) {
    listener->route = route;
    listener->route_owner = owner;
}

void listener_close(struct listener *listener) {
    listener->closing = true;
    listener->loop->open_handles--;
    timer_stop(&listener->pause);
    uv_close((uv_handle_t *)&listener->poll, on_closed);
    close(listener->descriptor);
    event_loop_want_turn(listener->loop);
}

const char *listener_error_text(int error) {
    return uv_strerror(error);
}
