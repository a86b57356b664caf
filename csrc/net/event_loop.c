/* One libuv loop, turned by whoever drives it. Owns the loop, its wheel and its read buffer; the
 * streams and listeners on it belong to those who made them. Waits nowhere but in
 * event_loop_turn(), never touches Python: the hooks do.
 *
 * The wait is a poll(2) of libuv's descriptor, not libuv's own: that would go on after a signal,
 * which Python wants to see at once, and make its callbacks from the middle of the wait, without
 * the GIL. A busy loop never comes to it. */
#include "net/event_loop_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

#include "base/counters.h"
#include "base/memory.h"
#include "base/status.h"

/* Deferred work that defers work again is given this many rounds before the sockets are looked at.
 */
enum { DEFERRED_ROUNDS = 8 };

/* From so many sockets read in one turn on, a write waits for the others of the turn: the kernel
 * wakes the readers once for all, and nobody waits longer than for the handlers of the turn, which
 * is so anyway. */
enum { BUSY_READS = 4 };

/* How long what waits for the loop's rest waits at most: each time that it does not come wakes
 * others, on the same cores. */
enum { REST_LIMIT_MS = 2 };

/* How long a turn waits that finds the loop held. */
enum { HELD_WAIT_MS = 1 };

/* libuv wakes its loop by two steps, between which the loop's thread spins: for 30 us and more when
 * it has got the processor from the thread that wakes it. An eventfd of our own has one step, where
 * there is any. */
static int open_wait_end(void) {
#ifdef __linux__
    return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
#else
    return -1;
#endif
}

static void close_wait_end(struct event_loop *loop) {
    if (loop->wait_end >= 0) {
        close(loop->wait_end);
    }
}

static void keep(uv_prepare_t *keeper) {
    (void)keeper;
}

static void on_wakeup(uv_async_t *wakeup) {
    event_loop_wake(wakeup->data);
}

static int open_own_handles(struct event_loop *loop) {
    if (uv_loop_init(&loop->uv) != 0) {
        return STATUS_SYSTEM;
    }
    if (uv_async_init(&loop->uv, &loop->wakeup, on_wakeup) != 0) {
        (void)uv_loop_close(&loop->uv);
        return STATUS_SYSTEM;
    }
    loop->wakeup.data = loop;
    loop->wait_end = open_wait_end();
    loop->thread = uv_thread_self();
    uv_prepare_init(&loop->uv, &loop->keeper);
    uv_prepare_start(&loop->keeper, keep);
    return STATUS_OK;
}

static void close_own_handles(struct event_loop *loop) {
    uv_close((uv_handle_t *)&loop->keeper, NULL);
    uv_close((uv_handle_t *)&loop->wakeup, NULL);
    if (loop->timers != NULL) {
        timer_wheel_close(loop->timers);
        loop->timers = NULL;
    }
    while (uv_loop_close(&loop->uv) == UV_EBUSY) {
        event_loop_turn(loop, 0);
    }
    close_wait_end(loop);
}

struct event_loop *event_loop_new(void) {
    struct event_loop *loop = memory_allocate(sizeof(*loop));
    if (loop == NULL) {
        return NULL;
    }
    memset(loop, 0, offsetof(struct event_loop, read_buffer));
    list_init(&loop->deferred);
    list_init(&loop->at_rest);
    loop->turn_number = 1;
    if (open_own_handles(loop) != STATUS_OK) {
        memory_free(loop);
        return NULL;
    }
    counters_opened(COUNTER_event_loops);
    loop->timers = timer_wheel_new(loop);
    if (loop->timers == NULL) {
        event_loop_free(loop);
        return NULL;
    }
    return loop;
}

void event_loop_set_hooks(struct event_loop *loop, const struct event_loop_hooks *hooks) {
    loop->hooks = *hooks;
}

void event_loop_set_turn_report(struct event_loop *loop, struct turn_report *report) {
    loop->turn_report = report;
}

uint64_t event_loop_clock(void) {
    return uv_hrtime();
}

static void report_turn(struct event_loop *loop, bool is_waiting) {
    if (loop->turn_report != NULL) {
        loop->turn_report->report(loop->turn_report, is_waiting);
    }
}

static void run_all(struct list *list) {
    struct list batch;
    list_move_all(&batch, list);
    while (!list_is_empty(&batch)) {
        struct deferred *deferred = LIST_OBJECT(batch.next, struct deferred, link);
        list_remove(&deferred->link);
        deferred->run(deferred);
    }
}

static void run_deferred(struct event_loop *loop) {
    for (int round = 0; round < DEFERRED_ROUNDS && !list_is_empty(&loop->deferred); round++) {
        run_all(&loop->deferred);
    }
}

/* A busy loop: what waits for its rest has waited long enough. */
static void run_overdue(struct event_loop *loop) {
    if (!list_is_empty(&loop->at_rest) &&
        event_loop_now(loop) - loop->at_rest_since >= REST_LIMIT_MS) {
        run_all(&loop->at_rest);
    }
}

/* Returns false when that has brought work for this turn. */
static bool rest(struct event_loop *loop) {
    run_all(&loop->at_rest);
    bool has_more = !list_is_empty(&loop->deferred) || !list_is_empty(&loop->at_rest);
    return !loop->woken && !loop->skips_wait && !has_more;
}

/* Milliseconds to wait, in poll(2)'s terms: until libuv's next timer, at most `limit_ms`. */
static int time_to_wait(const struct event_loop *loop, int64_t limit_ms) {
    int64_t timeout = uv_backend_timeout(&loop->uv);
    if (timeout < 0 || (limit_ms >= 0 && limit_ms < timeout)) {
        timeout = limit_ms;
    }
    return timeout > INT_MAX ? INT_MAX : (int)timeout;
}

/* What is written from here on is for the next wait; what was said before is seen behind this. */
static void take_wait_end(struct event_loop *loop) {
    uint64_t count;
    (void)!read(loop->wait_end, &count, sizeof(count));
    loop->ends_wait = false;
}

/* Waits for `fd`; -1 is never ready. Returns false when a signal ended the wait. */
static bool wait_for(struct event_loop *loop, int fd, int timeout_ms) {
    struct pollfd descriptors[] = {{.fd = fd, .events = POLLIN},
                                   {.fd = loop->wait_end, .events = POLLIN}};
    loop->is_waiting = true; /* who gets the lock from here on has to end the wait */
    if (loop->hooks.before_block != NULL) {
        loop->hooks.before_block(loop->hooks.owner);
    }
    report_turn(loop, true);
    int result = poll(descriptors, 2, timeout_ms);
    bool interrupted = result < 0 && errno == EINTR;
    loop->is_waiting = false;
    if (result > 0 && descriptors[1].revents != 0) {
        take_wait_end(loop);
    }
    report_turn(loop, false);
    if (loop->hooks.after_block != NULL) {
        loop->hooks.after_block(loop->hooks.owner);
    }
    return !interrupted;
}

/* Makes the callbacks of everything that is ready, without waiting. */
static void look_once(struct event_loop *loop) {
    uv_run(&loop->uv, UV_RUN_NOWAIT);
    if (loop->timers != NULL) {
        timer_wheel_fire(loop->timers);
    }
}

static void poll_once(struct event_loop *loop, int64_t limit_ms) {
    look_once(loop);
    if (loop->woken || loop->skips_wait || limit_ms == 0 || !rest(loop)) {
        return;
    }
    int timeout_ms = time_to_wait(loop, limit_ms);
    if (timeout_ms == 0 || wait_for(loop, uv_backend_fd(&loop->uv), timeout_ms)) {
        look_once(loop);
    }
}

int event_loop_turn(struct event_loop *loop, int64_t timeout_ms) {
    if (loop->in_turn) {
        return STATUS_STATE;
    }
    if (event_loop_is_held(loop)) {
        (void)wait_for(loop, -1, HELD_WAIT_MS);
        return STATUS_OK;
    }
    loop->thread = uv_thread_self();
    loop->in_turn = true;
    loop->woken = false;
    report_turn(loop, false);
    run_deferred(loop);
    loop->turn_wanted = false;
    loop->turn_number++;
    loop->reads = 0;
    bool more_to_do = !list_is_empty(&loop->deferred) || loop->interrupt != NULL;
    poll_once(loop, more_to_do || loop->woken ? 0 : timeout_ms);
    if (loop->interrupt == NULL) {
        run_overdue(loop);
        run_deferred(loop); /* what a busy turn kept together goes before the driver goes on */
    }
    loop->in_turn = false;
    loop->skips_wait = false;
    return STATUS_OK;
}

void event_loop_hold(struct event_loop *loop) {
    loop->holders++;
}

void event_loop_let_go(struct event_loop *loop) {
    loop->holders--;
}

bool event_loop_is_held(const struct event_loop *loop) {
    return loop->holders > 0;
}

int event_loop_turn_within_application(struct event_loop *loop) {
    bool was_in_application = loop->in_application;
    loop->in_application = true;
    int status = event_loop_turn(loop, 0);
    loop->in_application = was_in_application;
    return status;
}

bool event_loop_is_busy(const struct event_loop *loop) {
    return loop->in_turn && loop->reads > BUSY_READS;
}

bool event_loop_is_on_thread(const struct event_loop *loop) {
    uv_thread_t self = uv_thread_self();
    return uv_thread_equal(&self, &loop->thread);
}

bool event_loop_is_in_turn(const struct event_loop *loop) {
    return loop->in_turn;
}

int event_loop_timeout(struct event_loop *loop) {
    uv_update_time(&loop->uv);
    return list_is_empty(&loop->deferred) ? uv_backend_timeout(&loop->uv) : 0;
}

int event_loop_descriptor(const struct event_loop *loop) {
    return uv_backend_fd(&loop->uv);
}

static void lead_nowhere(uv_handle_t *handle, void *nowhere) {
    uv_os_fd_t descriptor;
    if (uv_fileno(handle, &descriptor) == 0) {
        (void)dup2(*(int *)nowhere, descriptor);
        (void)fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    }
}

void event_loop_leave_to_parent(struct event_loop *loop) {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends) == 0) {
        close(ends[1]);
        uv_walk(&loop->uv, lead_nowhere, &ends[0]);
        close(ends[0]);
    }
    (void)uv_loop_fork(&loop->uv);
    close_wait_end(loop);
    loop->wait_end = open_wait_end();
    loop->ends_wait = false;
}

bool event_loop_is_waiting(const struct event_loop *loop) {
    return loop->is_waiting;
}

void event_loop_unblock(struct event_loop *loop) {
    if (!loop->is_waiting || loop->wait_end < 0) {
        uv_async_send(&loop->wakeup);
    } else if (!atomic_exchange(&loop->ends_wait, true)) {
        uint64_t one = 1;
        (void)!write(loop->wait_end, &one, sizeof(one));
    }
}

void event_loop_skip_wait(struct event_loop *loop) {
    loop->skips_wait = true;
}

void event_loop_want_turn(struct event_loop *loop) {
    if (!event_loop_is_on_thread(loop)) {
        event_loop_unblock(loop);
        return;
    }
    if (loop->in_turn || loop->turn_wanted || loop->hooks.want_turn == NULL) {
        return;
    }
    loop->turn_wanted = true;
    loop->hooks.want_turn(loop->hooks.owner);
}

void deferred_init(struct deferred *deferred, void (*run)(struct deferred *deferred)) {
    list_init(&deferred->link);
    deferred->run = run;
}

void event_loop_defer(struct event_loop *loop, struct deferred *deferred) {
    if (list_is_empty(&deferred->link)) {
        list_append(&loop->deferred, &deferred->link);
        event_loop_want_turn(loop);
    }
}

void event_loop_defer_to_rest(struct event_loop *loop, struct deferred *deferred) {
    if (!loop->hooks.lets_rest) {
        event_loop_defer(loop, deferred);
    } else if (list_is_empty(&deferred->link)) {
        if (list_is_empty(&loop->at_rest)) {
            loop->at_rest_since = event_loop_now(loop);
        }
        list_append(&loop->at_rest, &deferred->link);
        event_loop_want_turn(loop);
    }
}

bool event_loop_rests(const struct event_loop *loop) {
    return loop->hooks.lets_rest;
}

void deferred_cancel(struct deferred *deferred) {
    list_remove(&deferred->link);
}

void event_loop_wake(struct event_loop *loop) {
    loop->woken = true;
}

uint64_t event_loop_now(const struct event_loop *loop) {
    return uv_now(&loop->uv);
}

void event_loop_update_time(struct event_loop *loop) {
    uv_update_time(&loop->uv);
}

uint64_t event_loop_turn_number(const struct event_loop *loop) {
    return loop->turn_number;
}

struct timer_wheel *event_loop_timers(struct event_loop *loop) {
    return loop->timers;
}

bool event_loop_enter_application(struct event_loop *loop) {
    if (!loop->in_turn || loop->in_application || loop->refuses_application || loop->closing ||
        !event_loop_is_on_thread(loop)) {
        return false;
    }
    loop->in_application = true;
    return true;
}

void event_loop_leave_application(struct event_loop *loop) {
    loop->in_application = false;
}

void event_loop_refuse_application(struct event_loop *loop) {
    loop->refuses_application = true;
}

bool event_loop_refuses_application(const struct event_loop *loop) {
    return loop->refuses_application;
}

bool event_loop_interrupt(struct event_loop *loop, void *interrupt) {
    if (loop->interrupt != NULL) {
        return false;
    }
    loop->interrupt = interrupt;
    if (loop->in_turn) {
        uv_stop(&loop->uv);
    } else {
        event_loop_want_turn(loop);
    }
    return true;
}

void *event_loop_take_interrupt(struct event_loop *loop) {
    void *interrupt = loop->interrupt;
    loop->interrupt = NULL;
    return interrupt;
}

void *event_loop_uv(struct event_loop *loop) {
    return &loop->uv;
}

bool event_loop_is_in_use(const struct event_loop *loop) {
    return loop->open_handles > 0;
}

void event_loop_free(struct event_loop *loop) {
    if (event_loop_is_in_use(loop)) {
        return;
    }
    loop->closing = true;
    close_own_handles(loop);
    memory_free(loop);
    counters_closed(COUNTER_event_loops);
}
