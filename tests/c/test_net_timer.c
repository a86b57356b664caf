/* The timing wheel: on the real clock briefly, and against a plain model on a clock that the test
 * turns. */
#include "net/timer.h"

#include "net/event_loop_internal.h"
#include "net_support.h"

static uint64_t virtual_now;
static uint64_t virtual_alarm;

static void set_virtual_alarm(uv_timer_t *alarm, uint64_t delay) {
    (void)alarm;
    virtual_alarm = virtual_now + delay;
}

/* The wheel once more under other names, on a clock and an alarm of the test's. */
#define timer_init                                     virtual_timer_init
#define timer_start                                    virtual_timer_start
#define timer_stop                                     virtual_timer_stop
#define timer_wheel                                    virtual_timer_wheel
#define timer_wheel_new                                virtual_timer_wheel_new
#define timer_wheel_close                              virtual_timer_wheel_close
#define timer_wheel_fire                               virtual_timer_wheel_fire
#define event_loop_timers(loop)                        virtual_wheel
#define event_loop_now(loop)                           ((void)(loop), virtual_now)
#define uv_update_time(loop)                           ((void)(loop))
#define uv_timer_start(alarm, callback, delay, repeat) set_virtual_alarm(alarm, delay)
#define uv_timer_stop(alarm)                           ((void)(alarm), virtual_alarm = UINT64_MAX)
struct virtual_timer_wheel;
static struct virtual_timer_wheel *virtual_wheel;
void virtual_timer_init(struct timer *timer, void (*fire)(struct timer *timer));
void virtual_timer_start(struct event_loop *loop, struct timer *timer, double seconds);
void virtual_timer_stop(struct timer *timer);
struct virtual_timer_wheel *virtual_timer_wheel_new(struct event_loop *loop);
void virtual_timer_wheel_close(struct virtual_timer_wheel *wheel);
void virtual_timer_wheel_fire(struct virtual_timer_wheel *wheel);
#include "../../csrc/net/timer.c"
#undef timer_init
#undef timer_start
#undef timer_stop
#undef timer_wheel
#undef timer_wheel_new
#undef timer_wheel_close
#undef timer_wheel_fire
#undef event_loop_timers
#undef event_loop_now
#undef uv_update_time
#undef uv_timer_start
#undef uv_timer_stop

enum { MODEL_TIMERS = 300, MODEL_STEPS = 20000 };

struct model_timer {
    struct timer timer;
    uint64_t expected; /* virtual time before which it must not fire; 0 when it is not running */
};

static int fired;

static void fire_model(struct timer *timer) {
    struct model_timer *model = LIST_OBJECT(timer, struct model_timer, timer);
    CHECK(model->expected != 0);
    CHECK(virtual_now >= model->expected);
    CHECK(virtual_now <= model->expected + TIMER_TICK_MS);
    model->expected = 0;
    fired++;
}

/* Delays from none to ten days, most of them short. */
static double random_delay(uint64_t *seed) {
    static const uint64_t ranges[] = {1, 20, 1000, 1100, 20000, 70000, 5000000, 864000000};
    uint64_t range = ranges[check_random(seed) % 8];
    return (double)(check_random(seed) % range) / 1000.0;
}

static void ring_virtual_alarm(void) {
    on_alarm(&virtual_wheel->alarm);
    virtual_timer_wheel_fire(virtual_wheel);
}

/* Moves the clock to the next alarm, or half-way there. */
static void advance(uint64_t *seed) {
    if (virtual_alarm == UINT64_MAX) {
        virtual_now += check_random(seed) % 100000;
        return;
    }
    if (check_random(seed) % 4 == 0 && virtual_alarm > virtual_now) {
        virtual_now += (virtual_alarm - virtual_now) / 2;
        return;
    }
    virtual_now = virtual_alarm > virtual_now ? virtual_alarm : virtual_now;
    ring_virtual_alarm();
}

/* Whatever is started, moved and stopped, everything fires once, at most a tick behind its time. */
static void test_against_model(struct event_loop *loop, uint64_t seed) {
    static struct model_timer models[MODEL_TIMERS];
    virtual_now = 1000 + seed % 100000;
    virtual_alarm = UINT64_MAX;
    virtual_wheel = virtual_timer_wheel_new(loop);
    int started = 0, dropped = 0;
    fired = 0;
    for (int i = 0; i < MODEL_TIMERS; i++) {
        virtual_timer_init(&models[i].timer, fire_model);
        models[i].expected = 0;
    }
    for (int step = 0; step < MODEL_STEPS; step++) {
        struct model_timer *model = &models[check_random(&seed) % MODEL_TIMERS];
        switch (check_random(&seed) % 5) {
        case 0:
            dropped += model->expected != 0;
            virtual_timer_stop(&model->timer);
            model->expected = 0;
            break;
        case 1:
        case 2: {
            dropped += model->expected != 0;
            double delay = random_delay(&seed);
            virtual_timer_start(loop, &model->timer, delay);
            model->expected = virtual_now + (uint64_t)ceil(delay * 1000.0);
            started++;
            break;
        }
        default:
            advance(&seed);
        }
    }
    while (virtual_alarm != UINT64_MAX) {
        virtual_now = virtual_alarm > virtual_now ? virtual_alarm : virtual_now;
        ring_virtual_alarm();
    }
    CHECK(fired + dropped == started);
    virtual_timer_wheel_close(virtual_wheel);
}

/* A day's timer must not wake the loop thousands of times. */
static void test_a_long_timer_lets_the_loop_sleep(struct event_loop *loop) {
    virtual_now = 12345;
    virtual_alarm = UINT64_MAX;
    virtual_wheel = virtual_timer_wheel_new(loop);
    struct model_timer day = {.expected = virtual_now + 86400000};
    virtual_timer_init(&day.timer, fire_model);
    virtual_timer_start(loop, &day.timer, 86400.0);
    int alarms = 0;
    for (; day.expected != 0 && alarms < 100; alarms++) {
        virtual_now = virtual_alarm;
        ring_virtual_alarm();
    }
    CHECK(day.expected == 0);
    CHECK(alarms <= LEVELS);
    virtual_timer_wheel_close(virtual_wheel);
}

/* Beyond what the wheel sees it waits in steps, and still is not early. */
static void test_beyond_the_horizon(struct event_loop *loop) {
    virtual_now = 777;
    virtual_alarm = UINT64_MAX;
    virtual_wheel = virtual_timer_wheel_new(loop);
    uint64_t years = (uint64_t)3 * 365 * 86400;
    struct model_timer late = {.expected = virtual_now + years * 1000};
    virtual_timer_init(&late.timer, fire_model);
    virtual_timer_start(loop, &late.timer, (double)years);
    for (int alarms = 0; late.expected != 0 && alarms < 1000; alarms++) {
        virtual_now = virtual_alarm;
        ring_virtual_alarm();
    }
    CHECK(late.expected == 0);
    virtual_timer_wheel_close(virtual_wheel);
}

struct bell {
    struct timer timer;
    struct event_loop *loop;
    struct bell *stops;
    int rings, repeats;
    uint64_t rang_at;
};

static void ring(struct timer *timer) {
    struct bell *bell = LIST_OBJECT(timer, struct bell, timer);
    CHECK(!timer_is_running(timer));
    bell->rings++;
    bell->rang_at = event_loop_now(bell->loop);
    if (bell->repeats > 0) {
        bell->repeats--;
        timer_start(bell->loop, timer, 0.001);
    }
    if (bell->stops != NULL) {
        timer_stop(&bell->stops->timer);
    }
}

static void bell_init(struct bell *bell, struct event_loop *loop) {
    *bell = (struct bell){.loop = loop};
    timer_init(&bell->timer, ring);
}

static void test_on_the_real_clock(struct event_loop *loop) {
    struct bell early, late, repeating;
    bell_init(&early, loop);
    bell_init(&late, loop);
    bell_init(&repeating, loop);
    timer_start(loop, &late.timer, 0.060);
    timer_start(loop, &early.timer, 0.020);
    uint64_t due = early.timer.deadline;
    repeating.repeats = 3;
    timer_start(loop, &repeating.timer, 0.0);
    CHECK(timer_is_running(&late.timer));
    for (int turns = 0; late.rings == 0 && turns < 100; turns++) {
        CHECK(event_loop_turn(loop, -1) == STATUS_OK);
    }
    CHECK(early.rings == 1 && early.rang_at >= due);
    CHECK(late.rings == 1 && late.rang_at > early.rang_at);
    TURN_UNTIL(loop, repeating.rings == 4);
}

/* A timer may stop another that is due in the same tick: it does not fire then. */
static void test_stopping_a_due_timer(struct event_loop *loop) {
    struct bell first, second;
    bell_init(&first, loop);
    bell_init(&second, loop);
    first.stops = &second;
    second.stops = &first;
    timer_start(loop, &first.timer, 0.005);
    timer_start(loop, &second.timer, 0.005);
    TURN_UNTIL(loop, first.rings + second.rings == 1);
    event_loop_turn(loop, 3 * TIMER_TICK_MS);
    CHECK(first.rings + second.rings == 1);
    timer_stop(&second.timer);
    timer_stop(&second.timer);
}

struct deadline {
    struct timer timer;
    const struct peer *peer;
    int fires;
    bool heard;
};

static void pass(struct timer *timer) {
    struct deadline *deadline = LIST_OBJECT(timer, struct deadline, timer);
    deadline->fires++;
    deadline->heard = deadline->peer->received.length > 0;
}

/* A loop that was held up for longer than a timer hears first what was said to it meanwhile. */
static void test_what_came_in_time_is_seen_in_time(struct event_loop *loop) {
    struct sockaddr_in name = loopback();
    struct lobby lobby;
    lobby_open(&lobby, loop, &name, sizeof(name));
    struct peer peer;
    lobby_fill(&lobby, &peer, 1);
    struct deadline deadline = {.peer = &peer};
    timer_init(&deadline.timer, pass);
    timer_start(loop, &deadline.timer, 0.001);
    CHECK(write(peer.descriptor, "here", 4) == 4);
    usleep(3 * TIMER_TICK_MS * 1000);
    TURN_UNTIL(loop, deadline.fires == 1);
    CHECK(deadline.heard);
    peer_finish(&peer, loop);
    listener_close(lobby.listener);
}

int main(void) {
    struct event_loop *loop = event_loop_new();
    CHECK(loop != NULL);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        test_against_model(loop, seed * 0x9E3779B97F4A7C15u);
    }
    test_a_long_timer_lets_the_loop_sleep(loop);
    test_beyond_the_horizon(loop);
    test_on_the_real_clock(loop);
    test_stopping_a_due_timer(loop);
    test_what_came_in_time_is_seen_in_time(loop);
    event_loop_free(loop);
    return net_report();
}
