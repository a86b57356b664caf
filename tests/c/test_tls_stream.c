/* TLS on real sockets, with OpenSSL's own client at the other end: handshakes of both versions,
 * bytes both ways through a write queue, back-pressure, every way of ending, and what a hostile
 * client sends. */
#include "record.h"
#include "tls_support.h"

static struct pem_files pem;
static struct tls_context *context;

/* What each write to the socket said of the next. */
static struct record spied;
static struct stream_ops spying_ops;
static ssize_t (*try_write)(struct stream *stream, const struct slice *parts, unsigned count);

static ssize_t spy_and_write(struct stream *stream, const struct slice *parts, unsigned count) {
    record_add(&spied, "%s;", stream->has_more ? "more" : "last");
    return try_write(stream, parts, count);
}

static struct stream *make(const struct stream_factory *factory, struct event_loop *loop,
                           int family, int descriptor) {
    (void)factory;
    struct stream *socket = socket_stream_new(loop, family, descriptor);
    if (socket != NULL) {
        spying_ops = *socket->ops;
        try_write = spying_ops.try_write;
        spying_ops.try_write = spy_and_write;
        socket->ops = &spying_ops;
    }
    return socket != NULL ? tls_stream_new(socket, context) : NULL;
}

static const struct stream_factory tls_factory = {make};

struct pair {
    struct lobby lobby;
    struct peer peer;
    struct tls_client client;
};

static void pair_open(struct pair *pair, struct event_loop *loop) {
    struct sockaddr_in any = loopback();
    memset(pair, 0, sizeof(*pair));
    lobby_open_with(&pair->lobby, loop, &any, sizeof(any), &tls_factory);
    lobby_fill(&pair->lobby, &pair->peer, 1);
    tls_client_open(&pair->client, pair->peer.descriptor, NULL);
}

static void pair_close(struct pair *pair, struct event_loop *loop) {
    peer_finish(&pair->peer, loop);
    listener_close(pair->lobby.listener);
    tls_client_close(&pair->client);
    event_loop_turn(loop, 0);
}

static void shake_hands(struct pair *pair, struct event_loop *loop) {
    TURN_UNTIL(loop, tls_client_is_open(&pair->client) && pair->peer.opens == 1);
}

/* Everything that the client can read now, appended to `received`. */
static void client_read(struct pair *pair, struct buffer *received) {
    char bytes[5000];
    int length;
    while ((length = SSL_read(pair->client.ssl, bytes, sizeof(bytes))) > 0) {
        CHECK(buffer_append(received, slice_of(bytes, (size_t)length)) == STATUS_OK);
    }
}

/* Reads on until there are `length` bytes, for `most` turns of the loop. */
static void client_read_until(struct pair *pair, struct event_loop *loop, struct buffer *received,
                              size_t length, int most) {
    for (int turns = 0; turns < most && received->length < length; turns++) {
        client_read(pair, received);
        event_loop_turn(loop, 1);
    }
}

/* One byte of the server's, and the tickets that came before it. */
static SSL_SESSION *session_with_ticket(struct pair *pair, struct event_loop *loop) {
    CHECK(write_queue_append(&pair->peer.queue, SLICE_LITERAL("x")) == STATUS_OK);
    CHECK(write_queue_flush(&pair->peer.queue) == STATUS_OK);
    struct buffer received = BUFFER_EMPTY;
    client_read_until(pair, loop, &received, 1, TURNS);
    CHECK(received.length == 1);
    buffer_release(&received);
    SSL_SESSION *session = SSL_get1_session(pair->client.ssl);
    CHECK(SSL_SESSION_has_ticket(session));
    return session;
}

static void fill(char *bytes, size_t length) {
    for (size_t i = 0; i < length; i++) {
        bytes[i] = (char)(i * 7 + i / 251);
    }
}

static void test_bytes_both_ways(struct event_loop *loop, int version) {
    struct pair pair;
    pair_open(&pair, loop);
    SSL_set_max_proto_version(pair.client.ssl, version);
    shake_hands(&pair, loop);
    CHECK(SSL_version(pair.client.ssl) == version);
    CHECK(pair.peer.stream->is_secure);
    enum { LENGTH = 300 * 1000 };
    char *bytes = malloc(LENGTH);
    fill(bytes, LENGTH);
    size_t sent = 0;
    for (int turns = 0; turns < TURNS && pair.peer.received.length < LENGTH; turns++) {
        int length = SSL_write(pair.client.ssl, bytes + sent, (int)(LENGTH - sent));
        sent += length > 0 ? (size_t)length : 0;
        event_loop_turn(loop, 0);
    }
    CHECK(pair.peer.received.length == LENGTH);
    CHECK(memcmp(pair.peer.received.data, bytes, LENGTH) == 0);
    struct buffer received = BUFFER_EMPTY;
    for (size_t at = 0; at < LENGTH; at += 30000) { /* small frames and large, in one flush */
        CHECK(write_queue_append(&pair.peer.queue, slice_of(bytes + at, 100)) == STATUS_OK);
        struct frame *frame = frame_copy(slice_of(bytes + at + 100, 29900));
        CHECK(write_queue_push(&pair.peer.queue, frame) == STATUS_OK);
    }
    CHECK(write_queue_flush(&pair.peer.queue) == STATUS_OK);
    client_read_until(&pair, loop, &received, LENGTH, TURNS);
    CHECK(received.length == LENGTH && memcmp(received.data, bytes, LENGTH) == 0);
    CHECK(write_queue_size(&pair.peer.queue) == 0);
    buffer_release(&received);
    free(bytes);
    pair_close(&pair, loop);
}

static void test_records_leave_together(struct event_loop *loop) {
    struct pair pair;
    pair_open(&pair, loop);
    shake_hands(&pair, loop);
    record_clear(&spied);
    enum { LENGTH = 40 * 1000 };
    char *bytes = malloc(LENGTH);
    fill(bytes, LENGTH);
    CHECK(write_queue_append(&pair.peer.queue, slice_of(bytes, LENGTH)) == STATUS_OK);
    CHECK(write_queue_flush_now(&pair.peer.queue) == STATUS_OK);
    CHECK_RECORD(&spied, "more;more;last;");
    struct buffer received = BUFFER_EMPTY;
    client_read_until(&pair, loop, &received, LENGTH, TURNS);
    CHECK(received.length == LENGTH && memcmp(received.data, bytes, LENGTH) == 0);
    buffer_release(&received);
    free(bytes);
    pair_close(&pair, loop);
}

/* Reads nothing until the queue has stopped, then all of it. */
static void test_back_pressure(struct event_loop *loop) {
    struct pair pair;
    pair_open(&pair, loop);
    shake_hands(&pair, loop);
    enum { LENGTH = 16 * 1000 * 1000 };
    char *bytes = malloc(LENGTH);
    fill(bytes, LENGTH);
    struct frame *frame = frame_copy(slice_of(bytes, LENGTH));
    CHECK(write_queue_send(&pair.peer.queue, frame) == STATUS_OK);
    for (int i = 0; i < 20; i++) {
        event_loop_turn(loop, 0);
    }
    CHECK(write_queue_size(&pair.peer.queue) > 0 && pair.peer.writes == 0);
    struct buffer received = BUFFER_EMPTY;
    client_read_until(&pair, loop, &received, LENGTH, 100 * TURNS);
    CHECK(received.length == LENGTH && memcmp(received.data, bytes, LENGTH) == 0);
    TURN_UNTIL(loop, pair.peer.writes > 0 && write_queue_size(&pair.peer.queue) == 0);
    buffer_release(&received);
    free(bytes);
    pair_close(&pair, loop);
}

/* The owner stops in the middle of what one read has brought, and gets the rest when it wants it.
 */
static void test_stop_and_go_on(struct event_loop *loop) {
    struct pair pair;
    pair_open(&pair, loop);
    shake_hands(&pair, loop);
    pair.peer.stop_on_read = true;
    CHECK(SSL_write(pair.client.ssl, "one", 3) == 3);
    CHECK(SSL_write(pair.client.ssl, "two", 3) == 3);
    TURN_UNTIL(loop, pair.peer.received.length == 3);
    for (int i = 0; i < 5; i++) {
        event_loop_turn(loop, 0);
    }
    CHECK(pair.peer.received.length == 3);
    CHECK(stream_read_start(pair.peer.stream) == STATUS_OK);
    CHECK(pair.peer.received.length == 3); /* not inside the call */
    TURN_UNTIL(loop, pair.peer.received.length == 6);
    CHECK(memcmp(pair.peer.received.data, "onetwo", 6) == 0);
    pair_close(&pair, loop);
}

static void test_client_ends(struct event_loop *loop, bool says_so) {
    struct pair pair;
    pair_open(&pair, loop);
    shake_hands(&pair, loop);
    CHECK(SSL_write(pair.client.ssl, "last", 4) == 4);
    if (says_so) {
        SSL_shutdown(pair.client.ssl);
    }
    shutdown(pair.peer.descriptor, SHUT_WR);
    TURN_UNTIL(loop, pair.peer.ends == 1);
    CHECK(pair.peer.end_status == STATUS_OK && pair.peer.received.length == 4);
    CHECK(write_queue_append(&pair.peer.queue, SLICE_LITERAL("answer")) == STATUS_OK);
    CHECK(write_queue_flush(&pair.peer.queue) == STATUS_OK);
    stream_end_writing(pair.peer.stream);
    stream_end_writing(pair.peer.stream);
    struct buffer received = BUFFER_EMPTY;
    client_read_until(&pair, loop, &received, 6, TURNS);
    CHECK(received.length == 6 && memcmp(received.data, "answer", 6) == 0);
    CHECK((SSL_get_shutdown(pair.client.ssl) & SSL_RECEIVED_SHUTDOWN) != 0);
    buffer_release(&received);
    pair_close(&pair, loop);
}

/* What is left in the user's space when the owner ends goes before the FIN. */
static void test_end_behind_what_waits(struct event_loop *loop) {
    struct pair pair;
    pair_open(&pair, loop);
    shake_hands(&pair, loop);
    enum { LENGTH = 8 * 1000 * 1000 };
    char *bytes = malloc(LENGTH);
    fill(bytes, LENGTH);
    CHECK(write_queue_send(&pair.peer.queue, frame_copy(slice_of(bytes, LENGTH))) == STATUS_OK);
    struct buffer received = BUFFER_EMPTY;
    bool has_ended = false;
    for (int turns = 0; turns < 100 * TURNS && received.length < LENGTH; turns++) {
        if (!has_ended && write_queue_size(&pair.peer.queue) == 0) {
            stream_end_writing(pair.peer.stream);
            has_ended = true;
        }
        client_read(&pair, &received);
        event_loop_turn(loop, 1);
    }
    CHECK(received.length == LENGTH && memcmp(received.data, bytes, LENGTH) == 0);
    if (!has_ended) {
        stream_end_writing(pair.peer.stream);
    }
    char byte;
    TURN_UNTIL(loop, SSL_read(pair.client.ssl, &byte, 1) == 0);
    CHECK((SSL_get_shutdown(pair.client.ssl) & SSL_RECEIVED_SHUTDOWN) != 0);
    buffer_release(&received);
    free(bytes);
    pair_close(&pair, loop);
}

/* The client's bytes one at a time: every state of a half record. */
static void test_byte_by_byte(struct event_loop *loop) {
    struct pair pair;
    pair_open(&pair, loop);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in, -1);
    SSL_set_bio(pair.client.ssl, in, out);
    bool has_written = false;
    for (int turns = 0; turns < 200 * TURNS && pair.peer.received.length < 5; turns++) {
        char bytes[4096];
        ssize_t length = recv(pair.peer.descriptor, bytes, sizeof(bytes), MSG_DONTWAIT);
        if (length > 0) {
            BIO_write(in, bytes, (int)length);
        }
        if (SSL_do_handshake(pair.client.ssl) == 1 && !has_written) {
            has_written = SSL_write(pair.client.ssl, "hello", 5) == 5;
        }
        if (BIO_read(out, bytes, 1) == 1) {
            CHECK(send(pair.peer.descriptor, bytes, 1, MSG_NOSIGNAL) == 1);
        }
        event_loop_turn(loop, 0);
    }
    CHECK(pair.peer.opens == 1 && pair.peer.received.length == 5);
    pair_close(&pair, loop);
}

static void test_resumption(struct event_loop *loop, int version) {
    struct pair first, second;
    pair_open(&first, loop);
    SSL_set_max_proto_version(first.client.ssl, version);
    shake_hands(&first, loop);
    SSL_SESSION *session = session_with_ticket(&first, loop);
    pair_open(&second, loop);
    SSL_set_max_proto_version(second.client.ssl, version);
    CHECK(SSL_set_session(second.client.ssl, session) == 1);
    shake_hands(&second, loop);
    CHECK(SSL_session_reused(second.client.ssl));
    SSL_SESSION_free(session);
    pair_close(&first, loop);
    pair_close(&second, loop);
}

/* A context made anew from new files goes on with the tickets of the one before. */
static void test_tickets_survive_a_reload(struct event_loop *loop) {
    struct tls_certificate certificate = {.certfile = pem.certificate, .keyfile = pem.key};
    struct tls_settings settings = {.certificates = &certificate, .certificate_count = 1};
    struct tls_ticket_keys *keys = tls_ticket_keys_new(NULL);
    struct tls_error error = {""};
    struct tls_context *original = context;
    struct pair first, second;
    context = tls_context_new(&settings, keys, &error);
    pair_open(&first, loop);
    shake_hands(&first, loop);
    SSL_SESSION *session = session_with_ticket(&first, loop);
    tls_context_unref(context);
    context = tls_context_new(&settings, keys, &error);
    pair_open(&second, loop);
    CHECK(SSL_set_session(second.client.ssl, session) == 1);
    shake_hands(&second, loop);
    CHECK(SSL_session_reused(second.client.ssl));
    SSL_SESSION_free(session);
    pair_close(&first, loop);
    pair_close(&second, loop);
    tls_context_unref(context);
    tls_ticket_keys_unref(keys);
    context = original;
}

static void test_no_tls_at_all(struct event_loop *loop, struct slice bytes) {
    struct pair pair;
    pair_open(&pair, loop);
    CHECK(send(pair.peer.descriptor, bytes.data, bytes.length, 0) == (ssize_t)bytes.length);
    TURN_UNTIL(loop, pair.peer.ends == 1);
    CHECK(pair.peer.opens == 0 && pair.peer.end_status == STATUS_SYSTEM);
    CHECK(pair.peer.received.length == 0);
    CHECK(ERR_peek_error() == 0); /* the queue is the thread's: others look at it, too */
    pair_close(&pair, loop);
}

/* The client's record in two halves, each behind an error that somebody else has left. */
static void test_errors_of_others(struct event_loop *loop) {
    struct pair pair;
    pair_open(&pair, loop);
    shake_hands(&pair, loop);
    BIO *out = BIO_new(BIO_s_mem());
    SSL_set0_wbio(pair.client.ssl, out);
    CHECK(SSL_write(pair.client.ssl, "hello", 5) == 5);
    char record[100];
    int length = BIO_read(out, record, sizeof(record));
    for (int half = 0; half < 2; half++) {
        int start = half * length / 2, end = (half + 1) * length / 2;
        ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
        CHECK(send(pair.peer.descriptor, record + start, (size_t)(end - start), 0) == end - start);
        event_loop_turn(loop, TURN_MS);
        event_loop_turn(loop, 0);
    }
    TURN_UNTIL(loop, pair.peer.received.length == 5);
    CHECK(pair.peer.ends == 0);
    ERR_clear_error();
    pair_close(&pair, loop);
}

static void test_leaves_within_the_handshake(struct event_loop *loop) {
    struct pair pair;
    pair_open(&pair, loop);
    CHECK(!tls_client_is_open(&pair.client));
    shutdown(pair.peer.descriptor, SHUT_RDWR);
    TURN_UNTIL(loop, pair.peer.ends == 1);
    CHECK(pair.peer.opens == 0 && pair.peer.end_status == STATUS_SYSTEM);
    pair_close(&pair, loop);
}

/* Each update costs us a derivation of keys, and an answer: RFC 8446 section 4.6.3. */
static void test_flood_of_key_updates(struct event_loop *loop) {
    struct pair pair;
    pair_open(&pair, loop);
    SSL_set_min_proto_version(pair.client.ssl, TLS1_3_VERSION);
    shake_hands(&pair, loop);
    for (int i = 0; i < 3 * LIMIT_TLS_HANDSHAKE_STEPS && pair.peer.ends == 0; i++) {
        SSL_key_update(pair.client.ssl, SSL_KEY_UPDATE_REQUESTED);
        SSL_do_handshake(pair.client.ssl);
        event_loop_turn(loop, 0);
    }
    TURN_UNTIL(loop, pair.peer.ends == 1);
    CHECK(pair.peer.end_status == STATUS_SYSTEM);
    pair_close(&pair, loop);
}

static void test_refused_renegotiation(struct event_loop *loop) {
    struct pair pair;
    pair_open(&pair, loop);
    SSL_set_max_proto_version(pair.client.ssl, TLS1_2_VERSION);
    shake_hands(&pair, loop);
    CHECK(SSL_renegotiate(pair.client.ssl) == 1);
    for (int i = 0; i < 20; i++) {
        SSL_do_handshake(pair.client.ssl);
        event_loop_turn(loop, 0);
    }
    CHECK(SSL_num_renegotiations(pair.client.ssl) <= 1 && pair.peer.opens == 1);
    pair_close(&pair, loop);
}

static void test_closed_by_its_owner(struct event_loop *loop, bool by_reset) {
    struct pair pair;
    pair_open(&pair, loop);
    shake_hands(&pair, loop);
    pair.peer.close_on_read = !by_reset;
    pair.peer.reset_on_read = by_reset;
    CHECK(SSL_write(pair.client.ssl, "x", 1) == 1);
    CHECK(SSL_write(pair.client.ssl, "y", 1) == 1);
    TURN_UNTIL(loop, pair.peer.closes == 1);
    CHECK(pair.peer.received.length == 1);
    pair_close(&pair, loop);
}

/* Every allocation of a handshake and a request fails once: the stream ends, and nothing is lost.
 */
static void test_allocations_that_fail(struct event_loop *loop) {
    for (long n = 1; n < 12; n++) {
        struct pair pair;
        pair_open(&pair, loop);
        CHECK(buffer_reserve(&pair.peer.received, 100) == STATUS_OK);
        memory_set_failure(n);
        for (int turns = 0; turns < 50 && pair.peer.received.length == 0 && pair.peer.ends == 0;
             turns++) {
            if (tls_client_is_open(&pair.client)) {
                (void)SSL_write(pair.client.ssl, "x", 1);
            }
            event_loop_turn(loop, 1);
        }
        memory_set_failure(0);
        CHECK(pair.peer.received.length > 0 || pair.peer.ends == 1);
        pair_close(&pair, loop);
    }
}

int main(void) {
    signal(SIGPIPE, SIG_IGN);
    pem_make(&pem, "localhost", 30, NULL);
    context = context_of(&pem);
    struct event_loop *loop = event_loop_new();
    test_bytes_both_ways(loop, TLS1_2_VERSION);
    test_bytes_both_ways(loop, TLS1_3_VERSION);
    test_records_leave_together(loop);
    test_back_pressure(loop);
    test_stop_and_go_on(loop);
    test_client_ends(loop, true);
    test_client_ends(loop, false);
    test_end_behind_what_waits(loop);
    test_byte_by_byte(loop);
    test_resumption(loop, TLS1_2_VERSION);
    test_resumption(loop, TLS1_3_VERSION);
    test_tickets_survive_a_reload(loop);
    test_no_tls_at_all(loop, SLICE_LITERAL("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    test_no_tls_at_all(loop, SLICE_LITERAL("\x17\x03\x03\x00\x01x"));
    test_errors_of_others(loop);
    test_leaves_within_the_handshake(loop);
    test_flood_of_key_updates(loop);
    test_refused_renegotiation(loop);
    test_closed_by_its_owner(loop, false);
    test_closed_by_its_owner(loop, true);
    test_allocations_that_fail(loop);
    event_loop_free(loop);
    tls_context_unref(context);
    pem_remove(&pem);
    return net_report();
}
