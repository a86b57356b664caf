/* Groups of members: WebSockets of an application without Channels, or channels of a layer.
 *
 * A membership belongs to the member: it ends with it, whatever the application does or forgets. A
 * group is there while it has members. They are visited in the order of their joining. Joining,
 * leaving and looking up take the same time whatever the number of groups and members.
 *
 * A registry belongs to its loop's thread, or to whoever holds the GIL: nothing here locks. */
#ifndef CASGI_SERVER_GROUPS_H
#define CASGI_SERVER_GROUPS_H

#include "base/list.h"
#include "base/table.h"
#include "server/group_bus.h"

/* For groups_visit(): all members. */
#define GROUPS_ALL UINT64_MAX

struct groups {
    struct table groups;      /* of struct group, by name */
    struct table memberships; /* of struct membership, by group and member */
    struct list walks;        /* of struct walk: the visits that are under way */
    uint64_t joins;           /* memberships that ever began */
    struct group_bus bus;
};

/* Embedded in what joins groups. All its memberships are in one registry. */
struct member {
    struct list memberships; /* the one that was begun or renewed last is the last */
    size_t count;
    size_t most; /* so many it may have at once; 0: no limit */
};

/* Prepares a member that is in no group. */
static inline void member_init(struct member *member, size_t most) {
    list_init(&member->memberships);
    member->count = 0;
    member->most = most;
}

/* Initialises an empty registry, whose memberships `bus` (copied) is notified of. */
void groups_init(struct groups *groups, struct group_bus bus);

/* Makes it a member (*borrows* until it leaves), or joins it anew at time `now`, of a clock that
 * never goes back. Numbers of memberships grow; that of this one goes into *number, which may be
 * NULL. STATUS_OK, STATUS_NO_MEMORY, STATUS_TOO_LARGE when it is in as many groups as it
 * may be. */
int groups_add(struct groups *groups, struct slice name, struct member *member, double now,
               uint64_t *number);

/* Ends the membership; nothing when there is none. */
void groups_discard(struct groups *groups, struct slice name, struct member *member);

/* Ends all memberships. */
void groups_leave_all(struct groups *groups, struct member *member);

/* Ends all memberships that were begun, or last renewed, before `oldest`. */
void groups_leave_old(struct groups *groups, struct member *member, double oldest);

/* Calls `visit` for each member with the time of its joining: for those whose membership has begun
 * already, has a number below `end`, and has not ended when their turn comes. Whatever `visit` does
 * is allowed, to any group and member: what it calls may allocate Python objects, and then the
 * garbage collector may run finalizers of the application, which join, leave and send. */
void groups_visit(struct groups *groups, struct slice name, uint64_t end,
                  void (*visit)(struct member *member, double joined, void *context),
                  void *context);

/* Passes on to the bus what was sent to the group here. STATUS_OK, also without a bus; or the
 * status of the bus. */
int groups_publish(struct groups *groups, struct slice name, struct ws_message *message);

/* Returns how many members the group has. */
size_t groups_size(const struct groups *groups, struct slice name);

/* Calls `visit` with the name of each group. Nobody may join or leave meanwhile: `visit` must run
 * no application code, not by way of the garbage collector either. */
void groups_visit_names(const struct groups *groups,
                        void (*visit)(struct slice name, void *context), void *context);

struct groups_totals {
    size_t groups;
    size_t members; /* of all of them */
    size_t largest; /* members of the largest */
};

/* Counts; a walk over the groups. */
struct groups_totals groups_count(const struct groups *groups);

/* Frees the registry, which must be empty. */
void groups_release(struct groups *groups);

#endif
