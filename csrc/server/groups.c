/* Groups. The registry owns its groups, a group its memberships; each membership stands in two
 * lists, its group's and its WebSocket's, so that either end finds it in O(1). */
#include "server/groups.h"

#include <sys/random.h>

#include "base/counters.h"
#include "base/memory.h"
#include "base/status.h"
#include "server/websocket.h"

struct group {
    struct table_entry entry;
    struct list members;
    size_t size;
    char name[]; /* what entry.name points at */
};

struct membership {
    struct list of_group;
    struct list of_websocket;
    struct group *group;
    struct websocket *websocket;
};

void groups_init(struct groups *groups) {
    uint64_t seed = (uintptr_t)groups;
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < 0) {
        seed ^= UINT64_C(0x9E3779B97F4A7C15); /* before the kernel has entropy: an address is no
                                                 secret, but no constant either */
    }
    table_init(&groups->groups, seed);
}

static struct group *find(const struct groups *groups, struct slice name) {
    struct table_entry *entry = table_find(&groups->groups, name);
    return entry == NULL ? NULL : TABLE_OBJECT(entry, struct group, entry);
}

static struct group *new_group(struct groups *groups, struct slice name) {
    struct group *group = memory_allocate_zeroed(sizeof(*group) + name.length);
    if (group == NULL) {
        return NULL;
    }
    memcpy(group->name, name.data, name.length);
    group->entry.name = slice_of(group->name, name.length);
    list_init(&group->members);
    if (table_put(&groups->groups, &group->entry) != STATUS_OK) {
        memory_free(group);
        return NULL;
    }
    counters_opened(COUNTER_groups);
    return group;
}

static void free_if_empty(struct groups *groups, struct group *group) {
    if (group->size == 0) {
        table_remove(&groups->groups, &group->entry);
        memory_free(group);
        counters_closed(COUNTER_groups);
    }
}

static void end_membership(struct groups *groups, struct membership *membership) {
    struct group *group = membership->group;
    list_remove(&membership->of_group);
    list_remove(&membership->of_websocket);
    memory_free(membership);
    group->size--;
    free_if_empty(groups, group);
}

/* A WebSocket is in few groups, a group has many WebSockets: look where it is short. */
static struct membership *find_membership(struct websocket *websocket, const struct group *group) {
    struct list *memberships = &websocket->memberships;
    for (struct list *link = memberships->next; link != memberships; link = link->next) {
        struct membership *membership = LIST_OBJECT(link, struct membership, of_websocket);
        if (membership->group == group) {
            return membership;
        }
    }
    return NULL;
}

int groups_add(struct groups *groups, struct slice name, struct websocket *websocket) {
    if (websocket->state != WEBSOCKET_OPEN) {
        return websocket->state == WEBSOCKET_CONNECTING ? STATUS_STATE : STATUS_CLOSED;
    }
    struct group *group = find(groups, name);
    if (group == NULL) {
        group = new_group(groups, name);
    } else if (find_membership(websocket, group) != NULL) {
        return STATUS_OK;
    }
    if (group == NULL) {
        return STATUS_NO_MEMORY;
    }
    struct membership *membership = memory_allocate(sizeof(*membership));
    if (membership == NULL) {
        free_if_empty(groups, group);
        return STATUS_NO_MEMORY;
    }
    membership->group = group;
    membership->websocket = websocket;
    list_append(&group->members, &membership->of_group);
    list_append(&websocket->memberships, &membership->of_websocket);
    group->size++;
    return STATUS_OK;
}

void groups_discard(struct groups *groups, struct slice name, struct websocket *websocket) {
    struct group *group = find(groups, name);
    struct membership *membership = group == NULL ? NULL : find_membership(websocket, group);
    if (membership != NULL) {
        end_membership(groups, membership);
    }
}

void groups_leave_all(struct groups *groups, struct websocket *websocket) {
    while (!list_is_empty(&websocket->memberships)) {
        end_membership(groups,
                       LIST_OBJECT(websocket->memberships.next, struct membership, of_websocket));
    }
}

size_t groups_send(struct groups *groups, struct slice name, struct frame *frame,
                   const struct websocket *except) {
    struct group *group = find(groups, name);
    if (group == NULL) {
        return 0;
    }
    size_t taken = 0;
    struct list *link = group->members.next;
    /* A member that falls behind too far is closed and leaves the group under us: the next link is
     * read first. The last one to leave would free the group, so that it is held by one member
     * more. */
    group->size++;
    while (link != &group->members) {
        struct list *next = link->next;
        struct websocket *member = LIST_OBJECT(link, struct membership, of_group)->websocket;
        if (member != except && websocket_deliver(member, frame)) {
            taken++;
        }
        link = next;
    }
    group->size--;
    free_if_empty(groups, group);
    return taken;
}

size_t groups_size(const struct groups *groups, struct slice name) {
    const struct group *group = find(groups, name);
    return group == NULL ? 0 : group->size;
}

void groups_release(struct groups *groups) {
    table_release(&groups->groups);
}
