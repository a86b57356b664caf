/* Streams and listeners on real sockets: reading, both half closes, reset, addresses, closing from
 * anywhere, no descriptors left. */
#include <sys/resource.h>

#include "net_support.h"

static void client_sends(const struct peer *peer, const char *text) {
    CHECK(write(peer->descriptor, text, strlen(text)) == (ssize_t)strlen(text));
}

static bool received(const struct peer *peer, const char *text) {
    return slice_equals(buffer_slice(&peer->received), slice_of(text, strlen(text)));
}

static void test_reading(struct event_loop *loop, struct lobby *lobby) {
    struct peer peer;
    lobby_fill(lobby, &peer, 1);
    client_sends(&peer, "one");
    TURN_UNTIL(loop, received(&peer, "one"));
    stream_read_stop(peer.stream);
    stream_read_stop(peer.stream);
    client_sends(&peer, " two");
    event_loop_turn(loop, TURN_MS);
    event_loop_turn(loop, TURN_MS);
    CHECK(received(&peer, "one"));
    CHECK(stream_read_start(peer.stream) == STATUS_OK);
    TURN_UNTIL(loop, received(&peer, "one two"));
    peer.stop_on_read = true;
    client_sends(&peer, "!");
    TURN_UNTIL(loop, received(&peer, "one two!"));
    client_sends(&peer, "unread");
    event_loop_turn(loop, TURN_MS);
    CHECK(received(&peer, "one two!"));
    peer_finish(&peer, loop);
}

static size_t client_fills(const struct peer *peer) {
    static const char bytes[LIMIT_READ_SIZE];
    size_t sent = 0;
    ssize_t taken;
    set_non_blocking(peer->descriptor);
    while ((taken = write(peer->descriptor, bytes, sizeof(bytes))) > 0) {
        sent += (size_t)taken;
    }
    return sent;
}

/* Whoever sends more than can be handled at once is read from once a turn, and others in between.
 */
static void test_a_flood(struct event_loop *loop, struct lobby *lobby) {
    struct peer peers[2];
    lobby_fill(lobby, peers, 2);
    peers[0].dawdle_on_read = true;
    stream_read_stop(peers[0].stream);
    size_t sent = client_fills(&peers[0]);
    CHECK(sent > 2 * LIMIT_READ_SIZE);
    CHECK(stream_read_start(peers[0].stream) == STATUS_OK);
    event_loop_turn(loop, TURN_MS);
    CHECK(peers[0].received.length == LIMIT_READ_SIZE);
    client_sends(&peers[1], "quiet");
    event_loop_turn(loop, TURN_MS);
    CHECK(received(&peers[1], "quiet"));
    CHECK(peers[0].received.length == 2 * LIMIT_READ_SIZE);
    TURN_UNTIL(loop, peers[0].received.length == sent);
    CHECK(peers[0].ends == 0);
    peer_finish(&peers[0], loop);
    peer_finish(&peers[1], loop);
}

/* The client has said all and still reads. */
static void test_half_close_by_the_client(struct event_loop *loop, struct lobby *lobby) {
    struct peer peer;
    lobby_fill(lobby, &peer, 1);
    client_sends(&peer, "last");
    CHECK(shutdown(peer.descriptor, SHUT_WR) == 0);
    TURN_UNTIL(loop, peer.ends == 1);
    CHECK(peer.end_status == STATUS_OK);
    CHECK(received(&peer, "last"));
    CHECK(stream_read_start(peer.stream) == STATUS_OK);
    CHECK(write_queue_append(&peer.queue, SLICE_LITERAL("answer")) == STATUS_OK);
    CHECK(write_queue_flush(&peer.queue) == STATUS_OK);
    char answer[16];
    CHECK(read(peer.descriptor, answer, sizeof(answer)) == 6);
    event_loop_turn(loop, TURN_MS);
    CHECK(peer.ends == 1);
    peer_finish(&peer, loop);
}

/* We have said all and still read. */
static void test_half_close_by_us(struct event_loop *loop, struct lobby *lobby) {
    struct peer peer;
    lobby_fill(lobby, &peer, 1);
    CHECK(write_queue_append(&peer.queue, SLICE_LITERAL("bye")) == STATUS_OK);
    CHECK(write_queue_flush(&peer.queue) == STATUS_OK);
    stream_end_writing(peer.stream);
    stream_end_writing(peer.stream);
    event_loop_turn(loop, 0);
    event_loop_turn(loop, 0);
    char answer[16];
    CHECK(read(peer.descriptor, answer, sizeof(answer)) == 3);
    CHECK(read(peer.descriptor, answer, sizeof(answer)) == 0);
    client_sends(&peer, "thanks");
    TURN_UNTIL(loop, received(&peer, "thanks"));
    peer_finish(&peer, loop);
}

static void test_half_close_without_memory(struct event_loop *loop, struct lobby *lobby) {
    struct peer peer;
    lobby_fill(lobby, &peer, 1);
    memory_set_failure(1);
    stream_end_writing(peer.stream);
    memory_set_failure(0);
    char answer;
    CHECK(read(peer.descriptor, &answer, 1) == 0);
    peer_finish(&peer, loop);
}

static void test_reset_by_the_client(struct event_loop *loop, struct lobby *lobby) {
    struct peer peer;
    lobby_fill(lobby, &peer, 1);
    struct linger linger = {1, 0};
    CHECK(setsockopt(peer.descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0);
    close(peer.descriptor);
    TURN_UNTIL(loop, peer.ends == 1);
    CHECK(peer.end_status == STATUS_SYSTEM);
    struct slice part = SLICE_LITERAL("too late");
    CHECK(stream_try_write(peer.stream, &part, 1) == STATUS_CLOSED);
    peer.descriptor = -1;
    peer_finish(&peer, loop);
}

static int client_error(const struct peer *peer) {
    char byte;
    return read(peer->descriptor, &byte, 1) < 0 ? errno : 0;
}

static void test_reset_by_us(struct event_loop *loop, struct lobby *lobby) {
    struct peer peers[3];
    lobby_fill(lobby, peers, 3);
    stream_reset(peers[0].stream);
    stream_reset(peers[0].stream);
    peers[1].reset_on_read = true;
    client_sends(&peers[1], "x");
    /* After FIN a reset falls back to closing. */
    stream_end_writing(peers[2].stream);
    stream_reset(peers[2].stream);
    for (int i = 0; i < 3; i++) {
        TURN_UNTIL(loop, peers[i].closes == 1);
        CHECK(client_error(&peers[i]) == (i < 2 ? ECONNRESET : 0));
        peer_finish(&peers[i], loop);
    }
}

static void test_closing_from_a_callback(struct event_loop *loop, struct lobby *lobby) {
    struct peer peer;
    lobby_fill(lobby, &peer, 1);
    peer.close_on_read = true;
    client_sends(&peer, "x");
    TURN_UNTIL(loop, peer.closes == 1);
    CHECK(peer.ends == 0);
    peer_finish(&peer, loop);
}

static void test_a_closing_stream_refuses(struct event_loop *loop, struct lobby *lobby) {
    struct peer peer;
    lobby_fill(lobby, &peer, 1);
    stream_close(peer.stream);
    CHECK(peer.closes == 0);
    struct slice part = SLICE_LITERAL("x");
    struct address ours, theirs;
    CHECK(stream_read_start(peer.stream) == STATUS_CLOSED);
    CHECK(stream_try_write(peer.stream, &part, 1) == STATUS_CLOSED);
    CHECK(stream_write(peer.stream, &part, 1) == STATUS_CLOSED);
    stream_peer_address(peer.stream, &theirs);
    stream_local_address(peer.stream, &ours);
    CHECK(ours.family == ADDRESS_NONE && theirs.family == ADDRESS_NONE);
    stream_end_writing(peer.stream);
    stream_read_stop(peer.stream);
    stream_reset(peer.stream);
    client_sends(&peer, "unheard");
    peer_finish(&peer, loop);
    CHECK(peer.received.length == 0);
}

/* A write under way when the stream is closed is dropped, and nobody is told. */
static void test_closing_during_a_write(struct event_loop *loop, struct lobby *lobby) {
    struct peer peer;
    lobby_fill(lobby, &peer, 1);
    struct frame *frame = frame_new(16 * 1024 * 1024);
    memset(frame_bytes(frame), 'x', frame->length);
    CHECK(write_queue_push(&peer.queue, frame) == STATUS_OK);
    CHECK(write_queue_flush(&peer.queue) == STATUS_OK);
    CHECK(peer.queue.frames.held == 1);
    peer_finish(&peer, loop);
    CHECK(peer.writes == 0);
}

static uint16_t port_of(int descriptor, bool peer_end) {
    struct sockaddr_storage name;
    socklen_t length = sizeof(name);
    CHECK((peer_end ? getpeername : getsockname)(descriptor, (struct sockaddr *)&name, &length) ==
          0);
    return ntohs(name.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&name)->sin6_port
                                            : ((struct sockaddr_in *)&name)->sin_port);
}

static void check_inet(const struct peer *peer, enum address_family family, const char *host) {
    struct address theirs, ours;
    stream_peer_address(peer->stream, &theirs);
    stream_local_address(peer->stream, &ours);
    CHECK(theirs.family == family && ours.family == family);
    CHECK(strcmp(theirs.host, host) == 0 && strcmp(ours.host, host) == 0);
    CHECK(theirs.port == port_of(peer->descriptor, false));
    CHECK(ours.port == port_of(peer->descriptor, true));
}

static void test_inet_addresses(struct event_loop *loop, struct lobby *lobby) {
    struct peer peer;
    lobby_fill(lobby, &peer, 1);
    check_inet(&peer, ADDRESS_INET, "127.0.0.1");
    peer_finish(&peer, loop);

    int probe = socket(AF_INET6, SOCK_STREAM, 0);
    struct sockaddr_in6 name = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
    bool has_inet6 = bind(probe, (struct sockaddr *)&name, sizeof(name)) == 0;
    close(probe);
    if (!has_inet6) {
        return; /* a container without ::1 */
    }
    struct lobby lobby6;
    lobby_open(&lobby6, loop, &name, sizeof(name));
    lobby_fill(&lobby6, &peer, 1);
    check_inet(&peer, ADDRESS_INET6, "::1");
    peer_finish(&peer, loop);
    listener_close(lobby6.listener);
}

static void check_unix(struct event_loop *loop, const struct sockaddr_un *name, socklen_t length,
                       const char *host) {
    struct lobby lobby;
    struct peer peer;
    struct address theirs, ours;
    lobby_open(&lobby, loop, name, length);
    lobby_fill(&lobby, &peer, 1);
    stream_peer_address(peer.stream, &theirs);
    stream_local_address(peer.stream, &ours);
    CHECK(theirs.family == ADDRESS_UNIX && theirs.host[0] == '\0');
    CHECK(ours.family == ADDRESS_UNIX && ours.port == 0);
    CHECK(strcmp(ours.host, host) == 0);
    client_sends(&peer, "over unix");
    TURN_UNTIL(loop, received(&peer, "over unix"));
    stream_reset(peer.stream);
    peer_finish(&peer, loop);
    listener_close(lobby.listener);
}

static void test_unix_addresses(struct event_loop *loop) {
    char folder[] = "/tmp/casgi-test-XXXXXX";
    CHECK(mkdtemp(folder) != NULL);
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    snprintf(name.sun_path, sizeof(name.sun_path), "%s/socket", folder);
    check_unix(loop, &name, sizeof(name), name.sun_path);
    unlink(name.sun_path);
    rmdir(folder);

    struct sockaddr_un abstract = {.sun_family = AF_UNIX};
    int length =
        snprintf(abstract.sun_path + 1, sizeof(abstract.sun_path) - 1, "casgi-%d", getpid());
    char host[64];
    snprintf(host, sizeof(host), "@casgi-%d", getpid());
    check_unix(loop, &abstract,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length), host);
}

/* What a link-local client looks like, which loopback can not show: RFC 4007 section 11. */
static void test_scoped_and_mapped_addresses(void) {
    struct sockaddr_in6 name = {
        .sin6_family = AF_INET6, .sin6_port = htons(80), .sin6_scope_id = 1};
    CHECK(inet_pton(AF_INET6, "fe80::1", &name.sin6_addr) == 1);
    struct address address;
    address_from_kernel(&address, (struct sockaddr *)&name, sizeof(name));
    CHECK(strcmp(address.host, "fe80::1%lo") == 0);
    name.sin6_scope_id = 987654;
    address_from_kernel(&address, (struct sockaddr *)&name, sizeof(name));
    CHECK(strcmp(address.host, "fe80::1%987654") == 0);
    name.sin6_scope_id = 0;
    CHECK(inet_pton(AF_INET6, "::ffff:1.2.3.4", &name.sin6_addr) == 1);
    address_from_kernel(&address, (struct sockaddr *)&name, sizeof(name));
    CHECK(strcmp(address.host, "::ffff:1.2.3.4") == 0);
    CHECK(address.family == ADDRESS_INET6 && address.port == 80);
    address_from_kernel(&address, (struct sockaddr *)&name, 0);
    CHECK(address.family == ADDRESS_NONE);
}

static void test_longest_unix_path(void) {
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    memset(name.sun_path, 'p', sizeof(name.sun_path));
    struct address address;
    address_from_kernel(&address, (struct sockaddr *)&name, sizeof(name));
    CHECK(address.family == ADDRESS_UNIX);
    CHECK(strlen(address.host) == sizeof(name.sun_path));
}

/* Out of descriptors, the client waits in the kernel and is accepted when there is room again. */
static void test_out_of_descriptors(struct event_loop *loop, struct lobby *lobby) {
    struct peer peer = {0};
    lobby->peers = &peer;
    lobby->expected = 1;
    lobby->accepted = 0;
    peer.descriptor = lobby_dial(lobby);
    struct rlimit limit, none;
    CHECK(getrlimit(RLIMIT_NOFILE, &limit) == 0);
    none = limit;
    none.rlim_cur = 3;
    CHECK(setrlimit(RLIMIT_NOFILE, &none) == 0);
    TURN_UNTIL(loop, lobby->exhausted == 2);
    CHECK(lobby->accepted == 0);
    CHECK(setrlimit(RLIMIT_NOFILE, &limit) == 0);
    TURN_UNTIL(loop, lobby->accepted == 1);
    client_sends(&peer, "still here");
    TURN_UNTIL(loop, received(&peer, "still here"));
    peer_finish(&peer, loop);
}

static void test_no_memory_for_a_stream(struct event_loop *loop, struct lobby *lobby) {
    struct peer peer = {0};
    lobby->peers = &peer;
    lobby->expected = 0;
    lobby->accepted = 0;
    int descriptor = lobby_dial(lobby);
    memory_set_failure(1);
    event_loop_turn(loop, TURN_MS);
    memory_set_failure(0);
    char byte;
    CHECK(read(descriptor, &byte, 1) == 0);
    close(descriptor);
}

static void refuse(void *owner, struct stream *stream) {
    int *refused = owner;
    (*refused)++;
    stream_close(stream); /* before anything is attached */
}

static const struct listener_events refusing = {.on_accept = refuse};

static void test_refusing_and_errors(struct event_loop *loop) {
    int error = 0;
    CHECK(listener_new(loop, -1, 1, &socket_stream_factory, &refusing, NULL, &error) == NULL);
    CHECK(strstr(listener_error_text(error), "bad file descriptor") != NULL);
    int pair[2], refused = 0;
    CHECK(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0);
    CHECK(listener_new(loop, pair[0], 1, &socket_stream_factory, &refusing, NULL, &error) == NULL &&
          error < 0);
    memory_set_failure(1);
    CHECK(listener_new(loop, pair[0], 1, &socket_stream_factory, &refusing, NULL, &error) == NULL &&
          error < 0);
    memory_set_failure(0);
    close(pair[0]);
    close(pair[1]);

    struct sockaddr_in name = loopback();
    socklen_t length = sizeof(name);
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(descriptor, (struct sockaddr *)&name, length) == 0);
    CHECK(getsockname(descriptor, (struct sockaddr *)&name, &length) == 0);
    struct listener *listener =
        listener_new(loop, descriptor, 8, &socket_stream_factory, &refusing, &refused, &error);
    CHECK(listener != NULL);
    close(descriptor);
    int client = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(client, (struct sockaddr *)&name, length) == 0);
    TURN_UNTIL(loop, refused == 1);
    char byte;
    CHECK(read(client, &byte, 1) == 0);
    listener_close(listener);
    close(client);
    client = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(connect(client, (struct sockaddr *)&name, length) != 0);
    close(client);
}

struct crossing {
    int asked, at_once; /* at_once: in this turn */
};

static bool yield(void *owner, struct listener *listener, int descriptor) {
    struct crossing *crossing = owner;
    crossing->asked++;
    crossing->at_once++;
    close(descriptor);
    listener_yield(listener);
    return true;
}

/* What waits is left to others for a moment after each, and then accepted here. */
static void test_yielding(struct event_loop *loop) {
    enum { CLIENTS = 3 };
    struct sockaddr_in name = loopback();
    socklen_t length = sizeof(name);
    int clients[CLIENTS], error = 0;
    struct crossing crossing = {0};
    int descriptor = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(bind(descriptor, (struct sockaddr *)&name, length) == 0);
    CHECK(getsockname(descriptor, (struct sockaddr *)&name, &length) == 0);
    struct listener *listener =
        listener_new(loop, descriptor, 8, &socket_stream_factory, &refusing, NULL, &error);
    CHECK(listener != NULL);
    listener_set_route(listener, yield, &crossing);
    for (int i = 0; i < CLIENTS; i++) {
        clients[i] = socket(AF_INET, SOCK_STREAM, 0);
        CHECK(connect(clients[i], (struct sockaddr *)&name, length) == 0);
    }
    while (crossing.asked < CLIENTS) {
        crossing.at_once = 0;
        event_loop_turn(loop, TURN_MS);
        CHECK(crossing.at_once <= 1);
    }
    listener_close(listener);
    listener_yield(listener);
    event_loop_turn(loop, 0);
    for (int i = 0; i < CLIENTS; i++) {
        close(clients[i]);
    }
    close(descriptor);
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    struct event_loop *loop = event_loop_new();
    struct sockaddr_in name = loopback();
    struct lobby lobby;
    lobby_open(&lobby, loop, &name, sizeof(name));
    test_reading(loop, &lobby);
    test_a_flood(loop, &lobby);
    test_half_close_by_the_client(loop, &lobby);
    test_half_close_by_us(loop, &lobby);
    test_half_close_without_memory(loop, &lobby);
    test_reset_by_the_client(loop, &lobby);
    test_reset_by_us(loop, &lobby);
    test_closing_from_a_callback(loop, &lobby);
    test_a_closing_stream_refuses(loop, &lobby);
    test_closing_during_a_write(loop, &lobby);
    test_inet_addresses(loop, &lobby);
    test_unix_addresses(loop);
    test_scoped_and_mapped_addresses();
    test_longest_unix_path();
    test_out_of_descriptors(loop, &lobby);
    test_no_memory_for_a_stream(loop, &lobby);
    test_refusing_and_errors(loop);
    test_yielding(loop);
    listener_close(lobby.listener);
    event_loop_free(loop);
    return net_report();
}
