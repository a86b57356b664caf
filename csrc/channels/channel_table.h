/* The channels and groups of a layer that live in this process. Channel names and group names are
 * a layer's own: each layer has a table.
 *
 * Its methods may be called in any thread, which the GIL keeps apart. Consumers listen on one loop:
 * the table's home while any of them does; send() must be called on its thread then. */
#ifndef CASGI_CHANNELS_CHANNEL_TABLE_H
#define CASGI_CHANNELS_CHANNEL_TABLE_H

#include "channels/channel.h"
#include "channels/published.h"

struct ChannelTableObject {
    PyObject_HEAD
    struct module_state *state;
    struct groups groups;
    PyObject *channels; /* dict of Channel by name */
    PyObject *capacity; /* callable: the capacity of a channel of this name */
    PyObject *wake;     /* callable: wakes a future of get(), or a Channel from another thread */
    PyObject *on_leave; /* callable(group, channel) or None */
    PyObject *on_group_empty; /* callable(group) or None */
    PyObject *left;           /* list of (group, channel) to call them with, or NULL */
    PyObject *home;           /* the loop of who listens, NULL while nobody does */
    unsigned long home_thread;
    size_t listening;
    double expiry, group_expiry; /* seconds */
    double next_sweep;
    unsigned long long dropped; /* messages of groups for channels that were full */
    unsigned long long shared;  /* frames that were put into WebSockets without their consumers */
    bool discards_oldest;
    bool is_discarding; /* memberships that end now are no news */
    bool is_report_due; /* the loop calls _report_left() soon */
};

/* True on the thread of the loop that the listening consumers share, and when there are none. */
bool channel_table_is_home(const ChannelTableObject *table);

/* A consumer begins to listen on `loop`, or ends. False when others listen on another loop. */
bool channel_table_enter(ChannelTableObject *table, PyObject *loop);
void channel_table_leave(ChannelTableObject *table);

/* Calls `wake`, which runs no application code. */
void channel_table_wake(ChannelTableObject *table, PyObject *target);

/* Both return new reference, or NULL: find without an exception when there is none, open makes it.
 */
ChannelObject *channel_table_find(ChannelTableObject *table, PyObject *name);
ChannelObject *channel_table_open(ChannelTableObject *table, PyObject *name);

/* Lets go of a channel (*takes*; may be NULL), as everybody who has looked one up does in the end.
 */
void channel_table_let_go(ChannelTableObject *table, ChannelObject *channel);

/* Once per expiry: memberships that nobody has renewed and messages that nobody has fetched go, and
 * with them their channels. Later where messages are only sent, as the original looks for them when
 * one is received. */
void channel_table_sweep(ChannelTableObject *table, double later);

/* The bus of a layer's groups: notes the memberships that have ended, to be reported soon. The
 * layer itself, in Python, knows who joins and publishes what is sent. */
extern const struct group_bus_ops channel_table_bus;

/* Calls on_leave with each membership noted, and on_group_empty with each of their groups that has
 * become empty, and still is. Runs application code. */
void channel_table_report_left(ChannelTableObject *table);

/* Drops the table's reference to a channel that is of no use; the caller has one of its own. */
void channel_table_forget_if_useless(ChannelTableObject *table, ChannelObject *channel);

/* Sends a message to these members of the group: fan_out.c. Returns -1 with an exception, else how
 * many got it as an event. */
Py_ssize_t channel_table_fan_out(ChannelTableObject *table, struct slice group, uint64_t end,
                                 struct published *published);

/* Puts the members of the group, whose membership has a number below `end` and has not expired,
 * into a new list. */
PyObject *channel_table_members(ChannelTableObject *table, struct slice group, uint64_t end);

#endif
