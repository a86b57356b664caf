/* Cutting plaintext into records. Owns nothing. */
#include "tls/tls_plaintext.h"

struct slice tls_plaintext_next(struct tls_plaintext *plaintext, char *room) {
    size_t length = 0;
    while (!tls_plaintext_is_used_up(plaintext) && length < TLS_RECORD_SIZE) {
        struct slice part = plaintext->parts[plaintext->part];
        size_t left = part.length - plaintext->offset;
        size_t taken = left < TLS_RECORD_SIZE - length ? left : TLS_RECORD_SIZE - length;
        const char *bytes = part.data + plaintext->offset;
        plaintext->offset += taken;
        if (taken == left) {
            plaintext->part++;
            plaintext->offset = 0;
        }
        if (length == 0 && (taken == TLS_RECORD_SIZE || tls_plaintext_is_used_up(plaintext))) {
            return slice_of(bytes, taken);
        }
        memcpy(room + length, bytes, taken);
        length += taken;
    }
    return slice_of(room, length);
}
