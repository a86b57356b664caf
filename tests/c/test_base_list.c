/* struct list, against an array that is changed in the same way. */
#include "base/list.h"

#include "check.h"

enum { ITEMS = 20 };

struct item {
    int number;
    struct list link;
};

static void check_order(struct list *list, const int *numbers, size_t count) {
    size_t i = 0;
    for (struct list *link = list->next; link != list; link = link->next, i++) {
        CHECK(i < count && LIST_OBJECT(link, struct item, link)->number == numbers[i]);
        CHECK(link->next->previous == link && link->previous->next == link);
    }
    CHECK(i == count);
    CHECK(list_is_empty(list) == (count == 0));
}

static size_t array_remove(int *numbers, size_t count, int number) {
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (numbers[i] != number) {
            numbers[kept++] = numbers[i];
        }
    }
    return kept;
}

static void check_random_changes(void) {
    struct item items[ITEMS];
    int numbers[ITEMS];
    size_t count = 0;
    uint64_t seed = 7;
    struct list list;
    list_init(&list);
    for (int i = 0; i < ITEMS; i++) {
        items[i].number = i;
        list_init(&items[i].link);
    }
    for (int round = 0; round < 2000; round++) {
        struct item *item = &items[check_random(&seed) % ITEMS];
        bool is_member = !list_is_empty(&item->link);
        list_remove(&item->link);
        list_remove(&item->link);
        count = array_remove(numbers, count, item->number);
        if (!is_member) {
            list_append(&list, &item->link);
            numbers[count++] = item->number;
        }
        check_order(&list, numbers, count);
    }
}

static void check_move(void) {
    struct item items[3];
    const int numbers[3] = {0, 1, 2};
    struct list from;
    struct list to;
    list_init(&from);
    list_init(&to);
    list_move_all(&to, &from);
    check_order(&to, numbers, 0);
    for (int i = 0; i < 3; i++) {
        items[i].number = i;
        list_append(&from, &items[i].link);
        list_move_all(&to, &from);
        check_order(&to, numbers, (size_t)i + 1);
        check_order(&from, numbers, 0);
        list_move_all(&from, &to);
        check_order(&from, numbers, (size_t)i + 1);
    }
}

int main(void) {
    check_random_changes();
    check_move();
    return check_report();
}
