/* The opening handshake on header values. Owns nothing and keeps no state; hashing and base64 are
 * libcrypto's. */
#include "ws/ws_handshake.h"

#include <assert.h>

#include <openssl/evp.h>
#include <openssl/sha.h>

/* RFC 6455 section 1.3: what the server appends to the key before hashing. */
static const char ACCEPT_GUID[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

enum { GUID_LENGTH = sizeof(ACCEPT_GUID) - 1, KEY_PADDING = 2 };

static bool is_base64(char c) {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
}

/* The key is never decoded, only hashed as it stands: whether the four spare bits of its last
 * character are zero, as canonical base64 has them, is of no consequence, so they may be anything.
 */
bool ws_handshake_key_is_valid(struct slice key) {
    if (key.length != WS_KEY_LENGTH) {
        return false;
    }
    for (size_t i = 0; i < WS_KEY_LENGTH - KEY_PADDING; i++) {
        if (!is_base64(key.data[i])) {
            return false;
        }
    }
    return key.data[WS_KEY_LENGTH - 2] == '=' && key.data[WS_KEY_LENGTH - 1] == '=';
}

bool ws_handshake_accept(struct slice key, char accept[WS_ACCEPT_LENGTH]) {
    assert(key.length == WS_KEY_LENGTH);
    unsigned char text[WS_KEY_LENGTH + GUID_LENGTH];
    unsigned char digest[SHA_DIGEST_LENGTH];
    unsigned char encoded[WS_ACCEPT_LENGTH + 1]; /* EVP_EncodeBlock() ends with a NUL */
    memcpy(text, key.data, WS_KEY_LENGTH);
    memcpy(text + WS_KEY_LENGTH, ACCEPT_GUID, GUID_LENGTH);
    if (SHA1(text, sizeof(text), digest) == NULL) {
        return false;
    }
    EVP_EncodeBlock(encoded, digest, sizeof(digest));
    memcpy(accept, encoded, WS_ACCEPT_LENGTH);
    return true;
}

bool ws_handshake_version_is_supported(struct slice version) {
    return slice_equals(version, SLICE_LITERAL("13"));
}

struct slice ws_handshake_next_subprotocol(struct slice *rest) {
    while (rest->length > 0) {
        const char *comma = memchr(rest->data, ',', rest->length);
        size_t length = comma != NULL ? (size_t)(comma - rest->data) : rest->length;
        size_t taken = comma != NULL ? length + 1 : length;
        struct slice subprotocol = slice_trim(slice_of(rest->data, length));
        *rest = slice_of(rest->data + taken, rest->length - taken);
        if (subprotocol.length > 0) {
            return subprotocol;
        }
    }
    return SLICE_EMPTY;
}
