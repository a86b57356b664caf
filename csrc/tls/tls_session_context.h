/* Which sessions may be resumed: a ticket says that its client was let in, and is not asked again
 * by whom. So sessions are named after what lets clients in, and those of another name begin anew.
 */
#ifndef CASGI_TLS_TLS_SESSION_CONTEXT_H
#define CASGI_TLS_TLS_SESSION_CONTEXT_H

#include <stdbool.h>

#include "tls/tls_context.h"

/* struct ssl_ctx_st is OpenSSL's SSL_CTX. */
struct ssl_ctx_st;

/* Names the sessions of a context (*borrows* all): whether clients show certificates, and what
 * stands in the file, or the files of the folder, of those who may sign them. False when OpenSSL
 * fails. */
bool tls_session_context_set(struct ssl_ctx_st *context, enum tls_verify verify,
                             const char *ca_certs);

#endif
