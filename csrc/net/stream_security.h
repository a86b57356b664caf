/* What the two ends of an encrypted stream have agreed on, and who they say they are. Plain data,
 * filled in by the stream when somebody asks. */
#ifndef CASGI_NET_STREAM_SECURITY_H
#define CASGI_NET_STREAM_SECURITY_H

#include <stdint.h>

#include "base/buffer.h"

struct stream_security {
    uint16_t version;                  /* of TLS, as on the wire: 0x0303, 0x0304 */
    uint16_t cipher_suite;             /* its number at IANA */
    struct buffer server_certificate;  /* PEM */
    struct buffer client_certificates; /* PEM, each behind the one that it has signed and a NUL;
                                          empty when the client has shown none */
    struct buffer client_name;         /* the subject, as RFC 4514 writes it */
};

/* Frees the texts. */
static inline void stream_security_release(struct stream_security *security) {
    buffer_release(&security->server_certificate);
    buffer_release(&security->client_certificates);
    buffer_release(&security->client_name);
}

#endif
