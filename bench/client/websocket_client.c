/* websocket_client: see websocket_client.h. Owns the epoll set and each connection's input. */
#define _GNU_SOURCE
#include "websocket_client.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    SEND_BUFFER = 4 * FRAME_PAYLOAD_MAX, /* a frame fits in whole: no partial write to resume */
    EVENTS_PER_WAIT = 1024,
};

static int epoll_fd;
static text_handler *handle_text;

_Noreturn void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "%s: ", program_invocation_short_name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

uint64_t nanoseconds(double seconds) {
    return (uint64_t)(seconds * 1e9);
}

double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

void clients_init(text_handler *on_text) {
    handle_text = on_text;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        fail("epoll_create1: %s", strerror(errno));
}

void connection_send(struct connection *connection, const uint8_t *bytes, size_t length) {
    ssize_t sent = send(connection->fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0)
        fail("send: %s", strerror(errno));
    if ((size_t)sent != length)
        fail("the socket took %zd of %zu bytes", sent, length);
}

static void on_frame(struct connection *connection, const struct frame *frame) {
    uint8_t pong[FRAME_HEADER_MAX + FRAME_CONTROL_MAX];
    switch (frame->opcode) {
    case OPCODE_TEXT:
        handle_text(connection, frame);
        break;
    case OPCODE_PING:
        if (frame->payload_length > FRAME_CONTROL_MAX)
            fail("the server sent a ping of %zu bytes", frame->payload_length);
        connection_send(connection, pong,
                        frame_write(pong, OPCODE_PONG, frame->payload, frame->payload_length));
        break;
    case OPCODE_PONG:
        break;
    case OPCODE_CLOSE:
        fail("the server closed a WebSocket");
    default:
        fail("the server sent a frame with opcode %u", frame->opcode);
    }
}

/* Drops the first bytes of the input. */
static void drop_input(struct connection *connection, size_t length) {
    connection->input_length -= length;
    memmove(connection->input, connection->input + length, connection->input_length);
}

static void consume_input(struct connection *connection) {
    size_t position = 0;
    struct frame frame;
    enum frame_status status;
    while ((status = frame_read(connection->input + position, connection->input_length - position,
                                &frame)) == FRAME_WHOLE) {
        on_frame(connection, &frame);
        position += frame.length;
    }
    if (status == FRAME_UNEXPECTED)
        fail("the server sent a frame that is masked, fragmented or too long");
    drop_input(connection, position);
}

static void receive(struct connection *connection) {
    if (connection->input_length == connection->input_capacity)
        fail("the server's answer is too long");
    ssize_t length = recv(connection->fd, connection->input + connection->input_length,
                          connection->input_capacity - connection->input_length, 0);
    if (length <= 0)
        fail("the server ended a connection: %s", length ? strerror(errno) : "end of stream");
    connection->input_length += (size_t)length;
}

void connection_read(struct connection *connection) {
    if (!connection->input_length)
        receive(connection);
    consume_input(connection);
}

bool clients_turn(int milliseconds) {
    struct epoll_event events[EVENTS_PER_WAIT];
    bool stdin_readable = false;
    int count = epoll_wait(epoll_fd, events, EVENTS_PER_WAIT, milliseconds);
    if (count < 0 && errno != EINTR)
        fail("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if (!connection) {
            stdin_readable = true;
            continue;
        }
        receive(connection);
        consume_input(connection);
    }
    return stdin_readable;
}

void wait_for_line(void) {
    char line[256];
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event) < 0)
        return; /* a file or /dev/null: nobody to wait for */
    while (!clients_turn(1000)) {
    }
    if (read(STDIN_FILENO, line, sizeof line) < 0)
        fail("stdin: %s", strerror(errno));
    epoll_ctl(epoll_fd, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
}

static void connect_to(struct connection *connection, const struct target *target) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(target->port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = ANSWER_SECONDS};
    int enabled = 1, buffer_size = SEND_BUFFER;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0)
        fail("socket: %s", strerror(errno));
    setsockopt(connection->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(connection->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &enabled, sizeof enabled);
    if (target->payload_max > RESPONSE_MAX)
        setsockopt(connection->fd, SOL_SOCKET, SO_SNDBUF, &buffer_size, sizeof buffer_size);
    if (connect(connection->fd, (struct sockaddr *)&address, sizeof address) < 0)
        fail("connect: %s", strerror(errno));
}

/* The opening handshake (RFC 6455, section 4.1) with a constant key; only the status counts.
 * It names an origin as a browser does: Channels' origin validator asks for one. */
static void shake_hands(struct connection *connection, const struct target *target) {
    char request[1024];
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                          "Origin: http://127.0.0.1:%u\r\nConnection: Upgrade\r\n"
                          "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
                          target->path, target->port, target->port);
    if (length < 0 || (size_t)length >= sizeof request)
        fail("the path is too long");
    connection_send(connection, (const uint8_t *)request, (size_t)length);
    uint8_t *end = NULL;
    while (!end) {
        receive(connection);
        end = memmem(connection->input, connection->input_length, "\r\n\r\n", 4);
    }
    if (memcmp(connection->input, "HTTP/1.1 101 ", 13) != 0)
        fail("the handshake was answered with %.12s", (const char *)connection->input);
    drop_input(connection, (size_t)(end + 4 - connection->input));
}

void connection_open(struct connection *connection, const struct target *target) {
    connection->input_capacity = target->payload_max + RESPONSE_MAX;
    connection->input = malloc(connection->input_capacity);
    if (!connection->input)
        fail("out of memory");
    connect_to(connection, target);
    shake_hands(connection, target);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) < 0)
        fail("epoll_ctl: %s", strerror(errno));
}
