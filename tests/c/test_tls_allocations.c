/* OpenSSL without memory: each of its allocations within a handshake, a request, its answer and the
 * end of a connection fails once. The connection is closed or goes on, and nothing is lost. */
#include <malloc.h>

#include "tls_support.h"

/* --- OpenSSL's memory: CRYPTO_set_mem_functions(3) --- */

static long failing_in; /* the allocation that fails; 0: none, or it has */
static long allocations;
static size_t in_use;

static bool has_to_fail(void) {
    allocations++;
    return failing_in > 0 && --failing_in == 0;
}

static void *take(size_t size, const char *file, int line) {
    (void)file, (void)line;
    void *memory = has_to_fail() ? NULL : malloc(size);
    in_use += memory != NULL ? malloc_usable_size(memory) : 0;
    return memory;
}

static void give_back(void *memory, const char *file, int line) {
    (void)file, (void)line;
    in_use -= memory != NULL ? malloc_usable_size(memory) : 0;
    free(memory);
}

static void *take_again(void *memory, size_t size, const char *file, int line) {
    if (has_to_fail()) {
        return NULL;
    }
    size_t before = memory != NULL ? malloc_usable_size(memory) : 0;
    void *moved = realloc(memory, size);
    (void)file, (void)line;
    in_use = moved != NULL ? in_use - before + malloc_usable_size(moved) : in_use;
    return moved;
}

/* --- A connection, step by step; the client's part has all the memory it wants --- */

enum step { SHAKES_HANDS, READS, WRITES, ENDS, STEPS };

static struct tls_context *context;

static struct stream *make(const struct stream_factory *factory, struct event_loop *loop,
                           int family, int descriptor) {
    (void)factory;
    struct stream *socket = socket_stream_new(loop, family, descriptor);
    return socket != NULL ? tls_stream_new(socket, context) : NULL;
}

static const struct stream_factory tls_factory = {make};

struct pair {
    struct lobby lobby;
    struct peer peer;
    struct tls_client client;
    struct event_loop *loop;
    long failing;  /* the server's allocation that fails, counted in one step */
    bool is_over;  /* the client has seen the end */
    bool is_heard; /* it has seen the answer */
};

static void pair_open(struct pair *pair, struct event_loop *loop, int version) {
    struct sockaddr_in any = loopback();
    memset(pair, 0, sizeof(*pair));
    pair->loop = loop;
    lobby_open_with(&pair->lobby, loop, &any, sizeof(any), &tls_factory);
    lobby_fill(&pair->lobby, &pair->peer, 1);
    tls_client_open(&pair->client, pair->peer.descriptor, NULL);
    SSL_set_max_proto_version(pair->client.ssl, version);
}

static void pair_close(struct pair *pair) {
    peer_finish(&pair->peer, pair->loop);
    listener_close(pair->lobby.listener);
    tls_client_close(&pair->client);
    event_loop_turn(pair->loop, 0);
    ERR_clear_error();
}

/* A turn of the server's, in which the allocation fails if its time has come. */
static void turn(struct pair *pair) {
    failing_in = pair->failing;
    event_loop_turn(pair->loop, 1);
    pair->failing = failing_in;
    failing_in = 0;
}

static void client_read(struct pair *pair) {
    char byte;
    int length = SSL_read(pair->client.ssl, &byte, 1);
    pair->is_heard |= length == 1;
    if (length <= 0) {
        int reason = SSL_get_error(pair->client.ssl, length);
        pair->is_over |= reason != SSL_ERROR_WANT_READ && reason != SSL_ERROR_WANT_WRITE;
        ERR_clear_error();
    }
}

static bool is_cut(const struct pair *pair) {
    return pair->is_over || pair->peer.ends > 0;
}

static void shake_hands(struct pair *pair) {
    for (int i = 0; i < TURNS && !is_cut(pair) && pair->peer.opens == 0; i++) {
        (void)tls_client_is_open(&pair->client);
        turn(pair);
    }
}

static void send_request(struct pair *pair) {
    bool is_sent = false;
    for (int i = 0; i < TURNS && !is_cut(pair) && pair->peer.received.length == 0; i++) {
        if (!is_sent && tls_client_is_open(&pair->client)) {
            is_sent = SSL_write(pair->client.ssl, "request", 7) == 7;
        }
        turn(pair);
    }
}

/* The write of the turn is the server's, too. */
static void answer(struct pair *pair) {
    failing_in = pair->failing;
    bool is_taken = write_queue_append(&pair->peer.queue, SLICE_LITERAL("x")) == STATUS_OK &&
                    write_queue_flush(&pair->peer.queue) == STATUS_OK;
    pair->failing = failing_in;
    failing_in = 0;
    for (int i = 0; i < TURNS && is_taken && !is_cut(pair) && !pair->is_heard; i++) {
        client_read(pair);
        turn(pair);
    }
    CHECK(!is_taken || is_cut(pair) || pair->is_heard);
}

static void end(struct pair *pair) {
    failing_in = pair->failing;
    stream_end_writing(pair->peer.stream);
    pair->failing = failing_in;
    failing_in = 0;
    for (int i = 0; i < TURNS && !pair->is_over; i++) {
        client_read(pair);
        turn(pair);
    }
    CHECK(pair->is_over);
}

static void (*const steps[STEPS])(struct pair *pair) = {
    [SHAKES_HANDS] = shake_hands, [READS] = send_request, [WRITES] = answer, [ENDS] = end};

/* Everything up to the end, or to where it was cut. Returns false when the step has no allocation
 * of this number. */
static bool fail_once(struct event_loop *loop, int version, enum step failing, long number) {
    struct pair pair;
    pair_open(&pair, loop, version);
    bool has_failed = true;
    for (enum step step = SHAKES_HANDS; step < STEPS && !is_cut(&pair); step++) {
        pair.failing = step == failing ? number : 0;
        steps[step](&pair);
        has_failed = step == failing ? pair.failing == 0 : has_failed;
        CHECK(is_cut(&pair) || pair.peer.opens == 1);
    }
    pair_close(&pair);
    return has_failed;
}

/* A handshake has thousands: the first hundred, then one of so many. */
enum { EACH_OF = 100, STRIDE = 37 };

static void test_failing(struct event_loop *loop, int version, enum step step) {
    long number = 1;
    while (fail_once(loop, version, step, number)) {
        number += number < EACH_OF ? 1 : STRIDE;
    }
    CHECK(step != SHAKES_HANDS || number > EACH_OF);
}

/* There is no stream at all: whoever has come is not kept waiting. */
static void test_failing_accept(struct event_loop *loop) {
    for (long number = 1; number < 10; number++) {
        struct sockaddr_in any = loopback();
        struct lobby lobby;
        struct peer peer = {0};
        lobby_open_with(&lobby, loop, &any, sizeof(any), &tls_factory);
        lobby.peers = &peer;
        lobby.expected = 1;
        peer.descriptor = lobby_dial(&lobby);
        failing_in = number;
        char byte;
        TURN_UNTIL(loop, failing_in == 0);
        for (int i = 0; i < 3; i++) {
            event_loop_turn(loop, 0);
        }
        CHECK(lobby.accepted == 0 || peer.stream != NULL);
        CHECK(lobby.accepted == 1 || recv(peer.descriptor, &byte, 1, 0) == 0);
        peer.closes += lobby.accepted == 0;
        peer_finish(&peer, loop);
        listener_close(lobby.listener);
        event_loop_turn(loop, 0);
    }
    ERR_clear_error();
}

/* What was in use before a connection is in use behind it, once OpenSSL knows the ways. */
static void test_nothing_is_lost(struct event_loop *loop) {
    size_t before = in_use;
    for (long number = 1; number < 40; number++) {
        (void)fail_once(loop, TLS1_3_VERSION, SHAKES_HANDS, number * STRIDE);
    }
    CHECK(in_use <= before + 4096);
}

int main(void) {
    CHECK(CRYPTO_set_mem_functions(take, take_again, give_back) == 1);
    signal(SIGPIPE, SIG_IGN);
    struct pem_files pem;
    pem_make(&pem, "localhost", 30, NULL);
    context = context_of(&pem);
    struct event_loop *loop = event_loop_new();
    for (enum step step = SHAKES_HANDS; step < STEPS; step++) {
        test_failing(loop, TLS1_2_VERSION, step);
        test_failing(loop, TLS1_3_VERSION, step);
    }
    test_failing_accept(loop);
    test_nothing_is_lost(loop);
    CHECK(allocations > 0);
    event_loop_free(loop);
    tls_context_unref(context);
    pem_remove(&pem);
    return net_report();
}
