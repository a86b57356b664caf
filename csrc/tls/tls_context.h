/* What the TLS connections of a server share: certificates with their keys, whom to trust, which
 * versions and ciphers, the keys of tickets. Made from files, never changed: new files make a new
 * context, and a handshake keeps the one that it began with. */
#ifndef CASGI_TLS_TLS_CONTEXT_H
#define CASGI_TLS_TLS_CONTEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "tls/tls_error.h"
#include "tls/tls_ocsp.h"
#include "tls/tls_ticket_keys.h"

/* struct ssl_st is OpenSSL's SSL. */
struct ssl_st;

struct tls_context;
struct tls_bio;

/* One certificate with its chain and key, as files in PEM. */
struct tls_certificate {
    const char *certfile;
    const char *keyfile;   /* NULL: in certfile too */
    const char *password;  /* of an encrypted key; NULL: none */
    const char *chainfile; /* certificates up to a root; NULL: in certfile too, or none */
};

/* Whether a client has to show a certificate: the values of ssl.CERT_NONE and its like. */
enum tls_verify { TLS_VERIFY_NONE, TLS_VERIFY_OPTIONAL, TLS_VERIFY_REQUIRED };

/* All texts are *borrowed* for the call. */
struct tls_settings {
    /* At least one. A client that names a host (SNI, RFC 6066 section 3) gets the first that is
     * valid for it, any other client the first of all. */
    const struct tls_certificate *certificates;
    size_t certificate_count;
    const char
        *ca_certs; /* file or folder of those who may sign clients' certificates; NULL: none */
    const char *ciphers;           /* of TLS 1.2, in OpenSSL's words; NULL: its own choice */
    const char *const *ocsp_files; /* responses to staple, each about one of the certificates */
    size_t ocsp_count;
    enum tls_verify verify;
    bool needs_tls_1_3; /* refuses 1.2 */
    bool has_http2;     /* offers it by ALPN, before HTTP/1.1 */
};

/* Returns new context, counted once, or NULL with `error` filled in. *Keeps* `keys` until the
 * context is freed. */
struct tls_context *tls_context_new(const struct tls_settings *settings,
                                    struct tls_ticket_keys *keys, struct tls_error *error);

/* Counts one more, and one fewer: the last frees it. NULL is allowed. */
struct tls_context *tls_context_ref(struct tls_context *context);
void tls_context_unref(struct tls_context *context);

/* Returns new server side of a connection (an SSL) over `bio`, or NULL. *Borrows* both for its
 * life. */
struct ssl_st *tls_context_accept(struct tls_context *context, struct tls_bio *bio);

/* Seconds until the first of its certificates expires; negative when one has. */
long long tls_context_expires_in(const struct tls_context *context);

/* Seconds until the first of the stapled responses is out of date, negative when one is;
 * TLS_OCSP_NEVER without any. */
long long tls_context_ocsp_expires_in(const struct tls_context *context);

#endif
