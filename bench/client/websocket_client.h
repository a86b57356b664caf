/* websocket_client: what the load clients have in common: WebSockets to one server on loopback, one
 * epoll set for all of them, and the caller's lines on stdin.
 *
 * The connections belong to the program, which keeps each at one address until it ends; memory is
 * released by the end of the process. Any surprise ends the program with a line on stderr.
 * It never fragments, negotiates no extension, and does not judge a server's conformance. */
#ifndef BENCH_WEBSOCKET_CLIENT_H
#define BENCH_WEBSOCKET_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "websocket_frame.h"

enum {
    ANSWER_SECONDS = 10, /* one handshake, or any other single answer */
    RESPONSE_MAX = 4096, /* bytes of a handshake's response */
};

struct target {
    uint16_t port;
    const char *path;
    size_t payload_max; /* bytes of the longest message in either direction */
};

struct connection {
    int fd;
    uint8_t *input;
    size_t input_length;
    size_t input_capacity;
};

/* Called for each text message; the frame is borrowed until it returns. */
typedef void text_handler(struct connection *connection, const struct frame *frame);

/* Ends the program with a line on stderr. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Nanoseconds of the monotonic clock. */
uint64_t now(void);
uint64_t nanoseconds(double seconds);

/* User and system seconds of this process so far. */
double cpu_seconds(void);

/* Makes the epoll set; before anything below. on_text is kept until the program ends. */
void clients_init(text_handler *on_text);

/* Connects, shakes hands, and adds the connection to the epoll set, which keeps the pointer. */
void connection_open(struct connection *connection, const struct target *target);

/* Waits for bytes unless there are some, and hands on the messages that are whole. For what an
 * application says first, before any clients_turn. */
void connection_read(struct connection *connection);

/* Sends all the bytes at once; they are borrowed. */
void connection_send(struct connection *connection, const uint8_t *bytes, size_t length);

/* Waits once for any connection and handles what came, answering pings itself; true when stdin is
 * readable, which it is only within wait_for_line. */
bool clients_turn(int milliseconds);

/* Waits for the caller's line, answering pings meanwhile. */
void wait_for_line(void);

#endif
