/* Loopback connections for the tests of net/: a listener on our loop, a plain descriptor at the
 * other end. */
#ifndef CASGI_TESTS_NET_SUPPORT_H
#define CASGI_TESTS_NET_SUPPORT_H

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/buffer.h"
#include "base/counters.h"
#include "base/limits.h"
#include "base/memory.h"
#include "check.h"
#include "frame_copy.h"
#include "net/listener.h"
#include "net/socket_stream.h"
#include "net/write_queue.h"

enum { TURN_MS = 20, TURNS = 500, BACKLOG = 512 };

/* Runs turns until the condition holds; a test that waits in vain fails after ten seconds. */
#define TURN_UNTIL(loop, condition)                                                                \
    do {                                                                                           \
        for (int turns = 0; !(condition) && turns < TURNS; turns++) {                              \
            event_loop_turn((loop), TURN_MS);                                                      \
        }                                                                                          \
        CHECK(condition);                                                                          \
    } while (0)

/* The owner of an accepted stream; remembers what it was told. */
struct peer {
    struct stream *stream;
    struct write_queue queue;
    struct buffer received;
    int opens;
    int ends, end_status;
    int writes, write_status;
    int closes;
    bool close_on_read;
    bool reset_on_read;
    bool stop_on_read;
    bool dawdle_on_read;
    int descriptor; /* the client's end */
};

static inline void peer_on_open(void *owner) {
    struct peer *peer = owner;
    peer->opens++;
    CHECK(stream_read_start(peer->stream) == STATUS_OK);
    CHECK(stream_read_start(peer->stream) == STATUS_OK);
}

static inline void peer_on_read(void *owner, struct slice bytes) {
    struct peer *peer = owner;
    CHECK(buffer_append(&peer->received, bytes) == STATUS_OK);
    if (peer->close_on_read) {
        stream_close(peer->stream);
        stream_close(peer->stream);
    } else if (peer->reset_on_read) {
        stream_reset(peer->stream);
    } else if (peer->stop_on_read) {
        stream_read_stop(peer->stream);
    } else if (peer->dawdle_on_read) {
        usleep(2 * LIMIT_READ_SHARE_MS * 1000);
    }
}

static inline void peer_on_read_end(void *owner, int status) {
    struct peer *peer = owner;
    peer->ends++;
    peer->end_status = status;
}

static inline void peer_on_written(void *owner, int status) {
    struct peer *peer = owner;
    CHECK(!peer->stream->closing);
    peer->writes++;
    peer->write_status = write_queue_on_written(&peer->queue, status);
}

static inline void peer_on_closed(void *owner) {
    struct peer *peer = owner;
    peer->closes++;
    peer->stream = NULL;
    write_queue_release(&peer->queue);
    write_queue_release(&peer->queue);
}

static const struct stream_events peer_events = {
    .on_open = peer_on_open,
    .on_read = peer_on_read,
    .on_read_end = peer_on_read_end,
    .on_written = peer_on_written,
    .on_closed = peer_on_closed,
};

/* A listener's owner: accepted streams are attached to the peers in order. */
struct lobby {
    struct event_loop *loop;
    struct listener *listener;
    struct sockaddr_storage name;
    socklen_t name_length;
    struct peer *peers;
    int expected, accepted;
    int exhausted; /* how often there was no descriptor */
};

static inline void lobby_on_accept(void *owner, struct stream *stream) {
    struct lobby *lobby = owner;
    if (!CHECK(lobby->accepted < lobby->expected)) {
        stream_close(stream);
        return;
    }
    struct peer *peer = &lobby->peers[lobby->accepted++];
    peer->stream = stream;
    write_queue_init(&peer->queue, stream);
    stream_attach(stream, &peer_events, peer);
    stream_open(stream);
    CHECK(peer->opens == (stream->is_secure ? 0 : 1)); /* a handshake comes first */
}

static inline void lobby_on_exhausted(void *owner, int error) {
    ((struct lobby *)owner)->exhausted++;
    CHECK(error == EMFILE);
}

static const struct listener_events lobby_events = {
    .on_accept = lobby_on_accept,
    .on_exhausted = lobby_on_exhausted,
};

/* Listens on `name` with streams of `factory`, and learns its own address. */
static inline void lobby_open_with(struct lobby *lobby, struct event_loop *loop, const void *name,
                                   socklen_t name_length, const struct stream_factory *factory) {
    memset(lobby, 0, sizeof(*lobby));
    lobby->loop = loop;
    int descriptor = socket(((const struct sockaddr *)name)->sa_family, SOCK_STREAM, 0);
    CHECK(bind(descriptor, name, name_length) == 0);
    lobby->name_length = sizeof(lobby->name);
    CHECK(getsockname(descriptor, (struct sockaddr *)&lobby->name, &lobby->name_length) == 0);
    int error = 0;
    lobby->listener =
        listener_new(loop, descriptor, BACKLOG, factory, &lobby_events, lobby, &error);
    CHECK(lobby->listener != NULL && error == 0);
    close(descriptor);
}

static inline void lobby_open(struct lobby *lobby, struct event_loop *loop, const void *name,
                              socklen_t name_length) {
    lobby_open_with(lobby, loop, name, name_length, &socket_stream_factory);
}

static inline struct sockaddr_in loopback(void) {
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* Connects a blocking client, without waiting for it to be accepted. */
static inline int lobby_dial(const struct lobby *lobby) {
    int descriptor = socket(lobby->name.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(connect(descriptor, (const struct sockaddr *)&lobby->name, lobby->name_length) == 0);
    return descriptor;
}

/* Connects `count` clients to `peers`, which it zeroes first. */
static inline void lobby_fill(struct lobby *lobby, struct peer *peers, int count) {
    memset(peers, 0, (size_t)count * sizeof(*peers));
    lobby->peers = peers;
    lobby->expected = count;
    lobby->accepted = 0;
    for (int i = 0; i < count; i++) {
        peers[i].descriptor = lobby_dial(lobby);
    }
    TURN_UNTIL(lobby->loop, lobby->accepted == count);
}

/* Closes both ends, and waits for the stream to be gone. */
static inline void peer_finish(struct peer *peer, struct event_loop *loop) {
    if (peer->stream != NULL) {
        stream_close(peer->stream);
        stream_close(peer->stream);
    }
    TURN_UNTIL(loop, peer->closes == 1);
    close(peer->descriptor);
    buffer_release(&peer->received);
}

static inline void set_non_blocking(int descriptor) {
    CHECK(fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK) == 0);
}

/* What main() ends with: nothing may be alive. */
static inline int net_report(void) {
    for (int kind = 0; kind < COUNTER_COUNT; kind++) {
        CHECK_ROW(counters_alive((enum counter)kind) == 0, counters_name((enum counter)kind));
    }
    return check_report();
}

#endif
