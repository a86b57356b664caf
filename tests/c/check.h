/* The harness of the C tests: CHECK() counts failures, check_report() is the program's exit code.
 * One program per file. */
#ifndef CASGI_TESTS_CHECK_H
#define CASGI_TESTS_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/slice.h"

enum { CHECK_FAILURES_SHOWN = 20 };

static int check_failures;

#define CHECK(condition) check_that((condition), __FILE__, __LINE__, #condition, "")

/* As CHECK(), with the name of the row of a table that is being gone through. */
#define CHECK_ROW(condition, row) check_that((condition), __FILE__, __LINE__, #condition, (row))

#define CHECK_TEXT(actual, expected) check_text((actual), (expected), __FILE__, __LINE__, "")
#define CHECK_TEXT_ROW(actual, expected, row)                                                      \
    check_text((actual), (expected), __FILE__, __LINE__, (row))

static inline bool check_that(bool holds, const char *file, int line, const char *text,
                              const char *row) {
    if (!holds && ++check_failures <= CHECK_FAILURES_SHOWN) {
        fprintf(stderr, "%s:%d: %s%s%s\n", file, line, text, *row != '\0' ? "   at " : "", row);
    }
    return holds;
}

static inline bool check_text(struct slice actual, struct slice expected, const char *file,
                              int line, const char *row) {
    bool holds = slice_equals(actual, expected);
    if (!check_that(holds, file, line, "texts are equal", row) &&
        check_failures <= CHECK_FAILURES_SHOWN) {
        fprintf(stderr, "---- expected\n%.*s\n---- actual\n%.*s\n----\n", (int)expected.length,
                expected.data, (int)actual.length, actual.data);
    }
    return holds;
}

/* What main() returns. */
static inline int check_report(void) {
    if (check_failures > 0) {
        fprintf(stderr, "%d checks failed\n", check_failures);
    }
    return check_failures > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Numbers that look random and are the same in every run (xorshift64). Seed: any but 0. */
static inline uint64_t check_random(uint64_t *seed) {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return *seed;
}

/* Memory that ends where the next page may not be touched: reading one byte too far is a fault. */
struct guarded {
    char *mapping;
    size_t size; /* of the usable part */
    size_t page;
};

static inline struct guarded guarded_open(size_t capacity) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    size_t size = (capacity + page - 1) / page * page;
    char *mapping =
        mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (mapping == MAP_FAILED || mprotect(mapping + size, page, PROT_NONE) != 0) {
        perror("guarded_open");
        exit(EXIT_FAILURE);
    }
    return (struct guarded){mapping, size, page};
}

/* Returns a copy of the bytes whose last one is the last that may be touched; the copy before is
 * gone. */
static inline struct slice guarded_place(struct guarded *guarded, struct slice bytes) {
    char *start = guarded->mapping + guarded->size - bytes.length;
    memcpy(start, bytes.data, bytes.length);
    return slice_of(start, bytes.length);
}

static inline void guarded_close(struct guarded *guarded) {
    munmap(guarded->mapping, guarded->size + guarded->page);
}

#endif
