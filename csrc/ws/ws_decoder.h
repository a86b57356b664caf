/* Receives the frames of one client, one at a time, through wslay's frame layer; and the pool that
 * lends such decoders out.
 *
 * wslay keeps a buffer of 4 KiB, too much for thousands of idle connections: so a session takes a
 * decoder when bytes come and gives it back as soon as it stands at a frame's edge.
 *
 *   EDGE --read_head: whole--> PAYLOAD --read_payload: last piece--> EDGE
 *
 * wslay judges lengths and control frames, and unmasks. It shows a head only together with the
 * first byte of payload, but a frame over a limit must be refused before: so the decoder looks at
 * the head itself on its way to wslay, and that is also how it knows where each frame ends. */
#ifndef CASGI_WS_WS_DECODER_H
#define CASGI_WS_WS_DECODER_H

#include <stdint.h>

#include "base/limits.h"
#include "base/slice.h"

struct wslay_frame_context;

/* The longest frame head of a client: 2 bytes, an extended length of 8, a mask of 4. */
#define WS_DECODER_HEAD_MAX 14

/* What a frame's head says, unjudged. */
struct ws_head {
    uint8_t opcode;
    uint8_t reserved; /* RSV1 is 4, RSV2 is 2, RSV3 is 1 */
    bool is_final;
    bool is_masked;
    uint64_t payload_length;
};

struct ws_decoder {
    struct ws_decoder *next_free;
    struct wslay_frame_context *context;
    struct slice *input; /* what wslay may take from, while it is called */
    struct ws_head head; /* valid from read_head()'s true until the next frame's */
    uint64_t remaining;  /* payload bytes of the frame that are still to come */
    bool is_in_payload;
    uint8_t head_length; /* bytes in head_bytes */
    uint8_t head_passed; /* of these, given to wslay */
    uint8_t head_bytes[WS_DECODER_HEAD_MAX];
    uint8_t control_length;                 /* bytes in control */
    char control[LIMIT_WS_CONTROL_PAYLOAD]; /* of a control frame that arrives in pieces */
};

struct ws_decoder_pool; /* decoders not in use: one pool per server */

enum ws_decoder_result {
    WS_DECODER_INVALID, /* the frame breaks the protocol: read no further */
    WS_DECODER_WAITING, /* all input is used */
    WS_DECODER_PIECE    /* some payload, or an empty frame's lack of it */
};

/* Returns new pool, empty, or NULL. */
struct ws_decoder_pool *ws_decoder_pool_new(void);

/* Frees the pool and the decoders in it; every session has been released before. NULL is allowed.
 */
void ws_decoder_pool_free(struct ws_decoder_pool *pool);

/* Returns a decoder at a frame's edge, to be given back, or NULL without memory.
 * COUNTER_ws_decoders counts those taken and not yet given back. */
struct ws_decoder *ws_decoder_pool_take(struct ws_decoder_pool *pool);

/* *Takes* the decoder, wherever it stands. NULL is allowed. */
void ws_decoder_pool_give(struct ws_decoder_pool *pool, struct ws_decoder *decoder);

/* Takes bytes of a head off *bytes. True when it is whole: decoder->head is to be judged. */
bool ws_decoder_read_head(struct ws_decoder *decoder, struct slice *bytes);

/* Takes payload off *bytes, after read_head() has returned true. *piece is valid until the next
 * call. Call with no bytes to learn whether wslay refuses the head. */
enum ws_decoder_result ws_decoder_read_payload(struct ws_decoder *decoder, struct slice *bytes,
                                               struct slice *piece);

/* True when nothing of a next frame has come. */
static inline bool ws_decoder_is_at_edge(const struct ws_decoder *decoder) {
    return decoder->head_length == 0;
}

#endif
