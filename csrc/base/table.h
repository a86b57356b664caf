/* A hash table from names to objects: the entries are embedded in the objects, the table owns its
 * array of buckets only.
 *
 * Names are hashed with a seed of the table's own, so that clients who choose names can not choose
 * collisions. */
#ifndef CASGI_BASE_TABLE_H
#define CASGI_BASE_TABLE_H

#include <stdint.h>

#include "base/slice.h"

/* Embedded in what the table holds. `name` is the object's: it must not change while in the table.
 */
struct table_entry {
    struct table_entry *next;
    uint64_t hash;
    struct slice name;
};

struct table {
    struct table_entry **buckets; /* a power of two, NULL while empty and new */
    size_t bucket_count;
    size_t count;
    uint64_t seed;
};

#define TABLE_OBJECT(entry, type, member) ((type *)((char *)(entry)-offsetof(type, member)))

/* Initialises an empty table; `seed` is any number that clients do not know. */
void table_init(struct table *table, uint64_t seed);

/* Returns the entry called `name`, or NULL. *Borrows*. */
struct table_entry *table_find(const struct table *table, struct slice name);

/* Puts an entry, whose name is set and not in the table yet (*keeps until* table_remove).
 * STATUS_NO_MEMORY leaves the table as it was. */
int table_put(struct table *table, struct table_entry *entry);

/* Takes an entry out that is in the table. */
void table_remove(struct table *table, struct table_entry *entry);

/* Frees the buckets; the objects are their owners'. */
void table_release(struct table *table);

#endif
