/* The stack signal: a handler that decides who writes. Allocates nothing, owns nothing. */
#include "loop/stack_signal.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

#include "state.h"

/* Milliseconds that Python's handler has, before the parent's next signal does without it; and in
 * which the parent's signals are for what was written just now. */
enum { PATIENCE = 200, JUST_NOW = 1000 };

/* 0 when nobody has asked, or nothing was written. */
static atomic_llong asked_at;
static atomic_llong written_at;
static void (*walk)(int number);

static long long milliseconds(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void ask_python(int number, long long now) {
    long long nobody = 0;
    if (atomic_compare_exchange_strong(&asked_at, &nobody, now)) {
        (void)PyErr_SetInterruptEx(number);
    }
}

static void on_signal(int number, siginfo_t *info, void *context) {
    (void)context;
    int error = errno;
    long long now = milliseconds();
    long long asked = atomic_load(&asked_at);
    bool is_of_parent = info->si_pid == getppid();
    if (asked == 0) {
        if (!is_of_parent || now - atomic_load(&written_at) >= JUST_NOW) {
            ask_python(number, now);
        }
    } else if (is_of_parent && now - asked >= PATIENCE && stack_signal_take()) {
        walk(number);
    }
    errno = error;
}

void stack_signal_make_room(void) {
    /* Of the process, as the handlers: of the thread that calls, which is Python's main one. */
    static char room[64 * 16 * 1024];
    stack_t now;
    if (sigaltstack(NULL, &now) == 0 && (now.ss_flags & SS_DISABLE) == 0 &&
        now.ss_size < sizeof(room)) {
        (void)sigaltstack(&(stack_t){.ss_sp = room, .ss_size = sizeof(room)}, NULL);
    }
}

int stack_signal_guard(int number) {
    struct sigaction walking;
    /* Without SA_RESTART: what the main thread waits for is interrupted, so that Python is. */
    struct sigaction action = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    if (sigaction(number, NULL, &walking) < 0) {
        return -1;
    }
    walk = walking.sa_handler;
    stack_signal_make_room();
    return sigaction(number, &action, NULL);
}

bool stack_signal_take(void) {
    if (atomic_exchange(&asked_at, 0) == 0) {
        return false;
    }
    atomic_store(&written_at, milliseconds());
    return true;
}
