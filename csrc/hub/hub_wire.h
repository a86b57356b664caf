/* What the hub and its peers say to each other: frames on a byte stream of one host.
 *
 *   0        4      5       6             8        12
 *   | size   | kind | flags | name length | number | name ... | payload ... |
 *
 * All numbers are little-endian; `size` counts the bytes behind the header. A name is a topic (to
 * which messages are published, for all that have announced it) or a channel (whose messages go to
 * one peer each, the one that has asked first). What is longer than LIMIT_HUB_CHUNK goes in several
 * frames: all but the last have HUB_MORE, all but the first HUB_CONTINUED. Those of one sender
 * follow each other, those of several are interleaved: `number` says whose they are.
 *
 *   peer                                      hub
 *   HELLO number=version name=project    ->
 *                                        <-   WELCOME number=id of the peer
 *                                        <-   REFUSED payload=reason, and the end
 *   ANNOUNCE, WITHDRAW name=topic        ->
 *   PUBLISH name=topic                   ->   to all others that have announced it:
 *                                        <-   DELIVER number=id of the sender, name=topic
 *   SEND name=channel                    ->   payload: capacity, milliseconds (u32 each), message;
 *                                             with HUB_NOTED its loss leaves an empty message
 *   RECEIVE, ABANDON name=channel        ->   one message is asked for, or no longer
 *   JOIN name=topic                      ->   payload: capacity, milliseconds, milliseconds of the
 *                                             stay (u32 each), the channel that joins
 *   LEAVE name=topic                     ->   payload: the channel
 *   FLUSH name=beginning                 ->   channels whose names begin so lose everything
 *                                        <-   MESSAGE name=channel
 *                                        <-   ACK number=frames read, payload=bytes read (u64)
 *                                        <-   FAILED number=of the frame, flags=why
 *                                        <-   GAP: messages for this peer were lost
 *                                        <-   GONE number=id of a sender that left half-way
 *
 * ACK is what a sender waits for, and its credit: at most LIMIT_HUB_WINDOW bytes are not yet read.
 * It comes after everything that the frames it counts have caused for this peer. No I/O here. */
#ifndef CASGI_HUB_HUB_WIRE_H
#define CASGI_HUB_HUB_WIRE_H

#include <stdint.h>

#include "base/buffer.h"
#include "base/frame.h"

#define HUB_VERSION     1
#define HUB_HEADER_SIZE 12

/* In front of the message of a SEND: how many may wait in the channel, and for how long. */
#define HUB_SEND_PREFIX 8

/* In front of the channel of a JOIN: these, and for how many milliseconds it stays. */
#define HUB_JOIN_PREFIX 12

enum hub_kind {
    HUB_HELLO = 1,
    HUB_ANNOUNCE,
    HUB_WITHDRAW,
    HUB_PUBLISH,
    HUB_SEND,
    HUB_RECEIVE,
    HUB_ABANDON,
    HUB_JOIN,
    HUB_LEAVE,
    HUB_FLUSH,
    HUB_WELCOME = 65,
    HUB_REFUSED,
    HUB_ACK,
    HUB_DELIVER,
    HUB_MESSAGE,
    HUB_FAILED,
    HUB_GAP,
    HUB_GONE
};

enum hub_flag {
    HUB_MORE = 1,           /* the message goes on in the next frame of this sender */
    HUB_CONTINUED = 2,      /* it began in the one before */
    HUB_WANTS_RECEIVER = 4, /* FAILED when nobody else has announced the topic */
    HUB_NOTED = 8           /* SEND: without a capacity; who receives is told of losses */
};

/* Why a frame has FAILED. */
enum hub_failure { HUB_CHANNEL_FULL = 1, HUB_FULL, HUB_NOBODY };

struct hub_frame {
    uint8_t kind;
    uint8_t flags;
    uint32_t number;
    struct slice name; /* borrowed, as the payload */
    struct slice payload;
};

/* Numbers in a payload. */
uint64_t hub_wire_read(const char *bytes, unsigned count);
void hub_wire_write(char *bytes, uint64_t value, unsigned count);

/* Returns new frame with the bytes of `frame`, or NULL. The name has at most LIMIT_HUB_NAME bytes,
 * the payload LIMIT_HUB_CHUNK and HUB_SEND_PREFIX. */
struct frame *hub_wire_encode(const struct hub_frame *frame);

/* Encodes a message of any length: calls `push`, which *takes* it, with each of its frames. Returns
 * how many, or the first status of `push` that is none of success, or STATUS_NO_MEMORY. */
int hub_wire_encode_message(const struct hub_frame *message,
                            int (*push)(void *context, struct frame *frame), void *context);

/* Bytes in, frames out. Embedded; zeroed when new. */
struct hub_decoder {
    struct buffer rest; /* what has come of the next frame, or waits since the decoder was held */
};

/* Gives each whole frame of what came before and of `bytes` (*borrows*) to `on_frame`, which goes
 * on with STATUS_OK; what comes behind one for which it returns something else waits for the next
 * call. Returns STATUS_OK, what `on_frame` has returned, STATUS_PROTOCOL for what is no frame, or
 * STATUS_NO_MEMORY. */
int hub_decoder_feed(struct hub_decoder *decoder, struct slice bytes,
                     int (*on_frame)(void *owner, const struct hub_frame *frame), void *owner);

/* Idempotent. */
void hub_decoder_release(struct hub_decoder *decoder);

#endif
