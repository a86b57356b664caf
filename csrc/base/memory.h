/* Allocation of every plain-C object, behind one door so that tests can make the n-th allocation
 * fail.
 *
 * In the extension and in release builds the functions are malloc, realloc and free. A test defines
 * its own failing allocator with memory_set_failure(). */
#ifndef CASGI_BASE_MEMORY_H
#define CASGI_BASE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Returns new memory of `size` bytes, uninitialised, or NULL. Freed with memory_free(). */
void *memory_allocate(size_t size);

/* Returns new memory of `size` bytes, zeroed, or NULL. Freed with memory_free(). */
void *memory_allocate_zeroed(size_t size);

/* Resizes `memory` (may be NULL). Returns NULL on failure, `memory` then being untouched. */
void *memory_resize(void *memory, size_t size);

/* Frees memory of the functions above; NULL is allowed. */
void memory_free(void *memory);

#ifdef CASGI_TEST_ALLOCATIONS
/* Tests only: the allocation number `countdown` from now (1 = the next) fails once; 0 turns it off.
 */
void memory_set_failure(long countdown);

/* Tests only: true as long as it has not failed yet. */
bool memory_failure_is_left(void);
#endif

#endif
