/* websocket_load: a WebSocket client that costs far less than any server it measures.
 *
 * Opens --connections, one after the other, then either echoes (one text message in flight on each)
 * or, with --idle, keeps them open. It talks in JSON lines: {"ready": ...} once everything is open
 * and warm, then, after a line on stdin, the result of the measured interval. The caller reads the
 * server's CPU time just before that line and just after the result. Idle connections are dropped
 * at the line. Each phase is bounded in time; any surprise ends the program with a line on stderr.
 *
 * One thread and one epoll set own everything; memory is released by the end of the process. */
#define _GNU_SOURCE
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "latencies.h"
#include "websocket_client.h"

enum { OPEN_SECONDS = 60 }; /* all handshakes */

struct options {
    struct target target;
    size_t connections;
    uint64_t message_limit;
    double warm_up_seconds;
    double seconds;
    bool idle;
};

struct echo {
    struct connection connection; /* first: a pointer to it is one to the echo */
    uint8_t *frame;               /* the masked message, sent again and again */
    uint64_t sent_at;             /* nanoseconds; 0 while nothing is in flight */
};

static struct options options = {.target = {.path = "/", .payload_max = 32},
                                 .connections = 64,
                                 .message_limit = UINT64_MAX,
                                 .warm_up_seconds = 0.5,
                                 .seconds = 3};
static struct echo *echoes;
static uint8_t *message;
static size_t client_frame_length;
static struct latencies latencies;
static uint64_t messages_done;
static size_t in_flight;
static uint64_t phase_end; /* nanoseconds; no message is sent after it */

static void send_message(struct echo *echo, uint64_t time) {
    echo->sent_at = time;
    in_flight++;
    connection_send(&echo->connection, echo->frame, client_frame_length);
}

static void on_message(struct connection *connection, const struct frame *frame) {
    struct echo *echo = (struct echo *)connection;
    if (!echo->sent_at)
        fail("a message came unasked");
    if (frame->payload_length != options.target.payload_max ||
        memcmp(frame->payload, message, frame->payload_length) != 0)
        fail("the echo differs from the message");
    uint64_t time = now();
    latencies_add(&latencies, time - echo->sent_at);
    echo->sent_at = 0;
    in_flight--;
    messages_done++;
    if (time < phase_end && messages_done + in_flight < options.message_limit)
        send_message(echo, time);
}

/* Sends one message on each connection and the next after each answer, until the time is up or the
 * limit reached, and every answer is there. Returns the nanoseconds it took. */
static uint64_t echo_phase(double seconds) {
    uint64_t start = now();
    phase_end = start + nanoseconds(seconds);
    uint64_t give_up = phase_end + nanoseconds(ANSWER_SECONDS);
    messages_done = 0;
    latencies_clear(&latencies);
    for (size_t i = 0; i < options.connections && in_flight < options.message_limit; i++)
        send_message(&echoes[i], now());
    while (in_flight > 0) {
        clients_turn(1000);
        if (now() > give_up)
            fail("%zu messages were not answered", in_flight);
    }
    return now() - start;
}

static void open_connections(void) {
    uint64_t give_up = now() + nanoseconds(OPEN_SECONDS);
    for (size_t i = 0; i < options.connections; i++) {
        struct echo *echo = &echoes[i];
        echo->frame = malloc(FRAME_HEADER_MAX + options.target.payload_max);
        if (!echo->frame)
            fail("out of memory");
        client_frame_length =
            frame_write(echo->frame, OPCODE_TEXT, message, options.target.payload_max);
        connection_open(&echo->connection, &options.target);
        if (now() > give_up)
            fail("only %zu connections were opened in %d seconds", i + 1, OPEN_SECONDS);
    }
}

static void parse_options(int count, char **arguments) {
    static const struct option names[] = {TARGET_OPTIONS,
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
        case 'c':
            options.connections = strtoul(optarg, NULL, 10);
            break;
        case 'b':
            options.target.payload_max = strtoul(optarg, NULL, 10);
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
            if (!target_option(&options.target, name, optarg))
                exit(2);
        }
    }
    if (!options.target.port || !options.connections || !options.message_limit ||
        options.target.payload_max < 1 || options.target.payload_max > FRAME_PAYLOAD_MAX)
        fail("--port is needed, --connections and --messages from 1, --bytes from 1 to 65535");
}

static void prepare(void) {
    echoes = calloc(options.connections, sizeof *echoes);
    message = malloc(options.target.payload_max);
    if (!echoes || !message)
        fail("out of memory");
    for (size_t i = 0; i < options.target.payload_max; i++)
        message[i] = (uint8_t)('a' + i % 26);
    clients_init(on_message);
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
           latencies_percentile(&latencies, 0.50), latencies_percentile(&latencies, 0.99));
    return 0;
}
