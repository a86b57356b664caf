/* An intrusive, circular, doubly linked list: the links live inside the objects, nothing is
 * allocated.
 *
 * A link that is in no list points at itself, so list_remove() is idempotent. */
#ifndef CASGI_BASE_LIST_H
#define CASGI_BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

struct list {
    struct list *previous;
    struct list *next;
};

/* The object of `type` whose member `member` is the link. */
#define LIST_OBJECT(link, type, member) ((type *)((char *)(link)-offsetof(type, member)))

static inline void list_init(struct list *link) {
    link->previous = link;
    link->next = link;
}

static inline bool list_is_empty(const struct list *list) {
    return list->next == list;
}

static inline void list_append(struct list *list, struct list *link) {
    link->previous = list->previous;
    link->next = list;
    list->previous->next = link;
    list->previous = link;
}

static inline void list_prepend(struct list *list, struct list *link) {
    list_append(list->next, link);
}

static inline void list_remove(struct list *link) {
    link->previous->next = link->next;
    link->next->previous = link->previous;
    list_init(link);
}

/* Moves every link of `from` to the empty list `to`. */
static inline void list_move_all(struct list *to, struct list *from) {
    list_init(to);
    if (!list_is_empty(from)) {
        *to = *from;
        to->next->previous = to;
        to->previous->next = to;
        list_init(from);
    }
}

#endif
