/* A peer's connection. Owned by the hub's list; frees itself when its stream is closed. What its
 * frames ask for is done by hub_requests.c. */
#include "hub/hub_peer.h"

#include "base/counters.h"
#include "base/limits.h"
#include "base/memory.h"
#include "hub/hub_requests.h"

static void on_written(void *owner, int status);

/* --- Reading --- */

static bool is_paused(const struct hub_peer *peer) {
    return !list_is_empty(&peer->paused);
}

static int on_frame(void *owner, const struct hub_frame *frame) {
    struct hub_peer *peer = owner;
    peer->frames_read++;
    peer->bytes_read += HUB_HEADER_SIZE + frame->name.length + frame->payload.length;
    event_loop_defer(peer->hub->loop, &peer->acknowledge);
    int status = hub_requests_handle(peer, frame);
    return status == STATUS_OK && is_paused(peer) ? STATUS_STATE : status;
}

/* What follows the frame that had it paused waits in the decoder. */
static void feed(struct hub_peer *peer, struct slice bytes) {
    int status = hub_decoder_feed(&peer->decoder, bytes, on_frame, peer);
    if (status != STATUS_OK && !(status == STATUS_STATE && is_paused(peer))) {
        hub_peer_close(peer);
    }
}

static void on_read(void *owner, struct slice bytes) {
    feed(owner, bytes);
}

static void go_on_reading(struct deferred *deferred) {
    struct hub_peer *peer = LIST_OBJECT(deferred, struct hub_peer, reading);
    feed(peer, SLICE_EMPTY);
    bool is_open = peer->stream != NULL && !peer->stream->closing;
    if (is_open && !is_paused(peer) && stream_read_start(peer->stream) != STATUS_OK) {
        hub_peer_close(peer);
    }
}

/* Closes it at the end of the turn: whoever is at work on it may be in the middle of its lists. */
static void give_up(struct hub_peer *peer) {
    peer->is_given_up = true;
    event_loop_defer(peer->hub->loop, &peer->acknowledge);
}

/* Before what the turn has for others: who sent is waiting for this. */
static void acknowledge(struct deferred *deferred) {
    struct hub_peer *peer = LIST_OBJECT(deferred, struct hub_peer, acknowledge);
    if (peer->is_given_up) {
        hub_peer_close(peer);
        return;
    }
    char bytes[8];
    hub_wire_write(bytes, peer->bytes_read, sizeof(bytes));
    struct hub_frame frame = {.kind = HUB_ACK,
                              .number = (uint32_t)peer->frames_read,
                              .name = SLICE_EMPTY,
                              .payload = slice_of(bytes, sizeof(bytes))};
    if (peer->stream == NULL) {
        return;
    }
    if (hub_peer_send(peer, &frame) != STATUS_OK) {
        hub_peer_close(peer);
        return;
    }
    int status = write_queue_flush_now(&peer->queue);
    if (status != STATUS_OK || write_queue_size(&peer->queue) == 0) {
        on_written(peer, status);
    }
}

void hub_peer_pause(struct hub_peer *peer) {
    if (!is_paused(peer)) {
        deferred_cancel(&peer->reading);
        stream_read_stop(peer->stream);
        list_append(&peer->hub->paused, &peer->paused);
    }
}

static void resume_all(struct hub *hub) {
    while (!list_is_empty(&hub->paused)) {
        struct hub_peer *peer = LIST_OBJECT(hub->paused.next, struct hub_peer, paused);
        list_remove(&peer->paused);
        event_loop_defer(hub->loop, &peer->reading);
    }
}

/* --- Writing --- */

static void count_unread(struct hub_peer *peer) {
    size_t size = write_queue_size(&peer->queue);
    hub_metrics_add(&peer->hub->metrics, HUB_METRIC_unread_bytes,
                    (int64_t)size - (int64_t)peer->unread);
    peer->unread = size;
}

int hub_peer_send(struct hub_peer *peer, const struct hub_frame *frame) {
    if (peer->is_deaf || peer->is_given_up) {
        return peer->is_deaf ? STATUS_OK : STATUS_CLOSED;
    }
    struct frame *encoded = hub_wire_encode(frame);
    size_t size = encoded == NULL ? 0 : encoded->length;
    int status = encoded == NULL ? STATUS_NO_MEMORY : write_queue_push(&peer->queue, encoded);
    write_queue_flush_later(&peer->queue);
    count_unread(peer);
    peer->unread_answers += size;
    if (peer->unread_answers > LIMIT_HUB_ANSWERS) {
        give_up(peer);
    }
    return status;
}

static void become_congested(struct hub_peer *peer) {
    peer->is_congested = true;
    timer_start(peer->hub->loop, &peer->patience, LIMIT_HUB_PATIENCE_SECONDS);
}

bool hub_peer_deliver(struct hub_peer *peer, struct frame *frame) {
    size_t waiting = write_queue_size(&peer->queue);
    if (peer->is_deaf || peer->is_given_up) {
        frame_unref(frame);
        return false;
    }
    if (peer->is_lossy || waiting > LIMIT_HUB_BACKLOG_MOST) {
        peer->is_lossy = true;
        frame_unref(frame);
        hub_metrics_add(&peer->hub->metrics, HUB_METRIC_dropped, 1);
        if (!peer->is_congested) {
            become_congested(peer);
        }
        return false;
    }
    if (write_queue_push(&peer->queue, frame) != STATUS_OK) {
        return false;
    }
    write_queue_flush_later(&peer->queue);
    count_unread(peer);
    hub_metrics_add(&peer->hub->metrics, HUB_METRIC_delivered, 1);
    if (!peer->is_congested && waiting > LIMIT_HUB_BACKLOG) {
        become_congested(peer);
    }
    return true;
}

static int push_part(void *context, struct frame *frame) {
    return write_queue_push(context, frame);
}

int hub_peer_give(struct list *asks, struct slice channel, struct slice message) {
    struct hub_peer *peer = LIST_OBJECT(asks, struct hub_peer, asks);
    struct hub_frame frame = {.kind = HUB_MESSAGE, .name = channel, .payload = message};
    if (peer->is_deaf || peer->is_given_up) {
        return STATUS_CLOSED;
    }
    if (write_queue_size(&peer->queue) > LIMIT_HUB_BACKLOG_MOST) {
        peer->is_full = true;
        return STATUS_STATE;
    }
    int status = hub_wire_encode_message(&frame, push_part, &peer->queue);
    count_unread(peer);
    if (status < 0) { /* a part of the message may be on its way: nothing can follow it */
        give_up(peer);
        return status;
    }
    write_queue_flush_later(&peer->queue);
    return STATUS_OK;
}

/* One that loses nothing has room again soon, so that nobody who publishes to it waits for long;
 * the other has to read more, or it would lose by turns. */
static bool has_caught_up(const struct hub_peer *peer) {
    size_t most = peer->is_lossy ? LIMIT_HUB_BACKLOG / 2 : LIMIT_HUB_BACKLOG - LIMIT_HUB_ROOM;
    return peer->is_congested && write_queue_size(&peer->queue) <= most;
}

/* It has read what waited: what it lost comes to its notice in the right place. */
static void catch_up(struct hub_peer *peer) {
    bool was_lossy = peer->is_lossy;
    peer->is_congested = peer->is_lossy = false;
    timer_stop(&peer->patience);
    if (was_lossy) {
        struct hub_frame gap = {.kind = HUB_GAP, .name = SLICE_EMPTY, .payload = SLICE_EMPTY};
        (void)hub_peer_send(peer, &gap);
        hub_metrics_add(&peer->hub->metrics, HUB_METRIC_gaps, 1);
    }
    resume_all(peer->hub);
}

/* The same, of messages of channels. */
static void take_what_waits(struct hub_peer *peer) {
    peer->is_full = false;
    hub_channels_resume(&peer->project->channels, &peer->asks, event_loop_now(peer->hub->loop));
}

static void stop_telling(struct hub_peer *peer) {
    if (peer->project != NULL) {
        hub_channels_ask_no_more(&peer->project->channels, &peer->asks);
        groups_leave_all(&peer->project->topics, &peer->member.member);
        timer_stop(&peer->patience);
    }
    bool was_congested = peer->is_congested;
    peer->is_congested = peer->is_lossy = peer->is_full = false;
    if (was_congested) {
        resume_all(peer->hub);
    }
}

/* A connection whose other end is closed ends with its reading; anything else ends it here. */
static void on_write_failed(struct hub_peer *peer, int status) {
    if (status != STATUS_CLOSED) {
        hub_peer_close(peer);
    } else if (!peer->is_deaf) {
        peer->is_deaf = true;
        stop_telling(peer);
    }
    count_unread(peer);
}

static void on_written(void *owner, int status) {
    struct hub_peer *peer = owner;
    peer->unread_answers = 0;
    status = write_queue_on_written(&peer->queue, status);
    if (status != STATUS_OK) {
        on_write_failed(peer, status);
        return;
    }
    count_unread(peer);
    if (has_caught_up(peer)) {
        catch_up(peer);
    }
    bool has_room = write_queue_size(&peer->queue) <= LIMIT_HUB_BACKLOG / 2;
    if (peer->is_full && has_room && peer->project != NULL) {
        take_what_waits(peer);
    }
}

static void on_patience_over(struct timer *timer) {
    struct hub_peer *peer = LIST_OBJECT(timer, struct hub_peer, patience);
    if (peer->project == NULL) {
        hub_peer_close(peer);
        return;
    }
    peer->is_lossy = true;
    resume_all(peer->hub);
}

/* --- Beginning and end --- */

/* Who was promised the rest of a message hears that it does not come. */
static void send_gone(struct hub_peer *gone) {
    struct hub_frame frame = {
        .kind = HUB_GONE, .number = gone->id, .name = SLICE_EMPTY, .payload = SLICE_EMPTY};
    struct list *peers = &gone->hub->peers;
    for (struct list *link = peers->next; link != peers; link = link->next) {
        struct hub_peer *peer = LIST_OBJECT(link, struct hub_peer, link);
        if (peer->project == gone->project) {
            (void)hub_peer_send(peer, &frame);
        }
    }
}

static void leave_project(struct hub_peer *peer) {
    if (peer->project == NULL) {
        return;
    }
    hub_channels_ask_no_more(&peer->project->channels, &peer->asks);
    groups_leave_all(&peer->project->topics, &peer->member.member);
    if (peer->is_half_way) {
        send_gone(peer);
    }
    peer->project = NULL;
}

void hub_peer_close(struct hub_peer *peer) {
    if (peer->stream == NULL || peer->stream->closing) {
        return;
    }
    leave_project(peer);
    timer_stop(&peer->patience);
    deferred_cancel(&peer->reading);
    list_remove(&peer->paused);
    if (peer->is_congested) {
        resume_all(peer->hub);
    }
    stream_close(peer->stream);
}

static void on_closed(void *owner) {
    struct hub_peer *peer = owner;
    peer->stream = NULL;
    deferred_cancel(&peer->acknowledge);
    deferred_cancel(&peer->reading);
    write_queue_release(&peer->queue);
    count_unread(peer);
    hub_decoder_release(&peer->decoder);
    hub_assembly_clear(&peer->assembly);
    list_remove(&peer->link);
    peer->hub->peer_count--;
    hub_metrics_add(&peer->hub->metrics, HUB_METRIC_peers, -1);
    memory_free(peer);
    counters_closed(COUNTER_hub_peers);
}

static void on_open(void *owner) {
    struct hub_peer *peer = owner;
    if (stream_read_start(peer->stream) != STATUS_OK) {
        hub_peer_close(peer);
    }
}

static void on_read_end(void *owner, int status) {
    (void)status;
    hub_peer_close(owner);
}

static const struct stream_events events = {
    .on_open = on_open,
    .on_read = on_read,
    .on_read_end = on_read_end,
    .on_written = on_written,
    .on_closed = on_closed,
};

void hub_peer_accept(struct hub *hub, struct stream *stream) {
    struct hub_peer *peer = memory_allocate_zeroed(sizeof(*peer));
    if (peer == NULL) {
        stream_close(stream);
        return;
    }
    counters_opened(COUNTER_hub_peers);
    peer->hub = hub;
    peer->stream = stream;
    peer->id = ++hub->last_peer;
    list_append(&hub->peers, &peer->link);
    list_init(&peer->paused);
    list_init(&peer->asks);
    member_init(&peer->member.member, 0);
    hub_assembly_init(&peer->assembly);
    write_queue_init(&peer->queue, stream);
    deferred_init(&peer->acknowledge, acknowledge);
    deferred_init(&peer->reading, go_on_reading);
    timer_init(&peer->patience, on_patience_over);
    hub->peer_count++;
    hub_metrics_add(&hub->metrics, HUB_METRIC_peers, 1);
    hub_metrics_add(&hub->metrics, HUB_METRIC_connected, 1);
    timer_start(hub->loop, &peer->patience, LIMIT_HUB_HELLO_SECONDS);
    stream_attach(stream, &events, peer);
    stream_open(stream);
}
