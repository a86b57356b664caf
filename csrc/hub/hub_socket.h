/* The unix socket at which a hub is found: making it, and reaching it. */
#ifndef CASGI_HUB_HUB_SOCKET_H
#define CASGI_HUB_HUB_SOCKET_H

#include <sys/types.h>

/* Connections that wait to be accepted. */
enum { HUB_SOCKET_BACKLOG = 128 };

struct hub_socket_options {
    mode_t mode;
    uid_t uid; /* (uid_t)-1: who makes it */
    gid_t gid;
};

/* Returns new listening socket at `path`, with mode and owner from its first moment; whatever
 * socket was there, and answers nobody, is replaced, by one of the processes that try. Negative
 * errno otherwise: -EADDRINUSE when somebody answers, or when what is there is no socket;
 * -ENAMETOOLONG. Waits for others that do the same in this folder, a few seconds at most. */
int hub_socket_listen(const char *path, const struct hub_socket_options *options);

/* Returns new connected socket, which does not block, or negative errno: -EAGAIN when so many wait
 * to be accepted that there is no more room. Never waits. */
int hub_socket_connect(const char *path);

#endif
