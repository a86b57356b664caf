/* Preloaded: the clock of a process that is counted by callgrind goes as much slower as the process
 * does, so that what it decides by the time is decided as without. Waits for a moment of that clock
 * are waits for the real one. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { SLOWER = 50, NANOSECONDS = 1000000000 };

static int is_slow(clockid_t clock) {
    return clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE ||
           clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_BOOTTIME;
}

static struct timespec timespec_of(uint64_t nanoseconds) {
    return (struct timespec){.tv_sec = (time_t)(nanoseconds / NANOSECONDS),
                             .tv_nsec = (long)(nanoseconds % NANOSECONDS)};
}

static uint64_t nanoseconds_of(const struct timespec *time) {
    return (uint64_t)time->tv_sec * NANOSECONDS + (uint64_t)time->tv_nsec;
}

int clock_gettime(clockid_t clock, struct timespec *time) {
    int status = (int)syscall(SYS_clock_gettime, clock, time);
    if (status == 0 && is_slow(clock)) {
        *time = timespec_of(nanoseconds_of(time) / SLOWER);
    }
    return status;
}

static struct timespec real(clockid_t clock, const struct timespec *until) {
    return is_slow(clock) ? timespec_of(nanoseconds_of(until) * SLOWER) : *until;
}

int sem_clockwait(sem_t *semaphore, clockid_t clock, const struct timespec *until) {
    struct timespec real_until = real(clock, until);
    int (*wait)(sem_t *, clockid_t, const struct timespec *) = dlsym(RTLD_NEXT, "sem_clockwait");
    return wait(semaphore, clock, &real_until);
}

/* Python's are of CLOCK_MONOTONIC. */
int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                           const struct timespec *until) {
    struct timespec real_until = real(CLOCK_MONOTONIC, until);
    int (*wait)(pthread_cond_t *, pthread_mutex_t *, const struct timespec *) =
        dlsym(RTLD_NEXT, "pthread_cond_timedwait");
    return wait(condition, mutex, &real_until);
}
