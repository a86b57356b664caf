/* What the workers of one supervisor say of themselves: a page of memory that all of them share.
 *
 * Each process has a slot, which it alone writes, once a turn of its loop; anybody reads. A seat is
 * the place that a worker has and leaves to its successor: where connections are passed to. Every
 * number is whole, while two of them may be of different moments. No pointers: each process has it
 * at another address. */
#ifndef CASGI_BASE_SCOREBOARD_H
#define CASGI_BASE_SCOREBOARD_H

#include <stdalign.h>
#include <stddef.h>

#include "base/metrics.h"
#include "base/observations.h"

/* A rolling reload has two processes for a seat, and those that still end come on top. */
enum { SCOREBOARD_SEATS = 256, SCOREBOARD_SLOTS = 3 * SCOREBOARD_SEATS };

enum scoreboard_state {
    SCOREBOARD_FREE, /* no process, or none that serves yet */
    SCOREBOARD_SERVING,
    SCOREBOARD_LEAVING
};

/* Of its own cache lines: two processes never write to the same. */
struct scoreboard_slot {
    alignas(64) _Atomic uint32_t state;
    _Atomic uint32_t connections;
    _Atomic uint64_t busy_since; /* event_loop_clock() when its turn began; 0 while it waits */
    struct metrics metrics;
};

struct scoreboard_seat {
    alignas(64) _Atomic uint32_t slot; /* of who serves there, and 1; 0 is nobody */
    _Atomic uint32_t passed;           /* connections on their way to it */
};

struct scoreboard {
    struct scoreboard_seat seats[SCOREBOARD_SEATS];
    struct scoreboard_slot slots[SCOREBOARD_SLOTS];
    /* Of each slot. Large, and apart: pages that nobody has written take no memory. */
    struct observations observations[SCOREBOARD_SLOTS];
};

/* The slot of who serves in a seat, or NULL. *Borrows*. */
static inline struct scoreboard_slot *scoreboard_serving(struct scoreboard *board, uint32_t seat) {
    uint32_t slot = atomic_load(&board->seats[seat].slot);
    if (slot == 0 || slot > SCOREBOARD_SLOTS) {
        return NULL;
    }
    struct scoreboard_slot *serving = &board->slots[slot - 1];
    return atomic_load(&serving->state) == SCOREBOARD_SERVING ? serving : NULL;
}

#endif
