/* websocket_load: a WebSocket client that costs far less than any server it measures.
 *
 * Opens --connections, one after the other, then either echoes (one text message in flight on each)
 * or, with --idle, keeps them open. It talks in JSON lines: {"ready": ...} once everything is open
 * and warm, then, after a line on stdin, the result of the measured interval. The caller reads the
 * server's CPU time just before that line and just after the result. Idle connections are dropped
 * at the line. Each phase is bounded in time; any surprise ends the program with a line on stderr.
 *
 * One thread and one epoll set own everything; memory is released by the end of the process.
 * It never fragments, negotiates no extension, and does not judge a server's conformance. */
#define _GNU_SOURCE
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "websocket_frame.h"

enum {
    SEND_BUFFER = 4 * FRAME_PAYLOAD_MAX, /* a frame fits in whole: no partial write to resume */
    RESPONSE_MAX = 4096,
    EVENTS_PER_WAIT = 256,
    OPEN_SECONDS = 60,         /* all handshakes */
    ANSWER_SECONDS = 10,       /* one handshake, or the messages still in flight at a phase's end */
    LATENCY_BUCKETS = 1 << 18, /* of one microsecond; the last one holds all that is slower */
};

struct options {
    uint16_t port;
    const char *path;
    size_t connections;
    size_t message_size;
    uint64_t message_limit;
    double warm_up_seconds;
    double seconds;
    bool idle;
};

struct connection {
    int fd;
    uint8_t *frame; /* the masked message, sent again and again */
    uint8_t *input;
    size_t input_length;
    uint64_t sent_at; /* nanoseconds; 0 while nothing is in flight */
};

static struct options options = {.path = "/",
                                 .connections = 64,
                                 .message_size = 32,
                                 .message_limit = UINT64_MAX,
                                 .warm_up_seconds = 0.5,
                                 .seconds = 3};
static struct connection *connections;
static uint8_t *message;
static size_t input_capacity;
static size_t client_frame_length;
static int epoll_fd;
static uint32_t latencies[LATENCY_BUCKETS];
static uint64_t messages_done;
static size_t in_flight;
static uint64_t phase_end; /* nanoseconds; no message is sent after it */

static _Noreturn __attribute__((format(printf, 1, 2))) void fail(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    fputs("websocket_load: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static uint64_t nanoseconds(double seconds) {
    return (uint64_t)(seconds * 1e9);
}

static void send_whole(struct connection *connection, const uint8_t *bytes, size_t length) {
    ssize_t sent = send(connection->fd, bytes, length, MSG_NOSIGNAL);
    if (sent < 0)
        fail("send: %s", strerror(errno));
    if ((size_t)sent != length)
        fail("the socket took %zd of %zu bytes", sent, length);
}

static void send_message(struct connection *connection, uint64_t time) {
    connection->sent_at = time;
    in_flight++;
    send_whole(connection, connection->frame, client_frame_length);
}

static void on_message(struct connection *connection, const struct frame *frame) {
    if (!connection->sent_at)
        fail("a message came unasked");
    if (frame->payload_length != options.message_size ||
        memcmp(frame->payload, message, options.message_size) != 0)
        fail("the echo differs from the message");
    uint64_t time = now();
    uint64_t microseconds = (time - connection->sent_at) / 1000;
    latencies[microseconds < LATENCY_BUCKETS ? microseconds : LATENCY_BUCKETS - 1]++;
    connection->sent_at = 0;
    in_flight--;
    messages_done++;
    if (time < phase_end && messages_done + in_flight < options.message_limit)
        send_message(connection, time);
}

static void on_frame(struct connection *connection, const struct frame *frame) {
    uint8_t pong[FRAME_HEADER_MAX + FRAME_CONTROL_MAX];
    switch (frame->opcode) {
    case OPCODE_TEXT:
        on_message(connection, frame);
        break;
    case OPCODE_PING:
        if (frame->payload_length > FRAME_CONTROL_MAX)
            fail("the server sent a ping of %zu bytes", frame->payload_length);
        send_whole(connection, pong,
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
    connection->input_length -= position;
    memmove(connection->input, connection->input + position, connection->input_length);
}

static void receive(struct connection *connection) {
    if (connection->input_length == input_capacity)
        fail("the server's answer is too long");
    ssize_t length = recv(connection->fd, connection->input + connection->input_length,
                          input_capacity - connection->input_length, 0);
    if (length <= 0)
        fail("the server ended a connection: %s", length ? strerror(errno) : "end of stream");
    connection->input_length += (size_t)length;
}

/* Waits once, answers what came; true when stdin (registered without a connection) is readable. */
static bool turn(int milliseconds) {
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

/* Sends one message on each connection and the next after each answer, until the time is up or the
 * limit reached, and every answer is there. Returns the nanoseconds it took. */
static uint64_t echo_phase(double seconds) {
    uint64_t start = now();
    phase_end = start + nanoseconds(seconds);
    uint64_t give_up = phase_end + nanoseconds(ANSWER_SECONDS);
    messages_done = 0;
    memset(latencies, 0, sizeof latencies);
    for (size_t i = 0; i < options.connections && in_flight < options.message_limit; i++)
        send_message(&connections[i], now());
    while (in_flight > 0) {
        turn(1000);
        if (now() > give_up)
            fail("%zu messages were not answered", in_flight);
    }
    return now() - start;
}

/* Waits for the caller's line, answering pings meanwhile. */
static void wait_for_line(void) {
    char line[256];
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, STDIN_FILENO, &event) < 0)
        return; /* a file or /dev/null: nobody to wait for */
    while (!turn(1000)) {
    }
    if (read(STDIN_FILENO, line, sizeof line) < 0)
        fail("stdin: %s", strerror(errno));
    epoll_ctl(epoll_fd, EPOLL_CTL_DEL, STDIN_FILENO, NULL);
}

static void connect_to_server(struct connection *connection) {
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(options.port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct timeval limit = {.tv_sec = ANSWER_SECONDS};
    int enabled = 1, buffer_size = SEND_BUFFER;
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0)
        fail("socket: %s", strerror(errno));
    setsockopt(connection->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(connection->fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &enabled, sizeof enabled);
    if (options.message_size > RESPONSE_MAX)
        setsockopt(connection->fd, SOL_SOCKET, SO_SNDBUF, &buffer_size, sizeof buffer_size);
    if (connect(connection->fd, (struct sockaddr *)&address, sizeof address) < 0)
        fail("connect: %s", strerror(errno));
}

/* The opening handshake (RFC 6455, section 4.1) with a constant key; only the status counts. */
static void handshake(struct connection *connection) {
    char request[1024];
    int length = snprintf(request, sizeof request,
                          "GET %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: Upgrade\r\n"
                          "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
                          options.path, options.port);
    if (length < 0 || (size_t)length >= sizeof request)
        fail("the path is too long");
    send_whole(connection, (const uint8_t *)request, (size_t)length);
    uint8_t *end = NULL;
    while (!end) {
        receive(connection);
        end = memmem(connection->input, connection->input_length, "\r\n\r\n", 4);
    }
    if (memcmp(connection->input, "HTTP/1.1 101 ", 13) != 0)
        fail("the handshake was answered with %.12s", (const char *)connection->input);
    end += 4;
    connection->input_length -= (size_t)(end - connection->input);
    memmove(connection->input, end, connection->input_length);
}

static void open_connections(void) {
    uint64_t give_up = now() + nanoseconds(OPEN_SECONDS);
    for (size_t i = 0; i < options.connections; i++) {
        struct connection *connection = &connections[i];
        connection->input = malloc(input_capacity);
        connection->frame = malloc(FRAME_HEADER_MAX + options.message_size);
        if (!connection->input || !connection->frame)
            fail("out of memory");
        client_frame_length =
            frame_write(connection->frame, OPCODE_TEXT, message, options.message_size);
        connect_to_server(connection);
        handshake(connection);
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, connection->fd, &event) < 0)
            fail("epoll_ctl: %s", strerror(errno));
        if (now() > give_up)
            fail("only %zu connections were opened in %d seconds", i + 1, OPEN_SECONDS);
    }
}

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static size_t latency_percentile(double share) {
    uint64_t wanted = (uint64_t)((double)messages_done * share), seen = 0;
    for (size_t i = 0; i < LATENCY_BUCKETS; i++) {
        seen += latencies[i];
        if (seen > wanted)
            return i;
    }
    return LATENCY_BUCKETS - 1;
}

static void parse_options(int count, char **arguments) {
    static const struct option names[] = {{"port", required_argument, NULL, 'p'},
                                          {"path", required_argument, NULL, 'u'},
                                          {"connections", required_argument, NULL, 'c'},
                                          {"bytes", required_argument, NULL, 'b'},
                                          {"messages", required_argument, NULL, 'm'},
                                          {"warm-up", required_argument, NULL, 'w'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"idle", no_argument, NULL, 'i'},
                                          {NULL, 0, NULL, 0}};
    int name;
    while ((name = getopt_long(count, arguments, "", names, NULL)) != -1) {
        switch (name) {
        case 'p':
            options.port = (uint16_t)atoi(optarg);
            break;
        case 'u':
            options.path = optarg;
            break;
        case 'c':
            options.connections = strtoul(optarg, NULL, 10);
            break;
        case 'b':
            options.message_size = strtoul(optarg, NULL, 10);
            break;
        case 'm':
            options.message_limit = strtoull(optarg, NULL, 10);
            break;
        case 'w':
            options.warm_up_seconds = atof(optarg);
            break;
        case 's':
            options.seconds = atof(optarg);
            break;
        case 'i':
            options.idle = true;
            break;
        default:
            exit(2);
        }
    }
    if (!options.port || !options.connections || !options.message_limit ||
        options.message_size < 1 || options.message_size > FRAME_PAYLOAD_MAX)
        fail("--port is needed, --connections and --messages from 1, --bytes from 1 to 65535");
}

static void prepare(void) {
    input_capacity = options.message_size + RESPONSE_MAX;
    connections = calloc(options.connections, sizeof *connections);
    message = malloc(options.message_size);
    epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (!connections || !message || epoll_fd < 0)
        fail("out of memory");
    for (size_t i = 0; i < options.message_size; i++)
        message[i] = (uint8_t)('a' + i % 26);
}

int main(int count, char **arguments) {
    parse_options(count, arguments);
    prepare();
    open_connections();
    if (!options.idle && options.warm_up_seconds > 0)
        echo_phase(options.warm_up_seconds);
    printf("{\"ready\": %zu}\n", options.connections);
    fflush(stdout);
    wait_for_line();
    if (options.idle)
        return 0;
    double cpu_before = cpu_seconds();
    double seconds = (double)echo_phase(options.seconds) / 1e9;
    printf("{\"messages\": %llu, \"seconds\": %.6f, \"client_cpu_seconds\": %.6f, "
           "\"p50_us\": %zu, \"p99_us\": %zu}\n",
           (unsigned long long)messages_done, seconds, cpu_seconds() - cpu_before,
           latency_percentile(0.50), latency_percentile(0.99));
    return 0;
}
