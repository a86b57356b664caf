/* What is wrong with certificates, keys and settings, in words; and the keys of tickets. */
#include "tls_support.h"

static struct pem_files good, other, locked, expired;

static struct tls_context *make(const struct tls_settings *settings, struct tls_error *error) {
    struct tls_ticket_keys *keys = tls_ticket_keys_new(NULL);
    struct tls_context *context = tls_context_new(settings, keys, error);
    tls_ticket_keys_unref(keys);
    return context;
}

/* Checks that the files are refused with these words. */
static void check_refused(struct tls_certificate certificate, const char *words) {
    struct tls_settings settings = {.certificates = &certificate, .certificate_count = 1};
    struct tls_error error = {""};
    CHECK(make(&settings, &error) == NULL);
    CHECK_ROW(strstr(error.text, words) != NULL, error.text);
    CHECK(ERR_peek_error() == 0);
}

static void test_files(void) {
    check_refused((struct tls_certificate){.certfile = "/nowhere/c.pem"},
                  "ssl_certfile: cannot read /nowhere/c.pem: No such file");
    check_refused((struct tls_certificate){.certfile = good.certificate, .keyfile = "/nowhere/k"},
                  "ssl_keyfile: cannot read /nowhere/k: No such file");
    check_refused((struct tls_certificate){.certfile = good.key, .keyfile = good.key},
                  "ssl_certfile: there is no certificate in");
    check_refused((struct tls_certificate){.certfile = good.certificate},
                  "ssl_keyfile: there is no private key in");
    check_refused((struct tls_certificate){.certfile = good.certificate, .keyfile = other.key},
                  "is not that of the certificate in");
}

static void test_passwords(void) {
    struct tls_certificate certificate = {.certfile = locked.certificate, .keyfile = locked.key};
    check_refused(certificate, "is encrypted: give ssl_keyfile_password");
    certificate.password = "wrong";
    check_refused(certificate, "ssl_keyfile_password: it does not open the key in");
    certificate.password = "secret";
    struct tls_settings settings = {.certificates = &certificate, .certificate_count = 1};
    struct tls_error error = {""};
    struct tls_context *context = make(&settings, &error);
    CHECK_ROW(context != NULL, error.text);
    tls_context_unref(context);
}

static void check_settings(struct tls_settings settings, const char *words) {
    struct tls_certificate certificate = {.certfile = good.certificate, .keyfile = good.key};
    struct tls_error error = {""};
    settings.certificates = &certificate;
    settings.certificate_count = 1;
    CHECK(make(&settings, &error) == NULL);
    CHECK_ROW(strstr(error.text, words) != NULL, error.text);
}

static void test_settings(void) {
    check_settings((struct tls_settings){.ciphers = "NO-SUCH-CIPHER"},
                   "ssl_ciphers: OpenSSL knows");
    check_settings((struct tls_settings){.verify = TLS_VERIFY_REQUIRED}, "Give ssl_ca_certs");
    check_settings((struct tls_settings){.ca_certs = "/nowhere"}, "ssl_ca_certs: cannot read");
    check_settings((struct tls_settings){.ca_certs = good.key}, "ssl_ca_certs: there is no");
}

static void test_expiry(void) {
    struct tls_context *context = context_of(&good);
    CHECK(tls_context_expires_in(context) > 29 * 86400LL);
    tls_context_unref(context);
    context = context_of(&expired);
    CHECK(tls_context_expires_in(context) < 0);
    tls_context_unref(context);
}

/* OpenSSL has 128 numbers for types of BIO, and certificates are renewed for ever. */
static void test_renewing_uses_up_nothing(void) {
    int before = BIO_get_new_index();
    tls_context_unref(context_of(&good));
    tls_context_unref(context_of(&other));
    CHECK(BIO_get_new_index() == before + 1);
}

static void test_allocations_that_fail(void) {
    struct tls_certificate certificate = {.certfile = good.certificate, .keyfile = good.key};
    struct tls_settings settings = {.certificates = &certificate, .certificate_count = 1};
    struct tls_ticket_keys *keys = tls_ticket_keys_new(NULL);
    struct tls_error error = {""};
    memory_set_failure(1);
    CHECK(tls_context_new(&settings, keys, &error) == NULL && error.text[0] != '\0');
    memory_set_failure(1);
    CHECK(tls_ticket_keys_new(NULL) == NULL);
    memory_set_failure(0);
    tls_ticket_keys_unref(keys);
}

/* Whoever has the secret and its age has the keys of now, however old it is. */
static void test_shared_secret(void) {
    static const uint8_t secret[TLS_TICKET_SECRET_LENGTH] = {1, 2, 3};
    struct tls_ticket_keys *keys = tls_ticket_keys_new_since(secret, 0);
    CHECK(keys != NULL);
    tls_ticket_keys_unref(keys);
    memory_set_failure(1);
    CHECK(tls_ticket_keys_new_since(secret, 0) == NULL);
    memory_set_failure(0);
}

int main(void) {
    test_shared_secret();
    pem_make(&good, "good.example", 30, NULL);
    pem_make(&other, "other.example", 30, NULL);
    pem_make(&locked, "locked.example", 30, "secret");
    pem_make(&expired, "expired.example", -1, NULL);
    test_files();
    test_passwords();
    test_settings();
    test_expiry();
    test_renewing_uses_up_nothing();
    test_allocations_that_fail();
    pem_remove(&good);
    pem_remove(&other);
    pem_remove(&locked);
    pem_remove(&expired);
    return net_report();
}
