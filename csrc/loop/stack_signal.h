/* The signal at which a process writes where its threads are, be it held up by Python or C.
 *
 * faulthandler.register() alone walks the frames of all threads at whatever moment the signal
 * comes, and crashes when one of them has just left its function: a signal to all processes of a
 * service would end workers. So the signal is Python's first, whose handler runs between two
 * instructions, with the GIL. Only when that does not come to it, since C code keeps the thread,
 * the parent's next signal walks the frames from outside, where they stand still mostly: the
 * parent is about to kill this process, or somebody has asked what holds it up.
 *
 * Its notes are the process's, as handlers are, so that they are no part of the module's state. */
#ifndef CASGI_LOOP_STACK_SIGNAL_H
#define CASGI_LOOP_STACK_SIGNAL_H

#include <stdbool.h>

/* Comes before the handler that the signal has now, which walks the frames; Python's own is to be
 * set before that. Returns -1 with errno when the signal cannot be handled. */
int stack_signal_guard(int number);

/* Lets handlers of many signals that come at once lie on each other: on the stack for signals that
 * faulthandler has made there is room for four or five, and the next one ends the process. Without
 * such a stack nothing happens. */
void stack_signal_make_room(void);

/* Whether the stacks are still to be written, by the caller, who has the GIL. */
bool stack_signal_take(void);

#endif
