/* Responses of OCSP, stapled. Each SSL_CTX owns its `struct staple`, as the argument of its status
 * callback; the clock is the system's. */
#include "tls/tls_ocsp.h"

#include <openssl/ocsp.h>
#include <openssl/ssl.h>
#include <string.h>
#include <time.h>

#include "base/memory.h"

struct staple {
    int64_t valid_until; /* seconds since 1970; INT64_MAX: nobody says */
    int length;
    unsigned char bytes[]; /* DER */
};

/* --- Sending: SSL_CTX_set_tlsext_status_cb(3) --- */

/* One that is out of date would be worse than none: the client would refuse it. */
static int on_status_request(SSL *ssl, void *owner) {
    const struct staple *staple = owner;
    if (staple == NULL || staple->valid_until <= time(NULL)) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    unsigned char *copy = OPENSSL_memdup(staple->bytes, (size_t)staple->length);
    if (copy == NULL) {
        return SSL_TLSEXT_ERR_NOACK;
    }
    SSL_set_tlsext_status_ocsp_resp(ssl, copy, staple->length); /* takes it */
    return SSL_TLSEXT_ERR_OK;
}

static struct staple *staple_of(SSL_CTX *context) {
    void *staple = NULL;
    SSL_CTX_get_tlsext_status_arg(context, &staple);
    return staple;
}

void tls_ocsp_remove(SSL_CTX *context) {
    memory_free(staple_of(context));
    SSL_CTX_set_tlsext_status_arg(context, NULL);
}

/* --- Reading --- */

/* By serial number and the issuer's name: its key is known only where the chain has it. */
static bool is_about(OCSP_SINGLERESP *single, X509 *certificate) {
    ASN1_OBJECT *algorithm = NULL;
    ASN1_OCTET_STRING *name = NULL;
    ASN1_INTEGER *serial = NULL;
    OCSP_CERTID *id = (OCSP_CERTID *)OCSP_SINGLERESP_get0_id(single);
    OCSP_id_get0_info(&name, &algorithm, NULL, &serial, id);
    const EVP_MD *digest = EVP_get_digestbyobj(algorithm);
    unsigned char expected[EVP_MAX_MD_SIZE];
    unsigned length = 0;
    return ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(certificate)) == 0 && digest != NULL &&
           X509_NAME_digest(X509_get_issuer_name(certificate), digest, expected, &length) == 1 &&
           ASN1_STRING_length(name) == (int)length &&
           memcmp(ASN1_STRING_get0_data(name), expected, length) == 0;
}

static OCSP_SINGLERESP *find_about(OCSP_BASICRESP *basic, X509 *certificate) {
    for (int i = 0; i < OCSP_resp_count(basic); i++) {
        OCSP_SINGLERESP *single = OCSP_resp_get0(basic, i);
        if (is_about(single, certificate)) {
            return single;
        }
    }
    return NULL;
}

static int64_t seconds_of(const ASN1_GENERALIZEDTIME *when) {
    struct tm broken_down;
    return when != NULL && ASN1_TIME_to_tm(when, &broken_down) == 1 ? timegm(&broken_down)
                                                                    : INT64_MAX;
}

/* Gives the context a copy. */
static bool staple(SSL_CTX *context, OCSP_RESPONSE *response, int64_t valid_until) {
    int length = i2d_OCSP_RESPONSE(response, NULL);
    struct staple *staple =
        length > 0 ? memory_allocate(sizeof(struct staple) + (size_t)length) : NULL;
    if (staple == NULL) {
        return false;
    }
    unsigned char *end = staple->bytes;
    staple->length = i2d_OCSP_RESPONSE(response, &end);
    staple->valid_until = valid_until;
    tls_ocsp_remove(context);
    SSL_CTX_set_tlsext_status_arg(context, staple);
    SSL_CTX_set_tlsext_status_cb(context, on_status_request);
    return true;
}

static bool give(SSL_CTX *const *contexts, size_t count, OCSP_RESPONSE *response,
                 OCSP_BASICRESP *basic, const char *path, struct tls_error *error) {
    bool is_given = false;
    for (size_t i = 0; i < count; i++) {
        OCSP_SINGLERESP *single = find_about(basic, SSL_CTX_get0_certificate(contexts[i]));
        ASN1_GENERALIZEDTIME *next_update = NULL;
        if (single == NULL) {
            continue;
        }
        int status = OCSP_single_get0_status(single, NULL, NULL, NULL, &next_update);
        if (status != V_OCSP_CERTSTATUS_GOOD) {
            return tls_error_set(error, "ssl_ocsp: %s says of the certificate: %s", path,
                                 OCSP_cert_status_str(status));
        }
        if (!staple(contexts[i], response, seconds_of(next_update))) {
            return tls_error_set(error, "TLS cannot be started: no memory");
        }
        is_given = true;
    }
    return is_given || tls_error_set(error,
                                     "ssl_ocsp: %s is about none of the certificates: ask for a "
                                     "response anew when a certificate is renewed",
                                     path);
}

bool tls_ocsp_load(SSL_CTX *const *contexts, size_t count, const char *path,
                   struct tls_error *error) {
    if (!tls_error_check_readable(error, "ssl_ocsp", path)) {
        return false;
    }
    BIO *file = BIO_new_file(path, "r");
    OCSP_RESPONSE *response = file != NULL ? d2i_OCSP_RESPONSE_bio(file, NULL) : NULL;
    BIO_free(file);
    OCSP_BASICRESP *basic = response != NULL ? OCSP_response_get1_basic(response) : NULL;
    bool is_loaded =
        basic != NULL ? give(contexts, count, response, basic, path, error)
                      : tls_error_set(error,
                                      "ssl_ocsp: there is no answer of an authority in %s (DER, as "
                                      "openssl ocsp -respout writes it)",
                                      path);
    OCSP_BASICRESP_free(basic);
    OCSP_RESPONSE_free(response);
    return is_loaded;
}

void tls_ocsp_expires_in(SSL_CTX *context, long long *seconds) {
    const struct staple *staple = staple_of(context);
    if (staple != NULL && staple->valid_until != INT64_MAX) {
        long long left = staple->valid_until - time(NULL);
        *seconds = left < *seconds ? left : *seconds;
    }
}
