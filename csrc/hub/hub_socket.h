/* The unix socket at which a hub is found: making it, and reaching it. */
#ifndef CASGI_HUB_HUB_SOCKET_H
#define CASGI_HUB_HUB_SOCKET_H

#include <sys/types.h>

struct hub_socket_options {
    mode_t mode;
    uid_t uid; /* (uid_t)-1: who makes it */
    gid_t gid;
};

/* Returns new bound socket at `path`, with mode and owner from its first moment; whatever socket
 * was there, and answers nobody, is replaced. Negative errno otherwise: -EADDRINUSE when somebody
 * answers, or when what is there is no socket; -ENAMETOOLONG. */
int hub_socket_bind(const char *path, const struct hub_socket_options *options);

/* Returns new connected socket, which does not block, or negative errno: -EAGAIN when so many wait
 * to be accepted that there is no more room. Never waits. */
int hub_socket_connect(const char *path);

#endif
