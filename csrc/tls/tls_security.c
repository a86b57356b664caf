/* From OpenSSL's certificates to text. Holds nothing. */
#include "tls/tls_security.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

/* As RFC 4514, in UTF-8: OpenSSL would escape what is not ASCII. */
enum { NAME_FLAGS = XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB };

/* Appends what was written to `memory` (*takes*; NULL: there was none). */
static int take_text(BIO *memory, bool is_written, struct buffer *text) {
    char *data = NULL;
    long length = memory != NULL && is_written ? BIO_get_mem_data(memory, &data) : -1;
    int status =
        length < 0 ? STATUS_NO_MEMORY : buffer_append(text, slice_of(data, (size_t)length));
    BIO_free(memory);
    ERR_clear_error();
    return status;
}

static int append_certificate(X509 *certificate, struct buffer *text) {
    BIO *memory = BIO_new(BIO_s_mem());
    bool is_written = memory != NULL && PEM_write_bio_X509(memory, certificate) == 1;
    return take_text(memory, is_written, text);
}

static int append_name(const X509 *certificate, struct buffer *text) {
    BIO *memory = BIO_new(BIO_s_mem());
    const X509_NAME *name = X509_get_subject_name(certificate);
    bool is_written = memory != NULL && X509_NAME_print_ex(memory, name, 0, NAME_FLAGS) >= 0;
    return take_text(memory, is_written, text);
}

static int append_client_certificate(X509 *certificate, struct stream_security *security) {
    int status = append_certificate(certificate, &security->client_certificates);
    return status != STATUS_OK ? status
                               : buffer_append(&security->client_certificates, slice_of("", 1));
}

/* OpenSSL leaves the client's own certificate out of the chain that the client has sent, and the
 * chain out of a session that is resumed. */
static int describe_client(const SSL *ssl, struct stream_security *security) {
    X509 *certificate = SSL_get0_peer_certificate(ssl);
    if (certificate == NULL) {
        return STATUS_OK;
    }
    int status = append_name(certificate, &security->client_name);
    if (status == STATUS_OK) {
        status = append_client_certificate(certificate, security);
    }
    STACK_OF(X509) *chain = SSL_get_peer_cert_chain(ssl);
    for (int i = 0; status == STATUS_OK && i < sk_X509_num(chain); i++) {
        status = append_client_certificate(sk_X509_value(chain, i), security);
    }
    return status;
}

int tls_security_describe(SSL *ssl, struct stream_security *security) {
    security->version = (uint16_t)SSL_version(ssl);
    security->cipher_suite = SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl));
    X509 *certificate = SSL_get_certificate(ssl);
    int status = certificate == NULL
                     ? STATUS_OK
                     : append_certificate(certificate, &security->server_certificate);
    return status != STATUS_OK ? status : describe_client(ssl, security);
}
