/* send_floor: the least that a broadcast can cost a server: one send(2) of a ready frame per
 * member.
 *
 * Listens on the loopback port that is its only argument. Every WebSocket is a member of the one
 * group; a text message of any of them is sent to all, in the order in which they came, by nothing
 * but a loop of send(2). Any other request is answered with an empty page, so that a caller can
 * see that it runs. It is written for the clients of this folder: it answers their constant key,
 * expects them to read what they are sent, and ends with a line on stderr at any surprise. */
#define _GNU_SOURCE
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "websocket_frame.h"

enum {
    BACKLOG = 4096,
    FILES_MAX = 1 << 20,
    INPUT_MAX = 2 * (FRAME_HEADER_MAX + FRAME_PAYLOAD_MAX),
    EVENTS_PER_WAIT = 256,
};

/* The accept key is the one that RFC 6455, section 4.2.2, makes of AAAAAAAAAAAAAAAAAAAAAA==. */
static const char switching[] = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                                "Connection: Upgrade\r\n"
                                "Sec-WebSocket-Accept: ICX+Yqv66kxgM0FcWaLWlFLwTAI=\r\n\r\n";
static const char page[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

struct visitor {
    uint8_t *input; /* NULL while nothing is incomplete */
    size_t input_length;
    size_t position; /* among the members, of one that is_member */
    bool is_member;
};

static struct visitor *visitors; /* by file descriptor */
static int *members;
static size_t member_count;
static int epoll_fd;

static void fail(const char *what) {
    fprintf(stderr, "send_floor: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void send_whole(int fd, const void *bytes, size_t length) {
    if (send(fd, bytes, length, MSG_NOSIGNAL) != (ssize_t)length)
        fail("send");
}

static void join(int fd) {
    visitors[fd].is_member = true;
    visitors[fd].position = member_count;
    members[member_count++] = fd;
}

static void leave(int fd) {
    struct visitor *visitor = &visitors[fd];
    if (visitor->is_member) {
        int last = members[--member_count];
        members[visitor->position] = last;
        visitors[last].position = visitor->position;
    }
    free(visitor->input);
    *visitor = (struct visitor){0};
    close(fd);
}

static void broadcast(const uint8_t *bytes, size_t length) {
    for (size_t i = 0; i < member_count; i++)
        send_whole(members[i], bytes, length);
}

/* Returns how many bytes of the request are done with; -1 ends the connection. */
static ssize_t on_request(int fd, const uint8_t *bytes, size_t length) {
    const uint8_t *end = memmem(bytes, length, "\r\n\r\n", 4);
    if (!end)
        return 0;
    if (!memmem(bytes, length, "Upgrade: websocket", 18)) {
        send_whole(fd, page, sizeof page - 1);
        return -1;
    }
    join(fd);
    send_whole(fd, switching, sizeof switching - 1);
    return end + 4 - bytes;
}

/* Sends each whole text message to all; returns how many bytes are done with, -1 after a close. */
static ssize_t on_messages(uint8_t *bytes, size_t *length) {
    size_t position = 0;
    struct frame frame;
    enum frame_status status;
    for (;;) {
        size_t left = *length - position;
        status = frame_unmask(bytes + position, &left, &frame);
        if (status != FRAME_WHOLE)
            break;
        *length = position + left;
        if (frame.opcode == OPCODE_CLOSE)
            return -1;
        if (frame.opcode == OPCODE_TEXT)
            broadcast(bytes + position, frame.length);
        position += frame.length;
    }
    return status == FRAME_UNEXPECTED ? -1 : (ssize_t)position;
}

static void on_readable(int fd) {
    static uint8_t bytes[INPUT_MAX];
    struct visitor *visitor = &visitors[fd];
    size_t length = visitor->input_length;
    if (length)
        memcpy(bytes, visitor->input, length);
    ssize_t received = recv(fd, bytes + length, sizeof bytes - length, 0);
    if (received <= 0) {
        leave(fd);
        return;
    }
    length += (size_t)received;
    ssize_t done = visitor->is_member ? on_messages(bytes, &length) : on_request(fd, bytes, length);
    if (done < 0) {
        leave(fd);
        return;
    }
    free(visitor->input);
    visitor->input = NULL;
    visitor->input_length = length - (size_t)done;
    if (visitor->input_length) {
        visitor->input = malloc(visitor->input_length);
        if (!visitor->input)
            fail("malloc");
        memcpy(visitor->input, bytes + done, visitor->input_length);
    }
}

static void watch(int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
        fail("epoll_ctl");
}

static void on_connection(int listener) {
    int enabled = 1, fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    if (fd < 0 || fd >= FILES_MAX)
        fail("accept4");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &enabled, sizeof enabled);
    watch(fd);
}

static int listen_on(uint16_t port) {
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int enabled = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        fail("socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &enabled, sizeof enabled);
    if (bind(fd, (struct sockaddr *)&address, sizeof address) < 0 || listen(fd, BACKLOG) < 0)
        fail("listen");
    return fd;
}

int main(int count, char **arguments) {
    visitors = calloc(FILES_MAX, sizeof *visitors);
    members = calloc(FILES_MAX, sizeof *members);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!visitors || !members || epoll_fd < 0)
        fail("start");
    int listener = listen_on((uint16_t)(count == 2 ? atoi(arguments[1]) : 0));
    watch(listener);
    for (;;) {
        struct epoll_event events[EVENTS_PER_WAIT];
        int ready = epoll_wait(epoll_fd, events, EVENTS_PER_WAIT, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == listener)
                on_connection(listener);
            else
                on_readable(events[i].data.fd);
        }
    }
}
