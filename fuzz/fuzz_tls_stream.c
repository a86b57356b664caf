/* A TLS stream between OpenSSL's own client and a scripted transport. The input says step by step
 * what happens: who writes, updates keys or ends, in which pieces the client's records arrive, what
 * is changed, lost or made up on the way, what the socket takes, which allocation fails.
 *
 * Whatever happens, the owner gets nothing but the beginning of what the client has written, and
 * the other way round; no error stays in the thread's queue; and nothing is left behind. As long as
 * nothing was spoilt, all arrives.
 *
 * Input: a byte of enum settings, then steps of two bytes: which, and its argument. */
#include "stream_script.h"
#include "tls_support.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum settings { IS_TLS_1_2 = 1, CLOSES_ON_READ = 2, RESETS_ON_READ = 4, STOPS_ON_READ = 8 };

enum { MOST_BYTES = 1 << 18, LONGEST_WRITE = 40000, MOST_UPDATES = 16, MOST_TURNS = 2000 };

struct connection {
    struct stream_script transport;
    struct peer peer;
    SSL *client;
    BIO *to_client, *from_client;
    struct record wire; /* what the client has made, and how much of it has arrived */
    size_t arrived;
    size_t given; /* of what the transport has taken, to the client */
    size_t client_sent, client_received, server_sent, compared;
    unsigned updates;
    bool is_reading;
    bool has_client_ended;
    bool has_server_ended;
    bool has_transport_ended;
    bool is_spoilt; /* not all has to arrive */
};

static struct event_loop *loop;
static struct tls_context *context;
static SSL_CTX *client_context;
static struct connection connection;

static void require(bool condition) {
    if (!condition) {
        abort();
    }
}

static char byte_at(size_t index) {
    return (char)(index * 7 + index / 251);
}

static void fill(char *bytes, size_t length, size_t first) {
    for (size_t i = 0; i < length; i++) {
        bytes[i] = byte_at(first + i);
    }
}

/* --- The transport: a scripted one that gives nothing while nobody reads --- */

static int read_start(struct stream *stream) {
    (void)stream;
    connection.is_reading = !connection.has_transport_ended;
    return STATUS_OK;
}

static void read_stop(struct stream *stream) {
    (void)stream;
    connection.is_reading = false;
}

static struct stream_ops transport_ops;

/* --- What is looked at after each step --- */

static void check_owner(void) {
    const struct peer *peer = &connection.peer;
    require(peer->opens <= 1 && peer->ends <= 1 && peer->closes == 0);
    require(peer->received.length == 0 || peer->opens == 1);
    require(peer->received.length <= connection.client_sent);
    for (; connection.compared < peer->received.length; connection.compared++) {
        require(peer->received.data[connection.compared] == byte_at(connection.compared));
    }
    require(check_failures == 0);
}

/* --- The client --- */

static void take_plaintext(void) {
    char bytes[4096];
    int length;
    while ((length = SSL_read(connection.client, bytes, sizeof(bytes))) > 0) {
        require(connection.client_received + (size_t)length <= connection.server_sent);
        for (int i = 0; i < length; i++) {
            require(bytes[i] == byte_at(connection.client_received++));
        }
    }
}

/* Takes what the server has sent, and answers. */
static void let_client_go_on(void) {
    const struct record *taken = &connection.transport.taken;
    if (taken->length > connection.given) {
        int length = (int)(taken->length - connection.given);
        BIO_write(connection.to_client, taken->text + connection.given, length);
        connection.given = taken->length;
    }
    if (SSL_do_handshake(connection.client) == 1) {
        take_plaintext();
    }
    char bytes[4096];
    int length;
    while ((length = BIO_read(connection.from_client, bytes, sizeof(bytes))) > 0) {
        record_bytes(&connection.wire, slice_of(bytes, (size_t)length));
    }
    ERR_clear_error();
}

static void client_goes_on(uint8_t argument) {
    (void)argument;
    let_client_go_on();
}

static void client_writes(uint8_t argument) {
    size_t length = 1 + (size_t)argument * argument * argument % LONGEST_WRITE;
    char bytes[LONGEST_WRITE + 1];
    if (connection.client_sent + length <= MOST_BYTES && !connection.has_client_ended) {
        fill(bytes, length, connection.client_sent);
        if (SSL_write(connection.client, bytes, (int)length) > 0) {
            connection.client_sent += length;
        }
    }
    let_client_go_on();
}

static void client_updates_keys(uint8_t argument) {
    if (SSL_is_init_finished(connection.client) && !connection.has_client_ended &&
        connection.updates < MOST_UPDATES) {
        connection.updates++;
        SSL_key_update(connection.client, (argument & 1) != 0 ? SSL_KEY_UPDATE_REQUESTED
                                                              : SSL_KEY_UPDATE_NOT_REQUESTED);
    }
    let_client_go_on();
}

/* Refused, which ends OpenSSL's client. */
static void client_renegotiates(uint8_t argument) {
    (void)argument;
    if (SSL_version(connection.client) == TLS1_2_VERSION && !connection.has_client_ended &&
        SSL_renegotiate(connection.client) == 1) {
        connection.is_spoilt = true;
    }
    let_client_go_on();
}

static void client_ends(uint8_t argument) {
    (void)argument;
    if (SSL_is_init_finished(connection.client) && SSL_shutdown(connection.client) >= 0) {
        connection.has_client_ended = true;
    }
    let_client_go_on();
}

/* --- On the way to the server --- */

static void deliver(struct slice bytes) {
    char *copy = malloc(bytes.length);
    memcpy(copy, bytes.data, bytes.length);
    stream_script_reads(&connection.transport, slice_of(copy, bytes.length));
    free(copy);
}

static void records_arrive(size_t most) {
    size_t left = connection.wire.length - connection.arrived;
    size_t length = left < most ? left : most;
    if (connection.is_reading && length > 0) {
        struct slice bytes = slice_of(connection.wire.text + connection.arrived, length);
        connection.arrived += length;
        deliver(bytes);
    }
}

static void some_arrives(uint8_t argument) {
    records_arrive((size_t)argument + 1);
}

static void all_arrives(uint8_t argument) {
    (void)argument;
    records_arrive(SIZE_MAX);
}

static void bytes_arrive_singly(uint8_t argument) {
    for (int i = 0; i <= argument; i++) {
        records_arrive(1);
    }
}

static void arrives_behind_an_error_of_others(uint8_t argument) {
    ERR_raise(ERR_LIB_USER, ERR_R_INTERNAL_ERROR);
    records_arrive((size_t)argument * 8);
    ERR_clear_error();
}

static void byte_is_changed(uint8_t argument) {
    size_t left = connection.wire.length - connection.arrived;
    if (left > 0) {
        connection.wire.text[connection.arrived + argument % left] ^= (char)(argument | 1);
        connection.is_spoilt = true;
    }
}

static void bytes_are_lost(uint8_t argument) {
    size_t left = connection.wire.length - connection.arrived;
    connection.arrived += argument < left ? argument : left;
    connection.is_spoilt = true;
}

static void transport_ends(uint8_t argument) {
    if (!connection.has_transport_ended) {
        connection.has_transport_ended = connection.is_spoilt = true;
        connection.is_reading = false;
        stream_script_ends(&connection.transport, (argument & 1) != 0 ? STATUS_OK : STATUS_SYSTEM);
    }
}

static void transport_takes(uint8_t argument) {
    connection.transport.room = (size_t)argument * 16;
}

static void transport_has_written(uint8_t argument) {
    bool has_failed = argument == UINT8_MAX;
    connection.is_spoilt |= has_failed;
    if (connection.transport.pending_count > 0 && !connection.transport.stream.closing) {
        stream_script_completes(&connection.transport, has_failed ? STATUS_CLOSED : STATUS_OK);
    }
}

static void transport_fails(uint8_t argument) {
    (void)argument;
    connection.transport.fails = connection.is_spoilt = true;
}

/* --- The server's owner --- */

static bool is_open(void) {
    return connection.peer.opens == 1 && !connection.peer.stream->closing;
}

static void server_writes(uint8_t argument) {
    size_t length = 1 + (size_t)argument * argument * argument % LONGEST_WRITE;
    char bytes[LONGEST_WRITE + 1];
    if (!is_open() || connection.has_server_ended || connection.server_sent + length > MOST_BYTES) {
        return;
    }
    fill(bytes, length, connection.server_sent);
    if (write_queue_append(&connection.peer.queue, slice_of(bytes, length)) == STATUS_OK) {
        connection.server_sent += length;
        (void)write_queue_flush(&connection.peer.queue);
    }
}

static void server_reads(uint8_t argument) {
    if (is_open() && (argument & 1) != 0) {
        (void)stream_read_start(connection.peer.stream);
    } else if (is_open()) {
        stream_read_stop(connection.peer.stream);
    }
}

static void server_ends(uint8_t argument) {
    (void)argument;
    if (is_open() && write_queue_size(&connection.peer.queue) == 0) {
        connection.has_server_ended = true;
        stream_end_writing(connection.peer.stream);
    }
}

/* Also within the handshake. */
static void server_closes(uint8_t argument) {
    connection.is_spoilt = true;
    if ((argument & 1) != 0) {
        stream_close(connection.peer.stream);
    } else {
        stream_reset(connection.peer.stream);
    }
}

static void loop_turns(uint8_t argument) {
    (void)argument;
    event_loop_turn(loop, 0);
}

static void allocation_fails(uint8_t argument) {
    connection.is_spoilt = true;
    memory_set_failure(1 + argument % 8);
}

static void (*const steps[])(uint8_t argument) = {
    client_goes_on,  client_writes,   client_updates_keys, client_renegotiates,
    client_ends,     some_arrives,    all_arrives,         bytes_arrive_singly,
    loop_turns,      byte_is_changed, bytes_are_lost,      arrives_behind_an_error_of_others,
    transport_ends,  transport_takes, transport_fails,     transport_has_written,
    server_writes,   server_reads,    server_ends,         server_closes,
    allocation_fails};

enum { STEPS = sizeof(steps) / sizeof(steps[0]), BYTES_ARRIVE = STEPS };

/* --- A run --- */

static void prepare(void) {
    struct pem_files pem;
    pem_make(&pem, "localhost", 30, NULL);
    context = context_of(&pem);
    pem_remove(&pem);
    client_context = SSL_CTX_new(TLS_client_method());
    loop = event_loop_new();
    transport_ops = stream_script_ops;
    transport_ops.read_start = read_start;
    transport_ops.read_stop = read_stop;
}

static void open_connection(enum settings settings) {
    memset(&connection, 0, sizeof(connection));
    stream_script_init(&connection.transport, loop);
    connection.transport.stream.ops = &transport_ops;
    connection.client = SSL_new(client_context);
    connection.to_client = BIO_new(BIO_s_mem());
    connection.from_client = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(connection.to_client, -1);
    SSL_set_bio(connection.client, connection.to_client, connection.from_client);
    SSL_set_connect_state(connection.client);
    if ((settings & IS_TLS_1_2) != 0) {
        SSL_set_max_proto_version(connection.client, TLS1_2_VERSION);
    }
    struct peer *peer = &connection.peer;
    peer->close_on_read = (settings & CLOSES_ON_READ) != 0;
    peer->reset_on_read = (settings & RESETS_ON_READ) != 0;
    peer->stop_on_read = (settings & STOPS_ON_READ) != 0;
    connection.is_spoilt = peer->close_on_read || peer->reset_on_read;
    require(buffer_reserve(&peer->received, MOST_BYTES) == STATUS_OK);
    peer->stream = tls_stream_new(&connection.transport.stream, context);
    require(peer->stream != NULL);
    write_queue_init(&peer->queue, peer->stream);
    stream_attach(peer->stream, &peer_events, peer);
    stream_open(peer->stream);
}

static bool has_settled(void) {
    return connection.peer.opens == 1 &&
           connection.peer.received.length == connection.client_sent &&
           connection.client_received == connection.server_sent &&
           connection.peer.ends == (connection.has_client_ended ? 1 : 0);
}

/* Until all has arrived; the end of a direction, too. */
static void settle(void) {
    for (int turns = 0; turns < MOST_TURNS && !has_settled(); turns++) {
        connection.transport.room = SIZE_MAX;
        transport_has_written(0);
        server_reads(1);
        let_client_go_on();
        all_arrives(0);
        event_loop_turn(loop, 0);
    }
}

static void close_connection(void) {
    struct peer *peer = &connection.peer;
    stream_close(peer->stream);
    stream_script_closed(&connection.transport);
    require(peer->closes == 1);
    buffer_release(&peer->received);
    record_clear(&connection.wire);
    SSL_free(connection.client);
    event_loop_turn(loop, 0);
    require(counters_alive(COUNTER_tls_streams) == 0 && counters_alive(COUNTER_frames) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0) {
        return 0;
    }
    if (loop == NULL) {
        prepare();
    }
    open_connection((enum settings)data[0]);
    for (size_t at = 1; at + 1 < size; at += 2) {
        uint8_t step = data[at] % (STEPS + 1), argument = data[at + 1];
        if (step != BYTES_ARRIVE) {
            steps[step](argument);
        } else if (argument > 0 && argument <= size - at - 2 && connection.is_reading) {
            connection.is_spoilt = true;
            deliver(slice_of((const char *)data + at + 2, argument));
            at += argument;
        }
        require(ERR_peek_error() == 0);
        check_owner();
    }
    memory_set_failure(0);
    if (!connection.is_spoilt) {
        settle();
        require(has_settled());
        check_owner();
    }
    close_connection();
    return 0;
}
