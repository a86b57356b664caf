/* A peer's bytes to the hub, fed whole, byte by byte and in random pieces: all must give the same
 * messages and leave nothing behind.
 *
 * Input: one byte that seeds the pieces, then the wire. */
#include <stdio.h>
#include <stdlib.h>

#include "base/counters.h"
#include "hub/hub_assembly.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct run {
    struct hub_assembly assembly;
    uint64_t digest;
    unsigned messages;
};

static void require(bool condition) {
    if (!condition) {
        abort();
    }
}

static void mix(struct run *run, struct slice bytes) {
    for (size_t i = 0; i < bytes.length; i++) {
        run->digest = (run->digest ^ (unsigned char)bytes.data[i]) * UINT64_C(0x100000001b3);
    }
}

static int on_frame(void *owner, const struct hub_frame *frame) {
    struct run *run = owner;
    struct slice payload;
    run->digest += frame->kind + ((uint64_t)frame->number << 8);
    mix(run, frame->name);
    int status = hub_assembly_add(&run->assembly, frame, &payload);
    if (status == STATUS_OK) {
        mix(run, payload);
        run->messages++;
    }
    return status == STATUS_STATE ? STATUS_OK : status;
}

static struct run feed(struct slice wire, size_t longest, uint32_t seed) {
    struct run run = {.digest = 1};
    struct hub_decoder decoder = {BUFFER_EMPTY};
    int status = STATUS_OK;
    hub_assembly_init(&run.assembly);
    while (wire.length > 0 && status == STATUS_OK) {
        seed = seed * 1664525 + 1013904223;
        size_t length = longest == 0 ? wire.length : 1 + (seed >> 16) % longest;
        length = length < wire.length ? length : wire.length;
        char *piece = malloc(length);
        memcpy(piece, wire.data, length);
        status = hub_decoder_feed(&decoder, slice_of(piece, length), on_frame, &run);
        free(piece);
        wire = slice_without_front(wire, length);
    }
    hub_decoder_release(&decoder);
    hub_assembly_clear(&run.assembly);
    return run;
}

static void require_same(struct run a, struct run b) {
    require(a.digest == b.digest && a.messages == b.messages);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < 1) {
        return 0;
    }
    struct slice wire = slice_of((const char *)data + 1, size - 1);
    struct run whole = feed(wire, 0, 0);
    require_same(whole, feed(wire, 1, 0));
    require_same(whole, feed(wire, 48, data[0]));
    require(counters_alive(COUNTER_frames) == 0);
    return 0;
}
