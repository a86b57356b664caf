/* An open regular file whose bytes are on their way to sockets, and a range of it.
 *
 * Reference-counted as a frame is, and not atomically: a file stays on the thread of its loop. The
 * last reference closes the descriptor. Reads and sends name their offset, so that several can
 * share one file, and nobody depends on where its descriptor stands. */
#ifndef CASGI_NET_FILE_H
#define CASGI_NET_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct file {
    uint32_t references;
    int descriptor;
};

/* A part of a file. Whoever keeps one keeps a reference to the file. */
struct file_range {
    struct file *file;
    uint64_t offset;
    uint64_t length;
};

/* Returns new file of `descriptor`, which it *takes* in every case; NULL without memory. */
struct file *file_new(int descriptor);

/* Returns new descriptor of the regular file at `path`, and what fstat(2) says of it in *facts; -1
 * with errno: EINVAL when it is no regular file. A FIFO is not waited for, a device not touched. */
int file_open(const char *path, struct stat *facts);

/* As file_open() of a path beneath `directory`, a descriptor: whatever the path says, nothing that
 * lies outside of it is opened, and nothing that a symbolic link leads to (ELOOP). */
int file_open_beneath(int directory, const char *path, struct stat *facts);

#ifdef CASGI_TEST_ALLOCATIONS
/* Tests only: file_open_beneath() does as on a kernel without openat2(2). */
extern bool file_opens_by_walking;
#endif

/* Returns the same file with one more reference. */
static inline struct file *file_ref(struct file *file) {
    file->references++;
    return file;
}

/* Gives one reference back; the last one closes the file. NULL is allowed. */
void file_unref(struct file *file);

/* Reads at most `length` bytes at `offset` into `room`. Returns how many, 0 at the end of the file,
 * or -1. */
ssize_t file_read(const struct file *file, void *room, size_t length, uint64_t offset);

#endif
