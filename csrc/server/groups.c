/* Groups. The registry owns its groups, a group its memberships; each membership stands in two
 * lists, its group's and its member's, so that either end finds it in O(1). */
#include "server/groups.h"

#include <sys/random.h>

#include "base/counters.h"
#include "base/memory.h"
#include "base/status.h"

struct group {
    struct table_entry entry;
    struct list members;
    size_t size;
    char name[]; /* what entry.name points at */
};

struct membership {
    struct list of_group;
    struct list of_member;
    struct group *group;
    struct member *member;
    double joined;
};

void groups_init(struct groups *groups, void (*on_empty)(void *owner, struct slice name),
                 void *owner) {
    uint64_t seed = (uintptr_t)groups;
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < 0) {
        seed ^= UINT64_C(0x9E3779B97F4A7C15); /* before the kernel has entropy: an address is no
                                                 secret, but no constant either */
    }
    table_init(&groups->groups, seed);
    groups->on_empty = on_empty;
    groups->owner = owner;
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
        table_remove(&groups->groups, &group->entry); /* first: on_empty() may let others join */
        if (groups->on_empty != NULL) {
            groups->on_empty(groups->owner, group->entry.name);
        }
        memory_free(group);
        counters_closed(COUNTER_groups);
    }
}

static void end_membership(struct groups *groups, struct membership *membership) {
    struct group *group = membership->group;
    list_remove(&membership->of_group);
    list_remove(&membership->of_member);
    memory_free(membership);
    group->size--;
    free_if_empty(groups, group);
}

/* A member is in few groups, a group has many members: look where it is short. */
static struct membership *find_membership(struct member *member, const struct group *group) {
    struct list *memberships = &member->memberships;
    for (struct list *link = memberships->next; link != memberships; link = link->next) {
        struct membership *membership = LIST_OBJECT(link, struct membership, of_member);
        if (membership->group == group) {
            return membership;
        }
    }
    return NULL;
}

static struct membership *new_membership(struct group *group, struct member *member) {
    struct membership *membership = memory_allocate(sizeof(*membership));
    if (membership != NULL) {
        membership->group = group;
        membership->member = member;
        list_append(&group->members, &membership->of_group);
        list_append(&member->memberships, &membership->of_member);
        group->size++;
    }
    return membership;
}

int groups_add(struct groups *groups, struct slice name, struct member *member, double now) {
    struct group *group = find(groups, name);
    if (group == NULL) {
        group = new_group(groups, name);
    }
    if (group == NULL) {
        return STATUS_NO_MEMORY;
    }
    struct membership *membership = find_membership(member, group);
    if (membership == NULL) {
        membership = new_membership(group, member);
    }
    if (membership == NULL) {
        free_if_empty(groups, group);
        return STATUS_NO_MEMORY;
    }
    membership->joined = now;
    return STATUS_OK;
}

void groups_discard(struct groups *groups, struct slice name, struct member *member) {
    struct group *group = find(groups, name);
    struct membership *membership = group == NULL ? NULL : find_membership(member, group);
    if (membership != NULL) {
        end_membership(groups, membership);
    }
}

void groups_leave_all(struct groups *groups, struct member *member) {
    while (!list_is_empty(&member->memberships)) {
        end_membership(groups, LIST_OBJECT(member->memberships.next, struct membership, of_member));
    }
}

void groups_visit(struct groups *groups, struct slice name,
                  void (*visit)(struct member *member, double joined, void *context),
                  void *context) {
    struct group *group = find(groups, name);
    if (group == NULL) {
        return;
    }
    struct list *link = group->members.next;
    /* The visited member may leave the group under us: the next link is read first. The last one to
     * leave would free the group, so that it is held by one member more. */
    group->size++;
    while (link != &group->members) {
        struct list *next = link->next;
        struct membership *membership = LIST_OBJECT(link, struct membership, of_group);
        visit(membership->member, membership->joined, context);
        link = next;
    }
    group->size--;
    free_if_empty(groups, group);
}

void groups_leave_old(struct groups *groups, struct member *member, double oldest) {
    struct list *link = member->memberships.next;
    while (link != &member->memberships) {
        struct membership *membership = LIST_OBJECT(link, struct membership, of_member);
        bool is_old = membership->joined < oldest;
        if (is_old) {
            end_membership(groups, membership);
        }
        /* on_empty() may have changed the list, so that it is walked anew. */
        link = is_old ? member->memberships.next : link->next;
    }
}

size_t groups_size(const struct groups *groups, struct slice name) {
    const struct group *group = find(groups, name);
    return group == NULL ? 0 : group->size;
}

void groups_visit_names(const struct groups *groups,
                        void (*visit)(struct slice name, void *context), void *context) {
    for (size_t i = 0; i < groups->groups.bucket_count; i++) {
        const struct table_entry *entry = groups->groups.buckets[i];
        for (; entry != NULL; entry = entry->next) {
            visit(entry->name, context);
        }
    }
}

void groups_release(struct groups *groups) {
    table_release(&groups->groups);
}
