/* OpenSSL's way to a transport: ciphertext that comes and goes. OpenSSL does no I/O of its own; its
 * BIO takes from the bytes that the transport has just read, and gives straight to the transport's
 * socket. Only what one of them cannot take now is kept here: an idle one holds no memory.
 *
 * Ciphertext leaves in the order in which it was made: `sending`, which the transport's write has,
 * before `unsent`. Embedded in its owner, the tls_stream. */
#ifndef CASGI_TLS_TLS_BIO_H
#define CASGI_TLS_TLS_BIO_H

#include "base/buffer.h"
#include "net/stream.h"

/* OpenSSL's BIO and BIO_METHOD. */
struct bio_st;
struct bio_method_st;

struct tls_bio {
    struct stream *transport; /* borrowed */
    struct slice arriving;    /* what the transport gives just now; empty between its events */
    struct buffer unread;     /* what came while nobody took it */
    struct buffer unsent;
    struct buffer sending;
    bool is_dry; /* OpenSSL has asked for more than has arrived; the owner clears it */
};

/* Returns new method, which all BIOs of a tls_context share, or NULL. Freed with BIO_meth_free(),
 * after the last of them. */
struct bio_method_st *tls_bio_method_new(void);

/* Returns new BIO over `bio` (*borrows* both for its life), or NULL. */
struct bio_st *tls_bio_open(struct tls_bio *bio, struct bio_method_st *method);

/* `bytes` have arrived; *borrows* them until tls_bio_keep_rest(), which keeps what OpenSSL did not
 * take meanwhile. STATUS_OK, or STATUS_NO_MEMORY. */
int tls_bio_feed(struct tls_bio *bio, struct slice bytes);
int tls_bio_keep_rest(struct tls_bio *bio);

/* True while there is ciphertext that OpenSSL has not taken. */
static inline bool tls_bio_has_arrived(const struct tls_bio *bio) {
    return bio->arriving.length > 0 || bio->unread.length > 0;
}

/* True while ciphertext waits for the transport: nothing is to be encrypted then. */
static inline bool tls_bio_is_sending(const struct tls_bio *bio) {
    return bio->sending.length > 0 || bio->unsent.length > 0;
}

/* Hands what waits to the transport, whose on_written() is to be passed to tls_bio_on_written().
 * STATUS_OK, also when there is nothing to do; STATUS_CLOSED, STATUS_NO_MEMORY. */
int tls_bio_send(struct tls_bio *bio);
void tls_bio_on_written(struct tls_bio *bio);

/* Drops everything. Not before the transport is closed: it may still have `sending`. */
void tls_bio_release(struct tls_bio *bio);

#endif
