/* Groups of WebSockets, and the fan-out: one frame, encoded once, into the write queue of every
 * member.
 *
 * Membership belongs to the WebSocket: it ends when that closes, whatever the application does or
 * forgets. A group is there while it has members. Members are served in the order of their joining;
 * a frame leaves at the end of the turn with all else that the turn brought. */
#ifndef CASGI_SERVER_GROUPS_H
#define CASGI_SERVER_GROUPS_H

#include "base/frame.h"
#include "base/list.h"
#include "base/table.h"

struct websocket;

struct groups {
    struct table groups; /* of struct group */
};

/* Initialises an empty registry. */
void groups_init(struct groups *groups);

/* Makes the WebSocket a member; nothing when it is one. STATUS_OK, STATUS_STATE unless it is open,
 * STATUS_NO_MEMORY. */
int groups_add(struct groups *groups, struct slice name, struct websocket *websocket);

/* Ends the membership; nothing when there is none. */
void groups_discard(struct groups *groups, struct slice name, struct websocket *websocket);

/* Ends all memberships of the WebSocket. */
void groups_leave_all(struct groups *groups, struct websocket *websocket);

/* Sends the frame (*borrows*) to every member but `except` (may be NULL). Returns how many took it.
 * Runs no application code. */
size_t groups_send(struct groups *groups, struct slice name, struct frame *frame,
                   const struct websocket *except);

/* Returns how many members the group has. */
size_t groups_size(const struct groups *groups, struct slice name);

/* Frees the registry, which must be empty. */
void groups_release(struct groups *groups);

#endif
