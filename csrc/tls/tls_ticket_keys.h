/* The keys of session tickets (RFC 5077, RFC 8446 section 4.6.1): by them a client that comes back
 * resumes its session instead of shaking hands anew, at whichever process of the server it arrives.
 *
 * All keys follow from one secret, and each period has its own: when a period ends, the secret is
 * replaced by a hash of itself, so that who reads it learns nothing about tickets of the past.
 * Processes that were given the same secret at the same time agree for ever, without speaking to
 * each other. A ticket of the period before is still taken, and renewed. */
#ifndef CASGI_TLS_TLS_TICKET_KEYS_H
#define CASGI_TLS_TLS_TICKET_KEYS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* struct ssl_ctx_st is OpenSSL's SSL_CTX. */
struct ssl_ctx_st;

struct tls_ticket_keys;

enum { TLS_TICKET_SECRET_LENGTH = 32 };

/* Returns new keys, counted once, or NULL. `secret` (*borrows*) has TLS_TICKET_SECRET_LENGTH random
 * bytes; NULL makes a random one. */
struct tls_ticket_keys *tls_ticket_keys_new(const uint8_t *secret);

/* As above, of a secret that was new at `since`, seconds since 1970: whoever has the same two has
 * the same keys at any time. */
struct tls_ticket_keys *tls_ticket_keys_new_since(const uint8_t *secret, int64_t since);

/* Counts one more, and one fewer: the last frees them and wipes their memory. NULL is allowed. */
struct tls_ticket_keys *tls_ticket_keys_ref(struct tls_ticket_keys *keys);
void tls_ticket_keys_unref(struct tls_ticket_keys *keys);

/* Makes the tickets of `context` with these keys, which have to live as long as it. STATUS_OK, or
 * STATUS_NO_MEMORY. */
int tls_ticket_keys_install(struct tls_ticket_keys *keys, struct ssl_ctx_st *context);

#endif
