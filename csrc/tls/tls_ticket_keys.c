/* Keys of session tickets. Owns the secret and the keys of two periods; the clock is the system's,
 * since the processes that share a secret have nothing else in common. */
#include "tls/tls_ticket_keys.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <string.h>
#include <time.h>

#include "base/limits.h"
#include "base/memory.h"

enum { KEY_NAME_LENGTH = 16, CIPHER_KEY_LENGTH = 32, MAC_KEY_LENGTH = 32 };

struct period_keys {
    unsigned char name[KEY_NAME_LENGTH]; /* goes in front of the ticket, so that its key is found */
    unsigned char cipher[CIPHER_KEY_LENGTH];
    unsigned char mac[MAC_KEY_LENGTH];
};

struct tls_ticket_keys {
    unsigned references;
    int64_t period; /* of `current` */
    uint8_t secret[TLS_TICKET_SECRET_LENGTH];
    struct period_keys current;
    struct period_keys previous;
    bool has_previous;
};

static int64_t period_now(void) {
    return (int64_t)time(NULL) / LIMIT_TLS_TICKET_SECONDS;
}

/* Fills `output` with what follows from the secret under this label (HKDF, RFC 5869). */
static bool derive(const uint8_t *secret, const char *label, unsigned char *output, size_t length) {
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, OSSL_KDF_NAME_HKDF, NULL);
    EVP_KDF_CTX *context = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)secret,
                                          TLS_TICKET_SECRET_LENGTH),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)label, strlen(label)),
        OSSL_PARAM_construct_end(),
    };
    bool is_derived = context != NULL && EVP_KDF_derive(context, output, length, parameters) > 0;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return is_derived;
}

static bool derive_current(struct tls_ticket_keys *keys) {
    return derive(keys->secret, "ticket", (unsigned char *)&keys->current, sizeof(keys->current));
}

/* Goes one period on. */
static bool advance(struct tls_ticket_keys *keys) {
    uint8_t next[TLS_TICKET_SECRET_LENGTH];
    if (!derive(keys->secret, "next", next, sizeof(next))) {
        return false;
    }
    keys->previous = keys->current;
    keys->has_previous = true;
    memcpy(keys->secret, next, sizeof(next));
    OPENSSL_cleanse(next, sizeof(next));
    keys->period++;
    return derive_current(keys);
}

/* A clock that was set back changes nothing: keys never return. */
static bool advance_to_now(struct tls_ticket_keys *keys) {
    int64_t now = period_now();
    while (keys->period < now) {
        if (!advance(keys)) {
            return false;
        }
    }
    return true;
}

struct tls_ticket_keys *tls_ticket_keys_new(const uint8_t *secret) {
    struct tls_ticket_keys *keys = memory_allocate_zeroed(sizeof(*keys));
    if (keys == NULL) {
        return NULL;
    }
    keys->references = 1;
    keys->period = period_now();
    if (secret != NULL) {
        memcpy(keys->secret, secret, sizeof(keys->secret));
    }
    bool has_secret = secret != NULL || RAND_bytes(keys->secret, sizeof(keys->secret)) == 1;
    if (!has_secret || !derive_current(keys)) {
        tls_ticket_keys_unref(keys);
        return NULL;
    }
    return keys;
}

struct tls_ticket_keys *tls_ticket_keys_new_since(const uint8_t *secret, int64_t since) {
    struct tls_ticket_keys *keys = tls_ticket_keys_new(secret);
    if (keys == NULL) {
        return NULL;
    }
    keys->period = since / LIMIT_TLS_TICKET_SECONDS;
    if (!advance_to_now(keys)) {
        tls_ticket_keys_unref(keys);
        return NULL;
    }
    return keys;
}

struct tls_ticket_keys *tls_ticket_keys_ref(struct tls_ticket_keys *keys) {
    keys->references++;
    return keys;
}

void tls_ticket_keys_unref(struct tls_ticket_keys *keys) {
    if (keys != NULL && --keys->references == 0) {
        OPENSSL_cleanse(keys, sizeof(*keys));
        memory_free(keys);
    }
}

/* --- OpenSSL's callback: SSL_CTX_set_tlsext_ticket_key_evp_cb(3) --- */

enum ticket_verdict {
    TICKET_FAILED = -1,
    TICKET_UNKNOWN = 0,
    TICKET_TAKEN = 1,
    TICKET_TAKEN_AND_RENEWED = 2
};

static bool set_mac_key(EVP_MAC_CTX *mac, const struct period_keys *period) {
    OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)period->mac,
                                          sizeof(period->mac)),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_end(),
    };
    return EVP_MAC_CTX_set_params(mac, parameters) == 1;
}

static int seal(const struct period_keys *period, unsigned char *name, unsigned char *iv,
                EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac) {
    if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(EVP_aes_256_cbc())) != 1 ||
        EVP_EncryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, period->cipher, iv) != 1 ||
        !set_mac_key(mac, period)) {
        return TICKET_FAILED;
    }
    memcpy(name, period->name, KEY_NAME_LENGTH);
    return TICKET_TAKEN;
}

static int open_ticket(struct tls_ticket_keys *keys, const unsigned char *name,
                       const unsigned char *iv, EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac) {
    bool is_current = memcmp(name, keys->current.name, KEY_NAME_LENGTH) == 0;
    bool is_previous =
        keys->has_previous && memcmp(name, keys->previous.name, KEY_NAME_LENGTH) == 0;
    if (!is_current && !is_previous) {
        return TICKET_UNKNOWN;
    }
    const struct period_keys *period = is_current ? &keys->current : &keys->previous;
    if (EVP_DecryptInit_ex(cipher, EVP_aes_256_cbc(), NULL, period->cipher, iv) != 1 ||
        !set_mac_key(mac, period)) {
        return TICKET_FAILED;
    }
    return is_current ? TICKET_TAKEN : TICKET_TAKEN_AND_RENEWED;
}

static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
                     EVP_MAC_CTX *mac, int is_new) {
    struct tls_ticket_keys *keys = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    if (!advance_to_now(keys)) {
        return TICKET_FAILED;
    }
    return is_new ? seal(&keys->current, name, iv, cipher, mac)
                  : open_ticket(keys, name, iv, cipher, mac);
}

int tls_ticket_keys_install(struct tls_ticket_keys *keys, SSL_CTX *context) {
    SSL_CTX_set_app_data(context, keys);
    SSL_CTX_set_timeout(context, LIMIT_TLS_TICKET_SECONDS);
    return SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket) == 1 ? STATUS_OK
                                                                         : STATUS_NO_MEMORY;
}
