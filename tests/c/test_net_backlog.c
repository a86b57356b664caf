/* Write queues on real sockets: a backlog, a fan-out, a peer that vanishes. */
#include "net_support.h"

/* Reads all that comes until `expected` bytes are there, running the loop meanwhile; the progress
 * of the stream is between what has come and what was written. */
static void read_all(struct event_loop *loop, const struct peer *peer, struct buffer *into,
                     size_t expected) {
    int descriptor = peer->descriptor;
    uint64_t progress = stream_progress(peer->stream);
    set_non_blocking(descriptor);
    for (int turns = 0; into->length < expected && turns < 20000; turns++) {
        CHECK(buffer_reserve(into, 65536) == STATUS_OK);
        ssize_t count = read(descriptor, into->data + into->length, 65536);
        if (count > 0) {
            into->length += (size_t)count;
        }
        CHECK(stream_progress(peer->stream) >= progress);
        progress = stream_progress(peer->stream);
        CHECK(progress >= into->length && progress <= expected);
        event_loop_turn(loop, 0);
    }
}

/* A backlog of many megabytes reaches a slow reader whole and in order. */
static void test_a_backlog(struct event_loop *loop, struct lobby *lobby) {
    struct peer peer;
    struct buffer expected = BUFFER_EMPTY, got = BUFFER_EMPTY;
    lobby_fill(lobby, &peer, 1);
    for (uint32_t i = 0; i < 20000; i++) {
        char line[400];
        memset(line, 'a' + (int)(i % 26), sizeof(line));
        int length = snprintf(line, sizeof(line), "line %u of the backlog", i);
        struct slice bytes = slice_of(line, i % 3 == 0 ? sizeof(line) : (size_t)length);
        CHECK(buffer_append(&expected, bytes) == STATUS_OK);
        CHECK(i % 2 == 0 ? write_queue_append(&peer.queue, bytes) == STATUS_OK
                         : write_queue_push(&peer.queue, frame_copy(bytes)) == STATUS_OK);
        CHECK(write_queue_flush(&peer.queue) == STATUS_OK);
    }
    CHECK(stream_progress(peer.stream) < expected.length);
    read_all(loop, &peer, &got, expected.length);
    CHECK(stream_progress(peer.stream) == expected.length);
    CHECK(slice_equals(buffer_slice(&got), buffer_slice(&expected)));
    TURN_UNTIL(loop, write_queue_size(&peer.queue) == 0);
    CHECK(peer.queue.frames.ring == NULL && peer.writes > 0 && peer.write_status == STATUS_OK);
    buffer_release(&expected);
    buffer_release(&got);
    peer_finish(&peer, loop);
}

/* One frame for two hundred sockets, one of which has gone. */
static void test_a_fan_out(struct event_loop *loop, struct lobby *lobby) {
    enum { MEMBERS = 200, MESSAGES = 8 };
    static struct peer peers[MEMBERS];
    lobby_fill(lobby, peers, MEMBERS);
    stream_close(peers[7].stream);
    for (int message = 0; message < MESSAGES; message++) {
        struct frame *frame = frame_copy(SLICE_LITERAL("to all of you;"));
        for (int i = 0; i < MEMBERS; i++) {
            int status = write_queue_push(&peers[i].queue, frame_ref(frame));
            CHECK(status == (i == 7 ? STATUS_CLOSED : STATUS_OK));
            write_queue_flush_later(&peers[i].queue);
        }
        CHECK(frame->references == MEMBERS);
        frame_unref(frame);
    }
    event_loop_turn(loop, 0);
    CHECK(counters_alive(COUNTER_frames) == 0);
    for (int i = 0; i < MEMBERS; i++) {
        char bytes[256];
        ssize_t length = read(peers[i].descriptor, bytes, sizeof(bytes));
        CHECK(length == (i == 7 ? 0 : MESSAGES * 14));
        CHECK(peers[i].writes == (i == 7 ? 0 : 1));
        peer_finish(&peers[i], loop);
    }
}

/* A peer that resets in the middle of a backlog: everything is dropped, and the owner told. */
static void test_a_reset_in_a_backlog(struct event_loop *loop, struct lobby *lobby) {
    struct peer peer;
    lobby_fill(lobby, &peer, 1);
    struct frame *frame = frame_new(16 * 1024 * 1024);
    memset(frame_bytes(frame), 'x', frame->length);
    CHECK(write_queue_push(&peer.queue, frame) == STATUS_OK);
    CHECK(write_queue_flush(&peer.queue) == STATUS_OK);
    CHECK(write_queue_append(&peer.queue, SLICE_LITERAL("more")) == STATUS_OK);
    struct linger linger = {1, 0};
    CHECK(setsockopt(peer.descriptor, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) == 0);
    close(peer.descriptor);
    TURN_UNTIL(loop, peer.writes == 1);
    CHECK(peer.write_status == STATUS_CLOSED);
    CHECK(counters_alive(COUNTER_frames) == 0);
    peer.descriptor = -1;
    peer_finish(&peer, loop);
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    struct event_loop *loop = event_loop_new();
    struct sockaddr_in name = loopback();
    struct lobby lobby;
    lobby_open(&lobby, loop, &name, sizeof(name));
    test_a_backlog(loop, &lobby);
    test_a_fan_out(loop, &lobby);
    test_a_reset_in_a_backlog(loop, &lobby);
    listener_close(lobby.listener);
    event_loop_free(loop);
    return net_report();
}
