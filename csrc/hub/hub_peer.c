/* A peer's connection. Owned by the hub's list; frees itself when its stream is closed. What its
 * frames ask for is done by hub_requests.c. */
#include "hub/hub_peer.h"

#include "base/counters.h"
#include "base/limits.h"
#include "base/memory.h"
#include "hub/hub_requests.h"

/* --- Reading --- */

static int on_frame(void *owner, const struct hub_frame *frame) {
    struct hub_peer *peer = owner;
    peer->frames_read++;
    peer->bytes_read += HUB_HEADER_SIZE + frame->name.length + frame->payload.length;
    event_loop_defer(peer->hub->loop, &peer->acknowledge);
    return hub_requests_handle(peer, frame);
}

static void on_read(void *owner, struct slice bytes) {
    struct hub_peer *peer = owner;
    if (hub_decoder_feed(&peer->decoder, bytes, on_frame, peer) != STATUS_OK) {
        hub_peer_close(peer);
    }
}

/* Closes it at the end of the turn: whoever is at work on it may be in the middle of its lists. */
static void give_up(struct hub_peer *peer) {
    peer->is_given_up = true;
    event_loop_defer(peer->hub->loop, &peer->acknowledge);
}

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
    if (peer->stream != NULL && hub_peer_tell(peer, &frame) != STATUS_OK) {
        hub_peer_close(peer);
    }
}

void hub_peer_pause(struct hub_peer *peer) {
    if (list_is_empty(&peer->paused)) {
        stream_read_stop(peer->stream);
        list_append(&peer->hub->paused, &peer->paused);
    }
}

void hub_peer_resume_all(struct hub *hub) {
    while (!list_is_empty(&hub->paused)) {
        struct hub_peer *peer = LIST_OBJECT(hub->paused.next, struct hub_peer, paused);
        list_remove(&peer->paused);
        if (stream_read_start(peer->stream) != STATUS_OK) {
            hub_peer_close(peer);
        }
    }
}

/* --- Writing --- */

int hub_peer_tell(struct hub_peer *peer, const struct hub_frame *frame) {
    if (peer->is_given_up) {
        return STATUS_CLOSED;
    }
    struct frame *encoded = hub_wire_encode(frame);
    size_t size = encoded == NULL ? 0 : encoded->length;
    int status = encoded == NULL ? STATUS_NO_MEMORY : write_queue_push(&peer->queue, encoded);
    write_queue_flush_later(&peer->queue);
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
    if (peer->is_given_up) {
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
    if (peer->is_given_up) {
        return STATUS_CLOSED;
    }
    int status = hub_wire_encode_message(&frame, push_part, &peer->queue);
    if (status < 0) { /* a part of the message may be on its way: nothing can follow it */
        give_up(peer);
        return status;
    }
    write_queue_flush_later(&peer->queue);
    return STATUS_OK;
}

/* It has read what waited: what it lost comes to its notice in the right place. */
static void catch_up(struct hub_peer *peer) {
    bool was_lossy = peer->is_lossy;
    peer->is_congested = peer->is_lossy = false;
    timer_stop(&peer->patience);
    if (was_lossy) {
        struct hub_frame gap = {.kind = HUB_GAP, .name = SLICE_EMPTY, .payload = SLICE_EMPTY};
        (void)hub_peer_tell(peer, &gap);
        hub_metrics_add(&peer->hub->metrics, HUB_METRIC_gaps, 1);
    }
    hub_peer_resume_all(peer->hub);
}

static void on_written(void *owner, int status) {
    struct hub_peer *peer = owner;
    peer->unread_answers = 0;
    if (write_queue_on_written(&peer->queue, status) != STATUS_OK) {
        hub_peer_close(peer);
    } else if (peer->is_congested && write_queue_size(&peer->queue) <= LIMIT_HUB_BACKLOG / 2) {
        catch_up(peer);
    }
}

static void on_patience_over(struct timer *timer) {
    struct hub_peer *peer = LIST_OBJECT(timer, struct hub_peer, patience);
    if (peer->project == NULL) {
        hub_peer_close(peer);
        return;
    }
    peer->is_lossy = true;
    hub_peer_resume_all(peer->hub);
}

/* --- Beginning and end --- */

/* Who was promised the rest of a message is told that it does not come. */
static void tell_of_end(struct hub_peer *gone) {
    struct hub_frame frame = {
        .kind = HUB_GONE, .number = gone->id, .name = SLICE_EMPTY, .payload = SLICE_EMPTY};
    struct list *peers = &gone->hub->peers;
    for (struct list *link = peers->next; link != peers; link = link->next) {
        struct hub_peer *peer = LIST_OBJECT(link, struct hub_peer, link);
        if (peer->project == gone->project) {
            (void)hub_peer_tell(peer, &frame);
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
        tell_of_end(peer);
    }
    peer->project = NULL;
}

void hub_peer_close(struct hub_peer *peer) {
    if (peer->stream == NULL || peer->stream->closing) {
        return;
    }
    leave_project(peer);
    timer_stop(&peer->patience);
    list_remove(&peer->paused);
    if (peer->is_congested) {
        hub_peer_resume_all(peer->hub);
    }
    stream_close(peer->stream);
}

static void on_closed(void *owner) {
    struct hub_peer *peer = owner;
    peer->stream = NULL;
    deferred_cancel(&peer->acknowledge);
    write_queue_release(&peer->queue);
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
    timer_init(&peer->patience, on_patience_over);
    hub->peer_count++;
    hub_metrics_add(&hub->metrics, HUB_METRIC_peers, 1);
    hub_metrics_add(&hub->metrics, HUB_METRIC_connected, 1);
    timer_start(hub->loop, &peer->patience, LIMIT_HUB_HELLO_SECONDS);
    stream_attach(stream, &events, peer);
    stream_open(stream);
}
