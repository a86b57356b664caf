/* The codec of hub_wire.h. A decoder owns the bytes of the frame that has not come whole; nothing
 * here keeps a frame. */
#include "hub/hub_wire.h"

#include "base/limits.h"

uint64_t hub_wire_read(const char *bytes, unsigned count) {
    uint64_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        value |= (uint64_t)(unsigned char)bytes[i] << (8 * i);
    }
    return value;
}

void hub_wire_write(char *bytes, uint64_t value, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        bytes[i] = (char)(value >> (8 * i));
    }
}

struct frame *hub_wire_encode(const struct hub_frame *frame) {
    size_t size = frame->name.length + frame->payload.length;
    struct frame *encoded = frame_new(HUB_HEADER_SIZE + size);
    if (encoded == NULL) {
        return NULL;
    }
    char *bytes = frame_bytes(encoded);
    hub_wire_write(bytes, size, 4);
    bytes[4] = (char)frame->kind;
    bytes[5] = (char)frame->flags;
    hub_wire_write(bytes + 6, frame->name.length, 2);
    hub_wire_write(bytes + 8, frame->number, 4);
    memcpy(bytes + HUB_HEADER_SIZE, frame->name.data, frame->name.length);
    memcpy(bytes + HUB_HEADER_SIZE + frame->name.length, frame->payload.data,
           frame->payload.length);
    return encoded;
}

int hub_wire_encode_message(const struct hub_frame *message,
                            int (*push)(void *context, struct frame *frame), void *context) {
    struct slice left = message->payload;
    int count = 0;
    do {
        struct hub_frame part = *message;
        bool goes_on = left.length > LIMIT_HUB_CHUNK;
        part.payload = goes_on ? slice_of(left.data, LIMIT_HUB_CHUNK) : left;
        part.flags |= (uint8_t)((goes_on ? HUB_MORE : 0) | (count > 0 ? HUB_CONTINUED : 0));
        struct frame *frame = hub_wire_encode(&part);
        int status = frame == NULL ? STATUS_NO_MEMORY : push(context, frame);
        if (status != STATUS_OK) {
            return status;
        }
        left = slice_without_front(left, part.payload.length);
        count++;
    } while (left.length > 0);
    return count;
}

/* Reads the frame at the front of `bytes`. Returns its length, 0 when more is to come, or
 * STATUS_PROTOCOL. */
static long read_frame(struct slice bytes, struct hub_frame *frame) {
    if (bytes.length < HUB_HEADER_SIZE) {
        return 0;
    }
    uint64_t size = hub_wire_read(bytes.data, 4);
    size_t name_length = (size_t)hub_wire_read(bytes.data + 6, 2);
    if (size < name_length || size - name_length > LIMIT_HUB_CHUNK + HUB_SEND_PREFIX) {
        return STATUS_PROTOCOL;
    }
    if (bytes.length - HUB_HEADER_SIZE < size) {
        return 0;
    }
    const char *name = bytes.data + HUB_HEADER_SIZE;
    *frame = (struct hub_frame){
        .kind = (uint8_t)bytes.data[4],
        .flags = (uint8_t)bytes.data[5],
        .number = (uint32_t)hub_wire_read(bytes.data + 8, 4),
        .name = slice_of(name, name_length),
        .payload = slice_of(name + name_length, (size_t)size - name_length),
    };
    return (long)(HUB_HEADER_SIZE + size);
}

/* Takes frames off the front of *bytes. */
static int take_frames(struct slice *bytes,
                       int (*on_frame)(void *owner, const struct hub_frame *frame), void *owner) {
    struct hub_frame frame;
    long length;
    while ((length = read_frame(*bytes, &frame)) > 0) {
        *bytes = slice_without_front(*bytes, (size_t)length);
        int status = on_frame(owner, &frame);
        if (status != STATUS_OK) {
            return status;
        }
    }
    return length < 0 ? (int)length : STATUS_OK;
}

/* How many bytes the first frame of `bytes` has yet to get, as far as can be told. */
static size_t missing(struct slice bytes) {
    if (bytes.length < HUB_HEADER_SIZE) {
        return HUB_HEADER_SIZE - bytes.length;
    }
    size_t whole = HUB_HEADER_SIZE + (size_t)hub_wire_read(bytes.data, 4);
    return whole > bytes.length ? whole - bytes.length : 0;
}

/* Takes the frames that are whole in `rest`, which stays as it is for `on_frame`. */
static int take_rest(struct hub_decoder *decoder,
                     int (*on_frame)(void *owner, const struct hub_frame *frame), void *owner) {
    struct slice whole = buffer_slice(&decoder->rest);
    struct slice left = whole;
    int status = take_frames(&left, on_frame, owner);
    buffer_consume(&decoder->rest, whole.length - left.length);
    if (decoder->rest.length == 0) {
        buffer_release(&decoder->rest);
    }
    return status;
}

int hub_decoder_feed(struct hub_decoder *decoder, struct slice bytes,
                     int (*on_frame)(void *owner, const struct hub_frame *frame), void *owner) {
    int status = decoder->rest.length > 0 ? take_rest(decoder, on_frame, owner) : STATUS_OK;
    while (status == STATUS_OK && decoder->rest.length > 0 && bytes.length > 0) {
        size_t count = missing(buffer_slice(&decoder->rest));
        count = count < bytes.length ? count : bytes.length;
        if (buffer_append(&decoder->rest, slice_of(bytes.data, count)) != STATUS_OK) {
            return STATUS_NO_MEMORY;
        }
        bytes = slice_without_front(bytes, count);
        status = take_rest(decoder, on_frame, owner);
    }
    if (status == STATUS_OK && bytes.length > 0) {
        status = take_frames(&bytes, on_frame, owner);
    }
    if (bytes.length > 0 && buffer_append(&decoder->rest, bytes) != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    return status;
}

void hub_decoder_release(struct hub_decoder *decoder) {
    buffer_release(&decoder->rest);
}
