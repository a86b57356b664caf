/* wslay's receiving frame layer, fed one frame at a time, and the pool of free decoders. A decoder
 * owns its wslay context; the pool owns the decoders that nobody has taken. No I/O, no callbacks to
 * anyone but wslay's for bytes. */
#include "ws/ws_decoder.h"

#include <wslay/wslay.h>

#include "base/counters.h"
#include "base/memory.h"

/* Decoders are needed only while a frame is on its way; a loop reads one socket at a time, so a few
 * serve any number of connections whose frames come whole. */
enum { POOL_SIZE = 8 };

enum {
    HEAD_START = 2,
    MASK_SIZE = 4,
    FINAL_BIT = 0x80,
    MASK_BIT = 0x80,
    LENGTH_BITS = 0x7F,
    LENGTH_IN_2_BYTES = 126,
    LENGTH_IN_8_BYTES = 127,
};

struct ws_decoder_pool {
    struct ws_decoder *first;
    unsigned size;
};

static size_t smaller(size_t a, size_t b) {
    return a < b ? a : b;
}

/* wslay's callback for bytes. It is given this frame's and no more, so that its buffer is empty at
 * every frame's edge. A whole head always fits: wslay asks for it with an empty buffer of 4 KiB. */
static ssize_t supply(uint8_t *out, size_t room, int flags, void *user_data) {
    (void)flags;
    struct ws_decoder *decoder = user_data;
    size_t head = (size_t)(decoder->head_length - decoder->head_passed);
    memcpy(out, decoder->head_bytes + decoder->head_passed, head);
    decoder->head_passed = decoder->head_length;

    struct slice *input = decoder->input;
    size_t payload = smaller(input->length, room - head);
    if (payload > decoder->remaining) {
        payload = (size_t)decoder->remaining;
    }
    if (payload > 0) {
        memcpy(out + head, input->data, payload);
        *input = slice_of(input->data + payload, input->length - payload);
    }
    return (ssize_t)(head + payload);
}

static struct ws_decoder *decoder_new(void) {
    struct ws_decoder *decoder = memory_allocate_zeroed(sizeof(*decoder));
    if (decoder == NULL) {
        return NULL;
    }
    struct wslay_frame_callbacks callbacks = {.recv_callback = supply};
    if (wslay_frame_context_init(&decoder->context, &callbacks, decoder) != 0) {
        memory_free(decoder);
        return NULL;
    }
    return decoder;
}

static void decoder_free(struct ws_decoder *decoder) {
    wslay_frame_context_free(decoder->context);
    memory_free(decoder);
}

struct ws_decoder_pool *ws_decoder_pool_new(void) {
    return memory_allocate_zeroed(sizeof(struct ws_decoder_pool));
}

void ws_decoder_pool_free(struct ws_decoder_pool *pool) {
    if (pool == NULL) {
        return;
    }
    while (pool->first != NULL) {
        struct ws_decoder *decoder = pool->first;
        pool->first = decoder->next_free;
        decoder_free(decoder);
    }
    memory_free(pool);
}

struct ws_decoder *ws_decoder_pool_take(struct ws_decoder_pool *pool) {
    struct ws_decoder *decoder = pool->first;
    if (decoder != NULL) {
        pool->first = decoder->next_free;
        pool->size--;
    } else {
        decoder = decoder_new();
    }
    if (decoder != NULL) {
        counters_opened(COUNTER_ws_decoders);
    }
    return decoder;
}

/* wslay has no way to forget half a frame: a decoder that stands inside one is of no further use.
 */
void ws_decoder_pool_give(struct ws_decoder_pool *pool, struct ws_decoder *decoder) {
    if (decoder == NULL) {
        return;
    }
    counters_closed(COUNTER_ws_decoders);
    if (pool->size == POOL_SIZE || !ws_decoder_is_at_edge(decoder)) {
        decoder_free(decoder);
        return;
    }
    decoder->next_free = pool->first;
    pool->first = decoder;
    pool->size++;
}

/* Takes bytes off *bytes until the head has `length`. Returns true when it has. */
static bool fill_head(struct ws_decoder *decoder, struct slice *bytes, size_t length) {
    if (decoder->head_length < length) {
        size_t count = smaller(length - decoder->head_length, bytes->length);
        memcpy(decoder->head_bytes + decoder->head_length, bytes->data, count);
        decoder->head_length = (uint8_t)(decoder->head_length + count);
        *bytes = slice_of(bytes->data + count, bytes->length - count);
    }
    return decoder->head_length >= length;
}

static size_t extended_length_size(const uint8_t *head) {
    uint8_t length = head[1] & LENGTH_BITS;
    return length == LENGTH_IN_8_BYTES ? 8 : length == LENGTH_IN_2_BYTES ? 2 : 0;
}

static struct ws_head parse_head(const uint8_t *bytes) {
    size_t extended = extended_length_size(bytes);
    uint64_t length = extended == 0 ? bytes[1] & LENGTH_BITS : 0;
    for (size_t i = 0; i < extended; i++) {
        length = length << 8 | bytes[HEAD_START + i];
    }
    return (struct ws_head){
        .opcode = bytes[0] & 0xF,
        .reserved = bytes[0] >> 4 & 7,
        .is_final = (bytes[0] & FINAL_BIT) != 0,
        .is_masked = (bytes[1] & MASK_BIT) != 0,
        .payload_length = length,
    };
}

bool ws_decoder_read_head(struct ws_decoder *decoder, struct slice *bytes) {
    if (!fill_head(decoder, bytes, HEAD_START)) {
        return false;
    }
    const uint8_t *head = decoder->head_bytes;
    size_t mask = (head[1] & MASK_BIT) != 0 ? MASK_SIZE : 0;
    if (!fill_head(decoder, bytes, HEAD_START + extended_length_size(head) + mask)) {
        return false;
    }
    decoder->head = parse_head(head);
    decoder->remaining = decoder->head.payload_length;
    decoder->is_in_payload = true;
    return true;
}

enum ws_decoder_result ws_decoder_read_payload(struct ws_decoder *decoder, struct slice *bytes,
                                               struct slice *piece) {
    struct wslay_frame_iocb frame;
    decoder->input = bytes;
    ssize_t received = wslay_frame_recv(decoder->context, &frame);
    decoder->input = NULL;
    if (received == WSLAY_ERR_WANT_READ) {
        return WS_DECODER_WAITING;
    }
    if (received < 0) {
        return WS_DECODER_INVALID;
    }
    *piece = slice_of((const char *)frame.data, frame.data_length);
    decoder->remaining -= frame.data_length;
    if (decoder->remaining == 0) {
        decoder->is_in_payload = false;
        decoder->head_length = decoder->head_passed = 0;
    }
    return WS_DECODER_PIECE;
}
