/* Plaintext on its way into records: the parts of one write, and how far they are taken. Owns
 * nothing. */
#ifndef CASGI_TLS_TLS_PLAINTEXT_H
#define CASGI_TLS_TLS_PLAINTEXT_H

#include <stdbool.h>

#include "base/slice.h"

/* The plaintext of one record (RFC 8446 section 5.1). */
enum { TLS_RECORD_SIZE = 16 * 1024 };

struct tls_plaintext {
    const struct slice *parts;
    unsigned count;
    unsigned part; /* the first that is not wholly taken, and how much of it is */
    size_t offset;
};

static inline bool tls_plaintext_is_used_up(const struct tls_plaintext *plaintext) {
    return plaintext->part == plaintext->count;
}

/* Takes the plaintext of the next record: in place where a part fills it, or copied together into
 * `room`, of TLS_RECORD_SIZE. *Borrowed* from the parts, or from `room`. */
struct slice tls_plaintext_next(struct tls_plaintext *plaintext, char *room);

#endif
