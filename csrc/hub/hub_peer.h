/* A process at the hub: its connection, what it has announced and asked for, and what waits for it.
 *
 *   silent --HELLO--> greeted <--too much waits / it has read some--> congested
 *                       ^                            congested --patience over--> lossy
 *                       `---------- it has read half, GAP ----------------------'
 *
 * While a peer is congested, who publishes to it is not read, and so gets no credit; when it has
 * not taken LIMIT_HUB_ROOM within LIMIT_HUB_PATIENCE_SECONDS it is lossy: it gets nothing more
 * until it has read half of what waits, and then GAP.
 *
 * One that has ended is deaf as soon as something cannot be written to it: it hears of nothing any
 * more, but what it has said before is still read, up to its end. */
#ifndef CASGI_HUB_HUB_PEER_H
#define CASGI_HUB_HUB_PEER_H

#include "hub/hub.h"
#include "hub/hub_assembly.h"
#include "net/write_queue.h"

struct hub_peer {
    struct hub_member member; /* of its topics; first */
    struct list link;
    struct list paused; /* in hub->paused, or by itself */
    struct hub *hub;
    struct hub_project *project; /* NULL while it is silent */
    struct stream *stream;       /* NULL once it is closed */
    struct write_queue queue;
    struct hub_decoder decoder;
    struct hub_assembly assembly; /* of a large message for channels */
    struct list asks;             /* for messages of channels */
    struct deferred acknowledge;
    struct deferred reading; /* goes on with what waits in the decoder */
    struct timer patience;   /* silent: for its hello; congested: for its reading */
    uint32_t id;
    uint64_t frames_read, bytes_read;
    size_t unread_answers; /* bytes, since it has taken anything */
    size_t unread;         /* bytes in the queue, as counted */
    bool is_congested;
    bool is_lossy;
    bool is_full; /* messages that it has asked for wait until it has read */
    bool is_deaf;
    bool is_given_up; /* to be closed at the end of the turn; gets nothing more */
    bool is_half_way; /* its last frame was not the last of a message */
};

/* What the hub does with a new connection: it becomes a peer (*takes* the stream). */
void hub_peer_accept(struct hub *hub, struct stream *stream);

/* Closes the connection; the peer frees itself. */
void hub_peer_close(struct hub_peer *peer);

/* Queues a frame (*takes* the reference) as far as the peer may have more. Returns false when it
 * was dropped. */
bool hub_peer_deliver(struct hub_peer *peer, struct frame *frame);

/* Queues a frame that is never dropped: a peer that takes none of LIMIT_HUB_ANSWERS bytes of them
 * is closed. STATUS_OK, STATUS_CLOSED, STATUS_NO_MEMORY. */
int hub_peer_send(struct hub_peer *peer, const struct hub_frame *frame);

/* The peer's channels.give: its `asks` stands for it. STATUS_STATE while as much waits for it as
 * may; when it fails otherwise the peer is closed from the loop. */
int hub_peer_give(struct list *asks, struct slice channel, struct slice message);

/* Takes no further frame from the peer until one of the hub's has room again, or is gone. From its
 * own requests. */
void hub_peer_pause(struct hub_peer *peer);

#endif
