/* Receiving descriptors. Owns its duplicate of the end; what comes is its owner's from
 * on_received() on. Never waits.
 *
 * What the process has no room for would be closed by the kernel: it stays where it is until there
 * is some, or somebody else takes it. */
#include "net/descriptor_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

#include "base/counters.h"
#include "base/memory.h"
#include "net/event_loop_internal.h"
#include "net/timer.h"

/* Between two attempts while the process has no descriptors left, as of a listener. */
#define PAUSE_SECONDS 0.1

/* Taken before the others get their turn, as of a listener. */
enum { MOST_PER_TURN = 64 };

struct descriptor_socket {
    uv_poll_t poll;
    struct timer pause;
    struct event_loop *loop;
    descriptor_received on_received;
    void *owner;
    int end;
    bool closing;
};

union control {
    char bytes[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
};

static int descriptor_in(struct msghdr *message) {
    struct cmsghdr *header = CMSG_FIRSTHDR(message);
    int descriptor = -1;
    if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS) {
        memcpy(&descriptor, CMSG_DATA(header), sizeof(descriptor));
    }
    return descriptor;
}

/* Whether the process may have one more descriptor. */
static bool has_room(const struct descriptor_socket *socket) {
    int spare = fcntl(socket->end, F_DUPFD_CLOEXEC, 3);
    if (spare >= 0) {
        close(spare);
    }
    return spare >= 0;
}

/* Returns false when nothing is there, or has no room. */
static bool receive_one(struct descriptor_socket *socket) {
    if (!has_room(socket)) {
        uv_poll_stop(&socket->poll);
        timer_start(socket->loop, &socket->pause, PAUSE_SECONDS);
        return false;
    }
    union control control;
    uint32_t number = 0;
    struct iovec bytes = {.iov_base = &number, .iov_len = sizeof(number)};
    struct msghdr message = {.msg_iov = &bytes,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    ssize_t length;
    do {
        length = recvmsg(socket->end, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (length < 0 && errno == EINTR);
    if (length <= 0) {
        return false;
    }
    socket->on_received(socket->owner, descriptor_in(&message), number);
    return true;
}

static void on_readable(uv_poll_t *poll, int status, int events) {
    (void)status;
    (void)events;
    struct descriptor_socket *socket = poll->data;
    event_loop_wake(socket->loop);
    for (int i = 0; i < MOST_PER_TURN && !socket->closing && receive_one(socket); i++) {
    }
}

static void on_pause_over(struct timer *timer) {
    struct descriptor_socket *socket = LIST_OBJECT(timer, struct descriptor_socket, pause);
    uv_poll_start(&socket->poll, UV_READABLE, on_readable);
}

static void on_closed(uv_handle_t *handle) {
    struct descriptor_socket *socket = handle->data;
    event_loop_wake(socket->loop);
    memory_free(socket);
    counters_closed(COUNTER_listeners);
}

struct descriptor_socket *descriptor_socket_new(struct event_loop *loop, int end,
                                                descriptor_received on_received, void *owner) {
    struct descriptor_socket *socket = memory_allocate_zeroed(sizeof(*socket));
    if (socket == NULL) {
        return NULL;
    }
    socket->loop = loop;
    socket->on_received = on_received;
    socket->owner = owner;
    socket->end = fcntl(end, F_DUPFD_CLOEXEC, 3);
    if (socket->end < 0 || uv_poll_init(event_loop_uv(loop), &socket->poll, socket->end) != 0) {
        if (socket->end >= 0) {
            close(socket->end);
        }
        memory_free(socket);
        return NULL;
    }
    socket->poll.data = socket;
    timer_init(&socket->pause, on_pause_over);
    uv_poll_start(&socket->poll, UV_READABLE, on_readable);
    counters_opened(COUNTER_listeners);
    loop->open_handles++;
    event_loop_want_turn(loop);
    return socket;
}

void descriptor_socket_drain(struct descriptor_socket *socket) {
    while (!socket->closing && receive_one(socket)) {
    }
}

void descriptor_socket_close(struct descriptor_socket *socket) {
    socket->closing = true;
    timer_stop(&socket->pause);
    socket->loop->open_handles--;
    uv_close((uv_handle_t *)&socket->poll, on_closed);
    close(socket->end);
    event_loop_want_turn(socket->loop);
}

bool descriptor_socket_send(int end, int descriptor, uint32_t number) {
    union control control;
    memset(&control, 0, sizeof(control));
    struct iovec bytes = {.iov_base = &number, .iov_len = sizeof(number)};
    struct msghdr message = {.msg_iov = &bytes,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(header), &descriptor, sizeof(descriptor));
    return sendmsg(end, &message, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)sizeof(number);
}
