/* A context is one SSL_CTX for each certificate; they differ in nothing else. Owns them, and a
 * reference to the keys of tickets. */
#include "tls/tls_context.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/memory.h"
#include "tls/tls_bio.h"
#include "tls/tls_session_context.h"

struct tls_context {
    unsigned references;
    struct tls_ticket_keys *keys;
    BIO_METHOD *bio_method;
    bool has_http2;
    size_t count;
    SSL_CTX *contexts[]; /* one for each certificate */
};

/* RFC 7301: what may be spoken here, each name behind its length, what is preferred first. Without
 * HTTP/2 the list begins behind it. */
static const unsigned char PROTOCOLS[] = "\x02h2\x08http/1.1";
enum { HTTP2_NAME = sizeof("\x02h2") - 1 };

/* --- Loading --- */

struct password {
    const char *text;
    bool was_asked;
};

static int give_password(char *room, int size, int is_writing, void *data) {
    (void)is_writing;
    struct password *password = data;
    password->was_asked = true;
    int length = password->text != NULL ? (int)strlen(password->text) : 0;
    if (length == 0 || length > size) {
        return -1;
    }
    memcpy(room, password->text, (size_t)length);
    return length;
}

static bool load_key(SSL_CTX *context, const struct tls_certificate *certificate,
                     struct tls_error *error) {
    const char *path = certificate->keyfile != NULL ? certificate->keyfile : certificate->certfile;
    struct password password = {.text = certificate->password};
    SSL_CTX_set_default_passwd_cb(context, give_password);
    SSL_CTX_set_default_passwd_cb_userdata(context, &password);
    bool is_loaded = SSL_CTX_use_PrivateKey_file(context, path, SSL_FILETYPE_PEM) == 1;
    SSL_CTX_set_default_passwd_cb(context, NULL);
    SSL_CTX_set_default_passwd_cb_userdata(context, NULL);
    if (is_loaded) {
        return true;
    }
    if (password.was_asked && password.text == NULL) {
        return tls_error_set(
            error, "ssl_keyfile: the key in %s is encrypted: give ssl_keyfile_password", path);
    }
    if (password.was_asked) {
        return tls_error_set(error, "ssl_keyfile_password: it does not open the key in %s", path);
    }
    if (ERR_GET_REASON(ERR_peek_last_error()) == X509_R_KEY_VALUES_MISMATCH) {
        return tls_error_set(error,
                             "ssl_keyfile: the key in %s is not that of the certificate in %s",
                             path, certificate->certfile);
    }
    return tls_error_set(error, "ssl_keyfile: there is no private key in %s (PEM): %s", path,
                         tls_error_reason());
}

static bool load_chain(SSL_CTX *context, const char *path, struct tls_error *error) {
    if (!tls_error_check_readable(error, "extraCertChain", path)) {
        return false;
    }
    BIO *file = BIO_new_file(path, "r");
    X509 *certificate;
    int count = 0;
    bool is_taken = true;
    while (is_taken && (certificate = PEM_read_bio_X509(file, NULL, NULL, NULL)) != NULL) {
        is_taken = SSL_CTX_add0_chain_cert(context, certificate) == 1;
        count++;
    }
    BIO_free(file);
    ERR_clear_error(); /* that there is no further one */
    return (is_taken && count > 0) ||
           tls_error_set(error, "extraCertChain: there is no certificate in %s (PEM)", path);
}

static bool load_certificate(SSL_CTX *context, const struct tls_certificate *certificate,
                             struct tls_error *error) {
    if (!tls_error_check_readable(error, "ssl_certfile", certificate->certfile) ||
        (certificate->keyfile != NULL &&
         !tls_error_check_readable(error, "ssl_keyfile", certificate->keyfile))) {
        return false;
    }
    if (SSL_CTX_use_certificate_chain_file(context, certificate->certfile) != 1) {
        return tls_error_set(error, "ssl_certfile: there is no certificate in %s (PEM): %s",
                             certificate->certfile, tls_error_reason());
    }
    return load_key(context, certificate, error) &&
           (certificate->chainfile == NULL || load_chain(context, certificate->chainfile, error));
}

/* Who may sign clients' certificates, and their names, which the clients are shown. */
static bool load_authorities(SSL_CTX *context, const char *path, struct tls_error *error) {
    struct stat found;
    if (stat(path, &found) != 0) {
        return tls_error_set(error, "ssl_ca_certs: cannot read %s: %s", path, strerror(errno));
    }
    bool is_folder = S_ISDIR(found.st_mode);
    if (!is_folder && !tls_error_check_readable(error, "ssl_ca_certs", path)) {
        return false;
    }
    STACK_OF(X509_NAME) *names =
        is_folder ? sk_X509_NAME_new_null() : SSL_load_client_CA_file(path);
    bool is_loaded =
        names != NULL && (!is_folder || SSL_add_dir_cert_subjects_to_stack(names, path) == 1) &&
        SSL_CTX_load_verify_locations(context, is_folder ? NULL : path, is_folder ? path : NULL) ==
            1;
    if (!is_loaded) {
        sk_X509_NAME_pop_free(names, X509_NAME_free);
        return tls_error_set(error, "ssl_ca_certs: there is no certificate in %s (PEM): %s", path,
                             tls_error_reason());
    }
    SSL_CTX_set_client_CA_list(context, names); /* takes them */
    return true;
}

static bool set_verification(SSL_CTX *context, const struct tls_settings *settings,
                             struct tls_error *error) {
    static const int modes[] = {
        [TLS_VERIFY_NONE] = SSL_VERIFY_NONE,
        [TLS_VERIFY_OPTIONAL] = SSL_VERIFY_PEER,
        [TLS_VERIFY_REQUIRED] = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT,
    };
    SSL_CTX_set_verify(context, modes[settings->verify], NULL);
    if (settings->verify != TLS_VERIFY_NONE && settings->ca_certs == NULL) {
        return tls_error_set(error,
                             "ssl_cert_reqs: who signs clients' certificates? Give ssl_ca_certs");
    }
    return settings->ca_certs == NULL || load_authorities(context, settings->ca_certs, error);
}

/* --- Choices within the handshake --- */

/* A client that speaks none of ours is refused (RFC 7301 section 3.2): what it would send next is
 * not meant for us. */
static int choose_protocol(SSL *ssl, const unsigned char **chosen, unsigned char *length,
                           const unsigned char *offered, unsigned offered_length, void *owner) {
    (void)ssl;
    const struct tls_context *context = owner;
    unsigned skipped = context->has_http2 ? 0 : HTTP2_NAME;
    unsigned char *found;
    if (SSL_select_next_proto(&found, length, PROTOCOLS + skipped, sizeof(PROTOCOLS) - 1 - skipped,
                              offered, offered_length) != OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *chosen = found;
    return SSL_TLSEXT_ERR_OK;
}

static int choose_certificate(SSL *ssl, int *alert, void *owner) {
    (void)alert;
    const struct tls_context *context = owner;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    for (size_t i = 0; name != NULL && i < context->count; i++) {
        X509 *certificate = SSL_CTX_get0_certificate(context->contexts[i]);
        if (X509_check_host(certificate, name, strlen(name), 0, NULL) == 1) {
            SSL_set_SSL_CTX(ssl, context->contexts[i]);
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_NOACK;
}

/* --- Making --- */

/* RFC 8446, B.4. */
enum {
    AES_128_GCM_SHA256 = 0x1301,
    AES_256_GCM_SHA384 = 0x1302,
    CHACHA20_POLY1305_SHA256 = 0x1303
};

/* Whether nobody has said, in openssl.cnf, which suites of TLS 1.3 there are, or in what order. */
static bool has_default_suites(const SSL_CTX *context) {
    const uint16_t usual[] = {AES_256_GCM_SHA384, CHACHA20_POLY1305_SHA256, AES_128_GCM_SHA256};
    const STACK_OF(SSL_CIPHER) *ciphers = SSL_CTX_get_ciphers(context);
    bool is_usual = sk_SSL_CIPHER_num(ciphers) >= 3;
    for (int i = 0; is_usual && i < 3; i++) {
        is_usual = SSL_CIPHER_get_protocol_id(sk_SSL_CIPHER_value(ciphers, i)) == usual[i];
    }
    return is_usual;
}

/* AES with 128 bits first, as Mozilla's recommendation and the servers written in Go have it: with
 * 256 a short request takes a twentieth more of the processor, and neither is known to be broken.
 */
static bool prefer_short_keys(SSL_CTX *context) {
    return !has_default_suites(context) ||
           SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:"
                                             "TLS_CHACHA20_POLY1305_SHA256") == 1;
}

static SSL_CTX *new_ssl_ctx(struct tls_context *owner, const struct tls_settings *settings,
                            const struct tls_certificate *certificate, struct tls_error *error) {
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    if (context == NULL) {
        (void)tls_error_set(error, "TLS cannot be started: %s", tls_error_reason());
        return NULL;
    }
    SSL_CTX_set_min_proto_version(context,
                                  settings->needs_tls_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_COMPRESSION);
    /* Buffers only while there is something in them: an idle connection holds 16 KB more than a
     * plain one, not 50. To keep those of busy ones would save a fiftieth of a short request's
     * instructions, for memory that is no longer shared in the processor's cache; and what would
     * free them again, SSL_free_buffers(), frees a record that is half there before OpenSSL 3.0.14.
     */
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1); /* a record's head and body in one call */
    SSL_CTX_set_dh_auto(context, 1);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets instead */
    SSL_CTX_set_alpn_select_cb(context, choose_protocol, owner);
    SSL_CTX_set_tlsext_servername_callback(context, choose_certificate);
    SSL_CTX_set_tlsext_servername_arg(context, owner);
    bool is_made =
        load_certificate(context, certificate, error) && set_verification(context, settings, error);
    if (is_made && settings->ciphers != NULL &&
        SSL_CTX_set_cipher_list(context, settings->ciphers) != 1) {
        is_made =
            tls_error_set(error, "ssl_ciphers: OpenSSL knows none of \"%s\"", settings->ciphers);
    }
    if (is_made && !prefer_short_keys(context)) {
        is_made = tls_error_set(error, "TLS cannot be started: %s", tls_error_reason());
    }
    if (is_made && (!tls_session_context_set(context, settings->verify, settings->ca_certs) ||
                    tls_ticket_keys_install(owner->keys, context) != STATUS_OK)) {
        is_made = tls_error_set(error, "TLS cannot be started: no tickets");
    }
    if (!is_made) {
        SSL_CTX_free(context);
        return NULL;
    }
    return context;
}

struct tls_context *tls_context_new(const struct tls_settings *settings,
                                    struct tls_ticket_keys *keys, struct tls_error *error) {
    size_t size = sizeof(struct tls_context) + settings->certificate_count * sizeof(SSL_CTX *);
    struct tls_context *context = memory_allocate_zeroed(size);
    if (context == NULL) {
        (void)tls_error_set(error, "TLS cannot be started: no memory");
        return NULL;
    }
    ERR_clear_error();
    context->references = 1;
    context->has_http2 = settings->has_http2;
    context->keys = tls_ticket_keys_ref(keys);
    context->bio_method = tls_bio_method_new();
    if (context->bio_method == NULL) {
        (void)tls_error_set(error, "TLS cannot be started: no memory");
        tls_context_unref(context);
        return NULL;
    }
    for (size_t i = 0; i < settings->certificate_count; i++) {
        context->contexts[i] = new_ssl_ctx(context, settings, &settings->certificates[i], error);
        if (context->contexts[i] == NULL) {
            tls_context_unref(context);
            return NULL;
        }
        context->count++;
    }
    for (size_t i = 0; i < settings->ocsp_count; i++) {
        if (!tls_ocsp_load(context->contexts, context->count, settings->ocsp_files[i], error)) {
            tls_context_unref(context);
            return NULL;
        }
    }
    ERR_clear_error(); /* of ends of files */
    return context;
}

struct tls_context *tls_context_ref(struct tls_context *context) {
    context->references++;
    return context;
}

void tls_context_unref(struct tls_context *context) {
    if (context == NULL || --context->references > 0) {
        return;
    }
    for (size_t i = 0; i < context->count; i++) {
        tls_ocsp_remove(context->contexts[i]);
        SSL_CTX_free(context->contexts[i]);
    }
    BIO_meth_free(context->bio_method);
    tls_ticket_keys_unref(context->keys);
    memory_free(context);
}

SSL *tls_context_accept(struct tls_context *context, struct tls_bio *bio) {
    SSL *ssl = SSL_new(context->contexts[0]);
    BIO *handle = ssl != NULL ? tls_bio_open(bio, context->bio_method) : NULL;
    if (handle == NULL) {
        SSL_free(ssl);
        return NULL;
    }
    SSL_set_bio(ssl, handle, handle); /* takes it */
    SSL_set_accept_state(ssl);
    return ssl;
}

long long tls_context_expires_in(const struct tls_context *context) {
    long long soonest = 0;
    for (size_t i = 0; i < context->count; i++) {
        const ASN1_TIME *end = X509_get0_notAfter(SSL_CTX_get0_certificate(context->contexts[i]));
        int days = 0, seconds = 0;
        if (ASN1_TIME_diff(&days, &seconds, NULL, end) == 1) {
            long long left = days * 86400LL + seconds;
            soonest = i == 0 || left < soonest ? left : soonest;
        }
    }
    return soonest;
}

long long tls_context_ocsp_expires_in(const struct tls_context *context) {
    long long soonest = TLS_OCSP_NEVER;
    for (size_t i = 0; i < context->count; i++) {
        tls_ocsp_expires_in(context->contexts[i], &soonest);
    }
    return soonest;
}
