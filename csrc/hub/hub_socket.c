/* Sockets of the hub. Holds nothing.
 *
 * A socket is bound under a name of its own beside the path, gets its mode and owner there, and is
 * then renamed: nobody can connect to it before, and nobody finds the path without a socket. */
#include "hub/hub_socket.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

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
    return descriptor == -ECONNREFUSED || descriptor == -ENOENT ? 0
           : descriptor == -EAGAIN                              ? -EADDRINUSE
                                                                : descriptor;
}

static int bind_at(int descriptor, const char *name, const struct hub_socket_options *options) {
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
        chmod(name, options->mode) != 0) {
        error = -errno;
        (void)unlink(name);
    }
    return error;
}

int hub_socket_bind(const char *path, const struct hub_socket_options *options) {
    char name[sizeof(((struct sockaddr_un *)0)->sun_path) + 16];
    struct sockaddr_un address;
    int error = fill_address(&address, path);
    if (error == 0) {
        error = check_path(path);
    }
    if (error != 0) {
        return error;
    }
    (void)snprintf(name, sizeof(name), "%s.%d", path, (int)getpid());
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) {
        return -errno;
    }
    error = bind_at(descriptor, name, options);
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
