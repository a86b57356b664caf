/* The access log. Lines gather in a buffer that is written once a turn; the descriptor is the
 * shim's. A write that would block waits: a log that loses lines when the disk is slow is worse
 * than a slow disk. */
#include "server/access_log.h"

#include <errno.h>
#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"

enum { LINE_ROOM = 512, FLUSH_SIZE = 64 * 1024 };

/* How many bytes the first line of these has, or what is left of it. */
static size_t line_length(struct slice lines) {
    const char *end = memchr(lines.data, '\n', lines.length);
    return end != NULL ? (size_t)(end - lines.data) + 1 : lines.length;
}

/* A full disk or a closed pipe: the server serves on. So many bytes were written; the rest of a
 * line that was begun is kept, so that none begins in the middle of it when there is room again. */
static void lose_lines(struct access_log *log, size_t written, int error) {
    struct slice left = slice_without_front(buffer_slice(&log->lines), written);
    log->is_cut = written > 0 ? log->lines.data[written - 1] != '\n' : log->is_cut;
    log->is_cut = log->is_cut && fstat(log->descriptor, &log->cut_file) == 0;
    log->lines.length = log->is_cut ? line_length(left) : 0;
    memmove(log->lines.data, left.data, log->lines.length);
    log->error = error;
}

/* How many bytes at the front are of a line whose beginning is in another file: the shim opens the
 * log anew when it was rotated. */
static size_t rest_of_other_file(const struct access_log *log) {
    struct stat file;
    bool is_other = log->is_cut && fstat(log->descriptor, &file) == 0 &&
                    (file.st_dev != log->cut_file.st_dev || file.st_ino != log->cut_file.st_ino);
    return is_other ? line_length(buffer_slice(&log->lines)) : 0;
}

static void write_lines(struct access_log *log) {
    size_t offset = rest_of_other_file(log);
    while (offset < log->lines.length) {
        ssize_t written =
            write(log->descriptor, log->lines.data + offset, log->lines.length - offset);
        if (written >= 0) {
            offset += (size_t)written;
        } else if (errno == EAGAIN) {
            struct pollfd writable = {.fd = log->descriptor, .events = POLLOUT};
            (void)poll(&writable, 1, -1);
        } else if (errno != EINTR) {
            lose_lines(log, offset, errno);
            return;
        }
    }
    log->lines.length = 0;
    log->is_cut = false;
}

static void on_turn_end(struct deferred *deferred) {
    struct access_log *log = LIST_OBJECT(deferred, struct access_log, deferred);
    write_lines(log);
    int error = log->error;
    log->error = 0;
    if (error != 0) {
        log->on_lost(log->owner, error);
    }
}

void access_log_init(struct access_log *log, struct event_loop *loop, int descriptor,
                     const struct access_format *format, void (*on_lost)(void *owner, int error),
                     void *owner) {
    *log = (struct access_log){.loop = loop,
                               .descriptor = descriptor,
                               .format = *format,
                               .on_lost = on_lost,
                               .owner = owner,
                               .stamps = {.second = -1}};
    deferred_init(&log->deferred, on_turn_end);
}

/* Microseconds from some moment on. */
static uint64_t clock_microseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static struct slice header_value(const struct access_log *log, const struct http_request_head *head,
                                 struct slice name) {
    const struct http_header *header =
        log->format.has_headers ? http_request_head_find(head, name) : NULL;
    return header != NULL ? header->value : SLICE_EMPTY;
}

struct access_request *access_log_remember(const struct access_log *log,
                                           const struct http_request_head *head) {
    struct slice from[] = {head->method,
                           head->target,
                           head->path,
                           head->query,
                           header_value(log, head, SLICE_LITERAL("referer")),
                           header_value(log, head, SLICE_LITERAL("user-agent"))};
    enum { COUNT = sizeof(from) / sizeof(from[0]) };
    size_t size = 0;
    for (int i = 0; i < COUNT; i++) {
        size += from[i].length;
    }
    struct access_request *request = memory_allocate(sizeof(*request) + size);
    if (request == NULL) {
        return NULL;
    }
    char *end = request->text;
    struct slice *const to[COUNT] = {&request->method, &request->target,  &request->path,
                                     &request->query,  &request->referer, &request->user_agent};
    for (int i = 0; i < COUNT; i++) {
        *to[i] = slice_of(end, from[i].length);
        if (from[i].length > 0) {
            memcpy(end, from[i].data, from[i].length);
            end += from[i].length;
        }
    }
    request->started = clock_microseconds();
    return request;
}

void access_log_add(struct access_log *log, struct access_entry *entry) {
    if (!access_log_is_on(log)) {
        return;
    }
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    access_stamps_set(&log->stamps, now.tv_sec, (unsigned)(now.tv_nsec / 1000000));
    entry->duration = clock_microseconds() - entry->request->started;
    if (buffer_reserve(&log->lines, LINE_ROOM) != STATUS_OK ||
        access_format_write(&log->format, entry, &log->stamps, &log->lines) != STATUS_OK) {
        return;
    }
    if (log->lines.length >= FLUSH_SIZE) {
        write_lines(log);
    }
    event_loop_defer(log->loop, &log->deferred);
}

void access_log_discard(struct access_log *log) {
    log->lines.length = 0;
    log->descriptor = -1;
}

void access_log_close(struct access_log *log) {
    if (access_log_is_on(log)) {
        write_lines(log);
    }
    deferred_cancel(&log->deferred);
    buffer_release(&log->lines);
    log->descriptor = -1;
}
