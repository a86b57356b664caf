/* A peer of the hub on a scripted stream: one that asks and never reads, one for whose message
 * there is no memory. */
#include "base/limits.h"
#include "base/memory.h"
#include "check.h"
#include "hub/hub_peer.h"
#include "stream_script.h"

static struct hub hub;

static void open_hub(void) {
    memset(&hub, 0, sizeof(hub));
    hub.loop = event_loop_new();
    list_init(&hub.projects);
    list_init(&hub.peers);
    list_init(&hub.paused);
}

/* Frees the projects only: the hub is static. */
static void close_hub(struct stream_script *streams, size_t count) {
    for (size_t i = 0; i < count; i++) {
        stream_script_ends(&streams[i], STATUS_OK);
        stream_script_closed(&streams[i]);
    }
    CHECK(hub.peer_count == 0 && list_is_empty(&hub.peers));
    while (!list_is_empty(&hub.projects)) {
        struct hub_project *project = LIST_OBJECT(hub.projects.next, struct hub_project, link);
        list_remove(&project->link);
        hub_channels_release(&project->channels);
        groups_release(&project->topics);
        memory_free(project);
    }
    event_loop_free(hub.loop);
}

static void say(struct stream_script *stream, enum hub_kind kind, uint32_t number, const char *name,
                struct slice payload) {
    struct hub_frame frame = {
        .kind = kind, .number = number, .name = slice_of(name, strlen(name)), .payload = payload};
    struct frame *encoded = hub_wire_encode(&frame);
    CHECK(encoded != NULL);
    stream_script_reads(stream, frame_slice(encoded));
    frame_unref(encoded);
}

static void greet(struct stream_script *stream) {
    stream_script_init(stream, hub.loop);
    hub_peer_accept(&hub, &stream->stream);
    say(stream, HUB_HELLO, HUB_VERSION, "project", SLICE_EMPTY);
    event_loop_turn(hub.loop, 0);
    CHECK(stream->taken.length > 0 && !stream->stream.closing);
}

/* Sends one request a turn, each with an acknowledgement and a failure for an answer. Returns how
 * many until it was closed, or `most`. */
static size_t ask_for_nobody(struct stream_script *stream, size_t most) {
    size_t count = 0;
    while (count < most && !stream->stream.closing) {
        struct hub_frame frame = {.kind = HUB_PUBLISH,
                                  .flags = HUB_WANTS_RECEIVER,
                                  .name = SLICE_LITERAL("nobody"),
                                  .payload = SLICE_LITERAL("x")};
        struct frame *encoded = hub_wire_encode(&frame);
        stream_script_reads(stream, frame_slice(encoded));
        frame_unref(encoded);
        event_loop_turn(hub.loop, 0);
        count++;
    }
    return count;
}

static void test_a_peer_that_never_reads(void) {
    static struct stream_script stream;
    enum { MOST = 200000 };
    open_hub();
    greet(&stream);
    stream.room = 0;
    size_t count = ask_for_nobody(&stream, MOST);
    CHECK(count < MOST && count > LIMIT_HUB_ANSWERS / 64);
    close_hub(&stream, 1);
}

/* As much is answered, and more, to one that reads. */
static void test_a_peer_that_reads(void) {
    static struct stream_script stream;
    open_hub();
    greet(&stream);
    for (int i = 0; i < 5; i++) {
        stream.room = 0;
        CHECK(ask_for_nobody(&stream, LIMIT_HUB_ANSWERS / 64) == LIMIT_HUB_ANSWERS / 64);
        CHECK(!stream.stream.closing && stream.pending_count > 0);
        stream.room = SIZE_MAX;
        stream_script_completes(&stream, STATUS_OK);
        record_clear(&stream.taken);
    }
    close_hub(&stream, 1);
}

/* Half a message is never followed by anything else; another receiver gets the whole. */
static void test_no_memory_for_a_message(void) {
    enum { SENDER, FIRST, SECOND, PEERS };
    static struct stream_script streams[PEERS];
    static char payload[HUB_SEND_PREFIX + LIMIT_HUB_CHUNK - 100];
    static char rest[LIMIT_HUB_CHUNK];
    int closed = 0;
    hub_wire_write(payload, 100, 4);
    hub_wire_write(payload + 4, 60000, 4);
    for (long countdown = 1; countdown <= 24; countdown++) {
        open_hub();
        for (int i = 0; i < PEERS; i++) {
            greet(&streams[i]);
        }
        say(&streams[FIRST], HUB_RECEIVE, 0, "channel", SLICE_EMPTY);
        say(&streams[SECOND], HUB_RECEIVE, 0, "channel", SLICE_EMPTY);
        event_loop_turn(hub.loop, 0);
        struct hub_frame frame = {.kind = HUB_SEND,
                                  .flags = HUB_MORE,
                                  .name = SLICE_LITERAL("channel"),
                                  .payload = slice_of(payload, sizeof(payload))};
        struct frame *first = hub_wire_encode(&frame);
        frame.flags = HUB_CONTINUED;
        frame.payload = slice_of(rest, sizeof(rest));
        struct frame *last = hub_wire_encode(&frame);
        size_t before = streams[FIRST].taken.length;
        stream_script_reads(&streams[SENDER], frame_slice(first));
        memory_set_failure(countdown);
        stream_script_reads(&streams[SENDER], frame_slice(last));
        memory_set_failure(0);
        event_loop_turn(hub.loop, 0);
        bool is_whole = streams[FIRST].taken.length >=
                        before + sizeof(payload) + sizeof(rest) - HUB_SEND_PREFIX;
        bool is_nothing = streams[FIRST].taken.length == before;
        CHECK(is_whole || is_nothing || streams[FIRST].stream.closing);
        closed += streams[FIRST].stream.closing;
        frame_unref(first);
        frame_unref(last);
        close_hub(streams, PEERS);
    }
    CHECK(closed > 0);
}

/* Has as many messages read, in one piece, as a socket brings them. */
static void publish(struct stream_script *stream, int count) {
    static char payload[1000];
    struct hub_frame frame = {.kind = HUB_PUBLISH,
                              .name = SLICE_LITERAL("topic"),
                              .payload = slice_of(payload, sizeof(payload))};
    struct frame *encoded = hub_wire_encode(&frame);
    struct record piece = {0};
    for (int i = 0; i < count; i++) {
        record_bytes(&piece, frame_slice(encoded));
    }
    stream_script_reads(stream, slice_of(piece.text, piece.length));
    event_loop_turn(hub.loop, 0);
    record_clear(&piece);
    frame_unref(encoded);
}

static bool is_read_from(const struct stream_script *stream) {
    const char *last = "read;";
    size_t length = strlen(last);
    return stream->record.length >= length &&
           memcmp(stream->record.text + stream->record.length - length, last, length) == 0;
}

static void take(struct stream_script *stream, size_t bytes) {
    stream->room = bytes;
    stream_script_completes(stream, STATUS_OK);
    stream->room = 0;
    event_loop_turn(hub.loop, 0);
}

/* Who publishes to a slow peer waits, to the message, and goes on when it has taken some: others
 * that have room make no difference. Nothing is lost. */
static void test_a_slow_peer(void) {
    enum { SENDER, FAST, SLOW, PEERS, PIECE = 64, ROUNDS = 200 };
    static struct stream_script streams[PEERS];
    open_hub();
    for (int i = 0; i < PEERS; i++) {
        greet(&streams[i]);
    }
    struct hub_peer *slow = streams[SLOW].stream.owner;
    for (int i = FAST; i <= SLOW; i++) {
        say(&streams[i], HUB_ANNOUNCE, 0, "topic", SLICE_EMPTY);
        streams[i].room = 0;
    }
    int pieces = 0;
    for (int round = 0; round < ROUNDS; round++) {
        while (is_read_from(&streams[SENDER])) {
            publish(&streams[SENDER], PIECE);
            pieces++;
        }
        CHECK(write_queue_size(&slow->queue) <= LIMIT_HUB_BACKLOG + 4096);
        take(&streams[FAST], SIZE_MAX);
        CHECK(!is_read_from(&streams[SENDER]));
        take(&streams[SLOW], LIMIT_HUB_ROOM + 8192);
        CHECK(!slow->is_congested || !is_read_from(&streams[SENDER]));
    }
    CHECK((size_t)pieces * PIECE * 1000 > ROUNDS / 2 * (size_t)LIMIT_HUB_ROOM);
    CHECK(!slow->is_lossy && hub_metrics_read(&hub.metrics, HUB_METRIC_dropped) == 0);
    close_hub(streams, PEERS);
}

/* What it has said before it ended is still heard, though nothing can be written to it; what it was
 * asking for, and its topics, are the others'. */
static void test_a_peer_that_ended_behind_its_last_words(void) {
    enum { GONE, OTHER, PEERS };
    static struct stream_script streams[PEERS];
    static char message[HUB_SEND_PREFIX + 4];
    hub_wire_write(message, 100, 4);
    hub_wire_write(message + 4, 60000, 4);
    open_hub();
    for (int i = 0; i < PEERS; i++) {
        greet(&streams[i]);
        say(&streams[i], HUB_ANNOUNCE, 0, "topic", SLICE_EMPTY);
        say(&streams[i], HUB_RECEIVE, 0, "channel", SLICE_EMPTY);
    }
    event_loop_turn(hub.loop, 0);
    streams[GONE].fails = true;
    publish(&streams[OTHER], 1);
    event_loop_turn(hub.loop, 0);
    CHECK(!streams[GONE].stream.closing);
    record_clear(&streams[OTHER].taken);
    publish(&streams[GONE], 1);
    say(&streams[GONE], HUB_SEND, 0, "channel", slice_of(message, sizeof(message)));
    event_loop_turn(hub.loop, 0);
    CHECK(!streams[GONE].stream.closing && streams[OTHER].taken.length > 1000);
    CHECK(hub_metrics_read(&hub.metrics, HUB_METRIC_received) == 1);
    CHECK(hub_metrics_read(&hub.metrics, HUB_METRIC_unread_bytes) == 0);
    close_hub(streams, PEERS);
}

int main(void) {
    test_a_peer_that_ended_behind_its_last_words();
    test_a_slow_peer();
    test_a_peer_that_never_reads();
    test_a_peer_that_reads();
    test_no_memory_for_a_message();
    return check_report();
}
