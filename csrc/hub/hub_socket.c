/* Sockets of the hub. Holds nothing.
 *
 * A socket is bound under a name of its own beside the path, gets its mode and owner there,
 * listens, and is then renamed: nobody finds the path without a socket, nor a socket that does not
 * answer. From the look at what is there to the rename the folder is locked, so that of several
 * processes that find the same dead socket one replaces it, and the others find that one's. */
#include "hub/hub_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

/* Whoever may read the folder may lock it, too: after so many tries, of a millisecond each, it is
 * done without, rather than never. Processes that make a hub hold the lock for far less. */
enum { LOCK_TRIES = 5000 };

static int fill_address(struct sockaddr_un *address, const char *path) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length == 0) {
        return -ENOENT;
    }
    if (length >= sizeof(address->sun_path)) {
        return -ENAMETOOLONG;
    }
    memcpy(address->sun_path, path, length + 1);
    return 0;
}

int hub_socket_connect(const char *path) {
    struct sockaddr_un address;
    int error = fill_address(&address, path);
    if (error != 0) {
        return error;
    }
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) {
        return -errno;
    }
    if (connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        error = -errno;
        close(descriptor);
        return error;
    }
    return descriptor;
}

/* Whether a process has the socket of a file, though it may not listen (yet). A stream is refused
 * by such a one as by nobody's; a datagram socket is told of any other that its type is wrong. */
static bool is_bound(const char *path) {
    struct sockaddr_un address;
    bool is_path = fill_address(&address, path) == 0;
    int descriptor = is_path ? socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
    bool is_refused =
        descriptor >= 0 &&
        connect(descriptor, (const struct sockaddr *)&address, sizeof(address)) != 0 &&
        (errno == ECONNREFUSED || errno == ENOENT); /* who ends meanwhile removes the file */
    if (descriptor >= 0) {
        close(descriptor);
    }
    return !is_refused;
}

/* 0 when the path may be taken. */
static int check_path(const char *path) {
    struct stat status;
    if (lstat(path, &status) != 0) {
        return errno == ENOENT ? 0 : -errno;
    }
    if (!S_ISSOCK(status.st_mode)) {
        return -EADDRINUSE;
    }
    int descriptor = hub_socket_connect(path);
    if (descriptor >= 0) {
        close(descriptor);
        return -EADDRINUSE;
    }
    if (descriptor == -ECONNREFUSED) {
        return is_bound(path) ? -EADDRINUSE : 0;
    }
    return descriptor == -ENOENT ? 0 : descriptor == -EAGAIN ? -EADDRINUSE : descriptor;
}

/* Returns the locked folder of the path, for unlock_folder(); -1 when it cannot be locked: it may
 * not be read, its file system has no such locks, or somebody keeps it. */
static int lock_folder(const char *path) {
    struct timespec pause = {.tv_nsec = 1000000};
    char folder[sizeof(((struct sockaddr_un *)0)->sun_path) + 1];
    const char *slash = strrchr(path, '/');
    int length = slash == NULL ? 0 : (int)(slash - path);
    (void)snprintf(folder, sizeof(folder), "%.*s%s", length, path, slash == NULL ? "." : "/");
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; descriptor >= 0 && i < LOCK_TRIES; i++) {
        if (flock(descriptor, LOCK_EX | LOCK_NB) == 0) {
            return descriptor;
        }
        if (errno != EWOULDBLOCK && errno != EINTR) {
            break;
        }
        (void)nanosleep(&pause, NULL);
    }
    if (descriptor >= 0) {
        close(descriptor);
    }
    return -1;
}

/* A child that was forked meanwhile has the descriptor, too: closing it alone would not do. */
static void unlock_folder(int descriptor) {
    if (descriptor >= 0) {
        (void)flock(descriptor, LOCK_UN);
        close(descriptor);
    }
}

/* Has the socket listen at `name`, where nothing is. */
static int listen_at(int descriptor, const char *name, const struct hub_socket_options *options) {
    struct sockaddr_un address;
    int error = fill_address(&address, name);
    if (error != 0) {
        return error;
    }
    if (bind(descriptor, (const struct sockaddr *)&address, sizeof(address)) != 0) {
        return -errno;
    }
    bool has_owner = options->uid != (uid_t)-1 || options->gid != (gid_t)-1;
    if ((has_owner && chown(name, options->uid, options->gid) != 0) ||
        chmod(name, options->mode) != 0 || listen(descriptor, HUB_SOCKET_BACKLOG) != 0) {
        error = -errno;
        (void)unlink(name);
    }
    return error;
}

/* Puts a new socket there instead of whatever is. A process of the same PID, in another container
 * or before, may have been killed before its rename: its socket has the name still. */
static int replace(const char *path, const struct hub_socket_options *options) {
    char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 16];
    (void)snprintf(name, sizeof(name), "%s.%d", path, (int)getpid());
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) {
        return -errno;
    }
    (void)unlink(name);
    int error = listen_at(descriptor, name, options);
    if (error == 0 && rename(name, path) != 0) {
        error = -errno;
        (void)unlink(name);
    }
    if (error != 0) {
        close(descriptor);
        return error;
    }
    return descriptor;
}

/* Whoever waits for the end of another hub looks often: most looks need no lock. */
int hub_socket_listen(const char *path, const struct hub_socket_options *options) {
    struct sockaddr_un address;
    int error = fill_address(&address, path);
    if (error == 0) {
        error = check_path(path);
    }
    if (error != 0) {
        return error;
    }
    int folder = lock_folder(path);
    error = check_path(path);
    int descriptor = error == 0 ? replace(path, options) : error;
    unlock_folder(folder);
    return descriptor;
}
