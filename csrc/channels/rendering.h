/* What consumers' classes make of a message to their group: a handler has run once for all of a
 * class's members, here or in the process that sent the message.
 *
 * Lives on the stack of a fan-out, too large to be cleared for each message. */
#ifndef CASGI_CHANNELS_RENDERING_H
#define CASGI_CHANNELS_RENDERING_H

#include "channels/published.h"

enum { MOST_RENDERINGS = 16, MOST_OUTCOMES = 4, MOST_MESSAGES = 8 };

/* For those members of whose consumers some comparisons are true or not. */
struct outcome {
    PyObject *comparisons; /* tuple of (attribute, value, are they equal), or NULL; borrowed */
    size_t first, end;     /* its messages */
};

/* What one class of consumers makes of the message. */
struct rendering {
    PyObject *plan;       /* of a member */
    PyObject *run;        /* what the plan has given, SharedRun in plan.py: owns the others; or the
                             attributes, of a run in another process */
    PyObject *attributes; /* tuple of (name, value, is it a method) of each consumer; borrowed */
    struct outcome outcomes[MOST_OUTCOMES];
    size_t outcome_count;
    struct ws_message messages[MOST_MESSAGES];
    size_t message_count;
    struct slice fingerprint; /* of a run here that other processes can take; else empty */
    bool is_shared;           /* else each consumer handles the message itself */
};

struct renderings {
    size_t count;
    struct rendering each[MOST_RENDERINGS]; /* of which so many are initialised */
};

/* Returns that of a plan, NULL when there is none. */
struct rendering *renderings_find(struct renderings *renderings, const PyObject *plan);

/* Adds an empty one for a plan that has none, unless there are too many. */
void renderings_add(struct renderings *renderings, PyObject *plan);

/* Fills all of them. Runs application code. -1 with an exception: the message cannot be read, or
 * the process is to end (KeyboardInterrupt, SystemExit). */
int renderings_make(struct renderings *renderings, struct module_state *state,
                    struct published *published);

/* Writes the runs of here that other processes can take into what is made. -1 with MemoryError. */
int renderings_write(const struct renderings *renderings, const struct published *published);

void renderings_release(struct renderings *renderings);

/* Returns what a member with this consumer gets, or NULL, maybe with an exception that ends the
 * process. Looks at its attributes, which may run application code. */
const struct outcome *rendering_outcome_for(const struct rendering *rendering, PyObject *consumer);

/* Forgets an exception that the consumer will meet itself; one that ends the process
 * (KeyboardInterrupt, SystemExit) stays set. */
void rendering_forget_exception(void);

#endif
