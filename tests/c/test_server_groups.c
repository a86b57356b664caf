/* struct groups against a table of flags, with visits in which members join, leave and send, and
 * with every allocation failing once. */
#include "server/groups.h"

#include <string.h>

#include "base/counters.h"
#include "base/memory.h"
#include "base/status.h"
#include "check.h"

enum { GROUPS = 5, MEMBERS = 12, CHANGES = 20000, DEEPEST = 3 };

static const char *const names[GROUPS] = {"a", "b", "c", "lobby", "d"};

struct world {
    struct groups groups;
    struct member members[MEMBERS];
    bool is_in[GROUPS][MEMBERS];
    uint64_t joined[GROUPS][MEMBERS]; /* number of the joining */
    uint64_t joins;
    uint64_t random;
    size_t emptied[GROUPS]; /* reports */
    size_t became_empty[GROUPS];
    uint64_t left, ended; /* memberships: reported as ended, and ended */
    uint64_t entered;     /* reported as begun */
    int depth;
};

static struct slice name_of(size_t group) {
    return slice_of(names[group], strlen(names[group]));
}

static size_t size_of(const struct world *world, size_t group) {
    size_t size = 0;
    for (size_t i = 0; i < MEMBERS; i++) {
        size += world->is_in[group][i] ? 1 : 0;
    }
    return size;
}

static void leave(struct world *world, size_t group, size_t member) {
    bool was_in = world->is_in[group][member];
    world->is_in[group][member] = false;
    world->ended += was_in ? 1 : 0;
    world->became_empty[group] += was_in && size_of(world, group) == 0 ? 1 : 0;
}

static void on_join(void *owner, struct member *member, struct slice name, bool is_first) {
    struct world *world = owner;
    CHECK((groups_size(&world->groups, name) == 1) == is_first);
    CHECK(member >= world->members && member < world->members + MEMBERS);
    world->entered++;
}

static void on_leave(void *owner, struct member *member, struct slice name, bool is_last) {
    struct world *world = owner;
    for (size_t i = 0; i < GROUPS; i++) {
        world->emptied[i] += is_last && slice_equals(name, name_of(i)) ? 1 : 0;
    }
    CHECK((groups_size(&world->groups, name) == 0) == is_last);
    CHECK(member >= world->members && member < world->members + MEMBERS);
    world->left++;
}

static const struct group_bus_ops bus = {.on_join = on_join, .on_leave = on_leave};

static void set_up(struct world *world, uint64_t random) {
    memset(world, 0, sizeof(*world));
    world->random = random;
    groups_init(&world->groups, (struct group_bus){&bus, world});
    for (size_t i = 0; i < MEMBERS; i++) {
        member_init(&world->members[i], 0);
    }
}

static void tear_down(struct world *world) {
    for (size_t i = 0; i < MEMBERS; i++) {
        groups_leave_all(&world->groups, &world->members[i]);
        CHECK(world->members[i].count == 0);
    }
    CHECK(world->entered == world->left);
    groups_release(&world->groups);
    CHECK(counters_alive(COUNTER_groups) == 0);
}

static size_t pick(struct world *world, size_t count) {
    return (size_t)(check_random(&world->random) % count);
}

static void join_one(struct world *world, size_t group, size_t member) {
    int status = groups_add(&world->groups, name_of(group), &world->members[member], 0, NULL);
    CHECK(status == STATUS_OK || status == STATUS_NO_MEMORY);
    if (status == STATUS_OK && !world->is_in[group][member]) {
        world->is_in[group][member] = true;
        world->joined[group][member] = ++world->joins;
    }
}

static void visit_one(struct world *world, size_t group);

static void change(struct world *world) {
    size_t group = pick(world, GROUPS);
    size_t member = pick(world, MEMBERS);
    switch (pick(world, 8)) {
    case 0:
        groups_leave_all(&world->groups, &world->members[member]);
        for (size_t i = 0; i < GROUPS; i++) {
            leave(world, i, member);
        }
        break;
    case 1:
    case 2:
    case 3:
        groups_discard(&world->groups, name_of(group), &world->members[member]);
        leave(world, group, member);
        break;
    case 4:
        if (world->depth < DEEPEST) {
            visit_one(world, group);
        }
        break;
    default:
        join_one(world, group, member);
    }
}

/* A visit of one group: who is to come yet, in which order. */
struct visit {
    struct world *world;
    size_t group;
    bool was_in[MEMBERS];
    uint64_t joined[MEMBERS];
    uint64_t last;
};

static void on_visit(struct member *member, double joined, void *context) {
    struct visit *visit = context;
    struct world *world = visit->world;
    size_t i = (size_t)(member - world->members);
    (void)joined;
    CHECK(visit->was_in[i] && world->is_in[visit->group][i]);
    CHECK(visit->joined[i] == world->joined[visit->group][i]); /* has not left and come again */
    CHECK(visit->joined[i] > visit->last);
    visit->last = visit->joined[i];
    for (size_t changes = pick(world, 4); changes > 0; changes--) {
        change(world);
    }
}

/* After the visit nobody is missing: whoever was in and stayed has had a turn. */
static void visit_one(struct world *world, size_t group) {
    struct visit visit = {.world = world, .group = group};
    memcpy(visit.was_in, world->is_in[group], sizeof(visit.was_in));
    memcpy(visit.joined, world->joined[group], sizeof(visit.joined));
    world->depth++;
    groups_visit(&world->groups, name_of(group), GROUPS_ALL, on_visit, &visit);
    world->depth--;
    for (size_t i = 0; i < MEMBERS; i++) {
        bool stayed =
            visit.was_in[i] && world->is_in[group][i] && visit.joined[i] == world->joined[group][i];
        CHECK(!stayed || visit.joined[i] <= visit.last);
    }
}

static void count_name(struct slice name, void *context) {
    (void)name;
    ++*(size_t *)context;
}

static void check_whole(struct world *world) {
    size_t groups = 0;
    size_t named = 0;
    for (size_t i = 0; i < GROUPS; i++) {
        size_t size = size_of(world, i);
        groups += size > 0 ? 1 : 0;
        CHECK(groups_size(&world->groups, name_of(i)) == size);
        CHECK(world->emptied[i] == world->became_empty[i]);
    }
    CHECK(world->left == world->ended);
    groups_visit_names(&world->groups, count_name, &named);
    CHECK(named == groups);
    CHECK((size_t)counters_alive(COUNTER_groups) == groups);
}

static void check_random_changes(uint64_t seed) {
    struct world world;
    set_up(&world, seed);
    for (int i = 0; i < CHANGES; i++) {
        change(&world);
        check_whole(&world);
    }
    tear_down(&world);
}

/* Without memory nothing is changed, and a group that nobody could join is not there. */
static void check_without_memory(void) {
    bool is_through = false;
    for (long countdown = 1; !is_through && check_failures == 0; countdown++) {
        struct world world;
        set_up(&world, 7);
        memory_set_failure(countdown);
        for (int i = 0; i < 200; i++) {
            join_one(&world, pick(&world, GROUPS), pick(&world, MEMBERS));
            check_whole(&world);
        }
        is_through = memory_failure_is_left();
        memory_set_failure(0);
        visit_one(&world, 0);
        check_whole(&world);
        tear_down(&world);
    }
}

static void check_limit(void) {
    struct world world;
    set_up(&world, 1);
    member_init(&world.members[0], 2);
    struct member *member = &world.members[0];
    CHECK(groups_add(&world.groups, name_of(0), member, 1, NULL) == STATUS_OK);
    CHECK(groups_add(&world.groups, name_of(1), member, 2, NULL) == STATUS_OK);
    CHECK(groups_add(&world.groups, name_of(2), member, 3, NULL) == STATUS_TOO_LARGE);
    CHECK(groups_size(&world.groups, name_of(2)) == 0);
    CHECK(groups_add(&world.groups, name_of(0), member, 4, NULL) == STATUS_OK); /* renews */
    groups_leave_old(&world.groups, member, 4);
    CHECK(groups_size(&world.groups, name_of(0)) == 1 && member->count == 1);
    CHECK(groups_add(&world.groups, name_of(2), member, 5, NULL) == STATUS_OK);
    CHECK(world.emptied[1] == 1);
    tear_down(&world);
}

static void count_visit(struct member *member, double joined, void *context) {
    (void)member;
    (void)joined;
    ++*(size_t *)context;
}

/* Those who joined after a number was given are left out. */
static void check_end(void) {
    struct world world;
    uint64_t number;
    size_t visited = 0;
    set_up(&world, 1);
    for (size_t i = 0; i < 3; i++) {
        CHECK(groups_add(&world.groups, name_of(0), &world.members[i], 1,
                         i == 1 ? &number : NULL) == STATUS_OK);
    }
    groups_visit(&world.groups, name_of(0), number + 1, count_visit, &visited);
    CHECK(visited == 2);
    tear_down(&world);
}

int main(void) {
    check_end();
    for (uint64_t seed = 1; seed <= 5; seed++) {
        check_random_changes(seed);
    }
    check_without_memory();
    check_limit();
    return check_report();
}
