/* OCSP stapling (RFC 6066 section 8): with its certificate a client that asks gets what the
 * certificate's authority says of it, from a file that somebody else keeps fresh. */
#ifndef CASGI_TLS_TLS_OCSP_H
#define CASGI_TLS_TLS_OCSP_H

#include <limits.h>
#include <stddef.h>

#include "tls/tls_error.h"

/* struct ssl_ctx_st is OpenSSL's SSL_CTX. */
struct ssl_ctx_st;

/* Reads the response in the file `path` (DER, RFC 6960 section 4.2.1) and gives it to those of the
 * contexts whose certificate it is about, in the place of another one. It is sent until it is out
 * of date. False with `error` filled in: no response, one that says anything but good, or about
 * another certificate. The authority's signature is for the clients to check. */
bool tls_ocsp_load(struct ssl_ctx_st *const *contexts, size_t count, const char *path,
                   struct tls_error *error);

/* Takes a context's response away, if it has one. Before the context is freed. */
void tls_ocsp_remove(struct ssl_ctx_st *context);

#define TLS_OCSP_NEVER LLONG_MAX

/* Lowers *seconds to those until a context's response is out of date, negative when it is. Nothing
 * without one, or one that says no time. */
void tls_ocsp_expires_in(struct ssl_ctx_st *context, long long *seconds);

#endif
