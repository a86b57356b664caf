/* Groups. The registry owns its groups, a group its memberships. Each membership stands in two
 * lists, its group's and its member's, which are walked, and in a table of all, where it is found.
 *
 * A walk keeps the link that comes next where everybody who ends a membership finds it, and the
 * group from being freed. Never holds a pointer of its own over a call to `visit` or to the bus. */
#include "server/groups.h"

#include <sys/random.h>

#include "base/counters.h"
#include "base/memory.h"
#include "base/status.h"

struct group {
    struct table_entry entry;
    struct list members;
    size_t size;
    size_t
        holders; /* walks, and the report that somebody has left: it is freed by the last of them */
    char name[]; /* what entry.name points at */
};

/* What a membership is found by: its bytes are the name of its entry. */
struct pair {
    struct group *group;
    struct member *member;
};

struct membership {
    struct table_entry entry;
    struct pair pair;
    struct list of_group;
    struct list of_member;
    uint64_t number; /* grows along the group's list */
    double joined;
};

/* A visit that is under way, on the stack of groups_visit(). */
struct walk {
    struct list link;
    struct list *next; /* of_group of the membership that is visited next, or the list's head */
};

void groups_init(struct groups *groups, struct group_bus bus) {
    uint64_t seed = (uintptr_t)groups;
    if (getrandom(&seed, sizeof(seed), GRND_NONBLOCK) < 0) {
        seed ^= UINT64_C(0x9E3779B97F4A7C15); /* before the kernel has entropy: an address is no
                                                 secret, but no constant either */
    }
    table_init(&groups->groups, seed);
    table_init(&groups->memberships, seed);
    list_init(&groups->walks);
    groups->joins = 0;
    groups->bus = bus;
}

/* --- Groups --- */

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

static void free_group(struct group *group) {
    memory_free(group);
    counters_closed(COUNTER_groups);
}

static void hold(struct group *group) {
    group->holders++;
}

static void let_go(struct group *group) {
    group->holders--;
    if (group->holders == 0 && group->size == 0) {
        free_group(group);
    }
}

static void report_join(struct groups *groups, struct group *group, struct member *member) {
    const struct group_bus *bus = &groups->bus;
    if (bus->ops != NULL && bus->ops->on_join != NULL) {
        bus->ops->on_join(bus->owner, member, group->entry.name, group->size == 1);
    }
}

/* The last member has gone: the name is free for a new group before the bus knows. */
static void report_leave(struct groups *groups, struct group *group, struct member *member) {
    bool is_last = group->size == 0;
    hold(group);
    if (is_last) {
        table_remove(&groups->groups, &group->entry);
    }
    const struct group_bus *bus = &groups->bus;
    if (bus->ops != NULL && bus->ops->on_leave != NULL) {
        bus->ops->on_leave(bus->owner, member, group->entry.name, is_last);
    }
    let_go(group);
}

/* --- Memberships --- */

static struct slice key_of(const struct pair *pair) {
    return slice_of((const char *)pair, sizeof(*pair));
}

static struct membership *find_membership(const struct groups *groups, struct group *group,
                                          struct member *member) {
    struct pair pair = {group, member};
    struct table_entry *entry = table_find(&groups->memberships, key_of(&pair));
    return entry == NULL ? NULL : TABLE_OBJECT(entry, struct membership, entry);
}

static struct membership *new_membership(struct groups *groups, struct group *group,
                                         struct member *member) {
    struct membership *membership = memory_allocate(sizeof(*membership));
    if (membership == NULL) {
        return NULL;
    }
    membership->pair = (struct pair){group, member};
    membership->entry.name = key_of(&membership->pair);
    if (table_put(&groups->memberships, &membership->entry) != STATUS_OK) {
        memory_free(membership);
        return NULL;
    }
    membership->number = groups->joins++;
    list_append(&group->members, &membership->of_group);
    list_init(&membership->of_member);
    group->size++;
    member->count++;
    return membership;
}

static void end_membership(struct groups *groups, struct membership *membership) {
    struct group *group = membership->pair.group;
    for (struct list *link = groups->walks.next; link != &groups->walks; link = link->next) {
        struct walk *walk = LIST_OBJECT(link, struct walk, link);
        if (walk->next == &membership->of_group) {
            walk->next = walk->next->next;
        }
    }
    table_remove(&groups->memberships, &membership->entry);
    list_remove(&membership->of_group);
    list_remove(&membership->of_member);
    struct member *member = membership->pair.member;
    memory_free(membership);
    member->count--;
    group->size--;
    report_leave(groups, group, member);
}

/* The member's list is kept in the order of renewal. */
static void renew(struct membership *membership, double now) {
    membership->joined = now;
    list_remove(&membership->of_member);
    list_append(&membership->pair.member->memberships, &membership->of_member);
}

int groups_add(struct groups *groups, struct slice name, struct member *member, double now,
               uint64_t *number) {
    struct group *group = find(groups, name);
    struct membership *membership = group == NULL ? NULL : find_membership(groups, group, member);
    if (membership == NULL && member->most > 0 && member->count >= member->most) {
        return STATUS_TOO_LARGE;
    }
    if (group == NULL) {
        group = new_group(groups, name);
    }
    bool is_new = membership == NULL;
    if (group != NULL && is_new) {
        membership = new_membership(groups, group, member);
    }
    if (membership == NULL) {
        if (group != NULL && group->size == 0) { /* it was made here, and nobody knows it */
            table_remove(&groups->groups, &group->entry);
            free_group(group);
        }
        return STATUS_NO_MEMORY;
    }
    renew(membership, now);
    if (number != NULL) {
        *number = membership->number;
    }
    if (is_new) {
        report_join(groups, group, member);
    }
    return STATUS_OK;
}

void groups_discard(struct groups *groups, struct slice name, struct member *member) {
    struct group *group = find(groups, name);
    struct membership *membership = group == NULL ? NULL : find_membership(groups, group, member);
    if (membership != NULL) {
        end_membership(groups, membership);
    }
}

static struct membership *oldest_of(const struct member *member) {
    return list_is_empty(&member->memberships)
               ? NULL
               : LIST_OBJECT(member->memberships.next, struct membership, of_member);
}

void groups_leave_all(struct groups *groups, struct member *member) {
    struct membership *membership;
    while ((membership = oldest_of(member)) != NULL) {
        end_membership(groups, membership);
    }
}

void groups_leave_old(struct groups *groups, struct member *member, double oldest) {
    struct membership *membership;
    while ((membership = oldest_of(member)) != NULL && membership->joined < oldest) {
        end_membership(groups, membership);
    }
}

/* --- Walks --- */

/* Returns the membership that comes next, if it had begun before the walk did. */
static struct membership *next_of(struct walk *walk, const struct group *group, uint64_t end) {
    if (walk->next == &group->members) {
        return NULL;
    }
    struct membership *membership = LIST_OBJECT(walk->next, struct membership, of_group);
    walk->next = walk->next->next;
    return membership->number < end ? membership : NULL;
}

void groups_visit(struct groups *groups, struct slice name, uint64_t end,
                  void (*visit)(struct member *member, double joined, void *context),
                  void *context) {
    struct group *group = find(groups, name);
    if (group == NULL) {
        return;
    }
    end = end < groups->joins ? end : groups->joins;
    struct walk walk = {.next = group->members.next};
    struct membership *membership;
    hold(group);
    list_append(&groups->walks, &walk.link);
    while ((membership = next_of(&walk, group, end)) != NULL) {
        visit(membership->pair.member, membership->joined, context);
    }
    list_remove(&walk.link);
    let_go(group);
}

int groups_publish(struct groups *groups, struct slice name, struct ws_message *message) {
    const struct group_bus *bus = &groups->bus;
    bool is_alone = bus->ops == NULL || bus->ops->publish == NULL;
    return is_alone ? STATUS_OK : bus->ops->publish(bus->owner, name, message);
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

struct groups_totals groups_count(const struct groups *groups) {
    struct groups_totals totals = {.groups = groups->groups.count,
                                   .members = groups->memberships.count};
    for (size_t i = 0; i < groups->groups.bucket_count; i++) {
        const struct table_entry *entry = groups->groups.buckets[i];
        for (; entry != NULL; entry = entry->next) {
            size_t size = TABLE_OBJECT(entry, struct group, entry)->size;
            totals.largest = size > totals.largest ? size : totals.largest;
        }
    }
    return totals;
}

void groups_release(struct groups *groups) {
    table_release(&groups->groups);
    table_release(&groups->memberships);
}
