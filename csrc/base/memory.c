/* Allocation of plain-C objects. Owns nothing; never aborts the process. */
#include "base/memory.h"

#include <stdlib.h>

#ifdef CASGI_TEST_ALLOCATIONS
static long failure_countdown;

void memory_set_failure(long countdown) {
    failure_countdown = countdown;
}

bool memory_failure_is_left(void) {
    return failure_countdown > 0;
}

static bool fails_now(void) {
    return failure_countdown > 0 && --failure_countdown == 0;
}
#else
static inline bool fails_now(void) {
    return false;
}
#endif

void *memory_allocate(size_t size) {
    return fails_now() ? NULL : malloc(size);
}

void *memory_allocate_zeroed(size_t size) {
    return fails_now() ? NULL : calloc(1, size);
}

void *memory_resize(void *memory, size_t size) {
    return fails_now() ? NULL : realloc(memory, size);
}

void memory_free(void *memory) {
    free(memory);
}
