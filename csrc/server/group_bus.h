/* How the groups of this process reach those of others: one vtable under both kinds of groups,
 * those of `websocket.group` and those of a channel layer.
 *
 * A registry (groups.h) reports to its bus whose memberships begin and end here: what others have
 * to know are the first and the last of each group. What is sent to a group goes to the members
 * here, then to the bus; what comes from elsewhere is delivered here and not passed on, so that
 * nothing runs in circles. Without a bus this process is all there is.
 *
 * The bus of a channel layer is channels/channel_table.c, which hands on to the layer in Python;
 * the layers on Redis publish there, in the original's format. A bus may not answer at once:
 * whoever has to wait until others know of a membership waits above the registry. */
#ifndef CASGI_SERVER_GROUP_BUS_H
#define CASGI_SERVER_GROUP_BUS_H

#include <stdbool.h>

#include "base/slice.h"

struct member;
struct ws_message;

/* Each may be NULL. Only the registry's thread calls them; all that is passed is *borrowed*. */
struct group_bus_ops {
    /* A membership has begun; `is_first`: the group had no member here. */
    void (*on_join)(void *bus, struct member *member, struct slice group, bool is_first);
    /* A membership has ended; `is_last`: the group has no member here, and is gone: others may join
     * and leave meanwhile. */
    void (*on_leave)(void *bus, struct member *member, struct slice group, bool is_last);
    /* A message was sent to the group by a member here. STATUS_OK, or a status of why others do not
     * get it. */
    int (*publish)(void *bus, struct slice group, struct ws_message *message);
};

struct group_bus {
    const struct group_bus_ops *ops; /* NULL: this process is all there is */
    void *owner;                     /* the bus */
};

#endif
