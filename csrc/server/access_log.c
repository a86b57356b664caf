/* The access log. Lines gather in a buffer that is written once a turn; the descriptor is the
 * shim's. A write that would block waits: a log that loses lines when the disk is slow is worse
 * than a slow disk. */
#include "server/access_log.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

enum { LINE_ROOM = 512, FLUSH_SIZE = 64 * 1024 };

static void write_lines(struct access_log *log) {
    size_t offset = 0;
    while (offset < log->lines.length) {
        ssize_t written =
            write(log->descriptor, log->lines.data + offset, log->lines.length - offset);
        if (written >= 0) {
            offset += (size_t)written;
        } else if (errno == EAGAIN) {
            struct pollfd writable = {.fd = log->descriptor, .events = POLLOUT};
            (void)poll(&writable, 1, -1);
        } else if (errno != EINTR) {
            break; /* a full disk or a closed pipe: the server serves on */
        }
    }
    log->lines.length = 0;
}

static void on_turn_end(struct deferred *deferred) {
    write_lines(LIST_OBJECT(deferred, struct access_log, deferred));
}

void access_log_init(struct access_log *log, struct event_loop *loop, int descriptor) {
    *log = (struct access_log){.loop = loop, .descriptor = descriptor, .second = -1};
    deferred_init(&log->deferred, on_turn_end);
}

static void append_text(struct access_log *log, const char *text) {
    (void)buffer_append(&log->lines, slice_of(text, strlen(text)));
}

/* What a client chose: everything that could end the line or the quotes is written as \xNN. */
static void append_escaped(struct access_log *log, struct slice text) {
    for (size_t i = 0; i < text.length; i++) {
        unsigned char byte = (unsigned char)text.data[i];
        if (byte >= 0x20 && byte != '"' && byte != '\\' && byte != 0x7F) {
            (void)buffer_append(&log->lines, slice_of(text.data + i, 1));
        } else {
            char escaped[8];
            snprintf(escaped, sizeof(escaped), "\\x%02x", byte);
            append_text(log, escaped);
        }
    }
}

static void append_number(struct access_log *log, int64_t number) {
    char text[24];
    if (number < 0) {
        append_text(log, " -");
        return;
    }
    snprintf(text, sizeof(text), " %lld", (long long)number);
    append_text(log, text);
}

static const char *stamp_now(struct access_log *log) {
    time_t now = time(NULL);
    if ((int64_t)now != log->second) {
        struct tm local;
        localtime_r(&now, &local);
        strftime(log->stamp, sizeof(log->stamp), "%d/%b/%Y:%H:%M:%S", &local);
        log->second = (int64_t)now;
    }
    return log->stamp;
}

static void append_peer(struct access_log *log, const struct address *peer) {
    char text[sizeof(peer->host) + 16];
    if (peer->family == ADDRESS_INET) {
        snprintf(text, sizeof(text), "%s:%u", peer->host, (unsigned)peer->port);
    } else if (peer->family == ADDRESS_INET6) {
        snprintf(text, sizeof(text), "[%s]:%u", peer->host, (unsigned)peer->port);
    } else {
        snprintf(text, sizeof(text), "%s", peer->host[0] != '\0' ? peer->host : "unix");
    }
    append_text(log, text);
}

void access_log_add(struct access_log *log, const struct address *peer, struct slice method,
                    struct slice path, int status, int64_t size) {
    if (!access_log_is_on(log) || buffer_reserve(&log->lines, LINE_ROOM) != STATUS_OK) {
        return;
    }
    append_peer(log, peer);
    append_text(log, " - - [");
    append_text(log, stamp_now(log));
    append_text(log, "] \"");
    append_escaped(log, method);
    append_text(log, " ");
    append_escaped(log, path);
    append_text(log, "\"");
    append_number(log, status);
    append_number(log, size > 0 ? size : -1);
    append_text(log, "\n");
    if (log->lines.length >= FLUSH_SIZE) {
        write_lines(log);
    } else {
        event_loop_defer(log->loop, &log->deferred);
    }
}

void access_log_close(struct access_log *log) {
    if (access_log_is_on(log)) {
        write_lines(log);
    }
    deferred_cancel(&log->deferred);
    buffer_release(&log->lines);
    log->descriptor = -1;
}
