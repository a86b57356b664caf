/* Groups of members: WebSockets of an application without Channels, or channels of a layer.
 *
 * A membership belongs to the member: it ends with it, whatever the application does or forgets. A
 * group is there while it has members. They are visited in the order of their joining. */
#ifndef CASGI_SERVER_GROUPS_H
#define CASGI_SERVER_GROUPS_H

#include "base/list.h"
#include "base/table.h"

struct groups {
    struct table groups; /* of struct group */
    void (*on_empty)(void *owner, struct slice name);
    void *owner;
};

/* Embedded in what joins groups. All its memberships are in one registry. */
struct member {
    struct list memberships;
};

static inline void member_init(struct member *member) {
    list_init(&member->memberships);
}

/* Initialises an empty registry. `on_empty` (may be NULL) is told of each group that has lost its
 * last member and is gone; others may join or leave meanwhile, unless groups are visited. */
void groups_init(struct groups *groups, void (*on_empty)(void *owner, struct slice name),
                 void *owner);

/* Makes it a member (*borrows* until it leaves), or joins it anew at time `now`, of any clock.
 * STATUS_OK, STATUS_NO_MEMORY. */
int groups_add(struct groups *groups, struct slice name, struct member *member, double now);

/* Ends the membership; nothing when there is none. */
void groups_discard(struct groups *groups, struct slice name, struct member *member);

/* Ends all memberships. */
void groups_leave_all(struct groups *groups, struct member *member);

/* Ends all memberships that were begun, or last renewed, before `oldest`. */
void groups_leave_old(struct groups *groups, struct member *member, double oldest);

/* Calls `visit` for each member with the time of its joining. The visited member, and no other, may
 * leave meanwhile. */
void groups_visit(struct groups *groups, struct slice name,
                  void (*visit)(struct member *member, double joined, void *context),
                  void *context);

/* Returns how many members the group has. */
size_t groups_size(const struct groups *groups, struct slice name);

/* Calls `visit` with the name of each group. Nobody may join or leave meanwhile. */
void groups_visit_names(const struct groups *groups,
                        void (*visit)(struct slice name, void *context), void *context);

/* Frees the registry, which must be empty. */
void groups_release(struct groups *groups);

#endif
