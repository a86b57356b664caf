/* Reads what a TLS connection has agreed on. */
#ifndef CASGI_TLS_TLS_SECURITY_H
#define CASGI_TLS_TLS_SECURITY_H

#include "net/stream_security.h"

/* struct ssl_st is OpenSSL's SSL. */
struct ssl_st;

/* As stream_describe_security(), of a connection whose handshake is done (*borrows*). */
int tls_security_describe(struct ssl_st *ssl, struct stream_security *security);

#endif
