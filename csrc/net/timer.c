/* A hierarchical timing wheel (Varghese and Lauck 1987, scheme 7): LEVELS rings of 64 slots, each
 * ring 64 times coarser than the one below. A timer stands in the ring whose range its delay fits;
 * when the time of its slot comes it moves down, and in the lowest ring it fires. So a timer of a
 * day is touched a handful of times, and an idle wheel sleeps.
 *
 * Owns the wheel; the timers belong to their owners. Invariants: `tick` is the last tick that was
 * processed; every timer stands in a slot that comes after it; an occupied slot has its bit set (a
 * stopped timer may leave a bit behind: it costs one idle wake-up); libuv's timer is set no later
 * than the next bit. */
#include "net/timer.h"

#include <math.h>

#include "base/memory.h"
#include "net/event_loop_internal.h"

enum { SLOT_BITS = 6, SLOTS = 1 << SLOT_BITS, LEVELS = 5 };

#define NEVER UINT64_MAX
/* The farthest the wheel can see, 198 days; a later timer looks again then. */
#define HORIZON (((uint64_t)1 << (SLOT_BITS * LEVELS)) - 1)

struct timer_wheel {
    struct event_loop *loop;
    uv_timer_t alarm;
    uint64_t tick;
    uint64_t alarm_tick; /* what `alarm` is set to, or NEVER */
    bool is_due;         /* the alarm has rung */
    uint64_t occupied[LEVELS];
    struct list slots[LEVELS][SLOTS];
};

static unsigned slot_of(uint64_t tick, unsigned level) {
    return (unsigned)(tick >> (SLOT_BITS * level)) & (SLOTS - 1);
}

static uint64_t current_tick(const struct timer_wheel *wheel) {
    return event_loop_now(wheel->loop) / TIMER_TICK_MS;
}

/* The tick of a deadline, rounded up: never early. */
static uint64_t deadline_tick(const struct timer *timer) {
    return (timer->deadline + TIMER_TICK_MS - 1) / TIMER_TICK_MS;
}

static void place(struct timer_wheel *wheel, struct timer *timer) {
    uint64_t tick = deadline_tick(timer);
    if (tick <= wheel->tick) {
        tick = wheel->tick + 1;
    } else if (tick - wheel->tick > HORIZON) {
        tick = wheel->tick + HORIZON;
    }
    unsigned level = 0;
    while ((tick - wheel->tick) >> (SLOT_BITS * (level + 1)) != 0) {
        level++;
    }
    unsigned slot = slot_of(tick, level);
    list_append(&wheel->slots[level][slot], &timer->link);
    wheel->occupied[level] |= (uint64_t)1 << slot;
}

/* The first tick behind `wheel->tick` at which an occupied slot of the ring comes round, or NEVER.
 */
static uint64_t next_tick_of_level(const struct timer_wheel *wheel, unsigned level) {
    uint64_t occupied = wheel->occupied[level];
    if (occupied == 0) {
        return NEVER;
    }
    unsigned first = (slot_of(wheel->tick, level) + 1) & (SLOTS - 1);
    uint64_t from_first = first == 0 ? occupied : occupied >> first | occupied << (SLOTS - first);
    uint64_t distance = (uint64_t)__builtin_ctzll(from_first) + 1;
    return ((wheel->tick >> (SLOT_BITS * level)) + distance) << (SLOT_BITS * level);
}

static uint64_t next_tick(const struct timer_wheel *wheel) {
    uint64_t next = NEVER;
    for (unsigned level = 0; level < LEVELS; level++) {
        uint64_t tick = next_tick_of_level(wheel, level);
        next = tick < next ? tick : next;
    }
    return next;
}

static void on_alarm(uv_timer_t *alarm);

static void set_alarm(struct timer_wheel *wheel, uint64_t tick) {
    wheel->alarm_tick = tick;
    if (tick == NEVER) {
        uv_timer_stop(&wheel->alarm);
        return;
    }
    uint64_t now = event_loop_now(wheel->loop);
    uint64_t due = tick * TIMER_TICK_MS;
    uv_timer_start(&wheel->alarm, on_alarm, due > now ? due - now : 0, 0);
    event_loop_want_turn(wheel->loop);
}

/* Takes the timers of the slot that has come: those that are due go to `due`, the others down. */
static void empty_slot(struct timer_wheel *wheel, unsigned level, struct list *due) {
    unsigned slot = slot_of(wheel->tick, level);
    struct list timers;
    list_move_all(&timers, &wheel->slots[level][slot]);
    wheel->occupied[level] &= ~((uint64_t)1 << slot);
    while (!list_is_empty(&timers)) {
        struct timer *timer = LIST_OBJECT(timers.next, struct timer, link);
        list_remove(&timer->link);
        if (deadline_tick(timer) <= wheel->tick) {
            list_append(due, &timer->link);
        } else {
            place(wheel, timer);
        }
    }
}

static void process_tick(struct timer_wheel *wheel, struct list *due) {
    for (unsigned level = LEVELS; level-- > 0;) {
        uint64_t below = ((uint64_t)1 << (SLOT_BITS * level)) - 1;
        if ((wheel->tick & below) == 0) {
            empty_slot(wheel, level, due);
        }
    }
}

static void on_alarm(uv_timer_t *alarm) {
    struct timer_wheel *wheel = alarm->data;
    wheel->is_due = true;
    event_loop_wake(wheel->loop);
}

/* Brings the wheel up to the current tick; what is due goes to `due`. */
static void advance_wheel(struct timer_wheel *wheel, struct list *due) {
    uint64_t now = current_tick(wheel);
    for (uint64_t next = next_tick(wheel); next <= now; next = next_tick(wheel)) {
        wheel->tick = next;
        process_tick(wheel, due);
    }
    wheel->tick = now;
    set_alarm(wheel, next_tick(wheel));
}

/* fire() may start and stop any timer, also one that is in `due`. */
void timer_wheel_fire(struct timer_wheel *wheel) {
    if (!wheel->is_due) {
        return;
    }
    wheel->is_due = false;
    struct list due;
    list_init(&due);
    advance_wheel(wheel, &due);
    while (!list_is_empty(&due)) {
        struct timer *timer = LIST_OBJECT(due.next, struct timer, link);
        list_remove(&timer->link);
        timer->deadline = 0;
        timer->fire(timer);
    }
}

struct timer_wheel *timer_wheel_new(struct event_loop *loop) {
    struct timer_wheel *wheel = memory_allocate_zeroed(sizeof(*wheel));
    if (wheel == NULL) {
        return NULL;
    }
    wheel->loop = loop;
    for (unsigned level = 0; level < LEVELS; level++) {
        for (unsigned slot = 0; slot < SLOTS; slot++) {
            list_init(&wheel->slots[level][slot]);
        }
    }
    uv_timer_init(event_loop_uv(loop), &wheel->alarm);
    wheel->alarm.data = wheel;
    wheel->alarm_tick = NEVER;
    wheel->tick = current_tick(wheel);
    return wheel;
}

static void on_wheel_closed(uv_handle_t *alarm) {
    memory_free(alarm->data);
}

void timer_wheel_close(struct timer_wheel *wheel) {
    uv_close((uv_handle_t *)&wheel->alarm, on_wheel_closed);
}

void timer_init(struct timer *timer, void (*fire)(struct timer *timer)) {
    list_init(&timer->link);
    timer->deadline = 0;
    timer->fire = fire;
}

void timer_start(struct event_loop *loop, struct timer *timer, double seconds) {
    struct timer_wheel *wheel = event_loop_timers(loop);
    list_remove(&timer->link);
    /* The application may have computed for seconds since the turn began: these must not count. */
    uv_update_time(event_loop_uv(loop));
    double milliseconds = ceil(fmin(fmax(seconds, 0.0), 1e12) * 1000.0);
    timer->deadline = event_loop_now(loop) + (uint64_t)milliseconds;
    timer->deadline += timer->deadline == 0;
    uint64_t now = current_tick(wheel);
    if (now < wheel->alarm_tick && now > wheel->tick) {
        wheel->tick = now;
    }
    place(wheel, timer);
    uint64_t next = next_tick(wheel);
    if (next < wheel->alarm_tick) {
        set_alarm(wheel, next);
    }
}

void timer_stop(struct timer *timer) {
    list_remove(&timer->link);
    timer->deadline = 0;
}
