/* members: the clients of a group. Counts what each of them receives, and when.
 *
 * Opens --members WebSockets; the first is also the sender. A round is a burst of --burst messages
 * of the sender in one send(2); the next round begins when every member has every message of the
 * last. Each message is the JSON that the chat of Channels' tutorial sends, with a number in it:
 * a server has to give every member all numbers in order. A number that is skipped is *missing*,
 * one that comes again or late, or nobody sent, is *unexpected*.
 *
 * It talks in JSON lines like websocket_load: ready after a first round, then, after a line on
 * stdin, the result of rounds for --seconds or until --messages were sent; another line ends it, so
 * that the members are there while it is looked at what the server has used. When nothing has come
 * for --stall seconds, all that is outstanding is missing, and the measurement ends.
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

enum {
    OPEN_SECONDS = 240, /* all handshakes */
    SETTLE_MILLISECONDS = 100,
    NUMBER_DIGITS = 10,
};

static const char message_start[] = "{\"message\": \"";
static const char message_end[] = "\"}";
enum {
    NUMBER_AT = sizeof message_start - 1,
    MESSAGE_MIN = NUMBER_AT + NUMBER_DIGITS + sizeof message_end - 1,
    ANSWER_MORE = 256, /* bytes that a handler may add to the message */
};

struct options {
    struct target target;
    size_t members;
    size_t message_size;
    uint64_t burst;
    uint64_t message_limit;
    double seconds;
    double stall_seconds;
    bool greeted; /* each member's first message is the server's, sent when it has joined */
};

struct member {
    struct connection connection; /* first: a pointer to it is one to the member */
    uint64_t next_number;
    bool is_greeted;
};

static struct options options = {.target = {.path = "/"},
                                 .members = 200,
                                 .message_size = 64,
                                 .burst = 1,
                                 .message_limit = UINT64_MAX,
                                 .seconds = 3,
                                 .stall_seconds = 20};
static struct member *members;
static uint8_t *filling; /* letters, the same in every message: about as compressible as text */
static uint8_t *burst;   /* the masked frames of a round */
static uint64_t messages_sent;
static uint64_t outstanding; /* deliveries of this round that have not come */
static uint64_t deliveries, missing, unexpected;
static uint64_t round_start, first_at, last_at; /* nanoseconds */
static struct latencies all_latencies, first_latencies, last_latencies;

/* Returns the number in a message, UINT64_MAX if it has none. */
static uint64_t number_of(const struct frame *frame) {
    if (frame->payload_length < MESSAGE_MIN ||
        memcmp(frame->payload, message_start, NUMBER_AT) != 0)
        return UINT64_MAX;
    uint64_t number = 0;
    for (size_t i = NUMBER_AT; i < NUMBER_AT + NUMBER_DIGITS; i++) {
        if (frame->payload[i] < '0' || frame->payload[i] > '9')
            return UINT64_MAX;
        number = number * 10 + (uint64_t)(frame->payload[i] - '0');
    }
    return number;
}

static void on_message(struct connection *connection, const struct frame *frame) {
    struct member *member = (struct member *)connection;
    if (options.greeted && !member->is_greeted) {
        member->is_greeted = true;
        return;
    }
    uint64_t number = number_of(frame);
    if (number >= messages_sent || number < member->next_number) {
        unexpected++;
        return;
    }
    uint64_t skipped = number - member->next_number;
    member->next_number = number + 1;
    missing += skipped;
    outstanding -= skipped + 1;
    deliveries++;
    last_at = now();
    if (!first_at)
        first_at = last_at;
    latencies_add(&all_latencies, last_at - round_start);
}

static void write_message(uint8_t *payload, uint64_t number) {
    char digits[NUMBER_DIGITS + 1];
    snprintf(digits, sizeof digits, "%0*llu", NUMBER_DIGITS, (unsigned long long)number);
    memcpy(payload, filling, options.message_size);
    memcpy(payload, message_start, NUMBER_AT);
    memcpy(payload + NUMBER_AT, digits, NUMBER_DIGITS);
    size_t end_length = sizeof message_end - 1;
    memcpy(payload + options.message_size - end_length, message_end, end_length);
}

static void send_burst(uint64_t count) {
    static uint8_t payload[FRAME_PAYLOAD_MAX];
    size_t length = 0;
    for (uint64_t i = 0; i < count; i++) {
        write_message(payload, messages_sent++);
        length += frame_write(burst + length, OPCODE_TEXT, payload, options.message_size);
    }
    outstanding = count * options.members;
    first_at = 0;
    round_start = last_at = now();
    connection_send(&members[0].connection, burst, length);
}

/* Sends a burst and waits until all members have it; false when the rest of it never came. */
static bool play_round(uint64_t count) {
    uint64_t patience = nanoseconds(options.stall_seconds);
    send_burst(count);
    while (outstanding > 0) {
        clients_turn(100);
        if (now() - last_at > patience) {
            missing += outstanding;
            return false;
        }
    }
    latencies_add(&first_latencies, first_at - round_start);
    latencies_add(&last_latencies, last_at - round_start);
    return true;
}

/* Plays rounds until the time is up or the limit reached; returns the nanoseconds it took. */
static uint64_t play(void) {
    uint64_t start = now(), end = start + nanoseconds(options.seconds),
             left = options.message_limit;
    while (left > 0 && now() < end) {
        uint64_t count = left < options.burst ? left : options.burst;
        if (!play_round(count))
            break;
        left -= count;
    }
    return now() - start;
}

/* Waits a moment for messages that come once too often. */
static void settle(void) {
    uint64_t end = now() + nanoseconds(SETTLE_MILLISECONDS / 1e3);
    while (now() < end)
        clients_turn(10);
}

static void open_members(void) {
    uint64_t give_up = now() + nanoseconds(OPEN_SECONDS);
    for (size_t i = 0; i < options.members; i++) {
        struct member *member = &members[i];
        connection_open(&member->connection, &options.target);
        while (options.greeted && !member->is_greeted)
            connection_read(&member->connection);
        if (now() > give_up)
            fail("only %zu members were opened in %d seconds", i + 1, OPEN_SECONDS);
    }
}

static void parse_options(int count, char **arguments) {
    static const struct option names[] = {TARGET_OPTIONS,
                                          {"members", required_argument, NULL, 'c'},
                                          {"bytes", required_argument, NULL, 'b'},
                                          {"burst", required_argument, NULL, 'n'},
                                          {"messages", required_argument, NULL, 'm'},
                                          {"seconds", required_argument, NULL, 's'},
                                          {"stall", required_argument, NULL, 't'},
                                          {"greeted", no_argument, NULL, 'g'},
                                          {NULL, 0, NULL, 0}};
    int name;
    while ((name = getopt_long(count, arguments, "", names, NULL)) != -1) {
        switch (name) {
        case 'c':
            options.members = strtoul(optarg, NULL, 10);
            break;
        case 'b':
            options.message_size = strtoul(optarg, NULL, 10);
            break;
        case 'n':
            options.burst = strtoull(optarg, NULL, 10);
            break;
        case 'm':
            options.message_limit = strtoull(optarg, NULL, 10);
            break;
        case 's':
            options.seconds = atof(optarg);
            break;
        case 't':
            options.stall_seconds = atof(optarg);
            break;
        case 'g':
            options.greeted = true;
            break;
        default:
            if (!target_option(&options.target, name, optarg))
                exit(2);
        }
    }
}

static void prepare(void) {
    size_t longest = FRAME_PAYLOAD_MAX - ANSWER_MORE;
    if (!options.target.port || !options.members || !options.message_limit || !options.burst ||
        options.message_size < MESSAGE_MIN || options.message_size > longest)
        fail("--port is needed, --members, --messages and --burst from 1, --bytes from %zu to %zu",
             (size_t)MESSAGE_MIN, longest);
    options.target.payload_max = options.message_size + ANSWER_MORE;
    members = calloc(options.members, sizeof *members);
    burst = malloc(options.burst * (FRAME_HEADER_MAX + options.message_size));
    filling = malloc(options.message_size);
    if (!members || !burst || !filling)
        fail("out of memory");
    for (size_t i = 0; i < options.message_size; i++)
        filling[i] = (uint8_t)('a' + random() % 26);
    clients_init(on_message);
}

static void print_result(double seconds, double cpu) {
    printf("{\"messages\": %llu, \"deliveries\": %llu, \"missing\": %llu, \"unexpected\": %llu, "
           "\"seconds\": %.6f, \"client_cpu_seconds\": %.6f, ",
           (unsigned long long)messages_sent, (unsigned long long)deliveries,
           (unsigned long long)missing, (unsigned long long)unexpected, seconds, cpu);
    printf("\"first_p50_us\": %zu, \"first_p99_us\": %zu, \"p50_us\": %zu, \"p99_us\": %zu, "
           "\"last_p50_us\": %zu, \"last_p99_us\": %zu}\n",
           latencies_percentile(&first_latencies, 0.50),
           latencies_percentile(&first_latencies, 0.99), latencies_percentile(&all_latencies, 0.50),
           latencies_percentile(&all_latencies, 0.99), latencies_percentile(&last_latencies, 0.50),
           latencies_percentile(&last_latencies, 0.99));
}

int main(int count, char **arguments) {
    parse_options(count, arguments);
    prepare();
    open_members();
    if (!play_round(1))
        fail("%llu of %zu members did not get the first message", (unsigned long long)outstanding,
             options.members);
    printf("{\"ready\": %zu}\n", options.members);
    fflush(stdout);
    wait_for_line();
    uint64_t messages_before = messages_sent;
    deliveries = missing = 0;
    latencies_clear(&all_latencies);
    latencies_clear(&first_latencies);
    latencies_clear(&last_latencies);
    double cpu_before = cpu_seconds();
    double seconds = (double)play() / 1e9, cpu = cpu_seconds() - cpu_before;
    settle();
    messages_sent -= messages_before;
    print_result(seconds, cpu);
    fflush(stdout);
    wait_for_line();
    return 0;
}
