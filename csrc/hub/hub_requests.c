/* The requests of hub_wire.h, one function each. */
#include "hub/hub_requests.h"

#include <stdio.h>

#include "base/limits.h"

/* --- Hello --- */

static int refuse(struct hub_peer *peer, const char *reason) {
    struct hub_frame frame = {
        .kind = HUB_REFUSED, .name = SLICE_EMPTY, .payload = slice_of(reason, strlen(reason))};
    hub_metrics_add(&peer->hub->metrics, HUB_METRIC_refused, 1);
    (void)hub_peer_send(peer, &frame);
    (void)write_queue_flush_now(&peer->queue);
    return STATUS_PROTOCOL;
}

static int greet(struct hub_peer *peer, const struct hub_frame *hello) {
    char reason[160];
    if (hello->number != HUB_VERSION) {
        (void)snprintf(reason, sizeof(reason),
                       "it speaks version %d of the protocol, this process version %u: they are "
                       "of different releases of casgi",
                       HUB_VERSION, (unsigned)hello->number);
        return refuse(peer, reason);
    }
    if (peer->hub->peer_count > LIMIT_HUB_PEERS) {
        (void)snprintf(reason, sizeof(reason), "it is full: it serves %d processes",
                       LIMIT_HUB_PEERS);
        return refuse(peer, reason);
    }
    peer->project = hub_project(peer->hub, hello->name);
    if (peer->project == NULL) {
        (void)snprintf(reason, sizeof(reason), "it is full: it serves %d projects",
                       LIMIT_HUB_PROJECTS);
        return refuse(peer, reason);
    }
    timer_stop(&peer->patience);
    struct hub_frame welcome = {
        .kind = HUB_WELCOME, .number = peer->id, .name = SLICE_EMPTY, .payload = SLICE_EMPTY};
    return hub_peer_send(peer, &welcome);
}

/* --- Topics --- */

static int announce(struct hub_peer *peer, const struct hub_frame *frame) {
    return groups_add(&peer->project->topics, frame->name, &peer->member.member, 0, NULL);
}

static int withdraw(struct hub_peer *peer, const struct hub_frame *frame) {
    groups_discard(&peer->project->topics, frame->name, &peer->member.member);
    return STATUS_OK;
}

struct publication {
    struct hub_peer *sender;
    const struct hub_frame *request;
    struct slice message; /* whole, for channels; NULL while it is not */
    struct frame *frame;  /* made for the first who gets it */
    bool has_receiver;
};

static void deliver_to_peer(struct publication *publication, struct hub_peer *peer) {
    if (publication->frame == NULL) {
        struct hub_frame frame = *publication->request;
        frame.kind = HUB_DELIVER;
        frame.number = publication->sender->id;
        publication->frame = hub_wire_encode(&frame);
    }
    if (publication->frame != NULL) {
        (void)hub_peer_deliver(peer, frame_ref(publication->frame));
    }
    if (peer->is_congested && !peer->is_lossy) {
        hub_peer_pause(publication->sender);
    }
}

static void deliver(struct member *member, double joined, void *context) {
    struct publication *publication = context;
    struct hub_peer *sender = publication->sender;
    struct hub_member *receiver = (struct hub_member *)member;
    if (receiver == &sender->member) {
        return;
    }
    publication->has_receiver = true;
    if (!receiver->is_channel) {
        deliver_to_peer(publication, (struct hub_peer *)receiver);
    } else if (publication->message.data != NULL) {
        hub_channels_post(&sender->project->channels, receiver, joined, publication->request->name,
                          publication->message, event_loop_now(sender->hub->loop));
    }
}

static int fail(struct hub_peer *peer, enum hub_failure failure) {
    struct hub_frame frame = {.kind = HUB_FAILED,
                              .flags = (uint8_t)failure,
                              .number = (uint32_t)peer->frames_read,
                              .name = SLICE_EMPTY,
                              .payload = SLICE_EMPTY};
    return hub_peer_send(peer, &frame);
}

static int publish(struct hub_peer *peer, const struct hub_frame *frame) {
    struct publication publication = {.sender = peer, .request = frame};
    peer->is_half_way = (frame->flags & HUB_MORE) != 0;
    if (peer->project->channels.member_count > 0 &&
        hub_assembly_add(&peer->assembly, frame, &publication.message) != STATUS_OK) {
        publication.message = slice_of(NULL, 0);
    }
    groups_visit(&peer->project->topics, frame->name, GROUPS_ALL, deliver, &publication);
    frame_unref(publication.frame);
    hub_metrics_add(&peer->hub->metrics, HUB_METRIC_published, 1);
    bool is_missed = !publication.has_receiver && (frame->flags & HUB_WANTS_RECEIVER) != 0;
    return is_missed && !peer->is_half_way ? fail(peer, HUB_NOBODY) : STATUS_OK;
}

/* --- Channels --- */

static int send_whole(struct hub_peer *peer, const struct hub_frame *frame, struct slice payload) {
    if (payload.length < HUB_SEND_PREFIX) {
        return STATUS_PROTOCOL;
    }
    struct hub_channels *channels = &peer->project->channels;
    struct slice message = slice_without_front(payload, HUB_SEND_PREFIX);
    uint32_t capacity = (uint32_t)hub_wire_read(payload.data, 4);
    uint64_t now = event_loop_now(peer->hub->loop);
    uint64_t expires = now + hub_wire_read(payload.data + 4, 4);
    bool is_noted = (frame->flags & HUB_NOTED) != 0;
    int status = is_noted
                     ? hub_channels_send_noted(channels, frame->name, message, now, expires)
                     : hub_channels_send(channels, frame->name, message, capacity, now, expires);
    if (status == STATUS_OK) {
        return STATUS_OK;
    }
    return fail(peer, status == STATUS_TOO_LARGE ? HUB_CHANNEL_FULL : HUB_FULL);
}

static int send_to_channel(struct hub_peer *peer, const struct hub_frame *frame) {
    struct slice payload;
    int status = hub_assembly_add(&peer->assembly, frame, &payload);
    if (status == STATUS_STATE) {
        return STATUS_OK;
    }
    return status == STATUS_OK ? send_whole(peer, frame, payload) : status;
}

static int receive(struct hub_peer *peer, const struct hub_frame *frame) {
    return hub_channels_receive(&peer->project->channels, frame->name, &peer->asks,
                                event_loop_now(peer->hub->loop));
}

static int abandon(struct hub_peer *peer, const struct hub_frame *frame) {
    hub_channels_abandon(&peer->project->channels, frame->name, &peer->asks);
    return STATUS_OK;
}

/* --- Channels in topics --- */

static int join(struct hub_peer *peer, const struct hub_frame *frame) {
    if (frame->payload.length < HUB_JOIN_PREFIX || (frame->flags & HUB_MORE) != 0) {
        return STATUS_PROTOCOL;
    }
    const char *bytes = frame->payload.data;
    struct hub_channel_limits limits = {.capacity = (uint32_t)hub_wire_read(bytes, 4),
                                        .milliseconds = (uint32_t)hub_wire_read(bytes + 4, 4),
                                        .stay = (uint32_t)hub_wire_read(bytes + 8, 4)};
    int status = hub_channels_join(&peer->project->channels, frame->name,
                                   slice_without_front(frame->payload, HUB_JOIN_PREFIX), &limits,
                                   event_loop_now(peer->hub->loop));
    return status == STATUS_NO_MEMORY ? fail(peer, HUB_FULL) : status;
}

static int leave(struct hub_peer *peer, const struct hub_frame *frame) {
    hub_channels_leave(&peer->project->channels, frame->name, frame->payload);
    return STATUS_OK;
}

static int flush(struct hub_peer *peer, const struct hub_frame *frame) {
    hub_channels_flush(&peer->project->channels, frame->name);
    return STATUS_OK;
}

static int (*const requests[])(struct hub_peer *peer, const struct hub_frame *frame) = {
    [HUB_ANNOUNCE] = announce, [HUB_WITHDRAW] = withdraw,
    [HUB_PUBLISH] = publish,   [HUB_SEND] = send_to_channel,
    [HUB_RECEIVE] = receive,   [HUB_ABANDON] = abandon,
    [HUB_JOIN] = join,         [HUB_LEAVE] = leave,
    [HUB_FLUSH] = flush,
};

int hub_requests_handle(struct hub_peer *peer, const struct hub_frame *frame) {
    if (peer->project == NULL) {
        return frame->kind == HUB_HELLO ? greet(peer, frame) : STATUS_PROTOCOL;
    }
    bool is_known = frame->kind < sizeof(requests) / sizeof(requests[0]);
    return is_known && requests[frame->kind] != NULL ? requests[frame->kind](peer, frame)
                                                     : STATUS_PROTOCOL;
}
