/* Ciphertext between OpenSSL and a transport. Owns the buffers; never closes the transport, and
 * notifies nobody. */
#include "tls/tls_bio.h"

#include <openssl/bio.h>

/* --- OpenSSL's side: BIO_meth_new(3) --- */

static int take(BIO *handle, char *room, int size) {
    struct tls_bio *bio = BIO_get_data(handle);
    BIO_clear_retry_flags(handle);
    bool is_unread = bio->unread.length > 0;
    struct slice source = is_unread ? buffer_slice(&bio->unread) : bio->arriving;
    if (source.length == 0) {
        bio->is_dry = true;
        BIO_set_retry_read(handle);
        return -1;
    }
    size_t length = source.length < (size_t)size ? source.length : (size_t)size;
    memcpy(room, source.data, length);
    if (is_unread) {
        buffer_consume(&bio->unread, length);
    } else {
        bio->arriving = slice_without_front(source, length);
    }
    return (int)length;
}

static int give(BIO *handle, const char *bytes, int size) {
    struct tls_bio *bio = BIO_get_data(handle);
    BIO_clear_retry_flags(handle);
    struct slice rest = slice_of(bytes, (size_t)size);
    if (!tls_bio_is_sending(bio)) {
        ssize_t taken = stream_try_write(bio->transport, &rest, 1);
        if (taken < 0) {
            return -1;
        }
        rest = slice_without_front(rest, (size_t)taken);
    }
    return buffer_append(&bio->unsent, rest) == STATUS_OK ? size : -1;
}

static long control(BIO *handle, int command, long number, void *pointer) {
    (void)handle;
    (void)number;
    (void)pointer;
    return command == BIO_CTRL_FLUSH; /* what could be sent was sent at once */
}

/* Without a number of its own: OpenSSL has 128 for the whole process, and each new set of
 * certificates would take one. Nobody looks for this BIO by its type. */
BIO_METHOD *tls_bio_method_new(void) {
    BIO_METHOD *method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "casgi stream");
    if (method != NULL) {
        BIO_meth_set_read(method, take);
        BIO_meth_set_write(method, give);
        BIO_meth_set_ctrl(method, control);
    }
    return method;
}

BIO *tls_bio_open(struct tls_bio *bio, BIO_METHOD *method) {
    BIO *handle = BIO_new(method);
    if (handle != NULL) {
        BIO_set_data(handle, bio);
        BIO_set_init(handle, 1);
    }
    return handle;
}

/* --- The transport's side --- */

int tls_bio_feed(struct tls_bio *bio, struct slice bytes) {
    if (bio->unread.length > 0) {
        return buffer_append(&bio->unread, bytes);
    }
    bio->arriving = bytes;
    return STATUS_OK;
}

int tls_bio_keep_rest(struct tls_bio *bio) {
    int status = buffer_append(&bio->unread, bio->arriving);
    bio->arriving = SLICE_EMPTY;
    if (bio->unread.length == 0) {
        buffer_release(&bio->unread);
    }
    return status;
}

int tls_bio_send(struct tls_bio *bio) {
    if (bio->unsent.length == 0 || bio->sending.length > 0) {
        return STATUS_OK;
    }
    struct slice part = buffer_slice(&bio->unsent);
    int status = stream_write(bio->transport, &part, 1);
    if (status == STATUS_OK) {
        bio->sending = bio->unsent;
        bio->unsent = BUFFER_EMPTY;
    }
    return status;
}

void tls_bio_on_written(struct tls_bio *bio) {
    buffer_release(&bio->sending);
}

void tls_bio_release(struct tls_bio *bio) {
    buffer_release(&bio->unread);
    buffer_release(&bio->unsent);
    buffer_release(&bio->sending);
}
