/* A signal that waits until somebody can handle it, instead of ending a process that starts.
 *
 * What the process executes has the default again, which SIG_IGN and a mask would not give it. A
 * handler of the application replaces this one, be it Python's or one in C. */
#ifndef CASGI_LOOP_HELD_SIGNAL_H
#define CASGI_LOOP_HELD_SIGNAL_H

#include <stdbool.h>

/* Notes from now on that the signal has come. Returns -1 with errno when it cannot be handled. */
int held_signal_hold(int number);

/* Whether the signal is noted still: nobody has set another handler, or the default. */
bool held_signal_is_held(int number);

/* Whether the signal has come since held_signal_hold(), or since the last call. */
bool held_signal_take(int number);

#endif
