/* The thread around a hub. Owns loop, hub and path. Signals are left to the other threads. */
#include "hub/hub_thread.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/memory.h"

struct hub_thread {
    pthread_t thread;
    struct event_loop *loop;
    struct hub *hub;
    const char *path; /* borrowed */
    dev_t device;     /* what stands at the path, as it was made */
    ino_t inode;
    sem_t has_turned;
    _Atomic bool is_stopping;
};

static void *run(void *context) {
    struct hub_thread *thread = context;
    event_loop_turn(thread->loop, 0);
    sem_post(&thread->has_turned);
    while (!atomic_load(&thread->is_stopping)) {
        event_loop_turn(thread->loop, -1);
    }
    hub_close(thread->hub);
    while (!hub_is_closed(thread->hub)) {
        event_loop_turn(thread->loop, -1);
    }
    return NULL;
}

/* The signals of the process are for Python's threads. The loop is the thread's when this returns:
 * whoever wants a turn of it then wakes it. */
static int start(struct hub_thread *thread) {
    sigset_t all, before;
    sem_init(&thread->has_turned, 0, 0);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&thread->thread, NULL, run, thread);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    while (error == 0 && sem_wait(&thread->has_turned) != 0) {
        continue;
    }
    sem_destroy(&thread->has_turned);
    return -error;
}

static void free_all(struct hub_thread *thread) {
    if (thread->hub != NULL) {
        hub_close(thread->hub);
        hub_free(thread->hub);
    }
    if (thread->loop != NULL) {
        event_loop_free(thread->loop);
    }
    memory_free(thread);
}

static void remember_path(struct hub_thread *thread) {
    struct stat status;
    if (lstat(thread->path, &status) == 0) {
        thread->device = status.st_dev;
        thread->inode = status.st_ino;
    }
}

/* Somebody may have put another socket there meanwhile. */
static void remove_path(const struct hub_thread *thread) {
    struct stat status;
    if (lstat(thread->path, &status) == 0 && status.st_dev == thread->device &&
        status.st_ino == thread->inode) {
        (void)unlink(thread->path);
    }
}

/* Until the path is removed somebody answers there: nobody else's socket can be what is removed. */
static int open_hub(struct hub_thread *thread, const struct hub_socket_options *options) {
    int error = 0;
    thread->loop = event_loop_new();
    if (thread->loop == NULL) {
        return -ENOMEM;
    }
    int descriptor = hub_socket_listen(thread->path, options);
    if (descriptor < 0) {
        return descriptor;
    }
    remember_path(thread);
    thread->hub = hub_new(thread->loop, descriptor, &error);
    if (thread->hub != NULL) {
        error = start(thread);
    }
    if (error != 0) {
        remove_path(thread);
    }
    close(descriptor);
    return error;
}

struct hub_thread *hub_thread_start(const char *path, const struct hub_socket_options *options,
                                    int *error) {
    struct hub_thread *thread = memory_allocate_zeroed(sizeof(*thread));
    if (thread == NULL) {
        *error = -ENOMEM;
        return NULL;
    }
    thread->path = path;
    *error = open_hub(thread, options);
    if (*error != 0) {
        free_all(thread);
        return NULL;
    }
    return thread;
}

void hub_thread_stop(struct hub_thread *thread) {
    remove_path(thread);
    atomic_store(&thread->is_stopping, true);
    event_loop_want_turn(thread->loop);
    pthread_join(thread->thread, NULL);
    free_all(thread);
}

void hub_thread_leave_to_parent(struct hub_thread *thread) {
    event_loop_leave_to_parent(thread->loop);
}

const struct hub_metrics *hub_thread_metrics(const struct hub_thread *thread) {
    return &thread->hub->metrics;
}
