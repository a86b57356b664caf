/* What a listener needs to speak TLS: a factory of its streams, with certificates that can be
 * changed meanwhile. Connections keep those that they began with; session tickets outlive every
 * change. */
#ifndef CASGI_TLS_TLS_ACCEPTOR_H
#define CASGI_TLS_TLS_ACCEPTOR_H

#include "net/stream.h"
#include "tls/tls_context.h"

struct tls_acceptor;

/* Returns new acceptor without certificates, or NULL. Its streams are around those of
 * `transports` (*borrows* for its life). */
struct tls_acceptor *tls_acceptor_new(const struct stream_factory *transports);

/* NULL is allowed. */
void tls_acceptor_free(struct tls_acceptor *acceptor);

/* Takes these settings (*borrows*) for the handshakes to come. STATUS_OK; STATUS_INVALID with
 * `error` filled in, everything being as before. */
int tls_acceptor_load(struct tls_acceptor *acceptor, const struct tls_settings *settings,
                      struct tls_error *error);

/* Lets its tickets be those of all who have the same secret (*borrows*, TLS_TICKET_SECRET_LENGTH
 * bytes), which was new at `since`, seconds since 1970. Before the first tls_acceptor_load().
 * STATUS_OK or STATUS_NO_MEMORY. */
int tls_acceptor_share_tickets(struct tls_acceptor *acceptor, const uint8_t *secret, int64_t since);

/* True after the first load. */
bool tls_acceptor_is_loaded(const struct tls_acceptor *acceptor);

/* Seconds until a certificate of the acceptor expires; negative when one has. After a load only. */
long long tls_acceptor_expires_in(const struct tls_acceptor *acceptor);

/* As tls_context_ocsp_expires_in(). After a load only. */
long long tls_acceptor_ocsp_expires_in(const struct tls_acceptor *acceptor);

/* Makes the streams of a listener: none without a certificate. *Borrowed* from the acceptor. */
const struct stream_factory *tls_acceptor_factory(const struct tls_acceptor *acceptor);

#endif
