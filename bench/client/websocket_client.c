/* websocket_client: see websocket_client.h. Owns the epoll set, the carriers and each connection's
 * input. */
#define _GNU_SOURCE
#include "websocket_client.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "http2_carrier.h"

enum {
    SEND_BUFFER = 4 * FRAME_PAYLOAD_MAX, /* a frame fits in whole: no partial write to resume */
    EVENTS_PER_WAIT = 1024,
    RESPONSE_MAX = 4096, /* bytes of a handshake's response */
    READ_ROOM = 256 * 1024,
};

struct carrier {
    struct client_socket socket;
    struct http2_carrier *http2; /* NULL: HTTP/1.1 */
    struct connection *only;     /* the WebSocket of HTTP/1.1 */
};

static int epoll_fd;
static text_handler *handle_text;
static struct connection *ready;
static struct carrier *newest; /* of HTTP/2: the next WebSocket is its, if there is room */

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

bool target_option(struct target *target, int letter, const char *argument) {
    switch (letter) {
    case 'p':
        target->port = (uint16_t)atoi(argument);
        return true;
    case 'u':
        target->path = argument;
        return true;
    case 'h':
        target->streams = strtoul(argument, NULL, 10);
        return true;
    case 'l':
        target->is_tls = true;
        return true;
    case 'd':
        target->is_deflated = true;
        return true;
    default:
        return false;
    }
}

void clients_init(text_handler *on_text) {
    handle_text = on_text;
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (epoll_fd < 0)
        fail("epoll_create1: %s", strerror(errno));
}

void connection_send(struct connection *connection, const uint8_t *bytes, size_t length) {
    struct carrier *carrier = connection->carrier;
    if (carrier->http2)
        http2_carrier_send(carrier->http2, connection->stream, bytes, length);
    else
        client_socket_send(&carrier->socket, bytes, length);
}

/* --- Messages --- */

/* Inflates a whole message (RFC 7692 section 7.2.2) that refers to none before it. */
static void inflate_payload(struct frame *frame) {
    static uint8_t text[FRAME_PAYLOAD_MAX + 1];
    static z_stream stream;
    static bool is_made;
    if (!is_made && inflateInit2(&stream, -MAX_WBITS) != Z_OK)
        fail("zlib cannot be started");
    is_made = true;
    inflateReset(&stream);
    stream.next_in = (Bytef *)frame->payload;
    stream.avail_in = (uInt)frame->payload_length;
    stream.next_out = text;
    stream.avail_out = sizeof text;
    if (inflate(&stream, Z_SYNC_FLUSH) != Z_OK || stream.avail_in > 0 || stream.avail_out == 0)
        fail("a message cannot be inflated");
    frame->payload = text;
    frame->payload_length = sizeof text - stream.avail_out;
}

static void on_frame(struct connection *connection, struct frame *frame) {
    uint8_t pong[FRAME_HEADER_MAX + FRAME_CONTROL_MAX];
    switch (frame->opcode) {
    case OPCODE_TEXT:
        if (frame->is_deflated)
            inflate_payload(frame);
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

/* Appends to the input of a connection, which is handed on when nothing is in the way. */
static void keep(void *stream, const uint8_t *bytes, size_t length) {
    struct connection *connection = stream;
    size_t needed = connection->input_length + length;
    if (needed > connection->input_capacity) {
        connection->input = realloc(connection->input, needed);
        if (!connection->input)
            fail("out of memory");
        connection->input_capacity = needed;
    }
    memcpy(connection->input + connection->input_length, bytes, length);
    connection->input_length = needed;
    if (!connection->is_ready) {
        connection->is_ready = true;
        connection->next_ready = ready;
        ready = connection;
    }
}

/* Drops the first bytes of the input; an idle connection keeps no memory. */
static void drop_input(struct connection *connection, size_t length) {
    connection->input_length -= length;
    if (connection->input_length > 0) {
        memmove(connection->input, connection->input + length, connection->input_length);
        return;
    }
    free(connection->input);
    connection->input = NULL;
    connection->input_capacity = 0;
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

static void hand_on(void) {
    while (ready) {
        struct connection *connection = ready;
        ready = connection->next_ready;
        connection->is_ready = false;
        consume_input(connection);
    }
}

/* --- Reading --- */

static void receive(struct carrier *carrier) {
    static uint8_t room[READ_ROOM];
    do {
        if (carrier->http2)
            http2_carrier_receive(carrier->http2);
        else
            keep(carrier->only, room, client_socket_receive(&carrier->socket, room, sizeof room));
    } while (client_socket_has_more(&carrier->socket));
}

void connection_read(struct connection *connection) {
    if (!connection->input_length)
        receive(connection->carrier);
    hand_on();
}

bool clients_turn(int milliseconds) {
    struct epoll_event events[EVENTS_PER_WAIT];
    bool stdin_readable = false;
    hand_on();
    int count = epoll_wait(epoll_fd, events, EVENTS_PER_WAIT, milliseconds);
    if (count < 0 && errno != EINTR)
        fail("epoll_wait: %s", strerror(errno));
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr)
            receive(events[i].data.ptr);
        else
            stdin_readable = true;
    }
    hand_on();
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

/* --- Opening --- */

static const char *extensions_of(const struct target *target) {
    return target->is_deflated
               ? "permessage-deflate; server_no_context_takeover; client_no_context_takeover"
               : NULL;
}

static struct carrier *connect_carrier(const struct target *target, const char *protocol) {
    struct carrier *carrier = calloc(1, sizeof *carrier);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = carrier};
    if (!carrier)
        fail("out of memory");
    client_socket_connect(&carrier->socket, target->port,
                          target->payload_max > RESPONSE_MAX ? SEND_BUFFER : 0, target->is_tls,
                          protocol);
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, carrier->socket.fd, &event) < 0)
        fail("epoll_ctl: %s", strerror(errno));
    return carrier;
}

static void open_stream(struct connection *connection, const struct target *target) {
    char authority[32];
    snprintf(authority, sizeof authority, "127.0.0.1:%u", target->port);
    if (!newest || http2_carrier_count(newest->http2) == target->streams) {
        newest = connect_carrier(target, "h2");
        newest->http2 = http2_carrier_new(&newest->socket, keep);
    }
    connection->carrier = newest;
    connection->stream = http2_carrier_open(newest->http2, connection, target->path, authority,
                                            extensions_of(target));
}

/* The opening handshake (RFC 6455, section 4.1) with a constant key.
 * It names an origin as a browser does: Channels' origin validator asks for one. */
static void ask(struct connection *connection, const struct target *target) {
    char request[1024];
    const char *extensions = extensions_of(target);
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
                          "Origin: http://127.0.0.1:%u\r\nConnection: Upgrade\r\n"
                          "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n%s%s%s\r\n",
                          target->path, target->port, target->port,
                          extensions ? "Sec-WebSocket-Extensions: " : "",
                          extensions ? extensions : "", extensions ? "\r\n" : "");
    if (length < 0 || (size_t)length >= sizeof request)
        fail("the path is too long");
    connection_send(connection, (const uint8_t *)request, (size_t)length);
}

/* Of the answer only the status counts, and the extension that was asked for. */
static void shake_hands(struct connection *connection, const struct target *target) {
    uint8_t *end = NULL;
    ask(connection, target);
    while (!end) {
        receive(connection->carrier);
        end = memmem(connection->input, connection->input_length, "\r\n\r\n", 4);
        if (connection->input_length > RESPONSE_MAX)
            fail("the server's answer is too long");
    }
    size_t length = (size_t)(end + 4 - connection->input);
    if (memcmp(connection->input, "HTTP/1.1 101 ", 13) != 0)
        fail("the handshake was answered with %.12s", (const char *)connection->input);
    if (target->is_deflated && !memmem(connection->input, length, "permessage-deflate", 18))
        fail("the server does not compress");
    drop_input(connection, length);
}

void connection_open(struct connection *connection, const struct target *target) {
    if (target->streams > 0) {
        open_stream(connection, target);
        return;
    }
    connection->carrier = connect_carrier(target, "http/1.1");
    connection->carrier->only = connection;
    shake_hands(connection, target);
}
