/* The hub's socket: who gets the path when several want it, and what a killed process left. */
#include "hub/hub_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "check.h"

static char folder[] = "/tmp/casgi-hub-XXXXXX";
static char path[64];
static const struct hub_socket_options options = {0600, (uid_t)-1, (gid_t)-1};

static int bind_raw(const char *name) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    memcpy(address.sun_path, name, strlen(name) + 1);
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(bind(descriptor, (const struct sockaddr *)&address, sizeof(address)) == 0);
    return descriptor;
}

static ino_t inode(void) {
    struct stat status;
    return CHECK(lstat(path, &status) == 0) ? status.st_ino : 0;
}

static bool is_folder_free(void) {
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_free = flock(descriptor, LOCK_EX | LOCK_NB) == 0;
    close(descriptor);
    return is_free;
}

/* Nobody has accepted yet, and who comes finds it none the less. */
static void test_first_has_it(void) {
    int first = hub_socket_listen(path, &options);
    CHECK(first >= 0 && is_folder_free());
    ino_t before = inode();
    CHECK(hub_socket_listen(path, &options) == -EADDRINUSE);
    CHECK(inode() == before && is_folder_free());
    int client = hub_socket_connect(path);
    CHECK(client >= 0);
    close(client);
    close(first);
}

/* The socket of the test before is there still, and dead. */
static void test_dead_one_is_replaced(void) {
    CHECK(hub_socket_connect(path) == -ECONNREFUSED);
    ino_t before = inode();
    int descriptor = hub_socket_listen(path, &options);
    CHECK(descriptor >= 0 && inode() != before);
    close(descriptor);
    CHECK(unlink(path) == 0);
}

/* A process of this PID was killed between bind(2) and rename(2). */
static void test_left_name(void) {
    char name[sizeof(path) + 16];
    (void)snprintf(name, sizeof(name), "%s.%d", path, (int)getpid());
    close(bind_raw(name));
    int descriptor = hub_socket_listen(path, &options);
    CHECK(descriptor >= 0);
    CHECK(access(name, F_OK) != 0 && errno == ENOENT);
    close(descriptor);
    CHECK(unlink(path) == 0);
}

static void *listen_beside(void *result) {
    *(int *)result = hub_socket_listen(path, &options);
    return NULL;
}

/* Whoever has the lock is about to listen. The pause gives the other one time to go wrong. */
static void test_lock_is_waited_for(void) {
    static const struct timespec pause = {.tv_nsec = 50000000};
    int lock = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), result = 0;
    CHECK(flock(lock, LOCK_EX) == 0);
    int first = bind_raw(path);
    ino_t before = inode();
    pthread_t other;
    CHECK(pthread_create(&other, NULL, listen_beside, &result) == 0);
    CHECK(nanosleep(&pause, NULL) == 0);
    CHECK(listen(first, 1) == 0);
    close(lock);
    CHECK(pthread_join(other, NULL) == 0);
    CHECK(result == -EADDRINUSE && inode() == before);
    close(first);
    CHECK(unlink(path) == 0);
}

static void test_relative_path(void) {
    char before[4096];
    CHECK(getcwd(before, sizeof(before)) != NULL && chdir(folder) == 0);
    int descriptor = hub_socket_listen("hub", &options);
    CHECK(descriptor >= 0);
    (void)inode();
    CHECK(hub_socket_listen("./hub", &options) == -EADDRINUSE);
    close(descriptor);
    CHECK(unlink(path) == 0 && chdir(before) == 0);
}

/* The name beside the path needs room, too. */
static void test_longest_path(void) {
    char longest[110];
    (void)snprintf(longest, sizeof(longest), "%s/%0*d", folder, 98 - (int)strlen(folder), 0);
    CHECK(strlen(longest) == 99);
    int descriptor = hub_socket_listen(longest, &options);
    CHECK(descriptor >= 0 && unlink(longest) == 0);
    close(descriptor);
    (void)snprintf(longest, sizeof(longest), "%s/%0*d", folder, 106 - (int)strlen(folder), 0);
    CHECK(hub_socket_listen(longest, &options) == -ENAMETOOLONG && access(longest, F_OK) != 0);
}

int main(void) {
    CHECK(mkdtemp(folder) != NULL);
    (void)snprintf(path, sizeof(path), "%s/hub", folder);
    CHECK(hub_socket_listen("/casgi-nowhere/at-all/hub", &options) == -ENOENT);
    test_first_has_it();
    test_dead_one_is_replaced();
    test_left_name();
    test_lock_is_waited_for();
    test_relative_path();
    test_longest_path();
    CHECK(rmdir(folder) == 0);
    return check_report();
}
