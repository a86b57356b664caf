/* Held signals: a handler that only notes. Its notes are the process's, as handlers are, so that
 * they are no part of the module's state. */
#include "loop/held_signal.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t has_come[NSIG];

static void note(int number) {
    has_come[number] = 1;
}

int held_signal_hold(int number) {
    struct sigaction action = {.sa_handler = note, .sa_flags = SA_RESTART};
    sigemptyset(&action.sa_mask);
    return sigaction(number, &action, NULL);
}

bool held_signal_is_held(int number) {
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && action.sa_handler == note;
}

bool held_signal_take(int number) {
    if (number <= 0 || number >= NSIG || !has_come[number]) {
        return false;
    }
    has_come[number] = 0;
    return true;
}
