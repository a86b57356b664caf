/* The hub's codec: whole, byte by byte, in random pieces, with the n-th allocation failing. */
#include "base/counters.h"
#include "base/limits.h"
#include "base/memory.h"
#include "check.h"
#include "hub/hub_assembly.h"

enum { LARGE = 2 * LIMIT_HUB_CHUNK + 17 };

struct log {
    struct buffer text;
    struct hub_assembly assembly;
    int frames, stop_after;
    size_t longest;
};

static void note(struct log *log, const struct hub_frame *frame, struct slice payload) {
    char line[128];
    unsigned sum = 0;
    for (size_t i = 0; i < payload.length; i++) {
        sum = sum * 31 + (unsigned char)payload.data[i];
    }
    int length = snprintf(line, sizeof(line), "%u/%u %.*s %zu %u\n", frame->kind, frame->number,
                          (int)frame->name.length, frame->name.data, payload.length, sum);
    CHECK(buffer_append(&log->text, slice_of(line, (size_t)length)) == STATUS_OK);
}

static int on_frame(void *owner, const struct hub_frame *frame) {
    struct log *log = owner;
    struct slice payload;
    log->frames++;
    int status = hub_assembly_add(&log->assembly, frame, &payload);
    if (status == STATUS_OK) {
        note(log, frame, payload);
    } else if (status != STATUS_STATE) {
        return status;
    }
    return log->frames == log->stop_after ? STATUS_CLOSED : STATUS_OK;
}

static int push(void *context, struct frame *frame) {
    int status = buffer_append(context, frame_slice(frame));
    frame_unref(frame);
    return status;
}

static struct slice numbered(size_t length) {
    static char bytes[LARGE];
    for (size_t i = 0; i < length; i++) {
        bytes[i] = (char)(i * 7 + i / 256);
    }
    return slice_of(bytes, length);
}

/* Small ones, an empty one, a large one between them. */
static int encode_all(struct buffer *wire) {
    static const size_t lengths[] = {5, 0, LARGE, 1, LIMIT_HUB_CHUNK};
    int status = STATUS_OK;
    for (unsigned i = 0; i < 5 && status >= 0; i++) {
        struct hub_frame frame = {.kind = (uint8_t)(HUB_DELIVER + (i == 1)),
                                  .number = i,
                                  .name = i == 3 ? SLICE_EMPTY : SLICE_LITERAL("room"),
                                  .payload = numbered(lengths[i])};
        status = hub_wire_encode_message(&frame, push, wire);
        CHECK(status < 0 || status == (i == 2 ? 3 : 1));
    }
    return status;
}

/* Feeds pieces of `piece` bytes. */
static int feed(struct log *log, struct slice wire, size_t piece) {
    struct hub_decoder decoder = {BUFFER_EMPTY};
    int status = STATUS_OK;
    hub_assembly_init(&log->assembly);
    while (wire.length > 0 && status == STATUS_OK) {
        size_t length = piece < wire.length ? piece : wire.length;
        char *copy = malloc(length); /* whose bounds the sanitizer knows */
        memcpy(copy, wire.data, length);
        status = hub_decoder_feed(&decoder, slice_of(copy, length), on_frame, log);
        free(copy);
        wire = slice_without_front(wire, length);
    }
    hub_decoder_release(&decoder);
    hub_decoder_release(&decoder);
    hub_assembly_clear(&log->assembly);
    return status;
}

static void check_pieces(struct slice wire) {
    static const size_t pieces[] = {1, 2, 11, 12, 13, 4096, 65536, 65548, 1 << 30};
    struct log whole = {0};
    CHECK(feed(&whole, wire, wire.length) == STATUS_OK);
    CHECK(whole.frames == 7);
    for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
        struct log log = {0};
        CHECK(feed(&log, wire, pieces[i]) == STATUS_OK);
        CHECK_TEXT(buffer_slice(&log.text), buffer_slice(&whole.text));
        buffer_release(&log.text);
    }
    buffer_release(&whole.text);
}

/* A receiver that is held gets the rest when it goes on. */
static void check_stops(struct slice wire) {
    for (int stop = 1; stop <= 7; stop++) {
        struct log log = {.stop_after = stop};
        struct hub_decoder decoder = {BUFFER_EMPTY};
        hub_assembly_init(&log.assembly);
        CHECK(hub_decoder_feed(&decoder, wire, on_frame, &log) == STATUS_CLOSED);
        CHECK(log.frames == stop);
        CHECK(hub_decoder_feed(&decoder, SLICE_EMPTY, on_frame, &log) == STATUS_OK);
        CHECK(log.frames == 7 && decoder.rest.length == 0);
        hub_decoder_release(&decoder);
        hub_assembly_clear(&log.assembly);
        buffer_release(&log.text);
    }
}

static void check_refusals(void) {
    struct hub_frame frame = {
        .kind = HUB_PUBLISH, .name = SLICE_LITERAL("room"), .payload = numbered(3)};
    struct frame *encoded = hub_wire_encode(&frame);
    char bytes[64];
    memcpy(bytes, encoded->data, encoded->length);
    struct slice wire = slice_of(bytes, encoded->length);
    frame_unref(encoded);
    struct log log = {0};
    hub_wire_write(bytes + 6, 8, 2); /* a name longer than the frame */
    CHECK(feed(&log, wire, 64) == STATUS_PROTOCOL);
    CHECK(feed(&log, wire, 1) == STATUS_PROTOCOL);
    hub_wire_write(bytes, LIMIT_HUB_CHUNK + HUB_SEND_PREFIX + 9, 4);
    CHECK(feed(&log, wire, 64) == STATUS_PROTOCOL);
    hub_wire_write(bytes, UINT32_MAX, 4);
    CHECK(feed(&log, wire, 64) == STATUS_PROTOCOL);
    CHECK(log.frames == 0);
    CHECK(hub_wire_read("\x01\x02\x03\x04\x05\x06\x07\xff", 8) == UINT64_C(0xff07060504030201));
}

/* Continued frames without a beginning, two senders at once, a sender that begins anew, too much.
 */
static void check_assembly(void) {
    struct hub_assembly assembly;
    struct slice payload;
    hub_assembly_init(&assembly);
    struct hub_frame one = {.number = 1, .flags = HUB_MORE, .payload = SLICE_LITERAL("ab")};
    struct hub_frame end = {.number = 1, .flags = HUB_CONTINUED, .payload = SLICE_LITERAL("c")};
    struct hub_frame two = {.number = 2, .flags = HUB_MORE, .payload = SLICE_LITERAL("xy")};
    CHECK(hub_assembly_add(&assembly, &end, &payload) == STATUS_STATE);
    CHECK(hub_assembly_add(&assembly, &one, &payload) == STATUS_STATE);
    CHECK(hub_assembly_add(&assembly, &two, &payload) == STATUS_STATE);
    CHECK(hub_assembly_add(&assembly, &one, &payload) == STATUS_STATE);
    CHECK(hub_assembly_add(&assembly, &end, &payload) == STATUS_OK);
    CHECK_TEXT(payload, SLICE_LITERAL("abc"));
    end.number = 2;
    CHECK(hub_assembly_add(&assembly, &end, &payload) == STATUS_OK);
    CHECK_TEXT(payload, SLICE_LITERAL("xyc"));
    CHECK(hub_assembly_add(&assembly, &two, &payload) == STATUS_STATE);
    hub_assembly_forget(&assembly, 2);
    hub_assembly_forget(&assembly, 3);
    CHECK(hub_assembly_add(&assembly, &end, &payload) == STATUS_STATE);
    struct hub_frame part = two;
    part.payload = numbered(LIMIT_HUB_CHUNK);
    int status = STATUS_STATE;
    for (int i = 0; status == STATUS_STATE && i < 1000; i++) {
        status = hub_assembly_add(&assembly, &part, &payload);
        part.flags |= HUB_CONTINUED;
    }
    CHECK(status == STATUS_TOO_LARGE);
    CHECK(list_is_empty(&assembly.parts));
    hub_assembly_clear(&assembly);
    hub_assembly_clear(&assembly);
}

/* Whatever fails, nothing leaks and the status says so. */
static void check_allocations(struct slice wire) {
    for (long countdown = 1;; countdown++) {
        struct buffer other = BUFFER_EMPTY;
        memory_set_failure(countdown);
        int status = encode_all(&other);
        memory_set_failure(0);
        buffer_release(&other);
        CHECK(status >= 0 || status == STATUS_NO_MEMORY);
        if (status >= 0) {
            break;
        }
    }
    for (long countdown = 1; countdown < 40; countdown++) {
        struct log log = {0};
        CHECK(buffer_reserve(&log.text, 4096) == STATUS_OK);
        memory_set_failure(countdown);
        int status = feed(&log, wire, 4096);
        memory_set_failure(0);
        CHECK(status == STATUS_OK || status == STATUS_NO_MEMORY);
        buffer_release(&log.text);
    }
}

int main(void) {
    struct buffer wire = BUFFER_EMPTY;
    CHECK(encode_all(&wire) >= 0);
    check_pieces(buffer_slice(&wire));
    check_stops(buffer_slice(&wire));
    check_refusals();
    check_assembly();
    check_allocations(buffer_slice(&wire));
    buffer_release(&wire);
    CHECK(counters_alive(COUNTER_frames) == 0);
    return check_report();
}
