/* Open files. Own their descriptors. */
#include "net/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/counters.h"
#include "base/memory.h"

enum { OPEN_FLAGS = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, RACES = 8 };

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

/* Takes the descriptor, which may be -1: as file_open(). */
static int check_kind(int descriptor, struct stat *facts) {
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

int file_open(const char *path, struct stat *facts) {
    return check_kind(open(path, OPEN_FLAGS), facts);
}

/* --- Beneath a directory --- */

/* By one system call, from Linux 5.6 on. */
static int open_resolved(int directory, const char *path) {
    const struct open_how how = {.flags = OPEN_FLAGS,
                                 .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
    long descriptor;
    int tries = 0;
    do { /* EAGAIN: something was renamed meanwhile */
        descriptor = syscall(SYS_openat2, directory, path, &how, sizeof(how));
    } while (descriptor < 0 && (errno == EINTR || (errno == EAGAIN && ++tries < RACES)));
    return (int)descriptor;
}

/* Puts the first component of *path into `name`, and *path behind it. False when it is none. */
static bool take_component(const char **path, char name[NAME_MAX + 1]) {
    size_t length = strcspn(*path, "/");
    if (length == 0 || length > NAME_MAX) {
        return false;
    }
    memcpy(name, *path, length);
    name[length] = '\0';
    *path += length + ((*path)[length] == '/' && (*path)[length + 1] != '\0' ? 1 : 0);
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Component by component, for older kernels, and for sandboxes that do not know the call. */
static int open_walking(int directory, const char *path) {
    char name[NAME_MAX + 1];
    int at = directory;
    int next;
    do {
        errno = ENOENT;
        next = -1;
        if (take_component(&path, name)) {
            next = openat(at, name, OPEN_FLAGS | O_NOFOLLOW | (*path != '\0' ? O_DIRECTORY : 0));
        }
        int error = errno;
        if (at != directory) {
            close(at);
        }
        errno = error;
        at = next;
    } while (next >= 0 && *path != '\0');
    return next;
}

#ifdef CASGI_TEST_ALLOCATIONS
bool file_opens_by_walking;
#else
enum { file_opens_by_walking = false };
#endif

int file_open_beneath(int directory, const char *path, struct stat *facts) {
    int descriptor = file_opens_by_walking ? -1 : open_resolved(directory, path);
    if (descriptor < 0 && (file_opens_by_walking || errno == ENOSYS || errno == EPERM)) {
        descriptor = open_walking(directory, path);
    }
    return check_kind(descriptor, facts);
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
