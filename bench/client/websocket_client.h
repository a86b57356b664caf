/* websocket_client: what the load clients have in common: WebSockets to one server on loopback,
 * each on a connection of its own or many on one of HTTP/2, plain or with TLS, compressed or not;
 * one epoll set for all of them, and the caller's lines on stdin.
 *
 * The connections belong to the program, which keeps each at one address until it ends; memory is
 * released by the end of the process. Any surprise ends the program with a line on stderr.
 * It never fragments nor compresses what it sends, and does not judge a server's conformance. */
#ifndef BENCH_WEBSOCKET_CLIENT_H
#define BENCH_WEBSOCKET_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client_socket.h"
#include "websocket_frame.h"

struct target {
    uint16_t port;
    const char *path;
    size_t payload_max; /* bytes of the longest message in either direction */
    size_t streams;     /* WebSockets of a connection of HTTP/2; 0: HTTP/1.1, one on each */
    bool is_tls;
    bool is_deflated; /* offers permessage-deflate, and wants it */
};

struct carrier; /* a socket, with what it carries */

struct connection {
    struct carrier *carrier;
    int32_t stream;                /* of HTTP/2 */
    uint8_t *input;                /* a frame that is not whole yet */
    size_t input_length;           /* its bytes */
    size_t input_capacity;         /* and the room for them */
    struct connection *next_ready; /* among those that have input to be handed on */
    bool is_ready;                 /* it is one of them */
};

/* Called for each text message; the frame is borrowed until it returns. */
typedef void text_handler(struct connection *connection, const struct frame *frame);

/* Nanoseconds of the monotonic clock. */
uint64_t now(void);
uint64_t nanoseconds(double seconds);

/* User and system seconds of this process so far. */
double cpu_seconds(void);

/* The options of a target, for getopt_long(): its letters, and what one of them says. */
#define TARGET_OPTIONS                                                                             \
    {"port", required_argument, NULL, 'p'}, {"path", required_argument, NULL, 'u'},                \
        {"streams", required_argument, NULL, 'h'}, {"tls", no_argument, NULL, 'l'}, {              \
        "deflate", no_argument, NULL, 'd'                                                          \
    }

/* Returns false for a letter that is none of them. */
bool target_option(struct target *target, int letter, const char *argument);

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
