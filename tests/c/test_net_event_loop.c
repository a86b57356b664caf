/* Turns: how long they wait, deferred work, the hooks, interrupts, the application's turn. */
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <time.h>

#include "net/timer.h"
#include "net_support.h"

static uint64_t milliseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct driver {
    int blocks, unblocks, wanted;
};

static void before_block(void *owner) {
    struct driver *driver = owner;
    CHECK(driver->blocks == driver->unblocks);
    driver->blocks++;
}

static void after_block(void *owner) {
    struct driver *driver = owner;
    driver->unblocks++;
    CHECK(driver->blocks == driver->unblocks);
}

static void want_turn(void *owner) {
    ((struct driver *)owner)->wanted++;
}

static struct event_loop *new_loop(struct driver *driver) {
    *driver = (struct driver){0};
    struct event_loop *loop = event_loop_new();
    CHECK(loop != NULL);
    event_loop_set_hooks(loop, &(struct event_loop_hooks){.before_block = before_block,
                                                          .after_block = after_block,
                                                          .want_turn = want_turn,
                                                          .owner = driver});
    return loop;
}

static struct event_loop *new_loop_that_rests(struct driver *driver) {
    struct event_loop *loop = new_loop(driver);
    event_loop_set_hooks(loop, &(struct event_loop_hooks){.before_block = before_block,
                                                          .after_block = after_block,
                                                          .owner = driver,
                                                          .lets_rest = true});
    return loop;
}

/* With nothing registered a turn waits out its time, as select(2) does. */
static void test_an_empty_turn_waits(void) {
    struct driver driver;
    struct event_loop *loop = new_loop(&driver);
    uint64_t start = milliseconds();
    CHECK(event_loop_turn(loop, 30) == STATUS_OK);
    CHECK(milliseconds() - start >= 30);
    CHECK(driver.blocks == 1 && driver.unblocks == 1);
    CHECK(event_loop_turn(loop, 0) == STATUS_OK);
    CHECK(driver.blocks == 1);
    CHECK(event_loop_timeout(loop) < 0);
    event_loop_free(loop);
}

static struct event_loop *interrupted;
static bool interrupted_a_wait;

static void look(int number) {
    (void)number;
    interrupted_a_wait = event_loop_is_waiting(interrupted);
}

static void test_a_signal_ends_the_wait(void) {
    struct driver driver;
    struct event_loop *loop = new_loop(&driver);
    interrupted = loop;
    struct sigaction action = {.sa_handler = look};
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    alarm(1);
    CHECK(event_loop_turn(loop, -1) == STATUS_OK);
    CHECK(driver.blocks == 1 && driver.unblocks == 1);
    CHECK(interrupted_a_wait && !event_loop_is_waiting(loop));
    event_loop_free(loop);
}

/* Unblocks `loop` as soon as it waits, twice. */
static void *unblock(void *argument) {
    struct event_loop *loop = argument;
    while (!event_loop_is_waiting(loop)) {
        sched_yield();
    }
    event_loop_unblock(loop);
    event_loop_unblock(loop);
    return NULL;
}

/* Without libuv, which spins in its loop's thread while the other one is within uv_async_send(). */
static void test_another_thread_ends_the_wait(void) {
    struct driver driver;
    struct event_loop *loop = new_loop(&driver);
    for (int round = 1; round <= 100; round++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, unblock, loop) == 0);
        CHECK(event_loop_turn(loop, -1) == STATUS_OK);
        CHECK(pthread_join(thread, NULL) == 0);
        event_loop_turn(loop, 0);
    }
    event_loop_free(loop);
}

static struct pollfd polled;

/* In the wait, on the loop's own thread. */
static void unblock_by_signal(int number) {
    (void)number;
    event_loop_unblock(interrupted);
    polled = (struct pollfd){.fd = event_loop_descriptor(interrupted), .events = POLLIN};
    CHECK(poll(&polled, 1, 0) >= 0);
}

static void test_what_ends_a_wait_is_not_left_over(void) {
    struct driver driver;
    struct event_loop *loop = new_loop(&driver);
    interrupted = loop;
    struct sigaction action = {.sa_handler = unblock_by_signal};
    CHECK(sigaction(SIGALRM, &action, NULL) == 0);
    alarm(1);
    CHECK(event_loop_turn(loop, -1) == STATUS_OK); /* ended by the signal itself */
#ifdef __linux__
    CHECK(polled.revents == 0);
#endif
    CHECK(event_loop_turn(loop, -1) == STATUS_OK); /* by what the handler has done */
    uint64_t start = milliseconds();
    CHECK(event_loop_turn(loop, 30) == STATUS_OK);
    CHECK(milliseconds() - start >= 30);
    event_loop_free(loop);
}

struct skipper {
    struct deferred deferred;
    struct event_loop *loop;
};

static void skip_wait(struct deferred *deferred) {
    event_loop_skip_wait(LIST_OBJECT(deferred, struct skipper, deferred)->loop);
}

static void test_a_wait_that_is_skipped(void) {
    struct driver driver;
    struct event_loop *loop = new_loop(&driver);
    struct skipper skipper = {.loop = loop};
    deferred_init(&skipper.deferred, skip_wait);
    event_loop_defer(loop, &skipper.deferred);
    CHECK(event_loop_turn(loop, -1) == STATUS_OK); /* from within the turn */
    event_loop_skip_wait(loop);
    CHECK(event_loop_turn(loop, -1) == STATUS_OK);
    CHECK(driver.blocks == 0);
    event_loop_turn(loop, 1);
    CHECK(driver.blocks == 1);
    event_loop_free(loop);
}

struct job {
    struct deferred deferred;
    struct event_loop *loop;
    struct job *other;
    int runs, again, again_at_rest;
    int turn_status;
    bool application_entered, application_entered_twice;
};

static void run_job(struct deferred *deferred) {
    struct job *job = LIST_OBJECT(deferred, struct job, deferred);
    job->runs++;
    job->turn_status = event_loop_turn(job->loop, 0);
    CHECK(event_loop_is_in_turn(job->loop));
    if (job->again > 0) {
        job->again--;
        event_loop_defer(job->loop, deferred);
    }
    if (job->again_at_rest > 0) {
        job->again_at_rest--;
        event_loop_defer_to_rest(job->loop, deferred);
    }
    if (job->other != NULL) {
        deferred_cancel(&job->other->deferred);
    }
    job->application_entered = event_loop_enter_application(job->loop);
    job->application_entered_twice = event_loop_enter_application(job->loop);
    if (job->application_entered) {
        event_loop_leave_application(job->loop);
    }
}

static void job_init(struct job *job, struct event_loop *loop) {
    *job = (struct job){.loop = loop};
    deferred_init(&job->deferred, run_job);
}

static void test_deferred_work(void) {
    struct driver driver;
    struct event_loop *loop = new_loop(&driver);
    struct job job;
    job_init(&job, loop);
    event_loop_defer(loop, &job.deferred);
    event_loop_defer(loop, &job.deferred);
    CHECK(driver.wanted == 1);
    CHECK(job.runs == 0);
    CHECK(event_loop_timeout(loop) == 0);
    uint64_t turn = event_loop_turn_number(loop);
    event_loop_turn(loop, 0);
    CHECK(job.runs == 1);
    CHECK(job.turn_status == STATUS_STATE);
    CHECK(event_loop_turn_number(loop) == turn + 1);
    event_loop_turn(loop, 0);
    CHECK(job.runs == 1);
    event_loop_defer(loop, &job.deferred);
    CHECK(driver.wanted == 2);
    deferred_cancel(&job.deferred);
    deferred_cancel(&job.deferred);
    event_loop_turn(loop, 0);
    CHECK(job.runs == 1);
    event_loop_free(loop);
}

/* Work that goes on for ever does not keep the sockets from being looked at, and does not let the
 * loop sleep. */
static void test_endless_deferred_work(void) {
    struct driver driver;
    struct event_loop *loop = new_loop(&driver);
    struct job job;
    job_init(&job, loop);
    job.again = 100;
    event_loop_defer(loop, &job.deferred);
    event_loop_turn(loop, -1);
    CHECK(job.runs > 1 && job.runs < 100);
    CHECK(driver.blocks == 0);
    TURN_UNTIL(loop, job.runs == 101);
    event_loop_free(loop);
}

/* It is done before the wait, and what it defers keeps the loop from waiting. */
static void test_work_for_the_rest(void) {
    struct driver driver;
    struct event_loop *loop = new_loop_that_rests(&driver);
    struct job job, cancelled;
    job_init(&job, loop);
    job_init(&cancelled, loop);
    CHECK(event_loop_rests(loop));
    event_loop_defer_to_rest(loop, &job.deferred);
    event_loop_defer_to_rest(loop, &job.deferred);
    event_loop_defer_to_rest(loop, &cancelled.deferred);
    deferred_cancel(&cancelled.deferred);
    CHECK(job.runs == 0);
    job.again = 1;
    event_loop_turn(loop, 10000);
    CHECK(job.runs == 2 && driver.blocks == 0);
    event_loop_turn(loop, 1);
    CHECK(job.runs == 2 && driver.blocks == 1 && cancelled.runs == 0);
    event_loop_defer_to_rest(loop, &job.deferred);
    job.again_at_rest = 1;
    event_loop_turn(loop, 10000);
    CHECK(driver.blocks == 1);
    event_loop_turn(loop, 1);
    CHECK(job.runs == 4);
    event_loop_free(loop);
}

/* A loop that never rests does it in the end; whether at once is a matter of the clock. */
static void test_work_for_a_rest_that_does_not_come(void) {
    struct driver driver;
    struct event_loop *loop = new_loop_that_rests(&driver);
    struct job job;
    bool was_kept = false;
    for (int i = 0; i < 1000 && !was_kept; i++) {
        job_init(&job, loop);
        event_loop_turn(loop, 0);
        event_loop_defer_to_rest(loop, &job.deferred);
        event_loop_turn(loop, 0);
        was_kept = job.runs == 0;
        for (uint64_t start = milliseconds(); job.runs == 0 && milliseconds() - start < 10000;) {
            event_loop_turn(loop, 0);
        }
        CHECK(job.runs == 1);
    }
    CHECK(was_kept && driver.blocks == 0);
    event_loop_free(loop);
}

static void test_a_driver_that_lets_no_loop_rest(void) {
    struct driver driver;
    struct event_loop *loop = new_loop(&driver);
    struct job job;
    job_init(&job, loop);
    CHECK(!event_loop_rests(loop));
    event_loop_defer_to_rest(loop, &job.deferred);
    CHECK(driver.wanted == 1);
    event_loop_turn(loop, 0);
    CHECK(job.runs == 1);
    event_loop_free(loop);
}

static void test_deferred_work_cancels_its_neighbour(void) {
    struct driver driver;
    struct event_loop *loop = new_loop(&driver);
    struct job first, second;
    job_init(&first, loop);
    job_init(&second, loop);
    first.other = &second;
    event_loop_defer(loop, &first.deferred);
    event_loop_defer(loop, &second.deferred);
    event_loop_turn(loop, 0);
    CHECK(first.runs == 1 && second.runs == 0);
    event_loop_free(loop);
}

static void test_application_turns(void) {
    struct driver driver;
    struct event_loop *loop = new_loop(&driver);
    CHECK(!event_loop_enter_application(loop));
    struct job job;
    job_init(&job, loop);
    event_loop_defer(loop, &job.deferred);
    event_loop_turn(loop, 0);
    CHECK(job.application_entered && !job.application_entered_twice);
    event_loop_defer(loop, &job.deferred);
    event_loop_turn(loop, 0);
    CHECK(job.application_entered);
    event_loop_free(loop);
}

static void test_want_turn_once(void) {
    struct driver driver;
    struct event_loop *loop = new_loop(&driver);
    event_loop_want_turn(loop);
    event_loop_want_turn(loop);
    CHECK(driver.wanted == 1);
    event_loop_turn(loop, 0);
    event_loop_want_turn(loop);
    CHECK(driver.wanted == 2);
    event_loop_free(loop);
}

struct alarm_clock {
    struct timer timer;
    struct event_loop *loop;
    int interrupts_taken;
};

static void ring(struct timer *timer) {
    struct alarm_clock *clock = LIST_OBJECT(timer, struct alarm_clock, timer);
    clock->interrupts_taken += event_loop_interrupt(clock->loop, clock);
    clock->interrupts_taken += event_loop_interrupt(clock->loop, clock);
}

static void test_interrupt(void) {
    struct driver driver;
    struct event_loop *loop = new_loop(&driver);
    struct alarm_clock clock = {.loop = loop};
    timer_init(&clock.timer, ring);
    timer_start(loop, &clock.timer, 0.01);
    event_loop_turn(loop, -1);
    CHECK(clock.interrupts_taken == 1);
    CHECK(event_loop_take_interrupt(loop) == &clock);
    CHECK(event_loop_take_interrupt(loop) == NULL);

    CHECK(event_loop_interrupt(loop, &driver));
    event_loop_turn(loop, -1); /* does not sleep on it */
    CHECK(event_loop_take_interrupt(loop) == &driver);
    event_loop_free(loop);
}

static void test_a_loop_in_use_is_not_freed(void) {
    struct event_loop *loop = event_loop_new();
    struct sockaddr_in name = loopback();
    struct lobby lobby;
    CHECK(!event_loop_is_in_use(loop));
    lobby_open(&lobby, loop, &name, sizeof(name));
    CHECK(event_loop_is_in_use(loop));
    event_loop_free(loop);
    CHECK(counters_alive(COUNTER_event_loops) == 1);
    listener_close(lobby.listener);
    event_loop_free(loop);
}

static void test_no_memory(void) {
    for (long nth = 1; nth <= 2; nth++) {
        memory_set_failure(nth);
        CHECK(event_loop_new() == NULL);
    }
    memory_set_failure(0);
}

int main(void) {
    test_an_empty_turn_waits();
    test_a_signal_ends_the_wait();
    test_another_thread_ends_the_wait();
    test_what_ends_a_wait_is_not_left_over();
    test_a_wait_that_is_skipped();
    test_deferred_work();
    test_endless_deferred_work();
    test_work_for_the_rest();
    test_work_for_a_rest_that_does_not_come();
    test_a_driver_that_lets_no_loop_rest();
    test_deferred_work_cancels_its_neighbour();
    test_application_turns();
    test_want_turn_once();
    test_interrupt();
    test_a_loop_in_use_is_not_freed();
    test_no_memory();
    return net_report();
}
