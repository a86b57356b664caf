/* Certificates made on the spot, and a client of OpenSSL's own, for the tests of tls/. */
#ifndef CASGI_TESTS_TLS_SUPPORT_H
#define CASGI_TESTS_TLS_SUPPORT_H

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>

#include "net_support.h"
#include "tls/tls_stream.h"

struct pem_files {
    char folder[64];
    char certificate[96];
    char key[96];
};

/* Writes a certificate that signs itself, for the DNS name `host`, and its key, which is encrypted
 * when there is a password. `days` may be negative: it has expired then. */
static inline void pem_make(struct pem_files *files, const char *host, int days,
                            const char *password) {
    strcpy(files->folder, "/tmp/casgi-tls-XXXXXX");
    CHECK(mkdtemp(files->folder) != NULL);
    snprintf(files->certificate, sizeof(files->certificate), "%s/certificate.pem", files->folder);
    snprintf(files->key, sizeof(files->key), "%s/key.pem", files->folder);
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = X509_new();
    X509_set_version(certificate, X509_VERSION_3);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -100 * 86400L);
    X509_gmtime_adj(X509_getm_notAfter(certificate), days * 86400L);
    X509_set_pubkey(certificate, key);
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)host, -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    char alternative[128];
    snprintf(alternative, sizeof(alternative), "DNS:%s", host);
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, alternative);
    X509_add_ext(certificate, extension, -1);
    X509_EXTENSION_free(extension);
    CHECK(X509_sign(certificate, key, EVP_sha256()) > 0);
    FILE *file = fopen(files->certificate, "we");
    CHECK(PEM_write_X509(file, certificate) == 1);
    fclose(file);
    file = fopen(files->key, "we");
    CHECK(PEM_write_PrivateKey(file, key, password != NULL ? EVP_aes_128_cbc() : NULL, NULL, 0,
                               NULL, (void *)password) == 1);
    fclose(file);
    X509_free(certificate);
    EVP_PKEY_free(key);
}

static inline void pem_remove(struct pem_files *files) {
    unlink(files->certificate);
    unlink(files->key);
    rmdir(files->folder);
}

/* A context of one certificate without more. */
static inline struct tls_context *context_of(const struct pem_files *files) {
    struct tls_certificate certificate = {.certfile = files->certificate, .keyfile = files->key};
    struct tls_settings settings = {.certificates = &certificate, .certificate_count = 1};
    struct tls_ticket_keys *keys = tls_ticket_keys_new(NULL);
    struct tls_error error = {""};
    struct tls_context *context = tls_context_new(&settings, keys, &error);
    CHECK_ROW(context != NULL, error.text);
    tls_ticket_keys_unref(keys);
    return context;
}

/* A client that never blocks, whose handshake is driven with the turns of the loop. */
struct tls_client {
    SSL_CTX *context;
    SSL *ssl;
    int descriptor;
};

static inline void tls_client_open(struct tls_client *client, int descriptor,
                                   SSL_SESSION *session) {
    client->context = SSL_CTX_new(TLS_client_method());
    client->ssl = SSL_new(client->context);
    client->descriptor = descriptor;
    set_non_blocking(descriptor);
    SSL_set_fd(client->ssl, descriptor);
    SSL_set_connect_state(client->ssl);
    if (session != NULL) {
        CHECK(SSL_set_session(client->ssl, session) == 1);
    }
}

static inline void tls_client_close(struct tls_client *client) {
    SSL_free(client->ssl);
    SSL_CTX_free(client->context);
}

/* True once the handshake is done; asks again what OpenSSL wants. */
static inline bool tls_client_is_open(struct tls_client *client) {
    return SSL_is_init_finished(client->ssl) || SSL_do_handshake(client->ssl) == 1;
}

#endif
