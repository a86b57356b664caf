/* Chained hash table. Grows so that a bucket holds one entry on average; never shrinks, for groups
 * come and go. */
#include "base/table.h"

#include "base/memory.h"
#include "base/status.h"

enum { FIRST_BUCKETS = 16 };

void table_init(struct table *table, uint64_t seed) {
    *table = (struct table){.seed = seed};
}

/* FNV-1a over seed and name, with a final mix: fast for short names. */
static uint64_t hash_name(uint64_t seed, struct slice name) {
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ seed;
    for (size_t i = 0; i < name.length; i++) {
        hash = (hash ^ (uint8_t)name.data[i]) * UINT64_C(0x100000001b3);
    }
    hash ^= hash >> 32;
    hash *= seed | 1;
    return hash ^ (hash >> 29);
}

static struct table_entry **bucket_of(const struct table *table, uint64_t hash) {
    return &table->buckets[hash & (table->bucket_count - 1)];
}

struct table_entry *table_find(const struct table *table, struct slice name) {
    if (table->count == 0) {
        return NULL;
    }
    uint64_t hash = hash_name(table->seed, name);
    struct table_entry *entry = *bucket_of(table, hash);
    while (entry != NULL && !(entry->hash == hash && slice_equals(entry->name, name))) {
        entry = entry->next;
    }
    return entry;
}

static int grow(struct table *table) {
    struct table larger = *table;
    larger.bucket_count = table->bucket_count > 0 ? table->bucket_count * 2 : FIRST_BUCKETS;
    larger.buckets = memory_allocate_zeroed(larger.bucket_count * sizeof(*larger.buckets));
    if (larger.buckets == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < table->bucket_count; i++) {
        struct table_entry *entry = table->buckets[i];
        while (entry != NULL) {
            struct table_entry *next = entry->next;
            struct table_entry **bucket = bucket_of(&larger, entry->hash);
            entry->next = *bucket;
            *bucket = entry;
            entry = next;
        }
    }
    memory_free(table->buckets);
    *table = larger;
    return STATUS_OK;
}

int table_put(struct table *table, struct table_entry *entry) {
    if (table->count >= table->bucket_count && grow(table) != STATUS_OK) {
        return STATUS_NO_MEMORY;
    }
    entry->hash = hash_name(table->seed, entry->name);
    struct table_entry **bucket = bucket_of(table, entry->hash);
    entry->next = *bucket;
    *bucket = entry;
    table->count++;
    return STATUS_OK;
}

void table_remove(struct table *table, struct table_entry *entry) {
    struct table_entry **link = bucket_of(table, entry->hash);
    while (*link != entry) {
        link = &(*link)->next;
    }
    *link = entry->next;
    entry->next = NULL;
    table->count--;
}

void table_release(struct table *table) {
    memory_free(table->buckets);
    *table = (struct table){.seed = table->seed};
}
