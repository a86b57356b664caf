/* struct table, against an array of flags that is changed in the same way. */
#include "base/table.h"

#include <stdio.h>

#include "base/memory.h"
#include "base/status.h"
#include "check.h"

enum { NAMES = 200, CHANGES = 5000 };

struct named {
    char name[16];
    struct table_entry entry;
    int is_in;
};

static void fill_names(struct named *objects) {
    for (int i = 0; i < NAMES; i++) {
        int length = snprintf(objects[i].name, sizeof(objects[i].name), "group %d", i);
        objects[i].entry.name = slice_of(objects[i].name, (size_t)length);
        objects[i].is_in = 0;
    }
}

static void check_whole(const struct table *table, const struct named *objects) {
    size_t count = 0;
    for (int i = 0; i < NAMES; i++) {
        struct table_entry *entry = table_find(table, objects[i].entry.name);
        CHECK((entry != NULL) == objects[i].is_in);
        CHECK(entry == NULL || entry == &objects[i].entry);
        count += (size_t)objects[i].is_in;
    }
    CHECK(table->count == count);
}

static void check_random_changes(uint64_t seed) {
    struct named objects[NAMES];
    struct table table;
    uint64_t random = seed * 2 + 1;
    fill_names(objects);
    table_init(&table, seed);
    for (int i = 0; i < CHANGES; i++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
        struct named *object = &objects[(random >> 33) % NAMES];
        if (object->is_in) {
            table_remove(&table, &object->entry);
        } else {
            CHECK(table_put(&table, &object->entry) == STATUS_OK);
        }
        object->is_in = !object->is_in;
        if (i % 100 == 0) {
            check_whole(&table, objects);
        }
    }
    check_whole(&table, objects);
    table_release(&table);
}

/* A table that can not grow is as it was. */
static void check_without_memory(void) {
    struct named objects[NAMES];
    struct table table;
    fill_names(objects);
    table_init(&table, 1);
    for (int i = 0; i < NAMES; i++) {
        memory_set_failure(1);
        int status = table_put(&table, &objects[i].entry);
        memory_set_failure(0);
        objects[i].is_in = status == STATUS_OK;
        check_whole(&table, objects);
        if (status != STATUS_OK) {
            CHECK(table_put(&table, &objects[i].entry) == STATUS_OK);
            objects[i].is_in = 1;
        }
    }
    table_release(&table);
}

int main(void) {
    check_random_changes(0);
    check_random_changes(UINT64_MAX);
    check_without_memory();
    return check_report();
}
