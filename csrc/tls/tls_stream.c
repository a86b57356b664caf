/* TLS as a stream around a stream. Owns the transport, OpenSSL's connection and the ciphertext that
 * one of them has not taken; frees itself after on_closed().
 *
 *   HANDSHAKE --on_open--> OPEN --close_notify, the transport's end, a failure--> ENDED
 *
 * ENDED says that nothing more is read; writing has its own end. Plaintext is encrypted only while
 * no ciphertext waits, so that back-pressure passes through. A byte counts as written once it is
 * encrypted: of what counts, one record at most waits, and is_sending says so.
 *
 * OpenSSL's queue of errors is the thread's, and the application's own TLS looks at it, too: no
 * call from here leaves anything there, and what others have left is not looked at. */
#include "tls/tls_stream.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/counters.h"
#include "base/limits.h"
#include "base/memory.h"
#include "tls/tls_bio.h"
#include "tls/tls_plaintext.h"
#include "tls/tls_security.h"

enum tls_state { TLS_HANDSHAKE, TLS_OPEN, TLS_ENDED };

struct tls_stream {
    struct stream stream;
    struct stream *transport;
    struct tls_context *context;
    SSL *ssl;
    struct tls_bio bio;
    struct slice *writing;          /* the parts of the stream_write() under way; NULL: none */
    struct tls_plaintext plaintext; /* of it */
    struct deferred deferred; /* goes on with reading or writing, not inside who asked for it */
    unsigned handshake_steps; /* messages of both ends: the handshake's, updates of keys */
    enum tls_state state;
    int transport_end; /* the status of the transport's end */
    bool has_transport_ended;
    bool has_peer_ended; /* it has said so: close_notify */
    char first;        /* byte that came: a letter begins a request, and no record; NUL: none yet */
    bool is_reading;   /* the owner wants bytes */
    bool ends_writing; /* close_notify was made; FIN follows the last ciphertext */
};

static struct tls_stream *tls_of(struct stream *stream) {
    return (struct tls_stream *)stream;
}

static int send_ciphertext(struct tls_stream *tls) {
    int status = tls_bio_send(&tls->bio);
    tls->stream.is_sending = tls_bio_is_sending(&tls->bio);
    if (status == STATUS_OK && tls->ends_writing && !tls->stream.is_sending) {
        stream_end_writing(tls->transport);
    }
    return status;
}

/* --- Reading --- */

/* Nothing more will be read. */
static void end_reading(struct tls_stream *tls, int status) {
    tls->state = TLS_ENDED;
    (void)send_ciphertext(tls); /* OpenSSL may have made an alert */
    stream_read_stop(tls->transport);
    tls->stream.events->on_read_end(tls->stream.owner, status);
}

/* The last call to OpenSSL gave nothing: waits for more, or ends. Its queue of errors is not asked:
 * all users of OpenSSL on this thread share it. */
static void look_why(struct tls_stream *tls) {
    if (tls->has_peer_ended) {
        end_reading(tls, STATUS_OK);
    } else if (!tls->bio.is_dry) {
        end_reading(tls, STATUS_SYSTEM);
    } else if (tls->has_transport_ended) {
        /* Many clients leave without close_notify; a request that is cut is noticed by its length.
         */
        end_reading(tls, tls->state == TLS_OPEN ? tls->transport_end : STATUS_SYSTEM);
    }
}

/* Says why there is no handshake, as far as the peer did anything wrong: the transport knows when
 * none could begin. OpenSSL recognises only some methods of HTTP. */
static void explain(struct tls_stream *tls) {
    unsigned long error = ERR_peek_error();
    bool is_text = slice_lower(tls->first) >= 'a' && slice_lower(tls->first) <= 'z';
    if (tls->transport->failure != NULL) {
        tls->stream.failure = tls->transport->failure;
    } else if (is_text && error != 0) {
        struct slice answer = SLICE_LITERAL("HTTP/1.1 400 Bad Request\r\n"
                                            "Content-Type: text/plain\r\nConnection: close\r\n\r\n"
                                            "This port speaks TLS: say https:// or wss://\n");
        tls->stream.failure = "a client spoke plain HTTP on a port that speaks HTTPS";
        (void)stream_try_write(tls->transport, &answer, 1);
    } else {
        tls->stream.failure = ERR_reason_error_string(error);
    }
}

static void shake_hands(struct tls_stream *tls) {
    ERR_clear_error();
    tls->bio.is_dry = false;
    bool is_done = SSL_do_handshake(tls->ssl) == 1;
    if (!is_done) {
        explain(tls);
    }
    ERR_clear_error(); /* also of tickets and names that are not ours */
    if (!is_done) {
        look_why(tls);
        return;
    }
    tls->state = TLS_OPEN;
    const unsigned char *protocol;
    unsigned length;
    SSL_get0_alpn_selected(tls->ssl, &protocol, &length);
    tls->stream.protocol = slice_of((const char *)protocol, length);
    tls->stream.events->on_open(tls->stream.owner);
}

/* What brings nothing: updates of keys, and messages to answer to a peer that does not read. */
static bool is_flooding(const struct tls_stream *tls) {
    return tls->handshake_steps > LIMIT_TLS_HANDSHAKE_STEPS ||
           tls->bio.unsent.length > LIMIT_TLS_UNSENT;
}

/* Whether OpenSSL has anything to read, be it the end: a call in vain takes a buffer and gives it
 * back. */
static bool has_input(const struct tls_stream *tls) {
    return tls_bio_has_arrived(&tls->bio) || tls->has_transport_ended || SSL_has_pending(tls->ssl);
}

static void read_records(struct tls_stream *tls) {
    char plain[TLS_RECORD_SIZE];
    while (tls->state == TLS_OPEN && tls->is_reading && !tls->stream.closing && has_input(tls)) {
        size_t length;
        tls->bio.is_dry = false;
        bool is_read = SSL_read_ex(tls->ssl, plain, sizeof(plain), &length) == 1;
        if (!is_read) {
            ERR_clear_error();
        }
        if (is_flooding(tls)) {
            end_reading(tls, STATUS_SYSTEM);
        } else if (is_read) {
            tls->stream.events->on_read(tls->stream.owner, slice_of(plain, length));
        } else {
            look_why(tls);
            return;
        }
    }
}

/* Takes what has arrived as far as anybody wants it. */
static void go_on_reading(struct tls_stream *tls) {
    if (tls->state == TLS_HANDSHAKE) {
        shake_hands(tls);
    }
    read_records(tls);
    if (!tls->stream.closing && send_ciphertext(tls) != STATUS_OK && tls->state != TLS_ENDED) {
        end_reading(tls, STATUS_SYSTEM);
    }
}

/* The handshake begins with the client's first bytes. */
static void on_transport_open(void *owner) {
    struct tls_stream *tls = owner;
    if (stream_read_start(tls->transport) != STATUS_OK) {
        end_reading(tls, STATUS_SYSTEM);
    }
}

static void on_transport_identified(void *owner) {
    stream_identified(&((struct tls_stream *)owner)->stream);
}

static void on_transport_read(void *owner, struct slice bytes) {
    struct tls_stream *tls = owner;
    if (tls->first == '\0' && bytes.length > 0) {
        tls->first = bytes.data[0];
    }
    int status = tls_bio_feed(&tls->bio, bytes);
    if (status == STATUS_OK) {
        go_on_reading(tls);
        status = tls_bio_keep_rest(&tls->bio);
    }
    if (status != STATUS_OK && tls->state != TLS_ENDED && !tls->stream.closing) {
        end_reading(tls, STATUS_SYSTEM);
    }
}

static void on_transport_end(void *owner, int status) {
    struct tls_stream *tls = owner;
    tls->has_transport_ended = true;
    tls->transport_end = status;
    go_on_reading(tls);
}

static void open_stream(struct stream *stream) {
    stream_open(tls_of(stream)->transport);
}

static int read_start(struct stream *stream) {
    struct tls_stream *tls = tls_of(stream);
    if (!tls->is_reading) {
        tls->is_reading = true;
        event_loop_defer(stream->loop, &tls->deferred); /* for what was decrypted or came before */
    }
    return tls->state == TLS_ENDED ? STATUS_OK : stream_read_start(tls->transport);
}

static void read_stop(struct stream *stream) {
    struct tls_stream *tls = tls_of(stream);
    tls->is_reading = false;
    stream_read_stop(tls->transport);
}

/* --- Writing --- */

/* Encrypts until the transport takes no more; the records leave together. Returns the bytes that it
 * took, or STATUS_CLOSED. */
static ssize_t encrypt(struct tls_stream *tls, struct tls_plaintext *plaintext) {
    char room[TLS_RECORD_SIZE];
    ssize_t taken = 0;
    if (tls->state == TLS_HANDSHAKE) {
        return STATUS_CLOSED;
    }
    while (!tls_plaintext_is_used_up(plaintext) && !tls_bio_is_sending(&tls->bio)) {
        struct slice record = tls_plaintext_next(plaintext, room);
        size_t written;
        tls->transport->has_more = tls->stream.has_more || !tls_plaintext_is_used_up(plaintext);
        bool is_written =
            record.length == 0 || SSL_write_ex(tls->ssl, record.data, record.length, &written) == 1;
        tls->transport->has_more = false;
        if (!is_written) {
            ERR_clear_error();
            return STATUS_CLOSED;
        }
        taken += (ssize_t)record.length;
    }
    return send_ciphertext(tls) == STATUS_OK ? taken : STATUS_CLOSED;
}

static ssize_t try_write(struct stream *stream, const struct slice *parts, unsigned count) {
    struct tls_plaintext plaintext = {.parts = parts, .count = count};
    return encrypt(tls_of(stream), &plaintext);
}

static int write_parts(struct stream *stream, const struct slice *parts, unsigned count) {
    struct tls_stream *tls = tls_of(stream);
    tls->writing = memory_allocate(count * sizeof(*parts));
    if (tls->writing == NULL) {
        return STATUS_NO_MEMORY;
    }
    memcpy(tls->writing, parts, count * sizeof(*parts));
    tls->plaintext = (struct tls_plaintext){.parts = tls->writing, .count = count};
    if (!tls_bio_is_sending(&tls->bio)) {
        event_loop_defer(stream->loop, &tls->deferred);
    }
    return STATUS_OK;
}

static void go_on_writing(struct tls_stream *tls) {
    if (tls->writing == NULL || tls->stream.closing) {
        return;
    }
    bool has_failed = encrypt(tls, &tls->plaintext) < 0;
    if (has_failed ||
        (tls_plaintext_is_used_up(&tls->plaintext) && !tls_bio_is_sending(&tls->bio))) {
        memory_free(tls->writing);
        tls->writing = NULL;
        tls->stream.events->on_written(tls->stream.owner, has_failed ? STATUS_CLOSED : STATUS_OK);
    }
}

static void on_transport_written(void *owner, int status) {
    struct tls_stream *tls = owner;
    tls_bio_on_written(&tls->bio);
    if (status != STATUS_OK || send_ciphertext(tls) != STATUS_OK) {
        tls->stream.events->on_written(tls->stream.owner, STATUS_CLOSED);
    } else if (tls->writing != NULL) {
        go_on_writing(tls);
    } else if (tls->state != TLS_HANDSHAKE && !tls->stream.is_sending) {
        tls->stream.events->on_written(tls->stream.owner, STATUS_OK);
    }
}

static void end_writing(struct stream *stream) {
    struct tls_stream *tls = tls_of(stream);
    if (!tls->ends_writing) {
        tls->ends_writing = true;
        (void)SSL_shutdown(tls->ssl); /* makes close_notify; nobody waits for the peer's */
        ERR_clear_error();            /* it is one to shut down within the handshake */
        (void)send_ciphertext(tls);
    }
}

static void go_on(struct deferred *deferred) {
    struct tls_stream *tls = LIST_OBJECT(deferred, struct tls_stream, deferred);
    event_loop_wake(tls->stream.loop);
    if (!tls->stream.closing) {
        go_on_reading(tls);
    }
    go_on_writing(tls);
}

/* --- Its life --- */

static void free_tls(struct tls_stream *tls) {
    deferred_cancel(&tls->deferred);
    SSL_free(tls->ssl);
    tls_bio_release(&tls->bio);
    tls_context_unref(tls->context);
    memory_free(tls->writing);
    memory_free(tls);
    counters_closed(COUNTER_tls_streams);
}

static void on_transport_closed(void *owner) {
    struct tls_stream *tls = owner;
    if (tls->stream.events != NULL) {
        tls->stream.events->on_closed(tls->stream.owner);
    }
    free_tls(tls);
}

static const struct stream_events transport_events = {
    .on_open = on_transport_open,
    .on_read = on_transport_read,
    .on_read_end = on_transport_end,
    .on_written = on_transport_written,
    .on_closed = on_transport_closed,
    .on_identified = on_transport_identified,
};

static void close_stream(struct stream *stream) {
    deferred_cancel(&tls_of(stream)->deferred);
    stream_close(tls_of(stream)->transport);
}

static void reset(struct stream *stream) {
    deferred_cancel(&tls_of(stream)->deferred);
    stream_reset(tls_of(stream)->transport);
}

/* In ciphertext: of a record that is half taken, the plaintext would say nothing. */
static uint64_t progress(const struct stream *stream) {
    return stream_progress(((const struct tls_stream *)stream)->transport);
}

static void peer_address(struct stream *stream, struct address *address) {
    stream_peer_address(tls_of(stream)->transport, address);
}

static void local_address(struct stream *stream, struct address *address) {
    stream_local_address(tls_of(stream)->transport, address);
}

static int describe_security(struct stream *stream, struct stream_security *security) {
    return tls_security_describe(tls_of(stream)->ssl, security);
}

static const struct stream_ops tls_stream_ops = {
    .open = open_stream,
    .read_start = read_start,
    .read_stop = read_stop,
    .try_write = try_write,
    .write = write_parts,
    .end_writing = end_writing,
    .close = close_stream,
    .reset = reset,
    .progress = progress,
    .peer_address = peer_address,
    .local_address = local_address,
    .describe_security = describe_security,
};

/* What OpenSSL does besides reading and writing. */
static void on_information(const SSL *ssl, int where, int value) {
    struct tls_stream *tls = SSL_get_app_data(ssl);
    if ((where & SSL_CB_LOOP) != 0) {
        tls->handshake_steps++;
    } else if (where == SSL_CB_READ_ALERT) {
        tls->has_peer_ended |= (value & UINT8_MAX) == SSL_AD_CLOSE_NOTIFY;
    }
}

static void on_unowned_closed(void *owner) {
    (void)owner;
}

/* For a transport that there is no memory to wrap. */
static const struct stream_events unowned_events = {.on_closed = on_unowned_closed};

static struct stream *give_up(struct stream *transport) {
    stream_attach(transport, &unowned_events, NULL);
    stream_close(transport);
    return NULL;
}

struct stream *tls_stream_new(struct stream *transport, struct tls_context *context) {
    struct tls_stream *tls = memory_allocate_zeroed(sizeof(*tls));
    if (tls == NULL) {
        return give_up(transport);
    }
    counters_opened(COUNTER_tls_streams);
    tls->stream.ops = &tls_stream_ops;
    tls->stream.loop = transport->loop;
    tls->stream.is_secure = true;
    tls->stream.is_relayed = transport->is_relayed;
    tls->transport = transport;
    tls->context = tls_context_ref(context);
    tls->bio.transport = transport;
    deferred_init(&tls->deferred, go_on);
    tls->ssl = tls_context_accept(context, &tls->bio);
    if (tls->ssl == NULL || SSL_set_app_data(tls->ssl, tls) != 1) {
        ERR_clear_error();
        free_tls(tls);
        return give_up(transport);
    }
    SSL_set_info_callback(tls->ssl, on_information);
    stream_attach(transport, &transport_events, tls);
    return &tls->stream;
}
