/* A channel of a layer in this process: its messages, the groups it is in, and who listens.
 *
 * A consumer on a casgi WebSocket listens by attaching the channel to its cycle; anybody
 * else waits as a future in `waiters`. The table that made it keeps it while it is of use:
 * while somebody listens or waits, it has messages, or is in a group. */
#ifndef CASGI_CHANNELS_CHANNEL_H
#define CASGI_CHANNELS_CHANNEL_H

#include "server/groups.h"
#include "state.h"

typedef struct ChannelTableObject ChannelTableObject;

struct channel_message {
    PyObject *message; /* dict */
    double expires;    /* seconds of channel_clock() */
};

typedef struct {
    PyObject_HEAD
    ChannelTableObject *table;
    PyObject *name; /* str */
    struct member member;
    struct channel_message *messages; /* ring; NULL while empty */
    uint32_t first, count, slots;
    uint32_t capacity;
    PyObject *waiters;            /* OrderedDict of futures, NULL while nobody waits */
    PyObject *cycle;              /* of the WebSocket whose consumer listens, else NULL */
    PyObject *consumer;           /* it */
    PyTypeObject *consumer_class; /* of which it was when it began to listen */
    PyObject *base_send;          /* what its base_send was when it began to listen */
    PyObject *plan; /* SharingPlan of its class, or NULL: it gets each message itself */
} ChannelObject;

/* Seconds of a clock that only goes forward. */
double channel_clock(void);

/* Returns new channel, or NULL with an exception. Keeps the table. */
ChannelObject *channel_new(ChannelTableObject *table, PyObject *name, uint32_t capacity);

/* Appends a message (*takes* the reference in every case) and wakes who listens or waits. Returns
 * 1; 0 when the channel is full, which drops the message, or the oldest of a table that discards
 * the oldest; -1 with MemoryError. With `beyond_capacity` it is never full. Runs no application
 * code. */
int channel_put(ChannelObject *channel, PyObject *message, bool beyond_capacity);

/* Returns the first message that has not expired, a new reference; NULL when there is none. */
PyObject *channel_take(ChannelObject *channel);

/* Wakes who listens or waits. Runs no application code. */
void channel_wake(ChannelObject *channel);

/* Has a future (*keeps until* it is woken or abandoned) woken, once, when a message has come.
 * Returns -1 with an exception. */
int channel_wait(ChannelObject *channel, PyObject *future);

/* The future waits no more. Returns 1; 0 when it was woken already; -1 with an exception. */
int channel_abandon(ChannelObject *channel, PyObject *future);

/* Drops messages that have expired. */
void channel_drop_expired(ChannelObject *channel);

/* True while somebody listens or waits. */
bool channel_is_read(const ChannelObject *channel);

/* False when nobody would miss it. */
bool channel_is_of_use(const ChannelObject *channel);

/* True when a shared frame may be put into its WebSocket now: somebody listens, no message waits,
 * no handler of it is half-way. */
bool channel_is_idle(const ChannelObject *channel);

/* False for a channel whose WebSocket is closed: it joins no group, and gets no message of those
 * that it is in until its consumer has ended. */
bool channel_is_open(const ChannelObject *channel);

/* Drops all messages. */
void channel_drop_messages(ChannelObject *channel);

#endif
