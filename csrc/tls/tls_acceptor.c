/* TLS for a listener. Owns the ticket keys, and a reference to the context that the next handshake
 * will use. */
#include "tls/tls_acceptor.h"

#include "base/memory.h"
#include "tls/tls_stream.h"

struct tls_acceptor {
    struct stream_factory factory;
    const struct stream_factory *transports;
    struct tls_ticket_keys *keys;
    struct tls_context *context; /* NULL before the first load */
};

/* Nobody listens before the first load. */
static struct stream *make(const struct stream_factory *factory, struct event_loop *loop,
                           int family, int descriptor) {
    const struct tls_acceptor *acceptor = (const struct tls_acceptor *)factory;
    struct stream *transport =
        acceptor->transports->make(acceptor->transports, loop, family, descriptor);
    return transport != NULL ? tls_stream_new(transport, acceptor->context) : NULL;
}

struct tls_acceptor *tls_acceptor_new(const struct stream_factory *transports) {
    struct tls_acceptor *acceptor = memory_allocate_zeroed(sizeof(*acceptor));
    if (acceptor == NULL) {
        return NULL;
    }
    acceptor->factory.make = make;
    acceptor->transports = transports;
    acceptor->keys = tls_ticket_keys_new(NULL);
    if (acceptor->keys == NULL) {
        tls_acceptor_free(acceptor);
        return NULL;
    }
    return acceptor;
}

void tls_acceptor_free(struct tls_acceptor *acceptor) {
    if (acceptor != NULL) {
        tls_context_unref(acceptor->context);
        tls_ticket_keys_unref(acceptor->keys);
        memory_free(acceptor);
    }
}

int tls_acceptor_load(struct tls_acceptor *acceptor, const struct tls_settings *settings,
                      struct tls_error *error) {
    struct tls_context *context = tls_context_new(settings, acceptor->keys, error);
    if (context == NULL) {
        return STATUS_INVALID;
    }
    tls_context_unref(acceptor->context);
    acceptor->context = context;
    return STATUS_OK;
}

int tls_acceptor_share_tickets(struct tls_acceptor *acceptor, const uint8_t *secret,
                               int64_t since) {
    struct tls_ticket_keys *keys = tls_ticket_keys_new_since(secret, since);
    if (keys == NULL) {
        return STATUS_NO_MEMORY;
    }
    tls_ticket_keys_unref(acceptor->keys);
    acceptor->keys = keys;
    return STATUS_OK;
}

bool tls_acceptor_is_loaded(const struct tls_acceptor *acceptor) {
    return acceptor->context != NULL;
}

long long tls_acceptor_expires_in(const struct tls_acceptor *acceptor) {
    return tls_context_expires_in(acceptor->context);
}

long long tls_acceptor_ocsp_expires_in(const struct tls_acceptor *acceptor) {
    return tls_context_ocsp_expires_in(acceptor->context);
}

const struct stream_factory *tls_acceptor_factory(const struct tls_acceptor *acceptor) {
    return &acceptor->factory;
}
