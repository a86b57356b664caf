/* Open files. Own their descriptors. */
#include "net/file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/counters.h"
#include "base/memory.h"

struct file *file_new(int descriptor) {
    struct file *file = memory_allocate(sizeof(*file));
    if (file == NULL) {
        close(descriptor);
        return NULL;
    }
    *file = (struct file){.references = 1, .descriptor = descriptor};
    counters_opened(COUNTER_files);
    return file;
}

int file_open(int at, const char *path, struct stat *facts) {
    int descriptor = openat(at, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (descriptor < 0) {
        return -1;
    }
    int error = fstat(descriptor, facts) != 0 ? errno : S_ISREG(facts->st_mode) ? 0 : EINVAL;
    if (error != 0) {
        close(descriptor);
        errno = error;
        return -1;
    }
    return descriptor;
}

void file_unref(struct file *file) {
    if (file != NULL && --file->references == 0) {
        close(file->descriptor);
        memory_free(file);
        counters_closed(COUNTER_files);
    }
}

ssize_t file_read(const struct file *file, void *room, size_t length, uint64_t offset) {
    ssize_t taken;
    do {
        taken = pread(file->descriptor, room, length, (off_t)offset);
    } while (taken < 0 && errno == EINTR);
    return taken;
}
